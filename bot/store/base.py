"""The one interface to what is remembered, whatever keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What those who manage a server have decided.

    ``ask_here`` are the channels in which every message is a question; ``sure`` is the confidence
    from which on an answer is given (the bot's own where None); ``speak`` is the language of the
    bot's words (each asker's where None); ``private`` answers commands for the asker alone.
    """

    ask_here: frozenset[int] = frozenset()
    sure: float | None = None
    speak: str | None = None
    private: bool = False


@dataclass(frozen=True, slots=True)
class Vote:
    """Whether an answer helped a person; ``section`` is the key of what was answered.

    ``question`` is there where it did not help and its text is known.
    """

    person: int
    message: int
    section: str
    helpful: bool
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question of somebody's that the document did not answer."""

    person: int
    question: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is stored about a person."""

    votes: int = 0
    questions: tuple[str, ...] = ()


class Store(Protocol):
    """Keeps what must outlast a restart.

    People are given by their Discord ids and kept as keyed hashes. Whatever cannot be done just
    now raises StoreError, soon enough for an answer that Discord waits three seconds for; what
    returned is safe.
    """

    async def server(self, server: int) -> ServerSettings:
        """A server's settings; those of a new one where there are none."""

    async def save_server(self, server: int, settings: ServerSettings) -> None:
        """Keep a server's settings."""

    async def vote(self, vote: Vote) -> None:
        """Keep a vote; a person has one per message, the last."""

    async def unanswered(self, questions: Sequence[Unanswered]) -> None:
        """Keep questions that the document did not answer."""

    async def remembered(self, person: int) -> Remembered:
        """Everything stored about a person."""

    async def erase(self, person: int) -> None:
        """Forget a person."""

    async def forget_old(self) -> None:
        """Erase the questions that were kept long enough."""

    async def note(self, name: str) -> str | None:
        """A fact the program left for itself."""

    async def save_note(self, name: str, value: str) -> None:
        """Leave a fact for later."""

    async def claim(self, name: str, seconds: float) -> bool:
        """Whether a task is now this program's to do, for so long at most; no one else has it."""

    async def release(self, name: str) -> None:
        """Let somebody else claim a task."""

    async def close(self) -> None:
        """Let go of the database."""
