"""How tests start the program in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def program(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "bot", *arguments]


def environment(**changes: str) -> dict[str, str]:
    """The environment: that of the test, with changes."""
    mine = {**os.environ, "PYTHONPATH": str(ROOT), **changes}
    mine.pop("PYTHONUNBUFFERED", None)  # it would hide that an output is not flushed
    return mine
