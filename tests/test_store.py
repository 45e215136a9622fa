"""What is remembered, in a real SQLite file."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.errors import SettingError, StoreError
from bot.settings import Settings
from bot.store.base import Remembered, ServerSettings, Unanswered, Vote
from bot.store.migrations import MIGRATIONS
from bot.store.open import open_store
from bot.store.people import read_key
from bot.store.sqlite import SqliteStore
from tests.program import environment

HANAKO, TARO = 1001, 1002
pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "madoguchi.sqlite3"


@pytest_asyncio.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, retention_days=30)
    yield store
    await store.close()


async def test_settings_of_a_server(store: SqliteStore) -> None:
    assert await store.server(1) == ServerSettings()
    settings = ServerSettings(frozenset({10, 11}), sure=0.75, speak="ja", private=True)
    await store.save_server(1, settings)
    assert await store.server(1) == settings
    await store.save_server(1, ServerSettings(frozenset({11})))
    assert await store.server(1) == ServerSettings(frozenset({11}))
    assert await store.server(2) == ServerSettings()


async def test_a_person_has_one_vote_per_message(store: SqliteStore) -> None:
    await store.vote(Vote(HANAKO, 5, "a/000000000000", helpful=False, question="何ですか"))
    await store.vote(Vote(HANAKO, 6, "a/000000000000", helpful=True))
    assert await store.remembered(HANAKO) == Remembered(2, ("何ですか",))
    await store.vote(Vote(HANAKO, 5, "a/000000000000", helpful=True))
    assert await store.remembered(HANAKO) == Remembered(2, ())


async def test_erasing_a_person_leaves_the_others(store: SqliteStore) -> None:
    for person in (HANAKO, TARO):
        await store.vote(Vote(person, 5, "a/000000000000", helpful=True))
    await store.unanswered([Unanswered(HANAKO, "一"), Unanswered(TARO, "二")])
    await store.erase(HANAKO)
    assert await store.remembered(HANAKO) == Remembered()
    assert await store.remembered(TARO) == Remembered(1, ("二",))


async def test_everything_that_is_stored_is_told(store: SqliteStore) -> None:
    questions = [f"質問{number}" for number in range(200)]
    await store.unanswered([Unanswered(HANAKO, each) for each in questions])
    assert await store.remembered(HANAKO) == Remembered(0, tuple(reversed(questions)))


async def test_questions_are_erased_in_time(path: Path) -> None:
    now = 1_000_000.0
    store = SqliteStore(path, retention_days=2, clock=lambda: now)
    await store.unanswered([Unanswered(HANAKO, "古い")])
    now += 86_400
    await store.unanswered([Unanswered(HANAKO, "新しい")])
    now += 86_400
    await store.forget_old()
    assert (await store.remembered(HANAKO)).questions == ("新しい",)
    await store.close()


async def test_without_retention_no_question_is_kept(path: Path) -> None:
    store = SqliteStore(path, retention_days=0)
    await store.unanswered([Unanswered(HANAKO, "秘密です")])
    await store.vote(Vote(HANAKO, 5, "a/000000000000", helpful=False, question="秘密です"))
    assert await store.remembered(HANAKO) == Remembered(1, ())
    await store.close()
    assert all("秘密です".encode() not in file.read_bytes() for file in path.parent.iterdir())


async def test_people_are_kept_as_hashes_under_a_key_of_the_owners_alone(
    store: SqliteStore, path: Path
) -> None:
    person = 123456789012345678
    await store.vote(Vote(person, 5, "a/000000000000", helpful=True))
    await store.close()
    database = sqlite3.connect(path)
    (kept,) = database.execute("SELECT person FROM vote").fetchone()
    database.close()
    assert isinstance(kept, bytes)
    assert len(kept) == 16
    files = [file.read_bytes() for file in path.parent.iterdir()]
    assert all(str(person).encode() not in content for content in files)
    key = path.with_name(path.name + ".key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert read_key(key) == key.read_bytes()


async def test_notes(store: SqliteStore) -> None:
    assert await store.note("hash") is None
    await store.save_note("hash", "a")
    await store.save_note("hash", "b")
    assert await store.note("hash") == "b"


async def test_a_task_is_claimed_by_one(path: Path) -> None:
    now = 1_000_000.0
    one, other = (SqliteStore(path, retention_days=30, clock=lambda: now) for _ in range(2))
    claims = await asyncio.gather(*(each.claim("task", 60) for each in (one, other) * 3))
    assert sorted(claims) == [False] * 5 + [True]
    assert await other.claim("another task", 60)
    await one.release("task")
    assert await other.claim("task", 60)
    now += 59
    assert not await one.claim("task", 60)
    now += 1
    assert await one.claim("task", 60)
    for each in (one, other):
        await each.close()


async def test_it_sets_itself_up_in_wal_mode(store: SqliteStore, path: Path) -> None:
    await store.save_note("a", "b")
    database = sqlite3.connect(path)
    assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


async def test_two_that_start_together_agree(path: Path) -> None:
    stores = [SqliteStore(path, retention_days=30) for _ in range(4)]
    await asyncio.gather(
        *(each.vote(Vote(HANAKO, i, "a/0", helpful=True)) for i, each in enumerate(stores))
    )
    found = await asyncio.gather(*(each.remembered(HANAKO) for each in stores))
    assert found == [Remembered(4)] * 4
    await asyncio.gather(*(each.close() for each in stores))


async def test_a_newer_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(StoreError, match="newer"):
        await SqliteStore(path, retention_days=30).server(1)


async def test_a_locked_database_is_told_in_time_and_used_again(
    store: SqliteStore, path: Path
) -> None:
    await store.save_note("a", "b")
    locker = sqlite3.connect(path)
    locker.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(StoreError):
        await store.vote(Vote(HANAKO, 5, "a/0", helpful=True))
    assert time.monotonic() - started < 2.5
    locker.rollback()
    locker.close()
    await store.vote(Vote(HANAKO, 5, "a/0", helpful=True))
    assert await store.remembered(HANAKO) == Remembered(1)


async def test_a_database_that_vanished_is_made_anew(store: SqliteStore, path: Path) -> None:
    await store.save_note("a", "b")
    for file in path.parent.iterdir():
        file.unlink()
    await store.vote(Vote(HANAKO, 5, "a/0", helpful=True))
    assert await store.remembered(HANAKO) == Remembered(1)
    assert os.stat(path).st_size  # noqa: PTH116


@pytest.mark.parametrize("kind", ["folder", "garbage", "no place"])
async def test_what_is_no_database_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.sqlite3"
    if kind == "folder":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(b"this is no database at all" * 100)
    else:
        (tmp_path / "file").touch()
        path = tmp_path / "file" / "x.sqlite3"
    with pytest.raises(StoreError):
        await SqliteStore(path, retention_days=30).server(1)
    await asyncio.sleep(0.05)  # aiosqlite's thread tells the loop that it ends


async def test_what_was_acknowledged_survives_kill_9(path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from bot.store.sqlite import SqliteStore\n"
        "from bot.store.base import Vote\n"
        "async def main():\n"
        "    store = SqliteStore(pathlib.Path(sys.argv[1]), retention_days=30)\n"
        "    for message in range(10**6):\n"
        "        await store.vote(Vote(1001, message, 'a/0', helpful=True))\n"
        "        print(message, flush=True)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(path), env=environment(), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = [await process.stdout.readline() for _ in range(20)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged += (await process.stdout.read()).splitlines()
    await process.wait()
    store = SqliteStore(path, retention_days=30)
    assert (await store.remembered(HANAKO)).votes >= len(acknowledged)
    await store.close()


async def test_the_setting_names_the_store(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a b.db"
    store = open_store(Settings.read({"MADOGUCHI_DATABASE": url}))
    await store.save_note("a", "b")
    await store.close()
    assert (tmp_path / "a b.db").exists()
    with pytest.raises(SettingError, match="MADOGUCHI_DATABASE"):
        open_store(Settings.read({"MADOGUCHI_DATABASE": "postgresql://h/n"}))
