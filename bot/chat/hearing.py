"""Which messages are for the bot."""

from __future__ import annotations

import aiohttp
import discord

from bot.chat.asked import question_in
from bot.chat.desk import Desk
from bot.chat.log import event
from bot.chat.recent import Recent
from bot.chat.sending import persistently

_REMEMBERED = 2_000
_PATIENCE = 30.0
"""Seconds for finding out whose a thread is; then whoever wrote there has gone on."""
_WITH_TEXT = (discord.MessageType.default, discord.MessageType.reply)


def may_be_question(message: discord.Message) -> bool:
    """Whether a message is by a person, to somebody rather than to everybody, and not a sticker."""
    is_sticker = bool(message.stickers) and not question_in(message)
    return not (
        message.author.bot
        or message.webhook_id is not None
        or message.mention_everyone
        or message.type not in _WITH_TEXT
        or is_sticker
    )


class Hearing:
    """Tells messages that are for the bot from others."""

    def __init__(self, desk: Desk, client: discord.Client) -> None:
        self._desk = desk
        self._client = client
        self._own_threads: Recent[bool] = Recent(_REMEMBERED)

    async def is_for_us(self, message: discord.Message) -> bool:
        """Whether the bot is to answer a message."""
        return self._is_addressed(message) or await self._is_open_to_all(message)

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
        text = question_in(message)
        if not self._desk.settings.message_content or not text or not message.guild:
            return False
        if "@everyone" in text or "@here" in text:
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
        me, parent = self._client.user, thread.parent
        if me is None or thread.owner_id == me.id:
            return True
        own = self._own_threads.get(thread.id)
        if own is None:
            own = False
            if isinstance(parent, discord.TextChannel):
                fetch = parent.fetch_message
                try:
                    # A thread has the id of the message under which it was opened.
                    found = await persistently(lambda: fetch(thread.id), patience=_PATIENCE)
                    own = found.author == me
                except (discord.Forbidden, discord.NotFound) as error:
                    event("thread_unknown", thread=thread.id, status=error.status)
                except (discord.HTTPException, aiohttp.ClientError, OSError):
                    event("thread_unknown", thread=thread.id)
                    return False  # this time: it is asked for again
            self._own_threads.put(thread.id, own)
        return own
