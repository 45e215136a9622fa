"""What may be asked, to choose from while typing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bot.assistant import Assistant
from bot.chat.desk import Desk
from bot.document.folder import knowledge_files
from bot.errors import MadoguchiError
from bot.text import hiragana, normalize
from bot.wording import language

_MOST = 25
_LONGEST = 100  # characters of a suggestion, by Discord's rule
_REMEMBERED = 20_000
_SOON = 1.0


class Suggestions:
    """Headings and known questions of one knowledge folder, found by what was typed so far."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._assistant = assistant = desk.assistant
        self._knowledge = desk.settings.knowledge
        self._headings = list(_headings(assistant))
        self._questions: list[tuple[str, str, str]] = []
        self._reading: asyncio.Task[None] | None = None

    async def fitting(self, typed: str, division: str | None, speak: str) -> list[str]:
        """At most 25 suggestions: those that start with what was typed, then those that have it
        inside, then headings of what would be answered. To who typed nothing yet, those in their
        language first.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        wanted = _folded(typed)
        entries = [
            entry for entry in [*self._headings, *self._questions] if division in (None, entry[0])
        ]
        found = dict.fromkeys(text for _, folded, text in entries if folded.startswith(wanted))
        if not wanted:
            found = dict.fromkeys(sorted(found, key=lambda text: language(text) != speak))
        else:
            found |= dict.fromkeys(text for _, folded, text in entries if wanted in folded)
        if wanted and len(found) < _MOST:
            search = partial(self._answering, typed, division)
            with suppress(TimeoutError):  # then without them: who types waits for no others
                async with asyncio.timeout(_SOON):
                    found |= dict.fromkeys(await self._desk.search(search))
        return list(found)[:_MOST]

    def _answering(self, typed: str, division: str | None) -> list[str]:
        """Headings of what would be answered."""
        if not any(map(str.isalnum, typed)) or len(typed) > _LONGEST:
            return []
        index = self._assistant.index
        ranking, _ = self._assistant.understanding.judge(typed, division)
        headings = [index.section(int(row)).heading for row in ranking.rows[:5]]
        return [each for each in headings if len(each) <= _LONGEST]

    async def _read(self) -> None:
        """Read the known questions; the first who types waits for headings alone."""
        division_of = self._assistant.index.division_named
        self._questions = await asyncio.to_thread(_questions, self._knowledge, set(division_of))


def _headings(assistant: Assistant) -> Iterator[tuple[str, str, str]]:
    for division in assistant.index.divisions:
        names = division.names
        for name in filter(None, [names.name, names.name_en]):
            if len(name) <= _LONGEST:
                yield names.id, _folded(name), name
        for section in assistant.catalogue.sections(names.id):
            if len(section.section) <= _LONGEST:
                yield names.id, _folded(section.section), section.section


def _questions(knowledge: Path, known: set[str]) -> list[tuple[str, str, str]]:
    """(division, folded, text) of each question that the knowledge has for its sections."""
    found: dict[tuple[str, str], str] = {}
    try:
        files = knowledge_files(knowledge)
    except MadoguchiError:
        return []
    for file in files:
        for division, sections in _divisions(file):
            for section in sections:
                for question in section.get("questions") or ():
                    text = question.get("text", "") if isinstance(question, dict) else question
                    if division in known and isinstance(text, str) and len(text) <= _LONGEST:
                        found.setdefault((division, text), _folded(text))
        if len(found) > _REMEMBERED:
            break
    return [(division, folded, text) for (division, text), folded in found.items()]


def _divisions(file: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Divisions and sections in a file that is known to be sound; nothing where it is not."""
    # Imported here: the start does without.
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".jsonl":
            for line in filter(str.strip, text.split("\n")):
                section = json.loads(line)
                yield section["division"]["id"], [section]
            return
        content = yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return
    if isinstance(content, dict) and "id" in content:
        yield content["id"], content.get("sections") or []


def _folded(text: str) -> str:
    return hiragana(normalize(text))
