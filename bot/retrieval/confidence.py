"""How sure: the estimated probability that the best section answers the question.

A logistic regression over what retrieval knows anyway. What tells most: how the question leans to
the section and to "the document does not answer", and which of its words nothing in the section
explains. Without examples four features are left, which mean the same whatever the document's
size.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from bot.retrieval.answer_type import AnswerType, shows
from bot.retrieval.index import Index
from bot.retrieval.linear import Floats
from bot.retrieval.rank import SECTION_FEATURES, Hits, Ranking
from bot.retrieval.terms import Family

_COVERED = {
    "words": Family.WORD,
    "bigrams": Family.BIGRAM,
    "readings": Family.READING_BIGRAM,
}
_SHOWN = (AnswerType.DATE, AnswerType.NUMBER, AnswerType.CONTACT)
_JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ一-鿿]")

CONFIDENCE_FEATURES = (
    *SECTION_FEATURES,
    "share",
    "lead",
    "division_lead",
    "outside",
    *(f"{name}_covered" for name in _COVERED),
    *(f"{name}_missed" for name in _COVERED),
    "length",
    "english",
    *(f"lacks_{kind}" for kind in _SHOWN),
    "balance",
    "ahead",
)
BARE_CONFIDENCE_FEATURES = ("sentence", "bigrams_covered", "balance", "ahead")
TAUGHT_CONFIDENCE_FEATURES = tuple(
    name for name in CONFIDENCE_FEATURES if name not in ("balance", "ahead")
)


def confidence(index: Index, ranking: Ranking) -> float:
    """The probability that the first section of ``ranking`` answers; 0 where there is none."""
    if not len(ranking.rows):
        return 0.0
    model = index.model("confidence", CONFIDENCE_FEATURES)
    return model.probability(confidence_features(index, ranking))


def confidence_features(index: Index, ranking: Ranking) -> Floats:
    """The features, in the order of CONFIDENCE_FEATURES, of a ranking that is not empty."""
    hits, row = ranking.hits, int(ranking.rows[0])
    question = hits.question
    scores = ranking.scores.tolist()
    divisions = index.division_of[ranking.rows].tolist()
    elsewhere = (i for i, division in enumerate(divisions) if division != divisions[0])
    covered = _covered(hits, row)
    # What the pairs that the section holds tell less what those tell that it does not, counted in
    # pairs that stand nowhere.
    pairs = covered[list(_COVERED).index("bigrams")]
    balance = (pairs.found - pairs.missed) / math.log1p(2 * index.size + 1)
    passage = index.section(row).passage
    return np.array(
        [
            *ranking.features[0].tolist(),
            float(ranking.shares[0]),
            scores[0] - scores[min(1, len(scores) - 1)],
            scores[0] - scores[next(elsewhere, 0)],
            hits.leaning.outside,
            *(each.share for each in covered),
            *(each.missed / 10 for each in covered),
            math.log(len(question.text) + 1),
            _JAPANESE.search(question.text) is None,
            *(question.asks is kind and not shows(passage, kind) for kind in _SHOWN),
            balance,
            _ahead(hits.passages.of(ranking.rows)),
        ],
        np.float64,
    )


class _Covered(NamedTuple):
    """What the terms of a family tell that a section holds, and those that it does not."""

    found: float
    missed: float

    @property
    def share(self) -> float:
        told = self.found + self.missed
        return self.found / told if told else 0.5


def _covered(hits: Hits, row: int) -> list[_Covered]:
    """How far a section holds the question's terms, in the order of _COVERED."""
    bounds = hits.question.bounds
    idf = hits.passages.idf
    held = hits.passages.held(row)
    found, missed = (idf * held).tolist(), (idf * ~held).tolist()
    return [
        _Covered(sum(found[start:end]), sum(missed[start:end]))
        for start, end in ((bounds[each], bounds[each + 1]) for each in _COVERED.values())
    ]


def _ahead(scores: Floats) -> float:
    """By which part of its score the first passage is ahead of the best other one."""
    others = float(scores[1:].max(initial=0.0))
    return (float(scores[0]) - others) / max(float(scores[0]), 1e-9)
