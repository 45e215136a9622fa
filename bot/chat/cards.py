"""What cards say: answers, sections, divisions and help, in one language for one asker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
from discord import ui

from bot.assistant import Assistant
from bot.chat import markdown
from bot.chat.asked import quote
from bot.chat.card import PLAIN, RICH, Card
from bot.chat.controls import LONGEST, Action, Control, Reference
from bot.reply import Candidate, DivisionName, Kind, Reply
from bot.wording import Wording, split, title

_PASSAGE_RICH, _PASSAGE_PLAIN = 3000, 1300
_OPTIONS = 25
_SELECTS = 4
_NAME = 48
"""Characters of a division's name where more than the name is to be read."""
_LAST_LINE = 200
"""Characters for what stands below a list."""


@dataclass(frozen=True, slots=True)
class Cards:
    """Draws cards for one asker in one language."""

    assistant: Assistant
    wording: Wording
    asker: int
    rich: bool
    private: bool = False

    def reply(self, reply: Reply, question: str | None = None) -> Card:
        """A reply; ``question`` is quoted where those who read along cannot see it."""
        quoted = quote(question)
        if reply.answer is not None:
            card = self.answer(reply.answer, reply.alternatives)
            return replace(card, texts=(*quoted, *card.texts))
        rows = self._select(reply.alternatives)
        match reply.kind:
            case Kind.UNKNOWN if rows:
                said = [self.wording.phrase("unknown"), self.wording.phrase("nearest")]
            case Kind.CLARIFY if rows:
                said = [self.wording.phrase("clarify")]
            case _:
                said = [markdown.escape(reply.text)]
        return Card((*quoted, "\n".join(said)), rows)

    def answer(
        self, answer: Candidate, others: Sequence[Candidate] = (), *, sure: bool = True
    ) -> Card:
        """A passage with its answering sentence, where it stands, and how sure it is."""
        limit = _PASSAGE_RICH if self.rich else _PASSAGE_PLAIN
        texts = (
            self._head(answer),
            markdown.excerpt(split(answer), limit),
            self._foot(answer, sure=sure),
        )
        reference = str(Reference.to(answer, sure=sure))
        buttons = [
            self._button("more", Action.MORE, f"{reference}:0"),
            self._button("about_division", Action.PROFILE, answer.division.id),
            self._button("helpful", Action.HELPFUL, answer.key, emoji="👍"),
            self._button("not_helpful", Action.NOT_HELPFUL, answer.key, emoji="👎"),
        ]
        if self.private:
            buttons.append(self._button("show_all", Action.SHOW, reference))
        return Card(tuple(filter(None, texts)), (*self._select(others), tuple(buttons)))

    def section(self, section: Candidate, page: int) -> Card:
        """One page of a section, whole, and the sections around it to choose from."""
        pages = markdown.pages(section.passage, _PASSAGE_RICH if self.rich else _PASSAGE_PLAIN)
        page = min(page, len(pages) - 1)
        texts = [self._head(section), pages[page]]
        row: tuple[ui.Item[Any], ...] = ()
        if len(pages) > 1:
            texts.append(self.wording.phrase("page", page=page + 1, pages=len(pages)))
        if page + 1 < len(pages):
            reference = Reference.to(section, sure=False)
            row = (self._button("more", Action.MORE, f"{reference}:{page + 1}"),)
        texts.append(self._foot(section, sure=False))
        others = [
            each
            for each in self.assistant.catalogue.sections(section.division.id)
            if each.key != section.key
        ]
        rows = self._selects(others) + ((row,) if row else ())
        return Card(tuple(filter(None, texts)), rows)

    def profile(self, division: str) -> Card:
        """What a division is: its names, its mission, and its sections to choose from.

        Raises KeyError where there is no such division.
        """
        found = self.assistant.catalogue.division(division)
        sections = self.assistant.catalogue.sections(found.names.id)
        limit = _PASSAGE_RICH if self.rich else _PASSAGE_PLAIN
        texts = [f"### {markdown.escape(markdown.shorten(title(found.names), 200))}"]
        if found.parent:
            parent = markdown.escape(markdown.shorten(found.parent, 100))
            texts[0] += f"\n-# {self.wording.phrase('parent')}: {parent}"
        mission = _mission(found.names, sections)
        if mission is not None:
            texts.append(markdown.pages(mission.passage, limit)[0])
        texts.append(self.wording.phrase("sections"))
        return Card(tuple(texts), self._selects(sections))

    def divisions(self, commands: Mapping[str, str]) -> Card:
        """The list of divisions with their commands, and how to find those it has no room for."""
        divisions = self.assistant.index.divisions
        lines = [self.wording.phrase("divisions")]
        room = (RICH if self.rich else PLAIN) - _LAST_LINE
        for each in divisions:
            line = f"- {markdown.escape(markdown.shorten(title(each.names), 200))}"
            line += f" `/{commands[each.names.id]}`"
            room -= markdown.width(line) + 1
            if room < 0:
                break
            lines.append(line)
        left = len(divisions) - (len(lines) - 1)
        if left:
            lines.append(self.wording.phrase("more_divisions", count=left))
        return Card(("\n".join(lines),))

    def help(self, mention: str, commands: Mapping[str, str]) -> Card:
        """What the bot can do, with the command of one division as an example."""
        command = commands[self.assistant.index.division(0).names.id]
        about = self.wording.about
        texts = [
            markdown.escape(self.wording.introduction()),
            self.wording.phrase("discord_help", mention=mention, division=command),
        ]
        if "notice" in about:
            notice = markdown.escape(about["notice"].strip())
            texts.append("\n".join(f"-# {line}" for line in notice.split("\n")))
        return Card(tuple(texts))

    def _head(self, candidate: Candidate) -> str:
        division = markdown.escape(markdown.shorten(title(candidate.division), 200))
        path = " › ".join([*candidate.path, candidate.section])
        return f"### {division}\n-# {markdown.escape(markdown.shorten(path, 250))}"

    def _foot(self, candidate: Candidate, *, sure: bool) -> str:
        facts = []
        if candidate.source:
            source = markdown.escape(markdown.shorten(candidate.source, 150))
            facts.append(f"{self.wording.phrase('source')}: {source}")
        if sure:
            certainty = self.wording.certainty(candidate.confidence)
            facts.append(f"{self.wording.phrase('certainty')}: {certainty}")
        return "-# " + " · ".join(facts) if facts else ""

    def _button(
        self, phrase: str, action: Action, rest: str = "", *, emoji: str | None = None
    ) -> ui.Button[Any]:
        return ui.Button(
            label=self.wording.phrase(phrase)[:80],
            custom_id=str(Control(action, self.asker, rest)),
            emoji=emoji,
        )

    def _select(self, candidates: Sequence[Candidate]) -> tuple[tuple[ui.Item[Any], ...], ...]:
        """One row to choose a candidate from, or none."""
        if not candidates:
            return ()
        control = Control(Action.PICK, self.asker)
        options = self._options(candidates, sure=True)
        phrase = self.wording.phrase("pick")
        return ((ui.Select(custom_id=str(control), placeholder=phrase, options=options),),)

    def _selects(self, sections: Sequence[Candidate]) -> tuple[tuple[ui.Item[Any], ...], ...]:
        """Rows to choose a section from; those that find no room are left to asking."""
        rows = []
        for first in range(0, min(len(sections), _OPTIONS * _SELECTS), _OPTIONS):
            part = sections[first : first + _OPTIONS]
            phrase = self.wording.phrase("pick_section")
            if len(sections) > _OPTIONS:
                last = first + len(part)
                phrase = self.wording.phrase("pick_more", first=first + 1, last=last)
            control = Control(Action.PICK, self.asker, str(first) if first else "")
            options = self._options(part, sure=False)
            rows.append(
                (ui.Select[Any](custom_id=str(control), placeholder=phrase, options=options),)
            )
        return tuple(rows)

    def _options(
        self, candidates: Sequence[Candidate], *, sure: bool
    ) -> list[discord.SelectOption]:
        options = {}
        for each in candidates:
            value = str(Reference.to(each, sure=sure))
            name = markdown.shorten(each.division.name, _NAME)
            label = f"{name} › {each.section}" if sure else each.section
            options[each.key] = discord.SelectOption(
                label=markdown.shorten(label, LONGEST) or "?",
                value=value,
                description=markdown.shorten(each.sentence, LONGEST) or None,
            )
        return list(options.values())[:_OPTIONS]


def _mission(division: DivisionName, sections: Sequence[Candidate]) -> Candidate | None:
    """The section that says what a division is there for; else the first that says anything."""
    for each in sections:
        if any(word in each.section.lower() for word in ("mission", "ミッション", "使命")):
            return each
    telling = [each for each in sections if each.section != division.name]
    return next(iter(telling or sections), None)
