"""The inverted list against the same formula in plain, slow Python."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.retrieval.counts as counts_module
import bot.retrieval.postings as postings_module
from bot.retrieval.counts import K1, PASSAGE_WEIGHTS, B, Counts, build_postings, count_terms
from bot.retrieval.lexicon import Lexicon
from bot.retrieval.postings import Matches, Postings, cut, gather
from bot.retrieval.terms import Family

Term = tuple[Family, int]
Rows = list[list[Term]]

TERM = st.tuples(st.sampled_from(Family), st.integers(0, 7))
ROWS = st.lists(st.lists(TERM, max_size=20), max_size=8)
QUESTION = st.lists(TERM, max_size=12, unique=True).map(sorted)
WEIGHTS = {**PASSAGE_WEIGHTS}


def encode(terms: Sequence[Term]) -> np.ndarray:
    return np.array([family << 60 | code for family, code in terms], np.uint64)


def counted(rows: Rows, weights: Mapping[Family, float] = WEIGHTS) -> Counts:
    return count_terms([encode(row) for row in rows], weights)


def lexicon_of(parts: Sequence[Counts]) -> np.ndarray:
    return np.unique(np.concatenate([part.terms for part in parts]))


def match(rows: Rows, question: Sequence[Term], *, search: bool = True, parts: int = 1) -> Matches:
    """What an index of the rows, put together from so many parts, finds."""
    size = max(-(-len(rows) // parts), 1)
    each = [counted(rows[start : start + size]) for start in range(0, max(len(rows), 1), size)]
    lexicon = lexicon_of(each)
    found = Lexicon(lexicon).find(np.sort(encode(question)))
    return Postings(build_postings(each, lexicon)).match(found, search=search)


def is_common(rows: Rows, term: Term) -> bool:
    frequency = sum(term in row for row in rows) if term[0] in WEIGHTS else 0
    return frequency > max(counts_module._COMMON * len(rows), counts_module._NEVER_COMMON)


def slow_idf(rows: Rows, term: Term) -> float:
    if is_common(rows, term):
        return 0.0
    frequency = sum(term in row for row in rows) if term[0] in WEIGHTS else 0
    return math.log(1 + (len(rows) - frequency + 0.5) / (frequency + 0.5))


def slow_scores(rows: Rows, question: Sequence[Term]) -> list[float]:
    counts = [Counter(row) for row in rows]
    lengths = [Counter(family for family, _ in row) for row in rows]
    scores = [0.0] * len(rows)
    for term in question:
        family = term[0]
        average = sum(length[family] for length in lengths) / max(len(rows), 1)
        for row, count in enumerate(counts):
            if count[term]:
                norm = 1 - B + B * lengths[row][family] / average
                saturated = count[term] * (K1 + 1) / (count[term] + K1 * norm)
                scores[row] += WEIGHTS.get(family, 0.0) * slow_idf(rows, term) * saturated
    return scores


def scores(found: Matches, rows: Rows) -> list[float]:
    return found.of(np.arange(len(rows))).tolist()


def order(scores: Sequence[float]) -> list[int]:
    """Best first; equals in the order of rows."""
    return sorted(range(len(scores)), key=lambda row: (-scores[row], row))


@pytest.fixture(autouse=True, params=[0, 2, 64], ids=lambda few: f"common above {few}")
def never_common(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """So few rows that terms are common in them, or may not be."""
    monkeypatch.setattr(counts_module, "_NEVER_COMMON", request.param)


fixed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@fixed
@given(ROWS, QUESTION, st.integers(1, 3))
def test_scores_are_those_of_the_formula(rows: Rows, question: list[Term], parts: int) -> None:
    found = match(rows, question, parts=parts)
    assert scores(found, rows) == pytest.approx(slow_scores(rows, question), rel=1e-6, abs=1e-3)
    assert found.best(len(rows)).tolist() == order(scores(found, rows))


@fixed
@given(ROWS, QUESTION)
def test_rows_come_in_the_order_of_the_formula(rows: Rows, question: list[Term]) -> None:
    slow = slow_scores(rows, question)
    ranked = order(scores(match(rows, question), rows))
    for better, worse in itertools.pairwise(ranked):
        assert slow[better] >= slow[worse] - 2e-3


@fixed
@given(ROWS, QUESTION)
def test_idf_and_ceiling(rows: Rows, question: list[Term]) -> None:
    found = match(rows, question)
    idf = [slow_idf(rows, term) for term in question]
    assert found.idf.tolist() == pytest.approx(idf, rel=1e-6)
    ceiling = sum(
        WEIGHTS.get(term[0], 0.0) * each for term, each in zip(question, idf, strict=True)
    )
    assert found.ceiling == pytest.approx(ceiling, rel=1e-6)


@fixed
@given(ROWS, QUESTION)
def test_held_names_the_terms_of_a_row(rows: Rows, question: list[Term]) -> None:
    found = match(rows, question)
    for row, terms in enumerate(rows):
        expected = [
            term in terms and term[0] in WEIGHTS and not is_common(rows, term) for term in question
        ]
        assert found.held(row).tolist() == expected


def test_a_second_occurrence_tells_little() -> None:
    word = (Family.WORD, 1)
    filler = [(Family.WORD, 2), (Family.WORD, 3)]
    rows = [[word, *filler], [word, word, filler[0]], filler, *[[(Family.WORD, 4)]] * 6]
    once, twice, never = match(rows, [word]).of(np.arange(3)).tolist()
    assert never == 0
    assert once < twice < 1.5 * once


def test_families_without_a_weight_are_left_out() -> None:
    rows = [[(Family.WORD, 1), (Family.BIGRAM, 1)]]
    assert counted(rows, {Family.WORD: 1.0}).terms.tolist() == encode([(Family.WORD, 1)]).tolist()


def test_nothing_is_found_in_nothing() -> None:
    assert match([], [(Family.WORD, 1)]).best(3).tolist() == []
    assert match([[], []], []).best(2).tolist() == [0, 1]


@fixed
@given(
    ROWS,
    QUESTION,
    st.integers(0, 30),
    st.fixed_dictionaries(
        {"_RAREST": st.sampled_from([0, 3, 100]), "_LITTLE": st.sampled_from([0.0, 0.7, 1.0])}
    ),
    st.data(),
)
def test_looking_common_terms_up_changes_nothing(
    rows: Rows,
    question: list[Term],
    budget: int,
    limits: dict[str, float],
    data: st.DataObject,
) -> None:
    """However few postings are added up, the same rows come out with the same scores."""
    flags = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    allowed = np.array(flags, bool)
    count = min(data.draw(st.integers(1, 4)), int(allowed.sum()))
    slow = match(rows, question)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_module, "_BUDGET", budget)
        for name, limit in limits.items():
            patch.setattr(postings_module, name, limit)
        fast = match(rows, question)
        looked_up = match(rows, question, search=False)
        if count:
            found = fast.best(count, allowed).tolist()
            ranked = order(scores(slow, rows))
            assert found == [row for row in ranked if allowed[row]][:count]
    assert scores(fast, rows) == scores(slow, rows) == scores(looked_up, rows)


@fixed
@given(ROWS, st.integers(2, 4))
def test_parts_make_the_same_index_as_the_whole(rows: Rows, parts: int) -> None:
    size = max(-(-len(rows) // parts), 1)
    parted = [counted(rows[start : start + size]) for start in range(0, len(rows), size)]
    whole = [counted(rows)]
    lexicon = lexicon_of(whole)
    expected = build_postings(whole, lexicon)
    for name, array in build_postings(parted, lexicon).items():
        np.testing.assert_array_equal(array, expected[name])


@fixed
@given(ROWS, QUESTION, st.integers(0, 30), st.integers(0, 8), st.integers(0, 8))
def test_a_slice_says_what_the_whole_says(
    rows: Rows, question: list[Term], budget: int, one: int, other: int
) -> None:
    first, end = sorted(min(each, len(rows)) for each in (one, other))
    parts = [counted(rows)]
    lexicon = lexicon_of(parts)
    whole = build_postings(parts, lexicon)
    found = Lexicon(lexicon).find(encode(question))
    expected = Postings(whole).match(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings_module, "_BUDGET", budget)
        matches = Postings(cut(whole, first, end)).match(found)
        best = matches.best(end - first).tolist()
    among = scores(expected, rows)[first:end]
    assert scores(matches, rows[first:end]) == among
    assert best == order(among)
    for row in range(first, end):
        assert matches.held(row - first).tolist() == expected.held(row).tolist()


@pytest.mark.parametrize(
    ("starts", "ends", "values"),
    [([2, 9], [5, 10], [2, 3, 4, 9]), ([5, 0], [5, 2], [0, 1]), ([], [], [])],
)
@pytest.mark.parametrize("few", [0, 100], ids=["copied", "picked"])
def test_gather(
    starts: list[int],
    ends: list[int],
    values: list[int],
    few: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.retrieval.postings._FEW", few)
    ranges = np.array(starts, np.int64), np.array(ends, np.int64)
    assert [each.tolist() for each in gather((np.arange(10), np.arange(10)), *ranges)] == [
        values
    ] * 2
