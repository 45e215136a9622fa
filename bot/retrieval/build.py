"""A document to the arrays of its index. Nothing here is on the way of a question."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.document.model import Division, Document, Section
from bot.retrieval.intents import learn_intents
from bot.retrieval.mapped import pack_texts
from bot.retrieval.postings import build_postings
from bot.retrieval.rows import Rows, lay_out
from bot.retrieval.terms import Synonyms, Terms, analyse, fold_synonyms, title_terms
from bot.text import normalize

_ENOUGH = 100
"""From so many answered questions a section on, a model learned from them tells more than their
words do.
"""
_MOST = 300
"""With more sections than this the model would take too long to learn."""


def build_index(document: Document) -> dict[str, NDArray[Any]]:
    """The arrays of ``Index`` for a document."""
    rows = lay_out(document)
    groups = fold_synonyms([map(normalize, group) for group in document.synonyms])
    builder = _Builder(document.divisions, rows, Synonyms(groups))
    facts = {
        "about": document.about,
        "phrases": document.common.phrases,
        "acts": {name: {"ja": act.ja, "en": act.en} for name, act in document.common.acts.items()},
        "cues": document.common.cues,
        "weights": document.common.weights,
        "synonyms": groups,
    }
    return {
        **_named("passages", build_postings([*map(builder.passage, range(len(rows.sections)))])),
        **_named("sentences", build_postings([*map(builder.sentence, rows.sentences)])),
        **_named("intents", builder.intents(len(document.common.acts))),
        "taught": np.array([builder.is_taught]),
        "division_of": np.array(rows.division_of, np.int32),
        "first_sentence": np.array(rows.first_sentence, np.int32),
        **_named("sentence_texts", pack_texts(rows.sentences)),
        **_named("section_texts", pack_texts([*map(_section_text, rows.sections)])),
        **_named("division_texts", pack_texts([*map(_division_text, document.divisions)])),
        **_named("facts", pack_texts([json.dumps(facts, ensure_ascii=False)])),
    }


class _Builder:
    """Turns rows into terms."""

    def __init__(self, divisions: Sequence[Division], rows: Rows, synonyms: Synonyms) -> None:
        self._divisions = divisions
        self._rows = rows
        self._synonyms = synonyms
        answered = sum(bool(example.sections) for example in rows.examples)
        sections = len(rows.sections)
        self.is_taught = sections <= _MOST and answered >= _ENOUGH * sections
        self._questions: dict[int, list[str]] = {}
        if not self.is_taught:
            for example in rows.examples:
                for row in example.sections:
                    self._questions.setdefault(row, []).append(example.question)

    def passage(self, row: int) -> Terms:
        """A section's words and keywords, and its questions if they are too few to learn from;
        the words of headings and of the division as title.
        """
        section = self._rows.sections[row]
        division = self._divisions[self._rows.division_of[row]]
        titles = [*section.path, section.heading, division.name, *division.aliases]
        titles += filter(None, [division.name_en])
        return np.concatenate(
            [
                self.sentence("\n".join([section.heading, section.passage, *section.keywords])),
                *map(self.sentence, self._questions.get(row, ())),
                *(title_terms(analyse(normalize(title))) for title in dict.fromkeys(titles)),
            ]
        )

    def sentence(self, text: str) -> Terms:
        """The terms of any text as it stands in the document."""
        return analyse(normalize(text), self._synonyms).terms

    def intents(self, acts: int) -> dict[str, NDArray[Any]]:
        """The model of what lines are about; of dialogue acts alone if too little teaches more."""
        rows = self._rows
        examples = [each for each in rows.examples if self.is_taught or not each.sections]
        return learn_intents(
            examples,
            [analyse(example.question, self._synonyms).terms for example in examples],
            sections=len(rows.sections) if self.is_taught else 0,
            sentences=len(rows.sentences) if self.is_taught else 0,
            acts=acts,
        )


def _section_text(section: Section) -> str:
    return json.dumps(
        [section.path, section.heading, section.passage, section.source], ensure_ascii=False
    )


def _division_text(division: Division) -> str:
    return json.dumps(
        [division.id, division.name, division.name_en, division.parent, division.aliases],
        ensure_ascii=False,
    )


def _named(name: str, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {f"{name}.{key}": array for key, array in arrays.items()}
