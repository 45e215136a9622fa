"""The parts of the Discord bot that need no Discord: names, Markdown, ids, limits."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest
from discord.app_commands.commands import validate_name
from hypothesis import example, given
from hypothesis import strategies as st

from bot.chat import log, markdown
from bot.chat.controls import Action, Control, Reference
from bot.chat.cooldown import Cooldown
from bot.chat.metrics import Metrics
from bot.chat.names import LONGEST, command_name, command_names
from bot.chat.recent import Once, Recent
from bot.reply import Candidate, DivisionName
from bot.settings import Rate
from bot.wording import Marked


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("国際課", "国際課"),
        ("情報政策・セキュリティ課", "情報政策-セキュリティ課"),
        ("DX推進課", "dx推進課"),
        ("ＤＸ推進課", "dx推進課"),
        ("総務課（本省）", "総務課-本省"),
        ("総務課　企画", "総務課-企画"),
        ("㈱窓口", "株-窓口"),
        ("ﾃﾞｰﾀ課", "データ課"),
        ("々〇ー", "々〇ー"),
        ("あ" * 33, "あ" * 32),
        ("・・・", "division"),
    ],
)
def test_a_name_is_made_valid(name: str, expected: str) -> None:
    assert command_name(name) == expected


@given(st.lists(st.text(max_size=50), max_size=20), st.sets(st.sampled_from(["ask", "help"])))
@example(["あ・い", "あ い", "あ（い）"], {"あ-い"})
@example(["あ" * 40, "あ" * 41], set())
def test_names_are_valid_and_all_different(names: list[str], taken: set[str]) -> None:
    found = command_names(names, taken)
    assert len({*found, *taken}) == len(found) + len(taken)
    for name in found:
        assert 1 <= len(name) <= LONGEST
        assert validate_name(name) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**太い** _a_ ~b~ |c| `d`", r"\*\*太い\*\* \_a\_ \~b\~ \|c\| \`d\`"),
        ("# 見出し", r"\# 見出し"),
        ("-# 小さい", r"-\# 小さい"),
        ("a\n## b", "a\n\\## b"),
        ("> 引用", r"\> 引用"),
        ("[題](https://a_b.jp/c_d)", r"\[題\](https://a_b.jp/c_d)"),
        ("<@123> <@&1> <#2> <t:1>", r"\<@123\> \<@&1\> \<#2\> \<t:1\>"),
        ("@everyone と @here", "@\u200beveryone と @\u200bhere"),
        ("- 項目\n1. 項目", "- 項目\n1. 項目"),
    ],
)
def test_markdown_is_made_harmless(text: str, expected: str) -> None:
    assert markdown.escape(text) == expected
    assert markdown.unescape(expected) == text


@given(st.text(max_size=300), st.text(max_size=80), st.text(max_size=300), st.integers(60, 400))
def test_an_excerpt_keeps_to_the_limit(before: str, sentence: str, after: str, limit: int) -> None:
    assert markdown.width(markdown.excerpt(Marked(before, sentence, after), limit)) <= limit


def test_an_excerpt_is_cut_at_the_ends_of_sentences() -> None:
    before, after = "前の文です。" * 40, "後の文です。" * 40
    found = markdown.excerpt(Marked(before, "これが答えです。", after), 200)
    assert "**これが答えです。**" in found
    assert re.fullmatch(r"… (前の文です。)+\*\*これが答えです。\*\*(後の文です。)+ …", found)


@given(st.text(max_size=600), st.integers(20, 100))
def test_pages_keep_to_the_limit(text: str, limit: int) -> None:
    assert all(0 < markdown.width(page) <= limit for page in markdown.pages(text, limit))


@given(st.text(max_size=200), st.integers(2, 100))
@example("😀" * 60, 100)
def test_shortening_keeps_to_the_limit(text: str, limit: int) -> None:
    assert markdown.width(markdown.shorten(text, limit)) <= limit


LONGEST_KEY = "x" * 32 + "/0123456789ab"


@pytest.mark.parametrize("action", list(Action))
def test_a_control_is_read_as_it_was_written(action: Action) -> None:
    control = Control(action, 2**63, f"{LONGEST_KEY}:100:99999:99")
    assert Control.read(str(control)) == control
    assert len(str(control)) <= 100


@given(st.text(max_size=120))
@example("m:more:1:../../etc/passwd")
@example("m:yes:1:" + "a" * 200)
@example("m:nope:1")
@example("m:yes:１")
def test_crafted_ids_never_do_harm(custom_id: str) -> None:
    control = Control.read(custom_id)
    assert control is None or str(control) == custom_id.rstrip(":")
    Reference.read(custom_id)


def test_a_reference_names_the_sentence() -> None:
    section = Candidate(
        LONGEST_KEY, DivisionName("x", "課", None), (), "題", "一文目です。二文目です。",
        "一文目です。", None, 1,
    )  # fmt: skip
    chosen = Candidate(
        LONGEST_KEY, section.division, (), "題", section.passage, "二文目です。", None, 0.87
    )
    reference = Reference.read(str(Reference.to(chosen)))
    assert reference is not None
    assert reference.candidate(section) == chosen
    far = Reference(LONGEST_KEY, None, 99_999)
    assert far.candidate(section).sentence == section.sentence


def test_cooldown_counts_by_person_and_tells_once() -> None:
    now = 0.0
    cooldown = Cooldown(Rate(2, 10), clock=lambda: now)
    assert [cooldown.wait("a"), cooldown.wait("a")] == [0, 0]
    assert cooldown.wait("a") == 10
    assert cooldown.wait("b") == 0
    assert [cooldown.should_tell("a"), cooldown.should_tell("a")] == [True, False]
    now = 10.0
    assert cooldown.wait("a") == 0
    off = Cooldown(None)
    assert not any(off.wait("a") for _ in range(1000))


def test_cooldown_remembers_nobody_longer_than_it_must() -> None:
    now = 0.0
    cooldown = Cooldown(Rate(1, 10), clock=lambda: now)
    for person in range(5_000):
        now += 0.1
        assert cooldown.wait(person) == 0
        assert cooldown.wait(person) == 10
        assert cooldown.should_tell(person)
        assert len(cooldown) <= 2 * 101


def test_memory_does_not_grow() -> None:
    recent: Recent[int] = Recent(3)
    for i in range(10):
        recent.put(i, i)
    assert (len(recent), recent.get(9), recent.get(0)) == (3, 9, None)
    once = Once(2)
    assert [once.first(1), once.first(1), once.first(2), once.first(3), once.first(1)] == [
        True, False, True, True, True,
    ]  # fmt: skip


def test_metrics_are_exposed() -> None:
    from prometheus_client import CollectorRegistry, generate_latest

    metrics = Metrics()
    metrics.count("answers", "answer")
    metrics.took(0.003)
    registry = CollectorRegistry()
    registry.register(metrics)
    shown = generate_latest(registry).decode()
    assert 'madoguchi_answers_total{kind="answer"} 1.0' in shown
    assert 'madoguchi_answer_seconds_bucket{le="0.005"} 1.0' in shown


def test_the_log_is_json_without_what_errors_say(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr("sys.stderr", stream)
    log.start_logging()
    log.event("answered", kind="answer")
    try:
        _ = {}["誰かの質問"]
    except KeyError as error:
        log.trouble("failed", error)
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["event"], first["kind"], first["level"]) == ("answered", "answer", "info")
    assert (second["error"], second["level"]) == ("KeyError", "warning")
    assert "誰かの質問" not in stream.getvalue()
