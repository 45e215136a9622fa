"""JSON Lines, one section a line, to divisions: the form for large documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError

from bot.document.model import Division, Section


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The division in a line."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    name: str
    name_en: str | None = None
    parent: str | None = None
    parent_en: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnedSection(Section):
    """A line: a section and the division that it belongs to."""

    division: _Owner


_LINE = TypeAdapter(_OwnedSection)


def read_json_lines(
    text: str,
    refuse: Callable[[int, ValidationError], None],
    mistake: Callable[[int, str], None],
) -> Iterator[tuple[Division, list[int]]]:
    """Every division in a text, with the lines of its sections.

    ``refuse`` is told of lines of another form, ``mistake`` of what else is wrong in a line.
    """
    owners: dict[str, _Owner] = {}
    sections: dict[str, list[Section]] = {}
    lines: dict[str, list[int]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            owned = _LINE.validate_json(line)
        except ValidationError as error:
            refuse(number, error)
            continue
        owner = owners.setdefault(owned.division.id, owned.division)
        if owner != owned.division:
            mistake(number, f"division {owner.id} is described otherwise in an earlier line")
        sections.setdefault(owner.id, []).append(Section(**_values(owned, Section)))
        lines.setdefault(owner.id, []).append(number)
    for key, owner in owners.items():
        yield Division(**_values(owner, _Owner), sections=tuple(sections[key])), lines[key]


def _values(part: Any, form: Any) -> dict[str, Any]:
    """The values of a dataclass, of those fields that the dataclass ``form`` has."""
    return {field.name: getattr(part, field.name) for field in fields(form)}
