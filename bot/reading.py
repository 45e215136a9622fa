"""What a line may mean after what was said before, and which meaning it is.

A line is read alone and, in at most two ways, as hanging on what was said; every reading is a
whole question. Two models fitted to dialogues decide: a conditional logit which reading it is, and
a logistic regression how likely the best section found for it is the right one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from bot.conversation import Conversation
from bot.retrieval.index import Index
from bot.retrieval.intents import Leaning
from bot.retrieval.rank import Ranking
from bot.text import normalize


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


def readings(
    conversation: Conversation, text: str, cues: Cues, names: Sequence[str]
) -> Iterator[Reading]:
    """What a line may mean, at most three ways; ``names`` are those of all divisions, normalised,
    the longest first.
    """
    yield Reading(Way.ALONE, text)
    if not (conversation.topic or conversation.division):
        return
    line = normalize(text)
    division = named_in(line, names)
    if division is not None:
        attribute = cues.without("division", normalize(conversation.last))
        attribute = _without_names(attribute, names)[:_LONGEST_ATTRIBUTE]
        says_more = _without_names(line, names)
        swapped = f"{attribute} {line}" if says_more else _of(division, attribute)
        yield Reading(Way.SWAP, swapped, division)
        return
    if conversation.division:
        subject = _of(conversation.division, cues.without("division", line))
        yield Reading(Way.SUBJECT, subject, conversation.division)
    if conversation.topic:
        yield Reading(Way.TOPIC, f"{conversation.topic} {line}")


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
        if name in line:
            return name
    return next((name for name in names if _in_short(name, line)), None)


_KIND_OF_OFFICE = re.compile(r"[課室局部係]$")


def _in_short(name: str, line: str) -> re.Pattern[str] | None:
    """What finds a division's name in a line that contrasts it in short; None if none does."""
    short = _KIND_OF_OFFICE.sub("", name)
    if len(short) < 2 or short not in line:
        return None
    pattern = re.compile(rf"{re.escape(short)}(?=の(ほう|方)|も$|は[?？]?$)")
    return pattern if pattern.search(line) else None


def _without_names(line: str, names: Sequence[str]) -> str:
    """The normalised line without the names of divisions, in full or in short, and without what
    is left of a line that said no more: 使命は? じゃあ会計課は? -> 使命は?
    """
    for name in names:
        line = line.replace(name, " ")
    for name in names:
        if (pattern := _in_short(name, line)) is not None:
            line = pattern.sub(" ", line)
    return " ".join(word for word in line.split() if not _LEFT_OVER.fullmatch(word))


_LEFT_OVER = re.compile(r"(じゃあ|では|and)?(の(ほう|方))?[はも]?[?!、。]*")
_LONGEST_ATTRIBUTE = 200
"""In characters; a conversation of many turns shall not grow."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading with the sections that may answer it, and the probability that the first does."""

    reading: Reading
    ranking: Ranking
    probability: float

    @property
    def is_topic(self) -> bool:
        """Whether the line begins a topic, rather than asking more about the last one."""
        return self.reading.way is not Way.TOPIC


READING_FEATURES = (
    "confidence",
    "confidence_alone",
    "margin",
    "outside",
    "outside_alone",
    "margin_alone",
    "same_section",
    "same_division",
    *Way,
    *(f"{way}_confidence" for way in Way),
    *(f"{way}_confidence_alone" for way in Way),
    "subject_division",
    "subject_thing",
    "topic_division",
    "topic_thing",
    "alone_division",
    "alone_thing",
    "alone_switch",
    "alone_length",
    "topic_length",
    "alone_follow_up",
    "topic_follow_up",
)
_LEARNED = ("margin", "outside", "outside_alone", "margin_alone")
BARE_READING_FEATURES = tuple(name for name in READING_FEATURES if name not in _LEARNED)
"""Those that are there without anything learned from examples."""


def reading_features(
    index: Index, conversation: Conversation, judged: Judged, alone: Judged, cues: Cues
) -> NDArray[np.float64]:
    """What speaks for a reading, in the order of READING_FEATURES; ``alone`` is the first one."""
    row = int(judged.ranking.rows[0])
    section = index.section(row)
    before = conversation.answer
    same_division = index.division(section.division).names.name == conversation.division
    same_section = same_division and before is not None and before.section == section.heading
    hits, line = judged.ranking.hits, alone.ranking.hits
    way = judged.reading.way
    is_alone, is_subject, is_topic = way is Way.ALONE, way is Way.SUBJECT, way is Way.TOPIC
    division = cues.found("division", line.question.text)
    thing = cues.found("thing", line.question.text)
    length = math.log(len(line.question.text) + 1)
    follow_up = line.leaning.acts[index.act_named["follow_up"]]
    sure, sure_alone = _logit(judged.probability), _logit(alone.probability)
    return np.array(
        [
            sure,
            sure_alone,
            *_learned(index, hits.leaning, line.leaning, row),
            same_section,
            same_division,
            *(way is each for each in Way),
            *((way is each) * sure for each in Way),
            *((way is each) * sure_alone for each in Way),
            is_subject * division,
            is_subject * thing,
            is_topic * division,
            is_topic * thing,
            is_alone * division,
            is_alone * thing,
            is_alone * cues.found("switch", line.question.text),
            is_alone * length,
            is_topic * length,
            is_alone * follow_up,
            is_topic * follow_up,
        ],
        np.float64,
    )


def _learned(index: Index, leaning: Leaning, alone: Leaning, row: int) -> Sequence[float]:
    if not index.is_taught:
        return [0.0] * len(_LEARNED)
    return [leaning.sections[row], leaning.outside, alone.outside, alone.sections[row]]


def _logit(probability: float) -> float:
    bounded = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    """A pattern for any of the words; Latin ones only as whole words, the longest first."""
    parts = [
        rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word)
        for word in sorted(map(normalize, words), key=len, reverse=True)
    ]
    return re.compile("|".join(parts) or r"(?!)")
