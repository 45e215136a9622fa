"""Eight conversations at once, asked as the Discord bot asks: through its desk, on one event loop.

    python -m tests.benchmarks.load valid-v1.3.json [--sentences 100000] [--turns 100]

Each conversation asks its next question as soon as it has its answer; no two ask the same. One
document is the one that ships, the other is made of sentences of a file of JSQuAD's form, from
which its questions are. Meanwhile the loop is asked to wake up every millisecond: how much later
it does is how long it was held. It is late while nobody asks, too, by what the system takes; that
line comes first. A first round that nobody counts brings dictionary and index into memory.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path

from bot.chat.desk import Desk, Question
from bot.chat.knowledge import Knowledge
from bot.document.load import load
from bot.document.sentences import split_sentences
from bot.retrieval.parallel import cores
from bot.settings import Settings, shipped_knowledge
from bot.store.open import open_store
from tests.benchmarks.jsquad import read
from tests.benchmarks.rebuild import write_document
from tests.benchmarks.scale import made_up

CONVERSATIONS = 8
WARM_UP = 5
TICK = 0.001
AIM = 5.0
LINE = "| {} | {} | {} | {} | {} | {} | {} | {} |"


@dataclass
class Measured:
    """Milliseconds: until each answer came, and for which the loop was held, tick by tick."""

    answers: list[float] = field(default_factory=list)
    holds: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """A line of the table."""
        answers = ["", "", "", ""]
        if self.answers:
            rate = f"{len(self.answers) / self.seconds:.0f}"
            answers = [rate, *(f"{each:.1f}" for each in spread(self.answers))]
        return LINE.format(name, *answers, *(f"{each:.2f}" for each in spread(self.holds)))


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 99th percentile and the greatest."""
    return statistics.median(values), statistics.quantiles(values, n=100)[-1], max(values)


async def tick(measured: Measured) -> None:
    """Note how late the loop wakes up, again and again."""
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(TICK)
        measured.holds.append(max(0.0, time.perf_counter() - asked - TICK) * 1e3)


async def converse(desk: Desk, person: int, questions: Sequence[str], measured: Measured) -> None:
    for text in questions:
        asked = time.perf_counter()
        await desk.answer(Question(person, 1, text))
        measured.answers.append((time.perf_counter() - asked) * 1e3)


async def drive(desk: Desk, questions: Sequence[str], first: int) -> Measured:
    """All conversations at once, each with its share of the questions."""
    measured = Measured()
    ticking = asyncio.create_task(tick(measured))
    started = time.perf_counter()
    shares = [questions[number::CONVERSATIONS] for number in range(CONVERSATIONS)]
    talks = (converse(desk, first + i, share, measured) for i, share in enumerate(shares))
    await asyncio.gather(*talks)
    measured.seconds = time.perf_counter() - started
    ticking.cancel()
    return measured


async def idle() -> Measured:
    """The loop while nobody asks."""
    measured = Measured()
    ticking = asyncio.create_task(tick(measured))
    await asyncio.sleep(2)
    ticking.cancel()
    return measured


async def measure(settings: Settings, questions: Sequence[str]) -> Measured:
    """Open a document and ask."""
    desk = Desk(settings, await Knowledge.open(settings), open_store(settings))
    gc.freeze()  # as the client does once it is ready
    warm_up = CONVERSATIONS * WARM_UP
    await drive(desk, questions[:warm_up], 0)
    return await drive(desk, questions[warm_up:], CONVERSATIONS)


def different(texts: Sequence[str], count: int) -> list[str]:
    """So many questions, no two alike."""
    known = list(dict.fromkeys(texts))
    return [text + "？" * (i // len(known)) for i, text in enumerate(islice(cycle(known), count))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--sentences", type=int, default=100_000)
    parser.add_argument("--turns", type=int, default=100, help="of each conversation")
    options = parser.parse_args()
    sys.setswitchinterval(0.001)  # as the client does
    count = CONVERSATIONS * (WARM_UP + options.turns)
    data = read(options.path)
    real = [text.strip() for line in data.lines for text in split_sentences(line["text"])]
    shipped = [each.text for each in load(shipped_knowledge()).asked.questions]
    libraries = ("numpy", "fugashi", "discord.py")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    print(f"{date.today()}: Python {platform.python_version()}, {versions}, {cores()} cores")
    print(f"{CONVERSATIONS} conversations of {options.turns} questions at once; milliseconds")
    print(
        LINE.format("document", "answers/s", "p50", "p99", "longest", "held p50", "p99", "longest")
    )
    print("| --- " * 8 + "|")
    print(asyncio.run(idle()).row("nobody asks"), flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        large = Path(temporary, "large")
        write_document(large, list(made_up(real, options.sentences)), divisions=20)
        for name, folder, asked in (
            ("the shipped one", shipped_knowledge(), shipped),
            (f"{options.sentences:,} sentences", large, [each.text for each in data.asked]),
        ):
            settings = Settings.read(
                {
                    "MADOGUCHI_CACHE": f"{temporary}/cache",
                    "MADOGUCHI_DATABASE": f"sqlite:///{temporary}/madoguchi.db",
                    "MADOGUCHI_COOLDOWN": "0",
                },
                knowledge=str(folder),
            )
            measured = asyncio.run(measure(settings, different(asked, count)))
            print(measured.row(name), flush=True)
    print(f"aim: held p99 at most {AIM:g}")


if __name__ == "__main__":
    main()
