"""Whole dialogues: a share of those that people wrote, and a dozen that must go right."""

from __future__ import annotations

import pytest

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.document.load import load, load_log
from bot.document.model import holds, outline
from bot.quality.evaluate import Outcome, dialogue_figures, hold
from bot.reply import Kind, Reply
from bot.settings import shipped_knowledge
from tests.program import ROOT

# A little below what is measured; raise them when that rises.
FLOORS = {
    "right turns": 0.69,
    "right turns after the first": 0.69,
    "whole dialogues right": 0.27,
}
LOG = load_log(ROOT / "tests/data/dialogues.yaml")


def shown(outcome: Outcome) -> str:
    """A turn that went wrong, for whoever reads the failure."""
    best = outcome.best
    found = f"{best.division.name} › {best.section}" if best else "nothing"
    wanted = " | ".join(f"{gold.division}: {gold.span}" for gold in outcome.asked.golds)
    said = f"{outcome.reply.kind} {outcome.reply.confidence or 0:.2f} {found}"
    return f"  {outcome.asked.text}\n    {said}\n    wanted: {wanted or 'no answer'}"


def test_dialogues_that_nobody_tuned_to(shipped_assistant: Assistant) -> None:
    found = [hold(shipped_assistant, dialogue) for dialogue in LOG.dialogues]
    for dialogue, turns in zip(LOG.dialogues, found, strict=True):
        wrong = [shown(each) for each in turns if not each.right]
        if wrong:
            print(dialogue.id, *wrong, sep="\n")
    figures = {figure.name: figure.value for figure in dialogue_figures(found)}
    print(figures)
    assert figures.keys() == FLOORS.keys()
    assert {name for name, floor in FLOORS.items() if figures[name] < floor} == set()


def test_the_dialogues_are_of_use() -> None:
    """Their answers stand in the document, and none of them was learned from."""
    document = load(shipped_knowledge())
    assert len(LOG.dialogues) >= 30
    sections = {division.name: outline(division) for division in document.divisions}
    for dialogue in LOG.dialogues:
        for turn in dialogue.turns:
            assert not turn.golds or any(
                holds(section, gold.span)
                for gold in turn.golds
                for section in sections[gold.division]
            ), turn.text
    learned = {tuple(turn.text for turn in each.turns) for each in document.asked.dialogues}
    assert learned.isdisjoint(tuple(turn.text for turn in each.turns) for each in LOG.dialogues)


UNKNOWN, SMALLTALK, COMMAND = "unknown", "smalltalk", "command"
NOTO = "厚生科学課 › 令和6年能登半島地震への対応について"
CENTRES = "厚生科学課 › 国立高度専門医療研究センターの運営を支え、全ての人に健康と安心を"
DIGITAL = "情報化担当参事官室 › デジタル技術の活用により厚生労働分野のDXを推進する"
MISSION = "国際課 › Our Mission"
G7 = "国際課 › G7大臣会合を日本で開催"
EPA = "国際課 › 経済連携の推進"
ILO = "国際課 › 国際的な労働課題の解決に挑む"

DIALOGUES = {
    "another topic without a word of it": [
        ("国際課の使命は？", MISSION),
        ("地震のとき何をしましたか", NOTO),
        ("予算のとりまとめはどの課？", "会計課 › 会計課"),
    ],
    "another topic with a word of it": [
        ("RPAの導入は？", DIGITAL),
        ("ところで、庁舎の管理はどこですか", "会計課 › 会計課"),
        ("別件ですが、EPAとは何ですか", EPA),
    ],
    "back to an earlier topic": [
        ("人事課の研修はどこで行われますか", "人事課 › 人事課"),
        ("予算のとりまとめはどの課？", "会計課 › 会計課"),
        ("人事課の研修の話に戻りますが、どこで研修しますか", "人事課 › 人事課"),
    ],
    "three pronouns in a row, of a division": [
        ("国際課の使命は？", MISSION),
        ("その課の英語名は？", "国際課 › 国際課"),
        ("そこはILOとどう関わっていますか", ILO),
        ("その課はEPAで何をしていますか", EPA),
    ],
    "three pronouns in a row, of a thing": [
        ("国立健康危機管理研究機構とは", CENTRES),
        ("それはいつできるの", CENTRES),
        ("どこが統合されるの", CENTRES),
        ("その機構の住所は", UNKNOWN),
    ],
    "English and Japanese mixed": [
        ("What does the International Affairs Division do?", MISSION),
        ("その課は途上国をどう支援していますか", "国際課 › 開発途上国の支援"),
        ("And the EPA?", EPA),
        ("thank you", SMALLTALK),
    ],
    "English alone": [
        ("What did the ministry do after the Noto earthquake?", NOTO),
        ("How many people were sent there?", UNKNOWN),
        ("Thanks!", SMALLTALK),
    ],
    "a correction": [
        ("総務課は何をしていますか", "総務課 › 総務課"),
        ("いや、人事課のほう", "人事課 › 人事課"),
        ("そうじゃなくて会計課です", "会計課 › 会計課"),
    ],
    "what was sent, and how many": [
        ("能登半島地震では何をしましたか", NOTO),
        ("派遣したのは何人ですか", UNKNOWN),
        ("もう一回", NOTO),
    ],
    "attributes that the document does not have": [
        ("会計課の仕事は何ですか", "会計課 › 会計課"),
        ("その課の電話番号は", UNKNOWN),
        ("課長の名前は？", UNKNOWN),
        ("そこには何人いますか", UNKNOWN),
    ],
    "attributes alone": [
        ("2023年のG7の大臣会合について教えてください", G7),
        ("テーマは何でしたか", G7),
        ("何人が参加しましたか", UNKNOWN),
    ],
    "small talk in between": [
        ("こんにちは", SMALLTALK),
        ("国際課の使命は？", MISSION),
        ("なるほど", SMALLTALK),
        ("その課の英語名は？", "国際課 › 国際課"),
        ("ありがとうございました", SMALLTALK),
    ],
    "a new conversation": [
        ("能登半島地震では何をしましたか", NOTO),
        ("/new", COMMAND),
        ("もう一回", UNKNOWN),
        ("それはいつですか", UNKNOWN),
    ],
    "the list, and from it": [
        ("どんな部署がありますか", COMMAND),
        ("/国際課", COMMAND),
        ("1", "国際課 › 国際課"),
        ("他には？", None),
    ],
}


def outcome(reply: Reply) -> str:
    """The section answered with, else the kind of reply."""
    answer = reply.answer
    return f"{answer.division.name} › {answer.section}" if answer else str(reply.kind)


@pytest.mark.parametrize("name", DIALOGUES)
def test_a_dialogue(shipped_assistant: Assistant, name: str) -> None:
    conversation = Conversation()
    found = []
    for line, wanted in DIALOGUES[name]:
        say = shipped_assistant.command if line.startswith("/") else shipped_assistant.reply
        turn = say(conversation, line)
        conversation = turn.conversation
        found.append((line, wanted and outcome(turn.reply)))
    assert found == DIALOGUES[name]


def test_new_forgets(shipped_assistant: Assistant) -> None:
    before = shipped_assistant.reply(Conversation(), "国際課の使命は？").conversation
    turn = shipped_assistant.command(before, "/new")
    assert (turn.reply.kind, turn.conversation) == (Kind.COMMAND, Conversation())


def test_other_commands_do_not(shipped_assistant: Assistant) -> None:
    before = shipped_assistant.reply(Conversation(), "国際課の使命は？").conversation
    for command in ("/help", "/divisions", "/nowhere"):
        assert shipped_assistant.command(before, command).conversation == before
