"""An inverted list: for every term the rows that hold it, with the weight it has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.lexicon import Found
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


_COMMON = 0.25
"""A term that more than this part of all rows have is not looked for. On encyclopedia paragraphs
that changes nothing in what is found and spares five of six postings of a question."""
_NEVER_COMMON = 64
"""So few rows are always looked through."""
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
            sums = np.bincount(rows, weights, self.size).astype(np.float64, copy=False)
        return Matches(ceiling, idf, sums, numbers, ends - starts, rows, rest)

    def tell(self, question: Found) -> tuple[float, NDArray[np.float64]]:
        """The ceiling and the idf of ``Matches``, which take no search."""
        idf = np.full(len(question.terms), _idf(0, self.size))
        idf[question.numbers] = self._idf[question.places]
        return float(self._of_family[family_of(question.terms)] @ idf), idf

    def _list(self, number: int, place: int) -> _List:
        start, end = self._starts[place], self._starts[place + 1]
        most = float(self._most[place])
        return _List(int(number), self._rows[start:end], self._weights[start:end], most)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each of some rows holds each term, entry by entry, by term and then by row.

    ``terms`` are distinct and ascending; the entries of term i are those from ``starts[i]`` to
    ``starts[i + 1]``: ``rows``, counted from 0, and ``counts``. ``lengths[row, family]`` is how
    many terms of a family a row has.
    """

    terms: Terms
    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    counts: NDArray[np.uint16]
    lengths: NDArray[np.int32]


def count_terms(rows: Sequence[Terms], weights: Mapping[Family, float] = PASSAGE_WEIGHTS) -> Counts:
    """Count the terms of rows, each given as often as it occurs; those of families without a
    weight are left out.
    """
    terms = np.concatenate([*rows, np.zeros(0, np.uint64)])
    row = np.repeat(np.arange(len(rows), dtype=np.int32), [len(held) for held in rows])
    family = family_of(terms)
    weighted = _by_family(weights)[family] > 0
    terms, row, family = terms[weighted], row[weighted], family[weighted]
    lengths = np.bincount(
        row.astype(np.int64) * len(Family) + family, minlength=len(rows) * len(Family)
    )
    order = np.argsort(terms, kind="stable")  # the rows of a term stay in order
    terms, row = terms[order], row[order]
    is_first = _changes(terms)
    entries = np.flatnonzero(is_first | _changes(row))
    counts = np.minimum(np.diff(entries, append=len(terms)), np.iinfo(np.uint16).max)
    starts = np.flatnonzero(is_first[entries])
    return Counts(
        terms[entries[starts]],
        np.append(starts, len(entries)),
        row[entries],
        counts.astype(np.uint16),
        lengths.reshape(len(rows), len(Family)).astype(np.int32),
    )


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is another than the one before; the first one is."""
    changes = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes


def build_postings(
    parts: Sequence[Counts],
    lexicon: Terms,
    weights: Mapping[Family, float] = PASSAGE_WEIGHTS,
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Postings`` for the rows of all parts, one part after the other.

    Every term of theirs must be in the lexicon. Parts are put together without sorting again.
    """
    size = sum(len(part.lengths) for part in parts)
    places = [lexicon.searchsorted(part.terms) for part in parts]
    frequency = np.zeros(len(lexicon), np.int64)
    for part, place in zip(parts, places, strict=True):
        frequency[place] += np.diff(part.starts)
    common = frequency > max(_COMMON * size, _NEVER_COMMON)
    idf = np.where(common, 0.0, _idf(frequency, size))
    starts = np.zeros(len(lexicon) + 1, np.int64)
    np.cumsum(np.where(common, 0, frequency), out=starts[1:])
    rows = np.zeros(starts[-1], np.int32)
    values = np.zeros(starts[-1], np.float32)
    relative = _relative_lengths(parts)
    of_family = _by_family(weights)
    free, above = starts[:-1].copy(), 0
    for part, place in zip(parts, places, strict=True):
        lengths = np.diff(part.starts)
        kept = np.repeat(~common[place], lengths)
        lengths = np.where(common[place], 0, lengths)
        family = np.repeat(family_of(part.terms), lengths)
        row, count = part.rows[kept] + above, part.counts[kept]
        saturated = count * (K1 + 1) / (count + K1 * (1 - B + B * relative[row, family]))
        weight = np.repeat(of_family[family_of(part.terms)] * idf[place], lengths) * saturated
        to = np.repeat(free[place] - np.cumsum(lengths) + lengths, lengths)
        to += np.arange(len(to))
        rows[to] = row
        values[to] = np.rint(weight * _UNIT) / _UNIT
        free[place] += lengths
        above += len(part.lengths)
    return {
        "starts": starts,
        "rows": rows,
        "weights": values,
        "most": _greatest(values, starts),
        "idf": idf.astype(np.float32),
        "of_family": of_family,
        "size": np.array([size]),
    }


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


def _idf(frequency: Any, size: int) -> Any:
    """What a term tells that so many of ``size`` rows have; never less than nothing."""
    return np.log1p((size - frequency + 0.5) / (frequency + 0.5))


def _by_family(weights: Mapping[Family, float]) -> NDArray[np.float64]:
    return np.array([weights.get(family, 0.0) for family in Family])


def _relative_lengths(parts: Sequence[Counts]) -> NDArray[np.float64]:
    """How long each row is beside the average, family by family."""
    lengths = np.concatenate([np.zeros((0, len(Family))), *(part.lengths for part in parts)])
    average = lengths.mean(axis=0) if len(lengths) else np.ones(len(Family))
    return lengths / np.maximum(average, 1e-9)


def _greatest(values: NDArray[np.float32], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """The greatest value of every range; 0 of an empty one."""
    greatest = np.zeros(len(starts) - 1, np.float32)
    filled = np.flatnonzero(np.diff(starts))
    if len(filled):
        greatest[filled] = np.maximum.reduceat(values, starts[filled])
    return greatest


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
