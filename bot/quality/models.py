"""Fitting of linear models: a conditional logit for choosing, logistic regression for how sure.

Both bring features to one scale first and give the weights for them as they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.linear import Floats

_RIDGE = 1e-3
_STRENGTH = 0.3
"""The C of logistic regression."""

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Choice:
    """Things to choose from, by their features, and which of them are right."""

    features: Floats
    right: NDArray[np.bool_]


def choose(
    choices: Sequence[Choice],
    columns: Sequence[str],
    names: Sequence[str],
    *,
    ridge: float = _RIDGE,
) -> Weights:
    """Conditional logit: weights, for the features ``names`` of ``columns``, under which the
    right ones are likeliest.

    The features are brought to one scale first; the weights are for them as given.
    """
    from scipy.optimize import minimize

    picked = [columns.index(name) for name in names]
    features = [choice.features[:, picked] for choice in choices]
    scale = np.maximum(np.vstack(features).std(axis=0), 1e-9)
    scaled = [(each / scale, choice.right) for each, choice in zip(features, choices, strict=True)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = 0.0, np.zeros(len(names))
        for features, right in scaled:
            scores = features @ weights
            shares = np.exp(scores - scores.max())
            shares /= shares.sum()
            wanted = shares * right / max(float(shares[right].sum()), 1e-12)
            total -= float(np.log(shares[right].sum() + 1e-12))
            slope += features.T @ (shares - wanted)
        count = len(scaled)
        return (
            total / count + ridge * float(weights @ weights),
            slope / count + 2 * ridge * weights,
        )

    fitted = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B")
    return _rounded(names, fitted.x / scale)


def logistic(
    names: Sequence[str],
    features: Floats,
    right: NDArray[np.bool_],
    weigh: Floats | None = None,
) -> Weights:
    """Logistic regression on features brought to one scale; the weights are for them as given."""
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(features.std(axis=0), 1e-9)
    model = LogisticRegression(C=_STRENGTH, max_iter=5000)
    model.fit(features / scale, right, sample_weight=weigh)
    weights = _rounded(names, model.coef_[0] / scale)
    return {"bias": round(float(model.intercept_[0]), 4), **weights}


def _rounded(names: Sequence[str], values: Floats) -> Weights:
    return {str(name): round(float(value), 4) for name, value in zip(names, values, strict=True)}
