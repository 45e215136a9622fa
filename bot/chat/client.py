"""The bot as Discord sees it, from its start to its end."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Self

import aiohttp
import discord
from discord.state import ConnectionState
from discord.webhook.async_ import async_context

from bot.chat.answering import Answering
from bot.chat.commands import fill, register
from bot.chat.desk import Desk
from bot.chat.gateway import State, ask_for_gateway, redirect
from bot.chat.health import serve_health
from bot.chat.knowledge import Changes, Knowledge, ReloadError
from bot.chat.log import event, start_logging, trouble
from bot.chat.pressing import Pressing
from bot.chat.sending import OneTry
from bot.chat.tree import Tree
from bot.errors import DiscordError, SettingError, StoreError
from bot.settings import Settings
from bot.store.open import open_store

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


def serve(settings: Settings) -> None:
    """Run the bot until it is told to end.

    Raises MadoguchiError where it cannot run.
    """
    if settings.token is None:
        problem = "not set; copy the bot's token there from the developer portal (Bot, Reset Token)"
        raise SettingError("DISCORD_TOKEN", problem)
    start_logging()
    discord.VoiceClient.warn_nacl = False
    discord.VoiceClient.warn_dave = False
    redirect(settings.api_base)
    async_context.set(OneTry())  # type: ignore[no-untyped-call]
    sys.setswitchinterval(0.001)  # the event loop takes its turn while the worker searches
    # Told to end while the knowledge is still being read: there is nobody to answer yet.
    with suppress(asyncio.CancelledError):
        asyncio.run(_serve(settings, settings.token.reveal()))


async def _serve(settings: Settings, token: str) -> None:
    store = open_store(settings)
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run made one
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        desk = Desk(settings, await Knowledge.open(settings), store)
        client = Client(desk)
        async with _health(client):
            await _until_told(client, token)
        await desk.keep_unanswered()
    finally:
        await store.close()


@asynccontextmanager
async def _health(client: Client) -> AsyncIterator[None]:
    address = client.desk.settings.health
    if address is None:
        yield
        return
    runner = await serve_health(address, client.desk.metrics, lambda: _is_connected(client))
    try:
        yield
    finally:
        await runner.cleanup()


def _is_connected(client: Client) -> bool:
    # Not is_ready(), which waits to see whether more servers are announced.
    socket = client.ws
    return socket is not None and socket.open and socket.session_id is not None


async def _until_told(client: Client, token: str) -> None:
    """Stay connected until SIGTERM or Ctrl-C; SIGHUP reads the knowledge again."""
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: client.run_beside(client.reload_quietly()))
    connected = asyncio.create_task(_connect(client, token))
    waiting = asyncio.create_task(told.wait())
    try:
        await asyncio.wait((connected, waiting), return_when=asyncio.FIRST_COMPLETED)
        if connected.done():
            connected.result()
    finally:
        waiting.cancel()
        await client.finish()
        connected.cancel()
        await asyncio.gather(connected, return_exceptions=True)


async def _connect(client: Client, token: str) -> None:
    """Log in and stay connected.

    Raises DiscordError where Discord cannot be reached at the start, or refuses the bot.
    """
    try:
        await client.login(token)
        await client.connect()
    except discord.LoginFailure as error:
        raise DiscordError(_BAD_TOKEN) from error
    except discord.PrivilegedIntentsRequired as error:
        raise DiscordError(_NO_INTENT) from error
    except discord.ConnectionClosed as error:
        if error.code == 4004:
            raise DiscordError(_BAD_TOKEN) from error
        if error.code == 4014:
            raise DiscordError(_NO_INTENT) from error
        raise DiscordError(f"Discord closed the connection for good (code {error.code})") from error
    except discord.HTTPException as error:
        problem = f"Discord answered {error.status} at the start; try again later"
        raise DiscordError(problem) from error
    except (aiohttp.ClientError, OSError) as error:
        place = client.desk.settings.api_base or "Discord"
        problem = f"cannot reach {place}; check the network and DISCORD_API_BASE"
        raise DiscordError(problem) from error


_BAD_TOKEN = (
    "DISCORD_TOKEN: Discord refuses it; reset it in the developer portal (Bot, Reset Token)"
)
_NO_INTENT = (
    "MADOGUCHI_MESSAGE_CONTENT: the message content intent is off for this bot; switch it on in "
    "the developer portal (Bot, Privileged Gateway Intents) or set this to 0"
)
