"""/ask, the message menu, and what all commands that answer have in common."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord import app_commands

from bot.assistant import LONGEST_QUESTION
from bot.chat.asked import question_in
from bot.chat.cards import Cards
from bot.chat.desk import Desk, Question
from bot.chat.log import event
from bot.chat.sending import Interaction, patiently, respond, shows_rich
from bot.chat.speaking import both, in_both, language_of
from bot.chat.suggestions import Suggestions
from bot.chat.tree import Refused
from bot.store.base import ServerSettings
from bot.text import normalize

Text = app_commands.Range[str, 1, LONGEST_QUESTION]
_MOST = 25


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers questions that come as commands."""

    desk: Desk
    suggestions: Suggestions

    async def answer(
        self,
        interaction: Interaction,
        text: str,
        *,
        division: str | None = None,
        private: bool | None = None,
        quote: bool = True,
    ) -> None:
        """Answer a question, for all or for the asker alone (as the server has it where None)."""
        desk = self.desk
        self.slow_down(interaction)
        server = await desk.server(interaction.guild_id)
        speak = language_of(interaction, server)
        question = Question(
            interaction.user.id,
            interaction.channel_id or 0,
            text,
            division=division and self.division(division),
            speak=speak,
            sure=server.sure,
        )
        ephemeral = server.private if private is None else private
        reply = await patiently(interaction, desk.answer(question), ephemeral=ephemeral)
        event("answered", kind=reply.kind, channel=interaction.channel_id, command=True)
        wording = desk.assistant.wording(speak)
        rich = shows_rich(interaction)
        cards = Cards(desk.assistant, wording, interaction.user.id, rich, ephemeral)
        card = cards.reply(reply, text if quote else None)
        message = await respond(interaction, card, ephemeral=ephemeral)
        if message is not None:
            desk.asked.put(message, text)

    async def profile(self, interaction: Interaction, division: str) -> None:
        """Introduce a division."""
        self.slow_down(interaction)
        id_ = self.division(division)
        cards = await self.cards(interaction)
        server = await self.desk.server(interaction.guild_id)
        key = (interaction.channel_id or 0, interaction.user.id)
        self.desk.conversations.put(key, self.desk.assistant.profile(id_).conversation)
        await respond(interaction, cards.profile(id_), ephemeral=server.private)

    async def cards(self, interaction: Interaction) -> Cards:
        """Draws cards for whoever gave a command."""
        server = await self.desk.server(interaction.guild_id)
        assistant = self.desk.assistant
        wording = assistant.wording(language_of(interaction, server))
        return Cards(assistant, wording, interaction.user.id, shows_rich(interaction))

    def slow_down(self, interaction: Interaction) -> None:
        """Refuse who asks too much."""
        wait = self.desk.cooldown.wait(interaction.user.id)
        if wait:
            self.desk.metrics.count("refused", "cooldown")
            raise Refused("slower", seconds=int(wait) + 1)

    def division(self, named: str) -> str:
        """The id of a division, however it was named; refuses what is none."""
        try:
            return self.desk.assistant.catalogue.division(named).names.id
        except KeyError:
            raise Refused("no_division", name=named[:100].replace("`", "")) from None

    async def suggest(
        self, interaction: Interaction, typed: str, division: str | None = None
    ) -> list[app_commands.Choice[str]]:
        """Questions to choose from."""
        speak = language_of(interaction, ServerSettings())
        found = await self.suggestions.fitting(typed, division, speak)
        return [app_commands.Choice(name=each, value=each) for each in found]

    def suggest_divisions(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        """Divisions to choose from, in the language of who types."""
        wanted = normalize(typed)
        english = interaction.locale is not discord.Locale.japanese
        choices = []
        for each in self.desk.assistant.index.divisions:
            names = each.names
            known = [names.id, names.name, names.name_en, *each.aliases]
            if any(wanted in normalize(name) for name in known if name):
                shown = names.name_en if english and names.name_en else names.name
                choices.append(app_commands.Choice(name=shown[:100], value=names.id))
        return choices[:_MOST]


def add_ask(tree: app_commands.CommandTree[discord.Client], asking: Asking) -> None:
    """Add /ask and the message menu."""
    ja, en = asking.desk.assistant.wording("ja"), asking.desk.assistant.wording("en")

    @tree.command(name="ask", description=both(ja, en, "describe_ask"))
    @app_commands.rename(
        question=in_both(ja.phrase("name_question"), "question"),
        division=in_both(ja.phrase("name_division"), "division"),
        private=in_both(ja.phrase("name_private"), "private"),
    )
    @app_commands.describe(
        question=both(ja, en, "describe_question"),
        division=both(ja, en, "describe_division"),
        private=both(ja, en, "describe_private"),
    )
    async def ask(
        interaction: Interaction,
        question: Text,
        division: str | None = None,
        private: bool | None = None,
    ) -> None:
        await asking.answer(interaction, question, division=division, private=private)

    @ask.autocomplete("question")
    async def questions(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        chosen = getattr(interaction.namespace, "division", None)
        known = asking.desk.assistant.index.division_named
        named = normalize(chosen) if isinstance(chosen, str) else ""
        id_ = asking.division(named) if named in known else None
        return await asking.suggest(interaction, typed, id_)

    @ask.autocomplete("division")
    async def divisions(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return asking.suggest_divisions(interaction, typed)

    @tree.context_menu(name=in_both(ja.phrase("menu_answer"), en.phrase("menu_answer")))
    async def answer_this(interaction: Interaction, message: discord.Message) -> None:
        text = question_in(message)
        if not text:
            raise Refused("nothing_to_answer")
        await asking.answer(interaction, text, quote=True)
