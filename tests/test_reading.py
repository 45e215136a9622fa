"""Which reading of a line it is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.reading import READING_FEATURES, reading_features
from bot.retrieval.context import Way

ALONE, SUBJECT, TOPIC, SWAP = Way


def test_what_speaks_for_a_reading(harbour: Assistant) -> None:
    """The features that say which reading it is, and what the line is like."""
    before = harbour.reply(Conversation(), "釣り場はいつ開いていますか", sure=0.0).conversation
    assert before.division == "港湾課"
    judged = harbour.understanding.readings(before, "ところで、その課の利用料は？")
    assert [each.reading.way for each in judged] == [ALONE, SUBJECT, TOPIC]
    named = []
    for each in judged:
        values = reading_features(
            harbour.index, before, each, judged[0], harbour.understanding.cues
        )
        assert np.isfinite(values).all()
        named.append(dict(zip(READING_FEATURES, values.tolist(), strict=True)))
    for way, features in zip(Way, named, strict=False):
        assert [features[each] for each in Way] == [float(each is way) for each in Way]
    alone, subject, topic = named
    assert (alone["alone_switch"], subject["alone_switch"]) == (1, 0)
    assert (subject["subject_division"], topic["topic_division"]) == (1, 1)
    assert alone["confidence"] == alone["confidence_alone"] == subject["confidence_alone"]
    assert subject["same_division"] == 1  # there is no other to be found
    assert topic["topic_length"] == alone["alone_length"] > 0
    assert topic["alone_length"] == 0


def test_the_reading_of_a_division_looks_into_it_alone(harbour: Assistant) -> None:
    before = harbour.reply(Conversation(), "釣り場はいつ開いていますか", sure=0.0).conversation
    subject = harbour.understanding.readings(before, "灯台の見学は何曜日ですか")[1]
    assert subject.reading.division == "港湾課"
    rows = subject.ranking.rows
    assert {harbour.index.division(d).names.id for d in harbour.index.division_of[rows]} == {
        "ports"
    }


SWAPS = ["使命は何ですか", "じゃあ港湾は？", "灯台のほう", "みなと係も", "その課は", "灯台課は？"]


@settings(max_examples=50)
@given(st.lists(st.sampled_from(SWAPS), max_size=8))
def test_any_turns_between_divisions_end(harbour: Assistant, lines: list[str]) -> None:
    conversation = Conversation()
    for line in lines:
        conversation = harbour.reply(conversation, line, sure=0.0).conversation
        assert len(conversation.last) < 300


def test_a_long_conversation_does_not_grow(harbour: Assistant) -> None:
    conversation = harbour.reply(Conversation(), "使命は何ですか", sure=0.0).conversation
    for line in ["じゃあ港湾は？", "灯台課は？" + "あ" * 1000, "それはいつ" + "い" * 1000] * 10:
        conversation = harbour.reply(conversation, line, sure=0.0).conversation
        assert len(conversation.topic) < 3000
        assert len(conversation.last) < 5000
