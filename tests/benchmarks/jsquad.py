"""The bare retriever on a document nobody here wrote: a file of JSQuAD's form, beside peers.

    python -m tests.benchmarks.jsquad valid-v1.3.json

Articles are divisions, paragraphs are sections, nothing is authored. Peers get the same words (the
title in the text) and the same tokenizing; `--alone` leaves them out. They come with the
dependency group `bench`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.document.load import load
from bot.document.sentences import split_sentences
from bot.quality.evaluate import auroc
from bot.retrieval.build import build_index
from bot.retrieval.confidence import confidence
from bot.retrieval.index import Index
from bot.retrieval.question import Question
from bot.retrieval.rank import SECTION_FEATURES, best_sentence, look_up, rank
from tests.benchmarks.peers import PEERS, Peer, lemmas

LINE = "{:32} {:>7} {:>7} {:>7} {:>9} {:>7} {:>8} {:>8}"
HEAD = ("", "R@1", "R@5", "MRR@10", "sentence", "AUROC", "p50 ms", "index s")


@dataclass(frozen=True)
class Asked:
    """A question, the row of its passage, and the sentences there that hold the answer."""

    text: str
    row: int
    sentences: frozenset[str]


@dataclass(frozen=True)
class Found:
    """What a system found for a question."""

    rows: list[int]
    sentence: str
    score: float
    score_without_gold: float


@dataclass(frozen=True)
class Data:
    """The lines of a knowledge folder, and what to ask of it."""

    lines: list[dict]
    asked: list[Asked]


def read(path: Path) -> Data:
    """A file of JSQuAD's form: every context is "title [SEP] text"."""
    lines: list[dict] = []
    asked: list[Asked] = []
    for number, article in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        division = {"id": f"article-{number}", "name": article["title"]}
        for count, paragraph in enumerate(article["paragraphs"], 1):
            text = paragraph["context"].rpartition("[SEP] ")[2]
            sentences = [sentence.strip() for sentence in split_sentences(text)]
            heading = f"{article['title']} {count}"
            for question in paragraph["qas"]:
                spans = [answer["text"] for answer in question["answers"]]
                held = filter(lambda each, spans=spans: any(s in each for s in spans), sentences)
                asked.append(Asked(question["question"], len(lines), frozenset(held)))
            lines.append({"division": division, "heading": heading, "text": text})
    return Data(lines, asked)


def build(lines: Sequence[dict], folder: Path) -> tuple[Index, float]:
    """The index over a knowledge folder of these lines, and the seconds it took."""
    with (folder / "articles.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    start = time.perf_counter()
    return Index(build_index(load(folder))), time.perf_counter() - start


def ours(index: Index, asked: Sequence[Asked]) -> list[Found]:
    return [_ask(index, each) for each in asked]


def _ask(index: Index, asked: Asked) -> Found:
    hits = look_up(index, Question.read(asked.text, index.synonyms))
    model = index.model("section", SECTION_FEATURES)
    ranking = rank(index, hits, model)
    sentence = best_sentence(index, hits, int(ranking.rows[0]))
    others = np.arange(index.size) != asked.row
    rest = rank(index, hits, model, others)
    return Found(
        ranking.rows.tolist()[:10],
        index.sentence(sentence),
        confidence(index, ranking),
        confidence(index, rest),
    )


def theirs(
    peer: Peer, sentences: Peer, texts: Sequence[str], asked: Sequence[Asked]
) -> list[Found]:
    """What a peer found; the sentence is the best of an index of its own over sentences."""
    found = []
    for each in asked:
        words = lemmas(each.text)
        hits = peer.find(words, 11)
        best = sentences.find(words, 1)
        without = [score for row, score in hits if row != each.row]
        found.append(
            Found(
                [row for row, _ in hits[:10]],
                texts[best[0][0]] if best else "",
                hits[0][1] if hits else 0.0,
                without[0] if without else 0.0,
            )
        )
    return found


def figures(
    name: str, asked: Sequence[Asked], found: Sequence[Found], cost: float, seconds: float
) -> str:
    places = [
        each.rows.index(wanted.row) if wanted.row in each.rows else 99
        for wanted, each in zip(asked, found, strict=True)
    ]
    right = [each.sentence in wanted.sentences for wanted, each in zip(asked, found, strict=True)]
    return LINE.format(
        name,
        f"{100 * np.mean([place == 0 for place in places]):.1f}",
        f"{100 * np.mean([place < 5 for place in places]):.1f}",
        f"{100 * np.mean([1 / (1 + place) if place < 10 else 0 for place in places]):.1f}",
        f"{100 * np.mean(right):.1f}",
        f"{auroc([e.score for e in found], [e.score_without_gold for e in found]):.3f}",
        f"{cost:.3f}",
        f"{seconds:.1f}",
    )


def costs(systems: Sequence[Callable[[str], object]], questions: Sequence[str]) -> list[float]:
    """The median milliseconds of one question to each system, asked in turn."""
    spent: list[list[float]] = [[] for _ in systems]
    for _ in range(3):
        for ask, times in zip(systems, spent, strict=True):
            for question in questions:
                start = time.perf_counter()
                ask(question)
                times.append(time.perf_counter() - start)
    return [1000 * statistics.median(times) for times in spent]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    options = parser.parse_args()
    data = read(options.path)
    with tempfile.TemporaryDirectory() as folder:
        index, seconds = build(data.lines, Path(folder))
    builders = () if options.alone else PEERS
    start = time.perf_counter()
    passages = [lemmas(f"{line['heading']}\n{line['text']}") for line in data.lines]
    tokenizing = time.perf_counter() - start
    others = [build(passages) for build in builders]
    spent = costs([*_our_doors(index), *map(_door, others)], [e.text for e in data.asked[::10]])
    print(f"{date.today()}: {len(data.lines)} passages, {len(data.asked)} questions")
    print(LINE.format(*HEAD))
    print(figures("madoguchi", data.asked, ours(index, data.asked), spent[0], seconds))
    print(LINE.format("  the whole reply", *[""] * 5, f"{spent[1]:.3f}", ""))
    titled, sentences = zip(*_sentences(data.lines), strict=True)
    for builder, peer, cost in zip(builders, others, spent[2:], strict=True):
        of_sentences = builder([lemmas(text) for text in titled])
        found = theirs(peer, of_sentences, sentences, data.asked)
        print(figures(peer.name, data.asked, found, cost, tokenizing + peer.seconds), flush=True)


def _our_doors(index: Index) -> list[Callable[[str], object]]:
    """From a question to the ranking, and to the whole reply."""
    model = index.model("section", SECTION_FEATURES)
    assistant = Assistant(index)
    return [
        lambda text: rank(index, look_up(index, Question.read(text, index.synonyms)), model),
        lambda text: assistant.reply(Conversation(), text),
    ]


def _door(peer: Peer) -> Callable[[str], object]:
    return lambda text: peer.find(lemmas(text), 10)


def _sentences(lines: Sequence[dict]) -> Iterator[tuple[str, str]]:
    """Every sentence with its heading, and by itself."""
    for line in lines:
        for sentence in split_sentences(line["text"]):
            yield f"{line['heading']}\n{sentence}", sentence.strip()


if __name__ == "__main__":
    main()
