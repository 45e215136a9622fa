"""Fits the parameters of ranking and confidence to the knowledge's log of real questions.

Every question is put to an index that has not seen it. Three models, each for documents with
examples and for bare ones: which section (conditional logit over candidates), which sentence of
the right section (likewise), and whether the best section answers (logistic regression).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.document.model import Asked, Document
from bot.quality.folds import bare, unseen
from bot.retrieval.confidence import CONFIDENCE_FEATURES, confidence_features
from bot.retrieval.index import Index
from bot.retrieval.question import Question
from bot.retrieval.rank import (
    SECTION_FEATURES,
    SENTENCE_FEATURES,
    Hits,
    look_up,
    rank,
    section_features,
    sentence_features,
)
from bot.text import squeeze

ANSWERABLE = 2 / 3
"""The share of answerable questions that confidence is calibrated for. The log holds more
unanswerable ones than people ask, because those teach most."""
_FOLDS = 10
_RIDGE = 1e-3

Floats = NDArray[np.float64]
Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class _Case:
    """A question put to an index that has not seen it."""

    asked: Asked
    index: Index
    hits: Hits


@dataclass(frozen=True, slots=True)
class _Choice:
    """Things to choose from, by their features, and which of them are right."""

    features: Floats
    right: NDArray[np.bool_]


def fit(document: Document, folds: int = _FOLDS) -> dict[str, Weights]:
    """The weights of every model, by model and feature."""
    return {
        **_fit(document, folds, ""),
        **_fit(bare(document), 1, "bare_", document.asked.questions),
    }


def _fit(
    document: Document, folds: int, prefix: str, questions: Sequence[Asked] | None = None
) -> dict[str, Weights]:
    cases = list(_cases(document, questions or document.asked.questions, folds))
    section = _choose([*filter(_telling, map(_sections, cases))], SECTION_FEATURES)
    sentence = _choose([*filter(_telling, _sentences(cases))], SENTENCE_FEATURES)
    confidence = _calibrate(cases, section)
    return {
        f"{prefix}section": section,
        f"{prefix}sentence": sentence,
        f"{prefix}confidence": confidence,
    }


def _cases(document: Document, questions: Sequence[Asked], folds: int) -> Iterable[_Case]:
    for index, part in unseen(document, questions, folds):
        for asked in part:
            yield _Case(asked, index, look_up(index, Question.read(asked.text, index.synonyms)))


def _sections(case: _Case) -> _Choice:
    rows = np.arange(case.index.size)
    right = np.array([_right_section(case, row) for row in rows.tolist()])
    return _Choice(section_features(case.index, case.hits, rows), right)


def _right_section(case: _Case, row: int) -> bool:
    section = case.index.section(row)
    return _answers(case, section.division, section.passage)


def _answers(case: _Case, division: int, text: str) -> bool:
    name = case.index.division(division).names.name
    return any(
        gold.division == name and squeeze(gold.span) in squeeze(text) for gold in case.asked.golds
    )


def _sentences(cases: Sequence[_Case]) -> Iterable[_Choice]:
    """The sentences of every section that holds an answer."""
    for case in cases:
        for row in filter(lambda row: _right_section(case, row), range(case.index.size)):
            start, end = case.index.first_sentence[row : row + 2].tolist()
            division = int(case.index.division_of[row])
            right = [_answers(case, division, case.index.sentence(i)) for i in range(start, end)]
            yield _Choice(sentence_features(case.index, case.hits, start, end), np.array(right))


def _telling(choice: _Choice) -> bool:
    """Whether anything can be learned: some are right and some are not."""
    return bool(choice.right.any() and not choice.right.all())


def _choose(choices: Sequence[_Choice], names: Sequence[str]) -> Weights:
    """Conditional logit: weights under which the right ones are likeliest."""
    from scipy.optimize import minimize

    def loss(weights: Floats) -> float:
        total = 0.0
        for choice in choices:
            scores = choice.features @ weights
            scores -= scores.max()
            shares = np.exp(scores)
            total -= float(np.log(shares[choice.right].sum() / shares.sum() + 1e-12))
        return total / len(choices) + _RIDGE * float(weights @ weights)

    fitted = minimize(loss, np.ones(len(names)), method="L-BFGS-B")
    return _rounded(names, fitted.x)


def _calibrate(cases: Sequence[_Case], section: Weights) -> Weights:
    """Logistic regression of "the best section answers" on the features of confidence."""
    from sklearn.linear_model import LogisticRegression

    lines, right, answerable = [], [], []
    for case in cases:
        ranking = rank(case.index, case.hits, section)
        lines.append(confidence_features(case.index, ranking))
        right.append(_right_section(case, int(ranking.rows[0])))
        answerable.append(bool(case.asked.golds))
    features, kinds = np.array(lines), np.array(answerable)
    scale = np.maximum(features.std(axis=0), 1e-9)
    share = kinds.mean()
    weigh = np.where(kinds, ANSWERABLE / share, (1 - ANSWERABLE) / (1 - share))
    model = LogisticRegression(C=0.1, max_iter=5000)
    model.fit(features / scale, np.array(right), sample_weight=weigh)
    weights = _rounded(CONFIDENCE_FEATURES, model.coef_[0] / scale)
    return {"bias": round(float(model.intercept_[0]), 4), **weights}


def _rounded(names: Sequence[str], values: Floats) -> Weights:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}
