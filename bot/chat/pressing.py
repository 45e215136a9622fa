"""Buttons and selects under answers. They carry all they need, so they outlast a restart.

discord.py's ``DynamicItem`` reads ids as well, but keeps silent about those it does not know or
does not find in the message; here whoever presses always gets an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import discord

from bot.chat.asked import asked_in, quote, quoted_in
from bot.chat.card import text_card
from bot.chat.cards import Cards
from bot.chat.controls import Action, Control, Reference
from bot.chat.desk import Desk
from bot.chat.log import event, trouble
from bot.chat.recent import Once
from bot.chat.sending import Interaction, patiently, replace_message, respond, shows_rich
from bot.chat.speaking import language_of
from bot.errors import StoreError
from bot.reply import Candidate
from bot.store.base import Vote
from bot.wording import Wording

_Press = Callable[["Pressing", Interaction, Control, Cards], Awaitable[None]]


class Pressing:
    """Does what was pressed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._once = Once()
        self._shown = Once()

    async def pressed(self, interaction: Interaction) -> None:
        """Do what a control says; refuse with a word what is none, or is not this person's."""
        if not self._once.first(interaction.id):
            return
        server = await self._desk.server(interaction.guild_id)
        wording = self._desk.assistant.wording(language_of(interaction, server))
        wait = self._desk.presses.wait(interaction.user.id)
        if wait:
            self._desk.metrics.count("refused", "cooldown")
            await _say(interaction, wording, "slower", seconds=int(wait) + 1)
            return
        custom_id = str(_data(interaction).get("custom_id", ""))
        control = Control.read(custom_id)
        if control is None:
            await self._refuse(interaction, wording, "stale", length=len(custom_id))
            return
        if control.action in _ASKERS_OWN and control.asker != interaction.user.id:
            await self._refuse(interaction, wording, "not_yours", action=control.action)
            return
        private = interaction.message is not None and interaction.message.flags.ephemeral
        rich = shows_rich(interaction)
        cards = Cards(self._desk.assistant, wording, interaction.user.id, rich, private)
        try:
            await _PRESSES[control.action](self, interaction, control, cards)
        except Exception as error:  # whoever pressed shall not wait for nothing
            trouble("press_failed", error, action=control.action)
            self._desk.metrics.count("failures", "press")
            with suppress(discord.HTTPException, OSError):
                await _say(interaction, wording, "failed")

    async def _pick(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        """The asker sees the candidate in place of the answer, somebody else for themselves."""
        values = _data(interaction).get("values")
        picked = self._candidate(str(values[0])) if isinstance(values, list) and values else None
        if picked is None:
            await self._refuse(interaction, cards.wording, "gone", action=control.action)
            return
        reference, candidate = picked
        sure = reference.percent is not None
        if not sure or interaction.user.id != control.asker or interaction.message is None:
            private = replace(cards, private=True)
            await respond(interaction, private.answer(candidate, sure=sure), ephemeral=True)
            return
        others = self._others(interaction.message, candidate)
        cards = replace(cards, rich=interaction.message.flags.components_v2)
        card = cards.answer(candidate, others)
        texts = (*quote(quoted_in(interaction.message)), *card.texts)
        await replace_message(interaction, replace(card, texts=texts))

    async def _more(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        written, _, page = control.rest.rpartition(":")
        found = self._candidate(written)
        if found is None or not page.isdecimal():
            await self._refuse(interaction, cards.wording, "gone", action=control.action)
            return
        await respond(interaction, cards.section(found[1], int(page[:3])), ephemeral=True)

    async def _profile(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        try:
            card = cards.profile(control.rest)
        except KeyError:
            await self._refuse(interaction, cards.wording, "gone", action=control.action)
            return
        await respond(interaction, card, ephemeral=True)

    async def _vote(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        message = interaction.message
        if message is None or self._desk.assistant.catalogue.candidate(control.rest) is None:
            await self._refuse(interaction, cards.wording, "gone", action=control.action)
            return
        helpful = control.action is Action.HELPFUL
        question = None if helpful else self._desk.asked.get(message.id) or asked_in(message)
        vote = Vote(interaction.user.id, message.id, control.rest, helpful, question)
        try:
            await self._desk.store.vote(vote)
        except StoreError as error:
            self._desk.metrics.count("failures", "store")
            trouble("vote_not_kept", error)
            await _say(interaction, cards.wording, "not_kept")
            return
        self._desk.metrics.count("votes", control.action)
        event("vote", helpful=helpful, section=control.rest)
        await _say(interaction, cards.wording, "vote_kept" if helpful else "vote_kept_not")

    async def _show(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        found = self._candidate(control.rest)
        if found is None:
            await self._refuse(interaction, cards.wording, "gone", action=control.action)
            return
        message = interaction.message
        if message is not None and not self._shown.first((message.id, control.rest)):
            await _say(interaction, cards.wording, "shown")
            return
        public = replace(cards, private=False)
        reference, candidate = found
        card = public.answer(candidate, sure=reference.percent is not None)
        question = None
        if message is not None:
            question = self._desk.asked.get(message.id) or quoted_in(message)
        card = replace(card, texts=(*quote(question), *card.texts))
        try:
            sent = await respond(interaction, card, ephemeral=False)
        except Exception:
            if message is not None:
                self._shown.forget((message.id, control.rest))
            raise
        if sent is not None and question:
            self._desk.asked.put(sent, question)

    async def _erase(self, interaction: Interaction, control: Control, cards: Cards) -> None:
        del control
        try:
            erasing = self._desk.erase(interaction.user.id)
            await patiently(interaction, erasing, ephemeral=True)
        except StoreError as error:
            self._desk.metrics.count("failures", "store")
            trouble("not_erased", error)
            await _say(interaction, cards.wording, "not_erased")
            return
        event("erased")
        await _say(interaction, cards.wording, "erased")

    def _candidate(self, written: str) -> tuple[Reference, Candidate] | None:
        """The candidate that a reference names, as the document has it now."""
        reference = Reference.read(written)
        if reference is None:
            return None
        section = self._desk.assistant.catalogue.candidate(reference.key)
        return None if section is None else (reference, reference.candidate(section))

    def _others(self, message: discord.Message, picked: Candidate) -> list[Candidate]:
        """What else can be chosen in a message: its answer, and the other options."""
        written: list[str] = []
        for control, values in _controls(message):
            match control.action:
                case Action.MORE:
                    written.insert(0, control.rest.rpartition(":")[0])
                case Action.PICK:
                    written += values
                case _:
                    pass
        found = [each for each in map(self._candidate, written) if each is not None]
        others = {each.key: each for _, each in found if each.key != picked.key}
        return list(others.values())

    async def _refuse(
        self, interaction: Interaction, wording: Wording, phrase: str, **facts: object
    ) -> None:
        event("press_refused", reason=phrase, channel=interaction.channel_id, **facts)
        self._desk.metrics.count("refused", phrase)
        await _say(interaction, wording, phrase)


_ASKERS_OWN = (Action.SHOW, Action.ERASE)
_PRESSES: dict[Action, _Press] = {
    Action.PICK: Pressing._pick,
    Action.MORE: Pressing._more,
    Action.PROFILE: Pressing._profile,
    Action.HELPFUL: Pressing._vote,
    Action.NOT_HELPFUL: Pressing._vote,
    Action.SHOW: Pressing._show,
    Action.ERASE: Pressing._erase,
}


async def _say(interaction: Interaction, wording: Wording, phrase: str, **values: object) -> None:
    await respond(interaction, text_card(wording.phrase(phrase, **values)), ephemeral=True)


def _data(interaction: Interaction) -> dict[str, Any]:
    """What was pressed, as Discord tells it."""
    return cast("dict[str, Any]", interaction.data or {})


def _controls(message: discord.Message) -> list[tuple[Control, list[str]]]:
    """The controls in a message, selects with the values of their options."""
    found: list[tuple[Control, list[str]]] = []
    for row in message.components:
        for item in getattr(row, "children", ()):
            control = Control.read(getattr(item, "custom_id", None) or "")
            if control is not None:
                found.append((control, [each.value for each in getattr(item, "options", ())]))
    return found
