"""What may be wrong with a division that has the right form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from bot.document.model import Division, holds, outline
from bot.document.yaml_lines import Path as Location

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_ID = 32  # the longest name Discord allows a command
_COMMANDS = frozenset(["ask", "division", "divisions", "help", "mydata", "new", "quit", "settings"])


def problems(division: Division) -> Iterator[tuple[Location, str]]:
    """What is wrong with a division of the right form: (where, what and the remedy)."""
    if not _ID.fullmatch(division.id) or len(division.id) > _LONGEST_ID:
        yield ("id",), f"id: use a-z, 0-9 and - only, at most {_LONGEST_ID} characters"
    if division.id in _COMMANDS:
        yield ("id",), f"id: {division.id} is a command of the bot's own; choose another"
    yield from _blanks(division, ())
    if not division.sections:
        yield ("sections",), "sections: needs at least one section"
    for i, section in enumerate(division.sections):
        yield from _blanks(section, ("sections", i))
    sections = outline(division)
    headings = {section.heading for section in sections}
    for i, answer in enumerate(division.answers):
        yield from _blanks(answer, ("answers", i))
        if answer.section is not None and answer.section not in headings:
            yield ("answers", i, "section"), f"section: no heading {answer.section!r} here"
        elif not any(holds(section, answer.span, answer.section) for section in sections):
            yield ("answers", i, "span"), "span: not in the text; copy some words of one sentence"


def _blanks(part: Any, location: Location) -> Iterator[tuple[Location, str]]:
    """Every text in ``part`` that is there and blank."""
    for field in fields(part):
        key, value = field.name, getattr(part, field.name)
        if isinstance(value, str) and not value.strip():
            yield (*location, key), f"{key}: empty; fill it in or remove the line"
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                if isinstance(item, str) and not item.strip():
                    yield (*location, key, i), f"{key}: empty entry; fill it in or remove it"
