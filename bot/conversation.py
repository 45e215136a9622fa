"""What one conversation remembers."""

from __future__ import annotations

from dataclasses import dataclass

from bot.reply import Candidate


@dataclass(frozen=True, slots=True)
class Conversation:
    """What has been said so far, as far as it bears on what comes next.

    ``choices`` are the candidates last offered, in the order of their numbers.
    """

    choices: tuple[Candidate, ...] = ()
