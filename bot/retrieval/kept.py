"""What one build leaves for the next, found again by what it was made from.

So it does not matter what has changed, or in which file; and what is built is the same with it and
without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from bot.retrieval.counts import Counts
from bot.retrieval.mapped import Arrays, DamagedFileError, read_arrays, write_arrays
from bot.retrieval.parts import Counted

_FIELDS = [each.name for each in fields(Counts)]


@dataclass
class Kept:
    """The terms of parts of the document, and the model learned from questions; each by the digest
    of what it was made from.
    """

    parts: Mapping[str, Counted] = field(default_factory=dict)
    models: Mapping[str, Arrays] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Kept:
        """What was kept at ``path``; nothing where the file is missing or damaged."""
        try:
            arrays = read_arrays(path, check=True)
        except (OSError, DamagedFileError):
            return cls()
        found: dict[str, dict[str, dict[str, NDArray[Any]]]] = {"parts": {}, "models": {}}
        for name in arrays:
            kind, digest, key = name.split("/")
            found[kind].setdefault(digest, {})[key] = arrays[name]
        parts = {digest: _counted(part) for digest, part in found["parts"].items()}
        return cls(parts, found["models"])

    def write(self, path: Path) -> None:
        """Keep it at ``path``.

        Raises OSError where that cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for digest, part in self.parts.items():
            for view in ("passages", "sentences"):
                for name in _FIELDS:
                    arrays[f"parts/{digest}/{view}.{name}"] = getattr(getattr(part, view), name)
        for digest, model in self.models.items():
            arrays |= {f"models/{digest}/{name}": array for name, array in model.items()}
        write_arrays(path, arrays)


def _counted(arrays: Arrays) -> Counted:
    passages, sentences = (
        Counts(*(arrays[f"{view}.{name}"] for name in _FIELDS))
        for view in ("passages", "sentences")
    )
    return Counted(passages, sentences)
