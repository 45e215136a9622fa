"""Arrays on disk: what was written is read back, and damage is found wherever it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.mapped import DamagedFileError, Texts, pack_texts, read_arrays, write_arrays

ARRAYS = {
    "numbers": np.arange(100, dtype=np.int32),
    "table": np.linspace(0, 1, 12).reshape(3, 4),
    "truths": np.array([True, False, True]),
    "nothing": np.zeros((0, 3), np.float32),
    "terms": np.array([2**63 + 5, 1], np.uint64),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "arrays.index"
    write_arrays(path, ARRAYS)
    return path


def test_arrays_come_back(path: Path) -> None:
    found = read_arrays(path)
    assert list(found) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_arrays_are_read_only(path: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        read_arrays(path)["numbers"][0] = 1


def test_arrays_are_aligned(path: Path) -> None:
    assert all(array.ctypes.data % 64 == 0 for array in read_arrays(path).values() if array.size)


def test_an_array_that_is_not_contiguous(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", {"every other": np.arange(10)[::2]})
    assert read_arrays(tmp_path / "a")["every other"].tolist() == [0, 2, 4, 6, 8]


def test_no_arrays_at_all(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a", {})
    assert read_arrays(tmp_path / "a") == {}


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "a")


def test_writing_leaves_nothing_else_behind(path: Path) -> None:
    write_arrays(path, ARRAYS)
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_failed_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_arrays(path, {"other": np.arange(3)})
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def used(path: Path) -> list[int]:
    """The places of all bytes that carry anything: not the padding between arrays."""
    content = path.read_bytes()
    body = 24 + int.from_bytes(content[16:20], "little")
    header = content[:body].rstrip(b" ")
    places = list(range(len(header)))
    found = read_arrays(path)
    start = min(array.ctypes.data for array in found.values() if array.size)
    for array in found.values():
        offset = body + array.ctypes.data - start if array.size else 0
        places += range(offset, offset + array.nbytes)
    return places


def test_one_changed_bit_is_found_wherever_it_is(path: Path) -> None:
    content = path.read_bytes()
    whole = {name: (array.dtype, array.tolist()) for name, array in read_arrays(path).items()}
    unnoticed = []
    for place in used(path):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            found = {
                name: (array.dtype, array.tolist()) for name, array in read_arrays(path).items()
            }
        except DamagedFileError:
            continue
        if found != whole:
            unnoticed.append(place)
    assert unnoticed == []


def test_a_file_cut_short_anywhere_is_found(path: Path) -> None:
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DamagedFileError):
            read_arrays(path)


@pytest.mark.parametrize("extra", [b"\0", b"more", b"\0" * 64])
def test_a_file_with_more_in_it_is_found(path: Path, extra: bytes) -> None:
    path.write_bytes(path.read_bytes() + extra)
    with pytest.raises(DamagedFileError):
        read_arrays(path)


@given(st.binary(max_size=300))
def test_any_other_file_is_found(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.index"
    for start in (b"", b"madoguchi-arrays", b"madoguchi-arrays\x02\0\0\0\0\0\0\0{}"):  # wrong sum
        path.write_bytes(start + content)
        with pytest.raises(DamagedFileError):
            read_arrays(path)


@given(st.lists(st.text()))
def test_texts_come_back(texts: list[str]) -> None:
    packed = Texts(pack_texts(texts))
    assert list(packed) == texts
    assert packed[1:3] == texts[1:3]
    with pytest.raises(IndexError):
        packed[len(texts)]
