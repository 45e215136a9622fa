"""What kind of thing a question asks for: the expected answer type of question answering."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from bot.text import normalize


class AnswerType(StrEnum):
    """The kinds that can be told from a question's words."""

    DATE = "date"
    NUMBER = "number"
    PERSON = "person"
    PLACE = "place"
    CONTACT = "contact"
    OTHER = "other"


# The first that matches counts: 何年 asks for a date although 何 and a counter ask for a number.
_ASKED = {
    AnswerType.CONTACT: r"""
        電話 | でんわ | メール | 連絡先 | 住所 | 内線 | アドレス
      | \burl\b | phone | e-?mail | address | contact
    """,
    AnswerType.DATE: r"""
        いつ | 何[年月日時曜] | なんねん | なんがつ | なんにち | 年度
      | \bwhen\b | what\ (year|date|time|day)
    """,
    AnswerType.NUMBER: r"""
        いくつ | いくら | どれ(くらい|ぐらい|だけ) | なん(にん|かい|こ|けん|えん)
      | 何(人|名|件|個|つ|回|割|%|パーセント|円|億|兆|万|[かカヵ]国|倍|分|歳|階|校|か所|社)
      | 人数 | 件数 | 金額 | 予算額 | 割合 | \bhow\ (many|much|often|long|old|big|large)\b
    """,
    AnswerType.PERSON: r"誰 | だれ | どなた | 氏名 | 人名 | お名前 | \bwho(m|se)?\b",
    AnswerType.PLACE: r"どこ | 何処 | どちら | 場所 | 開催地 | 所在地 | \bwhere\b",
}
_SHOWN = {
    AnswerType.DATE: r"""
        \d[年月日] | 年度 | 世紀 | 昨年 | 年末 | \b(1\d|20)\d\d\b
      | january | february | march | april | june | july
      | august | september | october | november | december
    """,
    AnswerType.NUMBER: r"[0-9〇一二三四五六七八九十百千万億兆]",
    AnswerType.CONTACT: r"\d{2,4}-\d{2,4}-\d{3,4} | https?: | @ | 丁目",
}
_ASKED_PATTERNS = {kind: re.compile(pattern, re.VERBOSE) for kind, pattern in _ASKED.items()}
_SHOWN_PATTERNS = {kind: re.compile(pattern, re.VERBOSE) for kind, pattern in _SHOWN.items()}


def asked_type(question: str) -> AnswerType:
    """The kind of thing that a normalised question asks for."""
    for kind, pattern in _ASKED_PATTERNS.items():
        if pattern.search(question):
            return kind
    return AnswerType.OTHER


def shows(text: str, kind: AnswerType) -> bool:
    """Whether a text may hold such a thing; always true of kinds that looks do not tell."""
    return kind not in _SHOWN_PATTERNS or _is_shown(text, kind)


@lru_cache(maxsize=4096)  # the same few passages are looked at again and again
def _is_shown(text: str, kind: AnswerType) -> bool:
    return _SHOWN_PATTERNS[kind].search(normalize(text)) is not None
