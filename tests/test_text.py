"""The one normalisation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.text import hiragana, normalize, squeeze

ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates and controls too


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ＲＰＡとは？", "rpaとは?"),
        ("ﾃﾞｰﾀﾍﾙｽ改革", "データヘルス改革"),
        ("デ―タヘルス", "データヘルス"),
        ("デ−タ ヘルス", "データ ヘルス"),
        ("ﾃﾞ-ﾀ", "データ"),
        ("Ｇ７　長崎", "g7 長崎"),
        ("G7-G20", "g7-g20"),  # a dash after no kana stays a dash
        ("㈱と①と㍻", "(株)と1と平成"),
        ("か\u3099いこく", "がいこく"),
        ("  EPA\t\r\nとは\u3000何\u00a0", "epa とは 何"),
        ("a\x00b\x07c", "a b c"),
        ("能\u200b登\ufeff半\u200f島", "能登半島"),
        ("国際\ud800課", "国際 課"),
        ("\u202e課際国\u202c", "課際国"),
        ("İstanbul", "i\u0307stanbul"),
        ("", ""),
        ("\u3000\n", ""),
    ],
)
def test_normalize(typed: str, normal: str) -> None:
    assert normalize(typed) == normal


@given(st.one_of(ANY_TEXT, st.text("あァーｱﾞ-‐−─ 　Aａ")))
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once


@given(ANY_TEXT)
def test_normal_text_can_be_printed_and_written(text: str) -> None:
    normal = normalize(text)
    normal.encode()
    assert normal.isprintable()
    assert normal == normal.strip()
    assert "  " not in normal


@pytest.mark.parametrize(
    ("text", "kana"), [("カイゴ", "かいご"), ("ヴァン", "ゔぁん"), ("データ課 A", "でーた課 A")]
)
def test_hiragana(text: str, kana: str) -> None:
    assert hiragana(text) == kana


def test_squeeze() -> None:
    assert squeeze(" 科学技術推進と\u3000危機管理の\n司令塔\t") == "科学技術推進と危機管理の司令塔"
