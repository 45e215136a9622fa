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
        terms, counts = np.unique(analysis.terms, return_counts=True)
        return cls(analysis, terms, counts, asked_type(analysis.text))
