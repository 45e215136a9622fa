"""Fitted linear models: weights by feature, as ``madoguchi fit`` writes them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def weigh(features: NDArray[np.float64], names: Sequence[str], weights: Mapping[str, float]) -> Any:
    """The weighted sum of features, given in the order of ``names``; one for each line of them.

    What a model does not weigh counts nothing.
    """
    return features @ [weights.get(name, 0.0) for name in names]


def probability(
    features: NDArray[np.float64], names: Sequence[str], weights: Mapping[str, float]
) -> float:
    """What a logistic regression makes of features, given in the order of ``names``."""
    z = weights["bias"] + float(weigh(features, names, weights))
    return 1 / (1 + math.exp(-max(min(z, 30.0), -30.0)))
