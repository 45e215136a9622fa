"""The log: one JSON object a line on standard error, without what people wrote."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from typing import Any

_LOG = logging.getLogger("madoguchi")


def start_logging() -> None:
    """Send every log record of the process through here."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    # Looked up for every line otherwise, and shown in none.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    _LOG.setLevel(logging.INFO)


def event(name: str, **facts: Any) -> None:
    """Something that happened, with numbers and names but no text of anybody's."""
    _LOG.info(name, extra={"facts": facts})


def trouble(name: str, error: BaseException | None = None, **facts: Any) -> None:
    """Something that should not have happened."""
    _LOG.warning(name, exc_info=error, extra={"facts": facts})


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage() if record.name != "root" else "message",
        }
        if record.name != _LOG.name:
            line["logger"] = record.name
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[1] is not None:
            line |= _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _told(error: BaseException) -> dict[str, Any]:
    """An error by its kind and place: its message might hold what somebody wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    told: dict[str, Any] = {
        "error": type(error).__name__,
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
    for number in ("status", "code", "errno"):
        if isinstance(value := getattr(error, number, None), int):
            told[number] = value
    if error.__cause__ is not None:
        told["cause"] = type(error.__cause__).__name__
    return told
