"""Fitting: on a made-up document what is fitted is of use, and nobody is asked what they know."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

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
from bot.quality import fit as fitting
from bot.quality import folds
from bot.quality.evaluate import outcomes, question_figures
from bot.quality.fit import fit
from bot.settings import shipped_knowledge
from bot.text import normalize

FOLDS = 3
PLACES = {
    "港湾課": [("釣り場", "四月", "五百円"), ("防波堤", "五月", "六百円")],
    "灯台課": [("灯台", "六月", "七百円"), ("霧笛", "七月", "八百円")],
    "公園課": [("噴水", "八月", "九百円"), ("花壇", "九月", "二百円")],
}
"""Divisions and, of each thing, when it is opened and what it costs."""


def text_of(thing: str, month: str, price: str) -> str:
    return f"{thing}は{month}から開放しています。\n{thing}の料金は{price}です。"


def division(number: int, name: str) -> Division:
    sections = tuple(
        Section(
            heading=thing,
            text=text_of(thing, month, price),
            questions=(f"{thing}とは何ですか", f"{thing}について教えてください"),
        )
        for thing, month, price in PLACES[name]
    )
    answers = tuple(
        Answer(span=f"{thing}の料金は{price}", questions=(f"{thing}の値段を知りたい",))
        for thing, _, price in PLACES[name]
    )
    return Division(id=f"d{number}", name=name, sections=sections, answers=answers)


def asked(text: str, division: str, thing: str, span: str) -> Asked:
    return Asked(text=text, golds=(Gold(division=division, section=thing, span=span),))


def log() -> Log:
    questions = []
    for name, things in PLACES.items():
        for thing, month, price in things:
            questions += [
                asked(f"{thing}は何月から開放していますか", name, thing, month),
                asked(f"{thing}の開放は{month}ですか", name, thing, month),
                asked(f"{thing}の料金はいくらですか", name, thing, price),
                asked(f"{thing}は料金を取りますか", name, thing, price),
                Asked(text=f"所長の電話番号を{thing}の隣で聞けますか"),
                Asked(text=f"{thing}という名前のラーメン屋"),
            ]
    questions += [Asked(text=f"美味しい{each}を食べたい") for each in ("寿司", "蕎麦", "天丼")]
    return Log(questions=tuple(questions), dialogues=tuple(dialogues()))


def dialogues() -> list[Dialogue]:
    found = []
    everything = [(name, *thing) for name, things in PLACES.items() for thing in things]
    for i, (name, thing, month, price) in enumerate(everything):
        other = everything[i - 1]
        turns = (
            asked(f"{thing}はいつ開きますか", name, thing, month),
            asked("料金は？", name, thing, price),
            Asked(text="そこの課長は誰ですか"),
            asked(f"{other[1]}の料金は？", other[0], other[1], other[3]),
            Asked(text="ありがとう", smalltalk=True),
        )
        found.append(Dialogue(id=str(i), turns=turns))
    return found


@pytest.fixture(scope="module")
def common() -> Common:
    """What serves every document, with few of the examples, which take long to learn."""
    shipped = load(shipped_knowledge()).common
    acts = {
        name: replace(act, examples=tuple(act.examples[:5])) for name, act in shipped.acts.items()
    }
    return replace(shipped, acts=acts, outside=tuple(shipped.outside[:20]))


@pytest.fixture(scope="module")
def document(common: Common) -> Document:
    return Document(
        divisions=tuple(division(number, name) for number, name in enumerate(PLACES)),
        common=common,
        about={},
        outside=("課長の名前は何ですか", "電話番号を教えて", "職員は何人ですか", "歴史は"),
        asked=log(),
    )


Weights = dict[str, dict[str, float]]


@pytest.fixture(scope="module")
def fitted(document: Document) -> Weights:
    return fit(document, FOLDS)


def test_every_model_is_fitted(fitted: Weights, common: Common) -> None:
    """What is written has the form of what is read: the models that ship with the program."""
    assert fitted.keys() == common.weights.keys()
    for name, weights in fitted.items():
        assert weights.keys() == common.weights[name].keys(), name
        assert all(math.isfinite(value) for value in weights.values()), name
    assert any(fitted["section"].values())
    assert any(fitted["bare_section"].values())


def figures(document: Document, weights: Weights) -> dict[str, float]:
    """The figures over the log, each question put to an index that has not seen it."""
    weighed = replace(document, common=replace(document.common, weights=weights))
    found = question_figures(outcomes(weighed, document.asked))
    return {figure.name: figure.value for figure in found}


def test_more_is_right_with_the_weights_than_without(document: Document, fitted: Weights) -> None:
    nothing = {name: dict.fromkeys(weights, 0.0) for name, weights in fitted.items()}
    without, found = figures(document, nothing), figures(document, fitted)
    assert found["right passage, answerable"] > without["right passage, answerable"] + 0.5
    assert found["right replies"] > without["right replies"] + 0.4
    assert found["AUROC of confidence, answerable or not"] > 0.9


def test_what_speaks_for_an_answer_weighs_for_it(fitted: Weights) -> None:
    assert fitted["bare_section"]["passage"] > 0
    assert fitted["bare_sentence"]["words"] > 0


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Document]]:
    """The documents of which indexes are built, by who has them built."""
    documents: dict[str, list[Document]] = {"folds": [], "fit": []}

    def recording(name: str, build: Callable[[Document], Any]) -> Callable[[Document], Any]:
        def build_index(document: Document) -> Any:
            documents[name].append(document)
            return build(document)

        return build_index

    for name, module in (("folds", folds), ("fit", fitting)):
        monkeypatch.setattr(module, "build_index", recording(name, module.build_index))
    return documents


def test_every_question_is_left_out_where_it_is_asked(
    document: Document, built: dict[str, list[Document]], monkeypatch: pytest.MonkeyPatch
) -> None:
    put: list[tuple[object, str]] = []
    look_up = fitting.look_up

    def recording(index: Any, question: Any) -> Any:
        put.append((index, question.text))
        return look_up(index, question)

    monkeypatch.setattr(fitting, "look_up", recording)
    fit(document, FOLDS)
    everything = {normalize(each.text) for each in document.asked.questions}
    assert len(built["folds"]) >= FOLDS
    indexes = list(dict.fromkeys(id(index) for index, _ in put))
    seen = [
        {normalize(each.text) for each in part.asked.questions}
        for part in (*built["folds"], *built["fit"])
    ]
    for number, index in enumerate(indexes[:FOLDS]):
        asked_here = {text for each, text in put if id(each) == index}
        assert asked_here & seen[number] == set()
    taught = [text for each, text in put if id(each) in indexes[:FOLDS]]
    assert sorted(taught) == sorted(everything)  # each once


def test_what_is_left_out_is_really_gone(document: Document) -> None:
    """A word that only the log has finds nothing once its question is left out."""
    strange = asked("ぽこぺん", "港湾課", "釣り場", "四月")
    whole = replace(document, asked=replace(document.asked, questions=(strange,)))
    for text, kept in (("ぽこぺん", ()), (" ぽこぺん　", ()), (" ポコペン", (strange,))):
        left_out = Log(questions=(Asked(text=text),))
        assert folds.without(whole, left_out).asked.questions == kept
    ((index, part),) = folds.unseen(whole, whole.asked.questions, FOLDS)
    assert part == [strange]
    found = outcomes(whole, whole.asked)[0]
    assert not found.right
    assert index.size == 6
