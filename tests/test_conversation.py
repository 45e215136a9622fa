"""What conversations remember, and how one of several things that were offered is picked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import Conversation, Conversations, chosen, is_choice
from bot.reply import Candidate, DivisionName

NAMES = ["港湾課", "灯台課", "灯台課", "船舶課", "漁港課", "航路課", "検疫課"]


def candidate(number: int) -> Candidate:
    return Candidate(
        key=f"d{number}/s",
        division=DivisionName(f"d{number}", NAMES[number], None),
        path=(),
        section=f"見出し{number}",
        passage=f"第{number}の文。続き。",
        sentence=f"第{number}の文。",
        source=None,
        confidence=0.5,
    )


CANDIDATES = tuple(map(candidate, range(7)))
OFFERED = Conversation(choices=CANDIDATES)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        *[(str(number), number - 1) for number in range(1, 8)],
        ("３", 2),
        ("③", 2),
        (" 3 ", 2),
        ("3番", 2),
        ("3番目", 2),
        ("３番目のほう", 2),
        ("3つ目をお願いします", 2),
        ("3個目", 2),
        ("3、お願いします。", 2),
        ("一つ目", 0),
        ("ひとつ目", 0),
        ("一番目", 0),
        ("最初のやつ", 0),
        ("前者", 0),
        ("the first one please", 0),
        ("1st", 0),
        ("二つ目", 1),
        ("二", 1),
        ("二番目を詳しく教えてください", 1),
        ("ふたつ目のもの", 1),
        ("2nd", 1),
        ("Number 2, please", 1),
        ("The second one", 1),
        ("三つ目", 2),
        ("みっつ目", 2),
        ("third", 2),
        ("四つ目の方", 3),
        ("よっつ目", 3),
        ("4th", 3),
        ("五つ目", 4),
        ("いつつ目", 4),
        ("the fifth", 4),
        ("7番目", 6),
        ("最後", 6),
        ("後のほう", 6),
        ("後者", 6),
        ("the last one", 6),
        ("港湾課", 0),
        ("船舶課のほう", 3),
        ("漁港課をお願いします", 4),
    ],
)
def test_what_picks(text: str, place: int) -> None:
    assert chosen(OFFERED, text) == CANDIDATES[place]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "の", "お願いします", "the one", "please"),
        *(
            "いつ",
            "いつ？",
            "いつつ",
            "ひとつ",
            "一つ教えてください",
            "二人",
            "三月",
            "2023年",
            "2%",
            "2.5",
        ),
        *(
            "-1",
            "1-2",
            "1と2",
            "1、2",
            "第二",
            "最後はいつ",
            "前者は？",
            "second opinion",
            "first aid",
        ),
        *("0", "8", "9", "99", "999", "1000", "12345", "八つ目", "六つ目"),
        *("灯台課", "港湾課は？", "港湾課の使命は", "湾課", "課"),  # 灯台課 stands there twice
        "2" + " " * 50,
        "の" * 40,
    ],
)
def test_what_picks_nothing(text: str) -> None:
    assert chosen(OFFERED, text) is None


@pytest.mark.parametrize("text", ["1", "二つ目", "最後", "港湾課"])
def test_nothing_to_pick_from(text: str) -> None:
    assert chosen(Conversation(), text) is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        *((text, True) for text in ("1", "9", "0", "999", "９番", "五つ目", "the last one")),
        *((text, False) for text in ("", "いつ", "1000", "港湾課", "2023年", "1" + "。" * 60)),
    ],
)
def test_what_says_nothing_but_which_one(text: str, is_one: bool) -> None:
    assert is_choice(text) is is_one


@given(st.text("一二三つ目番の方ほうをで、。 123いひとthe oneplas", max_size=45))
def test_anything_can_be_asked_for(text: str) -> None:
    assert chosen(OFFERED, text) in (None, *CANDIDATES)


def test_after_an_answer() -> None:
    first = Conversation(choices=CANDIDATES).answered("問1", CANDIDATES[0], is_topic=True)
    assert (first.topic, first.last, first.division) == ("問1", "問1", "港湾課")
    assert (first.answer, first.shown, first.choices) == (CANDIDATES[0], ("第0の文。",), ())
    follow_up = first.answered("問1 いつ", CANDIDATES[1], is_topic=False)
    assert (follow_up.topic, follow_up.last) == ("問1", "問1 いつ")
    assert (follow_up.division, follow_up.shown) == ("灯台課", ("第1の文。",))
    other = follow_up.answered("問2", CANDIDATES[3], is_topic=True)
    assert other.topic == "問2"


def test_a_first_answer_is_a_topic_in_any_case() -> None:
    assert Conversation().answered("問1", CANDIDATES[0], is_topic=False).topic == "問1"


def test_after_no_answer() -> None:
    answered = Conversation().answered("問1", CANDIDATES[0], is_topic=True)
    assert answered.unanswered(None) == answered  # what was spoken of is still spoken of
    assert answered.unanswered("人事課").division == "人事課"
    assert Conversation().unanswered(None) == Conversation()


def test_after_asking_which_is_meant() -> None:
    asked = Conversation().asked_back("英語名は", tuple(CANDIDATES[:2]))
    assert (asked.topic, asked.last, asked.choices) == (
        "英語名は",
        "英語名は",
        tuple(CANDIDATES[:2]),
    )


def test_after_more_was_shown() -> None:
    conversation = Conversation().answered("問1", CANDIDATES[0], is_topic=True)
    conversation = conversation.showed(CANDIDATES[1])
    assert (conversation.topic, conversation.division) == ("問1", "灯台課")
    assert conversation.shown == ("第0の文。", "第1の文。")
    assert OFFERED.showed(CANDIDATES[2]).topic == "見出し2"


def test_what_one_conversation_remembers_is_bounded() -> None:
    conversation = Conversation()
    for _ in range(1000):
        conversation = conversation.showed(CANDIDATES[0])
    assert len(conversation.shown) == 100


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def said(text: str) -> Conversation:
    return Conversation(topic=text)


def test_conversations_are_kept_apart(clock: Clock) -> None:
    kept = Conversations(clock=clock)
    kept.put((1, 2), said("a"))
    kept.put((2, 1), said("b"))
    assert kept.get((1, 2)) == said("a")
    assert kept.get((2, 1)) == said("b")
    assert kept.get((1, 1)) == Conversation()
    assert len(kept) == 2  # asking for one does not make it


def test_the_least_recently_used_go_first(clock: Clock) -> None:
    kept = Conversations(limit=3, clock=clock)
    for key in "abc":
        kept.put(key, said(key))
    kept.put("a", said("a again"))
    kept.put("d", said("d"))
    assert [kept.get(key).topic for key in "abcd"] == ["a again", "", "c", "d"]
    assert len(kept) == 3


def test_a_conversation_lapses(clock: Clock) -> None:
    kept = Conversations(lifetime=60, clock=clock)
    kept.put("a", said("a"))
    clock.now = 59.9
    assert kept.get("a") == said("a")
    clock.now = 60.0
    assert kept.get("a") == Conversation()
    kept.put("a", said("b"))
    clock.now = 119.0
    assert kept.get("a") == said("b")  # since it was last touched, not since it began


def test_a_conversation_is_forgotten(clock: Clock) -> None:
    kept = Conversations(clock=clock)
    kept.put("a", said("a"))
    kept.forget("a")
    kept.forget("never there")
    assert kept.get("a") == Conversation()
    assert len(kept) == 0


def test_a_million_conversations_do_not_grow(clock: Clock) -> None:
    kept = Conversations(limit=100, clock=clock)
    conversation = said("a")
    for key in range(1_000_000):
        kept.put(key, conversation)
    assert len(kept) == 100
    assert kept.get(999_900) == conversation
    assert kept.get(999_899) == Conversation()
