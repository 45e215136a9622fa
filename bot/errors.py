"""Errors that are expected, each with the sentence its reader will see.

    MadoguchiError            anything that can be told in a sentence or a list; exit status 1
    ├── UsageError            the command was called wrongly; exit status 2
    ├── SettingError          a setting cannot be used; names its variable; exit status 2
    ├── KnowledgeError        the knowledge folder is missing or has mistakes; lists them all
    ├── StoreError            the database cannot be used just now
    └── DiscordError          Discord cannot be reached, or refuses the bot

Whatever else is raised is a bug.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class MadoguchiError(Exception):
    """An expected failure; ``str(error)`` is what the person reads."""

    exit_status = 1


class UsageError(MadoguchiError):
    """The command was called wrongly."""

    exit_status = 2


class SettingError(MadoguchiError):
    """A setting cannot be used."""

    exit_status = 2

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")


class StoreError(MadoguchiError):
    """The database cannot be used just now."""


class DiscordError(MadoguchiError):
    """Discord cannot be reached, or refuses the bot; says what to do about it."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a knowledge folder: where it is, what is wrong and what to do.

    ``line`` counts from 1; 0 where the mistake is the file's as a whole.
    """

    file: Path
    line: int
    problem: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{where}: {self.problem}"


class KnowledgeError(MadoguchiError):
    """The knowledge folder cannot be used; carries every mistake found, not the first alone."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(map(str, self.mistakes)))
