"""Memory that does not grow: the least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Recent(Generic[_T]):
    """Values by key, at most ``limit`` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, _T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._kept

    def get(self, key: Hashable) -> _T | None:
        """The value under ``key``, if it is still known."""
        return self._kept.get(key)

    def put(self, key: Hashable, value: _T) -> None:
        """Know a value by its key."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Know it no more."""
        self._kept.pop(key, None)

    def values(self) -> list[_T]:
        """All that is known, the longest unused first."""
        return list(self._kept.values())


class Once:
    """Tells what comes for the first time from what comes again."""

    def __init__(self, limit: int = 20_000) -> None:
        self._seen: Recent[None] = Recent(limit)

    def first(self, key: Hashable) -> bool:
        """Whether ``key`` was not seen before; from now on it was."""
        if key in self._seen:
            return False
        self._seen.put(key, None)
        return True

    def forget(self, key: Hashable) -> None:
        """Let ``key`` be new again."""
        self._seen.forget(key)
