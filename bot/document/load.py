"""A knowledge folder to a ``Document``; every mistake in it with file, line and remedy.

The folder holds one YAML file per division (or JSON Lines, one section a line) and, where they
serve, companions with fixed names. How the bot speaks, whatever its document, lies in the folder
``common`` of the knowledge that ships with the program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.document.folder import common_folder, knowledge_files
from bot.document.log import LogFile
from bot.document.model import Act, Common, Division, Document, Log, Section, holds, outline
from bot.document.yaml_lines import Path as Location
from bot.document.yaml_lines import YamlError, YamlLines
from bot.errors import KnowledgeError, Mistake

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LONGEST_ID = 32  # the longest name Discord allows a command
_COMMANDS = frozenset(["ask", "division", "divisions", "help", "mydata", "new", "quit", "settings"])
_REMEDIES = {
    "missing": "required, but missing",
    "missing_argument": "required, but missing",
    "unexpected_keyword_argument": "unknown key; remove it or correct its spelling",
    "string_type": "must be text; put numbers, dates and true/false in quotes",
    "tuple_type": "must be a list, one '- item' a line",
    "dict_type": "must be a mapping of 'key: value' lines",
    "dataclass_type": "must be a mapping of 'key: value' lines",
    "float_type": "must be a number",
}
_T = TypeVar("_T")
_LineOf = Callable[[Location], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """The division in a line of a JSON Lines file."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    id: str
    name: str
    name_en: str | None = None
    parent: str | None = None
    parent_en: str | None = None
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnedSection(Section):
    """A line of a JSON Lines file: a section and the division that it belongs to."""

    division: _Owner


_DIVISION = TypeAdapter(Division)
_LINE = TypeAdapter(_OwnedSection)
_GROUPS = TypeAdapter(tuple[tuple[str, ...], ...])
_EXAMPLES = TypeAdapter(dict[str, tuple[str, ...]])
_WORDS = TypeAdapter(dict[str, dict[str, str]])
_ACTS = TypeAdapter(dict[str, Act])
_WEIGHTS = TypeAdapter(dict[str, dict[str, float]])
_LOG = TypeAdapter(LogFile)

COMPANIONS: dict[str, TypeAdapter[Any]] = {
    "about.yaml": _WORDS,  # what the document is, for /help
    "synonyms.yaml": _GROUPS,  # words for one another
    "outside.yaml": _EXAMPLES,  # what people ask and the document does not answer
    "asked.yaml": _LOG,  # a log of real questions with their answers
    "weights.yaml": _WEIGHTS,  # fitted to this log; those that ship serve every document
}
COMMON: dict[str, TypeAdapter[Any]] = {
    "phrases.yaml": _WORDS,
    "acts.yaml": _ACTS,
    "cues.yaml": _EXAMPLES,
    "outside.yaml": _EXAMPLES,
    "weights.yaml": _WEIGHTS,
}


def load(folder: Path) -> Document:
    """Read and check a knowledge folder.

    Raises KnowledgeError with all mistakes of all files.
    """
    reading = _Reading()
    for path in knowledge_files(folder):
        reading.file(path, COMPANIONS)
    if not (reading.divisions or reading.mistakes):
        problem = "no division here; it needs a *.yaml file per division, or *.jsonl"
        reading.mistakes.append(Mistake(folder, 0, problem))
    reading.check_names()
    reading.check_log()
    companions = reading.take()
    for name in COMMON:
        reading.file(common_folder() / name, COMMON)
    common = reading.take()
    if reading.mistakes:
        raise KnowledgeError(reading.mistakes)
    return Document(
        divisions=tuple(found.division for found in reading.divisions),
        common=Common(
            phrases=common["phrases.yaml"],
            acts=common["acts.yaml"],
            cues=common["cues.yaml"],
            outside=_flat(common["outside.yaml"]),
            weights=common["weights.yaml"] | companions.get("weights.yaml", {}),
        ),
        about=companions.get("about.yaml") or {},
        synonyms=companions.get("synonyms.yaml") or (),
        outside=_flat(companions.get("outside.yaml") or {}),
        asked=companions["asked.yaml"].log() if "asked.yaml" in companions else Log(),
    )


def load_log(path: Path) -> Log:
    """Read and check an evaluation file.

    Raises KnowledgeError with all its mistakes.
    """
    reading = _Reading()
    reading.file(path, {path.name: _LOG})
    reading.check_log_form()
    if reading.mistakes:
        raise KnowledgeError(reading.mistakes)
    log: LogFile = reading.take()[path.name]
    return log.log()


def _flat(groups: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(question for group in groups.values() for question in group)


@dataclass(frozen=True, slots=True)
class _Found:
    """Something that was read, where, and how to find its lines."""

    content: Any
    file: Path
    line_of: _LineOf

    @property
    def division(self) -> Division:
        division: Division = self.content
        return division


class _Reading:
    """What has been read so far, and the mistakes found on the way."""

    def __init__(self) -> None:
        self.divisions: list[_Found] = []
        self.mistakes: list[Mistake] = []
        self._companions: dict[str, _Found] = {}

    def take(self) -> dict[str, Any]:
        """The contents of the companions read since the last call, by file name."""
        taken, self._companions = self._companions, {}
        return {name: found.content for name, found in taken.items()}

    def file(self, path: Path, companions: dict[str, TypeAdapter[Any]]) -> None:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            self._mistake(path, 0, f"cannot read this file: {error.strerror or error}")
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            self._mistake(path, line, "not UTF-8; save the file in this encoding")
        else:
            if path.suffix == ".jsonl":
                self._json_lines(path, text)
            else:
                self._yaml(path, text, companions.get(path.name))

    def check_names(self) -> None:
        """No two divisions share an id or a name."""
        for key in ("id", "name"):
            first: dict[str, _Found] = {}
            for found in self.divisions:
                value = getattr(found.division, key)
                other = first.setdefault(value, found)
                if other is not found:
                    problem = f"{key}: {value} is taken by {other.file.name}; choose another"
                    self._mistake(found.file, found.line_of((key,)), problem)

    def check_log_form(self) -> None:
        """The entries of a log are whole."""
        for found in self._companions.values():
            if isinstance(found.content, LogFile):
                for location, problem in found.content.problems():
                    self._mistake(found.file, found.line_of(location), problem)

    def check_log(self) -> None:
        """The answers in the log stand in the document."""
        found = self._companions.get("asked.yaml")
        self.check_log_form()
        if found is None or self.mistakes:
            return
        log = found.content.log()
        sections = {each.division.name: outline(each.division) for each in self.divisions}
        for i, asked in enumerate(log.questions):
            for gold in asked.golds:
                if gold.division not in sections:
                    problem = f"division: there is none with the name {gold.division}"
                elif not any(holds(section, gold.span) for section in sections[gold.division]):
                    problem = f"answer: not in the text of {gold.division}: {gold.span}"
                else:
                    continue
                self._mistake(found.file, found.line_of(("questions", i)), problem)

    def _yaml(self, path: Path, text: str, form: TypeAdapter[Any] | None) -> None:
        try:
            content = YamlLines(text)
        except YamlError as error:
            for line, problem in error.problems:
                self._mistake(path, line, problem)
            return
        checked = self._checked(path, content, form or _DIVISION)
        if checked is None:
            return
        found = _Found(checked, path, content.line)
        if form is None:
            self._add(found)
        else:
            self._companions[path.name] = found

    def _checked(self, path: Path, content: YamlLines, form: TypeAdapter[_T]) -> _T | None:
        try:
            return form.validate_python(content.value)
        except ValidationError as error:
            self._refuse(path, content.line, error)
            return None

    def _json_lines(self, path: Path, text: str) -> None:
        owners: dict[str, _Owner] = {}
        sections: dict[str, list[Section]] = {}
        lines: dict[str, list[int]] = {}
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                owned = _LINE.validate_json(line)
            except ValidationError as error:
                self._refuse(path, lambda _, number=number: number, error)  # type: ignore[misc]
                continue
            owner = owners.setdefault(owned.division.id, owned.division)
            if owner != owned.division:
                problem = f"division {owner.id} is described otherwise in an earlier line"
                self._mistake(path, number, problem)
            sections.setdefault(owner.id, []).append(Section(**_values(owned, Section)))
            lines.setdefault(owner.id, []).append(number)
        for key, owner in owners.items():
            division = Division(**_values(owner, _Owner), sections=tuple(sections[key]))
            self._add(_Found(division, path, _line_of_section(lines[key])))

    def _add(self, found: _Found) -> None:
        for location, problem in _problems(found.division):
            self._mistake(found.file, found.line_of(location), problem)
        self.divisions.append(found)

    def _refuse(self, path: Path, line_of: _LineOf, error: ValidationError) -> None:
        for detail in error.errors(include_url=False, include_input=False):
            location = detail["loc"]
            remedy = _REMEDIES.get(detail["type"], detail["msg"])
            name = next((str(part) for part in reversed(location) if isinstance(part, str)), "")
            self._mistake(path, line_of(location), f"{name}: {remedy}" if name else remedy)

    def _mistake(self, path: Path, line: int, problem: str) -> None:
        self.mistakes.append(Mistake(path, line, problem))


def _values(part: Any, form: Any) -> dict[str, Any]:
    """The values of a dataclass, of those fields that the dataclass ``form`` has."""
    return {field.name: getattr(part, field.name) for field in fields(form)}


def _line_of_section(numbers: list[int]) -> _LineOf:
    def line_of(location: Location) -> int:
        if len(location) > 1 and isinstance(location[1], int):
            return numbers[location[1]]
        return numbers[0]

    return line_of


def _problems(division: Division) -> Iterator[tuple[Location, str]]:
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
    for key, value in _values(part, type(part)).items():
        if isinstance(value, str) and not value.strip():
            yield (*location, key), f"{key}: empty; fill it in or remove the line"
        elif isinstance(value, tuple):
            for i, item in enumerate(value):
                if isinstance(item, str) and not item.strip():
                    yield (*location, key, i), f"{key}: empty entry; fill it in or remove it"
