"""The best of many scores, without sorting them all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLES = 16


def top(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """The places of the ``count`` largest values, best first; of equals the earlier ones.

    The values are laid out in columns, some for each one wanted. As many columns as are wanted
    reach a certain height, hence so do the values wanted: few others do. A partition of scores
    that are mostly zero, as they are, takes a hundred times as long.
    """
    height = len(values) // (_SAMPLES * max(count, 1))
    if height < 2:
        return _sorted(values, np.arange(len(values)))[:count]
    width = len(values) // height
    columns = values[: height * width].reshape(height, width).max(axis=0)
    bar = np.sort(columns)[-count]
    above = _sorted(values, np.flatnonzero(values > bar))[:count]
    if len(above) == count:
        return above
    return np.concatenate([above, np.flatnonzero(values == bar)[: count - len(above)]])


def _sorted(values: NDArray[Any], places: NDArray[np.intp]) -> NDArray[np.intp]:
    return places[np.argsort(-values[places], kind="stable")]
