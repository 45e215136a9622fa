"""A bot at work in a simulated Discord, within the test's own process, over real SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import simcord
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle

from bot.assistant import Assistant
from bot.chat.client import Client
from bot.chat.desk import Desk
from bot.chat.knowledge import Knowledge
from bot.settings import Settings
from bot.store.sqlite import SqliteStore

ASK = "能登半島地震のとき何をしましたか"
ANSWER = "令和6年1月1日に発生した能登半島地震"
NOT_SAID = "明日の東京の天気を教えて"


class _Inline:
    """A connection as the store needs it, without a thread: SimCord waits for none."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path)

    async def execute_fetchall(self, sql: str, values: Any = ()) -> list[Any]:
        return self._database.execute(sql, values).fetchall()

    execute = execute_fetchall

    async def executemany(self, sql: str, values: Any) -> None:
        self._database.executemany(sql, values)

    async def commit(self) -> None:
        self._database.commit()

    async def rollback(self) -> None:
        self._database.rollback()

    async def close(self) -> None:
        self._database.close()


async def _connect(path: Path, **_: Any) -> _Inline:
    return _Inline(path)


async def _nothing(_: Client) -> None:
    return


class _Still(Knowledge):
    """Knowledge whose folder nobody watches."""

    async def watch(self, reloaded: object) -> None:
        del reloaded


@dataclass
class Counter:
    """The bot, its server with one channel, and somebody who asks."""

    client: Client
    env: simcord.Env
    guild: GuildHandle
    channel: ChannelHandle
    asker: MemberActor

    @property
    def desk(self) -> Desk:
        return self.client.desk

    @property
    def mention(self) -> str:
        assert self.client.user is not None
        return self.client.user.mention

    @property
    def answers(self) -> list[Any]:
        """What the bot wrote in the channel."""
        return [each for each in self.channel.history() if each.author == self.client.user]

    def newcomer(self, name: str, **options: Any) -> MemberActor:
        """Another member of the server."""
        return self.guild.add_member(self.env.create_user(name), **options)


def said(message: Any) -> str:
    """All that a person reads in a message."""
    parts = [getattr(message, "content", None) or ""]
    for component in walk(message):
        parts.append(field(component, "content") or field(component, "label") or "")
    return "\n".join(filter(None, parts))


def walk(message: Any) -> list[Any]:
    """Every component of a message, the nested ones too."""
    found: list[Any] = []
    waiting = list(getattr(message, "components", None) or getattr(message, "children", ()))
    while waiting:
        component = waiting.pop(0)
        found.append(component)
        waiting[:0] = field(component, "components") or getattr(component, "children", None) or []
    return found


def field(component: Any, name: str) -> Any:
    """A field of a component, which comes as a dictionary or as discord.py's object."""
    return component.get(name) if isinstance(component, dict) else getattr(component, name, None)


def control(message: Any, action: str) -> str:
    """The custom_id of a control that does something."""
    ids = [field(each, "custom_id") or "" for each in walk(message)]
    return next(each for each in ids if each.startswith(f"m:{action}:"))


def client_for(assistant: Assistant, folder: Path, **changes: Any) -> Client:
    """A bot that answers from an assistant and remembers in a folder."""
    settings = replace(Settings.read({}), **{"cooldown": None, **changes})
    store = SqliteStore(folder / "bot.sqlite3", retention_days=settings.retention_days)
    knowledge = _Still(settings, assistant, folder / "index")
    return Client(Desk(settings, knowledge, store))


@asynccontextmanager
async def at_work(client: Client, **options: Any) -> AsyncIterator[Counter]:
    """The bot, connected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aiosqlite.connect", _connect)
        for endless in ("_clean_up", "_keep_unanswered"):  # SimCord waits until nothing is left
            patch.setattr(Client, endless, _nothing)
        async with simcord.run(client, **options) as env:
            guild = env.create_guild()
            channel = guild.create_text_channel("general")
            asker = guild.add_member(env.create_user("hanako"))
            try:
                yield Counter(client, env, guild, channel, asker)
            finally:
                for task in client._works:
                    task.cancel()
                await client.desk.store.close()
