"""What is learned from questions: that it tells things apart, and that its sums are exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.retrieval.intents import Intents, Leaning, learn_intents
from bot.retrieval.question import Question
from bot.retrieval.rows import Example
from bot.retrieval.terms import Synonyms, analyse, word_term
from bot.text import normalize

NO_SYNONYMS = Synonyms({})
TIDE, GATE = (0,), (1,)
"""The two sections: of tides (one sentence, number 0) and of gates (sentences 1 and 2)."""
EXAMPLES = [
    Example("満潮は何時ですか", TIDE, (0,)),
    Example("潮の満ち引きを知りたい", TIDE, (0,)),
    Example("満潮の時刻を教えて", TIDE, (0,)),
    Example("今日の潮はどうですか", TIDE, ()),
    Example("水門はいつ開きますか", GATE, (1,)),
    Example("水門を開く時刻を教えて", GATE, (1,)),
    Example("水門の鍵はどこですか", GATE, (2,)),
    Example("鍵を貸してください", GATE, (2,)),
    Example("所長の名前は何ですか", (), ()),
    Example("所長の電話番号は", (), ()),
    Example("電話をかけたい", (), ()),
    Example("名前を教えて", (), ()),
    Example("こんにちは", (), (), 0),
    Example("こんばんは", (), (), 0),
    Example("ありがとう", (), (), 1),
    Example("どうもありがとうございます", (), (), 1),
]
SIZES = {"sections": 2, "sentences": 3, "acts": [True, True]}

Arrays = dict[str, NDArray[np.generic]]


def learned(examples: Sequence[Example], **sizes: object) -> Arrays:
    terms = [analyse(normalize(each.question), NO_SYNONYMS).terms for each in examples]
    return learn_intents(examples, terms, **{**SIZES, **sizes})


@pytest.fixture(scope="module", autouse=True)
def few_are_enough() -> Iterator[None]:
    """So small a table teaches nothing by the measure of thousands of examples."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bot.retrieval.intents._SHARED", 2)
        yield


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return learned(EXAMPLES)


@pytest.fixture(scope="module")
def intents(arrays: Arrays) -> Intents:
    return Intents(arrays, 2, 3)


def lean(intents: Intents, text: str) -> Leaning:
    question = Question.read(text, NO_SYNONYMS)
    return intents.lean(question.terms)


def label(leaning: Leaning) -> str:
    """The label that a question leans to most, of those that exclude one another."""
    margins = [*leaning.sections, leaning.outside, *leaning.acts]
    return ["tide", "gate", "outside", "greeting", "thanks"][int(np.argmax(margins))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("満潮はいつ", "tide"),
        ("潮のことを聞きたい", "tide"),
        ("水門について", "gate"),
        ("鍵は", "gate"),
        ("所長は誰ですか", "outside"),
        ("電話は", "outside"),
        ("こんにちは！", "greeting"),
        ("ありがとうございました", "thanks"),
    ],
)
def test_it_tells_them_apart(intents: Intents, text: str, expected: str) -> None:
    assert label(lean(intents, text)) == expected


def test_what_it_learned_from_it_knows(intents: Intents) -> None:
    for example in EXAMPLES:
        leaning = lean(intents, example.question)
        margins = [*leaning.sections, leaning.outside, *leaning.acts]
        right = [*example.sections] if example.sections else [2 + (example.act is not None)]
        if example.act is not None:
            right = [3 + example.act]
        assert {i for i, margin in enumerate(margins) if margin > 0} == set(right)


def test_small_talk_of_any_kind_is_told_from_questions(intents: Intents) -> None:
    for text in ("こんばんはー", "ありがとうね"):
        leaning = lean(intents, text)
        assert leaning.talk > max(leaning.outside, *leaning.sections)
    assert lean(intents, "鍵を貸してください").talk < 0


def test_an_act_may_be_no_small_talk() -> None:
    leaning = lean(Intents(learned(EXAMPLES, acts=[True, False]), 2, 3), "ありがとう")
    assert leaning.acts[1] > 0 > leaning.talk


def test_sentences_are_told_apart(intents: Intents) -> None:
    assert np.argmax(lean(intents, "水門の鍵を貸して").sentences) == 2
    assert np.argmax(lean(intents, "水門が開く時刻").sentences) == 1
    assert np.argmax(lean(intents, "満潮の時刻").sentences) == 0


def test_the_sizes(intents: Intents) -> None:
    leaning = lean(intents, "満潮")
    sizes = [len(each) for each in (leaning.sections, leaning.sentences, leaning.acts)]
    assert sizes == [2, 3, 2]


@pytest.mark.parametrize("text", ["", " ", "qqq", "🙂"])
def test_a_question_without_a_known_term(intents: Intents, arrays: Arrays, text: str) -> None:
    leaning = lean(intents, text)
    found = [*leaning.sections, *leaning.sentences, leaning.outside, leaning.talk, *leaning.acts]
    np.testing.assert_array_equal(found, arrays["bias"])


def test_no_example_has_an_answer() -> None:
    outside = [each for each in EXAMPLES if not each.sections]
    leaning = lean(Intents(learned(outside), 2, 3), "所長の電話番号は")
    assert leaning.outside > 0
    # What nothing was learned of is as far away as what an example excludes.
    assert leaning.sections.tolist() == [-1, -1]
    assert leaning.sentences.tolist() == [-1, -1, -1]


def test_every_example_is_of_one_kind() -> None:
    alike = [Example(each.question, (), ()) for each in EXAMPLES if each.act is None]
    leaning = lean(Intents(learned(alike, acts=[]), 2, 3), "満潮は")
    assert (leaning.outside, leaning.sections.tolist(), len(leaning.acts)) == (1, [-1, -1], 0)


def test_a_document_without_any_section_to_learn_of() -> None:
    acts = [each for each in EXAMPLES if each.act is not None]
    leaning = lean(Intents(learned(acts, sections=0, sentences=0), 0, 0), "ありがとう")
    assert (len(leaning.sections), len(leaning.sentences)) == (0, 0)
    assert leaning.acts[1] > 0 > leaning.acts[0]


def test_an_example_with_several_answers() -> None:
    both = [*EXAMPLES, Example("時刻表", (0, 1), (0, 1)), Example("時刻表は", (0, 1), (0, 1))]
    leaning = lean(Intents(learned(both), 2, 3), "時刻表")
    assert min(leaning.sections) > 0
    assert leaning.outside < 0


def test_what_is_learned_is_the_same_every_time(arrays: Arrays) -> None:
    for name, array in learned(EXAMPLES).items():
        assert array.dtype == arrays[name].dtype
        np.testing.assert_array_equal(array, arrays[name])


def test_weights_are_whole_parts_of_the_greatest_of_their_term(arrays: Arrays) -> None:
    assert arrays["weights"].dtype == np.int8
    assert set(np.abs(arrays["weights"]).max(axis=1).tolist()) <= {0, 127}


def test_the_commonest_terms_are_kept(monkeypatch: pytest.MonkeyPatch, arrays: Arrays) -> None:
    labels = len(arrays["bias"])
    monkeypatch.setattr("bot.retrieval.intents._CELLS", 10 * labels)
    kept = learned(EXAMPLES)["terms"]
    assert len(kept) == 10
    assert set(kept.tolist()) <= set(arrays["terms"].tolist())
    assert word_term("鍵") not in kept  # only two examples have it


def reference(arrays: Arrays, question: Question) -> list[float]:
    """The margins term by term."""
    known = arrays["terms"].tolist()
    places = [known.index(term) for term in question.terms.tolist() if term in known]
    margins = [float(bias) for bias in arrays["bias"]]
    norm = math.sqrt(sum(float(arrays["idf"][place]) ** 2 for place in places)) or 1.0
    for place in places:
        value = float(arrays["idf"][place]) / norm * float(arrays["scale"][place])
        for label, weight in enumerate(arrays["weights"][place].tolist()):
            margins[label] += value * weight
    return margins


@given(st.lists(st.sampled_from([each.question for each in EXAMPLES]), max_size=3).map("".join))
def test_margins_are_those_of_the_formula(arrays: Arrays, text: str) -> None:
    question = Question.read(text, NO_SYNONYMS)
    leaning = Intents(arrays, 2, 3).lean(question.terms)
    found = [*leaning.sections, *leaning.sentences, leaning.outside, leaning.talk, *leaning.acts]
    np.testing.assert_allclose(found, reference(arrays, question), rtol=0, atol=1e-12)
