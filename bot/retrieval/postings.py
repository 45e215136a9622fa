"""An inverted list: for every term the rows that hold it, with the weight it has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.mapped import Arrays
from bot.retrieval.terms import Family, Terms, family_of
from bot.retrieval.top import top

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


_BUDGET = 150_000
"""So many postings are added up for a question; of the terms that have more, single rows are
looked up.
"""
_MANY = 20_000
"""Looking up more rows than this takes longer than adding all postings up."""


_FEW = 1 << 14
"""How many values are picked rather than copied in runs."""


@dataclass(frozen=True, slots=True)
class _List:
    """The postings of one term, the ``number``-th of the question: its rows, ascending, its
    weights there and the greatest of them.
    """

    number: int
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    most: float

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The term's weight in each of some rows."""
        places = np.searchsorted(self.rows, rows.astype(np.int32))
        np.minimum(places, len(self.rows) - 1, out=places)
        return np.where(self.rows[places] == rows, self.weights[places], 0.0)

    def __contains__(self, row: int) -> bool:
        place = int(self.rows.searchsorted(row))
        return place < len(self.rows) and int(self.rows[place]) == row


@dataclass(frozen=True, slots=True)
class Matches:
    """What a question's terms found.

    ``ceiling`` is what a row would score that held every term once; ``idf`` is how much each term
    tells, in the order of the question's terms. The postings of the rarer terms, ``_added``, are
    added up in ``_sums``, which is empty where nothing was searched. The commoner ones tell
    little and are looked up where it matters.
    """

    ceiling: float
    idf: NDArray[np.float64]
    _sums: NDArray[np.float64]
    _added: NDArray[np.intp]
    _lengths: NDArray[np.int64]
    _rows: NDArray[np.int32]
    _looked_up: tuple[_List, ...]

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores of some rows."""
        scores = self._sums[rows] if len(self._sums) else np.zeros(len(rows))
        for each in self._looked_up:
            scores += each.of(rows)
        return scores

    def best(self, count: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """The rows with the best scores, best first, of equals the earlier ones; among those
        ``allowed`` if given, of which there must be as many.
        """
        sums = self._sums if allowed is None else np.where(allowed, self._sums, -np.inf)
        if not self._looked_up:
            return top(sums, count)
        # As many rows as are wanted score at least the bar. Which rows can still reach it?
        bar = self.of(top(sums, count)).min(initial=np.inf)
        rows = np.flatnonzero(sums >= bar - sum(each.most for each in self._looked_up))
        if len(rows) > _MANY:
            return top(sums + self._rest(), count)
        return rows[top(self.of(rows), count)]

    def held(self, row: int) -> NDArray[np.bool_]:
        """Which of the question's terms the row holds."""
        held = np.zeros(len(self.idf), bool)
        ends = np.cumsum(self._lengths)
        found = np.searchsorted(ends, np.flatnonzero(self._rows == row), side="right")
        held[self._added[found]] = True
        for each in self._looked_up:
            held[each.number] = row in each
        return held

    def _rest(self) -> NDArray[np.float64]:
        """What the terms that were not added up add to every row."""
        rows = np.concatenate([each.rows for each in self._looked_up])
        weights = np.concatenate([each.weights for each in self._looked_up])
        return np.bincount(rows, weights, len(self._sums)).astype(np.float64, copy=False)


class Postings:
    """Rows found by their terms: TF-IDF, saturated as in BM25, each family by itself.

    Scores are exact sums, so that they are the same on every machine.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._terms = arrays["terms"]
        self._starts = arrays["starts"]
        self._rows = arrays["rows"]
        self._weights = arrays["weights"]
        self._most = arrays["most"]
        self._idf = arrays["idf"]
        self._of_family = arrays["of_family"]
        self.size = int(arrays["size"][0])

    def match(self, terms: Terms, *, search: bool = True) -> Matches:
        """Look for the distinct ``terms`` of a question; without ``search`` only to look single
        rows up.
        """
        idf = np.full(len(terms), np.log1p(2 * self.size + 1.0))
        places = np.zeros(0, np.intp)
        numbers = np.zeros(0, np.intp)
        if len(self._terms):
            places = np.searchsorted(self._terms, terms)
            np.minimum(places, len(self._terms) - 1, out=places)
            numbers = np.flatnonzero(self._terms[places] == terms)
            places = places[numbers]
            idf[numbers] = self._idf[places]
        ceiling = float(self._of_family[family_of(terms)] @ idf)
        lengths = self._starts[places + 1] - self._starts[places]
        rest: tuple[_List, ...] = ()
        if lengths.sum() > _BUDGET:
            order = np.argsort(lengths, kind="stable")
            rare = int(np.searchsorted(lengths[order].cumsum(), _BUDGET, "right")) if search else 0
            rest = tuple(map(self._list, numbers[order[rare:]], places[order[rare:]]))
            numbers, places = numbers[order[:rare]], places[order[:rare]]
        starts, ends = self._starts[places], self._starts[places + 1]
        rows, weights = gather((self._rows, self._weights), starts, ends)
        sums = np.zeros(0)
        if search or not rest:
            sums = np.bincount(rows, weights, self.size).astype(np.float64, copy=False)
        return Matches(ceiling, idf, sums, numbers, ends - starts, rows, rest)

    def _list(self, number: int, place: int) -> _List:
        start, end = self._starts[place], self._starts[place + 1]
        most = float(self._most[place])
        return _List(int(number), self._rows[start:end], self._weights[start:end], most)


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
    order = np.argsort(terms, kind="stable")  # the rows of a term stay in order
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
    exact = (np.rint(values * _UNIT) / _UNIT).astype(np.float32)
    return {
        "terms": vocabulary,
        "starts": starts.astype(np.int64),
        "rows": row,
        "weights": exact,
        "most": np.maximum.reduceat(exact, starts[:-1]) if len(exact) else exact,
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


def gather(
    columns: Sequence[NDArray[Any]], starts: NDArray[Any], ends: NDArray[Any]
) -> list[NDArray[Any]]:
    """The values of all ranges, one after the other, of each column.

    Many values are copied in runs, which is twice as fast as picking each; for few of them picking
    spares a step for every range.
    """
    lengths = ends - starts
    if (total := int(lengths.sum())) <= _FEW:
        offsets = starts - np.cumsum(lengths) + lengths
        picked = np.repeat(offsets, lengths) + np.arange(total)
        return [values[picked] for values in columns]
    ranges = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return [np.concatenate([values[start:end] for start, end in ranges]) for values in columns]
