"""What the Discord bot costs beside the smallest echo bot, on the same loopback server.

    python -m tests.benchmarks.discord_echo [--messages 400] [--rounds 3] [--knowledge DIR]

Both run in turn, each in a process of its own, and get the same questions one after the other:
each from somebody else, then all of them as one person's conversation, then one from everybody.
CPU and memory are the process's own, latency is from the event's sending to the reply's arrival.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from bot.retrieval.cache import open_index
from bot.settings import shipped_knowledge
from tests.loopback import Loopback, User
from tests.program import ROOT, program

ECHO = """
import os, discord, yarl
discord.http.Route.BASE = os.environ["DISCORD_API_BASE"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])
client = discord.Client(intents=discord.Intents.default())

@client.event
async def on_message(message):
    if message.author != client.user and client.user in message.mentions:
        await message.reply(message.content)

client.run(os.environ["DISCORD_TOKEN"], log_handler=None)
"""
WARM_UP = 20
SETTLE = 1.0
"""Seconds after READY until memory is measured: on_ready has run, nothing has been asked."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Seconds: of the processor for each answer, and until each came."""

    cpu: float
    latencies: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one bot: seconds and MiB."""

    start: float
    rss: float
    pss: float
    people: Answered
    person: Answered
    same: Answered
    pss_after: float
    own_after: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--messages", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--knowledge", type=Path, default=shipped_knowledge())
    options = parser.parse_args()
    print_table(asyncio.run(compare(options.messages, options.rounds, options.knowledge)))


async def compare(
    messages: int, rounds: int, knowledge: Path
) -> tuple[list[Measured], list[Measured]]:
    """Both bots, measured in turn."""
    questions = read_questions(messages + WARM_UP)
    bots = {"echo": [sys.executable, "-c", ECHO], "ours": program("discord")}
    results: dict[str, list[Measured]] = {name: [] for name in bots}
    with tempfile.TemporaryDirectory() as folder:
        open_index(knowledge, Path(folder, "cache"))
        async with Loopback() as server:
            environment = environment_of(server, knowledge, Path(folder))
            for _ in range(rounds):
                for name, command in bots.items():
                    measured = await measure(server, command, environment, questions)
                    results[name].append(measured)
    return results["echo"], results["ours"]


def read_questions(count: int) -> list[str]:
    """Different questions, such as people asked."""
    file = shipped_knowledge() / "asked.yaml"
    asked = yaml.safe_load(file.read_text(encoding="utf-8"))["questions"]
    texts = list(dict.fromkeys(each["text"] for each in asked))
    return [texts[i % len(texts)] + "？" * (i // len(texts)) for i in range(count)]


def environment_of(server: Loopback, knowledge: Path, folder: Path) -> dict[str, str]:
    """What both are told; nothing of whoever runs this."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "DISCORD_TOKEN": server.token,
        "DISCORD_API_BASE": server.url,
        "GATEWAY": f"ws://127.0.0.1:{server.port}/gateway",
        "MADOGUCHI_KNOWLEDGE": str(knowledge),
        "MADOGUCHI_CACHE": str(folder / "cache"),
        "MADOGUCHI_DATABASE": f"sqlite:///{folder}/madoguchi.db",
        "MADOGUCHI_COOLDOWN": "0",
    }


async def measure(
    server: Loopback, command: Sequence[str], environment: dict[str, str], questions: Sequence[str]
) -> Measured:
    """One bot, from its start to its end."""
    server.sessions.clear()
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    log = asyncio.create_task(process.stderr.read())
    log.add_done_callback(lambda _: server.changed())
    try:
        await server.until(lambda: server.connected or log.done(), 30)
        if log.done():
            sys.exit(f"{command[-1]} ended: {log.result().decode()}")
        start = time.perf_counter() - started
        await asyncio.sleep(SETTLE)
        rss, pss, _ = memory(process.pid)
        warm_up, questions = questions[:WARM_UP], questions[WARM_UP:]
        await answers(server, process.pid, [(server.asker, each) for each in warm_up])
        asked = [(server.add_user("Person"), each) for each in questions]
        people = await answers(server, process.pid, asked)
        person = await answers(server, process.pid, [(server.asker, each) for each in questions])
        asked = [(server.add_user("Person"), questions[0]) for _ in questions]
        same = await answers(server, process.pid, asked)
        _, pss_after, own_after = memory(process.pid)
        return Measured(start, rss, pss, people, person, same, pss_after, own_after)
    finally:
        process.kill()
        await process.wait()


async def answers(
    server: Loopback, process: int, questions: Sequence[tuple[User, str]]
) -> Answered:
    """Ask questions one after the other."""
    before = cpu(process)
    latencies = [await ask(server, user, question) for user, question in questions]
    return Answered((cpu(process) - before) / len(latencies), tuple(latencies))


async def ask(server: Loopback, user: User, question: str) -> float:
    """Ask one question and wait for the answer; returns the seconds until it came in."""
    count = len(server.messages)
    at = time.monotonic()
    await server.say(f"{server.mention} {question}", user=user)
    await server.until(lambda: len(server.messages) == count + 2)
    # The request is noted right after the message; what else comes in between is no message.
    await server.until(lambda: server.requests[-1].path.endswith("/messages"))
    return server.requests[-1].at - at


def cpu(process: int) -> float:
    """Seconds of processor time that a process has used, all its threads together."""
    threads = Path(f"/proc/{process}/task").iterdir()
    return sum(int((each / "schedstat").read_text().split()[0]) for each in threads) / 1e9


def memory(process: int) -> tuple[float, float, float]:
    """RSS and PSS of a process in MiB, and how much of the latter is not pages of files, which the
    system takes back when it needs them: the dictionary and the index.
    """
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return sizes["Rss"], sizes["Pss"], sizes["Pss_Anon"]


def print_table(results: tuple[list[Measured], list[Measured]]) -> None:
    """Medians over the rounds; latencies over all of them."""
    print(f"{'':32}{'echo bot':>10}{'this bot':>10}{'ratio':>8}{'at most':>9}")

    def row(name: str, most: str, figure: Callable[[list[Measured]], float]) -> None:
        echo, ours = map(figure, results)
        print(f"{name:32}{echo:10.2f}{ours:10.2f}{ours / echo:8.2f}{most:>9}")

    for title, answered in (
        ("many people", lambda each: each.people),
        ("one conversation", lambda each: each.person),
        ("one question", lambda each: each.same),
    ):
        row(f"{title}: CPU, ms", "1.5", partial(spent, answered))
        row(f"{title}: p50, ms", "", partial(percentile, answered, 0.50))
        row(f"{title}: p99, ms", "1.5", partial(percentile, answered, 0.99))
    row("RSS at READY, MiB", "2.5", partial(median, lambda each: each.rss))
    row("PSS at READY, MiB", "2.5", partial(median, lambda each: each.pss))
    row("PSS at the end, MiB", "", partial(median, lambda each: each.pss_after))
    row("not of files, MiB", "", partial(median, lambda each: each.own_after))
    row("start to READY, ms", "2", partial(median, lambda each: each.start * 1e3))


def median(figure: Callable[[Measured], float], rounds: Sequence[Measured]) -> float:
    """The median of one figure over the rounds."""
    return statistics.median(map(figure, rounds))


def spent(answered: Callable[[Measured], Answered], rounds: Sequence[Measured]) -> float:
    """Processor time of an answer in ms."""
    return median(lambda each: answered(each).cpu * 1e3, rounds)


def percentile(
    answered: Callable[[Measured], Answered], share: float, rounds: Sequence[Measured]
) -> float:
    """A percentile of the latencies of all rounds, in ms."""
    latencies = sorted(latency for each in rounds for latency in answered(each).latencies)
    return latencies[min(int(len(latencies) * share), len(latencies) - 1)] * 1e3


if __name__ == "__main__":
    main()
