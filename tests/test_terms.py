"""Text to terms."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.terms import (
    Family,
    Synonyms,
    analyse,
    family_of,
    fold_synonyms,
    title_terms,
    word_code,
    word_term,
)
from bot.text import normalize

NORMAL = st.text(st.characters(), max_size=40).map(normalize)


def gram(family: Family, text: str) -> int:
    code = 0
    for character in text:
        code = code << 20 | ord(character)
    return family << 60 | code


def of_family(text: str, family: Family, synonyms: Synonyms | None = None) -> Counter[int]:
    terms = analyse(text, synonyms).terms
    return Counter(terms[family_of(terms) == family].tolist())


@pytest.mark.parametrize(
    ("family", "pieces"),
    [
        (Family.CHARACTER, ["感", "染", "症", "対", "策", "は"]),
        (Family.BIGRAM, ["感染", "染症", "症対", "対策", "策は"]),
        (Family.TRIGRAM, ["感染症", "染症対", "症対策", "対策は"]),
        (Family.READING_BIGRAM, ["かん", "んせ", "せん", "んし", "しょ", "ょう"]),
        (Family.WORD, ["感染", "症", "対策"]),
        (Family.PARTICLE, ["は"]),
    ],
)
def test_views_of_a_text(family: Family, pieces: list[str]) -> None:
    found = of_family("感染症対策は", family)
    for piece in pieces:
        assert found[gram(family, piece)] >= 1, piece
    if family is not Family.READING_BIGRAM:
        assert found.total() == len(pieces)


def test_forms_of_a_latin_word_share_its_beginning() -> None:
    forms = [of_family(word, Family.PREFIX) for word in ("oversees", "oversight", "overseeing")]
    assert forms == [Counter([Family.PREFIX << 60 | word_code("over")])] * 3
    assert not of_family("over DX 監督する", Family.PREFIX)


def test_latin_words_have_no_reading() -> None:
    assert not of_family("DX strategy", Family.READING_BIGRAM)
    assert of_family("DXを", Family.READING_BIGRAM) == of_family("を", Family.READING_BIGRAM)


def test_grams_run_over_spaces() -> None:
    assert of_family("国 際", Family.BIGRAM) == Counter([gram(Family.BIGRAM, "国際")])


def test_kana_and_kanji_share_their_readings() -> None:
    assert of_family("国際課", Family.READING_BIGRAM) == of_family(
        "こくさいか", Family.READING_BIGRAM
    )


def test_a_run_of_nouns_is_one_compound() -> None:
    found = of_family("感染症対策と国際を", Family.COMPOUND)
    assert found == Counter([Family.COMPOUND << 60 | word_code("感染症対策")])


def test_word_bigrams_are_ordered() -> None:
    assert of_family("国際政策", Family.WORD_BIGRAM) != of_family("政策国際", Family.WORD_BIGRAM)


def test_repeated_terms_are_kept() -> None:
    assert of_family("港の港", Family.WORD)[word_term("港")] == 2


def test_titles_are_a_family_of_their_own() -> None:
    terms = title_terms(analyse("防波堤の点検"))
    assert set(family_of(terms).tolist()) == {Family.TITLE}
    assert word_term("点検") not in terms.tolist()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("お金", "予算", True),
        ("働く人の数", "職員数", True),  # a phrase of several words
        ("予算", "港", False),
        ("働く", "職員数", False),  # a part of a phrase is not the phrase
    ],
)
def test_synonyms_share_a_term(one: str, other: str, same: bool) -> None:
    synonyms = Synonyms(fold_synonyms([["お金", "予算", "費用"], ["働く人の数", "職員数"]]))
    shared = of_family(one, Family.SYNONYM, synonyms) & of_family(other, Family.SYNONYM, synonyms)
    assert bool(shared) is same


@pytest.mark.parametrize("word", ["港", "港湾課", "港湾局長", "\U000fffff" * 3])
def test_codes_fit_beside_the_family(word: str) -> None:
    assert 0 <= word_code(word) < 1 << 60


def test_short_words_never_collide() -> None:
    letters = ["あ", "国", "a", "\U0002000b"]
    short = letters + [a + b for a in letters for b in letters]
    short += [a + b for a in short for b in letters if len(a) == 2]
    assert len({word_code(word) for word in short}) == len(short)


@given(NORMAL)
def test_any_text_can_be_analysed(text: str) -> None:
    terms = analyse(text, Synonyms({"港": [0]})).terms
    assert terms.dtype == np.uint64
    assert (family_of(terms) < len(Family)).all()


@given(NORMAL)
def test_grams_are_as_many_as_fit(text: str) -> None:
    length = len(text.replace(" ", ""))
    families = Counter(family_of(analyse(text).terms).tolist())
    assert families[Family.CHARACTER] == length
    assert families[Family.BIGRAM] == max(length - 1, 0)
    assert families[Family.TRIGRAM] == max(length - 2, 0)
