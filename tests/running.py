"""The installed program as a Discord bot, in a process of its own, against the loopback server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.retrieval.cache import open_index
from tests.loopback import Json, Loopback, limits
from tests.program import ROOT, program

KNOWLEDGE = {
    "ports": """\
id: ports
name: 港湾課
name_en: Ports Division
sections:
  - heading: 防波堤の点検
    text: 港湾課は防波堤を毎年点検しています。結果は翌年の春に公表します。
    questions: [防波堤はいつ点検しますか, 防波堤の点検の結果はいつ公表されますか]
  - heading: 釣り場の開放
    text: 釣り場は四月から十月まで開放しています。
    questions: [釣り場はいつ開いていますか]
""",
    "security": """\
id: it-security
name: 情報政策・セキュリティ課
sections:
  - heading: パスワードの規則
    text: パスワードは十二文字以上とし、半年ごとに変更します。
    questions: [パスワードは何文字必要ですか]
""",
    "dx": """\
id: dx
name: DX推進課
sections:
  - heading: 電子申請
    text: 申請の受付はすべて電子化しました。窓口での受付は行いません。
    questions: [申請は窓口でできますか]
""",
    "water": """\
id: water
name: 水道課
sections:
  - heading: 断水のお知らせ
    text: 断水の予定は三日前までにお知らせします。
    questions: [断水はいつ知らせてもらえますか]
""",
}
ASK, PASSAGE = "港湾課の防波堤の点検", "毎年点検しています"
NOT_IN_THE_DOCUMENT = "明日の天気を教えて"
HELPFUL, NOT_HELPFUL, SHOW_ALL, MORE = (
    "役に立った",
    "役に立たなかった",
    "全員に見せる",
    "詳しく見る",
)


@dataclass
class Home:
    """The folders of one bot."""

    folder: Path
    knowledge: Path
    cache: Path

    @property
    def database(self) -> Path:
        return self.folder / "madoguchi.db"

    def environment(self, server: Loopback, **changes: str) -> dict[str, str]:
        """All that the program is told; nothing of whoever runs the tests."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "DISCORD_TOKEN": server.token,
            "DISCORD_API_BASE": server.url,
            "MADOGUCHI_KNOWLEDGE": str(self.knowledge),
            "MADOGUCHI_CACHE": str(self.cache),
            "MADOGUCHI_DATABASE": f"sqlite:///{self.database}",
            "MADOGUCHI_COOLDOWN": "0",
            **changes,
        }


@dataclass
class Bot:
    """The running program."""

    process: asyncio.subprocess.Process
    server: Loopback
    output: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def ended(self, seconds: float = 10.0) -> int:
        """Wait for its end; returns the exit status."""
        return await asyncio.wait_for(self.process.wait(), seconds)

    async def tells(self, event: str) -> None:
        """Wait for a line of its log."""
        wanted = f'"event": "{event}"'
        await self.server.until(lambda: [each for each in self.errors if wanted in each])

    async def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 5.0) -> int:
        """Tell it to end, and wait until it has."""
        self.process.send_signal(how)
        return await self.ended(seconds)


@contextlib.asynccontextmanager
async def started(server: Loopback, home: Home, **changes: str) -> AsyncIterator[Bot]:
    """The program, started; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *program("discord"),
        cwd=home.folder,
        env=home.environment(server, **changes),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    bot = Bot(process, server)

    async def collect(stream: asyncio.StreamReader | None, lines: list[str]) -> None:
        assert stream is not None
        async for line in stream:
            lines.append(line.decode().rstrip("\n"))
            server.changed()

    readers = [
        asyncio.create_task(collect(process.stdout, bot.output)),
        asyncio.create_task(collect(process.stderr, bot.errors)),
    ]
    try:
        yield bot
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await asyncio.gather(*readers)


@contextlib.asynccontextmanager
async def at_work(server: Loopback, home: Home, **changes: str) -> AsyncIterator[Bot]:
    """The program, connected and with its commands registered."""
    before = {each.id for each in server.sessions.values()}
    async with started(server, home, **changes) as bot:

        def is_ready() -> bool:
            session = server.connected
            is_new = session is not None and session.id not in before
            return bool(is_new and server.commands) or bot.process.returncode is not None

        await server.until(is_ready, 20)
        assert bot.process.returncode is None, bot.errors
        yield bot


def settled(folder: Path) -> Home:
    """A home with a knowledge folder and its index built."""
    home = Home(folder, folder / "knowledge", folder / "cache")
    home.knowledge.mkdir()
    for name, text in KNOWLEDGE.items():
        (home.knowledge / f"{name}.yaml").write_text(text, encoding="utf-8")
    open_index(home.knowledge, home.cache)
    return home


def control(message: Json | None, label: str) -> str:
    """The custom_id of the button with this label."""
    assert message is not None
    buttons = [each for each in limits.walk(message["components"]) if each["type"] == limits.BUTTON]
    found = [each["custom_id"] for each in buttons if each.get("label") == label]
    assert found, f"no {label} among {[each.get('label') for each in buttons]}"
    return str(found[0])


def all_of(message: Json | None) -> str:
    """Everything in a message, what can be chosen as well."""
    return json.dumps(message, ensure_ascii=False)


async def heard(server: Loopback) -> None:
    """Wait until the bot has dealt with all that was said before."""
    for _ in range(2):
        await server.answer_to(await server.say(f"{server.mention} {ASK}"))
