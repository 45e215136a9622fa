"""What a question costs through a Ray cluster on loopback, beside the search in this process.

    python -m tests.benchmarks.cluster valid-v1.3.json [--size 100000]

The file has JSQuAD's form; its sentences are made into as many as wanted. A question is asked as
the ranking asks it: the ten best passages, their scores, those of thirty sentences, and which terms
the first holds. A head and two nodes share this machine's processors with whoever asks, so this
shows what the way to the cluster costs, not what more machines save. Last, a node is killed while
questions come.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bot.document.sentences import split_sentences
from bot.retrieval.cluster import Cluster, SlicedPostings
from bot.retrieval.counts import Counts, build_postings, count_terms
from bot.retrieval.lexicon import Found, Lexicon
from bot.retrieval.mapped import read_arrays, write_arrays
from bot.retrieval.parallel import cores, each
from bot.retrieval.postings import Postings
from bot.retrieval.question import Question
from bot.retrieval.terms import Synonyms, analyse
from bot.text import normalize
from tests.benchmarks.jsquad import read
from tests.benchmarks.scale import made_up, parted
from tests.ray_nodes import ON_LOOPBACK, running

LINE = "{:34} {:>8} {:>8} {:>8}"
AFTER_KILL = 60.0
"""Seconds for which questions come after a node was killed, or until the cluster answers again."""

Ask = Callable[[Found], tuple[object, ...]]


def counted(texts: Sequence[str]) -> Counts:
    return count_terms([analyse(normalize(text)).terms for text in texts])


def build(texts: Sequence[str], path: Path) -> tuple[Lexicon, Postings]:
    """Every sentence is a row, of the passages as of the sentences."""
    parts = list(each(counted, parted(texts)))
    lexicon = np.unique(np.concatenate([part.terms for part in parts]))
    arrays = build_postings(parts, lexicon)
    names = ("passages", "sentences")
    write_arrays(path, {f"{name}.{key}": arrays[key] for name in names for key in arrays})
    mapped = read_arrays(path)
    return Lexicon(lexicon), Postings({key: mapped[f"passages.{key}"] for key in arrays})


def asking(passages: Postings | SlicedPostings, sentences: Postings | SlicedPostings) -> Ask:
    """All that the ranking wants to know about a question."""

    def ask(question: Found) -> tuple[object, ...]:
        found, held = passages.match(question), sentences.match(question, search=False)
        best = found.best(10)
        some = np.concatenate([best, best[::-1] // 2, best // 3])
        scores = found.of(best).tolist(), held.of(some).tolist()
        return best.tolist(), scores, found.held(int(best[0])).tolist()

    return ask


def timed(ask: Ask, questions: Sequence[Found]) -> tuple[list[float], list[tuple[object, ...]]]:
    spent, found = [], []
    for question in questions:
        started = time.perf_counter()
        found.append(ask(question))
        spent.append((time.perf_counter() - started) * 1e3)
    return spent, found


def line(name: str, spent: Sequence[float]) -> None:
    p99 = statistics.quantiles(spent, n=100)[-1]
    figures = [f"{each_:.2f}" for each_ in (statistics.median(spent), p99, max(spent))]
    print(LINE.format(name, *figures), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--size", type=int, default=100_000)
    options = parser.parse_args()
    data = read(options.path)
    sentences = [text.strip() for row in data.lines for text in split_sentences(row["text"])]
    wanted = [each_.text for each_ in data.asked[:: max(1, len(data.asked) // 1000)]]
    os.environ |= ON_LOOPBACK
    with tempfile.TemporaryDirectory() as folder, running() as nodes:
        path = Path(folder, "index")
        lexicon, here = build(list(made_up(sentences, options.size)), path)
        asked = [lexicon.find(Question.read(text, Synonyms({})).sought) for text in wanted]
        print(f"{date.today()}, Ray {version('ray')}, {cores()} cores, {options.size} sentences,")
        print(f"{len(asked)} questions, 2 nodes")
        print(LINE.format("", "p50 ms", "p99 ms", "worst"))
        local = asking(here, here)
        timed(local, asked)  # brings the file into memory
        spent, expected = timed(local, asked)
        line("in this process", spent)
        os.environ["RAY_ADDRESS"] = nodes.auto
        for address in (nodes.client, "auto"):
            said: list[str] = []
            cluster = Cluster(address, path, said.append)
            remote = asking(cluster.slice("passages", here), cluster.slice("sentences", here))
            timed(remote, asked[:100])
            spent, found = timed(remote, asked)
            line(f"{address.partition(':')[0]}, {cluster.slices} slices", spent)
            assert (found, said) == (expected, []), "a difference"
        nodes.order("lose node")
        started, spent = time.monotonic(), []
        while len(said) < 2 and time.monotonic() < started + AFTER_KILL:
            more, found = timed(remote, asked)
            spent += more
            assert found == expected, "a difference"
        line("auto, while a node is killed", spent)
        print(*said, f"after {time.monotonic() - started:.0f} s", sep="\n")


if __name__ == "__main__":
    main()
