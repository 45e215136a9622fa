"""Fitted linear models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bot.retrieval.linear import LinearModel

FEATURES = ("height", "width")


def probability(features: list[float], **weights: float) -> float:
    return LinearModel.of(FEATURES, weights).probability(np.array(features))


def test_scores_are_weighted_sums() -> None:
    model = LinearModel.of(FEATURES, {"width": 2.0, "height": 0.5, "depth": 9.0})
    assert model.scores(np.array([[1.0, 1.0], [4.0, 0.0]])).tolist() == [2.5, 2.0]


def test_a_feature_without_a_weight_counts_nothing() -> None:
    assert LinearModel.of(FEATURES, {}).scores(np.array([[3.0, 4.0]])).tolist() == [0.0]


def test_what_differs_by_rounding_is_equal() -> None:
    scores = LinearModel.of(FEATURES, {"height": 1.0}).scores(np.array([[0.3, 0], [0.1 + 0.2, 0]]))
    assert scores[0] == scores[1]


def test_a_probability_is_that_of_logistic_regression() -> None:
    assert probability([0, 0]) == 0.5
    assert probability([0, 0], bias=1.0) == pytest.approx(1 / (1 + math.exp(-1)))
    assert probability([0, 2], width=3.0) == pytest.approx(1 / (1 + math.exp(-6)))


@pytest.mark.parametrize("extreme", [1e9, -1e9])
def test_nothing_is_certain(extreme: float) -> None:
    assert 0 < probability([extreme, 0], height=1.0) < 1
