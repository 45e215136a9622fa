"""What may be asked, to choose from while typing."""

from __future__ import annotations

import asyncio
import json
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import Any

from bot.assistant import Assistant
from bot.chat.desk import Desk
from bot.document.folder import knowledge_files
from bot.errors import MadoguchiError
from bot.reply import DivisionName
from bot.text import hiragana, normalize
from bot.wording import language

_MOST = 25
_LONGEST = 100  # characters of a suggestion, by Discord's rule
_REMEMBERED = 100_000
_GLANCED_AT = 1_000
"""How many are put in order for who typed nothing yet."""
_SOON = 1.0


class _Texts:
    """Texts by what their folded forms have, which lie in one string: a question is looked for
    among tens of thousands at each key that is pressed.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [text for text in dict.fromkeys(texts) if len(text) <= _LONGEST]
        folded = ["\n" + _folded(text) for text in self._texts]
        self._folded = "".join(folded)
        self._starts = array("I", accumulate(map(len, folded), initial=0))

    def starting(self, wanted: str) -> Iterator[str]:
        """The texts that start so, in their order."""
        return self.having("\n" + wanted)

    def having(self, wanted: str) -> Iterator[str]:
        """The texts that have it inside, in their order."""
        place = self._folded.find(wanted)
        while place >= 0:
            number = bisect_right(self._starts, place) - 1
            yield self._texts[number]
            place = self._folded.find(wanted, self._starts[number + 1])


class Suggestions:
    """Headings and known questions of one knowledge folder, found by what was typed so far."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._assistant = assistant = desk.assistant
        self._knowledge = desk.settings.knowledge
        names = [each.names for each in assistant.index.divisions]
        self._headings = {each.id: _Texts(_headings(assistant, each)) for each in names}
        self._questions: dict[str, _Texts] = {}
        self._reading: asyncio.Task[None] | None = None

    async def fitting(self, typed: str, division: str | None, speak: str) -> list[str]:
        """At most 25 suggestions: those that start with what was typed, then those that have it
        inside, then headings of what would be answered. To who typed nothing yet, those in their
        language first.
        """
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        wanted = _folded(typed)
        found = self._known(wanted, division, speak)
        if wanted and len(found) < _MOST:
            search = partial(self._answering, typed, division)
            with suppress(TimeoutError):  # then without them: who types waits for no others
                async with asyncio.timeout(_SOON):
                    found |= dict.fromkeys(await self._desk.search(search))
        return list(found)[:_MOST]

    def _known(self, wanted: str, division: str | None, speak: str) -> dict[str, None]:
        """Headings and questions that start with what is wanted, or have it inside."""
        every = chain(self._headings.items(), self._questions.items())
        parts = [texts for id_, texts in every if division in (None, id_)]
        starting = chain.from_iterable(part.starting(wanted) for part in parts)
        if not wanted:
            some = islice(starting, _GLANCED_AT)
            return dict.fromkeys(sorted(some, key=lambda text: language(text) != speak))
        having = chain.from_iterable(part.having(wanted) for part in parts)
        found: dict[str, None] = {}
        for text in chain(starting, having):
            found[text] = None
            if len(found) == _MOST:
                break
        return found

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
        self._questions = await asyncio.to_thread(_questions, self._knowledge, set(self._headings))


def _headings(assistant: Assistant, division: DivisionName) -> Iterator[str]:
    yield from filter(None, [division.name, division.name_en])
    for section in assistant.catalogue.sections(division.id):
        yield section.section


def _questions(knowledge: Path, known: set[str]) -> dict[str, _Texts]:
    """The questions that the knowledge has for what stands in each division."""
    found: dict[str, list[str]] = {id_: [] for id_ in known}
    try:
        files = knowledge_files(knowledge)
    except MadoguchiError:
        return {}
    for file in files:
        for division, parts in _divisions(file):
            if division in known:
                for part in parts:
                    found[division] += part.get("questions") or ()
        if sum(map(len, found.values())) > _REMEMBERED:
            break
    return {division: _Texts(questions) for division, questions in found.items()}


def _divisions(file: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Divisions in a file that is known to be sound, with the sections and the single answers that
    have questions; nothing where it is not.
    """
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
        yield content["id"], [*(content.get("sections") or ()), *(content.get("answers") or ())]


def _folded(text: str) -> str:
    return hiragana(normalize(text))
