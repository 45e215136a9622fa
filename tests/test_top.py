"""The best of many scores against sorting them all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.top import top


@given(st.integers(0, 3000), st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_as_if_sorted(size: int, count: int, different: int, seed: int) -> None:
    """Few different values, so that most are equal to others."""
    values = np.random.default_rng(seed).integers(0, different, size).astype(float)
    assert top(values, count).tolist() == np.argsort(-values, kind="stable")[:count].tolist()


@pytest.mark.parametrize("size", [20_000, 200_000, 200_001])
def test_blocks_of_blocks(size: int) -> None:
    values = np.random.default_rng(size).integers(0, 1000, size).astype(float)
    assert top(values, 10).tolist() == np.argsort(-values, kind="stable")[:10].tolist()


def test_nothing_but_zeros() -> None:
    assert top(np.zeros(100_000), 3).tolist() == [0, 1, 2]
