"""A line in the light of what was said before: the whole questions that it may be.

Conversational search calls this query rewriting. It is plain text to text; which reading is meant
is decided elsewhere, by what each of them finds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.text import normalize


@dataclass(frozen=True, slots=True)
class Context:
    """What was said before: the last question that stood by itself, the last one as it was meant,
    and the name of the division last spoken of; each may be empty.
    """

    topic: str = ""
    last: str = ""
    division: str = ""


class Way(StrEnum):
    """How a line may be read."""

    ALONE = "alone"
    SUBJECT = "subject"  # of the division last spoken of: 英語名は？ -> 国際課 英語名は？
    TOPIC = (
        "topic"  # about what was last asked: いつから？ -> …センターに何ができるのですか いつから？
    )
    SWAP = "swap"  # the same of another: 会計課は？ -> 英語名は？ 会計課は？


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a line: the whole question that it then is, and the only division, by name,
    that it then asks about, if there is one.
    """

    way: Way
    text: str
    division: str | None = None


class Cues:
    """Words that show how a line hangs on what was said before.

    ``words`` are lists by kind: ``division`` stands for a division spoken of, ``thing`` for
    anything else, ``switch`` begins another subject.
    """

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        self._patterns = {kind: _any_of(listed) for kind, listed in words.items()}

    def found(self, kind: str, text: str) -> bool:
        """Whether a normalised text has a cue of this kind."""
        return self._patterns[kind].search(text) is not None

    def without(self, kind: str, text: str) -> str:
        """The normalised text without its cues of this kind."""
        return self._patterns[kind].sub(" ", text).strip()


def readings(context: Context, text: str, cues: Cues, names: Sequence[str]) -> Iterator[Reading]:
    """What a line may mean, at most three ways; ``names`` are those of all divisions, normalised,
    the longest first.
    """
    yield Reading(Way.ALONE, text)
    if not (context.topic or context.division):
        return
    line = normalize(text)
    division = named_in(line, names)
    if division is not None:
        attribute = cues.without("division", normalize(context.last))
        attribute = _without_names(attribute, names)[:_LONGEST_ATTRIBUTE]
        says_more = _without_names(line, names)
        swapped = f"{attribute} {line}" if says_more else _of(division, attribute)
        yield Reading(Way.SWAP, swapped, division)
        return
    if context.division:
        subject = _of(context.division, cues.without("division", line))
        yield Reading(Way.SUBJECT, subject, context.division)
    if context.topic:
        yield Reading(Way.TOPIC, f"{context.topic} {line}")


def longest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Names as ``readings`` wants them: normalised, each once, the longest first."""
    return tuple(sorted({normalize(name) for name in names}, key=lambda name: (-len(name), name)))


def _of(division: str, attribute: str) -> str:
    """What is asked of a division, as one question: 国際課, 英語名は? -> 国際課の英語名は?"""
    if attribute.startswith(_PARTICLES):
        return division + attribute
    return f"{division} {attribute}" if attribute.isascii() else f"{division}の{attribute}"


_PARTICLES = ("の", "は", "が", "も", "って", "に", "で", "と")


def named_in(line: str, names: Sequence[str]) -> str | None:
    """The division that a normalised line names, in full or, where it is contrasted, in short:
    じゃあ人事は？ -> 人事課.
    """
    for name in names:
        if _in_full(name).search(line):
            return name
    return next((name for name in names if _in_short(name, line)), None)


@lru_cache(maxsize=4096)
def _in_full(name: str) -> re.Pattern[str]:
    """What finds a division's name; a Latin one only as words of their own: no IT in its."""
    escaped = re.escape(name)
    return re.compile(rf"(?<![a-z0-9]){escaped}(?![a-z0-9])" if name.isascii() else escaped)


_KIND_OF_OFFICE = re.compile(r"[課室局部係]$")


def _in_short(name: str, line: str) -> re.Pattern[str] | None:
    """What finds a division's name in a line that contrasts it in short; None if none does."""
    pattern = _contrasted(name)
    return pattern if pattern is not None and pattern.search(line) else None


@lru_cache(maxsize=4096)
def _contrasted(name: str) -> re.Pattern[str] | None:
    """What finds 国際課 in 国際のほう; None where too little is left of a name to tell it by."""
    short = _KIND_OF_OFFICE.sub("", name)
    return re.compile(rf"{re.escape(short)}(?=の(ほう|方)|も$|は[?？]?$)") if short[1:] else None


def _without_names(line: str, names: Sequence[str]) -> str:
    """The normalised line without the names of divisions, in full or in short, and without what
    is left of a line that said no more: 使命は? じゃあ会計課は? -> 使命は?
    """
    for name in names:
        line = _in_full(name).sub(" ", line)
    for name in names:
        if (pattern := _in_short(name, line)) is not None:
            line = pattern.sub(" ", line)
    return " ".join(word for word in line.split() if not _LEFT_OVER.fullmatch(word))


_LEFT_OVER = re.compile(r"(じゃあ|では|and)?(の(ほう|方))?[はも]?[?!、。]*")
_LONGEST_ATTRIBUTE = 200
"""In characters; a conversation of many turns shall not grow."""


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """A pattern for any of the words; Latin ones only as whole words, the longest first."""
    parts = [
        rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
        for word in sorted(map(normalize, words), key=len, reverse=True)
    ]
    return re.compile("|".join(parts) or r"(?!)")
