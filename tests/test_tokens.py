"""Text to words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.tokens import words
from bot.text import normalize, squeeze


def content(text: str) -> list[str]:
    return [word.lemma for word in words(normalize(text)) if word.is_content]


@pytest.mark.parametrize(
    ("text", "lemmas"),
    [
        ("職員を派遣しました", ["職員", "派遣", "為る"]),
        ("働きやすい", ["働く", "易い"]),
        ("総合調整を行っています", ["総合", "調整", "行う", "居る"]),
        ("RPAの導入", ["rpa", "導入"]),  # the dictionary does not know it: as it stands
        ("センター", ["センター"]),  # without the origin of the loan word
        ("がいこく", ["外国"]),
    ],
)
def test_dictionary_forms(text: str, lemmas: list[str]) -> None:
    assert content(text) == lemmas


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("国際課", "こくさいか"),
        ("ハローワーク", "はろーわーく"),
        ("かいけいか", "かいけいか"),
        ("zzqx", ""),  # nobody knows how to read it
    ],
)
def test_readings(text: str, reading: str) -> None:
    assert "".join(word.reading for word in words(text)) == reading


def test_nouns_may_be_parts_of_compounds() -> None:
    found = {word.surface: word.is_noun for word in words("国際機関と調整する")}
    assert found == {"国際": True, "機関": True, "と": False, "調整": True, "する": False}


def test_no_word_changes_under_a_later_call() -> None:
    before = words("東京の港")
    copies = [tuple(word) for word in before]
    words("大阪を出て京都へ行く")
    assert [tuple(word) for word in before] == copies


def test_threads_do_not_disturb_one_another() -> None:
    texts = ["東京の港湾を点検する", "職員の研修", "感染症対策の予算", "世界と協力する"] * 50
    expected = [words(text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(words, texts)) == expected


@given(st.text(st.characters(), max_size=40))
def test_any_normal_text_is_covered_by_its_words(text: str) -> None:
    normal = normalize(text)
    assert squeeze("".join(word.surface for word in words(normal))) == squeeze(normal)
