"""The bot as Discord sees it."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Self

import discord
from discord.state import ConnectionState

from bot.chat.answering import Answering
from bot.chat.commands import fill, register
from bot.chat.desk import Desk
from bot.chat.gateway import State, ask_for_gateway
from bot.chat.knowledge import Changes, ReloadError
from bot.chat.log import event, trouble
from bot.chat.pressing import Pressing
from bot.chat.tree import Tree
from bot.errors import StoreError

PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    embed_links=True,
    read_message_history=True,
)
"""All that the bot needs in a server."""
_GRACE, _CLOSING = 3.5, 1.0
"""Seconds at the end for answers in flight, and then for closing connections."""
_CLEAN_UP_EVERY, _KEEP_EVERY = 3600.0, 5.0
_ANSWERS = ("discord.py: on_", "CommandTree-invoker")
"""How discord.py's tasks are named that answer somebody."""


class Client(discord.Client):
    """Hands what comes from Discord to the feature that it is for."""

    def __init__(self, desk: Desk) -> None:
        intents = discord.Intents(
            guilds=True,
            guild_messages=True,
            dm_messages=True,
            message_content=desk.settings.message_content,
        )
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
            guild_ready_timeout=0.5,
        )
        self.desk = desk
        self.tree = Tree(self, desk)
        self._answering = Answering(desk, self)
        self._pressing = Pressing(desk)
        self._works: set[asyncio.Task[None]] = set()
        self._is_connected_once = False

    def _get_state(self, **options: Any) -> ConnectionState[Self]:
        return State(
            dispatch=self.dispatch,
            handlers=self._handlers,
            hooks=self._hooks,
            http=self.http,
            **options,
        )

    async def setup_hook(self) -> None:
        """Prepare, logged in but not yet connected."""
        if self.desk.settings.api_base is not None:
            await ask_for_gateway(self)
        fill(self.tree, self.desk, self.reload)
        # What has been loaded stays; looking it through for garbage again and again is of no use.
        gc.freeze()
        gc.enable()

    async def on_connect(self) -> None:
        """Count a new session with the gateway; with the first one the work beside begins."""
        self.desk.metrics.count("connections", "new")
        if self._is_connected_once:
            return
        self._is_connected_once = True
        print(f"Invite: {self._invite()}", flush=True)  # noqa: T201 - for whoever started it
        self.run_beside(self.desk.warm_up())
        self.run_beside(register(self.tree, self.desk))
        self.run_beside(self._clean_up())
        self.run_beside(self._keep_unanswered())
        self.run_beside(self.desk.knowledge.watch(self.reload_quietly))

    async def on_ready(self) -> None:
        """Tell that the bot can be asked."""
        event("ready", servers=len(self.guilds), divisions=len(self.desk.assistant.index.divisions))

    async def on_resumed(self) -> None:
        """Count a session that was taken up again."""
        self.desk.metrics.count("connections", "resumed")
        event("resumed")

    async def on_message(self, message: discord.Message) -> None:
        """Answer a message."""
        await self._answering.message(message)

    async def on_raw_message_edit(self, edit: discord.RawMessageUpdateEvent) -> None:
        """Answer an edited message anew."""
        await self._answering.edited(edit.message)

    async def on_raw_message_delete(self, deletion: discord.RawMessageDeleteEvent) -> None:
        """Delete the answer to a deleted message."""
        await self._answering.deleted([deletion.message_id])

    async def on_raw_bulk_message_delete(self, deletion: discord.RawBulkMessageDeleteEvent) -> None:
        """Delete the answers to deleted messages."""
        await self._answering.deleted(deletion.message_ids)

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was pressed; commands find their way through the tree."""
        if interaction.type is discord.InteractionType.component:
            await self._pressing.pressed(interaction)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log a bug."""
        del args, kwargs
        self.desk.metrics.count("failures", "event")
        trouble("event_failed", sys.exc_info()[1], method=event_method)

    async def reload(self) -> Changes:
        """Read the knowledge again, and register what commands it has now.

        Raises ReloadError.
        """
        try:
            changes = await self.desk.knowledge.reload()
        except ReloadError as error:
            self.desk.metrics.count("reloads", "refused")
            trouble("knowledge_refused", mistakes=str(error).splitlines())
            raise
        self.desk.metrics.count("reloads", "done")
        fill(self.tree, self.desk, self.reload)
        self.run_beside(register(self.tree, self.desk))
        return changes

    async def reload_quietly(self) -> None:
        """Read the knowledge again; the log tells of mistakes."""
        try:
            await self.reload()
        except ReloadError:
            return

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something for as long as the bot runs."""
        task = asyncio.create_task(self._guarded(work))
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def finish(self) -> None:
        """Answer what is in flight, then leave; all of it in less than five seconds."""
        for task in self._works:
            task.cancel()
        answers = [each for each in asyncio.all_tasks() if each.get_name().startswith(_ANSWERS)]
        if self._is_connected_once:
            event("closing", in_flight=len(answers))
        if answers or self._works:
            # What went on beside ends at once, but for what it is telling the database.
            _, late = await asyncio.wait([*answers, *self._works], timeout=_GRACE)
            for task in late:
                task.cancel()
        try:
            async with asyncio.timeout(_CLOSING):
                await self.close()
        except TimeoutError:
            event("closed_hard")

    def _invite(self) -> str:
        """Where to invite the bot to a server, with the permissions it needs and no others."""
        scopes = ("bot", "applications.commands")
        return discord.utils.oauth_url(
            self.application_id or 0, permissions=PERMISSIONS, scopes=scopes
        )

    async def _keep_unanswered(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_EVERY)
            await self.desk.keep_unanswered()

    async def _clean_up(self) -> None:
        """Erase, every hour, what was kept long enough."""
        while True:
            try:
                await self.desk.store.forget_old()
            except StoreError as error:
                self.desk.metrics.count("failures", "store")
                trouble("not_stored", error)
            await asyncio.sleep(_CLEAN_UP_EVERY)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # what goes on beside must not end unheard
            self.desk.metrics.count("failures", "background")
            trouble("background_failed", error)
