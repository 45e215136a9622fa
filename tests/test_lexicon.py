"""A lexicon against a plain dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.retrieval.lexicon import Lexicon

TERMS = st.sets(st.integers(0, 30)).map(sorted)


@given(TERMS, TERMS)
def test_it_finds_the_terms_that_it_has(held: list[int], asked: list[int]) -> None:
    found = Lexicon(np.array(held, np.uint64)).find(np.array(asked, np.uint64))
    places = {term: place for place, term in enumerate(held)}
    known = [(number, places[term]) for number, term in enumerate(asked) if term in places]
    assert found.terms.tolist() == asked
    assert [*zip(found.numbers.tolist(), found.places.tolist(), strict=True)] == known
