"""Logs of questions that were asked, with their right answers: the form of evaluation files.

    questions: list of {id, kind, text, division, section, answer}
    dialogues: list of {id, turns: list of {text, division, section, answer}}

``answer`` is words of the document under the heading ``section`` of ``division`` (names, not ids);
all three are null where the document does not answer. Where several answers are right they are
lists of one length. A turn may have ``smalltalk: true`` or ``clarify_ok: true``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bot.document.model import Asked, Dialogue, Gold, Log

_OneOrMore = str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A question or a turn as the file has it."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    text: str
    division: _OneOrMore
    section: _OneOrMore
    answer: _OneOrMore
    id: str = ""
    kind: str = ""
    smalltalk: bool = False
    clarify_ok: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    turns: tuple[_Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """A log as its file has it; checked for form by the loader, for content by ``problems``."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    questions: tuple[_Entry, ...] = ()
    dialogues: tuple[_Turns, ...] = ()

    def log(self) -> Log:
        """The log without the form of its file."""
        return Log(
            questions=tuple(map(_asked, self.questions)),
            dialogues=tuple(
                Dialogue(id=dialogue.id, turns=tuple(map(_asked, dialogue.turns)))
                for dialogue in self.dialogues
            ),
        )

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What is wrong with the entries: where, and what."""
        for i, entry in enumerate(self.questions):
            yield from _problems(entry, ("questions", i))
        for i, dialogue in enumerate(self.dialogues):
            for j, entry in enumerate(dialogue.turns):
                yield from _problems(entry, ("dialogues", i, "turns", j))


def _problems(
    entry: _Entry, place: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    columns = (entry.division, entry.section, entry.answer)
    if not entry.text.strip():
        yield (*place, "text"), "text: empty"
    if None in columns and columns != (None, None, None):
        yield place, "division, section and answer must be given together, or be null together"
    lengths = {len(column) for column in columns if isinstance(column, tuple)}
    if len(lengths) > 1 or (lengths and not isinstance(entry.answer, tuple)):
        yield place, "division, section and answer: lists must be of one length"


def _asked(entry: _Entry) -> Asked:
    spans = _column(entry.answer, 1)
    count = len(spans)
    golds = tuple(
        Gold(division=division, section=section, span=span)
        for division, section, span in zip(
            _column(entry.division, count), _column(entry.section, count), spans, strict=True
        )
    )
    return Asked(
        text=entry.text,
        golds=golds,
        kind=entry.kind,
        id=entry.id,
        smalltalk=entry.smalltalk,
        clarify_ok=entry.clarify_ok,
    )


def _column(value: _OneOrMore, count: int) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) * count if isinstance(value, str) else value
