"""Named arrays in one file, written at once and read by mapping it into memory.

Layout: MAGIC, the header's length and its CRC-32 (4 bytes each), the header (JSON: for every array
its dtype, shape, offset and CRC-32), then the arrays, each at a multiple of 64 bytes. Pages of the
arrays come in as they are used and are shared between processes.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"madoguchi-arrays"
_ALIGNMENT = 64
_CHECKED_WHOLE = 1 << 26  # up to 64 MiB are summed at opening (a millisecond a 2 MiB)

Arrays = Mapping[str, NDArray[Any]]


class DamagedFileError(Exception):
    """The file is not what was written: cut short, overwritten, or of another form."""


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write ``arrays`` to ``path`` so that readers see the whole file or the one before.

    Raises OSError where the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in _chunks(arrays):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Map the arrays of ``path``; they are read-only.

    Raises DamagedFileError, or OSError where there is no such file.
    """
    with path.open("rb") as file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:  # an empty file cannot be mapped
            raise DamagedFileError("empty") from error
    try:
        return _read(data)
    except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise DamagedFileError(str(error)) from error


def _chunks(arrays: Arrays) -> Iterator[bytes | memoryview]:
    header: dict[str, dict[str, Any]] = {}
    offset = 0
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in contiguous.items():
        header[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "offset": offset,
            "crc": zlib.crc32(array.data.cast("B")) if array.size else 0,
        }
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    encoded = json.dumps({"arrays": header, "bytes": offset}).encode()
    start = len(_MAGIC) + 8
    padding = -(start + len(encoded)) % _ALIGNMENT
    encoded += b" " * padding
    yield _MAGIC + len(encoded).to_bytes(4, "little") + zlib.crc32(encoded).to_bytes(4, "little")
    yield encoded
    for array in contiguous.values():
        if array.size:
            yield array.data.cast("B")
        yield b"\0" * (-array.nbytes % _ALIGNMENT)


def _read(data: memoryview) -> dict[str, NDArray[Any]]:
    start = len(_MAGIC) + 8
    if bytes(data[: len(_MAGIC)]) != _MAGIC:
        raise DamagedFileError("not a file of arrays")
    body = start + int.from_bytes(data[start - 8 : start - 4], "little")
    if zlib.crc32(data[start:body]) != int.from_bytes(data[start - 4 : start], "little"):
        raise DamagedFileError("header: wrong checksum")
    header = json.loads(bytes(data[start:body]))
    if len(data) != body + header["bytes"]:
        raise DamagedFileError("cut short")
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in header["arrays"].items():
        dtype = np.dtype(entry["dtype"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        offset = body + entry["offset"]
        part = data[offset : offset + count * dtype.itemsize]
        if header["bytes"] <= _CHECKED_WHOLE and count and zlib.crc32(part) != entry["crc"]:
            raise DamagedFileError(f"{name}: wrong checksum")
        arrays[name] = np.frombuffer(part, dtype).reshape(entry["shape"])
    return arrays


def pack_texts(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Texts as two arrays: their UTF-8 end to end, and where each begins and the last ends."""
    encoded = [text.encode() for text in texts]
    starts = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=starts[1:])
    return {"bytes": np.frombuffer(b"".join(encoded), np.uint8), "starts": starts}


class Texts(Sequence[str]):
    """Packed texts, each decoded when it is asked for."""

    def __init__(self, packed: Arrays) -> None:
        self._bytes = packed["bytes"]
        self._starts = packed["starts"]

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self._bytes[self._starts[index] : self._starts[index + 1]].tobytes().decode()
