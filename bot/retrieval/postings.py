"""An inverted list: for every term the rows that hold it, with the weight it has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.mapped import Arrays
from bot.retrieval.terms import Family, Terms, family_of

K1 = 0.4
B = 0.7
"""Saturation and length normalisation of BM25 (Robertson and Zaragoza 2009), as measured best on
Japanese encyclopedia paragraphs: a second occurrence of a term tells little."""

_UNIT = 1 << 14
"""Weights are whole multiples of its inverse. So their sums are exact in double precision, and the
same in whatever order they are added, on any machine and however the rows are sliced."""

# What each view adds to a passage's score; the rest serve the learned model alone.
PASSAGE_WEIGHTS = {
    Family.WORD: 1.0,
    Family.CHARACTER: 0.3,
    Family.BIGRAM: 0.3,
    Family.TRIGRAM: 0.1,
    Family.WORD_BIGRAM: 0.1,
    Family.COMPOUND: 0.5,
    Family.TITLE: 1.0,
    Family.READING_BIGRAM: 0.3,
    Family.READING_TRIGRAM: 0.3,
    Family.SYNONYM: 0.5,
}


@dataclass(frozen=True, slots=True)
class Matches:
    """What a question's terms found.

    ``scores`` has one score a row. ``ceiling`` is what a row would score that held every term
    once; ``idf`` is how much each term tells, in the order of the question's terms.
    """

    scores: NDArray[np.float64]
    ceiling: float
    idf: NDArray[np.float64]
    _rows: NDArray[np.int32]
    _lengths: NDArray[np.int64]
    _known: NDArray[np.bool_]

    def held(self, row: int) -> NDArray[np.bool_]:
        """Which of the question's terms the row holds."""
        held = np.zeros(len(self._known), bool)
        ends = np.cumsum(self._lengths)
        found = np.searchsorted(ends, np.flatnonzero(self._rows == row), side="right")
        held[np.flatnonzero(self._known)[found]] = True
        return held


class Postings:
    """Rows found by their terms: TF-IDF, saturated as in BM25, each family by itself.

    Scores are exact sums, so that they are the same on every machine.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._terms = arrays["terms"]
        self._starts = arrays["starts"]
        self._rows = arrays["rows"]
        self._weights = arrays["weights"]
        self._idf = arrays["idf"]
        self._of_family = arrays["of_family"]
        self.size = int(arrays["size"][0])

    def match(self, terms: Terms) -> Matches:
        """Score every row for the distinct ``terms`` of a question."""
        idf = np.full(len(terms), np.log1p(2 * self.size + 1.0))
        known = np.zeros(len(terms), bool)
        found = np.zeros(0, np.intp)
        if len(self._terms):
            places = np.searchsorted(self._terms, terms)
            np.minimum(places, len(self._terms) - 1, out=places)
            known = self._terms[places] == terms
            found = places[known]
            idf[known] = self._idf[found]
        starts, ends = self._starts[found], self._starts[found + 1]
        rows = gather(self._rows, starts, ends)
        weights = gather(self._weights, starts, ends)
        scores = np.bincount(rows, weights, self.size).astype(np.float64, copy=False)
        ceiling = float(self._of_family[family_of(terms)] @ idf)
        return Matches(scores, ceiling, idf, rows, ends - starts, known)


def build_postings(
    rows: Sequence[Terms], weights: Mapping[Family, float] = PASSAGE_WEIGHTS
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Postings`` for rows given as their terms, each as often as it occurs.

    Terms of families without a weight are left out.
    """
    size = len(rows)
    of_family = np.zeros(len(Family))
    of_family[list(weights)] = list(weights.values())
    terms = np.concatenate([*rows, np.zeros(0, np.uint64)])
    row = np.repeat(np.arange(size, dtype=np.int32), [len(held) for held in rows])
    weighted = of_family[family_of(terms)] > 0
    terms, row = terms[weighted], row[weighted]
    order = np.lexsort((row, terms))
    terms, row = terms[order], row[order]
    first = np.ones(len(terms), bool)
    first[1:] = (terms[1:] != terms[:-1]) | (row[1:] != row[:-1])
    counts = np.diff(np.append(np.flatnonzero(first), len(terms)))
    terms, row = terms[first], row[first]
    vocabulary, starts = np.unique(terms, return_index=True)
    starts = np.append(starts, len(terms))
    frequency = np.diff(starts)
    idf = np.log1p((size - frequency + 0.5) / (frequency + 0.5))
    family = family_of(terms)
    saturated = _saturate(counts, row, family, size)
    values = of_family[family] * np.repeat(idf, frequency) * saturated
    return {
        "terms": vocabulary,
        "starts": starts.astype(np.int64),
        "rows": row,
        "weights": (np.rint(values * _UNIT) / _UNIT).astype(np.float32),
        "idf": idf.astype(np.float32),
        "of_family": of_family,
        "size": np.array([size]),
    }


def _saturate(
    counts: NDArray[np.intp], row: NDArray[np.int32], family: NDArray[np.intp], size: int
) -> NDArray[np.float64]:
    """Term frequencies as BM25 weighs them; a row's length is counted by family."""
    cell = row.astype(np.int64) * len(Family) + family
    length = np.bincount(cell, counts, size * len(Family)).reshape(size, len(Family))
    average = np.maximum(length.mean(axis=0), 1e-9) if size else np.ones(len(Family))
    relative = (length / average).ravel()[cell]
    saturated: NDArray[np.float64] = counts * (K1 + 1) / (counts + K1 * (1 - B + B * relative))
    return saturated


def gather(values: NDArray[Any], starts: NDArray[Any], ends: NDArray[Any]) -> NDArray[Any]:
    """The values of all ranges, one after the other. Copying runs is twice as fast as picking."""
    ranges = zip(starts.tolist(), ends.tolist(), strict=True)
    return np.concatenate([values[:0], *[values[start:end] for start, end in ranges]])
