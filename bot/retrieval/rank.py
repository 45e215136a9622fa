"""Hits to sections: what speaks for each, which are best, and the sentence that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import shows
from bot.retrieval.index import Index
from bot.retrieval.intents import Leaning
from bot.retrieval.linear import Floats, LinearModel
from bot.retrieval.postings import Matches, ranges
from bot.retrieval.question import Question

if TYPE_CHECKING:
    from bot.retrieval.cluster import SlicedMatches

SECTION_FEATURES = ("passage", "sentence", "margin", "sentence_margin")
SENTENCE_FEATURES = ("words", "margin", "type")
# Without examples there is nothing learned, and a passage's score alone orders best.
BARE_SECTION_FEATURES = ("passage",)
BARE_SENTENCE_FEATURES = ("words", "type")
_CANDIDATES = 10
"""How many sections are ranked."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What the index found for a question, before any weighing.

    ``leaning`` is what the learned model says.
    """

    question: Question
    passages: Matches | SlicedMatches
    sentences: Matches | SlicedMatches
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
    found = index.lexicon.find(question.sought)
    return Hits(
        question,
        index.passages.match(found),
        index.sentences.match(found, search=False),
        index.intents.lean(question.terms),
    )


def rank(
    index: Index, hits: Hits, model: LinearModel, allowed: NDArray[np.bool_] | None = None
) -> Ranking:
    """The best sections, among those ``allowed`` if given; ties go to the earlier one.

    Where everything learned is at hand for every section, all are compared; of a large document
    those whose words fit best.
    """
    rows = _all(index, allowed) if index.is_taught else _fitting(index, hits, allowed)
    features = section_features(index, hits, rows)
    scores = model.scores(features)
    order = (-scores).argsort(kind="stable")[:_CANDIDATES]
    rows, features, scores = rows[order], features[order], scores[order]
    shares = np.exp(scores - scores.max(initial=0.0))
    return Ranking(hits, rows, features, scores, shares / max(shares.sum(), 1e-9))


def section_features(index: Index, hits: Hits, rows: NDArray[np.intp]) -> Floats:
    """What speaks for each of the sections ``rows``, in the order of SECTION_FEATURES."""
    features = np.zeros((len(rows), len(SECTION_FEATURES)))
    if not len(rows):
        return features
    features[:, 0] = hits.passages.of(rows) / max(hits.passages.ceiling, 1e-9)
    if index.is_taught:  # then nearly all are wanted, and picking their sentences takes longer
        firsts = index.first_sentence[:-1]
        of_sentences = hits.sentences.of(index.sentence_rows)
        features[:, 1] = np.maximum.reduceat(of_sentences, firsts)[rows]
        features[:, 2] = hits.leaning.sections[rows]
        features[:, 3] = np.maximum.reduceat(hits.leaning.sentences, firsts)[rows]
    else:
        starts, ends = index.first_sentence[rows], index.first_sentence[rows + 1]
        firsts = (ends - starts).cumsum() - (ends - starts)
        features[:, 1] = np.maximum.reduceat(hits.sentences.of(ranges(starts, ends)), firsts)
    features[:, 1] /= max(hits.sentences.ceiling, 1e-9)
    return features


def best_sentence(index: Index, hits: Hits, row: int) -> int:
    """The sentence of a section that answers best; the earlier of equals."""
    return sentences_by_score(index, hits, row)[0]


def sentences_by_score(index: Index, hits: Hits, row: int) -> list[int]:
    """The sentences of a section, best first; the earlier of equals."""
    start, end = index.first_sentence[row : row + 2].tolist()
    if end - start < 2:
        return list(range(start, end))
    model = index.model("sentence", SENTENCE_FEATURES)
    scores = model.scores(sentence_features(index, hits, start, end))
    order: list[int] = (start + (-scores).argsort(kind="stable")).tolist()
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


def _all(index: Index, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    return np.arange(index.size) if allowed is None else allowed.nonzero()[0]


def _fitting(index: Index, hits: Hits, allowed: NDArray[np.bool_] | None) -> NDArray[np.intp]:
    """The sections worth a closer look by their words, in ascending order."""
    count = min(_CANDIDATES, index.size if allowed is None else int(allowed.sum()))
    return np.sort(hits.passages.best(count, allowed))
