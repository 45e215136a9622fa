"""How sure: what each feature says, and that more for an answer never makes it less likely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assistant import Assistant
from bot.retrieval.cache import open_index
from bot.retrieval.confidence import CONFIDENCE_FEATURES, confidence, confidence_features
from bot.retrieval.index import Index
from bot.retrieval.linear import LinearModel
from bot.retrieval.question import Question
from bot.retrieval.rank import SECTION_FEATURES, Ranking, look_up, rank

BY_PASSAGE = LinearModel.of(SECTION_FEATURES, {"passage": 10.0})


@pytest.fixture(scope="module")
def bare(small_knowledge: Path, cache: Path) -> Assistant:
    """An assistant that answers from a document with nothing written beside it."""
    return Assistant(open_index(small_knowledge, cache))


def ranked(index: Index, question: str) -> Ranking:
    hits = look_up(index, Question.read(question, index.synonyms))
    return rank(index, hits, BY_PASSAGE)


def features(index: Index, question: str) -> dict[str, float]:
    values = confidence_features(index, ranked(index, question)).tolist()
    return dict(zip(CONFIDENCE_FEATURES, values, strict=True))


def test_what_speaks_for_the_section(bare: Assistant) -> None:
    ranking = ranked(bare.index, "釣り場の開放")
    found = features(bare.index, "釣り場の開放")
    for name, value in zip(SECTION_FEATURES, ranking.features[0].tolist(), strict=True):
        assert found[name] == value
    assert found["share"] == ranking.shares[0]
    assert found["lead"] == pytest.approx(ranking.scores[0] - ranking.scores[1])
    assert found["division_lead"] == 0  # there is one division alone


def test_the_lead_over_other_divisions(harbour: Assistant) -> None:
    ranking = ranked(harbour.index, "釣り場の利用料")
    other = harbour.index.division_of[ranking.rows] != harbour.index.division_of[ranking.rows[0]]
    found = features(harbour.index, "釣り場の利用料")
    assert found["division_lead"] == pytest.approx(ranking.scores[0] - ranking.scores[other][0])
    assert found["division_lead"] >= found["lead"] >= 0


def test_what_the_section_explains_of_the_question(bare: Assistant) -> None:
    explained = features(bare.index, "釣り場は四月から十月まで開放しています")
    assert explained["words_covered"] == explained["bigrams_covered"] == pytest.approx(1)
    assert explained["words_missed"] == explained["bigrams_missed"] == 0
    partly = features(bare.index, "釣り場は四月から十月まで開放していますか火星旅行")
    assert partly["words_covered"] < 1
    assert partly["words_missed"] > 0
    foreign = features(bare.index, "xyzzy plugh")
    assert (foreign["words_covered"], foreign["bigrams_covered"]) == (0, 0)
    assert foreign["passage"] == 0


def test_the_question_itself(bare: Assistant) -> None:
    short, long = (
        features(bare.index, text) for text in ("釣り場", "釣り場の開放はいつまでですか")
    )
    assert 0 < short["length"] < long["length"]
    assert (short["english"], features(bare.index, "When does it open?")["english"]) == (0, 1)


@pytest.mark.parametrize(
    ("question", "lacks"),
    [
        ("釣り場の電話番号は", "lacks_contact"),
        ("防波堤の点検は何年ですか", "lacks_date"),
        ("防波堤の点検は何人ですか", "lacks_number"),
        ("釣り場の開放は何人ですか", None),  # 四 and 十 are numbers
        ("防波堤の点検はなぜですか", None),
    ],
)
def test_what_is_asked_for_and_is_not_there(
    bare: Assistant, question: str, lacks: str | None
) -> None:
    found = features(bare.index, question)
    assert {name for name in found if name.startswith("lacks_") and found[name]} == (
        {lacks} - {None}
    )


def test_the_probability_is_that_of_the_fitted_model(bare: Assistant) -> None:
    ranking = ranked(bare.index, "釣り場の開放")
    fitted = bare.index.model("confidence", CONFIDENCE_FEATURES)
    expected = fitted.probability(confidence_features(bare.index, ranking))
    assert confidence(bare.index, ranking) == expected


def test_nothing_was_found(bare: Assistant) -> None:
    hits = look_up(bare.index, Question.read("釣り場", bare.index.synonyms))
    nothing = rank(bare.index, hits, BY_PASSAGE, np.zeros(bare.index.size, bool))
    assert confidence(bare.index, nothing) == 0


# With the weights that ship with the program


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("釣り場の開放", "釣り場の開放とxyzzyの関係"),
        ("防波堤を毎年点検していますか", "灯台を毎年点検していますか"),
        ("防波堤の点検結果の公表", "量子コンピューターの点検"),
        ("釣り場は四月から十月まで開放していますか", "海水浴場は何時から何時まで開いていますか"),
    ],
)
def test_a_bare_document_is_surer_of_what_it_says(bare: Assistant, more: str, less: str) -> None:
    (_, surer), (_, unsure) = bare.understanding.judge(more), bare.understanding.judge(less)
    assert surer > unsure


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ("国際課の使命は何ですか", "国際課の電話番号は何番ですか"),
        ("能登半島地震のとき何をしましたか", "能登半島地震の震度はいくつでしたか"),
        ("人事課の研修はどこで行いますか", "人事課の研修の講師は誰ですか"),
        ("予算のとりまとめはどの課ですか", "予算の内訳を円単位で教えてください"),
        ("EPAとは何ですか", "明日の天気は何ですか"),
    ],
)
def test_the_shipped_document_is_surer_of_what_it_says(
    shipped_assistant: Assistant, more: str, less: str
) -> None:
    (_, surer), (_, unsure) = (
        shipped_assistant.understanding.judge(more),
        shipped_assistant.understanding.judge(less),
    )
    assert surer > max(unsure, 0.5)


@settings(max_examples=150)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_question_has_a_probability(bare: Assistant, question: str) -> None:
    assert np.isfinite([*features(bare.index, question).values()]).all()
    _, probability = bare.understanding.judge(question)
    assert 0 < probability < 1
