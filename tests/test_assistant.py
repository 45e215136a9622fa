"""The only door to an answer: every kind of reply, and what holds of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assistant import LONGEST_QUESTION, Assistant, Turn
from bot.conversation import Conversation
from bot.document.load import load, load_log
from bot.document.model import outline
from bot.reply import Candidate, Kind, Reply
from bot.retrieval.cache import open_index
from bot.settings import shipped_knowledge
from bot.text import squeeze
from tests.conftest import KnowledgeFolder
from tests.program import ROOT

NOTO = "能登半島地震のとき、厚生労働省は何をしましたか"
NEW = Conversation()


def talk(assistant: Assistant, *lines: str) -> list[Reply]:
    """The replies to the lines of one conversation."""
    conversation, replies = NEW, []
    for line in lines:
        say = assistant.command if line.startswith(("/", "／")) else assistant.reply
        turn = say(conversation, line)
        conversation = turn.conversation
        replies.append(turn.reply)
    return replies


def candidates(reply: Reply) -> list[Candidate]:
    """Everything of the document that a reply shows."""
    return [*filter(None, [reply.answer]), *reply.alternatives]


@pytest.fixture(scope="module")
def spoken() -> list[list[str]]:
    """What people say in the dialogues of the tests, dialogue by dialogue."""
    log = load_log(ROOT / "tests/data/dialogues.yaml")
    return [[turn.text for turn in dialogue.turns] for dialogue in log.dialogues]


@pytest.fixture(scope="module")
def replies(shipped_assistant: Assistant, spoken: list[list[str]]) -> list[Reply]:
    """Many replies of every kind."""
    further = [[NOTO, "他には？", "もっと詳しく", "2"], ["/help"], ["/国際課", "7"], [""], ["、。"]]
    return [reply for lines in spoken + further for reply in talk(shipped_assistant, *lines)]


# What is answered, and what is not


@pytest.mark.parametrize(
    ("question", "division", "section"),
    [
        (NOTO, "health-science", "令和6年能登半島地震への対応について"),
        ("EPAとは何ですか", "international-affairs", "経済連携の推進"),
        ("国際課の使命は？", "international-affairs", "Our Mission"),
        ("総務課の仕事は？", "general-affairs", "総務課"),
        ("予算のとりまとめはどの課？", "accounts", "会計課"),
        ("人事課の研修はどこで行われますか", "personnel", "人事課"),
        ("こくさいかの しめいは なんですか", "international-affairs", "Our Mission"),
        (
            "What did the ministry do after the Noto earthquake?",
            "health-science",
            "令和6年能登半島地震への対応について",
        ),
    ],
)
def test_answers(shipped_assistant: Assistant, question: str, division: str, section: str) -> None:
    (reply,) = talk(shipped_assistant, question)
    assert reply.kind is Kind.ANSWER
    assert reply.answer is not None
    assert (reply.answer.division.id, reply.answer.section) == (division, section)
    assert reply.confidence == reply.answer.confidence >= 0.5
    assert reply.answer.sentence in reply.text


@pytest.mark.parametrize(
    "question",
    [
        "国際課の課長の電話番号を教えてください",
        "能登に派遣された職員は何人ですか",
        "明日の天気は",
        "おいしいラーメン屋はどこですか",
        "What is the capital of France?",
    ],
)
def test_what_the_document_does_not_say(shipped_assistant: Assistant, question: str) -> None:
    (reply,) = talk(shipped_assistant, question)
    assert (reply.kind, reply.answer) == (Kind.UNKNOWN, None)
    assert reply.confidence is not None
    assert reply.confidence < 0.5
    assert reply.alternatives[0].confidence == reply.confidence


def test_the_nearest_sections_of_an_unknown_can_be_chosen(harbour: Assistant) -> None:
    unknown = harbour.reply(NEW, "灯台課の課長の電話番号は", sure=1.0)
    assert unknown.reply.kind is Kind.UNKNOWN
    chosen = harbour.reply(unknown.conversation, "1").reply
    assert chosen.answer == unknown.reply.alternatives[0]


@pytest.mark.parametrize(("sure", "kind"), [(0.0, Kind.ANSWER), (1.0, Kind.UNKNOWN)])
def test_how_sure_it_must_be(harbour: Assistant, sure: float, kind: Kind) -> None:
    for question in ("釣り場はいつ開いていますか", "灯台の電話番号は", "ABC"):
        assert harbour.reply(NEW, question, sure=sure).reply.kind is kind


ALIKE = {
    f"{id_}.yaml": f"""\
id: {id_}
name: {name}
sections:
  - heading: 受付時間
    text: {name}は{hours}に受け付けます。
  - heading: {other}
    text: {other}については、お尋ねください。
"""
    for id_, name, hours, other in [
        ("ports", "港湾課", "朝", "釣り場"),
        ("lights", "灯台課", "昼", "見学"),
        ("ships", "船舶課", "夜", "登録"),
    ]
}


@pytest.fixture
def alike(knowledge_folder: KnowledgeFolder, cache: Path) -> Assistant:
    """Three divisions that each say the same kind of thing under the same heading."""
    return Assistant(open_index(knowledge_folder(ALIKE), cache))


def test_which_of_several_divisions_is_meant(alike: Assistant) -> None:
    turn = alike.reply(NEW, "受付時間は", sure=0.0)
    reply = turn.reply
    assert (reply.kind, reply.answer) == (Kind.CLARIFY, None)
    assert {each.division.name for each in reply.alternatives} == {"港湾課", "灯台課", "船舶課"}
    assert {each.section for each in reply.alternatives} == {"受付時間"}
    for number, choice in enumerate(reply.alternatives, 1):
        assert f"{number}. {choice.division.name}" in reply.text
        assert alike.reply(turn.conversation, str(number)).reply.answer == choice


@pytest.mark.parametrize("name", ["港湾課", "灯台課", "船舶課"])
def test_a_name_says_which_is_meant(alike: Assistant, name: str) -> None:
    asked_back = alike.reply(NEW, "受付時間は", sure=0.0)
    for line, conversation in ((name, asked_back.conversation), (f"{name}の受付時間は", NEW)):
        reply = alike.reply(conversation, line, sure=0.0).reply
        assert reply.kind is Kind.ANSWER
        assert reply.answer is not None
        assert (reply.answer.division.name, reply.answer.section) == (name, "受付時間")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "ご質問を入力してください。"),
        (" \t\n　", "ご質問を入力してください。"),
        ("\u200b\ufeff", "ご質問を入力してください。"),
        ("？！…", "ご質問を言葉で入力してください。"),
        ("🙂🙂", "ご質問を言葉で入力してください。"),
        ("課" * (LONGEST_QUESTION + 1), f"ご質問は{LONGEST_QUESTION}字までにしてください。"),
    ],
)
def test_what_can_be_no_question(harbour: Assistant, text: str, said: str) -> None:
    asked = harbour.reply(NEW, "釣り場はいつ開いていますか").conversation
    turn = harbour.reply(asked, text)
    assert turn.reply.kind is Kind.UNKNOWN
    assert turn.reply.question == text
    assert (turn.reply.text, turn.reply.confidence) == (said, 0)
    assert turn.conversation == asked  # as if nothing had been said


def test_control_characters_are_no_answer(harbour: Assistant) -> None:
    reply = harbour.reply(NEW, "\0\x1b[2J").reply
    assert (reply.kind, reply.question) == (Kind.UNKNOWN, "\0\x1b[2J")


def test_the_longest_question_is_read(harbour: Assistant) -> None:
    question = "釣り場はいつ開いていますか" + " " * (LONGEST_QUESTION - 13)
    answer = harbour.reply(NEW, question, sure=0.0).reply.answer
    assert answer is not None
    assert answer.section == "釣り場の開放"


# Small talk, and the language of the bot's own words


@pytest.mark.parametrize(
    ("said", "english"),
    [
        ("こんにちは", False),
        ("おはようございます", False),
        ("ありがとうございます", False),
        ("すごいね", False),
        ("さようなら", False),
        ("あなたは誰ですか", False),
        ("何ができますか", False),
        ("Hello", True),
        ("thank you!", True),
        ("Who are you?", True),
        ("What can you do?", True),
    ],
)
def test_small_talk(shipped_assistant: Assistant, said: str, english: bool) -> None:
    (reply,) = talk(shipped_assistant, said)
    assert (reply.kind, reply.confidence, candidates(reply)) == (Kind.SMALLTALK, None, [])
    assert reply.text.isascii() is english


def test_small_talk_leaves_the_conversation_as_it_was(shipped_assistant: Assistant) -> None:
    before = shipped_assistant.reply(NEW, NOTO).conversation
    turn = shipped_assistant.reply(before, "ありがとうございます")
    assert (turn.reply.kind, turn.conversation) == (Kind.SMALLTALK, before)


@pytest.mark.parametrize(
    "greeting", ["こんにちは。", "はじめまして！", "Hello. ", "お世話になります。\n"]
)
def test_a_greeting_before_a_question_is_a_question(
    shipped_assistant: Assistant, greeting: str
) -> None:
    greeted, plain = (talk(shipped_assistant, start + NOTO)[0] for start in (greeting, ""))
    assert greeted.answer == plain.answer is not None
    assert greeted.question == greeting + NOTO


@pytest.mark.parametrize(
    ("question", "speak", "unknown"),
    [
        ("国際課の電話番号は", None, "申し訳ありません。"),
        ("ｺｸｻｲｶの TEL number", None, "申し訳ありません。"),
        ("What is the phone number of the Health Science Division?", None, "I am sorry"),
        ("123", None, "申し訳ありません。"),
        ("国際課の電話番号は", "en", "I am sorry"),
        ("What is the phone number?", "ja", "申し訳ありません。"),
    ],
)
def test_the_bots_own_words(
    shipped_assistant: Assistant, question: str, speak: str | None, unknown: str
) -> None:
    reply = shipped_assistant.reply(NEW, question, speak=speak, sure=1.0).reply
    assert reply.text.startswith(unknown)
    answer = shipped_assistant.reply(NEW, question, speak=speak, sure=0.0).reply
    assert ("Certainty: " in answer.text) is unknown.startswith("I")


# Choosing and going on


def test_choices_by_number_and_in_words(harbour: Assistant) -> None:
    profile = harbour.profile("ports")
    sections = harbour.catalogue.sections("ports")
    assert [each.section for each in sections] == ["港湾課", "使命", "市民の皆様へ", "釣り場の開放"]
    for line, place in [("2", 1), ("２", 1), ("二つ目", 1), ("2番目のほう", 1), ("最後", 3)]:
        turn = harbour.reply(profile.conversation, line)
        assert (turn.reply.kind, turn.reply.answer) == (Kind.ANSWER, sections[place])
        again = harbour.reply(turn.conversation, "1")  # what was offered stays
        assert again.reply.answer == sections[0]


def test_every_section_of_a_long_profile_can_be_chosen(shipped_assistant: Assistant) -> None:
    for division in shipped_assistant.index.divisions:
        profile = shipped_assistant.profile(division.names.id)
        for number, section in enumerate(
            shipped_assistant.catalogue.sections(division.names.id), 1
        ):
            assert f"  {number}. {section.division.name} › {section.section}" in profile.reply.text
            chosen = shipped_assistant.reply(profile.conversation, str(number)).reply
            assert chosen.answer == section


@pytest.mark.parametrize("line", ["0", "5", "９９", "999", "五つ目", "the fifth one"])
def test_a_number_that_was_not_offered(harbour: Assistant, line: str) -> None:
    profile = harbour.profile("ports")
    turn = harbour.reply(profile.conversation, line, speak="ja")
    assert (turn.reply.kind, turn.reply.text) == (Kind.UNKNOWN, "その番号の候補はありません。")
    assert turn.conversation == profile.conversation


def goes_on(assistant: Assistant, line: str, *before: str) -> tuple[list[Reply], Reply]:
    """The replies to a line that is said again and again, until it is no answer; and that one."""
    conversation = NEW
    for said in before:
        conversation = assistant.reply(conversation, said).conversation
    shown: list[Reply] = []
    while len(shown) < 100:
        turn = assistant.reply(conversation, line)
        conversation = turn.conversation
        if turn.reply.kind is not Kind.ANSWER:
            return shown, turn.reply
        shown.append(turn.reply)
    raise AssertionError("it never ends")


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("他には？", "ほかには見当たりませんでした。"),
        ("もっと詳しく", "ほかには見当たりませんでした。"),
        ("What else?", "I found nothing further."),
        ("Tell me more", "I found nothing further."),
    ],
)
def test_more_until_there_is_no_more(shipped_assistant: Assistant, line: str, end: str) -> None:
    (first,) = talk(shipped_assistant, NOTO)
    shown, last = goes_on(shipped_assistant, line, NOTO)
    assert (last.kind, last.text, candidates(last)) == (Kind.UNKNOWN, end, [])
    sentences = [each.answer.sentence for each in [first, *shown] if each.answer]
    assert len(sentences) >= 2
    assert len(set(sentences)) == len(sentences)  # nothing twice


def test_in_detail_is_the_rest_of_the_section_and_then_of_its_division(
    shipped_assistant: Assistant,
) -> None:
    (first,) = talk(shipped_assistant, NOTO)
    shown, _ = goes_on(shipped_assistant, "もっと詳しく", NOTO)
    answers = [each.answer for each in [first, *shown] if each.answer]
    assert answers[1].section == answers[0].section
    assert {each.division.id for each in answers} == {"health-science"}
    sections = [each.key for each in shipped_assistant.catalogue.sections("health-science")]
    assert set(sections) == {each.key for each in answers}
    begin = sections.index(answers[0].key)
    assert list(dict.fromkeys(each.key for each in answers)) == sections[begin:] + sections[:begin]


def test_once_again(shipped_assistant: Assistant) -> None:
    answer, again, _, more = talk(
        shipped_assistant, NOTO, "もう一回", "他には？", "もう一度お願いします"
    )
    assert again.answer == answer.answer
    assert more.answer is not None


@pytest.mark.parametrize("line", ["他には？", "もっと詳しく", "もう一回", "Tell me more"])
def test_more_of_nothing(shipped_assistant: Assistant, line: str) -> None:
    (reply,) = talk(shipped_assistant, line)
    assert (reply.kind, reply.confidence, candidates(reply)) == (Kind.UNKNOWN, 0, [])


# Commands, divisions, sections


def test_commands(harbour: Assistant) -> None:
    help_, divisions, forgotten, none = talk(harbour, "/help", "/divisions", "/new", "/x y")
    for reply in (help_, divisions, forgotten, none):
        assert (reply.kind, reply.confidence, candidates(reply)) == (Kind.COMMAND, None, [])
    assert "/港湾課" in help_.text
    assert divisions.text.splitlines()[1:] == ["  港湾課 Ports Division", "  灯台課"]
    assert "/x" in none.text


def test_divisions_are_listed_when_asked_for(shipped_assistant: Assistant) -> None:
    for question in ("どんな課がありますか", "課の一覧を見せてください"):
        (reply,) = talk(shipped_assistant, question)
        assert (reply.kind, reply.question) == (Kind.COMMAND, question)
        assert reply.text == talk(shipped_assistant, "/divisions")[0].text


@pytest.mark.parametrize(
    "command",
    [
        "/港湾課",
        "/ports",
        "/PORTS",
        "／港湾課",
        "/Ports Division",
        "／ｐｏｒｔｓ　division",
        "/みなと係",
    ],
)
def test_a_division_by_any_of_its_names(harbour: Assistant, command: str) -> None:
    (profile,) = talk(harbour, command)
    assert (profile.kind, profile.question) == (Kind.COMMAND, command)
    assert profile.text == harbour.profile("ports").reply.text
    assert profile.text.startswith("【港湾課 Ports Division】\n所属: 海事局\n")
    (answer,) = talk(harbour, f"{command} 使命は何ですか")
    assert {each.division.id for each in candidates(answer)} == {"ports"}


def test_a_command_that_is_too_long(harbour: Assistant) -> None:
    (reply,) = talk(harbour, "/" + "x" * 100_000)
    assert (reply.kind, len(reply.text) < 100) == (Kind.COMMAND, True)


def test_from_one_division_alone(shipped_assistant: Assistant, spoken: list[list[str]]) -> None:
    ids = [each.names.id for each in shipped_assistant.index.divisions]
    for number, lines in enumerate(spoken):
        only = ids[number % len(ids)]
        conversation = NEW
        for line in lines:
            turn = shipped_assistant.reply(conversation, line, division=only)
            conversation = turn.conversation
            assert {each.division.id for each in candidates(turn.reply)} <= {only}


def test_a_choice_of_another_division_is_none(harbour: Assistant) -> None:
    offered = harbour.profile("ports").conversation
    assert harbour.reply(offered, "1", division="lights").reply.kind is Kind.UNKNOWN
    assert harbour.reply(offered, "1", division="ports").reply.kind is Kind.ANSWER


@pytest.mark.parametrize("text", ["使命は", "", "1", "他には？"])
def test_no_such_division(harbour: Assistant, text: str) -> None:
    with pytest.raises(KeyError):
        harbour.reply(NEW, text, division="nowhere")


def test_sections_by_their_keys(shipped_assistant: Assistant) -> None:
    document = load(shipped_knowledge())
    keys: set[str] = set()
    for division in document.divisions:
        found = shipped_assistant.catalogue.sections(division.id)
        for candidate, section in zip(found, outline(division), strict=True):
            assert (candidate.section, candidate.path) == (section.heading, section.path)
            assert candidate.passage == section.passage
            assert candidate.passage.startswith(candidate.sentence)
            assert shipped_assistant.catalogue.candidate(candidate.key) == candidate
            keys.add(candidate.key)
    assert len(keys) == shipped_assistant.index.size


@pytest.mark.parametrize(
    "key", ["", "/", "ports", "ports/", "nowhere/0", "ports/0", "港湾課/0", "\0"]
)
def test_no_such_section(harbour: Assistant, key: str) -> None:
    assert harbour.catalogue.candidate(key) is None


@pytest.mark.parametrize(
    "look_up",
    [
        lambda assistant, name: assistant.catalogue.division(name),
        lambda assistant, name: assistant.catalogue.sections(name),
        lambda assistant, name: assistant.profile(name),
    ],
    ids=["division", "sections", "profile"],
)
def test_no_such_division_by_name(
    harbour: Assistant, look_up: Callable[[Assistant, str], object]
) -> None:
    for name in ("", "nowhere", "港湾"):
        with pytest.raises(KeyError):
            look_up(harbour, name)


def test_a_conversation_outlives_the_document_it_was_about(
    harbour: Assistant, shipped_assistant: Assistant
) -> None:
    """The knowledge is replaced while people talk: their divisions, or sections, may be gone."""
    before = harbour.reply(NEW, "釣り場はいつ開いていますか", sure=0.0).conversation
    assert before.answer is not None
    moved = replace(before, answer=replace(before.answer, key="ports/gone"))
    for line in ("他には？", "もっと詳しく", "もう一回", "その課の使命は", "国際課の使命は？", "1"):
        assert shipped_assistant.reply(before, line).reply.question == line
        assert harbour.reply(moved, line).reply.question == line


# What holds of every reply

KEYS = [
    *("question", "kind", "division", "section", "passage", "sentence", "confidence"),
    *("alternatives", "text"),
]


def test_the_keys_of_the_json(replies: list[Reply]) -> None:
    for reply in replies:
        line = reply.to_json()
        assert "\n" not in line
        found = json.loads(line)
        assert list(found) == KEYS
        parts = [found[key] for key in ("division", "section", "passage", "sentence")]
        assert [part is None for part in parts] == [reply.kind is not Kind.ANSWER] * 4
        for each in [found, *found["alternatives"]]:
            if each["division"] is not None:
                assert list(each["division"]) == ["id", "name", "name_en"]
        for each in found["alternatives"]:
            assert list(each) == ["division", "section", "sentence", "confidence"]


def test_every_kind_of_reply_is_among_them(replies: list[Reply]) -> None:
    found = {reply.kind for reply in replies}
    assert found >= {Kind.ANSWER, Kind.UNKNOWN, Kind.SMALLTALK, Kind.COMMAND}


def test_everything_is_verbatim(replies: list[Reply]) -> None:
    document = load(shipped_knowledge())
    passages = {
        (division.id, section.heading, section.passage)
        for division in document.divisions
        for section in outline(division)
    }
    source = (shipped_knowledge() / "source/mhlw-secretariat.txt").read_text(encoding="utf-8")
    source = squeeze(source)
    for candidate in (each for reply in replies for each in candidates(reply)):
        assert (candidate.division.id, candidate.section, candidate.passage) in passages
        assert candidate.sentence
        assert candidate.sentence in candidate.passage
        assert squeeze(candidate.sentence) in source


def test_alternatives(replies: list[Reply]) -> None:
    for reply in replies:
        keys = [each.key for each in candidates(reply)]
        assert len(set(keys)) == len(keys)
        assert len(reply.alternatives) <= 4
        sure = [each.confidence for each in reply.alternatives]
        assert sure == sorted(sure, reverse=True)
        assert max(sure, default=0) <= (reply.confidence or 0)


def test_confidence(replies: list[Reply]) -> None:
    for reply in replies:
        if reply.kind in (Kind.SMALLTALK, Kind.COMMAND):
            assert reply.confidence is None
        else:
            assert reply.confidence is not None
            assert 0 <= reply.confidence <= 1
        assert all(0 <= each.confidence <= 1 for each in candidates(reply))


def test_the_question_is_given_back_as_it_was_asked(
    harbour: Assistant,
) -> None:
    for text in ("  ＡＢＣ ", "使命は\n何ですか", "\ud800", "/NEW", "こんにちは。使命は"):
        assert talk(harbour, text)[0].question == text


def turns(assistant: Assistant, dialogues: list[list[str]]) -> Iterator[Turn]:
    """Every turn of the dialogues."""
    for lines in dialogues:
        conversation = NEW
        for line in lines:
            turn = assistant.reply(conversation, line)
            conversation = turn.conversation
            yield turn


def test_the_same_reply_on_every_call_and_from_any_thread(
    shipped_assistant: Assistant, spoken: list[list[str]]
) -> None:
    spoken = spoken[::5]
    expected = list(turns(shipped_assistant, spoken))
    with ThreadPoolExecutor(6) as pool:
        found = pool.map(lambda _: list(turns(shipped_assistant, spoken)), range(6))
        assert all(each == expected for each in found)


ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
LINES = st.lists(
    ANYTHING
    | st.sampled_from(
        [
            "2",
            "他には？",
            "もっと詳しく",
            "もう一回",
            "じゃあ港湾は？",
            "灯台課は？",
            "その課は",
            NOTO,
        ]
    )
    | st.text("港湾課灯台はもの方？。 23ab/", max_size=12),
    max_size=6,
)


@settings(max_examples=200)
@given(LINES)
def test_any_text_gets_a_reply(harbour: Assistant, lines: list[str]) -> None:
    for line, reply in zip(lines, talk(harbour, *lines), strict=True):
        assert reply.question == line
        assert reply.text
        json.loads(reply.to_json())


@settings(max_examples=200)
@given(ANYTHING)
def test_any_command_gets_a_reply(harbour: Assistant, text: str) -> None:
    reply = harbour.command(NEW, f"/{text}").reply
    assert reply.question
    assert reply.text


def test_nobody_is_asked_back_where_all_say_the_same(shipped_assistant: Assistant) -> None:
    reply = shipped_assistant.reply(Conversation(), "大臣官房は英語で何と言いますか").reply
    assert reply.answer is not None
    assert reply.answer.sentence == "Minister's Secretariat"
    back = shipped_assistant.reply(Conversation(), "英語名を教えてください").reply
    assert back.kind is Kind.CLARIFY
    assert len({each.sentence for each in back.alternatives}) > 1


@pytest.mark.parametrize("question", ["使命は？", "What is its mission?"])
def test_whoever_names_no_division_is_asked_back(
    shipped_assistant: Assistant, question: str
) -> None:
    """However much better one of the divisions seems to fit, if it fits several."""
    reply = shipped_assistant.reply(NEW, question).reply
    assert reply.kind is Kind.CLARIFY
    assert {each.section for each in reply.alternatives} == {"Our Mission"}
    assert len({each.division for each in reply.alternatives}) > 1


def test_the_division_spoken_of_is_meant_where_several_fit(alike: Assistant) -> None:
    spoken_of = replace(NEW, division="灯台課")
    reply = alike.reply(spoken_of, "受付時間は", sure=0.0).reply
    assert reply.answer is not None
    assert (reply.answer.division.name, reply.answer.section) == ("灯台課", "受付時間")


def test_a_profile_says_which_division_is_spoken_of(alike: Assistant) -> None:
    shown = alike.command(NEW, "/灯台課").conversation
    reply = alike.reply(shown, "受付時間は", sure=0.0).reply
    assert reply.answer is not None
    assert reply.answer.division.name == "灯台課"


@pytest.mark.parametrize("said", ["こんにちは", "ありがとう", "hello"])
def test_small_talk_with_one_division(shipped_assistant: Assistant, said: str) -> None:
    assert shipped_assistant.reply(NEW, said, division="国際課").reply.kind is Kind.SMALLTALK


def test_how_sure_of_what_else_the_division_says(shipped_assistant: Assistant) -> None:
    """Not as sure as of the answer itself."""
    first, *more = talk(shipped_assistant, NOTO, *["もっと詳しく"] * 4)
    assert first.answer is not None
    for reply in more:
        assert reply.answer is not None
        if reply.answer.key != first.answer.key:
            assert reply.answer.confidence < first.answer.confidence
    assert any(reply.answer and reply.answer.key != first.answer.key for reply in more)


def test_sections_under_the_same_heading_have_keys_of_their_own(
    knowledge_folder: KnowledgeFolder, cache: Path
) -> None:
    text = """\
id: ports
name: 港湾課
sections:
  - {heading: 概要, text: 釣り場があります。}
  - {heading: 概要, text: 灯台があります。}
"""
    assistant = Assistant(open_index(knowledge_folder({"a.yaml": text}), cache))
    sections = assistant.catalogue.sections("ports")
    assert [each.passage for each in sections] == ["釣り場があります。", "灯台があります。"]
    for each in sections:
        assert assistant.catalogue.candidate(each.key) == each
