"""What the bot answers with: data, without a word of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a reply is."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    UNKNOWN = "unknown"
    SMALLTALK = "smalltalk"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class DivisionName:
    """A division as a reply names it; ``name_en`` only where the document has it."""

    id: str
    name: str
    name_en: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A section that may answer: its passage and the sentence that answers best, verbatim.

    ``confidence`` is the estimated probability that it answers the question; ``key`` names the
    section for good, ``source`` is the page, address or lines to cite.
    """

    key: str
    division: DivisionName
    path: tuple[str, ...]
    section: str
    passage: str
    sentence: str
    source: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply to one question.

    ``answer`` is there in an answer alone; ``alternatives`` are the next best, best first.
    ``confidence`` is that of the best candidate, answered with or not. ``text`` is the whole reply
    as a person reads it, without colour.
    """

    question: str
    kind: Kind
    text: str
    answer: Candidate | None = None
    confidence: float | None = None
    alternatives: tuple[Candidate, ...] = ()

    def to_json(self) -> str:
        """The reply as one line of JSON, every key there."""
        answer = self.answer
        return json.dumps(
            {
                "question": self.question,
                "kind": self.kind,
                "division": answer and _division(answer.division),
                "section": answer and answer.section,
                "passage": answer and answer.passage,
                "sentence": answer and answer.sentence,
                "confidence": self.confidence,
                "alternatives": [
                    {
                        "division": _division(candidate.division),
                        "section": candidate.section,
                        "sentence": candidate.sentence,
                        "confidence": candidate.confidence,
                    }
                    for candidate in self.alternatives
                ],
                "text": self.text,
            },
            ensure_ascii=False,
        )


def _division(division: DivisionName) -> dict[str, Any]:
    return {"id": division.id, "name": division.name, "name_en": division.name_en}
