"""How often rows hold terms, and the inverted list made of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.postings import idf_of, ranges
from bot.retrieval.terms import Family, Terms, changes, family_of

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
    Family.PREFIX: 0.5,
}


_COMMON = 0.25
"""A term that more than this part of all rows have is not looked for. On encyclopedia paragraphs
that changes nothing in what is found and spares five of six postings of a question."""
_NEVER_COMMON = 64
"""So few rows are always looked through."""


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
    is_first = changes(terms)
    entries = np.flatnonzero(is_first | changes(row))
    counts = np.minimum(np.diff(entries, append=len(terms)), np.iinfo(np.uint16).max)
    starts = np.flatnonzero(is_first[entries])
    return Counts(
        terms[entries[starts]],
        np.append(starts, len(entries)),
        row[entries],
        counts.astype(np.uint16),
        lengths.reshape(len(rows), len(Family)).astype(np.int32),
    )


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
    idf = np.where(common, 0.0, idf_of(frequency, size))
    starts = np.zeros(len(lexicon) + 1, np.int64)
    np.cumsum(np.where(common, 0, frequency), out=starts[1:])
    rows = np.zeros(starts[-1], np.int32)
    values = np.zeros(starts[-1], np.float32)
    relative = _relative_lengths(parts)
    of_family = _by_family(weights)
    free, above = starts[:-1].copy(), 0
    for part, place in zip(parts, places, strict=True):
        lengths = np.where(common[place], 0, np.diff(part.starts))
        kept = np.repeat(~common[place], np.diff(part.starts))
        families = family_of(part.terms)
        row, count = part.rows[kept] + above, part.counts[kept]
        length = relative[row, np.repeat(families, lengths)]
        saturated = count * (K1 + 1) / (count + K1 * (1 - B + B * length))
        weight = np.repeat(of_family[families] * idf[place], lengths) * saturated
        to = ranges(free[place], free[place] + lengths)
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
