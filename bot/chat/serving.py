"""The bot as a process: started, connected, and ended when it is told to."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import discord
from discord.webhook.async_ import async_context

from bot.chat.client import Client
from bot.chat.desk import Desk
from bot.chat.gateway import redirect
from bot.chat.health import serve_health
from bot.chat.knowledge import Knowledge
from bot.chat.log import start_logging
from bot.chat.sending import OneTry
from bot.errors import DiscordError, SettingError
from bot.settings import Settings
from bot.store.open import open_store


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
