"""The terms that a document has, and which of a question's are among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.terms import Terms


@dataclass(frozen=True, slots=True)
class Found:
    """A question's distinct ``terms``, ascending, and which of them a lexicon knows: their
    ``numbers`` among the terms and their ``places`` in the lexicon, both ascending.
    """

    terms: Terms
    numbers: NDArray[np.intp]
    places: NDArray[np.intp]


class Lexicon:
    """Terms in ascending order; a term's place among them is what other arrays know it by."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def find(self, terms: Terms) -> Found:
        """Look distinct, ascending terms up."""
        if not len(self._terms):
            nowhere = np.zeros(0, np.intp)
            return Found(terms, nowhere, nowhere)
        places = self._terms.searchsorted(terms)
        np.minimum(places, len(self._terms) - 1, out=places)
        numbers = (self._terms[places] == terms).nonzero()[0]
        return Found(terms, numbers, places[numbers])
