"""How much one person may ask."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from bot.settings import Rate

_PEOPLE = 50_000


class Cooldown:
    """Counts by person over a sliding window; without a rate everything is allowed."""

    def __init__(self, rate: Rate | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._asked: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def wait(self, person: Hashable) -> float:
        """Count one more from a person: 0 if it is allowed, else the seconds to wait."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        asked = self._asked.setdefault(person, deque())
        self._asked.move_to_end(person)
        while asked and now - asked[0] >= self._rate.seconds:
            asked.popleft()
        if len(asked) >= self._rate.times:
            return max(asked[0] + self._rate.seconds - now, 0.001)
        asked.append(now)
        if len(self._asked) > _PEOPLE:
            self._asked.popitem(last=False)
        return 0.0

    def should_tell(self, person: Hashable) -> bool:
        """Whether to tell a person to wait: once a window, or a flood would be answered by one."""
        if self._rate is None:
            return False
        now = self._clock()
        if now - self._told.get(person, float("-inf")) < self._rate.seconds:
            return False
        self._told[person] = now
        self._told.move_to_end(person)
        if len(self._told) > _PEOPLE:
            self._told.popitem(last=False)
        return True
