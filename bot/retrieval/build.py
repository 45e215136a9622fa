"""A document to the arrays of its index. Nothing here is on the way of a question."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.document.model import Act, Division, Document
from bot.retrieval.counts import Counts, build_postings
from bot.retrieval.intents import learn_intents
from bot.retrieval.kept import Kept
from bot.retrieval.mapped import Arrays, pack_texts
from bot.retrieval.parallel import each
from bot.retrieval.parts import Groups, Part, count_part, digest_of, part_document
from bot.retrieval.rows import Rows, lay_out
from bot.retrieval.terms import Synonyms, Terms, analyse, distinct, fold_synonyms, phrase_lengths
from bot.text import normalize

_PART = 4000
"""So many texts are worth a process."""
_ENOUGH = 100
"""From so many answered questions a section on, a model learned from them tells more than their
words do.
"""
_MOST = 300
"""With more sections than this the model would take too long to learn."""


Progress = Callable[[int, int, int], None]
"""Told how many sections are analysed, of how many, and how many of them were so from before."""


def build_index(
    document: Document,
    progress: Progress = lambda _done, _all, _before: None,
    kept: Kept | None = None,
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Index`` for a document.

    They are the same whatever is ``kept`` from an earlier build; what the next one can use of this
    takes its place there.
    """
    kept = Kept() if kept is None else kept
    rows = lay_out(document)
    groups = fold_synonyms([map(normalize, group) for group in document.synonyms])
    is_taught = _is_taught(rows)
    questions = {} if is_taught else _questions_of(rows)
    parts = _counted([*part_document(document.divisions, rows, questions)], groups, kept, progress)
    of_passages, of_sentences = [[*each] for each in zip(*parts, strict=True)]
    terms = np.concatenate([part.terms for part in (*of_passages, *of_sentences)])
    lexicon = distinct(np.sort(terms, kind="stable"))  # merges what is sorted part by part
    intents = _intents(rows, groups, document.common.acts, kept, is_taught=is_taught)
    facts = {
        "about": document.about,
        "phrases": document.common.phrases,
        "acts": {name: {"ja": act.ja, "en": act.en} for name, act in document.common.acts.items()},
        "cues": document.common.cues,
        "weights": document.common.weights,
        "synonyms": groups,
        "phrase_lengths": phrase_lengths(groups),
    }
    return {
        "lexicon": lexicon,
        **_named("passages", build_postings(of_passages, lexicon)),
        **_named("sentences", build_postings(of_sentences, lexicon)),
        **_named("intents", intents),
        "taught": np.array([is_taught]),
        "division_of": np.array(rows.division_of, np.int32),
        "first_sentence": np.array(rows.first_sentence, np.int32),
        **_named("sentence_texts", pack_texts(rows.sentences)),
        **_named("section_texts", pack_texts([*_section_texts(document, rows)])),
        **_named("division_texts", pack_texts([*map(_division_text, document.divisions)])),
        **_named("facts", pack_texts([json.dumps(facts, ensure_ascii=False)])),
    }


def _counted(
    parts: Sequence[Part], groups: Groups, kept: Kept, progress: Progress
) -> list[tuple[Counts, Counts]]:
    """The terms of the passages and of the sentences of each part; only parts that are not kept
    are analysed.
    """
    digests = [digest_of(part, groups) for part in parts]
    found = {digest: kept.parts[digest] for digest in digests if digest in kept.parts}
    missing = {d: part for d, part in zip(digests, parts, strict=True) if d not in found}
    total = sum(map(len, parts))
    done = before = total - sum(map(len, missing.values()))
    progress(done, total, before)
    tasks = [(part, groups) for part in missing.values()]
    is_much = sum(len(section.sentences) for part in missing.values() for section in part) > _PART
    counted = each(count_part, tasks) if is_much else map(count_part, tasks)
    for (digest, part), counts in zip(missing.items(), counted, strict=True):
        found[digest] = counts
        done += len(part)
        progress(done, total, before)
    kept.parts = {digest: found[digest] for digest in digests}
    return [(found[digest].passages, found[digest].sentences) for digest in digests]


def _is_taught(rows: Rows) -> bool:
    """Whether there are enough answered questions to learn from."""
    answered = sum(bool(example.sections) for example in rows.examples)
    return len(rows.sections) <= _MOST and answered >= _ENOUGH * len(rows.sections)


def _questions_of(rows: Rows) -> dict[int, list[str]]:
    """The questions that each section answers."""
    questions: dict[int, list[str]] = {}
    for example in rows.examples:
        for row in example.sections:
            questions.setdefault(row, []).append(example.question)
    return questions


def _intents(
    rows: Rows, groups: Groups, acts: Mapping[str, Act], kept: Kept, *, is_taught: bool
) -> Arrays:
    """The model of what lines are about; of dialogue acts alone if too little teaches more.

    Learning takes longest. It is spared where all that is learned from is as it was.
    """
    examples = [each for each in rows.examples if is_taught or not each.sections]
    sizes = {
        "sections": len(rows.sections) if is_taught else 0,
        "sentences": len(rows.sentences) if is_taught else 0,
    }
    talk = [act.is_talk for act in acts.values()]
    learned_from = blake2b(repr((groups, examples, sizes, talk)).encode(), digest_size=16)
    digest = learned_from.hexdigest()
    if digest in kept.models:
        model = kept.models[digest]
    else:
        terms = _analysed([example.question for example in examples], groups)
        model = learn_intents(examples, [*chain(*terms)], acts=talk, **sizes)
    kept.models = {digest: model}
    return model


def _analysed(texts: Sequence[str], groups: Groups) -> Iterator[list[Terms]]:
    """The terms of normalised texts, in order, part after part."""
    parts = [(texts[start : start + _PART], groups) for start in range(0, len(texts), _PART)]
    yield from each(_terms_of, parts)


def _terms_of(part: tuple[Sequence[str], Groups]) -> list[Terms]:
    texts, groups = part
    synonyms = Synonyms(groups)
    return [analyse(text, synonyms).terms for text in texts]


def _section_texts(document: Document, rows: Rows) -> Iterator[str]:
    """The sections as the index keeps them, each under a key that outlasts changes elsewhere."""
    seen: Counter[str] = Counter()
    for section, division in zip(rows.sections, rows.division_of, strict=True):
        headings = "\0".join([*section.path, section.heading])
        place = f"{document.divisions[division].id}/{_digest(headings)}"
        key = f"{place}-{seen[place]}" if seen[place] else place
        seen[place] += 1
        yield json.dumps(
            [key, section.path, section.heading, section.passage, section.source],
            ensure_ascii=False,
        )


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest()


def _division_text(division: Division) -> str:
    return json.dumps(
        [division.id, division.name, division.name_en, division.parent, division.aliases],
        ensure_ascii=False,
    )


def _named(name: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    return {f"{name}.{key}": array for key, array in arrays.items()}
