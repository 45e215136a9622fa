"""What conversations remember."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from bot.reply import Candidate


@dataclass(frozen=True, slots=True)
class Conversation:
    """What has been said so far, as far as it bears on what comes next.

    ``choices`` are the candidates last offered, in the order of their numbers.
    """

    choices: tuple[Candidate, ...] = ()


class Conversations:
    """Many people's conversations, by any key; the least recently used go first.

    One that lay untouched for ``lifetime`` seconds is forgotten.
    """

    def __init__(
        self,
        *,
        limit: int = 10_000,
        lifetime: float = 1800,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Conversation]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Conversation:
        """The conversation under ``key``; a new one where there is none or it has lapsed."""
        since, conversation = self._kept.get(key, (float("-inf"), Conversation()))
        return conversation if self._clock() - since < self._lifetime else Conversation()

    def put(self, key: Hashable, conversation: Conversation) -> None:
        """Remember how a conversation stands now."""
        self._kept[key] = (self._clock(), conversation)
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Remember no more of it."""
        self._kept.pop(key, None)
