"""A line in the light of what was said before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.context import Context, Cues, Way, longest_first, named_in, readings
from bot.text import normalize

CUES = Cues(
    {
        "division": ["その課", "そこ", "that division", "they"],
        "thing": ["それ", "その", "it"],
        "switch": ["ところで", "by the way"],
    }
)
NAMES = ("ports division", "みなと係", "港湾課", "灯台課", "国際室", "人事局", "it")
BEFORE = Context(
    topic="釣り場はいつ開いていますか", last="港湾課の釣り場はいつ開いていますか", division="港湾課"
)

ALONE, SUBJECT, TOPIC, SWAP = Way


def read(line: str, context: Context = BEFORE) -> list[tuple[Way, str, str | None]]:
    found = readings(context, line, CUES, NAMES)
    return [(each.way, each.text, each.division) for each in found]


def test_the_first_line_stands_alone() -> None:
    assert read("その課の英語名は？", Context()) == [(ALONE, "その課の英語名は？", None)]


@pytest.mark.parametrize(
    ("line", "subject", "topic"),
    [
        ("英語名は？", "港湾課の英語名は?", "釣り場はいつ開いていますか 英語名は?"),  # ellipsis
        ("いくら", "港湾課のいくら", "釣り場はいつ開いていますか いくら"),
        ("その課の使命は", "港湾課の使命は", "釣り場はいつ開いていますか その課の使命は"),
        ("そこは", "港湾課は", "釣り場はいつ開いていますか そこは"),
        ("それはいつ", "港湾課のそれはいつ", "釣り場はいつ開いていますか それはいつ"),
        (
            "What do THEY do?",
            "港湾課 what do   do?",
            "釣り場はいつ開いていますか what do they do?",
        ),
    ],
)
def test_a_line_may_hang_on_the_division_or_on_the_topic(
    line: str, subject: str, topic: str
) -> None:
    assert read(line) == [
        (ALONE, line, None),
        (SUBJECT, subject, "港湾課"),
        (TOPIC, topic, None),
    ]


@pytest.mark.parametrize(
    ("line", "division", "swapped"),
    [
        ("灯台課は？", "灯台課", "灯台課の釣り場はいつ開いていますか"),
        ("じゃあ灯台は？", "灯台課", "灯台課の釣り場はいつ開いていますか"),
        ("灯台のほう", "灯台課", "灯台課の釣り場はいつ開いていますか"),
        ("国際も", "国際室", "国際室の釣り場はいつ開いていますか"),
        ("みなと係は", "みなと係", "みなと係の釣り場はいつ開いていますか"),
        ("いや、人事の方です", "人事局", "の釣り場はいつ開いていますか いや、人事の方です"),
        (
            "and the Ports Division?",
            "ports division",
            "の釣り場はいつ開いていますか and the ports division?",
        ),
    ],
)
def test_the_same_of_another_division(line: str, division: str, swapped: str) -> None:
    alone, (way, text, only) = read(line)
    assert alone == (ALONE, line, None)
    assert (way, only) == (SWAP, division)
    # What was asked, of the division that it is now asked of.
    assert text == swapped


@pytest.mark.parametrize(
    "last",
    [
        "使命は何 じゃあ港湾は?",
        "使命は 港湾のほう",
        "英語名 港湾も",
        "港湾課は 灯台のほうは",
        "港湾課港湾課",
        "港湾課の方 港湾の方",
    ],
)
def test_what_was_asked_in_short_of_another_division(last: str) -> None:
    """The name is taken out in whatever form it was said, and the search for it ends."""
    _, (way, text, division) = read("灯台課は？", replace(BEFORE, last=last))
    assert (way, division) == (SWAP, "灯台課")
    assert text.startswith("灯台課")
    assert "港湾" not in text
    assert text.count("灯台") == 1


def test_no_division_was_spoken_of() -> None:
    found = read("いつですか", replace(BEFORE, division=""))
    assert [way for way, _, _ in found] == [ALONE, TOPIC]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("港湾課の使命は", "港湾課"),
        ("灯台課と港湾課", "港湾課"),  # the first in the order of the names
        ("じゃあ港湾は?", "港湾課"),
        ("港湾は", "港湾課"),
        ("港湾の方は", "港湾課"),
        ("人事のほうは何をしますか", "人事局"),
        ("国際も", "国際室"),
        ("港湾の整備は", None),
        ("港湾はいつできましたか", None),
        ("国際保健", None),
        ("港湾もいいね", None),
        ("What is its mission?", None),
        ("ITの仕事は", "it"),
        ("", None),
        ("のほう", None),
    ],
)
def test_names_in_full_and_in_short(line: str, name: str | None) -> None:
    assert named_in(normalize(line), NAMES) == name


def test_without_any_name() -> None:
    assert named_in("港湾課は", ()) is None


@pytest.mark.parametrize(
    ("kind", "text", "is_there"),
    [
        ("division", "その課の英語名は", True),
        ("division", "what do they do", True),
        ("division", "theyre", False),  # Latin cues are whole words
        ("thing", "its it", True),
        ("thing", "items", False),
        ("thing", "which items", False),
        ("thing", "それは", True),
        ("switch", "by the way, who?", True),
        ("switch", "ところでそれは", True),
        ("switch", "それは", False),
    ],
)
def test_cues(kind: str, text: str, is_there: bool) -> None:
    assert CUES.found(kind, text) is is_there


def test_a_line_without_its_cues() -> None:
    assert CUES.without("division", "その課とそこの英語名") == "と の英語名"
    assert CUES.without("thing", "英語名") == "英語名"


def test_cues_are_normalised() -> None:
    assert Cues({"thing": ["ＩＴ"]}).found("thing", "what is it")


def test_no_cues_at_all() -> None:
    none = Cues({"thing": []})
    assert not none.found("thing", "それ")
    assert none.without("thing", " それ ") == "それ"


@given(
    st.text("その課港湾灯台人事のほう方もは？ 国際室局abc", max_size=20),
    st.text("その課港湾灯台人事のほう方もは？ 国際室局abc", max_size=30),
    st.sampled_from(["", "港湾課", "灯台課"]),
)
def test_there_are_one_to_three_readings(line: str, last: str, division: str) -> None:
    found = read(line, Context(topic=last, last=last, division=division))
    assert found[0] == (ALONE, line, None)
    assert 1 <= len(found) <= 3
    assert len({way for way, _, _ in found}) == len(found)


def test_the_longest_name_comes_first() -> None:
    assert longest_first(["課", "港湾課", "ＩＴ", "港湾課", "it室"]) == (
        "it室",
        "港湾課",
        "it",
        "課",
    )
