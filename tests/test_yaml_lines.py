"""YAML with the line of everything in it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.document.yaml_lines import Path, YamlError, YamlLines

TEXT = """\
id: ports
name:
  港湾課
sections:
  - heading: 一
    text: |
      本文

      二段落目
    keywords: [釣り, 防波堤]
  -
    heading: 二
"""


def test_the_value_is_that_of_yaml() -> None:
    assert YamlLines(TEXT).value == {
        "id": "ports",
        "name": "港湾課",
        "sections": [
            {"heading": "一", "text": "本文\n\n二段落目\n", "keywords": ["釣り", "防波堤"]},
            {"heading": "二"},
        ],
    }


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("id",), 1),
        (("name",), 2),
        (("sections",), 4),
        (("sections", 0), 5),
        (("sections", 0, "text"), 6),
        (("sections", 0, "keywords", 1), 10),
        (("sections", 1), 12),
        (("sections", 1, "text"), 12),  # missing: the line of its section
        (("sections", 7, "text"), 4),
        (("colour",), 1),
    ],
)
def test_lines(path: Path, line: int) -> None:
    assert YamlLines(TEXT).line(path) == line


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\n\tb: 2", 2, "tab"),
        ("a: [1, 2\nb: 3\n", 2, "expected ',' or ']'"),
        ("a: &x 1\nb: *x", 1, "anchors and aliases"),
        ("a: *x", 1, "undefined alias"),
        ("a: 1\n---\nb: 2", 2, "another document"),
        ("a: '", 1, "not valid YAML"),
        ("a: b: c", 1, "not valid YAML"),
        ("a: \0", 1, "not valid YAML"),
        ("a: \x1b[31m", 1, "not valid YAML"),
        ("[" * 3000, 1, ""),
        ("a: !!binary zz", 1, "not valid YAML"),
        ("a: 1\nb: =", 2, "not valid YAML"),
    ],
)
def test_mistakes(text: str, line: int, problem: str) -> None:
    with pytest.raises(YamlError) as caught:
        YamlLines(text)
    found, said = caught.value.problems[0]
    assert found == line
    assert problem in said
    assert "\n" not in said


def test_all_repeated_keys_are_named_and_the_first_count() -> None:
    found = YamlLines("a: 1\na: 2\nb:\n  c: 1\n  c: 2\n")
    assert found.value == {"a": 1, "b": {"c": 1}}
    assert found.repeated == [(2, "a: given twice; keep one"), (5, "c: given twice; keep one")]
    assert found.line(("a",)) == 1


def test_repeated_keys_are_named_beside_other_mistakes() -> None:
    with pytest.raises(YamlError) as caught:
        YamlLines("a: 1\na: 2\nb: &x 1\nc: *x\n")
    assert [line for line, _ in caught.value.problems] == [2, 3]


@pytest.mark.parametrize("text", ["", "# a remark\n", "~"])
def test_nothing(text: str) -> None:
    assert YamlLines(text).value is None


@pytest.mark.parametrize(
    "text", ["2024-13-45", "0o9", "1_0:99", ".inf", "!!python/name:os.system []"]
)
def test_odd_values_do_no_harm(text: str) -> None:
    YamlLines(f"a: {text}")


YAMLISH = st.text(st.sampled_from("ab: \n-[]{}&*!|>'\"#?,\t~1.\0é港"), max_size=60)


def problems(text: str) -> list[tuple[int, str]]:
    try:
        YamlLines(text)
    except YamlError as error:
        return error.problems
    return []


@example("\ud800")
@example("a: !!bool b")
@example("a: !!timestamp b")
@example("a: !!int ''")
@given(st.one_of(YAMLISH, st.text(st.characters(), max_size=60)))
def test_no_text_breaks_it(text: str) -> None:
    assert all(line >= 1 and "\n" not in problem for line, problem in problems(text))
