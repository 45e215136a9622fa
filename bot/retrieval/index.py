"""The index over a document: built once with scikit-learn, read and searched with numpy alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.reply import DivisionName
from bot.retrieval.context import longest_first
from bot.retrieval.intents import Intents
from bot.retrieval.lexicon import Lexicon
from bot.retrieval.linear import LinearModel
from bot.retrieval.mapped import Arrays, Texts, part
from bot.retrieval.postings import Postings
from bot.retrieval.terms import Synonyms
from bot.text import normalize

if TYPE_CHECKING:
    from bot.retrieval.cluster import Cluster, SlicedPostings

_KEPT = 4096


@dataclass(frozen=True, slots=True)
class IndexedDivision:
    """A division as the index keeps it."""

    names: DivisionName
    parent: str | None
    aliases: tuple[str, ...]

    @property
    def spoken(self) -> tuple[str, ...]:
        """By what it is spoken of."""
        return (self.names.name, *self.aliases, *filter(None, [self.names.name_en]))


@dataclass(frozen=True, slots=True)
class IndexedSection:
    """A section as the index keeps it; its ``key`` outlasts changes elsewhere in the document."""

    row: int
    key: str
    division: int
    path: tuple[str, ...]
    heading: str
    passage: str
    source: str | None


class Index:
    """A document, ready to be asked.

    Rows count divisions, sections and sentences in the order of the document. It ``is_taught`` if
    enough examples came with it of questions that it answers.
    """

    def __init__(self, arrays: Arrays, cluster: Cluster | None = None) -> None:
        """``cluster`` searches the postings, if there is one."""
        self._cluster = cluster
        self.lexicon = Lexicon(arrays["lexicon"])
        self.passages = _postings(arrays, "passages", cluster)
        self.sentences = _postings(arrays, "sentences", cluster)
        self.is_taught = bool(arrays["taught"][0])
        self.division_of: NDArray[np.int32] = arrays["division_of"]
        self.first_sentence: NDArray[np.int32] = arrays["first_sentence"]
        sections, sentences = len(self.division_of), int(self.first_sentence[-1])
        self.intents = Intents(
            part(arrays, "intents"),
            sections if self.is_taught else 0,
            sentences if self.is_taught else 0,
        )
        self._sentence_texts = Texts(part(arrays, "sentence_texts"))
        self._section_texts = Texts(part(arrays, "section_texts"))
        self._division_texts = Texts(part(arrays, "division_texts"))
        self._facts = Texts(part(arrays, "facts"))
        # What was read once is likely to be asked for again; a large document stays on disk.
        self.division: Callable[[int], IndexedDivision] = lru_cache(_KEPT)(self._division)
        self.sentence: Callable[[int], str] = lru_cache(_KEPT)(self._sentence_texts.__getitem__)
        self.section: Callable[[int], IndexedSection] = lru_cache(_KEPT)(self._section)
        self.model: Callable[[str, tuple[str, ...]], LinearModel] = cache(self._model)

    def close(self) -> None:
        """Let the cluster go; the index can be asked as before."""
        if self._cluster is not None:
            self._cluster.close()

    @property
    def size(self) -> int:
        """How many sections there are."""
        return len(self._section_texts)

    @cached_property
    def sentence_rows(self) -> NDArray[np.intp]:
        """The rows of all sentences."""
        return np.arange(int(self.first_sentence[-1]))

    @cached_property
    def divisions(self) -> tuple[IndexedDivision, ...]:
        """Every division, in the order of the document."""
        return tuple(map(self.division, range(len(self._division_texts))))

    def _division(self, row: int) -> IndexedDivision:
        """A division by its row."""
        id_, name, name_en, parent, aliases = json.loads(self._division_texts[row])
        return IndexedDivision(DivisionName(id_, name, name_en), parent, tuple(aliases))

    def _section(self, row: int) -> IndexedSection:
        """A section by its row."""
        key, path, heading, passage, source = json.loads(self._section_texts[row])
        division = int(self.division_of[row])
        return IndexedSection(row, key, division, tuple(path), heading, passage, source)

    @cached_property
    def synonyms(self) -> Synonyms:
        """Words that people use for one another."""
        return Synonyms(self._fact("synonyms"), self._fact("phrase_lengths"))

    @cached_property
    def division_named(self) -> dict[str, int]:
        """Divisions by id, name, English name and alias, each normalised; ids win."""
        named: dict[str, int] = {}
        for row, division in enumerate(self.divisions):
            for name in division.spoken:
                named.setdefault(normalize(name), row)
        return named | {division.names.id: row for row, division in enumerate(self.divisions)}

    @cached_property
    def spoken_names(self) -> tuple[str, ...]:
        """The normalised names by which divisions are spoken of, the longest first."""
        return longest_first(name for division in self.divisions for name in division.spoken)

    def weights(self, name: str) -> dict[str, float]:
        """Fitted weights by feature: of the model for documents with examples, or without."""
        weights: dict[str, float] = self._fact("weights")[
            name if self.is_taught else f"bare_{name}"
        ]
        return weights

    def _model(self, name: str, features: tuple[str, ...]) -> LinearModel:
        """The fitted model of this name over features in this order."""
        return LinearModel.of(features, self.weights(name))

    def wording(self, language: str) -> tuple[dict[str, str], dict[str, str]]:
        """The bot's phrases in a language, and what it says there of its document."""
        return self._fact("phrases")[language], self._fact("about").get(language, {})

    @cached_property
    def acts(self) -> tuple[tuple[str, dict[str, str]], ...]:
        """The dialogue acts in order: name, and what to say in return by language."""
        return tuple(self._fact("acts").items())

    @cached_property
    def act_named(self) -> dict[str, int]:
        """The numbers of the dialogue acts by name."""
        return {name: number for number, (name, _) in enumerate(self.acts)}

    @cached_property
    def cues(self) -> dict[str, list[str]]:
        """Words that show how a question hangs on what was said before, by kind."""
        cues: dict[str, list[str]] = self._fact("cues")
        return cues

    def _fact(self, key: str) -> Any:
        return self._all_facts[key]

    @cached_property
    def _all_facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self._facts[0])
        return facts


def _postings(arrays: Arrays, name: str, cluster: Cluster | None) -> Postings | SlicedPostings:
    here = Postings(part(arrays, name))
    return here if cluster is None else cluster.slice(name, here)
