"""The local chat: transcripts through pipes, and a person at a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SMALL_DIVISION, KnowledgeFolder, Run
from tests.terminal import Terminal

Chat = Callable[..., str]


@pytest.fixture
def chat(call: Run, small_knowledge: Path) -> Chat:
    """What the console prints when these lines are piped into it."""

    def chat(*lines: str, knowledge: Path = small_knowledge) -> str:
        stdin = "".join(f"{line}\n" for line in lines).encode()
        done = call("console", "--knowledge", str(knowledge), stdin=stdin)
        assert (done.status, done.errors) == (0, "")
        return done.output

    return chat


@pytest.fixture
def talk(call: Run, small_knowledge: Path) -> Callable[..., list[dict[str, Any]]]:
    """The replies as JSON to these lines."""

    def talk(*lines: str, knowledge: Path = small_knowledge) -> list[dict[str, Any]]:
        stdin = "".join(f"{line}\n" for line in lines).encode()
        done = call("console", "--json", "--knowledge", str(knowledge), stdin=stdin)
        assert (done.status, done.errors) == (0, "")
        return [json.loads(line) for line in done.output.splitlines()]

    return talk


def test_a_transcript(chat: Chat) -> None:
    said = chat("/divisions", "/港湾課", "2", "/new", "/x", "", "/quit", "/divisions")
    assert (
        said
        == """\
この資料にある部署は、次のとおりです。
  港湾課
【港湾課】

この部署に関して、次の項目についてお答えできます。
  1. 港湾課 › 防波堤の点検
  2. 港湾課 › 釣り場の開放
【港湾課】
釣り場の開放

▶ 釣り場は四月から十月まで開放しています。

確かさ: 高い (100%)
これまでのやり取りを忘れました。新しいご質問をどうぞ。
「/x」という部署やコマンドはありません。/divisions で部署の一覧を、/help で使い方をご覧になれます。
ご質問を入力してください。
"""
    )


def test_help(chat: Chat) -> None:
    said = chat("/help")
    for command in ("/divisions", "/港湾課", "/new", "/help", "/quit"):
        assert command in said


def test_the_shipped_document_in_help(shipped_index: object, call: Run) -> None:
    done = call("console", stdin=b"/help\n")
    assert "厚生労働省" in done.output
    assert "非公式" in done.output


def test_an_answer_marks_its_sentence(shipped_index: object, call: Run) -> None:
    done = call("console", stdin="能登半島地震のとき、厚生労働省は何をしましたか\n".encode())
    title, headings, blank, passage = done.output.splitlines()[:4]
    assert title == "【厚生科学課 Health Science Division】"
    assert headings == "科学技術推進と危機管理の司令塔 › 令和6年能登半島地震への対応について"
    assert blank == ""
    assert passage.startswith("▶ 令和6年1月1日に発生した能登半島地震においては、")


def test_nothing_in_nothing_out(chat: Chat) -> None:
    assert chat() == ""


def test_one_line_of_json_a_turn(talk: Callable[..., list[dict[str, Any]]]) -> None:
    replies = talk("/help", "", "防波堤の点検は", "/ports", "2", "/nowhere")
    kinds = [reply["kind"] for reply in replies]
    assert kinds[:2] == ["command", "unknown"]
    assert kinds[3:] == ["command", "answer", "command"]
    questions = [reply["question"] for reply in replies]
    assert questions == ["/help", "", "防波堤の点検は", "/ports", "2", "/nowhere"]
    assert replies[4]["section"] == "釣り場の開放"
    assert [reply["confidence"] for reply in replies if reply["kind"] == "command"] == [None] * 3


def test_a_number_chooses_what_was_offered_last(
    talk: Callable[..., list[dict[str, Any]]],
) -> None:
    _, chosen, again, _, forgotten = talk("/ports", "2", "２", "/new", "2")
    assert chosen["section"] == again["section"] == "釣り場の開放"
    assert chosen["confidence"] == again["confidence"] == 1
    assert forgotten["confidence"] != 1


@pytest.mark.parametrize(
    "command", ["/港湾課", "/ports", "/PORTS", "／港湾課", "／ｐｏｒｔｓ", "  /港湾課  ", "/港課"]
)
def test_a_division_by_any_of_its_names(
    talk: Callable[..., list[dict[str, Any]]], knowledge_folder: KnowledgeFolder, command: str
) -> None:
    folder = knowledge_folder({"a.yaml": SMALL_DIVISION + "aliases: [港課]\n"})
    (reply,) = talk(command, knowledge=folder)
    assert reply["text"].startswith("【港湾課】")


@pytest.mark.parametrize("space", [" ", "\u3000", "   ", "\t"])
def test_a_question_to_one_division(
    talk: Callable[..., list[dict[str, Any]]], knowledge_folder: KnowledgeFolder, space: str
) -> None:
    other = SMALL_DIVISION.replace("ports", "lights").replace("港湾課", "灯台課")
    folder = knowledge_folder({"a.yaml": SMALL_DIVISION, "b.yaml": other})
    (reply,) = talk(f"/灯台課{space}防波堤の点検は毎年ですか", knowledge=folder)
    assert reply["question"] == "防波堤の点検は毎年ですか"
    found = [reply, *reply["alternatives"]] if reply["kind"] == "answer" else reply["alternatives"]
    assert found
    assert {each["division"]["id"] for each in found} == {"lights"}


@pytest.mark.parametrize("end", ["/quit", "/QUIT", "／ｑｕｉｔ", " /quit "])
def test_quitting(chat: Chat, end: str) -> None:
    assert chat(end, "/divisions") == ""


def test_commands_speak_the_language_of_the_conversation(chat: Chat) -> None:
    said = chat(
        "/divisions", "Which piers are there?", "/divisions", "/ports", "2", "防波堤の点検は"
    )
    japanese, english, _ = said.partition("The divisions in this document:")
    assert japanese.startswith("この資料にある部署は")
    assert english
    assert "What I can tell you about this division:" in said
    assert "Certainty: high (100%)" in said


def test_a_command_with_an_english_question_is_replied_to_in_english(chat: Chat) -> None:
    assert re.search(r"[a-z]+ [a-z]+", chat("/ports what about the piers?"))


def test_long_and_odd_lines(talk: Callable[..., list[dict[str, Any]]]) -> None:
    lines = ["あ" * 100_000, "🎉", "\x1b[2J", "\x00", "/\x00", "/", "/ ports", "\u202e/ports"]
    assert len(talk(*lines)) == len(lines)


# At a terminal


@pytest.fixture
def arguments(small_knowledge: Path) -> list[str]:
    return ["console", "--knowledge", str(small_knowledge)]


def test_colour_and_bold(arguments: list[str]) -> None:
    with Terminal(*arguments, LANG="ja_JP.UTF-8") as terminal:
        terminal.wait_for_prompt("終わるときは /quit と入力してください。")
        terminal.type("/港湾課\r")
        terminal.wait_for_prompt("2. 港湾課 › 釣り場の開放")
        terminal.type("2\r")
        terminal.wait_for_prompt("確かさ: 高い (100%)")
        bold = re.search(r"\x1b\[0;1m▶ ([^\x1b]*)\x1b\[0m", terminal.raw)
        assert bold
        assert bold[1] == "釣り場は四月から十月まで開放しています。"
        assert re.search(r"\x1b\[0;36;1m【港湾課】", terminal.raw)
        terminal.type("/quit\r")
        assert terminal.end() == 0


@pytest.mark.parametrize("changes", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colour(arguments: list[str], changes: dict[str, str]) -> None:
    with Terminal(*arguments, **changes) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/ports\r")
        terminal.wait_for_prompt("2. 港湾課 › 釣り場の開放")
        terminal.type("2\r")
        terminal.wait_for_prompt(
            "▶ 釣り場は四月から十月まで開放しています。\n\n確かさ: 高い (100%)"
        )
        terminal.type("/quit\r")
        assert terminal.end() == 0
        styles = ";".join(re.findall(r"\x1b\[([0-9;]*)m", terminal.raw)).split(";")
        assert [style for style in styles if len(style) > 1] == []  # 30 and above are colours


def test_the_first_words_are_in_the_language_of_the_terminal(arguments: list[str]) -> None:
    with Terminal(*arguments, LANG="en_GB.UTF-8") as terminal:
        terminal.wait_for_prompt("Type /quit to leave.")


def test_ctrl_c_clears_the_line_and_then_ends(arguments: list[str]) -> None:
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type("never asked")
        terminal.wait_for("never asked")
        terminal.type("\x03")
        terminal.wait_for_prompt("never asked")
        terminal.type("/ports\r")
        terminal.wait_for_prompt("2. 港湾課 › 釣り場の開放")
        terminal.type("\x03")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.screen


def test_blank_lines_are_passed_over(arguments: list[str]) -> None:
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type("\r  \r/ports\r")
        terminal.wait_for("【港湾課】")
        assert "ご質問を入力してください" not in terminal.screen


def test_commands_are_completed(arguments: list[str]) -> None:
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/po")
        terminal.wait_for("/ports")  # offered
        terminal.type("\t\r")
        terminal.wait_for("【港湾課】")


def test_what_was_typed_is_remembered(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/divisions\r")
        terminal.wait_for_prompt("  港湾課")
        terminal.type("\x04")
        assert terminal.end() == 0
    path = tmp_path / "madoguchi" / "console-history"
    assert "+/divisions\n" in path.read_text(encoding="utf-8")
    assert path.stat().st_mode & 0o077 == 0
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type("\x1b[A\r")  # up
        terminal.wait_for_prompt("  港湾課")


def test_a_history_that_cannot_be_kept(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with Terminal(*arguments, XDG_STATE_HOME=str(tmp_path / "file")) as terminal:
        terminal.wait_for_prompt()
        terminal.type("/divisions\r")
        terminal.wait_for_prompt("  港湾課")
        terminal.type("\x04")
        assert terminal.end() == 0


def test_bytes_that_are_no_text_are_typed(arguments: list[str]) -> None:
    with Terminal(*arguments) as terminal:
        terminal.wait_for_prompt()
        terminal.type(b"abc\xff\xfe\xe3\x81def\r")
        terminal.type("/divisions\r")
        terminal.wait_for_prompt("  港湾課")
        terminal.type("/quit\r")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.screen
