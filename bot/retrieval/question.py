"""A question as the retriever sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.answer_type import AnswerType, asked_type
from bot.retrieval.terms import Analysis, Synonyms, Terms, analyse
from bot.text import normalize


@dataclass(frozen=True, slots=True)
class Question:
    """A normalised question: its analysis, its distinct terms and how often it has each."""

    analysis: Analysis
    terms: Terms
    counts: NDArray[np.intp]
    asks: AnswerType

    @property
    def text(self) -> str:
        """The normalised text."""
        return self.analysis.text

    @classmethod
    def read(cls, text: str, synonyms: Synonyms) -> Question:
        """Normalise and analyse a text."""
        analysis = analyse(normalize(text), synonyms)
        return cls(analysis, *_distinct(analysis.terms), asked_type(analysis.text))


def _distinct(terms: Terms) -> tuple[Terms, NDArray[np.intp]]:
    """The distinct terms, ascending, and how often each occurs."""
    ordered = np.sort(terms)
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    first = first[: len(ordered)]  # no term at all has no first one
    return ordered[first], np.diff(first, append=len(ordered))
