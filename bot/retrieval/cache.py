"""Built indexes on disk: found again by what they were built from, or built anew."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bot.document.folder import common_folder, knowledge_files
from bot.retrieval.index import Index
from bot.retrieval.mapped import Arrays, DamagedFileError, read_arrays, write_arrays

if TYPE_CHECKING:
    from bot.retrieval.build import Progress

_PACKAGES = ("numpy", "sklearn", "fugashi", "unidic_lite")
_ABANDONED = 86_400.0
"""Seconds after which nobody is still writing a file."""


def open_index(
    knowledge: Path,
    cache: Path,
    warn: Callable[[str], None] = lambda _: None,
    progress: Progress = lambda _done, _all, _before: None,
    cluster: str | None = None,
) -> Index:
    """The index of a knowledge folder, from the cache if nothing has changed since.

    Where something has, what lies beside the index spares analysing and learning the rest again.
    A damaged file is built anew; a cache that cannot be used costs a warning and time, no more.
    ``progress`` is told how much is done, of how much, and how much of it was so from before.
    ``cluster`` is the address of the one that searches it, if any does.

    Raises KnowledgeError with all mistakes in the folder, SettingError without such a cluster.
    """
    path = index_path(knowledge, cache)
    try:
        arrays: Arrays = read_arrays(path)
    except (OSError, DamagedFileError):
        arrays = _build(knowledge, path, warn, progress)
    if cluster is None:
        return Index(arrays)
    from bot.retrieval.cluster import Cluster

    return Index(arrays, Cluster(cluster, path.resolve(), warn))


def _build(
    knowledge: Path,
    path: Path,
    warn: Callable[[str], None],
    progress: Progress,
) -> Arrays:
    # Imported here: what only building needs takes a second to load.
    from bot.document.load import load
    from bot.retrieval.build import build_index
    from bot.retrieval.kept import Kept

    kept_path = path.with_name(f"{_place(knowledge)}-{_digest(_program())}.terms")
    kept = Kept.read(kept_path)
    arrays = build_index(load(knowledge), progress, kept)
    try:
        write_arrays(path, arrays)
        kept.write(kept_path)
        _remove_older(path, kept_path)
    except OSError as error:
        reason = error.strerror or error
        warn(f"MADOGUCHI_CACHE: cannot keep the index in {path.parent}: {reason}")
    return arrays


def index_path(knowledge: Path, cache: Path) -> Path:
    """Where the index lies: named after its folder, and after all that goes into it."""
    ingredients = (
        *_program(),
        *_state([*knowledge_files(knowledge), *knowledge_files(common_folder())]),
    )
    return cache / f"{_place(knowledge)}-{_digest(ingredients)}.index"


def _place(knowledge: Path) -> str:
    return _digest([str(knowledge.resolve())])


def _program() -> Iterable[str]:
    """What builds an index, whatever the knowledge."""
    yield sys.version
    # Installing another version writes a package anew; to read its version takes far longer.
    found = filter(None, map(find_spec, _PACKAGES))
    yield from _state(Path(spec.origin) for spec in found if spec.origin)
    here = Path(__file__).parent
    yield from _state(
        sorted([*here.glob("*.py"), *here.parent.glob("document/*.py"), here.parent / "text.py"])
    )


def _state(files: Iterable[Path]) -> Iterable[str]:
    """What tells whether a file has changed, without reading it."""
    for path in files:
        facts = path.stat()
        yield f"{path.name} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _remove_older(*kept: Path) -> None:
    """What was kept of the same folder as it was before, and what was never written to its end."""
    place = kept[0].name.partition("-")[0]
    for older in kept[0].parent.glob(f"{place}-*"):
        if older not in kept:
            older.unlink(missing_ok=True)
    for part in kept[0].parent.glob(f".{place}-*"):
        with suppress(FileNotFoundError):  # another process has just finished writing it
            if time.time() - part.stat().st_mtime > _ABANDONED:
                part.unlink()
