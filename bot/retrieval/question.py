"""A question as the retriever sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import AnswerType, asked_type
from bot.retrieval.terms import Analysis, Family, Synonyms, Terms, analyse, family_bounds
from bot.text import normalize

_WORD_TO_TITLE = np.uint64((Family.TITLE - Family.WORD) << 60)
_KANJI = re.compile(r"[一-鿿々]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_TYPED_IN_KANA = 0.2
"""Below this share of kanji the words may not be what the document writes, but sound like it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A normalised question: its analysis, its distinct terms and how often it has each.

    ``sought`` are the terms, ascending, to look for in the document: its words in titles as well,
    and its readings only where it was typed in kana. With kanji to go by, what sounds alike
    misleads.
    """

    analysis: Analysis
    terms: Terms
    counts: NDArray[np.intp]
    sought: Terms
    asks: AnswerType

    @property
    def text(self) -> str:
        """The normalised text."""
        return self.analysis.text

    @classmethod
    def read(cls, text: str, synonyms: Synonyms) -> Question:
        """Normalise and analyse a text."""
        analysis = analyse(normalize(text), synonyms)
        terms, counts = _distinct(analysis.terms)
        return cls(
            analysis, terms, counts, _sought(analysis.text, terms), asked_type(analysis.text)
        )


def _sought(text: str, terms: Terms) -> Terms:
    bounds = family_bounds(terms)
    words = terms[bounds[Family.WORD] : bounds[Family.WORD + 1]]
    parts = [terms, words + _WORD_TO_TITLE]
    if not _is_kana(text):
        first, end = bounds[Family.READING_BIGRAM], bounds[Family.READING_TRIGRAM + 1]
        parts = [terms[:first], terms[end:], words + _WORD_TO_TITLE]
    return np.sort(np.concatenate(parts))


def _is_kana(text: str) -> bool:
    return _KANA.search(text) is not None and len(_KANJI.findall(text)) < _TYPED_IN_KANA * len(text)


def _distinct(terms: Terms) -> tuple[Terms, NDArray[np.intp]]:
    """The distinct terms, ascending, and how often each occurs."""
    ordered = np.sort(terms)
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    first = first[: len(ordered)]  # no term at all has no first one
    ends = np.concatenate([first[1:], [len(ordered)]]) if len(first) else first
    return ordered[first], ends - first
