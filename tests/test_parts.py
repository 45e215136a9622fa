"""Parts of a document, which change only where the document does."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.document.load import load
from bot.document.model import Common, Division, Document, Section
from bot.retrieval import parts
from bot.retrieval.build import build_index
from bot.retrieval.parts import Part, digest_of, part_document
from bot.retrieval.rows import lay_out
from tests.conftest import HARBOUR, KnowledgeFolder

SIZES = st.dictionaries(st.integers(0, 99), st.integers(1, 9), min_size=1, max_size=12)
"""How many sections each division has, by its number."""


@pytest.fixture(scope="module", autouse=True)
def small_parts() -> object:
    """Few sections make a part here, and few divisions are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_SECTIONS", 4)
        patch.setattr(parts, "_PARTS", 3)
        yield


COMMON = Common(phrases={}, acts={}, cues={}, outside=(), weights={})


def document(sizes: dict[int, int]) -> Document:
    divisions = (
        Division(
            id=f"d{number}",
            name=f"第{number}課",
            sections=tuple(Section(heading=f"{i}", text=f"{number}の{i}") for i in range(size)),
        )
        for number, size in sorted(sizes.items())
    )
    return Document(divisions=tuple(divisions), common=COMMON, about={})


def parts_of(document: Document) -> list[Part]:
    return [*part_document(document.divisions, lay_out(document), {})]


def texts(found: Sequence[Part]) -> list[str]:
    return [text for section in chain(*found) for text in section.sentences]


@given(SIZES)
@settings(max_examples=50)
def test_together_they_are_the_document(sizes: dict[int, int]) -> None:
    found = parts_of(document(sizes))
    expected = [f"{number}の{i}" for number, size in sorted(sizes.items()) for i in range(size)]
    assert texts(found) == expected
    assert all(1 <= len(part) <= 4 for part in found)


@pytest.mark.parametrize("change", [{5: 8}, {5: 1}, {4: 3}])
def test_a_division_that_grows_or_comes_changes_no_part_of_others(change: dict[int, int]) -> None:
    sizes = {2: 6, 5: 7}
    before, after = parts_of(document(sizes)), parts_of(document(sizes | change))
    (changed,) = change
    new = texts([part for part in after if part not in before])
    assert new
    assert all(text.startswith(f"{changed}の") for text in new)


def test_many_divisions_share_parts_and_few_change_with_one_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "_SECTIONS", 100)
    sizes = dict.fromkeys(range(100), 1)
    before, after = (parts_of(document(each)) for each in (sizes, sizes | {50: 2}))
    assert 1 < len(before) < 20
    assert 1 <= len([part for part in after if part not in before]) <= 2
    without = parts_of(document({number: 1 for number in sizes if number != 50}))
    assert len([part for part in without if part not in before]) <= 2


def test_equal_parts_alone_have_equal_digests() -> None:
    one, other = (parts_of(document({1: size}))[0] for size in (1, 2))
    groups = {"港": [0]}
    assert digest_of(one, groups) == digest_of(one, {"港": [0]})
    assert len({digest_of(one, groups), digest_of(other, groups), digest_of(one, {})}) == 3


def test_the_index_is_the_same_however_the_document_is_parted(
    knowledge_folder: KnowledgeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour = load(knowledge_folder(HARBOUR))
    built = build_index(harbour)
    for size in (1, 100):
        monkeypatch.setattr(parts, "_SECTIONS", size)
        again = build_index(harbour)
        assert list(again) == list(built)
        assert all(np.array_equal(again[name], built[name]) for name in built)
