"""Plain messages: those that address the bot are answered, and their answers kept true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from weakref import WeakValueDictionary

import discord

from bot.chat.asked import question_in
from bot.chat.card import ANYBODY, Card, Kept, Ready, text_card
from bot.chat.cards import Cards
from bot.chat.desk import Desk, Question
from bot.chat.exchange import Exchange
from bot.chat.hearing import Hearing, may_be_question
from bot.chat.log import event, trouble
from bot.chat.places import allowed_at
from bot.chat.recent import Once, Recent
from bot.chat.sending import typing_if_slow
from bot.wording import Wording, language

_REMEMBERED = 2_000
_SOON = 900.0
"""Seconds in which an edited question gets its answer edited."""
_AT_ONCE = 20


class Answering:
    """Answers plain messages."""

    def __init__(self, desk: Desk, client: discord.Client) -> None:
        self._desk = desk
        self._hearing = Hearing(desk, client)
        self._once = Once()
        self._exchanges: Recent[Exchange] = Recent(_REMEMBERED)
        self._busy: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def message(self, message: discord.Message) -> None:
        """Answer a message if it is for the bot."""
        if not may_be_question(message) or not self._once.first(message.id):
            return
        exchange = Exchange(message, question_in(message))
        async with exchange.lock:
            # Known from now on: it may be edited or deleted while the bot finds out whom it is for.
            self._exchanges.put(message.id, exchange)
            if await self._hearing.is_for_us(message):
                await self._answer_first(exchange)
            else:
                exchange.over = True
                self._exchanges.forget(message.id)

    async def edited(self, message: discord.Message) -> None:
        """Answer anew what was asked in other words."""
        exchange = self._exchanges.get(message.id)
        text = question_in(message)
        if exchange is None or not text or time.monotonic() - exchange.at > _SOON:
            return
        exchange.text = text
        async with exchange.lock:
            # Not refused: the last of many edits is what the asker wants answered.
            while exchange.text != exchange.answered and not exchange.over:
                wait = self._desk.cooldown.wait(message.author.id)
                if wait:  # and then asked again: only what is allowed counts
                    await asyncio.sleep(wait)
                    continue
                allowed = self._allowed(message)
                if allowed is not None:
                    await self._answer(exchange, allowed)
                return

    async def deleted(self, ids: Iterable[int]) -> None:
        """Delete the answers to deleted questions."""
        for id_ in ids:
            exchange = self._exchanges.get(id_)
            if exchange is not None:
                # At once, whatever is being answered: what comes of it sees that this is over.
                await self._withdraw(exchange)

    async def _answer_first(self, exchange: Exchange) -> None:
        message = exchange.question
        allowed = self._allowed(message)
        if allowed is None:
            return
        wait = self._desk.cooldown.wait(message.author.id)
        # Of a flood a part at a time: whoever asks elsewhere, or by a command, comes in between.
        async with self._few_at_once(message.channel.id):
            if wait:
                await self._tell_to_wait(exchange, wait, allowed)
            else:
                await self._answer(exchange, allowed)

    def _allowed(self, message: discord.Message) -> discord.Permissions | None:
        """What the bot may do where a message was written; None where it may not answer."""
        allowed = allowed_at(message)
        if allowed is None:
            event("not_permitted", channel=message.channel.id)
            self._desk.metrics.count("refused", "permission")
        return allowed

    def _few_at_once(self, channel: int) -> asyncio.Semaphore:
        """Lets a few messages of a channel be answered at the same time."""
        few = self._busy.get(channel)
        if few is None:
            few = self._busy[channel] = asyncio.Semaphore(_AT_ONCE)
        return few

    async def _answer(self, exchange: Exchange, allowed: discord.Permissions) -> None:
        message = exchange.question
        if exchange.over:  # while it waited its turn
            return
        try:
            card = await self._card(exchange, rich=allowed.embed_links)
            await self._say(exchange, card, allowed)
        except (discord.Forbidden, discord.NotFound) as error:
            trouble("answer_refused", error, channel=message.channel.id)
            self._desk.metrics.count("failures", "send")
        except Exception as error:  # whatever it is, the asker shall not wait for nothing
            trouble("answer_failed", error, channel=message.channel.id)
            self._desk.metrics.count("failures", "answer")
            await self._apologise(exchange, allowed)

    async def _card(self, exchange: Exchange, *, rich: bool) -> Card | Ready:
        """The answer to what was asked last."""
        message, text = exchange.question, exchange.text
        server = await self._desk.server(message.guild.id if message.guild else None)
        question = Question(
            message.author.id, message.channel.id, text, speak=server.speak, sure=server.sure
        )
        self._take_back(exchange)
        async with typing_if_slow(message.channel):
            reply = await self._desk.answer(question)
        exchange.answered = text
        event("answered", kind=reply.kind, channel=message.channel.id)
        speak = server.speak or language(text)
        wording = self._desk.assistant.wording(speak)
        if exchange.answer is not None:
            rich = exchange.rich  # a message sent as components stays one, and the other way round
        if not rich:
            return Cards(self._desk.assistant, wording, message.author.id, rich).reply(reply)
        kept = self._desk.drawn.get((reply, speak))
        if kept is None:
            kept = Kept(Cards(self._desk.assistant, wording, ANYBODY, rich).reply(reply))
            self._desk.drawn.put((reply, speak), kept)
        return kept.of(message.author.id)

    def _take_back(self, exchange: Exchange) -> None:
        """Let the conversation be as it was before the question, if it was answered before."""
        key = (exchange.question.channel.id, exchange.question.author.id)
        if exchange.before is None:
            exchange.before = self._desk.conversations.get(key)
        self._desk.conversations.put(key, exchange.before)

    async def _say(
        self, exchange: Exchange, card: Card | Ready, allowed: discord.Permissions
    ) -> None:
        await exchange.say(card, allowed)
        if exchange.answer is not None:
            self._desk.asked.put(exchange.answer.id, exchange.text)

    async def _withdraw(self, exchange: Exchange) -> None:
        if exchange.answer is not None:
            self._desk.asked.forget(exchange.answer.id)
        await exchange.withdraw()

    async def _tell_to_wait(
        self, exchange: Exchange, wait: float, allowed: discord.Permissions
    ) -> None:
        message = exchange.question
        self._desk.metrics.count("refused", "cooldown")
        if not self._desk.cooldown.should_tell(message.author.id):
            return
        event("cooldown", channel=message.channel.id)
        wording = await self._wording(exchange)
        card = text_card(wording.phrase("slower", seconds=int(wait) + 1))
        try:
            await self._say(exchange, card, allowed)
        except discord.HTTPException as error:
            trouble("answer_refused", error, channel=message.channel.id)

    async def _wording(self, exchange: Exchange) -> Wording:
        """The server's language where it has decided for one, else the question's."""
        guild = exchange.question.guild
        server = await self._desk.server(guild.id if guild else None)
        return self._desk.assistant.wording(server.speak or language(exchange.text))

    async def _apologise(self, exchange: Exchange, allowed: discord.Permissions) -> None:
        wording = await self._wording(exchange)
        try:
            await self._say(exchange, text_card(wording.phrase("failed")), allowed)
        except Exception as error:  # it has been tried; what is left is the log
            trouble("answer_lost", error, channel=exchange.question.channel.id)
