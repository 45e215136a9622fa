"""People as the database knows them: by keyed hashes of their ids."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

_KEY_BYTES = 32


class People:
    """Turns Discord ids into hashes that mean nothing without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def hash(self, person: int) -> bytes:
        """The hash of a person's id; the same each time under the same key."""
        return hashlib.blake2b(str(person).encode(), key=self._key, digest_size=16).digest()


def read_key(path: Path) -> bytes:
    """The key in a file, which is made, readable by its owner alone, where there is none.

    Raises OSError where it can be neither read nor made.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = b""
    if len(key) == _KEY_BYTES:
        return key
    key = secrets.token_bytes(_KEY_BYTES)
    # Written beside and linked, so that of two that start together one key wins, whole.
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
    try:
        beside.replace(path) if path.exists() else os.link(beside, path)
    except FileExistsError:
        return path.read_bytes()
    finally:
        beside.unlink(missing_ok=True)
    return key
