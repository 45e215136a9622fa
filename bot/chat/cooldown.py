"""How much one person may ask."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

from bot.settings import Rate


class Cooldown:
    """Counts by person over a sliding window; without a rate everything is allowed.

    Of those who said nothing for a whole window nothing is remembered.
    """

    def __init__(self, rate: Rate | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._asked: OrderedDict[Hashable, tuple[float, ...]] = OrderedDict()
        self._told: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._asked) + len(self._told)

    def wait(self, person: Hashable) -> float:
        """Count one more from a person: 0 if it is allowed, else the seconds to wait."""
        if self._rate is None:
            return 0.0
        now = self._clock()
        since = now - self._rate.seconds
        while self._asked and next(iter(self._asked.values()))[-1] <= since:
            self._asked.popitem(last=False)
        asked = tuple(at for at in self._asked.get(person, ()) if at > since)
        if len(asked) >= self._rate.times:
            return max(asked[0] - since, 0.001)
        self._asked[person] = (*asked, now)
        self._asked.move_to_end(person)
        return 0.0

    def should_tell(self, person: Hashable) -> bool:
        """Whether to tell a person to wait: once a window, or a flood would be answered by one."""
        if self._rate is None:
            return False
        now = self._clock()
        while self._told and next(iter(self._told.values())) <= now - self._rate.seconds:
            self._told.popitem(last=False)
        if person in self._told:
            return False
        self._told[person] = now
        return True
