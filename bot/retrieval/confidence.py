"""How sure: the estimated probability that the best section answers the question.

A logistic regression over what retrieval knows anyway. What tells most: how the question leans to
the section and to "the document does not answer", and which of its words nothing in the section
explains. Without examples four features are left, which mean the same whatever the document's
size.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import AnswerType, shows
from bot.retrieval.index import Index
from bot.retrieval.linear import probability
from bot.retrieval.rank import SECTION_FEATURES, Ranking
from bot.retrieval.terms import Family, family_bounds

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


def confidence(index: Index, ranking: Ranking, weights: Mapping[str, float]) -> float:
    """The probability that the first section of ``ranking`` answers; 0 where there is none."""
    if not len(ranking.rows):
        return 0.0
    features = confidence_features(index, ranking)
    return probability(features, CONFIDENCE_FEATURES, weights)


def confidence_features(index: Index, ranking: Ranking) -> NDArray[np.float64]:
    """The features, in the order of CONFIDENCE_FEATURES, of a ranking that is not empty."""
    hits, row = ranking.hits, int(ranking.rows[0])
    question = hits.question
    scores = ranking.scores
    elsewhere = index.division_of[ranking.rows] != index.division_of[row]
    lead = scores[0] - scores[1] if len(scores) > 1 else 0.0
    division_lead = scores[0] - scores[elsewhere][0] if elsewhere.any() else 0.0
    leaning = hits.leaning
    bounds, idf = family_bounds(question.sought), hits.passages.idf
    told = np.where(hits.passages.held(row), idf, 0.0)
    found = [float(told[bounds[each] : bounds[each + 1]].sum()) for each in _COVERED.values()]
    total = [float(idf[bounds[each] : bounds[each + 1]].sum()) for each in _COVERED.values()]
    covered = [part / whole if whole else 0.5 for part, whole in zip(found, total, strict=True)]
    missed = [(whole - part) / 10 for part, whole in zip(found, total, strict=True)]
    # What the pairs that the section holds tell less what those tell that it does not, counted in
    # pairs that stand nowhere.
    pairs = list(_COVERED).index("bigrams")
    balance = (2 * found[pairs] - total[pairs]) / math.log1p(2 * index.size + 1)
    passage = index.section(row).passage
    return np.array(
        [
            *ranking.features[0],
            ranking.shares[0],
            lead,
            division_lead,
            leaning.outside,
            *covered,
            *missed,
            math.log(len(question.text) + 1),
            _JAPANESE.search(question.text) is None,
            *(question.asks is kind and not shows(passage, kind) for kind in _SHOWN),
            balance,
            _ahead(hits.passages.of(ranking.rows)),
        ],
        np.float64,
    )


def _ahead(scores: NDArray[np.float64]) -> float:
    """By which part of its score the first passage is ahead of the best other one."""
    others = float(scores[1:].max(initial=0.0))
    return (float(scores[0]) - others) / max(float(scores[0]), 1e-9)
