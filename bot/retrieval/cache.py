"""Built indexes on disk: found again by what they were built from, or built anew."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from bot.document.folder import common_folder, knowledge_files
from bot.retrieval.index import Index
from bot.retrieval.mapped import DamagedFileError, read_arrays, write_arrays

_PACKAGES = ("numpy", "scikit-learn", "fugashi", "unidic-lite")


def open_index(
    knowledge: Path,
    cache: Path,
    warn: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Index:
    """The index of a knowledge folder, from the cache if nothing has changed since.

    A damaged file is built anew; a cache that cannot be used costs a warning and time, no more.
    ``progress`` is told how much is done, and of how much.

    Raises KnowledgeError with all mistakes in the folder.
    """
    path = index_path(knowledge, cache)
    try:
        return Index(read_arrays(path))
    except (OSError, DamagedFileError):
        return _build(knowledge, path, warn, progress)


def _build(
    knowledge: Path,
    path: Path,
    warn: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Index:
    # Imported here: what only building needs takes a second to load.
    from bot.document.load import load
    from bot.retrieval.build import build_index

    arrays = build_index(load(knowledge), progress)
    try:
        write_arrays(path, arrays)
        _remove_older(path)
    except OSError as error:
        reason = error.strerror or error
        warn(f"MADOGUCHI_CACHE: cannot keep the index in {path.parent}: {reason}")
    return Index(arrays)


def index_path(knowledge: Path, cache: Path) -> Path:
    """Where the index lies: named after its folder, and after all that goes into it."""
    place = _digest([str(knowledge.resolve())])
    return cache / f"{place}-{_digest(_ingredients(knowledge))}.index"


def _ingredients(knowledge: Path) -> Iterable[str]:
    yield sys.version
    yield from (f"{package} {version(package)}" for package in _PACKAGES)
    here = Path(__file__).parent
    code = sorted([*here.glob("*.py"), *here.parent.glob("document/*.py"), here.parent / "text.py"])
    for path in (*code, *knowledge_files(knowledge), *knowledge_files(common_folder())):
        facts = path.stat()
        yield f"{path.name} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _remove_older(path: Path) -> None:
    """Indexes of the same folder as it was before."""
    place = path.name.partition("-")[0]
    for older in path.parent.glob(f"{place}-*.index"):
        if older != path:
            older.unlink(missing_ok=True)
