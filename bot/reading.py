"""What a line may mean after what was said before, and which meaning it is.

A line is read alone and, in at most two ways, as hanging on what was said; every reading is a
whole question. Two models fitted to dialogues decide: a conditional logit which reading it is, and
a logistic regression how likely the best section found for it is the right one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.conversation import Conversation
from bot.retrieval.context import Cues, Reading, Way
from bot.retrieval.index import Index
from bot.retrieval.intents import Leaning
from bot.retrieval.rank import Ranking


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
