"""An inverted list: for every term the rows that hold it, with the weight it has there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.lexicon import Found
from bot.retrieval.mapped import Arrays
from bot.retrieval.terms import family_of
from bot.retrieval.top import top

_BUDGET = 250_000
"""So many postings are added up for a question; of the terms that have more, single rows are
looked up.
"""
_RAREST = 1 << 13
"""The rows of so many postings of the rarest terms tell how high the best rows score."""
_LITTLE = 0.7
"""Terms that together add less than this part of what the best rows score are looked up."""
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
        places = self.rows.searchsorted(rows.astype(np.int32))
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
        lists = self._looked_up
        if not lists:
            return top(sums, count)
        bar = self._bar(sums, count)
        # What the lists from each one on add at most, as in MaxScore (Turtle and Flood 1995).
        rest = np.append(np.cumsum([each.most for each in reversed(lists)])[::-1], 0.0)
        added = int((rest > _LITTLE * bar).sum())
        if added:
            rows = np.concatenate([each.rows for each in lists[:added]])
            weights = np.concatenate([each.weights for each in lists[:added]])
            sums = sums + _added_up(rows, weights, len(sums))
        near = np.flatnonzero(sums >= bar - rest[added])
        scores = sums[near]
        for each, left in zip(lists[added:], rest[added + 1 :].tolist(), strict=True):
            scores += each.of(near)
            may_reach = scores >= bar - left
            near, scores = near[may_reach], scores[may_reach]
        return near[top(scores, count)]

    def held(self, row: int) -> NDArray[np.bool_]:
        """Which of the question's terms the row holds."""
        held = np.zeros(len(self.idf), bool)
        ends = self._lengths.cumsum()
        found = ends.searchsorted((self._rows == row).nonzero()[0], side="right")
        held[self._added[found]] = True
        for each in self._looked_up:
            held[each.number] = row in each
        return held

    def _bar(self, sums: NDArray[np.float64], count: int) -> float:
        """A score that so many rows reach; ``sums`` are finite for those that are allowed."""
        rows = np.unique(self._rows[:_RAREST]).astype(np.intp)
        rows = rows[np.isfinite(sums[rows])]
        if len(rows) < count:
            return 0.0
        return float(self.of(rows[top(sums[rows], count)]).min(initial=np.inf))


def _added_up(
    rows: NDArray[np.int32], weights: NDArray[np.float32], size: int
) -> NDArray[np.float64]:
    """What postings add to each of so many rows."""
    return np.bincount(rows, weights, size).astype(np.float64, copy=False)


class Postings:
    """Rows found by their terms: TF-IDF, saturated as in BM25, each family by itself.

    Terms are known by their places in a lexicon. Scores are exact sums, so that they are the same
    on every machine.
    """

    def __init__(self, arrays: Arrays) -> None:
        self._starts = arrays["starts"]
        self._rows = arrays["rows"]
        self._weights = arrays["weights"]
        self._most = arrays["most"]
        self._idf = arrays["idf"]
        self._of_family = arrays["of_family"]
        self.size = int(arrays["size"][0])

    def match(self, question: Found, *, search: bool = True) -> Matches:
        """Look for the terms of a question; without ``search`` only to look single rows up."""
        ceiling, idf = self.tell(question)
        numbers, places = question.numbers, question.places
        starts, ends = self._starts[places], self._starts[places + 1]
        lengths = ends - starts
        rest: tuple[_List, ...] = ()
        if lengths.sum() > _BUDGET:
            order = lengths.nonzero()[0]  # common terms have none
            order = order[lengths[order].argsort(kind="stable")]
            rare = int(lengths[order].cumsum().searchsorted(_BUDGET, "right")) if search else 0
            rest = tuple(map(self._list, numbers[order[rare:]], places[order[rare:]]))
            kept = order[:rare]
            numbers, starts, ends = numbers[kept], starts[kept], ends[kept]
        rows, weights = gather((self._rows, self._weights), starts, ends)
        sums = np.zeros(0)
        if search or not rest:
            sums = _added_up(rows, weights, self.size)
        return Matches(ceiling, idf, sums, numbers, ends - starts, rows, rest)

    def tell(self, question: Found) -> tuple[float, NDArray[np.float64]]:
        """The ceiling and the idf of ``Matches``, which take no search."""
        idf = np.full(len(question.terms), idf_of(0, self.size))
        idf[question.numbers] = self._idf[question.places]
        return float(self._of_family[family_of(question.terms)] @ idf), idf

    def _list(self, number: int, place: int) -> _List:
        start, end = self._starts[place], self._starts[place + 1]
        most = float(self._most[place])
        return _List(int(number), self._rows[start:end], self._weights[start:end], most)


def cut(arrays: Arrays, first: int, end: int) -> dict[str, NDArray[Any]]:
    """The arrays of ``Postings`` for the rows from ``first`` to ``end`` alone, counted from 0; how
    much a term tells, and at most adds, stays what it is in the whole.
    """
    rows = arrays["rows"]
    inside = (rows >= first) & (rows < end)
    return {
        **arrays,
        "starts": np.concatenate([[0], np.cumsum(inside)])[arrays["starts"]],
        "rows": rows[inside] - np.int32(first),
        "weights": arrays["weights"][inside],
        "size": np.array([end - first]),
    }


def idf_of(frequency: Any, size: int) -> Any:
    """What a term tells that so many of ``size`` rows have; never less than nothing."""
    return np.log1p((size - frequency + 0.5) / (frequency + 0.5))


def gather(
    columns: Sequence[NDArray[Any]], starts: NDArray[Any], ends: NDArray[Any]
) -> list[NDArray[Any]]:
    """The values of all ranges, one after the other, of each column.

    Many values are copied in runs, which is twice as fast as picking each; for few of them picking
    spares a step for every range.
    """
    if (ends - starts).sum() <= _FEW:
        picked = ranges(starts, ends)
        return [values[picked] for values in columns]
    runs = list(zip(starts.tolist(), ends.tolist(), strict=True))
    return [np.concatenate([values[start:end] for start, end in runs]) for values in columns]


def ranges(starts: NDArray[Any], ends: NDArray[Any]) -> NDArray[np.intp]:
    """All whole numbers of all ranges, one range after the other."""
    lengths = ends - starts
    before = lengths.cumsum()
    total = int(before[-1]) if len(before) else 0
    numbers: NDArray[np.intp] = (starts - before + lengths).repeat(lengths) + np.arange(total)
    return numbers
