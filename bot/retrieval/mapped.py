"""Named arrays in one file, written at once and read by mapping it into memory.

Layout: MAGIC, the header's length and its CRC-32 (4 bytes each), the header (JSON: for every array
its dtype, shape and offset, and the sum of all that follows), then the arrays, each at a multiple
of 64 bytes. Pages of the arrays come in as they are used and are shared between processes.
"""

from __future__ import annotations

import json
import mmap
import os
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = b"madoguchi-arrays"
_ALIGNMENT = 64
_CHECKED_WHOLE = 1 << 26
"""Up to 64 MiB are summed at opening, at the speed of memory; more would be felt."""

_CHUNK = 1 << 18

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


def read_arrays(path: Path, *, check: bool = False) -> dict[str, NDArray[Any]]:
    """Map the arrays of ``path``; they are read-only. ``check`` sums up even a large file.

    Raises DamagedFileError, or OSError where there is no such file.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if hasattr(mmap, "MADV_RANDOM"):  # a page that is used shall not bring its neighbours
                mapped.madvise(mmap.MADV_RANDOM)
            return _read(memoryview(mapped), file, check)
        except (ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise DamagedFileError(str(error) or "not a file of arrays") from error


def part(arrays: Arrays, name: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with ``name`` and a full stop, by the rest of their names."""
    prefix = name + "."
    return {key[len(prefix) :]: array for key, array in arrays.items() if key.startswith(prefix)}


def _chunks(arrays: Arrays) -> Iterator[bytes | memoryview]:
    header: dict[str, dict[str, Any]] = {}
    offset = total = 0
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    for name, array in contiguous.items():
        header[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "offset": offset,
        }
        if array.size:
            total += _sum(array.data.cast("B"))
        offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    total %= 1 << 64
    encoded = json.dumps({"arrays": header, "bytes": offset, "sum": total}).encode()
    start = len(_MAGIC) + 8
    padding = -(start + len(encoded)) % _ALIGNMENT
    encoded += b" " * padding
    yield _MAGIC + len(encoded).to_bytes(4, "little") + zlib.crc32(encoded).to_bytes(4, "little")
    yield encoded
    for array in contiguous.values():
        if array.size:
            yield array.data.cast("B")
        yield b"\0" * (-array.nbytes % _ALIGNMENT)


def _read(data: memoryview, file: BufferedReader, check: bool) -> dict[str, NDArray[Any]]:
    start = len(_MAGIC) + 8
    if bytes(data[: len(_MAGIC)]) != _MAGIC:
        raise DamagedFileError("not a file of arrays")
    body = start + int.from_bytes(data[start - 8 : start - 4], "little")
    if zlib.crc32(data[start:body]) != int.from_bytes(data[start - 4 : start], "little"):
        raise DamagedFileError("header: wrong checksum")
    header = json.loads(bytes(data[start:body]))
    if len(data) != body + header["bytes"]:
        raise DamagedFileError("cut short")
    is_checked = check or header["bytes"] <= _CHECKED_WHOLE
    if is_checked and _sum_of_rest(file, body) != header["sum"]:
        raise DamagedFileError("wrong sum")
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in header["arrays"].items():
        dtype = np.dtype(entry["dtype"])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        offset = body + entry["offset"]
        part = data[offset : offset + count * dtype.itemsize]
        arrays[name] = np.frombuffer(part, dtype).reshape(entry["shape"])
    return arrays


def _sum(data: memoryview) -> int:
    """The sum of the data as 64-bit numbers, zeros added at its end where it ends in one."""
    whole = len(data) // 8 * 8
    total = int(np.frombuffer(data[:whole], np.uint64).sum(dtype=np.uint64))
    return (total + int.from_bytes(data[whole:], "little")) % (1 << 64)


def _sum_of_rest(file: BufferedReader, start: int) -> int:
    """The sum of a file from ``start`` on; read, since pages that were mapped would stay."""
    file.seek(start)
    buffer = memoryview(bytearray(_CHUNK))
    total = 0
    while count := file.readinto(buffer):
        total += _sum(buffer[:count])
    return total % (1 << 64)


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
