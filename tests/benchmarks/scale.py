"""Cost against size: one question, opening and building, on sentences made of a file's own.

    python -m tests.benchmarks.scale valid-v1.3.json [--sizes 1000 10000 100000 1000000]
        [--figure tests/benchmarks/figures/cost.svg]

The file has JSQuAD's form. Sentences are drawn with a fixed seed and halved and joined anew, so
that words keep their frequencies. Every sentence is a row of one inverted list. Questions are asked
with the words ready made; building begins with the text, of which all systems get the same words,
analysed on all cores. A million sentences take some minutes and 8 GB.
"""

from __future__ import annotations

import argparse
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bot.document.sentences import split_sentences
from bot.retrieval.counts import Counts, build_postings, count_terms
from bot.retrieval.lexicon import Lexicon
from bot.retrieval.mapped import read_arrays, write_arrays
from bot.retrieval.parallel import cores, each
from bot.retrieval.postings import Postings
from bot.retrieval.question import Question
from bot.retrieval.terms import Synonyms, analyse
from bot.text import normalize
from tests.benchmarks.jsquad import read
from tests.benchmarks.peers import Peer, bm25s_numba, lemmas, tantivy_bm25

OURS = "madoguchi"
PART = 5000


@dataclass(frozen=True)
class Measured:
    """For so many sentences, by system: milliseconds of a question and seconds of building; and of
    ours the milliseconds of opening and the file's size beside that of its postings.
    """

    sentences: int
    query: dict[str, float]
    build: dict[str, float]
    opening: float
    size: float

    def row(self) -> str:
        """A line of a table."""
        costs = [f"{cost:.2f}" for cost in (*self.query.values(), *self.build.values())]
        cells = [f"{self.sentences:,}", *costs, f"{self.opening:.1f}", f"{self.size:.2f}"]
        return f"| {' | '.join(cells)} |"


def made_up(sentences: Sequence[str], count: int) -> Iterator[str]:
    """Halves of real sentences, joined by chance."""
    chance = random.Random(20240601)
    for _ in range(count):
        first, second = chance.choice(sentences), chance.choice(sentences)
        yield first[: len(first) // 2] + second[len(second) // 2 :]


def counted(texts: Sequence[str]) -> Counts:
    return count_terms([analyse(normalize(text)).terms for text in texts])


def tokenized(texts: Sequence[str]) -> list[list[str]]:
    return [lemmas(text) for text in texts]


def parted(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + PART] for start in range(0, len(texts), PART)]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(systems: Sequence[Callable[[int], object]], count: int) -> list[float]:
    """The median milliseconds of each system, asked in turn; before that each asks everything
    once, which brings what it needs into memory.
    """
    spent: list[list[float]] = [[] for _ in systems]
    for is_counted in (False, True):
        for number in range(count):
            for ask, times in zip(systems, spent, strict=True):
                took = seconds(lambda ask=ask, number=number: ask(number))
                if is_counted:
                    times.append(took)
    return [1000 * statistics.median(times) for times in spent]


def build(texts: Sequence[str], path: Path) -> float:
    """Write an index of texts, a row each, and tell how long it is beside its postings."""
    counts = list(each(counted, parted(texts)))
    lexicon = np.unique(np.concatenate([part.terms for part in counts]))
    arrays = {"lexicon": lexicon, **build_postings(counts, lexicon)}
    write_arrays(path, arrays)
    return path.stat().st_size / (arrays["rows"].nbytes + arrays["weights"].nbytes)


def open_built(path: Path) -> tuple[Lexicon, Postings]:
    arrays = read_arrays(path)
    return Lexicon(arrays["lexicon"]), Postings(arrays)


def peers(texts: Sequence[str]) -> Iterator[tuple[Peer, float]]:
    """Each peer that is installed, and its seconds from the texts on."""
    start = time.perf_counter()
    known: dict[str, str] = {}  # each word once in memory
    words = [
        [known.setdefault(word, word) for word in text]
        for part in each(tokenized, parted(texts))
        for text in part
    ]
    tokenizing = time.perf_counter() - start
    for builder in (bm25s_numba, tantivy_bm25):
        try:
            peer = builder(words)
        except ImportError as error:
            print(f"{error}: left out")
        else:
            yield peer, tokenizing + peer.seconds


def measure(texts: list[str], questions: Sequence[str], path: Path) -> Measured:
    start = time.perf_counter()
    size = build(texts, path)
    building = time.perf_counter() - start
    opening = min(seconds(lambda: open_built(path)) for _ in range(3))
    lexicon, index = open_built(path)
    asked = [Question.read(question, Synonyms({})).sought for question in questions]
    wanted = [lemmas(question) for question in questions]
    others = list(peers(texts))
    spent = alternating(
        [
            lambda number: index.match(lexicon.find(asked[number])).best(10),
            *(lambda number, peer=peer: peer.find(wanted[number], 10) for peer, _ in others),
        ],
        len(questions),
    )
    names = [OURS, *(peer.name for peer, _ in others)]
    return Measured(
        len(texts),
        dict(zip(names, spent, strict=True)),
        dict(zip(names, [building, *(seconds for _, seconds in others)], strict=True)),
        1000 * opening,
        size,
    )


def draw(found: Sequence[Measured], title: str, path: Path) -> None:
    """Draw what a question and a build cost against the number of sentences."""
    import matplotlib as mpl

    mpl.use("agg")
    mpl.rcParams["svg.hashsalt"] = "cost"  # the same picture from the same figures
    from matplotlib import pyplot as plt

    figure, panes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    costs = (("one question, words given: ms", "query"), ("building, words included: s", "build"))
    for pane, (label, cost) in zip(panes, costs, strict=True):
        for name in found[0].query:
            spent = [getattr(each_, cost)[name] for each_ in found]
            width = 2.5 if name == OURS else 1.5
            pane.plot([each_.sentences for each_ in found], spent, "o-", label=name, lw=width)
        pane.set(xscale="log", yscale="log", xlabel="sentences", title=label)
        pane.grid(visible=True, which="major", alpha=0.3)
        pane.legend(frameon=False)
    figure.suptitle(title, fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--figure", type=Path, metavar="FILE", help="draw it, as .svg or .png")
    options = parser.parse_args()
    data = read(options.path)
    sentences = [text.strip() for line in data.lines for text in split_sentences(line["text"])]
    questions = [each_.text for each_ in data.asked[:: max(1, len(data.asked) // 100)]]
    title = (
        f"{date.today()}: Python {platform.python_version()}, numpy {np.__version__}, "
        f"{cores()} cores, medians of {len(questions)} questions"
    )
    print(title)
    found = []
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found.append(measure(list(made_up(sentences, size)), questions, Path(folder, "index")))
        if len(found) == 1:
            head = [f"{name} {unit}" for unit in ("ms", "s") for name in found[0].query]
            print("| sentences |", " | ".join([*head, "opening ms", "file / postings"]), "|")
            print("| --- " * (len(head) + 3) + "|")
        print(found[-1].row(), flush=True)
    if options.figure:
        draw(found, title, options.figure)


if __name__ == "__main__":
    main()
