"""The other end of the pipe: the process that talks to Ray, and the slices on the nodes."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from socket import create_connection, gethostname
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.lexicon import Found
from bot.retrieval.mapped import DamagedFileError, part, read_arrays
from bot.retrieval.postings import Postings, cut

_KNOCKING = 5.0
_OPENING = 300
"""Seconds for finding somebody at an address at all, and for the nodes to open the index."""
_GIVEN_UP = 60
"""Seconds after which the cluster itself stops trying to answer."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best rows of a slice and their scores; and, as that is asked for next and the way is
    long, which of the question's terms the first of them holds.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.float64]
    held: NDArray[np.bool_]


class Slice:
    """The slice of that number of the rows of an index; lives on a node of the cluster."""

    def __init__(self, path: str, number: int, slices: int) -> None:
        self._path = path
        self._number = number
        self._slices = slices

    def open(self) -> None:
        """Open the index, which every other call does where it is not open yet.

        Raises LookupError where this node has none.
        """
        try:
            assert self._postings  # noqa: S101 - opening it is what counts
        except (OSError, DamagedFileError) as error:
            raise LookupError(f"node {gethostname()} cannot open the index: {error}") from error

    def of(self, name: str, question: Found, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """The scores of some rows."""
        return self._postings[name].match(question, search=False).of(rows)

    def best(
        self, name: str, question: Found, count: int, allowed: NDArray[np.bool_] | None
    ) -> Best:
        """The best rows."""
        found = self._postings[name].match(question)
        rows = found.best(count, allowed)
        held = found.held(int(rows[0])) if len(rows) else np.zeros(0, np.bool_)
        return Best(rows, found.of(rows), held)

    def held(self, name: str, question: Found, row: int) -> NDArray[np.bool_]:
        """Which of the question's terms the row holds."""
        return self._postings[name].match(question, search=False).held(row)

    @cached_property
    def _postings(self) -> dict[str, Postings]:
        arrays = read_arrays(Path(self._path))
        found = {}
        for name in ("passages", "sentences"):
            whole = part(arrays, name)
            first, end = bounds(int(whole["size"][0]), self._slices)[self._number :][:2]
            found[name] = Postings(cut(whole, int(first), int(end)))
        return found


def bounds(size: int, slices: int) -> NDArray[np.intp]:
    """Where each slice of so many rows begins, and where the last one ends."""
    return np.arange(slices + 1) * size // slices


def drive(pipe: Connection, address: str, path: str, slices: int, seconds: int) -> None:
    """Answer what comes through the pipe from as many slices, or from one a node where 0.

    Tells first how many there are, or in a line why there are none; ends without a word where
    nothing answers in so many seconds.
    """
    _keep_quiet()
    import ray

    try:
        _knock(os.environ.get("RAY_ADDRESS", "") if address == "auto" else address)
        # Where no cluster answers, Ray waits for it without end: the signal ends the process.
        signal.alarm(seconds)
        try:
            _join(address)
        except ConnectionAbortedError:
            # The server that Ray starts for a client is given thirty seconds, which loading it for
            # the first time can take; by now it is in the machine's memory.
            _join(address)
        signal.alarm(0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # Ray's own handler takes its time
        # A head without processors is no place for an actor.
        nodes = [each for each in ray.nodes() if each["Alive"] and "CPU" in each["Resources"]]
        slices = slices or len(nodes)
        options = {"max_restarts": -1, "max_task_retries": 3, "scheduling_strategy": "SPREAD"}
        actor = ray.remote(**options)(Slice)
        actors = [actor.remote(path, number, slices) for number in range(slices)]
        ray.get([each.open.remote() for each in actors], timeout=_OPENING)
        pipe.send(slices or "no node of the cluster has a processor to spare")
    except Exception as error:  # whatever is wrong there, one line says it here
        pipe.send(" ".join(str(getattr(error, "cause", error)).split()))
        return
    while True:
        method, calls = pipe.recv()
        wanted = [getattr(actors[number], method).remote(*what) for number, what in calls]
        try:
            answers = ray.get(wanted, timeout=_GIVEN_UP)
        except ray.exceptions.RayError:
            answers = None
        pipe.send(answers)


def _join(address: str) -> None:
    import ray

    ray.init(address, log_to_driver=False, logging_level="ERROR")


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at an address; an empty one is Ray's to find."""
    place = urlsplit(f"//{address.removeprefix('ray://')}")
    if place.hostname and place.port:
        create_connection((place.hostname, place.port), _KNOCKING).close()


def _keep_quiet() -> None:
    """What Ray prints is nobody's answer, and Ctrl-C is for the program at the other end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
