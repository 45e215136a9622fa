"""What the gateway needs beside what discord.py does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.state import ConnectionState

from bot.chat.log import trouble
from bot.errors import DiscordError


class Gateway(DiscordWebSocket):
    """A connection to the gateway: a new session never starts at the address for resuming one,
    which discord.py holds on to after a session that was resumed has become void.
    """

    @classmethod
    async def from_client(cls, client: discord.Client, **given: Any) -> Self:
        """Connect, and identify or resume."""
        if not given.get("resume"):
            given["gateway"] = None
        return await super().from_client(client, **given)


class State(ConnectionState[Any]):
    """What is known of Discord, without what bots write: the bot hears of each of its own answers,
    and making messages of them would cost as much as answering.
    """

    def parse_message_create(self, data: Any) -> None:
        """A message was written."""
        if not data["author"].get("bot"):
            _read(super().parse_message_create, data)

    def parse_message_update(self, data: Any) -> None:
        """A message was edited."""
        if not data.get("author", {}).get("bot"):
            _read(super().parse_message_update, data)

    def parse_interaction_create(self, data: Any) -> None:
        """Somebody gave a command or pressed something."""
        _read(super().parse_interaction_create, data)


def _read(parse: Callable[[Any], None], data: Any) -> None:
    """Read what people sent. What discord.py does not understand, such as a poll without an end,
    is passed over: it would take the connection down, and the program with it.
    """
    try:
        parse(data)
    except Exception as error:
        trouble("event_unreadable", error)


def redirect(api_base: str | None) -> None:
    """Let discord.py talk to another REST API than Discord's own, and connect as above."""
    discord.client.DiscordWebSocket = Gateway  # type: ignore[misc]
    if api_base is not None:
        Route.BASE = api_base


async def ask_for_gateway(client: discord.Client) -> None:
    """Connect to the gateway that the REST API names; discord.py would dial Discord's own.

    Raises DiscordError where the API names none.
    """
    for path in ("/gateway/bot", "/gateway"):
        try:
            found = await client.http.request(Route("GET", path))
            Gateway.DEFAULT_GATEWAY = yarl.URL(found["url"])
        except (discord.HTTPException, KeyError, TypeError, ValueError) as error:
            trouble("no_gateway", error, path=path)
        else:
            return
    problem = (
        f"DISCORD_API_BASE: {Route.BASE} does not name a gateway; "
        "check that it is the base of a Discord API, with its version (…/api/v10)"
    )
    raise DiscordError(problem)
