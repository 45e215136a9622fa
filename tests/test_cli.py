"""The command line: exit status, output, and everything that can be wrong with what comes in."""

from __future__ import annotations

import json
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SMALL_DIVISION, KnowledgeFolder, Run
from tests.program import environment, program

KEYS = [
    "question",
    "kind",
    "division",
    "section",
    "passage",
    "sentence",
    "confidence",
    "alternatives",
    "text",
]
COMMANDS = ["ask", "console", "check", "index", "eval", "fit"]


@pytest.fixture
def ask(call: Run, small_knowledge: Path) -> Callable[[str], dict[str, Any]]:
    """The reply to one question, from the small knowledge folder."""

    def ask(question: str) -> dict[str, Any]:
        done = call("ask", "--json", "--knowledge", str(small_knowledge), question)
        assert (done.status, done.errors) == (0, "")
        assert done.output.count("\n") == 1
        reply: dict[str, Any] = json.loads(done.output)
        return reply

    return ask


def best_of(reply: dict[str, Any]) -> dict[str, Any]:
    """What was found best, answered with or, where the bot was not sure enough, offered."""
    assert reply["kind"] in ("answer", "unknown")
    best: dict[str, Any] = reply if reply["kind"] == "answer" else reply["alternatives"][0]
    return best


def one_line(errors: str) -> str:
    """The one line on standard error."""
    assert errors.startswith("madoguchi: ")
    assert errors.count("\n") == 1
    return errors.removeprefix("madoguchi: ").rstrip("\n")


# Use


def test_help_lists_the_commands_each_with_a_line(call: Run) -> None:
    done = call("--help")
    assert (done.status, done.errors) == (0, "")
    for command in COMMANDS:
        assert any(
            line.split()[:1] == [command] and len(line.split()) > 2
            for line in done.output.splitlines()
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_takes_a_folder(call: Run, command: str) -> None:
    done = call(command, "--help")
    assert done.status == 0
    assert "--knowledge DIR" in done.output


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["ask", "--nonsense"], ["ask", "--js", "a"], ["ask", "a", "b"], ["eval"]],
)
def test_wrong_use_is_status_2(call: Run, arguments: list[str]) -> None:
    done = call(*arguments)
    assert (done.status, done.output) == (2, "")
    assert "usage: madoguchi" in done.errors


def test_the_module_is_the_program(run: Run, small_knowledge: Path) -> None:
    done = run("check", "--knowledge", str(small_knowledge))
    assert (done.status, done.errors) == (0, "")
    assert done.output == f"{small_knowledge}: 1 divisions, 2 sections: no mistake\n"


def test_index_says_where_it_lies(call: Run, small_knowledge: Path) -> None:
    done = call("index", "--knowledge", str(small_knowledge))
    path, _, counts = done.output.partition(": ")
    assert (done.status, counts) == (0, "1 divisions, 2 sections\n")
    built = Path(path).stat().st_mtime_ns
    assert call("index", "--knowledge", str(small_knowledge)).output == done.output
    assert Path(path).stat().st_mtime_ns == built  # nothing has changed, nothing is done


def test_an_index_that_cannot_be_kept_is_status_1(
    call: Run, small_knowledge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("MADOGUCHI_CACHE", str(tmp_path / "file"))
    done = call("index", "--knowledge", str(small_knowledge))
    assert (done.status, done.output) == (1, "")
    assert "cannot keep the index" in done.errors


def test_the_knowledge_that_ships_has_no_mistake(call: Run) -> None:
    assert call("check").output.endswith("7 divisions, 18 sections: no mistake\n")


def test_the_option_wins_over_the_environment(
    call: Run, small_knowledge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MADOGUCHI_KNOWLEDGE", str(tmp_path / "nowhere"))
    assert call("check").status == 2
    assert call("check", "--knowledge", str(small_knowledge)).status == 0


# Replies


def test_an_answer_as_json(ask: Callable[[str], dict[str, Any]]) -> None:
    reply = ask("釣り場はいつ開放していますか")
    assert list(reply) == KEYS
    best = best_of(reply)
    assert best["division"] == {"id": "ports", "name": "港湾課", "name_en": None}
    assert best["section"] == "釣り場の開放"
    assert best["sentence"] == "釣り場は四月から十月まで開放しています。"
    assert 0 <= reply["confidence"] <= 1
    assert len(reply["alternatives"]) <= 4
    for alternative in reply["alternatives"]:
        assert list(alternative) == ["division", "section", "sentence", "confidence"]


def test_the_shipped_knowledge_answers_word_for_word(call: Run, shipped_index: object) -> None:
    done = call("ask", "--json", "能登半島地震のとき、厚生労働省は何をしましたか")
    reply = json.loads(done.output)
    assert reply["kind"] == "answer"
    assert reply["division"]["name_en"] == "Health Science Division"
    assert reply["section"] == "令和6年能登半島地震への対応について"
    assert "情報収集や職員の現地派遣等の緊急対応を行いました。" in reply["sentence"]
    assert reply["sentence"] in reply["passage"]
    assert reply["confidence"] > 0.8
    assert "能登" in done.output  # not escaped
    text = call("ask", "能登半島地震のとき、厚生労働省は何をしましたか").output
    assert text == reply["text"] + "\n"


def test_lines_on_standard_input_are_questions_by_themselves(
    call: Run, small_knowledge: Path
) -> None:
    lines = "釣り場はいつ開放\n1\n\n防波堤の点検\r\nlast line without an end".encode()
    done = call("ask", "--json", "--knowledge", str(small_knowledge), stdin=lines)
    replies = [json.loads(line) for line in done.output.splitlines()]
    questions = ["釣り場はいつ開放", "1", "", "防波堤の点検", "last line without an end"]
    assert [reply["question"] for reply in replies] == questions
    assert replies[1]["kind"] != "answer"  # nothing was offered in its own conversation


def test_the_mark_before_a_text_from_windows(run: Run, small_knowledge: Path) -> None:
    done = run("console", "--knowledge", str(small_knowledge), stdin=b"\xef\xbb\xbf/divisions\n")
    assert "港湾課" in done.output


def test_no_lines_no_replies(call: Run, small_knowledge: Path) -> None:
    done = call("ask", "--json", "--knowledge", str(small_knowledge))
    assert (done.status, done.output, done.errors) == (0, "", "")


def test_explaining_leaves_the_reply_as_it_is(call: Run, small_knowledge: Path) -> None:
    arguments = ["ask", "--json", "--knowledge", str(small_knowledge), "防波堤の点検"]
    explained = call(*arguments, "--explain")
    assert explained.output == call(*arguments).output
    assert "words found:" in explained.errors


@pytest.mark.parametrize("named", ["ports", "港湾課"])
def test_a_division_by_id_or_name(call: Run, small_knowledge: Path, named: str) -> None:
    arguments = ["ask", "--json", "--knowledge", str(small_knowledge), "--division", named]
    assert call(*arguments, "防波堤の点検").status == 0


# What cannot be answered


@pytest.mark.parametrize(
    "question",
    [
        "",
        "   \t ",
        "\u3000",
        "あ" * 100_000,
        "a " * 50_000,
        "？！…。、",
        "🎉🎉🎉",
        "👨‍👩‍👧",
        "\x1b\x07\x08",
        "\x00",
        "\u200f\u202e",
        "\ufeff",
        "\ud83d",
    ],
    ids=ascii,
)
def test_what_is_no_question_gets_a_kind_word(
    ask: Callable[[str], dict[str, Any]], question: str
) -> None:
    reply = ask(question)
    assert reply["kind"] == "unknown"
    assert reply["confidence"] == 0
    assert reply["text"].count("\n") == 0
    assert 5 < len(reply["text"]) < 100


@pytest.mark.parametrize(
    "question",
    [
        "防波堤\x00の点検",
        "防波堤\x1b[31mの\x07点検",
        "防波堤の点検\ud83d",
        "\u202e防波堤の点検\u202c",
        "ａｎｄ防波堤の点検🎉",
        "防波堤の点検\nは",
        "שלום防波堤の点検",
    ],
    ids=ascii,
)
def test_odd_characters_in_a_question_do_no_harm(
    ask: Callable[[str], dict[str, Any]], question: str
) -> None:
    reply = ask(question)
    assert best_of(reply)["section"] == "防波堤の点検"


@pytest.mark.parametrize("question", ["مرحبا كيف حالك", "שלום", "Привет", "안녕하세요", "¿qué?"])
def test_other_scripts_are_replied_to(ask: Callable[[str], dict[str, Any]], question: str) -> None:
    assert ask(question)["question"] == question


def test_bytes_that_are_no_text(run: Run, small_knowledge: Path) -> None:
    lines = "防波堤の点検\n".encode() + b"\xff\xfe\n\x00\n\xed\xa0\x80\n" + "防波堤".encode()[:-1]
    done = run("ask", "--json", "--knowledge", str(small_knowledge), stdin=lines)
    assert (done.status, done.errors) == (0, "")
    replies = [json.loads(line) for line in done.output.splitlines()]
    assert len(replies) == 5
    assert replies[1]["kind"] == replies[2]["kind"] == replies[3]["kind"] == "unknown"


def test_an_argument_that_is_no_text(run: Run, small_knowledge: Path) -> None:
    question = "防波堤の点検".encode() + b"\xff"
    done = run("ask", "--json", "--knowledge", str(small_knowledge), question, LC_ALL="C.UTF-8")
    assert (done.status, done.errors) == (0, "")
    assert list(json.loads(done.output)) == KEYS


def test_a_plain_ascii_terminal(run: Run, small_knowledge: Path) -> None:
    done = run(
        "ask",
        "--knowledge",
        str(small_knowledge),
        stdin="点検は\n".encode(),
        PYTHONIOENCODING="ascii",
    )
    assert (done.status, done.errors) == (0, "")
    assert "防波堤" in done.output


def test_a_division_that_there_is_not(call: Run, small_knowledge: Path) -> None:
    done = call("ask", "--knowledge", str(small_knowledge), "--division", "lights", "点検")
    assert (done.status, done.output) == (2, "")
    assert one_line(done.errors) == "--division: there is no division lights; there are ports"


# Knowledge that cannot be used


@pytest.mark.parametrize("command", ["check", "ask", "console"])
def test_no_knowledge_folder(call: Run, tmp_path: Path, command: str) -> None:
    folder = tmp_path / "nowhere"
    done = call(command, "--knowledge", str(folder))
    assert (done.status, done.output) == (1, "")
    assert one_line(done.errors) == f"{folder}: cannot read this folder: No such file or directory"


def test_a_knowledge_folder_of_the_environment_that_is_not_there(
    call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MADOGUCHI_KNOWLEDGE", str(tmp_path / "nowhere"))
    done = call("ask", "点検")
    assert (done.status, done.output) == (2, "")
    assert one_line(done.errors) == f"MADOGUCHI_KNOWLEDGE: {tmp_path / 'nowhere'} is no folder"


def test_no_name_of_a_knowledge_folder(call: Run) -> None:
    done = call("ask", "--knowledge", "", "点検")
    assert (done.status, done.output) == (2, "")
    assert one_line(done.errors) == "--knowledge: names no folder"


@pytest.mark.parametrize("command", ["check", "ask", "console"])
def test_an_empty_knowledge_folder(call: Run, tmp_path: Path, command: str) -> None:
    done = call(command, "--knowledge", str(tmp_path))
    assert (done.status, done.output) == (1, "")
    problem = "no division here; it needs a *.yaml file per division, or *.jsonl"
    assert one_line(done.errors) == f"{tmp_path}: {problem}"


@pytest.mark.parametrize("command", ["check", "ask", "console"])
def test_all_mistakes_at_once(call: Run, knowledge_folder: KnowledgeFolder, command: str) -> None:
    broken = SMALL_DIVISION.replace("name: 港湾課", "nama: 港湾課").replace(
        "heading: 釣", "headin: 釣"
    )
    folder = knowledge_folder({"a.yaml": broken, "b.yaml": "]"})
    done = call(command, "--knowledge", str(folder))
    assert (done.status, done.output) == (1, "")
    lines = done.errors.removeprefix("madoguchi: ").splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{folder}/a.yaml:1",
        f"{folder}/a.yaml:2",
        f"{folder}/a.yaml:6",
        f"{folder}/a.yaml:6",
        f"{folder}/b.yaml:1",
    ]


@pytest.mark.parametrize("variable", ["MADOGUCHI_KNOWLEDGE", "MADOGUCHI_CACHE"])
def test_a_setting_that_cannot_be_used(
    call: Run, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "~nobody-of-this-name/folder")
    done = call("ask", "点検")
    assert (done.status, done.output) == (2, "")
    assert one_line(done.errors).startswith(f"{variable}: ")


def test_measuring_with_a_file_that_is_not_there(call: Run, small_knowledge: Path) -> None:
    done = call("eval", "--knowledge", str(small_knowledge), "nowhere.yaml")
    assert (done.status, done.output) == (1, "")
    assert one_line(done.errors).startswith("nowhere.yaml: cannot read this file")


def test_measuring(call: Run, small_knowledge: Path, tmp_path: Path) -> None:
    entry = "{kind: when, text: 釣り場の開放, division: 港湾課, section: a, answer: 四月から十月}"
    path = tmp_path / "questions.yaml"
    path.write_text(f"questions:\n- {entry}\n", encoding="utf-8")
    done = call("eval", "--knowledge", str(small_knowledge), str(path))
    assert (done.status, done.errors) == (0, "")
    figures = {
        line.rsplit(None, 3)[0].strip(): line.split()[-3:]
        for line in done.output.splitlines()
        if " of " in line
    }
    assert figures["right passage, answerable"] == ["1.000", "of", "1"]
    assert "when" in figures


# The cache


def test_a_cache_that_cannot_be_written(run: Run, small_knowledge: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / "file" / "cache"
    done = run(
        "ask",
        "--knowledge",
        str(small_knowledge),
        stdin="点検は\n釣り場は\n".encode(),
        MADOGUCHI_CACHE=str(cache),
    )
    assert done.status == 0
    assert "防波堤" in done.output
    said = f"MADOGUCHI_CACHE: cannot keep the index in {cache}: Not a directory"
    assert one_line(done.errors) == said


@pytest.mark.parametrize(
    ("cache", "reason"),
    [
        ("file", "File exists"),
        ("file/below/cache", "Not a directory"),
        ("loop/cache", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_cache_that_nobody_may_write(
    run: Run, small_knowledge: Path, tmp_path: Path, cache: str, reason: str
) -> None:
    """Not even root; a folder without permission would be no bar to it."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    path = str(tmp_path / cache)
    done = run("ask", "--knowledge", str(small_knowledge), "点検は", MADOGUCHI_CACHE=path)
    assert done.status == 0
    assert "防波堤" in done.output
    assert reason in one_line(done.errors)


@pytest.fixture
def kept(call: Run, small_knowledge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kept index, the only one in a cache of its own."""
    monkeypatch.setenv("MADOGUCHI_CACHE", str(tmp_path / "cache"))
    assert call("ask", "--knowledge", str(small_knowledge), "点検は").status == 0
    (path,) = (tmp_path / "cache").glob("*.index")
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"\0" * len(content),
        lambda content: content[:40] + b"?" + content[41:],
        lambda content: b"something else altogether",
    ],
    ids=["empty", "half", "one byte short", "zeroes", "one byte", "other"],
)
def test_a_damaged_index_is_built_anew(
    call: Run, kept: Path, small_knowledge: Path, damage: Callable[[bytes], bytes]
) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    done = call("ask", "--knowledge", str(small_knowledge), "防波堤の点検")
    assert (done.status, done.errors) == (0, "")
    assert "防波堤" in done.output
    assert kept.read_bytes() == whole


def test_a_folder_in_the_place_of_the_index(call: Run, kept: Path, small_knowledge: Path) -> None:
    kept.unlink()
    kept.mkdir()
    done = call("ask", "--knowledge", str(small_knowledge), "防波堤の点検")
    assert done.status == 0
    assert one_line(done.errors).startswith("MADOGUCHI_CACHE: ")
    assert {each.suffix for each in kept.parent.iterdir()} == {".index", ".terms"}
    assert kept.is_dir()  # and no file that is written in half


def test_a_kept_index_is_used(
    call: Run, kept: Path, small_knowledge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.retrieval.cache._build", None)
    assert call("ask", "--knowledge", str(small_knowledge), "点検は").status == 0
    assert kept.exists()


def test_changed_knowledge_is_seen_at_once(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, folder = tmp_path / "cache", tmp_path / "knowledge"
    monkeypatch.setenv("MADOGUCHI_CACHE", str(cache))
    folder.mkdir()
    (folder / "a.yaml").write_text(SMALL_DIVISION, encoding="utf-8")
    call("ask", "--knowledge", str(folder), "点検は")
    (folder / "a.yaml").write_text(SMALL_DIVISION.replace("毎年", "毎月"), encoding="utf-8")
    done = call("ask", "--json", "--knowledge", str(folder), "防波堤の点検は")
    assert "毎月" in best_of(json.loads(done.output))["sentence"]
    assert len(list(cache.glob("*.index"))) == 1  # the older one is gone


# Processes


def start(*arguments: str, **changes: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        program(*arguments),
        env=environment(**changes),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def next_line(process: subprocess.Popen[bytes]) -> bytes:
    """The next line that the process prints, if it does so soon."""
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], 20)
    if not ready:
        process.kill()
    return process.stdout.readline()


def test_two_that_build_at_once(small_knowledge: Path, tmp_path: Path) -> None:
    arguments = ["ask", "--json", "--knowledge", str(small_knowledge), "防波堤の点検"]
    both = [start(*arguments, MADOGUCHI_CACHE=str(tmp_path)) for _ in range(2)]
    (one, one_error), (other, other_error) = (each.communicate(timeout=60) for each in both)
    assert [each.returncode for each in both] == [0, 0]
    assert (one_error, other_error) == (b"", b"")
    assert one == other
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".index", ".terms"]


@pytest.mark.parametrize("command", ["ask", "console"])
def test_a_closed_pipe_ends_quietly(small_knowledge: Path, command: str) -> None:
    process = start(command, "--json", "--knowledge", str(small_knowledge))
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.write("点検は\n".encode() * 2)
    process.stdin.flush()
    assert next_line(process)
    process.stdout.close()
    process.stdin.write("点検は\n".encode() * 2)
    process.stdin.close()
    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize("command", ["ask", "console"])
def test_ctrl_c_ends_quietly(small_knowledge: Path, command: str) -> None:
    process = start(command, "--json", "--knowledge", str(small_knowledge))
    with process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write("点検は\n".encode())
        process.stdin.flush()
        assert next_line(process)  # it is up and waits for more
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stderr.read() == b""


def test_every_reply_comes_at_once(small_knowledge: Path) -> None:
    process = start("console", "--json", "--knowledge", str(small_knowledge))
    with process:
        assert process.stdin
        assert process.stdout
        for number in range(3):
            process.stdin.write(f"点検{number}\n".encode())
            process.stdin.flush()
            assert json.loads(next_line(process))["question"] == f"点検{number}"
        process.stdin.close()
        assert process.wait(timeout=60) == 0


@pytest.mark.parametrize(
    ("closed", "arguments", "status"),
    [("<&-", ["点検は"], 0), (">&-", ["点検は"], 0), ("<&-", [], 0), ("2>&-", ["点検は"], 0)],
)
def test_a_standard_stream_that_is_closed(
    small_knowledge: Path, closed: str, arguments: list[str], status: int
) -> None:
    command = [*program("ask", "--knowledge", str(small_knowledge)), *arguments]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *command],
        env=environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == b""
    assert done.returncode == status


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_in_one_line(small_knowledge: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            program("ask", "--knowledge", str(small_knowledge), "点検は"),
            env=environment(),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "No space left on device" in one_line(done.stderr.decode())
