"""A knowledge folder to a document; every mistake with file, line and remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.document.folder import weights_file
from bot.document.load import load, load_log
from bot.document.model import Gold, Section, outline
from bot.errors import KnowledgeError
from bot.settings import shipped_knowledge

KnowledgeFolder = Callable[[Mapping[str, str | bytes]], Path]

GOOD = """\
id: ports
name: 港湾課
sections:
  - heading: 防波堤の点検
    text: 防波堤を毎年点検しています。
"""
SECTION = {"heading": "点検", "text": "点検しています。"}
OWNER = {"id": "ports", "name": "港湾課"}


def mistakes(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(KnowledgeError) as caught:
        load(folder)
    return [(each.file.name, each.line, each.problem) for each in caught.value.mistakes]


def json_lines(*lines: Mapping[str, Any]) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)


def test_the_required_keys_are_enough(knowledge_folder: KnowledgeFolder) -> None:
    document = load(knowledge_folder({"a.yaml": GOOD}))
    (division,) = document.divisions
    assert (division.id, division.name, division.name_en) == ("ports", "港湾課", None)
    text = "防波堤を毎年点検しています。"
    assert division.sections == (Section(heading="防波堤の点検", text=text),)
    assert (document.about, document.synonyms, document.outside) == ({}, (), ())
    assert document.asked.questions == ()
    assert document.common.phrases.keys() == {"ja", "en"}


def test_everything_that_may_be_said(knowledge_folder: KnowledgeFolder) -> None:
    everything = """\
id: ports
name: 港湾課
name_en: Ports Division
parent: 官房
parent_en: Secretariat
aliases: [港課]
sections:
  - heading: 点検
    path: [仕事, 春]
    text: |
      一段落目。

      二段落目。
    caption: 灯台
    keywords: [防波堤]
    questions: [いつ点検しますか]
    source: 3頁
answers:
  - span: 二段落目
    section: 点検
    questions: [二つ目は]
"""
    (division,) = load(knowledge_folder({"a.yml": everything})).divisions
    (section,) = division.sections
    assert section.passage == "一段落目。\n\n二段落目。\n\n灯台"
    assert section.path == ("仕事", "春")
    assert division.answers[0].span == "二段落目"
    assert [each.heading for each in outline(division)] == ["港湾課", "仕事", "春", "点検"]


def test_a_heading_with_a_text_of_its_own_and_sections_below(
    knowledge_folder: KnowledgeFolder,
) -> None:
    below = """\
  - heading: 料金
    path: [防波堤の点検]
    text: 無料です。
"""
    (division,) = load(knowledge_folder({"a.yaml": GOOD + below})).divisions
    assert [each.heading for each in outline(division)] == ["防波堤の点検", "料金"]


def test_weights_of_its_own(knowledge_folder: KnowledgeFolder) -> None:
    """A folder's own parameters stand in place of those that ship, model by model."""
    shipped = load(knowledge_folder({"a.yaml": GOOD})).common.weights
    folder = knowledge_folder({"a.yaml": GOOD, "weights.yaml": "section: {passage: 7.0}"})
    assert load(folder).common.weights == shipped | {"section": {"passage": 7.0}}


def test_where_fitted_weights_are_kept(tmp_path: Path) -> None:
    assert weights_file(tmp_path) == tmp_path / "weights.yaml"
    shipped = shipped_knowledge()
    assert weights_file(shipped) == weights_file(shipped / "." / "common" / "..")
    assert weights_file(shipped) == shipped / "common" / "weights.yaml"


def test_companions(knowledge_folder: KnowledgeFolder) -> None:
    asked = """\
questions:
  - {id: q, kind: k, text: 点検は, division: 港湾課, section: 防波堤の点検, answer: 毎年 点検}
  - {text: 誰の船, division: null, section: null, answer: null}
"""
    document = load(
        knowledge_folder(
            {
                "a.yaml": GOOD,
                "about.yaml": "ja: {title: 港の資料}\n",
                "synonyms.yaml": "- [港, みなと]\n",
                "outside.yaml": "people: [課長は誰]\nplaces: [どこ]\n",
                "asked.yaml": asked,
            }
        )
    )
    assert document.about == {"ja": {"title": "港の資料"}}
    assert document.synonyms == (("港", "みなと"),)
    assert document.outside == ("課長は誰", "どこ")
    assert [each.text for each in document.asked.questions] == ["点検は", "誰の船"]
    gold = Gold(division="港湾課", section="防波堤の点検", span="毎年 点検")
    assert document.asked.questions[0].golds == (gold,)


def test_files_are_read_in_the_order_of_their_names(knowledge_folder: KnowledgeFolder) -> None:
    files = {f"{name}.yaml": GOOD.replace("ports", name).replace("港湾", name) for name in "cab"}
    assert [each.id for each in load(knowledge_folder(files)).divisions] == ["a", "b", "c"]


def test_other_files_are_left_alone(knowledge_folder: KnowledgeFolder) -> None:
    folder = knowledge_folder({"a.yaml": GOOD, "notes.txt": "?", ".hidden.yaml": "]"})
    (folder / "source").mkdir()
    assert len(load(folder).divisions) == 1


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"# remark\r\n"])
def test_byte_order_marks_and_windows_line_ends(
    knowledge_folder: KnowledgeFolder, start: bytes
) -> None:
    content = start + GOOD.replace("\n", "\r\n").encode()
    assert load(knowledge_folder({"a.yaml": content})).divisions[0].name == "港湾課"


REQUIRED = "required, but missing"
UNKNOWN = "unknown key; remove it or correct its spelling"
NO_TEXT = "must be text; put numbers, dates and true/false in quotes"
NO_LIST = "must be a list, one '- item' a line"
NO_MAPPING = "must be a mapping of 'key: value' lines"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", [(1, NO_MAPPING)]),
        ("- a\n", [(1, NO_MAPPING)]),
        ("only text\n", [(1, NO_MAPPING)]),
        ("name: 港湾課\n", [(1, f"id: {REQUIRED}"), (1, f"sections: {REQUIRED}")]),
        (
            GOOD.replace("    text: 防", "    texts: 防"),
            [(4, f"text: {REQUIRED}"), (5, f"texts: {UNKNOWN}")],
        ),
        (GOOD + "colour: blue\n", [(6, f"colour: {UNKNOWN}")]),
        (GOOD.replace("id: ports", "id: 5"), [(1, f"id: {NO_TEXT}")]),
        (GOOD.replace("name: 港湾課", "name:"), [(2, f"name: {NO_TEXT}")]),
        (GOOD.replace("防波堤の点検", "2024-01-01"), [(4, f"heading: {NO_TEXT}")]),
        (GOOD + "    keywords: 防波堤\n", [(6, f"keywords: {NO_LIST}")]),
        (GOOD + "    path:\n      - 仕事\n      - 5\n", [(8, f"path: {NO_TEXT}")]),
        ("id: a\nname: b\nsections: 防波堤\n", [(3, f"sections: {NO_LIST}")]),
        ("id: a\nname: b\nsections: []\n", [(3, "sections: needs at least one section")]),
        ("id: a\nname: b\nsections:\n- 防波堤\n", [(4, f"sections: {NO_MAPPING}")]),
        (
            GOOD.replace("防波堤を毎年点検しています。", "''"),
            [(5, "text: empty; fill it in or remove the line")],
        ),
        (GOOD + "    caption: ' '\n", [(6, "caption: empty; fill it in or remove the line")]),
        (GOOD + "    keywords: ['']\n", [(6, "keywords: empty entry; fill it in or remove it")]),
        (GOOD.replace("港湾課", "'\u3000'"), [(2, "name: empty; fill it in or remove the line")]),
        *(
            (
                GOOD.replace("ports", bad),
                [(1, "id: use a-z, 0-9 and - only, at most 32 characters")],
            )
            for bad in ("Ports", "港湾", "a_b", "-a", "a--b", "a" * 33)
        ),
        (GOOD + "id: again\n", [(6, "id: given twice; keep one")]),
        (
            GOOD.replace("ports", "5") + "id: ports\ncolour: blue\n",
            [(1, f"id: {NO_TEXT}"), (6, "id: given twice; keep one"), (7, f"colour: {UNKNOWN}")],
        ),
        (
            GOOD + "answers:\n- {span: 堤防, questions: [q]}\n",
            [(7, "span: not in the text; copy some words of one sentence")],
        ),
        (
            GOOD + "answers:\n- {span: 防波堤, section: 灯台, questions: [q]}\n",
            [(7, "section: no heading '灯台' here")],
        ),
        (b"id: a\nname: \xff\n", [(2, "not UTF-8; save the file in this encoding")]),
    ],
)
def test_mistakes_in_a_division(
    knowledge_folder: KnowledgeFolder, content: str | bytes, expected: list[tuple[int, str]]
) -> None:
    found = mistakes(knowledge_folder({"a.yaml": content}))
    assert {file for file, _, _ in found} == {"a.yaml"}
    assert [(line, problem) for _, line, problem in found] == expected


def test_all_mistakes_of_all_files_at_once(knowledge_folder: KnowledgeFolder) -> None:
    folder = knowledge_folder(
        {
            "a.yaml": GOOD + "colour: 1\nshape: 2\n",
            "b.yaml": GOOD,
            "c.yaml": "]",
            "d.yaml": GOOD.replace("港湾課", "灯台課"),
            "e.jsonl": "{}\n{",
            "synonyms.yaml": "a: b\n",
            "about.yaml": "ja: {title: 5}\n",
        }
    )
    found = mistakes(folder)
    assert [(file, line) for file, line, _ in found] == [
        ("a.yaml", 6),
        ("a.yaml", 7),
        ("about.yaml", 1),
        ("c.yaml", 1),
        ("d.yaml", 1),
        ("e.jsonl", 1),
        ("e.jsonl", 1),
        ("e.jsonl", 1),
        ("e.jsonl", 2),
        ("synonyms.yaml", 1),
    ]
    assert ("d.yaml", 1, "id: ports is taken by b.yaml; choose another") in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("aliases", "[港湾課]"),
        ("aliases", "[ﾎﾟｰﾂ, ＰＯＲＴＳ]"),
        ("name_en", "Ports"),
    ],
)
def test_a_division_that_goes_by_the_name_of_another(
    knowledge_folder: KnowledgeFolder, key: str, value: str
) -> None:
    lights = GOOD.replace("ports", "lights").replace("港湾課", "灯台課") + f"{key}: {value}\n"
    folder = knowledge_folder({"a.yaml": GOOD, "b.yaml": lights})
    ((file, _, problem),) = mistakes(folder)
    assert (file, problem.partition(":")[0]) == ("b.yaml", key)
    assert problem.endswith("is taken by a.yaml; choose another")


@pytest.mark.parametrize("about", ["ja: {titel: 港}", "jp: {title: 港}", "ja: 港"])
def test_what_cannot_be_said_of_a_document(knowledge_folder: KnowledgeFolder, about: str) -> None:
    ((file, line, _),) = mistakes(knowledge_folder({"a.yaml": GOOD, "about.yaml": about}))
    assert (file, line) == ("about.yaml", 1)


def test_two_divisions_of_one_name(knowledge_folder: KnowledgeFolder) -> None:
    folder = knowledge_folder({"a.yaml": GOOD, "b.yaml": GOOD.replace("ports", "harbours")})
    problem = "name: 港湾課 is taken by a.yaml; choose another"
    assert mistakes(folder) == [("b.yaml", 2, problem)]


def test_a_mistake_reads_as_file_line_problem(knowledge_folder: KnowledgeFolder) -> None:
    folder = knowledge_folder({"a.yaml": GOOD + "colour: 1\n"})
    with pytest.raises(KnowledgeError) as caught:
        load(folder)
    assert str(caught.value) == f"{folder}/a.yaml:6: colour: {UNKNOWN}"


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="No such file or directory"):
        load(tmp_path / "nowhere")
    with pytest.raises(KnowledgeError, match="no division here"):
        load(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(KnowledgeError, match="Not a directory"):
        load(tmp_path / "file")


def test_a_folder_named_like_a_file(knowledge_folder: KnowledgeFolder) -> None:
    folder = knowledge_folder({"a.yaml": GOOD})
    (folder / "b.yaml").mkdir()
    assert mistakes(folder) == [("b.yaml", 0, "cannot read this file: Is a directory")]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"division": "灯台課"}, [(2, "division: there is none with the name 灯台課")]),
        ({"answer": "堤防"}, [(2, "answer: not in the text of 港湾課: 堤防")]),
        ({"text": " "}, [(2, "text: empty")]),
        (
            {"section": None},
            [(2, "division, section and answer must be given together, or be null together")],
        ),
        (
            {"section": ["a", "b"], "answer": ["a"]},
            [(2, "division, section and answer: lists must be of one length")],
        ),
        ({"colour": "blue"}, [(2, f"colour: {UNKNOWN}")]),
    ],
)
def test_mistakes_in_the_log(
    knowledge_folder: KnowledgeFolder, entry: dict[str, Any], expected: list[tuple[int, str]]
) -> None:
    right = {"text": "点検は", "division": "港湾課", "section": "防波堤の点検", "answer": "毎年"}
    log = "questions:\n- " + json.dumps(right | entry, ensure_ascii=False)
    found = mistakes(knowledge_folder({"a.yaml": GOOD, "asked.yaml": log}))
    assert found == [("asked.yaml", *each) for each in expected]


def test_a_log_by_itself_is_checked_for_form_alone(tmp_path: Path) -> None:
    path = tmp_path / "any name.yaml"
    entry = "{text: 点検は, division: 灯台課, section: 光, answer: 光る}"
    path.write_text(f"questions: [{entry}]\ndialogues:\n- {{id: d, turns: [{entry}, {entry}]}}\n")
    log = load_log(path)
    assert [len(log.questions), len(log.dialogues[0].turns)] == [1, 2]
    path.write_text("questions: [{text: 点検は}]\n")
    with pytest.raises(KnowledgeError, match=r"any name.yaml:1: division: required"):
        load_log(path)
    with pytest.raises(KnowledgeError, match="No such file"):
        load_log(tmp_path / "nowhere.yaml")


def test_json_lines(knowledge_folder: KnowledgeFolder) -> None:
    other = {"id": "lights", "name": "灯台課", "aliases": ["灯課"], "parent": "官房"}
    content = json_lines(
        {"division": OWNER, **SECTION},
        {"division": other, **SECTION, "keywords": ["光"]},
        {"division": OWNER, **SECTION, "heading": "釣り", "path": ["春"]},
    )
    document = load(
        knowledge_folder(
            {
                "a.jsonl": content + "\n\n",
                "b.yaml": GOOD.replace("ports", "b").replace("港湾課", "乙課"),
            }
        )
    )
    ports, lights, _ = document.divisions
    assert [each.heading for each in ports.sections] == ["点検", "釣り"]
    assert (lights.aliases, lights.parent) == (("灯課",), "官房")
    assert lights.sections[0].keywords == ("光",)


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        ([{**SECTION}], 1, f"division: {REQUIRED}"),
        (
            [{"division": OWNER, **SECTION}, {"division": OWNER, "text": "a"}],
            2,
            f"heading: {REQUIRED}",
        ),
        ([{"division": {"id": "a"}, **SECTION}], 1, f"name: {REQUIRED}"),
        ([{"division": OWNER, **SECTION, "colour": 1}], 1, f"colour: {UNKNOWN}"),
        ([{"division": {**OWNER, "colour": 1}, **SECTION}], 1, f"colour: {UNKNOWN}"),
        ([{"division": OWNER, "heading": 5, "text": "a"}], 1, f"heading: {NO_TEXT}"),
        (
            [{"division": OWNER, **SECTION}, {"division": {**OWNER, "name": "乙"}, **SECTION}],
            2,
            "division ports is described otherwise in an earlier line",
        ),
        (
            [{"division": OWNER, **SECTION}, {"division": OWNER, "heading": "a", "text": " "}],
            2,
            "text: empty; fill it in or remove the line",
        ),
        (
            [{"division": {"id": "Ports", "name": "a"}, **SECTION}],
            1,
            "id: use a-z, 0-9 and - only, at most 32 characters",
        ),
    ],
)
def test_mistakes_in_json_lines(
    knowledge_folder: KnowledgeFolder, lines: list[dict[str, Any]], line: int, problem: str
) -> None:
    assert mistakes(knowledge_folder({"a.jsonl": json_lines(*lines)})) == [
        ("a.jsonl", line, problem)
    ]


@pytest.mark.parametrize("line", ["{", "5", "[]", "nothing", '{"division": NaN}', "\x00"])
def test_lines_that_are_no_json_objects(knowledge_folder: KnowledgeFolder, line: str) -> None:
    good = json_lines({"division": OWNER, **SECTION})
    found = mistakes(knowledge_folder({"a.jsonl": f"{good}\n{line}\n{good}"}))
    assert {(file, number) for file, number, _ in found} == {("a.jsonl", 2)}


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.dates(), st.text(max_size=8)
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["heading", "text", "span", "id", "ja", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
KEYS = ["id", "name", "sections", "aliases", "answers", "questions", "dialogues", "division"]
NAMES = ["a.yaml", "about.yaml", "synonyms.yaml", "outside.yaml", "asked.yaml", "a.jsonl"]


def told(folder: Path) -> list[str]:
    """The mistakes in a folder; none where it loads."""
    try:
        load(folder)
    except KnowledgeError as error:
        return [str(mistake) for mistake in error.mistakes]
    return []


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)


@fuzzed
@given(st.sampled_from(NAMES), st.one_of(VALUES, st.dictionaries(st.sampled_from(KEYS), VALUES)))
def test_any_yaml_loads_or_is_told(
    knowledge_folder: KnowledgeFolder, name: str, value: Any
) -> None:
    if name.endswith(".jsonl"):
        content = json.dumps(value, default=str)
    else:
        content = yaml.safe_dump(value, allow_unicode=True)
    found = told(knowledge_folder({"good.yaml": GOOD, **dict.fromkeys(NAMES, ""), name: content}))
    assert not any("\n" in mistake for mistake in found)


@fuzzed
@given(st.sampled_from(NAMES), st.binary(max_size=80))
def test_any_bytes_load_or_are_told(
    knowledge_folder: KnowledgeFolder, name: str, content: bytes
) -> None:
    found = told(knowledge_folder({"good.yaml": GOOD, name: content}))
    assert not any("\n" in mistake for mistake in found)
