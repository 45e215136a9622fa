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
from bot.chat.log import event, trouble
from bot.chat.places import allowed_at
from bot.chat.recent import Once, Recent
from bot.chat.sending import typing_if_slow
from bot.wording import Wording, language

_REMEMBERED = 2_000
_SOON = 900.0
"""Seconds in which an edited question gets its answer edited."""
_AT_ONCE = 20
_WITH_TEXT = (discord.MessageType.default, discord.MessageType.reply)


class Answering:
    """Answers plain messages."""

    def __init__(self, desk: Desk, client: discord.Client) -> None:
        self._desk = desk
        self._client = client
        self._once = Once()
        self._exchanges: Recent[Exchange] = Recent(_REMEMBERED)
        self._own_threads: Recent[bool] = Recent(_REMEMBERED)
        self._busy: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def message(self, message: discord.Message) -> None:
        """Answer a message if it is for the bot."""
        if not self._may_be_question(message) or not self._once.first(message.id):
            return
        if not (self._is_addressed(message) or await self._is_open_to_all(message)):
            return
        exchange = Exchange(message, question_in(message))
        self._exchanges.put(message.id, exchange)
        allowed = self._allowed(message)
        if allowed is None:
            return
        wait = self._desk.cooldown.wait(message.author.id)
        # Of a flood a part at a time: whoever asks elsewhere, or by a command, comes in between.
        async with self._few_at_once(message.channel.id), exchange.lock:
            if wait:
                await self._tell_to_wait(exchange, wait, allowed)
            else:
                await self._answer(exchange, allowed)

    async def edited(self, message: discord.Message) -> None:
        """Answer anew what was asked in other words."""
        exchange = self._exchanges.get(message.id)
        text = question_in(message)
        if exchange is None or not text or time.monotonic() - exchange.at > _SOON:
            return
        exchange.text = text
        async with exchange.lock:
            if exchange.text != exchange.answered and not exchange.deleted:
                # Not refused: the last of many edits is what the asker wants answered.
                await asyncio.sleep(self._desk.cooldown.wait(message.author.id))
                allowed = self._allowed(message)
                if allowed is not None:
                    await self._answer(exchange, allowed)

    async def deleted(self, ids: Iterable[int]) -> None:
        """Delete the answers to deleted questions."""
        for id_ in ids:
            exchange = self._exchanges.get(id_)
            if exchange is not None:
                exchange.deleted = True
                async with exchange.lock:
                    await self._withdraw(exchange)

    def _may_be_question(self, message: discord.Message) -> bool:
        author = message.author
        return not (
            author.bot
            or message.webhook_id is not None
            or message.mention_everyone
            or message.type not in _WITH_TEXT
        )

    def _is_addressed(self, message: discord.Message) -> bool:
        """Whether the message is a DM, mentions the bot or replies to it, and can be read."""
        me = self._client.user
        if message.guild is None or any(each == me for each in message.mentions):
            return True
        reference = message.reference
        if message.type is not discord.MessageType.reply or reference is None:
            return False
        replied = reference.resolved
        is_ours = isinstance(replied, discord.Message) and replied.author == me
        # Without the intent Discord hides the text of a reply that does not ping.
        return is_ours and bool(message.content)

    async def _is_open_to_all(self, message: discord.Message) -> bool:
        """Whether every message is a question where this one was written."""
        if not self._desk.settings.message_content or not message.content or not message.guild:
            return False
        if "@everyone" in message.content or "@here" in message.content:
            return False  # an announcement, or an attempt at one by somebody who may not
        channel = message.channel
        server = await self._desk.server(message.guild.id)
        if channel.id in server.ask_here:
            return True
        if not isinstance(channel, discord.Thread):
            return False
        return channel.parent_id in server.ask_here or await self._is_own(channel)

    async def _is_own(self, thread: discord.Thread) -> bool:
        """Whether the bot opened the thread, or somebody did under a message of the bot's."""
        me = self._client.user
        if me is None or thread.owner_id == me.id:
            return True
        own = self._own_threads.get(thread.id)
        if own is None:
            own = False
            parent = thread.parent
            if isinstance(parent, discord.TextChannel):
                try:
                    # A thread has the id of the message under which it was opened.
                    own = (await parent.fetch_message(thread.id)).author == me
                except discord.HTTPException as error:
                    event("thread_unknown", thread=thread.id, status=error.status)
            self._own_threads.put(thread.id, own)
        return own

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
