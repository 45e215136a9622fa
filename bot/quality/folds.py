"""Indexes that have not seen the questions they are asked: leave-out for measuring and fitting."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.document.model import Asked, Document
from bot.retrieval.build import build_index
from bot.retrieval.index import Index
from bot.text import normalize

_SEED = 20240601


def unseen(
    document: Document, questions: Sequence[Asked], folds: int
) -> Iterator[tuple[Index, list[Asked]]]:
    """Indexes with the questions that each has not seen.

    Questions that the knowledge does not hold go to the whole index; the others are parted into
    ``folds``, each of which goes to an index built without it.
    """
    known = {normalize(asked.text) for asked in document.asked.questions}
    fresh = [asked for asked in questions if normalize(asked.text) not in known]
    taught = [asked for asked in questions if normalize(asked.text) in known]
    if fresh:
        yield Index(build_index(document)), fresh
    random.Random(_SEED).shuffle(taught)  # noqa: S311, the same folds every time
    for number in range(min(folds, len(taught))):
        part = taught[number::folds]
        yield Index(build_index(without(document, part))), part


def without(document: Document, left_out: Sequence[Asked]) -> Document:
    """The document with these questions taken out of its log."""
    texts = {normalize(asked.text) for asked in left_out}
    kept = tuple(q for q in document.asked.questions if normalize(q.text) not in texts)
    return replace(document, asked=replace(document.asked, questions=kept))


def bare(document: Document) -> Document:
    """The document alone, with nothing of what was written beside it."""
    divisions = tuple(
        replace(
            division,
            answers=(),
            sections=tuple(replace(s, keywords=(), questions=()) for s in division.sections),
        )
        for division in document.divisions
    )
    log = replace(document.asked, questions=(), dialogues=())
    return replace(document, divisions=divisions, synonyms=(), outside=(), asked=log)
