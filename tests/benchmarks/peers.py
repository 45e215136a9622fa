"""Other retrievers, each behind one function: words in, scores of all passages or the best out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from bot.retrieval.tokens import words
from bot.text import normalize

Ranked = list[tuple[int, float]]
"""Rows with their scores, best first."""


@dataclass(frozen=True)
class Peer:
    """A retriever over given texts: ``find(words, count)`` gives the best rows."""

    name: str
    find: Callable[[list[str], int], Ranked]
    seconds: float


def lemmas(text: str) -> list[str]:
    """The content lemmas of a text, the same for every peer."""
    return [word.lemma for word in words(normalize(text)) if word.is_content]


def bm25s_numba(texts: Sequence[list[str]]) -> Peer:
    return _bm25s(texts, "numba")


def _numpy(texts: Sequence[list[str]]) -> Peer:
    return _bm25s(texts, "numpy")


def _bm25s(texts: Sequence[list[str]], backend: str) -> Peer:
    import bm25s

    start = time.perf_counter()
    index = bm25s.BM25(backend=backend)
    index.index(list(texts), show_progress=False)
    seconds = time.perf_counter() - start

    def find(asked: list[str], count: int) -> Ranked:
        known = [word for word in asked if word in index.vocab_dict]
        if not known:
            return []
        found = index.retrieve([known], k=count, show_progress=False, n_threads=0)
        return list(zip(found.documents[0].tolist(), found.scores[0].tolist(), strict=True))

    find(list(texts[0]), 10)  # compiles
    return Peer(f"bm25s {version('bm25s')} ({backend})", find, seconds)


def tantivy_bm25(texts: Sequence[list[str]]) -> Peer:
    import tantivy as library

    start = time.perf_counter()
    schema = library.SchemaBuilder()
    schema.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    built = schema.build()
    index = library.Index(built)
    writer = index.writer(num_threads=1)
    for held in texts:
        writer.add_document(library.Document(text=" ".join(held)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    seconds = time.perf_counter() - start

    # One segment is written in order, so that a document's number is its row.
    def find(asked: list[str], count: int) -> Ranked:
        parts = [
            (library.Occur.Should, library.Query.term_query(built, "text", word, "freq"))
            for word in dict.fromkeys(asked)
        ]
        hits = searcher.search(library.Query.boolean_query(parts), count, count=False).hits
        return [(place.doc, score) for score, place in hits]

    return Peer(f"tantivy {version('tantivy')}", find, seconds)


def _rank_bm25(texts: Sequence[list[str]]) -> Peer:
    from rank_bm25 import BM25Okapi

    start = time.perf_counter()
    index = BM25Okapi(list(texts))
    seconds = time.perf_counter() - start
    return Peer(
        f"rank_bm25 {version('rank-bm25')}",
        lambda asked, count: _best(index.get_scores(asked), count),
        seconds,
    )


def _scikit_learn(texts: Sequence[list[str]]) -> Peer:
    from sklearn.feature_extraction.text import TfidfVectorizer

    start = time.perf_counter()
    vectorizer = TfidfVectorizer(analyzer=list)
    matrix = vectorizer.fit_transform(texts)
    seconds = time.perf_counter() - start

    def find(asked: list[str], count: int) -> Ranked:
        return _best((matrix @ vectorizer.transform([asked]).T).toarray()[:, 0], count)

    return Peer(f"scikit-learn {version('scikit-learn')}", find, seconds)


def _best(scores: np.ndarray, count: int) -> Ranked:
    rows = np.argsort(-scores, kind="stable")[:count]
    return list(zip(rows.tolist(), scores[rows].tolist(), strict=True))


PEERS = (bm25s_numba, _numpy, tantivy_bm25, _rank_bm25, _scikit_learn)
"""Each builds its index over texts that are given as words."""
