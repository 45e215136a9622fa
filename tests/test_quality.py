"""Measuring: what counts as right, the figures by hand, and that nobody is asked what they know."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.document.load import load
from bot.document.model import (
    Answer,
    Asked,
    Common,
    Dialogue,
    Division,
    Document,
    Gold,
    Log,
    Section,
)
from bot.quality import evaluate, folds
from bot.quality.evaluate import Outcome, auroc, calibration_error, question_figures
from bot.quality.judge import has_division, has_passage, has_sentence, is_right
from bot.reply import Candidate, DivisionName, Kind, Reply
from bot.settings import shipped_knowledge
from bot.text import normalize

PASSAGE = "防波堤を毎年点検しています。結果は翌年の春に\n公表します。"


def candidate(sentence: str = "結果は翌年の春に", confidence: float = 0.9) -> Candidate:
    return Candidate(
        key="ports/1",
        division=DivisionName("ports", "港湾課", None),
        path=(),
        section="点検",
        passage=PASSAGE,
        sentence=sentence,
        source=None,
        confidence=confidence,
    )


def asked(*spans: str, division: str = "港湾課", **more: bool) -> Asked:
    golds = tuple(Gold(division=division, section="点検", span=span) for span in spans)
    return Asked(text="点検は", golds=golds, kind="k", **more)


def reply(kind: Kind, best: Candidate | None = None, confidence: float = 0.9) -> Reply:
    if kind is Kind.ANSWER:
        return Reply("点検は", kind, "", best or candidate(), confidence)
    alternatives = () if best is None else (best,)
    return Reply("点検は", kind, "", None, confidence, alternatives)


@pytest.mark.parametrize(
    ("given", "question", "right"),
    [
        (reply(Kind.ANSWER), asked("毎年点検"), True),
        (reply(Kind.ANSWER), asked("春に公表"), True),  # white space does not count
        (reply(Kind.ANSWER), asked("堤防", "毎年点検"), True),  # one of several is enough
        (reply(Kind.ANSWER), asked("堤防"), False),
        (reply(Kind.ANSWER), asked("毎年点検", division="灯台課"), False),
        (reply(Kind.ANSWER), asked(), False),  # the document does not say
        (reply(Kind.UNKNOWN), asked(), True),
        (reply(Kind.UNKNOWN, candidate()), asked("毎年点検"), False),
        (reply(Kind.CLARIFY), asked("毎年点検"), False),
        (reply(Kind.CLARIFY), asked("毎年点検", clarify_ok=True), True),
        (reply(Kind.ANSWER), asked("毎年点検", clarify_ok=True), True),
        (reply(Kind.CLARIFY), asked(), False),
        (reply(Kind.SMALLTALK), asked(smalltalk=True), True),
        (reply(Kind.SMALLTALK), asked(), False),
        (reply(Kind.UNKNOWN), asked(smalltalk=True), False),
        (reply(Kind.COMMAND), asked(), False),
    ],
)
def test_what_is_right(given: Reply, question: Asked, right: bool) -> None:
    assert is_right(given, question) is right


def test_division_passage_and_sentence_are_judged_apart() -> None:
    marked = candidate("結果は翌年の春に")
    assert has_division(marked, asked("堤防"))
    assert not has_division(marked, asked("毎年点検", division="灯台課"))
    assert has_passage(marked, asked("毎年点検"))
    assert not has_sentence(marked, asked("毎年点検"))
    assert has_sentence(marked, asked("翌年の春"))
    assert not has_sentence(marked, asked("翌年の春", division="灯台課"))


@pytest.mark.parametrize(
    ("positive", "negative", "expected"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1], [0.9], 0.0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.4], [0.5, 0.1], 0.75),
        ([0.9, 0.5], [0.5], 0.75),
    ],
)
def test_auroc(positive: list[float], negative: list[float], expected: float) -> None:
    assert auroc(positive, negative) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("confident", "expected"),
    [
        ([(1.0, True), (0.0, False)], 0.0),
        ([(1.0, False)], 1.0),
        ([(0.95, True), (0.95, False), (0.15, False)], 0.35),  # (|1.9 - 1| + 0.15) / 3
        ([(0.75, True), (0.75, True), (0.75, True), (0.75, False)], 0.0),
        ([(0.19, True), (0.21, False)], 0.51),  # two bins: (0.81 + 0.21) / 2
    ],
)
def test_calibration_error(confident: list[tuple[float, bool]], expected: float) -> None:
    assert calibration_error(confident) == pytest.approx(expected)


def test_figures_of_nothing_are_no_numbers() -> None:
    assert math.isnan(auroc([], [0.5]))
    assert math.isnan(calibration_error([]))
    assert all(math.isnan(figure.value) for figure in question_figures([]))


def test_figures_by_hand() -> None:
    found = [
        Outcome(
            asked("毎年点検"), reply(Kind.ANSWER, candidate("防波堤を毎年点検しています。"), 0.9)
        ),
        Outcome(asked("毎年点検"), reply(Kind.ANSWER, candidate("結果は翌年の春に"), 0.8)),
        Outcome(asked("堤防"), reply(Kind.ANSWER, candidate(), 0.7)),
        Outcome(asked("毎年点検"), reply(Kind.UNKNOWN, candidate(), 0.4)),
        Outcome(asked(), reply(Kind.UNKNOWN, candidate(), 0.2)),
        Outcome(asked(), reply(Kind.ANSWER, candidate(), 0.75)),
    ]
    figures = {figure.name: (figure.value, figure.count) for figure in question_figures(found)}
    assert figures == {
        "right replies": (pytest.approx(3 / 6), 6),
        "right division, answerable": (1.0, 4),
        "right passage, answerable": (pytest.approx(3 / 4), 4),
        "answerable, answered rightly": (pytest.approx(2 / 4), 4),
        "unanswerable, refused": (pytest.approx(1 / 2), 2),
        "confidently wrong, of all": (pytest.approx(2 / 6), 6),
        "AUROC of confidence, answerable or not": (pytest.approx(6 / 8), 6),
        # bins: 0.9, 0.8 (right); 0.7 and 0.75 (wrong); 0.4 (right); 0.2 (wrong)
        "expected calibration error": (pytest.approx((0.1 + 0.2 + 1.45 + 0.6 + 0.2) / 6), 6),
        "marked sentence holds the answer": (pytest.approx(1 / 2), 2),
    }


QUESTIONS = tuple(Asked(text=f"質問{number}") for number in range(23))


def document(common: Common) -> Document:
    section = Section(heading="点検", text=PASSAGE, keywords=("堤",), questions=("いつ点検",))
    answer = Answer(span="毎年点検", questions=("毎年か",))
    division = Division(id="ports", name="港湾課", sections=(section,), answers=(answer,))
    log = Log(questions=QUESTIONS)
    return Document(
        divisions=(division,),
        common=common,
        about={},
        synonyms=(("港", "湊"),),
        outside=("課長は誰",),
        asked=log,
    )


@pytest.fixture(scope="module")
def common() -> Common:
    return load(shipped_knowledge()).common


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Document]:
    """Stands in for the building of indexes: each "index" is the document it is built from."""
    documents: list[Document] = []

    def build(document: Document) -> Document:
        documents.append(document)
        return document

    monkeypatch.setattr(folds, "build_index", build)
    monkeypatch.setattr(folds, "Index", lambda document: document)
    return documents


def texts(questions: Sequence[Asked]) -> set[str]:
    return {normalize(each.text) for each in questions}


def test_each_index_has_seen_all_but_what_it_is_asked(
    common: Common, built: list[Document]
) -> None:
    parts = list(folds.unseen(document(common), QUESTIONS, 5))
    assert [index for index, _ in parts] == built
    for index, part in parts:
        seen = texts(index.asked.questions)  # type: ignore[attr-defined]
        assert seen == texts(QUESTIONS) - texts(part)
    together = [question for _, part in parts for question in part]
    assert sorted(each.text for each in together) == sorted(each.text for each in QUESTIONS)
    assert {len(part) for _, part in parts} == {4, 5}


def test_what_the_knowledge_does_not_hold_is_asked_of_the_whole(
    common: Common, built: list[Document]
) -> None:
    whole = document(common)
    fresh = [Asked(text="別の質問")]
    assert list(folds.unseen(whole, fresh, 5)) == [(whole, fresh)]
    assert built == [whole]


def test_a_question_is_known_however_it_is_typed(common: Common, built: list[Document]) -> None:
    ((index, _),) = folds.unseen(document(common), [Asked(text=" 質問７ ")], 5)
    assert "質問7" not in texts(index.asked.questions)  # type: ignore[attr-defined]
    assert len(built) == 1


def test_the_folds_are_the_same_every_time(common: Common, built: list[Document]) -> None:
    first = [part for _, part in folds.unseen(document(common), QUESTIONS, 5)]
    again = [part for _, part in folds.unseen(document(common), QUESTIONS, 5)]
    assert first == again
    assert len(built) == 10


def test_no_more_folds_than_questions(common: Common, built: list[Document]) -> None:
    assert len(list(folds.unseen(document(common), QUESTIONS[:3], 10))) == len(built) == 3


def test_a_dialogue_is_held_where_it_was_left_out(common: Common, built: list[Document]) -> None:
    dialogues = tuple(
        Dialogue(id=str(number), turns=(Asked(text=f"質問{number}"), Asked(text="いつ")))
        for number in range(7)
    )
    whole = replace(document(common), asked=Log(questions=QUESTIONS, dialogues=dialogues))
    parts = list(folds.unseen_dialogues(whole, dialogues, 3))
    assert [index for index, _ in parts] == built
    for index, part in parts:
        log = index.asked  # type: ignore[attr-defined]
        assert {each.id for each in log.dialogues} == {str(n) for n in range(7)} - {
            each.id for each in part
        }
        assert log.questions == QUESTIONS
    assert sorted(each.id for _, part in parts for each in part) == list("0123456")


def test_bare_is_the_document_alone(common: Common) -> None:
    whole = document(common)
    bare = folds.thinned(whole, 0)
    (section,) = bare.divisions[0].sections
    assert section == Section(heading="点検", text=PASSAGE)
    assert bare.divisions[0].answers == ()
    assert (bare.synonyms, bare.outside, bare.asked) == ((), (), Log())
    assert whole == document(common)


def test_outcomes_are_asked_of_indexes_that_have_not_seen_them(common: Common) -> None:
    log = Log(questions=(Asked(text="防波堤の点検は毎年ですか"), Asked(text="課長の名前は")))
    whole = replace(document(common), asked=log)
    found = evaluate.outcomes(whole, log)
    assert sorted(each.asked.text for each in found) == sorted(each.text for each in log.questions)
    assert all(each.reply.question == each.asked.text for each in found)


def test_nothing_of_what_is_measured_is_written_beside_the_document() -> None:
    """A question of the log is left out when it is measured; a copy elsewhere would not be."""
    whole = load(shipped_knowledge())
    written = {
        normalize(question)
        for division in whole.divisions
        for part in (*division.sections, *division.answers)
        for question in part.questions
    }
    written |= {normalize(question) for question in (*whole.outside, *whole.common.outside)}
    assert sorted(texts(whole.asked.questions) & written) == []
