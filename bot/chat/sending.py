"""Getting a message through to Discord: once, and in spite of passing trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
import discord
from discord.http import Route, handle_message_parameters, json_or_text
from discord.webhook.async_ import AsyncWebhookAdapter

from bot.chat.card import Card
from bot.chat.log import trouble

Interaction = discord.Interaction[Any]
_T = TypeVar("_T")
_LONGEST_PAUSE = 30.0
_LONG = 1.0
_ACKNOWLEDGED_ALREADY, _UNKNOWN_INTERACTION = 40060, 10062
_SLOW, _DEADLINE, _TOKEN_LASTS = 0.8, 2.5, 840.0
"""Seconds of work after which Discord is told to wait; in which an interaction must be answered
first, for which Discord waits three; and in which what was put off can be said, which are 900.
"""
_DEFERRED, _LOST = "deferred", "lost"
"""What is noted beside an interaction: Discord was told to wait, or gave it up."""


async def persistently(
    call: Callable[[], Awaitable[_T]], *, patience: float = 600, pause: float = 0.5
) -> _T:
    """The result of a call to Discord, made again while Discord or the network is in trouble.

    discord.py does so for some errors, but not for 503, nor for 429 without a ``Via`` header. The
    caller sees to it that a second call does no harm: a message carries a nonce, an edit says the
    same again.

    Raises what the call raises once ``patience`` seconds are over, or where it would not help.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + patience
    while True:
        try:
            return await call()
        except (discord.HTTPException, discord.RateLimited) as error:
            wait = _pause_asked_for(error, pause)
            if wait is None or clock() + wait > deadline:
                raise
            trouble("discord_in_trouble", error, wait=wait)
        except (aiohttp.ClientError, OSError) as error:
            wait = pause
            if clock() + wait > deadline:
                raise
            trouble("network_in_trouble", error, wait=wait)
        await asyncio.sleep(wait)
        pause = min(pause * 2, _LONGEST_PAUSE)


def _pause_asked_for(
    error: discord.HTTPException | discord.RateLimited, pause: float
) -> float | None:
    """How long to wait before asking again; None where it is no use."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if error.status == 429:
        headers = error.response.headers
        asked = headers.get("Retry-After") or headers.get("X-RateLimit-Reset-After")
        try:
            return float(asked) if asked else pause
        except ValueError:
            return pause
    return pause if error.status >= 500 else None


async def post(
    message: discord.Message, arguments: dict[str, Any], nonce: str, *, as_reply: bool
) -> int:
    """Write below a message, as a reply to it or not; returns the new message's id.

    Should Discord have taken the message and failed to say so, the nonce keeps it from taking a
    second one. (``channel.send`` would also make a ``Message`` of what comes back, all components
    in it, which costs as much as sending.)
    """
    if as_reply:
        arguments["message_reference"] = {
            "message_id": message.id,
            "channel_id": message.channel.id,
            "fail_if_not_exists": False,
        }
    with handle_message_parameters(**arguments, nonce=nonce) as params:
        # The library keeps its HTTP client to itself; a message has a way to it.
        http = message._state.http
        sent = await persistently(lambda: http.send_message(message.channel.id, params=params))
    return int(sent["id"])


@asynccontextmanager
async def typing_if_slow(channel: discord.abc.Messageable) -> AsyncIterator[None]:
    """Show that the bot is writing, if that takes long enough for somebody to wonder."""

    async def show() -> None:
        try:
            await channel.typing()
        except (discord.HTTPException, OSError) as error:
            trouble("typing_failed", error)

    tasks: list[asyncio.Task[Any]] = []
    loop = asyncio.get_running_loop()
    timer = loop.call_later(_LONG, lambda: tasks.append(loop.create_task(show())))
    try:
        yield
    finally:
        timer.cancel()


def shows_rich(interaction: Interaction) -> bool:
    """Whether the place an interaction comes from allows more than plain text."""
    return interaction.guild_id is None or interaction.app_permissions.embed_links


class OneTry(AsyncWebhookAdapter):
    """How discord.py answers interactions, without trying again by itself: it waits a second
    before it does, then three more, and by then an interaction's time is over.
    """

    async def request(
        self,
        route: Route,
        session: aiohttp.ClientSession,
        *,
        payload: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
        **_: Any,
    ) -> Any:
        """What Discord answers to a request without files.

        Raises HTTPException.
        """
        async with session.request(
            route.method, route.url, json=payload, params=params
        ) as response:
            answer = await json_or_text(response)
            if response.status < 300:
                return answer
            kind = _KINDS.get(response.status, discord.HTTPException)
            raise kind(response, answer)


_KINDS = {403: discord.Forbidden, 404: discord.NotFound}


async def patiently(
    interaction: Interaction, work: Coroutine[Any, Any, _T], *, ephemeral: bool
) -> _T:
    """The result of some work; where it takes long, Discord is told that an answer will come."""
    task = asyncio.create_task(work)
    done, _ = await asyncio.wait([task], timeout=_SLOW)
    if not done:
        await defer(interaction, ephemeral=ephemeral)
    return await task


async def defer(interaction: Interaction, *, ephemeral: bool) -> None:
    """Tell Discord that an answer will come."""

    async def first() -> None:
        await interaction.response.defer(ephemeral=ephemeral, thinking=True)

    await _in_time(interaction, first)
    interaction.extras[_DEFERRED] = True


async def respond(interaction: Interaction, card: Card, *, ephemeral: bool) -> int | None:
    """Answer an interaction; returns the message's id where Discord tells it."""
    arguments = card.rich() if shows_rich(interaction) else card.plain()
    if interaction.extras.get(_LOST):
        return None
    if interaction.extras.get(_DEFERRED):
        # Not as a follow-up: of those a second one is sent if Discord took the first unheard.
        fill_in = interaction.edit_original_response
        return (await persistently(lambda: fill_in(**arguments), patience=_TOKEN_LASTS)).id
    if interaction.response.is_done():
        send = interaction.followup.send
        return (await send(**arguments, ephemeral=ephemeral, wait=True)).id

    async def first() -> int | None:
        sent = await interaction.response.send_message(**arguments, ephemeral=ephemeral)
        return sent.message_id

    return await _in_time(interaction, first)


async def replace_message(interaction: Interaction, card: Card) -> None:
    """Show a card in place of the one whose control was pressed."""
    message = interaction.message
    rich = message is None or message.flags.components_v2
    arguments = card.rich() if rich else card.plain()

    async def first() -> None:
        await interaction.response.edit_message(**arguments)

    await _in_time(interaction, first)


async def _in_time(interaction: Interaction, call: Callable[[], Awaitable[_T]]) -> _T | None:
    """The first answer to an interaction; that it came too late, or twice, is nobody's error."""
    try:
        return await persistently(call, patience=_DEADLINE, pause=0.2)
    except discord.HTTPException as error:
        if error.code not in (_ACKNOWLEDGED_ALREADY, _UNKNOWN_INTERACTION):
            raise
        trouble("interaction_lost", error, interaction=interaction.id)
        interaction.extras[_LOST] = error.code == _UNKNOWN_INTERACTION
        return None
