"""What the document holds, as candidates that a reply can show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.reading import Judged
from bot.reply import Candidate
from bot.retrieval.context import named_in
from bot.retrieval.index import Index, IndexedDivision
from bot.retrieval.rank import Ranking, best_sentence
from bot.text import normalize

ALTERNATIVES = 4
"""How many other candidates are offered at most."""
WORTH_OFFERING = 0.02
"""A candidate is offered from this part of the best one's share on."""


class Catalogue:
    """Divisions and sections of an index, by their names and as candidates."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def division(self, named: str) -> IndexedDivision:
        """The division with this id, name, English name or alias, however it is typed.

        Raises KeyError where there is none.
        """
        return self._index.divisions[self._index.division_named[normalize(named)]]

    def named(self, line: str) -> str | None:
        """The name of the division that a line names."""
        return named_in(normalize(line), self._index.spoken_names)

    def sections(self, division: str) -> tuple[Candidate, ...]:
        """All sections of a division, in the order of the document.

        Raises KeyError where there is no such division.
        """
        self.division(division)
        return tuple(
            self.at(row, int(self._index.first_sentence[row]), 1.0)
            for row in self.rows_of(division)
        )

    def candidate(self, key: str) -> Candidate | None:
        """The section with this key, its first sentence marked; None if it is gone."""
        id_, _, _ = key.partition("/")
        for row in self.rows_of(id_):
            if self.key_of(row) == key:
                return self.at(row, int(self._index.first_sentence[row]), 1.0)
        return None

    def best(self, judged: Judged) -> Candidate:
        """The best section found for a reading."""
        return self.candidates(judged.ranking, judged.probability)[0]

    def candidates(
        self, ranking: Ranking, probability: float, places: Sequence[int] | None = None
    ) -> list[Candidate]:
        """The sections of a ranking, the first with ``probability``, the others in proportion;
        those at ``places``, or all that are worth offering.
        """
        index = self._index
        shares = ranking.shares / ranking.shares[0]
        kept = places or [0, *(i for i in range(1, len(shares)) if shares[i] >= WORTH_OFFERING)]
        return [
            self.at(
                int(row := ranking.rows[i]),
                best_sentence(index, ranking.hits, int(row)),
                round(probability * float(shares[i]), 4),
            )
            for i in kept[: 1 + ALTERNATIVES]
        ]

    def at(self, row: int, sentence: int, probability: float) -> Candidate:
        """The section in a row of the index, with a sentence marked."""
        section = self._index.section(row)
        return Candidate(
            key=section.key,
            division=self._index.division(section.division).names,
            path=section.path,
            section=section.heading,
            passage=section.passage,
            sentence=self._index.sentence(sentence),
            source=section.source,
            confidence=probability,
        )

    def rows_of(self, id_: str) -> Sequence[int]:
        """The rows of a division's sections; none where there is no such division."""
        wanted = self._index.division_named.get(id_)
        rows: list[int] = np.flatnonzero(self._index.division_of == wanted).tolist()
        return rows if wanted is not None else []

    def key_of(self, row: int) -> str:
        """The ``Candidate.key`` of the section in a row."""
        return self._index.section(row).key

    def role(self, row: int) -> str:
        """What a section is within its division: its heading, or nothing if that is its title."""
        section = self._index.section(row)
        is_title = section.heading == self._index.division(section.division).names.name
        return "" if is_title else section.heading
