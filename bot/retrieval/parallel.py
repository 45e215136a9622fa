"""Work spread over all cores, in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

Part = TypeVar("Part")
Result = TypeVar("Result")


def cores() -> int:
    """How many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(function: Callable[[Part], Result], parts: Sequence[Part]) -> Iterator[Result]:
    """The results for all parts, in their order; a single part is not worth a process."""
    if len(parts) < 2 or cores() < 2:
        yield from map(function, parts)
        return
    # Spawned, not forked: the bot builds in a thread, and a fork would copy the others' locks.
    with ProcessPoolExecutor(min(cores(), len(parts)), get_context("spawn")) as pool:
        yield from pool.map(function, parts)
