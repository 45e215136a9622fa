"""A message to the bot and its answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import discord

from bot.chat.card import Card, Ready
from bot.chat.log import trouble
from bot.chat.sending import persistently, post


@dataclass(eq=False)
class Exchange:
    """A message to the bot and its answer. ``answered`` is the text that was answered last, and
    ``rich`` whether the answer was sent as components: such a message stays one.
    """

    question: discord.Message
    text: str
    at: float = field(default_factory=time.monotonic)
    answered: str | None = None
    answer: discord.PartialMessage | None = None
    rich: bool = True
    deleted: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def say(self, card: Card | Ready, allowed: discord.Permissions) -> None:
        """Write the answer, or another in its place.

        Raises HTTPException.
        """
        if self.deleted:
            return
        if self.answer is None:
            self.rich = allowed.embed_links
        arguments = card.rich()
        if isinstance(card, Card) and not self.rich:
            arguments = card.plain()
        if self.answer is not None:
            edit = self.answer.edit
            await persistently(lambda: edit(**arguments))
        else:
            as_reply = allowed.read_message_history
            nonce = str(self.question.id)
            id_ = await post(self.question, arguments, nonce, as_reply=as_reply)
            self.answer = discord.PartialMessage(channel=self.question.channel, id=id_)
        if self.deleted:
            await self.withdraw()

    async def withdraw(self) -> None:
        """Delete the answer."""
        answer, self.answer = self.answer, None
        if answer is None:
            return
        try:
            await persistently(answer.delete)
        except discord.HTTPException as error:
            if error.status != 404:
                trouble("answer_not_deleted", error, channel=answer.channel.id)
