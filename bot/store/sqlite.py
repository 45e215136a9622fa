"""What is remembered, in one SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from bot.errors import StoreError
from bot.store.base import Remembered, ServerSettings, Unanswered, Vote
from bot.store.migrations import MIGRATIONS
from bot.store.people import People, read_key

_DAY = 86_400
_LOCK_PATIENCE, _PATIENCE = 0.5, 1.2
"""Seconds to wait for one lock, and for all of a transaction: an interaction has three in all."""


class SqliteStore:
    """A ``Store`` over a file; opens it when first needed, and again after a failure."""

    def __init__(
        self, path: Path, *, retention_days: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._retention = retention_days * _DAY
        self._clock = clock
        self._database: aiosqlite.Connection | None = None
        self._people = People(b"")
        self._inode = 0
        self._one_at_a_time = asyncio.Lock()

    async def server(self, server: int) -> ServerSettings:
        """A server's settings; those of a new one where there are none."""
        async with self._open() as database:
            channels = await database.execute_fetchall(
                "SELECT channel FROM ask_here WHERE server = ?", (server,)
            )
            rows = await database.execute_fetchall(
                "SELECT sure, speak, private FROM server WHERE id = ?", (server,)
            )
        for sure, speak, private in rows:
            ask_here = frozenset(channel for (channel,) in channels)
            return ServerSettings(ask_here, sure, speak, bool(private))
        return ServerSettings()

    async def save_server(self, server: int, settings: ServerSettings) -> None:
        """Keep a server's settings."""
        async with self._open() as database:
            await database.execute(
                "INSERT INTO server (id, sure, speak, private) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET "
                "sure = excluded.sure, speak = excluded.speak, private = excluded.private",
                (server, settings.sure, settings.speak, settings.private),
            )
            await database.execute("DELETE FROM ask_here WHERE server = ?", (server,))
            await database.executemany(
                "INSERT INTO ask_here (server, channel) VALUES (?, ?)",
                [(server, channel) for channel in settings.ask_here],
            )

    async def vote(self, vote: Vote) -> None:
        """Keep a vote; a person has one per message, the last."""
        async with self._open() as database:
            person, now = self._people.hash(vote.person), int(self._clock())
            await database.execute(
                "INSERT INTO vote (person, message, section, helpful, at) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (person, message) DO UPDATE SET "
                "section = excluded.section, helpful = excluded.helpful, at = excluded.at",
                (person, vote.message, vote.section, vote.helpful, now),
            )
            await database.execute(
                "DELETE FROM question WHERE person = ? AND message = ?", (person, vote.message)
            )
            if vote.question and not vote.helpful and self._retention:
                await database.execute(
                    "INSERT INTO question (person, message, section, text, at) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (person, vote.message, vote.section, vote.question, now),
                )

    async def unanswered(self, questions: Sequence[Unanswered]) -> None:
        """Keep questions that the document did not answer."""
        if not self._retention or not questions:
            return
        async with self._open() as database:
            now = int(self._clock())
            await database.executemany(
                "INSERT INTO question (person, text, at) VALUES (?, ?, ?)",
                [(self._people.hash(each.person), each.question, now) for each in questions],
            )

    async def remembered(self, person: int) -> Remembered:
        """Everything stored about a person."""
        async with self._open() as database:
            who = (self._people.hash(person),)
            votes = await database.execute_fetchall("SELECT 1 FROM vote WHERE person = ?", who)
            questions = await database.execute_fetchall(
                "SELECT text FROM question WHERE person = ? ORDER BY id DESC", who
            )
        return Remembered(len(list(votes)), tuple(text for (text,) in questions))

    async def erase(self, person: int) -> None:
        """Forget a person."""
        async with self._open() as database:
            who = (self._people.hash(person),)
            await database.execute("DELETE FROM vote WHERE person = ?", who)
            await database.execute("DELETE FROM question WHERE person = ?", who)

    async def forget_old(self) -> None:
        """Erase the questions that were kept long enough."""
        async with self._open() as database:
            before = int(self._clock()) - self._retention
            await database.execute("DELETE FROM question WHERE at <= ?", (before,))

    async def note(self, name: str) -> str | None:
        """A fact the program left for itself."""
        async with self._open() as database:
            rows = await database.execute_fetchall("SELECT value FROM note WHERE name = ?", (name,))
        return next((value for (value,) in rows), None)

    async def save_note(self, name: str, value: str) -> None:
        """Leave a fact for later."""
        async with self._open() as database:
            await database.execute(
                "INSERT INTO note (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )

    async def claim(self, name: str, seconds: float) -> bool:
        """Whether a task is now this program's to do, for so long at most; no one else has it."""
        async with self._open() as database:
            now = self._clock()
            claimed = await database.execute_fetchall(
                "INSERT INTO note (name, value) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value "
                "WHERE CAST(value AS REAL) <= ? RETURNING 1",
                (f"claim {name}", str(now + seconds), now),
            )
        return bool(list(claimed))

    async def release(self, name: str) -> None:
        """Let somebody else claim a task."""
        async with self._open() as database:
            await database.execute("DELETE FROM note WHERE name = ?", (f"claim {name}",))

    async def close(self) -> None:
        """Let go of the database."""
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[aiosqlite.Connection]:
        """The database in a transaction, which is on disk when the block has ended.

        Raises StoreError.
        """
        try:
            async with asyncio.timeout(_PATIENCE), self._one_at_a_time:
                database = await self._connected()
                try:
                    yield database
                    await database.commit()
                except BaseException:
                    await database.rollback()
                    raise
        except (sqlite3.Error, OSError, ValueError) as error:  # TimeoutError is an OSError
            await self._drop()
            raise StoreError(f"{self._path}: {error or 'takes too long'}") from error

    async def _connected(self) -> aiosqlite.Connection:
        """The connection, made anew where there is none or its file is no longer there."""
        if self._database is not None and _inode(self._path) != self._inode:
            await self.close()
        if self._database is None:
            self._database = await self._connect()
            self._inode = _inode(self._path)
        return self._database

    async def _connect(self) -> aiosqlite.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = await aiosqlite.connect(self._path, timeout=_LOCK_PATIENCE)
        try:
            # What was acknowledged shall survive the loss of power, not of the process alone.
            for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                await _try_pragma(database, pragma)
            await _migrate(database)
            self._people = People(read_key(self._path.with_name(f"{self._path.name}.key")))
        except BaseException:
            await database.close()
            raise
        return database

    async def _drop(self) -> None:
        try:
            await self.close()
        except (sqlite3.Error, ValueError):
            self._database = None


async def _try_pragma(database: aiosqlite.Connection, pragma: str) -> None:
    try:
        await database.execute_fetchall(f"PRAGMA {pragma}")
    except sqlite3.OperationalError:
        # A database that may only be read keeps the journal it has; reading it is still worth it.
        return


async def _migrate(database: aiosqlite.Connection) -> None:
    """Apply the steps that this file has not seen; ``user_version`` counts those it has."""
    if await _version(database) == len(MIGRATIONS):
        return
    await database.execute_fetchall("BEGIN IMMEDIATE")
    done = await _version(database)  # another process may have been faster
    if done > len(MIGRATIONS):
        raise sqlite3.DatabaseError("written by a newer version of this program")
    for step in MIGRATIONS[done:]:
        for statement in filter(str.strip, step.split(";")):
            await database.execute_fetchall(statement)
    await database.execute_fetchall(f"PRAGMA user_version = {len(MIGRATIONS)}")
    await database.commit()


async def _version(database: aiosqlite.Connection) -> int:
    rows = await database.execute_fetchall("PRAGMA user_version")
    return int(next(iter(rows))[0])


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1
