"""Hits to sections: what speaks for each, which are best, and the sentence that answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import shows
from bot.retrieval.index import Index
from bot.retrieval.intents import Leaning
from bot.retrieval.linear import weigh
from bot.retrieval.postings import Matches
from bot.retrieval.question import Question
from bot.retrieval.top import top

Floats = NDArray[np.float64]

SECTION_FEATURES = ("passage", "sentence", "margin", "sentence_margin")
SENTENCE_FEATURES = ("words", "margin", "type")
# Without examples there is nothing learned, and a passage's score alone orders best.
BARE_SECTION_FEATURES = ("passage",)
BARE_SENTENCE_FEATURES = ("words", "type")
_CANDIDATES = 10
"""How many sections are looked at closely."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What the index found for a question, before any weighing.

    ``leaning`` is what the learned model says.
    """

    question: Question
    passages: Matches
    sentences: Matches
    leaning: Leaning


@dataclass(frozen=True, slots=True)
class Ranking:
    """Sections that may answer, best first.

    ``rows`` are sections; ``features`` has a line a section in the order of SECTION_FEATURES;
    ``scores`` are their weighted sums and ``shares`` the probability that each is the one, if one
    of them is.
    """

    hits: Hits
    rows: NDArray[np.intp]
    features: Floats
    scores: Floats
    shares: Floats

    def united(self, alike: NDArray[np.bool_]) -> Ranking:
        """The ranking with the sections ``alike``, the first among them, taken as that one."""
        kept = ~alike
        kept[0] = True
        shares = self.shares[kept]
        shares[0] = self.shares[alike].sum()
        return Ranking(self.hits, self.rows[kept], self.features[kept], self.scores[kept], shares)


def look_up(index: Index, question: Question) -> Hits:
    """Everything the index knows about a question."""
    return Hits(
        question,
        index.passages.match(question.sought),
        index.sentences.match(question.sought, search=False),
        index.intents.lean(question.terms, question.counts),
    )


def rank(
    index: Index, hits: Hits, weights: Mapping[str, float], allowed: NDArray[np.bool_] | None = None
) -> Ranking:
    """The best sections, among those ``allowed`` if given; ties go to the earlier one."""
    rows = _shortlist(index, hits, allowed)
    features = section_features(index, hits, rows)
    # Rounded, so that machines that add in another order still agree on ties.
    scores = np.round(weigh(features, SECTION_FEATURES, weights), 9)
    order = np.lexsort((rows, -scores))
    rows, features, scores = rows[order], features[order], scores[order]
    shares = np.exp(scores - scores.max(initial=0.0))
    return Ranking(hits, rows, features, scores, shares / max(shares.sum(), 1e-9))


def section_features(index: Index, hits: Hits, rows: NDArray[np.intp]) -> Floats:
    """What speaks for each of the sections ``rows``, in the order of SECTION_FEATURES."""
    features = np.zeros((len(rows), len(SECTION_FEATURES)))
    if not len(rows):
        return features
    starts, ends = index.first_sentence[rows], index.first_sentence[rows + 1]
    lengths = ends - starts
    sentences = np.concatenate([*map(np.arange, starts.tolist(), ends.tolist())])
    firsts = np.cumsum(lengths) - lengths
    features[:, 0] = hits.passages.of(rows) / max(hits.passages.ceiling, 1e-9)
    of_sentences = hits.sentences.of(sentences) / max(hits.sentences.ceiling, 1e-9)
    features[:, 1] = np.maximum.reduceat(of_sentences, firsts)
    if index.is_taught:
        features[:, 2] = hits.leaning.sections[rows]
        features[:, 3] = np.maximum.reduceat(hits.leaning.sentences[sentences], firsts)
    return features


def best_sentence(index: Index, hits: Hits, row: int, weights: Mapping[str, float]) -> int:
    """The sentence of a section that answers best; the earlier of equals."""
    return sentences_by_score(index, hits, row, weights)[0]


def sentences_by_score(
    index: Index, hits: Hits, row: int, weights: Mapping[str, float]
) -> list[int]:
    """The sentences of a section, best first; the earlier of equals."""
    start, end = index.first_sentence[row : row + 2].tolist()
    if end - start < 2:
        return list(range(start, end))
    features = sentence_features(index, hits, start, end)
    scores = weigh(features, SENTENCE_FEATURES, weights)
    order: list[int] = (start + np.argsort(-np.round(scores, 9), kind="stable")).tolist()
    return order


def sentence_features(index: Index, hits: Hits, start: int, end: int) -> Floats:
    """What speaks for each sentence from ``start`` to ``end``, in the order of
    SENTENCE_FEATURES.
    """
    features = np.zeros((end - start, len(SENTENCE_FEATURES)))
    features[:, 0] = hits.sentences.of(np.arange(start, end)) / max(hits.sentences.ceiling, 1e-9)
    if index.is_taught:
        features[:, 1] = hits.leaning.sentences[start:end]
    kind = hits.question.asks
    features[:, 2] = [shows(index.sentence(row), kind) for row in range(start, end)]
    return features


def _shortlist(index: Index, hits: Hits, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """The sections worth a closer look, by words and by what was learned, in ascending order."""
    count = min(_CANDIDATES, index.size if allowed is None else int(allowed.sum()))
    chosen = hits.passages.best(count, allowed).tolist()
    if index.is_taught:
        learned = np.round(hits.leaning.sections, 9)
        masked = learned if allowed is None else np.where(allowed, learned, -np.inf)
        chosen += top(masked, count).tolist()
    return np.array(sorted(set(chosen)), np.intp)
