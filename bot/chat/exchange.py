"""A message to the bot and its answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import discord

from bot.chat.card import Card, Ready
from bot.chat.log import event, trouble
from bot.chat.sending import persistently, post
from bot.conversation import Conversation


@dataclass(eq=False)
class Exchange:
    """A message to the bot and its answer.

    ``before`` is the conversation that the question was asked in, ``answered`` the text that was
    answered last, ``rich`` whether the answer was sent as components (such a message stays one),
    and ``over`` whether nothing more is to be said, as the question or the answer was deleted.
    """

    question: discord.Message
    text: str
    at: float = field(default_factory=time.monotonic)
    before: Conversation | None = None
    answered: str | None = None
    answer: discord.PartialMessage | None = None
    rich: bool = True
    over: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def say(self, card: Card | Ready, allowed: discord.Permissions) -> None:
        """Write the answer, or another in its place.

        Raises HTTPException.
        """
        if self.over:
            return
        if self.answer is None:
            await self._write(card, allowed)
        else:
            await self._replace(self.answer, card)
        if self.over:
            await self.withdraw()

    async def withdraw(self) -> None:
        """Delete the answer; there won't be another."""
        self.over = True
        answer, self.answer = self.answer, None
        if answer is None:
            return
        try:
            await persistently(answer.delete)
        except discord.NotFound as error:
            self._gone(error)
        except discord.HTTPException as error:
            trouble("answer_not_deleted", error, channel=answer.channel.id)

    async def _write(self, card: Card | Ready, allowed: discord.Permissions) -> None:
        self.rich = allowed.embed_links
        as_reply, nonce = allowed.read_message_history, str(self.question.id)
        id_ = await post(self.question, self._shown(card), nonce, as_reply=as_reply)
        self.answer = discord.PartialMessage(channel=self.question.channel, id=id_)

    async def _replace(self, answer: discord.PartialMessage, card: Card | Ready) -> None:
        arguments = self._shown(card)
        try:
            await persistently(lambda: answer.edit(**arguments))
        except discord.NotFound as error:
            # Whoever removed the answer did not want it there, and an edit of the question is not
            # asking again: the asker who wants an answer can write a new message.
            self._gone(error)

    def _shown(self, card: Card | Ready) -> dict[str, Any]:
        return card.plain() if isinstance(card, Card) and not self.rich else card.rich()

    def _gone(self, error: discord.NotFound) -> None:
        self.over, self.answer = True, None
        event("answer_gone", channel=self.question.channel.id, code=error.code)
