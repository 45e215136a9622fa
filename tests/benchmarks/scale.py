"""Cost against size: one question, opening and building, on sentences made of a file's own.

    python -m tests.benchmarks.scale valid-v1.3.json [--sizes 1000 10000 100000 1000000]

The file has JSQuAD's form. Sentences are drawn with a fixed seed and halved and joined anew, so
that words keep their frequencies. Every sentence is a row of one inverted list; questions and peers
get the words ready made.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bot.document.sentences import split_sentences
from bot.retrieval.mapped import read_arrays, write_arrays
from bot.retrieval.parallel import cores, each
from bot.retrieval.postings import Postings, build_postings
from bot.retrieval.question import Question
from bot.retrieval.terms import Synonyms, Terms, analyse
from bot.retrieval.tokens import words
from bot.text import normalize
from tests.benchmarks.jsquad import read
from tests.benchmarks.peers import bm25s_numba, lemmas, tantivy_bm25

LINE = "{:>9} {:>12} {:>12} {:>12} {:>10} {:>9} {:>12} {:>14}"
HEAD = (
    "sentences",
    "madoguchi ms",
    "bm25s ms",
    "tantivy ms",
    "open ms",
    "build s",
    "fugashi s",
    "file/postings",
)
PART = 5000


def made_up(sentences: Sequence[str], count: int) -> Iterator[str]:
    """Halves of real sentences, joined by chance."""
    chance = random.Random(20240601)
    for _ in range(count):
        first, second = chance.choice(sentences), chance.choice(sentences)
        yield first[: len(first) // 2] + second[len(second) // 2 :]


def terms_of(texts: Sequence[str]) -> list[Terms]:
    return [analyse(normalize(text)).terms for text in texts]


def tokenized(texts: Sequence[str]) -> list[list[str]]:
    return [[word.lemma for word in words(text) if word.is_content] for text in texts]


def parted(texts: Sequence[str]) -> list[Sequence[str]]:
    return [texts[start : start + PART] for start in range(0, len(texts), PART)]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(systems: Sequence[Callable[[int], object]], count: int) -> list[float]:
    """The median milliseconds of each system, asked in turn."""
    spent: list[list[float]] = [[] for _ in systems]
    for number in range(count):
        for ask, times in zip(systems, spent, strict=True):
            times.append(seconds(lambda ask=ask, number=number: ask(number)))
    return [1000 * statistics.median(times) for times in spent]


def measure(texts: list[str], questions: Sequence[str], folder: Path) -> tuple[object, ...]:
    start = time.perf_counter()
    arrays = build_postings([terms for part in each(terms_of, parted(texts)) for terms in part])
    building = time.perf_counter() - start
    path = folder / "postings"
    write_arrays(path, arrays)
    held = arrays["rows"].nbytes + arrays["weights"].nbytes
    del arrays
    opening = min(seconds(lambda: Postings(read_arrays(path))) for _ in range(3))
    index = Postings(read_arrays(path))
    asked = [Question.read(question, Synonyms({})).sought for question in questions]
    wanted = [lemmas(question) for question in questions]
    start = time.perf_counter()
    peer_texts = [each_ for part in each(tokenized, parted(texts)) for each_ in part]
    tokenizing = time.perf_counter() - start
    peers = [bm25s_numba(peer_texts), tantivy_bm25(peer_texts)]
    del peer_texts
    spent = alternating(
        [
            lambda number: index.match(asked[number]).best(10),
            *(lambda number, peer=peer: peer.find(wanted[number], 10) for peer in peers),
        ],
        len(questions),
    )
    size = path.stat().st_size / held
    return (*[f"{ms:.2f}" for ms in spent], f"{1000 * opening:.1f}", f"{building:.1f}",
            f"{tokenizing:.1f}", f"{size:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options = parser.parse_args()
    data = read(options.path)
    sentences = [text.strip() for line in data.lines for text in split_sentences(line["text"])]
    questions = [each_.text for each_ in data.asked[:: max(1, len(data.asked) // 100)]]
    print(f"{cores()} cores; medians over {len(questions)} questions, systems in turn")
    print(LINE.format(*HEAD))
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            found = measure(list(made_up(sentences, size)), questions, Path(folder))
        print(LINE.format(size, *found), flush=True)


if __name__ == "__main__":
    main()
