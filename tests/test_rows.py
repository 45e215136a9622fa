"""A document laid out in rows: which rows the examples point to."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bot.document.load import load
from bot.document.model import Asked, Common, Dialogue, Division, Document, Gold, Log, Section
from bot.retrieval.rows import Example, Rows, lay_out
from bot.settings import shipped_knowledge

PIER = Gold(division="港湾課", section="釣り場", span="四月から")
PRICE = Gold(division="港湾課", section="釣り場", span="五百円")


@pytest.fixture(scope="module")
def common() -> Common:
    return load(shipped_knowledge()).common


def rows(common: Common, *turns: Asked) -> Rows:
    section = Section(heading="釣り場", text="四月から開いています。料金は五百円です。")
    dialogues = (Dialogue(id="1", turns=turns),)
    return lay_out(
        Document(
            divisions=(Division(id="ports", name="港湾課", sections=(section,)),),
            common=common,
            about={},
            asked=Log(dialogues=dialogues),
        )
    )


def read_in_context(found: Rows, *lines: str) -> dict[str, Sequence[int]]:
    """The examples whose questions end in one of the lines, with the sentences they point to."""
    return {e.question: e.sentences for e in found.examples if e.question.endswith(lines)}


def test_the_lines_of_a_dialogue_teach_as_whole_questions(common: Common) -> None:
    found = rows(
        common,
        Asked(text="こんにちは", smalltalk=True),
        Asked(text="釣り場はいつ開くの", golds=(PIER,)),
        Asked(text="料金は?", golds=(PRICE,)),
        Asked(text="子どもは?"),
    )
    assert read_in_context(found, "釣り場はいつ開くの", "料金は?", "子どもは?") == {
        "釣り場はいつ開くの": (0,),
        "港湾課の料金は?": (1,),
        "釣り場はいつ開くの 料金は?": (1,),
        "港湾課の子どもは?": (),
        "釣り場はいつ開くの 子どもは?": (),
        "料金は? 子どもは?": (),
    }


def test_the_same_asked_of_another_division_and_of_yet_another(common: Common) -> None:
    found = rows(
        common,
        Asked(text="釣り場はいつ開くの", golds=(PIER,)),
        Asked(text="港湾課は?", golds=(PRICE,)),
        Asked(text="じゃあ港湾課は?"),
    )
    assert "港湾課の釣り場はいつ開くの" in read_in_context(found, "釣り場はいつ開くの")
    assert "港湾課" not in read_in_context(found, "港湾課")


def test_what_is_no_question_teaches_nothing(common: Common) -> None:
    """Nor does a line that follows, by itself: it may mean anything."""
    alone = rows(common, Asked(text="ぽこぺんありがとう", smalltalk=True))
    assert read_in_context(alone, "ぽこぺんありがとう") == {}
    nothing = rows(common)
    assert alone.examples == nothing.examples
    assert all(isinstance(each, Example) for each in nothing.examples)
