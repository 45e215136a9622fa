"""A document in parts whose terms are counted one by one, each from its own texts alone.

So they are counted on all cores, and what was counted of a part before serves as long as its texts
stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np

from bot.document.model import Division
from bot.retrieval.counts import Counts, count_terms
from bot.retrieval.rows import Rows
from bot.retrieval.terms import Analysis, Synonyms, analyse, title_terms
from bot.text import normalize

_SECTIONS = 500
"""A part has so many sections at most."""
_PARTS = 256
"""Where there are more divisions, parts have several; each costs a little of its own."""

Groups = Mapping[str, Sequence[int]]
"""Synonyms as ``fold_synonyms`` gives them."""


@dataclass(frozen=True, slots=True)
class SectionTexts:
    """By what a section is found: the normalised texts of its sentences, of its heading, keywords
    and questions, and, as titles, of headings and of the names of its division.
    """

    sentences: tuple[str, ...]
    besides: tuple[str, ...]
    titles: tuple[str, ...]


Part = tuple[SectionTexts, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """The terms of a part's passages and of its sentences."""

    passages: Counts
    sentences: Counts


def part_document(
    divisions: Sequence[Division], rows: Rows, questions: Mapping[int, Sequence[str]]
) -> Iterator[Part]:
    """The parts of a document in order; ``questions`` are normalised, by the row of their section,
    where they serve as words of it.
    """
    texts = [_texts(divisions, rows, row, questions) for row in range(len(rows.sections))]
    for start, end in pairwise(_bounds(divisions, rows)):
        yield tuple(texts[start:end])


def digest_of(part: Part, groups: Groups) -> str:
    """Parts of the same digest have the same terms."""
    return blake2b(repr((part, groups)).encode(), digest_size=16).hexdigest()


def count_part(task: tuple[Part, Groups]) -> Counted:
    """Analyse a part and count its terms."""
    part, groups = task
    synonyms = Synonyms(groups)

    @cache
    def analysed(text: str) -> Analysis:
        return analyse(text, synonyms)

    passages, sentences = [], []
    for section in part:
        own = [analysed(text).terms for text in section.sentences]
        passages.append(
            np.concatenate(
                [
                    *own,
                    *(analysed(text).terms for text in section.besides),
                    *(title_terms(analysed(title)) for title in section.titles),
                ]
            )
        )
        sentences += own
    return Counted(count_terms(passages), count_terms(sentences))


def _texts(
    divisions: Sequence[Division], rows: Rows, row: int, questions: Mapping[int, Sequence[str]]
) -> SectionTexts:
    section, division = rows.sections[row], divisions[rows.division_of[row]]
    first, end = rows.first_sentence[row : row + 2]
    titles = (*section.path, section.heading, *division.names)
    return SectionTexts(
        tuple(map(normalize, rows.sentences[first:end])),
        (*map(normalize, (section.heading, *section.keywords)), *questions.get(row, ())),
        tuple(map(normalize, dict.fromkeys(titles))),
    )


def _bounds(divisions: Sequence[Division], rows: Rows) -> Iterator[int]:
    """Where parts begin, and where the last one ends.

    Which divisions share a part hangs on their ids alone, so that one that grows, comes or goes
    changes no part but its own.
    """
    together = 1 << (len(divisions) // _PARTS).bit_length() >> 1 or 1
    start = 0
    yield start
    for row in range(1, len(rows.sections)):
        before, division = rows.division_of[row - 1 : row + 1]
        is_next = before != division and _number(divisions[before].id) % together == 0
        if is_next or row - start == _SECTIONS:
            start = row
            yield start
    yield len(rows.sections)


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
