"""A question as the retriever sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.terms import Analysis, Synonyms, Terms, analyse
from bot.text import normalize


class AnswerType(StrEnum):
    """What kind of thing a question asks for (the expected answer type of question answering)."""

    DATE = "date"
    NUMBER = "number"
    PERSON = "person"
    PLACE = "place"
    CONTACT = "contact"
    OTHER = "other"


# The first that matches counts: 何年 asks for a date although 何 with a counter asks for a number.
_ASKED = (
    (AnswerType.CONTACT, r"電話|でんわ|メール|連絡先|住所|内線|url|アドレス|phone|e-?mail|address|contact"),
    (AnswerType.DATE, r"いつ|何年|何月|何日|何時|何曜|なんねん|なんがつ|なんにち|年度|\bwhen\b|what (year|date|time|day)"),
    (
        AnswerType.NUMBER,
        r"いくつ|いくら|どれ(くらい|ぐらい|だけ)|なん(にん|かい|こ|けん|えん)|何(人|名|件|個|つ|回|割|%|パーセント|円|億|兆|万|か国|カ国|ヵ国|倍|分|歳|階|校|か所|社)"
        r"|人数|件数|金額|予算額|割合|\bhow (many|much|often|long|old|big|large)\b",
    ),
    (AnswerType.PERSON, r"誰|だれ|どなた|氏名|人名|お名前|\bwho(m|se)?\b"),
    (AnswerType.PLACE, r"どこ|何処|どちら|場所|開催地|所在地|\bwhere\b"),
)
_ASKED_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _ASKED)
_SHOWN = {
    AnswerType.DATE: re.compile(r"\d年|\d月|\d日|年度|世紀|昨年|年末|january|february|march|april|june|july|august|september|october|november|december|\b1\d{3}\b|\b20\d{2}\b"),
    AnswerType.NUMBER: re.compile(r"[0-9〇一二三四五六七八九十百千万億兆]"),
    AnswerType.CONTACT: re.compile(r"\d{2,4}-\d{2,4}-\d{3,4}|https?:|@|丁目"),
}


def asked_type(text: str) -> AnswerType:
    """The kind of thing that a normalised question asks for."""
    for kind, pattern in _ASKED_PATTERNS:
        if pattern.search(text):
            return kind
    return AnswerType.OTHER


def shows(text: str, kind: AnswerType) -> bool:
    """Whether a text may hold such a thing; always true of kinds that cannot be told by looks."""
    pattern = _SHOWN.get(kind)
    return pattern is None or pattern.search(normalize(text)) is not None


@dataclass(frozen=True, slots=True)
class Question:
    """A normalised question: its analysis, its distinct terms and how often it has each."""

    analysis: Analysis
    terms: Terms
    counts: NDArray[np.intp]
    asks: AnswerType

    @property
    def text(self) -> str:
        return self.analysis.text

    @classmethod
    def read(cls, text: str, synonyms: Synonyms) -> Question:
        """Normalise and analyse a text."""
        analysis = analyse(normalize(text), synonyms)
        terms, counts = np.unique(analysis.terms, return_counts=True)
        return cls(analysis, terms, counts, asked_type(analysis.text))
