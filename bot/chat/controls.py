"""What a control under an answer carries: everything a press needs, in its ``custom_id``.

    m:ACTION:ASKER[:REST]      at most 100 characters

They are made here and read here, and nothing that reads otherwise is obeyed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.document.sentences import split_sentences
from bot.reply import Candidate

LONGEST = 100
_CONTROL = re.compile(r"m:([a-z]{2,5}):(\d{1,20})(?::([a-z0-9/:.-]{0,80}))?", re.ASCII)
_KEY = r"[a-z0-9-]{1,32}/[0-9a-f]{12}"
_REFERENCE = re.compile(rf"({_KEY}):(\d{{1,3}}|-):(\d{{1,5}})", re.ASCII)


class Action(StrEnum):
    """What pressing a control does."""

    PICK = "pick"  # show the candidate that was chosen
    MORE = "more"  # the whole section
    PROFILE = "div"  # the division that answered
    HELPFUL = "yes"
    NOT_HELPFUL = "no"
    SHOW = "show"  # a private answer to everyone
    ERASE = "erase"  # what is stored about the asker


@dataclass(frozen=True, slots=True)
class Control:
    """A control that was pressed, and who may be expected to press it."""

    action: Action
    asker: int
    rest: str = ""

    def __str__(self) -> str:
        return f"m:{self.action}:{self.asker}" + (f":{self.rest}" if self.rest else "")

    @classmethod
    def read(cls, custom_id: str) -> Control | None:
        """The control with this ``custom_id``; None if it is none of this bot's."""
        found = _CONTROL.fullmatch(custom_id) if len(custom_id) <= LONGEST else None
        if found is None or found[1] not in set(Action):
            return None
        return cls(Action(found[1]), int(found[2]), found[3] or "")


@dataclass(frozen=True, slots=True)
class Reference:
    """A candidate in a few characters: its section, how sure it was (in hundredths; None where
    that was not the question) and where in the passage the sentence starts that answered.
    """

    key: str
    percent: int | None
    start: int

    def __str__(self) -> str:
        percent = "-" if self.percent is None else self.percent
        return f"{self.key}:{percent}:{self.start}"

    @classmethod
    def read(cls, text: str) -> Reference | None:
        """The reference that was written so; None if none was."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            return None
        percent = None if found[2] == "-" else min(int(found[2]), 100)
        return cls(found[1], percent, int(found[3]))

    @classmethod
    def to(cls, candidate: Candidate, *, sure: bool = True) -> Reference:
        """The reference to a candidate."""
        percent = round(candidate.confidence * 100) if sure else None
        return cls(candidate.key, percent, max(candidate.passage.find(candidate.sentence), 0))

    def candidate(self, section: Candidate) -> Candidate:
        """The candidate that was referred to, given its section as the document now has it."""
        sentence, end = section.sentence, 0
        for each in split_sentences(section.passage):
            end += len(each)
            if end > self.start:
                sentence = each.strip()
                break
        return replace(section, sentence=sentence, confidence=(self.percent or 0) / 100)
