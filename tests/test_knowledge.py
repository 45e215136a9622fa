"""The knowledge that ships with the program, against the document it was taken from."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import yaml

from bot.document.folder import common_folder, knowledge_files
from bot.document.load import load
from bot.document.model import Division, Document
from bot.settings import shipped_knowledge
from bot.text import normalize, squeeze

KNOWLEDGE = shipped_knowledge()
SOURCE = (KNOWLEDGE / "source" / "mhlw-secretariat.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document() -> Document:
    return load(KNOWLEDGE)


def blocks(text: str) -> list[str]:
    """What blank lines part, without white space: a heading that was broken is whole again."""
    return [squeeze(block) for block in re.split(r"\n\s*\n", text) if squeeze(block)]


def written(division: Division) -> list[str]:
    """Everything that a division's file has from the document, block by block."""
    title = "".join(filter(None, [division.parent, division.name]))
    english = "".join(filter(None, [division.parent_en, division.name_en]))
    found = blocks(title) + blocks(english)
    seen: list[tuple[str, ...]] = []
    for section in division.sections:
        for depth in range(1, len(section.path) + 1):
            if section.path[:depth] not in seen:
                seen.append(section.path[:depth])
                found += blocks(section.path[depth - 1])
        if section.heading != division.name:  # a division without headings: its name stands above
            found += blocks(section.heading)
        found += blocks(section.text)
        found += [squeeze(line) for line in (section.caption or "").splitlines()]
    return found


def test_every_line_of_the_source_is_in_the_knowledge_once_and_no_other(
    document: Document,
) -> None:
    held = Counter(block for division in document.divisions for block in written(division))
    assert held == Counter(blocks(SOURCE))


def test_the_order_of_the_divisions_is_that_of_the_source(document: Document) -> None:
    names = ["厚生科学課", "情報化担当参事官室", "国際課", "総務課", "人事課", "会計課", "地方課"]
    assert [division.name for division in document.divisions] == names


@pytest.mark.parametrize(
    ("division", "words"),
    [
        ("厚生科学課", "科学技術推進と危機管理の司令塔"),
        ("厚生科学課", "令和6年能登半島地震への対応について"),
        ("厚生科学課", "国立高度専門医療研究センターの運営を支え、全ての人に健康と安心を"),
        ("厚生科学課", "国立健康危機管理研究機構を創設します"),
        ("情報化担当参事官室", "デジタル技術を活用し、厚生労働行政を変革する"),
        ("情報化担当参事官室", "デジタル技術の活用により厚生労働分野のDXを推進する"),
        ("情報化担当参事官室", "RPA(Robotic Process Automation)の本格導入"),
        ("総務課", "ビジネスチャットツールを活用した国会業務の効率化"),
    ],
)
def test_words_stand_under_their_division(document: Document, division: str, words: str) -> None:
    holding = [
        owner.name
        for owner in document.divisions
        if any(squeeze(words) in block for block in written(owner))
    ]
    assert holding == [division]


@pytest.mark.parametrize(
    ("caption", "division", "heading"),
    [
        ("ILO本部（スイス・ジュネーブ）", "国際課", "国際的な労働課題の解決に挑む"),
        ("G7長崎保健大臣会合", "国際課", "G7大臣会合を日本で開催"),
        ("庁舎26階レストランからの眺望", "人事課", "人事課"),
        ("ハローワーク富士宮（静岡）", "地方課", "地方課"),
    ],
)
def test_captions_are_those_of_their_section(
    document: Document, caption: str, division: str, heading: str
) -> None:
    holding = [
        (owner.name, section.heading)
        for owner in document.divisions
        for section in owner.sections
        if caption in (section.caption or "")
    ]
    assert holding == [(division, heading)]


def test_the_slips_of_the_document_are_kept() -> None:
    assert "見渡ししながら" in (KNOWLEDGE / "4-general-affairs.yaml").read_text(encoding="utf-8")


def test_english_names_are_those_of_the_document(document: Document) -> None:
    for division in document.divisions:
        for name in filter(None, [division.name_en, division.parent_en]):
            assert squeeze(name) in squeeze(SOURCE)
    assert sum(division.name_en is not None for division in document.divisions) == 3


@pytest.mark.parametrize(
    "path",
    [*knowledge_files(KNOWLEDGE), *knowledge_files(common_folder())],
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_every_file_is_plain_yaml(path: Path) -> None:
    raw = path.read_bytes()
    assert b"\r" not in raw
    assert b"\t" not in raw
    assert unicodedata.is_normalized("NFC", raw.decode())
    yaml.safe_load(raw)


def test_ids_can_be_commands(document: Document) -> None:
    for division in document.divisions:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", division.id)
        assert len(division.id) <= 32
    commands = {"ask", "divisions", "help", "mydata", "new", "quit", "settings", "division"}
    assert commands.isdisjoint(division.id for division in document.divisions)


def test_no_question_is_written_twice(document: Document) -> None:
    places = Counter(
        (division.id, heading, normalize(question))
        for division in document.divisions
        for heading, questions in [
            *((section.heading, section.questions) for section in division.sections),
            *((answer.span, answer.questions) for answer in division.answers),
        ]
        for question in questions
    )
    assert [place for place, count in places.items() if count > 1] == []


def test_what_is_outside_is_not_also_answered(document: Document) -> None:
    outside = {normalize(q) for q in (*document.outside, *document.common.outside)}
    answered = {
        normalize(question)
        for division in document.divisions
        for part in (*division.sections, *division.answers)
        for question in part.questions
    }
    answered |= {normalize(asked.text) for asked in document.asked.questions if asked.golds}
    assert sorted(outside & answered) == []


def test_both_languages_have_the_same_phrases(document: Document) -> None:
    phrases = document.common.phrases
    assert phrases["ja"].keys() == phrases["en"].keys()
    for key, japanese in phrases["ja"].items():
        braces = re.findall(r"\{\w*\}", japanese)
        assert sorted(braces) == sorted(re.findall(r"\{\w*\}", phrases["en"][key])), key
    assert document.about["ja"].keys() == document.about["en"].keys()


def test_help_names_the_source_and_that_the_bot_is_unofficial(document: Document) -> None:
    assert "厚生労働省" in document.about["ja"]["notice"]
    assert "非公式" in document.about["ja"]["notice"]
    assert "Ministry of Health, Labour and Welfare" in document.about["en"]["notice"]
    assert "unofficial" in document.about["en"]["notice"]
