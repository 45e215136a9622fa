"""A knowledge folder to a ``Document``; every mistake in it with file, line and remedy.

The folder holds one YAML file per division (or JSON Lines, one section a line) and, where they
serve, companions with fixed names. How the bot speaks, whatever its document, lies in the folder
``common`` of the knowledge that ships with the program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from bot.document.checks import problems
from bot.document.folder import common_folder, knowledge_files
from bot.document.json_lines import read_json_lines
from bot.document.log import LogFile
from bot.document.model import Act, Common, Division, Document, Log, holds, outline
from bot.document.yaml_lines import Path as Location
from bot.document.yaml_lines import YamlError, YamlLines
from bot.errors import KnowledgeError, Mistake
from bot.text import normalize

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


_DIVISION = TypeAdapter(Division)
_GROUPS = TypeAdapter(tuple[tuple[str, ...], ...])
_EXAMPLES = TypeAdapter(dict[str, tuple[str, ...]])
_WORDS = TypeAdapter(dict[str, dict[str, str]])
_ABOUT = TypeAdapter(dict[Literal["ja", "en"], dict[Literal["title", "example", "notice"], str]])
_ACTS = TypeAdapter(dict[str, Act])
_WEIGHTS = TypeAdapter(dict[str, dict[str, float]])
_LOG = TypeAdapter(LogFile)

COMPANIONS: dict[str, TypeAdapter[Any]] = {
    "about.yaml": _ABOUT,  # what the document is, for /help
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
        """No two divisions share an id or a name, however it is typed."""
        first: dict[str, _Found] = {}
        for found in self.divisions:
            for location, value in found.division.called:
                other = first.setdefault(normalize(value), found)
                if other is not found:
                    problem = (
                        f"{location[0]}: {value} is taken by {other.file.name}; choose another"
                    )
                    self._mistake(found.file, found.line_of(location), problem)

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
        for line, problem in content.repeated:
            self._mistake(path, line, problem)
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
        divisions = read_json_lines(
            text,
            refuse=lambda line, error: self._refuse(path, lambda _: line, error),
            mistake=lambda line, problem: self._mistake(path, line, problem),
        )
        for division, lines in divisions:
            self._add(_Found(division, path, _line_of_section(lines)))

    def _add(self, found: _Found) -> None:
        for location, problem in problems(found.division):
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


def _line_of_section(numbers: list[int]) -> _LineOf:
    def line_of(location: Location) -> int:
        if len(location) > 1 and isinstance(location[1], int):
            return numbers[location[1]]
        return numbers[0]

    return line_of
