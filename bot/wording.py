"""A reply in words: Japanese or English, plain text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.reply import Candidate, DivisionName

_SURE, _FAIRLY_SURE = 0.85, 0.6
_JAPANESE = re.compile(r"[ぁ-ゖァ-ヺｦ-ﾝ々一-鿿]")
MARK = "▶"
"""Stands before the sentence that answers, where bold cannot be shown."""


def language(question: str) -> str:
    """The language to reply in: "ja" if the question has any Japanese letter, else "en"
    if it has a Latin one, else "ja".
    """
    if _JAPANESE.search(question):
        return "ja"
    return "en" if re.search(r"[A-Za-z]", question) else "ja"


@dataclass(frozen=True, slots=True)
class Marked:
    """A passage parted at the sentence that answers; joined it is the passage."""

    before: str
    sentence: str
    after: str


@dataclass(frozen=True, slots=True)
class Wording:
    """The phrases of one language and what the bot says of its document (``about``)."""

    language: str
    phrases: Mapping[str, str]
    about: Mapping[str, str]

    def phrase(self, key: str, **values: Any) -> str:
        """A phrase by its key, its braces filled in."""
        return self.phrases[key].strip().format(**values)

    def answer(self, candidate: Candidate, alternatives: Sequence[Candidate]) -> str:
        """An answer with the passage, how sure it is, and what else may be meant."""
        lines = [
            f"【{title(candidate.division)}】",
            " › ".join([*candidate.path, candidate.section]),
            "",
            mark(candidate),
            "",
            f"{self.phrase('certainty')}: {self.certainty(candidate.confidence)}",
        ]
        if candidate.source:
            lines.insert(-1, f"{self.phrase('source')}: {candidate.source}")
        if alternatives:
            lines += ["", f"{self.phrase('alternatives')}:", *numbered(alternatives)]
            lines += [self.phrase("choose")]
        return "\n".join(lines)

    def unknown(self, nearest: Sequence[Candidate]) -> str:
        """That the document does not say, and what comes closest."""
        lines = [self.phrase("unknown")]
        if nearest:
            lines += ["", self.phrase("nearest"), *numbered(nearest), self.phrase("choose")]
        return "\n".join(lines)

    def clarify(self, choices: Sequence[Candidate]) -> str:
        """A question back: which one is meant."""
        return "\n".join([self.phrase("clarify"), *numbered(choices), self.phrase("choose")])

    def certainty(self, confidence: float) -> str:
        """How sure, in a word and in hundredths."""
        if confidence >= _SURE:
            key = "sure"
        else:
            key = "fairly_sure" if confidence >= _FAIRLY_SURE else "unsure"
        return f"{self.phrase(key)} ({confidence:.0%})"

    def profile(
        self, division: DivisionName, parent: str | None, sections: Sequence[Candidate]
    ) -> str:
        """What a division is, and its sections to choose from."""
        lines = [f"【{title(division)}】"]
        if parent:
            lines.append(f"{self.phrase('parent')}: {parent}")
        return "\n".join([*lines, "", self.phrase("sections"), *numbered(sections)])

    def divisions(self, divisions: Sequence[DivisionName]) -> str:
        """The list of divisions."""
        return "\n".join([self.phrase("divisions"), *(f"  {title(each)}" for each in divisions)])

    def introduction(self) -> str:
        """What the bot answers from, with an example of a question."""
        first = "about" if "title" in self.about else "about_any"
        lines = [self.phrase(first, title=self.about.get("title", ""))]
        if "example" in self.about:
            lines.append(self.phrase("example", example=self.about["example"]))
        return "\n".join(lines)

    def help(self, division: str) -> str:
        """What the bot can do; ``division`` is the name of one, for the examples."""
        lines = [self.introduction(), "", self.phrase("commands", division=division)]
        if "notice" in self.about:
            lines += ["", self.about["notice"].strip()]
        return "\n".join(lines)


def title(division: DivisionName) -> str:
    """The division's name, with the English one where the document has it."""
    return division.name if division.name_en is None else f"{division.name} {division.name_en}"


def numbered(candidates: Sequence[Candidate]) -> list[str]:
    """Candidates to choose from, one a line."""
    return [
        f"  {number}. {candidate.division.name} › {candidate.section}"
        for number, candidate in enumerate(candidates, 1)
    ]


def mark(candidate: Candidate) -> str:
    """The passage with the answering sentence on a line of its own, after a mark."""
    marked = split(candidate)
    if not marked.sentence:
        return candidate.passage
    before, after = marked.before.rstrip(" \t"), marked.after.lstrip(" \t")
    if before and not before.endswith("\n"):
        before += "\n"
    if after and not after.startswith("\n"):
        after = "\n" + after
    return f"{before}{MARK} {marked.sentence}{after}"


def split(candidate: Candidate) -> Marked:
    """The passage parted at the answering sentence."""
    return Marked(*candidate.passage.partition(candidate.sentence))
