"""A question as the retriever sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import AnswerType, asked_type
from bot.retrieval.terms import Analysis, Family, Synonyms, Terms, analyse, family_of, title_terms
from bot.text import normalize

_READINGS = (Family.READING_BIGRAM, Family.READING_TRIGRAM)
_KANJI = re.compile(r"[一-鿿々]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_TYPED_IN_KANA = 0.2
"""Below this share of kanji the words may not be what the document writes, but sound like it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A normalised question: its analysis, its distinct terms and how often it has each.

    ``sought`` are the distinct terms to look for in the document: its words in titles as well, and
    its readings only where it was typed in kana. With kanji to go by, what sounds alike misleads.
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
        return cls(analysis, terms, counts, _sought(analysis, terms), asked_type(analysis.text))


def _sought(analysis: Analysis, terms: Terms) -> Terms:
    if not _is_kana(analysis.text):
        terms = terms[~np.isin(family_of(terms), _READINGS)]
    return np.concatenate([terms, np.unique(title_terms(analysis))])


def _is_kana(text: str) -> bool:
    return _KANA.search(text) is not None and len(_KANJI.findall(text)) < _TYPED_IN_KANA * len(text)


def _distinct(terms: Terms) -> tuple[Terms, NDArray[np.intp]]:
    """The distinct terms, ascending, and how often each occurs."""
    ordered = np.sort(terms)
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    first = first[: len(ordered)]  # no term at all has no first one
    return ordered[first], np.diff(first, append=len(ordered))
