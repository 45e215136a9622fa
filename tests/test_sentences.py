"""Text to sentences."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.document.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["一つ目です。", "二つ目です。"],
        ["本当ですか？", "はい！", "そうです。"],
        ["えっ！？", "まさか。"],
        ["見出し\n", "本文です。\n\n", "次の段落です。"],
        ["「はい。そうです。」と答えた。", "終わり。"],  # a quotation is part of its sentence
        ["「行きますか？」", "彼は聞いた。"],
        ["「やった！」と叫んだ。"],
        ["(6つの法人。総称)は研究を行う。", "次。"],
        ["（※）全ての人々が受けられる状態。", "次。"],
        ["括弧が「閉じない。", "ままである。"],
        ["改行で「切れる。\n", "括弧」は別の行。"],
        ["It works. ", "Ask Mr. Abe. ", "He knows."],
        ["WHO was founded in 1948. ", "国際課が担当します。"],
        ["Version 3.14 is out. ", "Update now!", "Thanks"],
        ["  前の空白。", "後ろの空白。  \n"],
        ["句点のない文"],
        ["全角！？", "半角!?", "終わり"],
    ],
)
def test_split(sentences: list[str]) -> None:
    assert split_sentences("".join(sentences)) == sentences


@pytest.mark.parametrize("text", ["", "\n", "  \n\n "])
def test_nothing_but_space_loses_nothing(text: str) -> None:
    assert "".join(split_sentences(text)) == text


_PIECES = st.text(st.sampled_from('あ国a1A。！？!?.」「（）() \n\u3000\t、と"”'), max_size=60)


@given(st.one_of(_PIECES, st.text(st.characters(), max_size=60)))
def test_joined_sentences_give_the_text_back(text: str) -> None:
    sentences = split_sentences(text)
    assert "".join(sentences) == text
    if text.strip():
        assert all(sentence.strip() for sentence in sentences)
