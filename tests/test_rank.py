"""From hits to sections: what speaks for each, their order, and the sentence that answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.document.load import load
from bot.retrieval.build import build_index
from bot.retrieval.index import Index
from bot.retrieval.linear import LinearModel
from bot.retrieval.question import Question
from bot.retrieval.rank import (
    SECTION_FEATURES,
    SENTENCE_FEATURES,
    Ranking,
    best_sentence,
    look_up,
    rank,
    section_features,
    sentence_features,
    sentences_by_score,
)

DIVISION = """\
id: {id}
name: {name}
sections:
  - heading: 点検
    text: 防波堤を毎年点検しています。結果は2024年の春に公表します。
  - heading: 釣り場
    text: 釣り場は誰でも使えます。利用料は五百円です。釣り場は広いです。
  - heading: 同じ
    text: 風の強い日は閉めます。
  - heading: 同じ
    path: [別]
    text: 風の強い日は閉めます。
"""
NOTHING = LinearModel.of(SECTION_FEATURES, {})


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Two divisions that have the same text; nothing beside it."""
    folder = tmp_path_factory.mktemp("twins")
    for id_, name in (("ports", "港湾課"), ("lights", "灯台課")):
        path = folder / f"{id_}.yaml"
        path.write_text(DIVISION.format(id=id_, name=name), encoding="utf-8")
    return Index(build_index(load(folder)))


def ranked(index: Index, question: str, **weights: float) -> Ranking:
    hits = look_up(index, Question.read(question, index.synonyms))
    return rank(index, hits, LinearModel.of(SECTION_FEATURES, weights))


def headings(index: Index, ranking: Ranking) -> list[str]:
    return [index.section(row).heading for row in ranking.rows.tolist()]


def test_the_words_of_a_question_decide(index: Index) -> None:
    assert set(headings(index, ranked(index, "防波堤の点検", passage=1))[:2]) == {"点検"}
    assert set(headings(index, ranked(index, "釣り場の利用料", passage=1))[:2]) == {"釣り場"}
    assert set(headings(index, ranked(index, "風が強い", sentence=1))[:2]) == {"同じ"}


def test_a_title_decides(index: Index) -> None:
    best = ranked(index, "港湾課の釣り場", passage=1).rows[0]
    assert index.division(index.section(int(best)).division).names.id == "ports"
    best = ranked(index, "灯台課の釣り場", passage=1).rows[0]
    assert index.division(index.section(int(best)).division).names.id == "lights"


def test_equals_stand_in_the_order_of_the_document(index: Index) -> None:
    rows = ranked(index, "風の強い日は").rows  # nothing is weighed, so all are equal
    assert rows.tolist() == sorted(rows.tolist())
    ranking = ranked(index, "風の強い日は", sentence=1)
    for earlier, later in zip(
        range(len(ranking.rows) - 1), range(1, len(ranking.rows)), strict=True
    ):
        scores, rows = ranking.scores, ranking.rows
        assert (-scores[earlier], rows[earlier]) < (-scores[later], rows[later])
    assert ranking.scores[0] == ranking.scores[1] > 0


def test_scores_are_what_speaks_for_each_weighed(index: Index) -> None:
    weights = {name: number + 0.5 for number, name in enumerate(SECTION_FEATURES)}
    ranking = ranked(index, "釣り場はいつ開きますか", **weights)
    expected = ranking.features @ list(weights.values())
    np.testing.assert_allclose(ranking.scores, expected, atol=1e-9)
    assert (np.diff(ranking.scores) <= 0).all()
    assert ranking.shares.sum() == pytest.approx(1)
    odds = ranking.shares / ranking.shares[0]
    np.testing.assert_allclose(odds, np.exp(ranking.scores - ranking.scores[0]))
    again = section_features(index, ranking.hits, ranking.rows)
    np.testing.assert_array_equal(ranking.features, again)


def test_what_the_features_mean(index: Index) -> None:
    ranking = ranked(index, "防波堤を毎年点検しています", passage=1)
    features = dict(zip(SECTION_FEATURES, ranking.features.T, strict=True))
    scores = ranking.hits.passages.of(np.arange(index.size)) / ranking.hits.passages.ceiling
    np.testing.assert_allclose(features["passage"], scores[ranking.rows])
    every = np.arange(index.first_sentence[-1])
    sentences = ranking.hits.sentences.of(every) / ranking.hits.sentences.ceiling
    for row, value in zip(ranking.rows.tolist(), features["sentence"].tolist(), strict=True):
        start, end = index.first_sentence[row : row + 2]
        assert value == pytest.approx(sentences[start:end].max())
    assert features["sentence"][0] > 0.5  # it is that sentence, letter for letter
    assert (ranking.features >= -5).all()


def test_only_what_is_allowed(index: Index) -> None:
    hits = look_up(index, Question.read("防波堤の点検", index.synonyms))
    for row in range(index.size):
        allowed = np.arange(index.size) == row
        assert rank(index, hits, NOTHING, allowed).rows.tolist() == [row]
    nothing = rank(index, hits, NOTHING, np.zeros(index.size, bool))
    assert [len(each) for each in (nothing.rows, nothing.scores, nothing.shares)] == [0, 0, 0]


def test_no_more_than_a_handful_is_looked_at(shipped_index: Index) -> None:
    ranking = ranked(shipped_index, "厚生労働省の取組", passage=1)
    assert len(ranking.rows) == 10 < shipped_index.size
    assert ranking.rows[0] == ranking.hits.passages.best(1)[0]


def test_taken_together(index: Index) -> None:
    ranking = ranked(index, "防波堤の点検", passage=5)
    alike = np.array([heading == "点検" for heading in headings(index, ranking)])
    assert alike[:2].all()
    united = ranking.united(alike)
    assert united.rows.tolist() == [ranking.rows[0], *ranking.rows[2:]]
    assert united.shares[0] == pytest.approx(ranking.shares[:2].sum())
    assert united.shares.sum() == pytest.approx(1)
    assert ranking.shares[0] < united.shares[0]  # the ranking itself is as it was


@pytest.mark.parametrize(
    ("question", "heading", "sentence"),
    [
        ("防波堤の点検", "点検", "防波堤を毎年点検しています。"),
        ("結果の公表", "点検", "結果は2024年の春に公表します。"),
        ("利用料は", "釣り場", "利用料は五百円です。"),
        ("xyz", "釣り場", "釣り場は誰でも使えます。"),  # nothing speaks for any: the first
    ],
)
def test_the_sentence_that_answers(
    index: Index, question: str, heading: str, sentence: str
) -> None:
    hits = ranked(index, question).hits
    row = next(row for row in range(index.size) if index.section(row).heading == heading)
    best = best_sentence(index, hits, row)
    assert index.sentence(best) == sentence
    order = sentences_by_score(index, hits, row)
    assert order[0] == best
    assert sorted(order) == list(range(*index.first_sentence[row : row + 2].tolist()))


@pytest.mark.parametrize(
    ("question", "shown"),
    [("いつですか", [0.0, 1.0]), ("何年ですか", [0.0, 1.0]), ("なぜですか", [1.0, 1.0])],
)
def test_a_sentence_with_what_is_asked_for(index: Index, question: str, shown: list[float]) -> None:
    features = sentence_features(index, ranked(index, question).hits, 0, 2)
    assert index.sentence(0).startswith("防波堤")
    assert features[:, SENTENCE_FEATURES.index("type")].tolist() == shown


def test_a_section_of_one_sentence(index: Index) -> None:
    row = next(row for row in range(index.size) if index.section(row).heading == "同じ")
    hits = ranked(index, "風").hits
    assert sentences_by_score(index, hits, row) == [int(index.first_sentence[row])]


def test_what_was_learned_counts(shipped_index: Index) -> None:
    """In a document with examples the margins of the learned model are among the features."""
    ranking = ranked(shipped_index, "国際課の英語名", margin=1, sentence_margin=1)
    features = dict(zip(SECTION_FEATURES, ranking.features.T, strict=True))
    leaning = ranking.hits.leaning
    np.testing.assert_array_equal(features["margin"], leaning.sections[ranking.rows])
    row = int(ranking.rows[0])
    start, end = shipped_index.first_sentence[row : row + 2]
    assert features["sentence_margin"][0] == leaning.sentences[start:end].max()


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_any_question_is_ranked(index: Index, question: str) -> None:
    ranking = ranked(index, question, passage=3, sentence=1)
    assert np.isfinite(ranking.features).all()
    assert ranking.shares.sum() == pytest.approx(1)
    assert len(set(ranking.rows.tolist())) == len(ranking.rows)


def test_a_folder_with_the_required_keys_alone(small_knowledge: Path) -> None:
    bare = Index(build_index(load(small_knowledge)))
    hits = look_up(bare, Question.read("釣り場", bare.synonyms))
    ranking = rank(bare, hits, bare.model("section", SECTION_FEATURES))
    assert bare.section(int(ranking.rows[0])).heading == "釣り場の開放"
