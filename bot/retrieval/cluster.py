"""The same index, sliced over a Ray cluster: each actor searches its range of the rows.

Ray ends a program whose cluster is lost, and hangs where none answers. So it is never loaded here,
but in a process of its own at the other end of a pipe. Whatever becomes of that, the index on this
machine answers, and says the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from importlib.util import find_spec
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import SettingError
from bot.retrieval.lexicon import Found
from bot.retrieval.postings import Matches, Postings
from bot.retrieval.slices import bounds, drive

_CONNECTING = 90
"""Seconds for joining the cluster, which a client may have to try twice."""
_PATIENCE = 0.5
"""Seconds after which a question is answered from this machine's index instead."""
_AGAIN = 60
"""Seconds between attempts to reach a lost cluster."""


class SlicedPostings:
    """Stands for postings whose rows a cluster searches in slices."""

    def __init__(self, name: str, here: Postings, cluster: Cluster) -> None:
        self.size = here.size
        self._name = name
        self._here = here
        self._cluster = cluster

    def match(self, question: Found, *, search: bool = True) -> SlicedMatches:
        """As ``Postings.match``."""
        return SlicedMatches(self._name, self._here, self._cluster, question, search)


class SlicedMatches:
    """As ``Matches``: asks the slices when something is wanted to know, and remembers scores."""

    def __init__(
        self, name: str, here: Postings, cluster: Cluster, question: Found, search: bool
    ) -> None:
        self.ceiling, self.idf = here.tell(question)
        self._here = here
        self._cluster = cluster
        self._name = name
        self._question = question
        self._search = search
        self._bounds = bounds(here.size, cluster.slices)
        self._scores: dict[int, float] = {}
        self._held: dict[int, NDArray[np.bool_]] = {}

    def of(self, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores of some rows."""
        unknown = np.array([row for row in rows.tolist() if row not in self._scores], np.intp)
        if len(unknown):
            self._look_up(np.unique(unknown))
        return np.array([self._scores[row] for row in rows.tolist()], np.float64)

    def best(self, count: int, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.intp]:
        """As ``Matches.best``: the best of the best of each slice."""
        wanted: dict[int, tuple[int, NDArray[np.bool_] | None]] = {}
        for number, (first, end) in enumerate(pairwise(self._bounds.tolist())):
            within = None if allowed is None else allowed[first:end]
            there = end - first if within is None else int(within.sum())
            if there:
                wanted[number] = min(count, there), within
        found = self._ask("best", wanted)
        if found is None:
            return self._matches.best(count, allowed)
        firsts = self._bounds[[*wanted]]
        parts = [each.rows + first for each, first in zip(found, firsts, strict=True)]
        rows = np.concatenate([np.zeros(0, np.intp), *parts])
        scores = np.concatenate([np.zeros(0), *(each.scores for each in found)])
        self._held.update(
            (int(part[0]), each.held) for part, each in zip(parts, found, strict=True) if len(part)
        )
        self._scores.update(zip(rows.tolist(), scores.tolist(), strict=True))
        return rows[np.lexsort((rows, -scores))[:count]]

    def held(self, row: int) -> NDArray[np.bool_]:
        """Which of the question's terms the row holds."""
        if row in self._held:
            return self._held[row]
        number = int(np.searchsorted(self._bounds, row, side="right")) - 1
        found = self._ask("held", {number: (int(row - self._bounds[number]),)})
        held: NDArray[np.bool_] = self._matches.held(row) if found is None else found[0]
        return held

    def _look_up(self, rows: NDArray[np.intp]) -> None:
        """Learn the scores of ascending rows."""
        places = np.searchsorted(rows, self._bounds)
        wanted = {
            number: (rows[first:end] - self._bounds[number],)
            for number, (first, end) in enumerate(pairwise(places.tolist()))
            if end > first
        }
        found = self._ask("of", wanted)
        scores = self._matches.of(rows) if found is None else np.concatenate(found)
        self._scores.update(zip(rows.tolist(), scores.tolist(), strict=True))

    def _ask(self, method: str, wanted: Mapping[int, tuple[Any, ...]]) -> list[Any] | None:
        calls = [(number, (self._name, self._question, *what)) for number, what in wanted.items()]
        return self._cluster.ask(method, calls)

    @cached_property
    def _matches(self) -> Matches:
        return self._here.match(self._question, search=self._search)


class Cluster:
    """A process that talks to a Ray cluster; it ends when nothing holds the other end of its pipe.

    Each of its nodes has the index at the same ``path`` as this machine. Safe from any thread.
    ``slices`` is how many there are of the rows.
    """

    def __init__(self, address: str, path: Path, warn: Callable[[str], None]) -> None:
        """Raises SettingError where no cluster can be had."""
        if find_spec("ray") is None:
            raise SettingError("MADOGUCHI_CLUSTER", "needs Ray: pip install 'madoguchi[cluster]'")
        self._address = address
        self._path = path
        self._warn = warn
        self._lock = Lock()
        self._is_away = self._is_owing = False
        self._again = 0.0
        self.slices = 0
        pipe = self._start()
        self._pipe: Connection | None = pipe
        try:
            told = pipe.recv()
        except EOFError:
            told = f"no cluster answers within {_CONNECTING} seconds"
        if isinstance(told, str):
            raise SettingError("MADOGUCHI_CLUSTER", f"{address}: {told}")
        self.slices = told

    def slice(self, name: str, here: Postings) -> SlicedPostings:
        """The postings of that name in the index, searched by the cluster."""
        return SlicedPostings(name, here, self)

    def close(self) -> None:
        """Let the cluster go; whoever still asks is answered by this machine's index."""
        with self._lock:
            self._pipe, self._again, self._is_away = None, math.inf, True

    def ask(self, method: str, calls: Sequence[tuple[int, tuple[Any, ...]]]) -> list[Any] | None:
        """What slices, given by number, answer to a call of a method of ``Slice``; None where they
        don't in time.
        """
        with self._lock:
            try:
                answers = self._asked(method, calls)
            except (EOFError, OSError):
                self._pipe, self._again = None, time.monotonic() + _AGAIN
                answers = None
            self._tell(is_away=answers is None)
            return answers

    def _asked(self, method: str, calls: Sequence[tuple[int, tuple[Any, ...]]]) -> list[Any] | None:
        if self._pipe is None:
            if time.monotonic() < self._again:
                return None
            self._pipe, self._is_owing = self._start(), True
        # What comes too late is nobody's answer any more.
        if self._is_owing and self._pipe.poll():
            self._pipe.recv()
            self._is_owing = False
        if self._is_owing:
            return None
        self._pipe.send((method, calls))
        self._is_owing = not self._pipe.poll(_PATIENCE)
        answers: list[Any] | None = None if self._is_owing else self._pipe.recv()
        return answers

    def _tell(self, *, is_away: bool) -> None:
        """Say so where the cluster has gone or come back."""
        if is_away != self._is_away:
            self._is_away = is_away
            said = "does not answer; until it does, the index on this machine is searched"
            self._warn(f"MADOGUCHI_CLUSTER: the cluster {said if is_away else 'answers again'}")

    def _start(self) -> Connection:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = theirs, self._address, str(self._path), self.slices, _CONNECTING
        context.Process(target=drive, args=arguments, daemon=True).start()
        theirs.close()
        return ours
