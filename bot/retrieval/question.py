"""A question as the retriever sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from bot.retrieval.answer_type import AnswerType, asked_type
from bot.retrieval.terms import Analysis, Family, Synonyms, Terms, analyse, distinct, family_bounds
from bot.text import normalize

_WORD_TO_TITLE = np.uint64((Family.TITLE - Family.WORD) << 60)
_KANJI = re.compile(r"[一-鿿々]")
_KANA = re.compile(r"[ぁ-ゖァ-ヺ]")
_TYPED_IN_KANA = 0.2
"""Below this share of kanji the words may not be what the document writes, but sound like it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A normalised question: its analysis and its distinct terms, ascending.

    ``sought`` are the terms, ascending, to look for in the document: its words in titles as well,
    and its readings only where it was typed in kana. With kanji to go by, what sounds alike
    misleads. ``bounds`` are where among them each family begins, and where the last one ends.
    """

    analysis: Analysis
    terms: Terms
    sought: Terms
    bounds: tuple[int, ...]
    asks: AnswerType

    @property
    def text(self) -> str:
        """The normalised text."""
        return self.analysis.text

    @classmethod
    def read(cls, text: str, synonyms: Synonyms) -> Question:
        """Normalise and analyse a text."""
        analysis = analyse(normalize(text), synonyms)
        terms = distinct(np.sort(analysis.terms))
        bounds = family_bounds(terms)
        titles = terms[bounds[Family.WORD] : bounds[Family.WORD + 1]] + _WORD_TO_TITLE
        end = len(terms) if _is_kana(analysis.text) else bounds[Family.READING_BIGRAM]
        sought = np.concatenate([terms[:end], titles])
        sought_bounds = (*(min(bound, end) for bound in bounds[:-1]), len(sought))
        return cls(analysis, terms, sought, sought_bounds, asked_type(analysis.text))


def _is_kana(text: str) -> bool:
    return _KANA.search(text) is not None and len(_KANJI.findall(text)) < _TYPED_IN_KANA * len(text)
