"""The organisation's document and what is known about it: plain frozen data.

A knowledge file has the form of these classes, key for key: the loader checks it against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from bot.text import squeeze

_REFUSE_UNKNOWN_KEYS = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A passage of the document under its heading, and the words people use for it.

    ``path`` are the headings above this one, outermost first; ``text`` is verbatim, its paragraphs
    parted by blank lines; ``caption`` holds the captions of its pictures, one a line. ``questions``
    are ways people ask for the section as a whole.
    """

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN_KEYS

    heading: str
    text: str
    path: tuple[str, ...] = ()
    caption: str | None = None
    keywords: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    source: str | None = None

    @property
    def passage(self) -> str:
        """What a reply quotes: the text and, after it, the captions of its pictures."""
        return "\n\n".join(part.strip() for part in (self.text, self.caption or "") if part.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Questions that one place in the text answers: ``span`` are words copied from it.

    ``section`` is the heading of the section that holds ``span``; needed only where several do.
    """

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN_KEYS

    span: str
    questions: tuple[str, ...]
    section: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A division of the organisation and the sections that speak of it.

    English names stand here only where the document has them.
    """

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN_KEYS

    id: str
    name: str
    sections: tuple[Section, ...]
    name_en: str | None = None
    parent: str | None = None
    parent_en: str | None = None
    aliases: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """By what the division is spoken of."""
        return tuple(value for (key, *_), value in self.called if key != "id")

    @property
    def called(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """All that it can be asked for by: in which place of its file, and what."""
        yield ("id",), self.id
        yield ("name",), self.name
        yield from ((("aliases", i), alias) for i, alias in enumerate(self.aliases))
        if self.name_en:
            yield ("name_en",), self.name_en


@dataclass(frozen=True, slots=True, kw_only=True)
class Gold:
    """A right answer: the division's name, the heading, and words that stand under it."""

    division: str
    section: str
    span: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asked, with what answers it.

    ``golds`` are alternatives, any of which is right; there is none where the document does not
    say, nor for ``smalltalk``. With ``clarify_ok`` it is as right to ask which is meant.
    """

    text: str
    golds: tuple[Gold, ...] = ()
    kind: str = ""
    id: str = ""
    smalltalk: bool = False
    clarify_ok: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialogue:
    """A conversation: what one person asked, turn by turn."""

    id: str
    turns: tuple[Asked, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Questions that were really asked, each standing alone, and whole dialogues."""

    questions: tuple[Asked, ...] = ()
    dialogues: tuple[Dialogue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A dialogue act: what people say that is no question of its own, such as thanks.

    ``ja`` and ``en`` are what to say in return; there is none where the act asks for more.
    """

    __pydantic_config__: ClassVar = _REFUSE_UNKNOWN_KEYS

    examples: tuple[str, ...]
    ja: str | None = None
    en: str | None = None

    @property
    def is_talk(self) -> bool:
        """Whether it is small talk: something is said in return, and that is all."""
        return self.ja is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What serves every document: how the bot speaks and listens.

    ``phrases`` are its words by language and key, ``acts`` dialogue acts such as greetings,
    ``cues`` words that show how a question hangs on what was said before, ``outside`` what any bot
    is asked that no document answers, ``weights`` the fitted parameters of ranking and confidence,
    by model and feature.
    """

    phrases: dict[str, dict[str, str]]
    acts: dict[str, Act]
    cues: dict[str, tuple[str, ...]]
    outside: tuple[str, ...]
    weights: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Everything a knowledge folder holds.

    ``about`` says in each language what the document is; ``synonyms`` are groups of words that
    people use for one another; ``outside`` are questions that people ask and this document does
    not answer; ``asked`` is a log of real ones.
    """

    divisions: tuple[Division, ...]
    common: Common
    about: dict[str, dict[str, str]]
    synonyms: tuple[tuple[str, ...], ...] = ()
    outside: tuple[str, ...] = ()
    asked: Log = Log()


def outline(division: Division) -> tuple[Section, ...]:
    """The division's sections with those that its fields and headings amount to.

    Its title comes first where the document gives it more than a name (大臣官房 国際課 /
    International Affairs Division); before the first section under a heading without a text of its
    own comes that heading with the headings below it, as in a table of contents. All of it is
    verbatim.
    """
    sections = list(_title(division))
    seen = {(*section.path, section.heading) for section in division.sections}  # have their text
    for section in division.sections:
        for depth in range(1, len(section.path) + 1):
            path = section.path[:depth]
            if path not in seen:
                seen.add(path)
                sections.append(_contents(division, path))
        sections.append(section)
    return tuple(sections)


def holds(section: Section, span: str, heading: str | None = None) -> bool:
    """Whether the section, under ``heading`` if one is given, has ``span``; spaces don't count."""
    if heading is not None and squeeze(heading) != squeeze(section.heading):
        return False
    return squeeze(span) in squeeze(section.passage)


def _title(division: Division) -> tuple[Section, ...]:
    if not any([division.parent, division.parent_en, division.name_en]):
        return ()
    lines = [
        " ".join(filter(None, [division.parent, division.name])),
        division.parent_en,
        division.name_en,
    ]
    return (Section(heading=division.name, text="\n".join(filter(None, lines))),)


def _contents(division: Division, path: tuple[str, ...]) -> Section:
    below: dict[str, None] = {}
    for section in division.sections:
        headings = (*section.path, section.heading)
        if headings[: len(path)] == path and len(headings) > len(path):
            below.setdefault(headings[len(path)])
    return Section(heading=path[-1], path=path[:-1], text="\n".join([path[-1], *below]))
