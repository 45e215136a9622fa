"""Fitted linear models: weights by feature, as ``madoguchi fit`` writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearModel:
    """One weight for each of some features, in their order, and what is added to the sum."""

    weights: Floats
    bias: float

    @classmethod
    def of(cls, features: Sequence[str], weights: Mapping[str, float]) -> LinearModel:
        """The model from its fitted weights by name; a feature without one counts nothing."""
        return cls(
            np.array([weights.get(name, 0.0) for name in features]), weights.get("bias", 0.0)
        )

    def scores(self, features: Floats) -> Floats:
        """The weighted sum of each line of features.

        Rounded, so that machines that add in another order still agree on ties.
        """
        return (features @ self.weights).round(9)

    def probability(self, features: Floats) -> float:
        """What the model makes of one line of features as a logistic regression."""
        z = self.bias + float(features @ self.weights)
        return 1 / (1 + math.exp(-max(min(z, 30.0), -30.0)))
