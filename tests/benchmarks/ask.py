"""What an answer costs beside the least that any such program must do.

    python -m tests.benchmarks.ask [--rounds 15] [--knowledge DIR]

A start of `madoguchi ask` and the memory of `madoguchi console` stand beside a Python that loads
numpy and a tagger and does nothing with them; one question stands beside tokenizing it, and a line
in a conversation beside the same line alone. What is compared runs in turn; medians are shown.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import fugashi

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.document.load import load, load_log
from bot.retrieval.cache import open_index
from bot.settings import shipped_knowledge
from tests.program import ROOT, environment, program

LEAST = "import numpy, fugashi; fugashi.Tagger()"
HELD = """
import sys, numpy, fugashi
tagger = fugashi.Tagger()
print(flush=True)
for line in sys.stdin:
    print(len(tagger(line)), flush=True)
"""
"""The same, and then it tokenizes what it is told."""
QUESTIONS = 400
A_FEW = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Compared:
    """Two medians in one unit, and how many times the first the second may be."""

    name: str
    least: float
    ours: float
    at_most: float | None = None


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--knowledge", type=Path, default=shipped_knowledge())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        assistant = Assistant(open_index(options.knowledge, Path(cache)))
        variables = environment(MADOGUCHI_CACHE=cache, MADOGUCHI_KNOWLEDGE=str(options.knowledge))
        asked = load(options.knowledge).asked.questions or load(shipped_knowledge()).asked.questions
        questions = list(dict.fromkeys(each.text for each in asked))[:QUESTIONS]
        print(f"{'':40}{'least':>10}{'this bot':>10}{'ratio':>8}{'at most':>9}")
        for compared in (
            *starts(options.rounds, variables, questions[0]),
            *answers(assistant, questions),
            *turns(assistant),
            *memories(max(options.rounds // 5, 1), variables, questions[:A_FEW]),
        ):
            most = "" if compared.at_most is None else f"{compared.at_most:g}"
            ratio = compared.ours / compared.least
            print(
                f"{compared.name:40}{compared.least:10.3f}{compared.ours:10.3f}{ratio:8.2f}{most:>9}"
            )


def starts(rounds: int, variables: dict[str, str], question: str) -> Iterator[Compared]:
    """From nothing to one answer, with the index kept from before."""
    commands = [[sys.executable, "-c", LEAST], program("ask", question)]
    spent: list[list[tuple[float, float]]] = [[], []]
    for number in range(rounds + 1):
        for command, found in zip(commands, spent, strict=True):
            measured = run(command, variables)
            if number:  # the first round brings the files into memory
                found.append(measured)
    for name, place in (("start of ask: time, ms", 0), ("start of ask: CPU, ms", 1)):
        least, ours = (statistics.median(each[place] for each in found) * 1e3 for found in spent)
        yield Compared(name, least, ours, 2)


def run(command: Sequence[str], variables: dict[str, str]) -> tuple[float, float]:
    """The seconds that a process takes, and those of the processor."""
    before = cpu_of_children()
    started = time.perf_counter()
    subprocess.run(command, env=variables, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, cpu_of_children() - before


def cpu_of_children() -> float:
    """Seconds of the processor that all processes that have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def answers(assistant: Assistant, questions: Sequence[str]) -> Iterator[Compared]:
    """One question in a running process, beside reading its words with fugashi alone."""
    tagger = fugashi.Tagger()
    new = Conversation()

    def tokenize(question: str) -> object:
        return [(word.surface, word.feature.lemma) for word in tagger(question)]

    least, ours = timed(questions, tokenize, lambda question: assistant.reply(new, question))
    yield Compared("one question: ms", statistics.median(least), statistics.median(ours), 5)
    yield Compared("one question: 99th percentile, ms", last(least), last(ours))


def turns(assistant: Assistant) -> Iterator[Compared]:
    """A line that follows others in a conversation, beside the same line alone."""
    log = load_log(ROOT / "tests/data/dialogues.yaml")
    lines = []
    for dialogue in log.dialogues:
        conversation = Conversation()
        for said, follows in pairwise(turn.text for turn in dialogue.turns):
            conversation = assistant.reply(conversation, said).conversation
            lines.append((conversation, follows))
    new = Conversation()
    least, ours = timed(
        lines, lambda line: assistant.reply(new, line[1]), lambda line: assistant.reply(*line)
    )
    yield Compared("a line in a conversation: ms", *map(statistics.median, (least, ours)), 3)
    yield Compared("a line: 99th percentile, ms", last(least), last(ours))


def timed(
    things: Sequence[T], *actions: Callable[[T], object], rounds: int = 3
) -> list[list[float]]:
    """The milliseconds of each action on each thing, in turn; the first round is not counted."""
    found: list[list[float]] = [[] for _ in actions]
    for number in range(rounds + 1):
        for thing in things:
            for action, spent in zip(actions, found, strict=True):
                started = time.perf_counter()
                action(thing)
                if number:
                    spent.append((time.perf_counter() - started) * 1e3)
    return found


def last(values: Sequence[float]) -> float:
    """The 99th percentile."""
    return statistics.quantiles(values, n=100)[-1]


def memories(
    rounds: int, variables: dict[str, str], questions: Sequence[str]
) -> Iterator[Compared]:
    """What stays in memory: of a console that is ready, beside that of the least; and after a few
    questions, beside the least after it has tokenized the same ones, which brings in much of the
    dictionary.
    """
    held, console = [sys.executable, "-c", HELD], program("console", "--json")
    for name, said, at_most in (("ready", [], 2), ("after questions", questions, None)):
        least, ours = [], []
        for _ in range(rounds):
            least.append(memory(held, variables, said, lines=1 + len(said)))
            lines = said or [""]  # what is no question is answered without any search
            ours.append(memory(console, variables, lines, lines=len(lines)))
        yield Compared(
            f"console {name}: RSS, MiB", statistics.median(least), statistics.median(ours), at_most
        )


def memory(
    command: Sequence[str], variables: dict[str, str], said: Sequence[str], *, lines: int
) -> float:
    """RSS in MiB of a process that was told something and has printed so many lines."""
    with subprocess.Popen(
        command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{each}\n" for each in said).encode())
        process.stdin.flush()
        for _ in range(lines):
            process.stdout.readline()
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        process.stdin.close()
        process.stdout.read()
    (size,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(size) / 1024


if __name__ == "__main__":
    main()
