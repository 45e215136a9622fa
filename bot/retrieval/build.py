"""A document to the arrays of its index. Nothing here is on the way of a question."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.document.model import Act, Division, Document, Section
from bot.retrieval.intents import learn_intents
from bot.retrieval.mapped import pack_texts
from bot.retrieval.parallel import each
from bot.retrieval.postings import build_postings, count_terms
from bot.retrieval.rows import Rows, lay_out
from bot.retrieval.terms import Synonyms, Terms, analyse, fold_synonyms, title_terms
from bot.text import normalize

_PART = 2000
"""So many texts are analysed by one process at a time."""
_ENOUGH = 100
"""From so many answered questions a section on, a model learned from them tells more than their
words do.
"""
_MOST = 300
"""With more sections than this the model would take too long to learn."""


Progress = Callable[[int, int], None]
"""Told how many texts are analysed, and of how many."""


def build_index(
    document: Document, progress: Progress = lambda _done, _all: None
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Index`` for a document."""
    rows = lay_out(document)
    groups = fold_synonyms([map(normalize, group) for group in document.synonyms])
    texts = [*map(normalize, rows.sentences), *(example.question for example in rows.examples)]
    terms: list[Terms] = []
    for analysed in _analysed(texts, groups):
        terms += analysed
        progress(len(terms), len(texts))
    sentences, examples = terms[: len(rows.sentences)], terms[len(rows.sentences) :]
    is_taught = _is_taught(rows)
    questions = {} if is_taught else _questions_of(rows, examples)
    passages = _Passages(document.divisions, rows, Synonyms(groups), sentences, questions)
    of_passages = [count_terms([*map(passages.terms, range(len(rows.sections)))])]
    of_sentences = [count_terms(sentences)]
    lexicon = np.unique(np.concatenate([part.terms for part in (*of_passages, *of_sentences)]))
    facts = {
        "about": document.about,
        "phrases": document.common.phrases,
        "acts": {name: {"ja": act.ja, "en": act.en} for name, act in document.common.acts.items()},
        "cues": document.common.cues,
        "weights": document.common.weights,
        "synonyms": groups,
    }
    return {
        "lexicon": lexicon,
        **_named("passages", build_postings(of_passages, lexicon)),
        **_named("sentences", build_postings(of_sentences, lexicon)),
        **_named("intents", _intents(rows, examples, is_taught, document.common.acts)),
        "taught": np.array([is_taught]),
        "division_of": np.array(rows.division_of, np.int32),
        "first_sentence": np.array(rows.first_sentence, np.int32),
        **_named("sentence_texts", pack_texts(rows.sentences)),
        **_named("section_texts", pack_texts([*map(_section_text, rows.sections)])),
        **_named("division_texts", pack_texts([*map(_division_text, document.divisions)])),
        **_named("facts", pack_texts([json.dumps(facts, ensure_ascii=False)])),
    }


def _analysed(texts: Sequence[str], groups: Mapping[str, Sequence[int]]) -> Iterator[list[Terms]]:
    """The terms of normalised texts, in order, part after part."""
    parts = [(texts[start : start + _PART], groups) for start in range(0, len(texts), _PART)]
    yield from each(_terms_of, parts)


def _terms_of(part: tuple[Sequence[str], Mapping[str, Sequence[int]]]) -> list[Terms]:
    texts, groups = part
    synonyms = Synonyms(groups)
    return [analyse(text, synonyms).terms for text in texts]


class _Passages:
    """Puts the terms of sections together from those of their sentences."""

    def __init__(
        self,
        divisions: Sequence[Division],
        rows: Rows,
        synonyms: Synonyms,
        sentences: Sequence[Terms],
        questions: Mapping[int, Sequence[Terms]],
    ) -> None:
        self._divisions = divisions
        self._rows = rows
        self._sentences = sentences
        self._questions = questions
        self._analyse = cache(lambda text: analyse(normalize(text), synonyms))

    def terms(self, row: int) -> Terms:
        """A section's words and keywords, and its questions if they are too few to learn from;
        the words of headings and of the division as title.
        """
        section = self._rows.sections[row]
        division = self._divisions[self._rows.division_of[row]]
        titles = [*section.path, section.heading, division.name, *division.aliases]
        titles += filter(None, [division.name_en])
        first, end = self._rows.first_sentence[row : row + 2]
        return np.concatenate(
            [
                *self._sentences[first:end],
                *(self._analyse(text).terms for text in (section.heading, *section.keywords)),
                *self._questions.get(row, ()),
                *(title_terms(self._analyse(title)) for title in dict.fromkeys(titles)),
            ]
        )


def _is_taught(rows: Rows) -> bool:
    """Whether there are enough answered questions to learn from."""
    answered = sum(bool(example.sections) for example in rows.examples)
    return len(rows.sections) <= _MOST and answered >= _ENOUGH * len(rows.sections)


def _questions_of(rows: Rows, terms: Sequence[Terms]) -> dict[int, list[Terms]]:
    """The terms of the questions that each section answers."""
    questions: dict[int, list[Terms]] = {}
    for example, of_example in zip(rows.examples, terms, strict=True):
        for row in example.sections:
            questions.setdefault(row, []).append(of_example)
    return questions


def _intents(
    rows: Rows, terms: Sequence[Terms], is_taught: bool, acts: Mapping[str, Act]
) -> dict[str, NDArray[Any]]:
    """The model of what lines are about; of dialogue acts alone if too little teaches more."""
    used = [i for i, example in enumerate(rows.examples) if is_taught or not example.sections]
    return learn_intents(
        [rows.examples[i] for i in used],
        [terms[i] for i in used],
        sections=len(rows.sections) if is_taught else 0,
        sentences=len(rows.sentences) if is_taught else 0,
        acts=[act.is_talk for act in acts.values()],
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
