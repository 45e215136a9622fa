"""Indexes that have not seen the questions they are asked: leave-out for measuring and fitting."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.document.model import Asked, Document, Gold, Log
from bot.retrieval.build import build_index
from bot.retrieval.index import Index
from bot.text import normalize

_SEED = 20240601
_EVERY = 10


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


def thinned(document: Document, questions: int) -> Document:
    """The document with at most so many questions beside each section, and no other example of
    what people ask; with none, it goes without keywords and synonyms too.
    """
    divisions = tuple(
        replace(
            division,
            answers=(),
            sections=tuple(
                replace(
                    section,
                    keywords=section.keywords if questions else (),
                    questions=section.questions[:questions],
                )
                for section in division.sections
            ),
        )
        for division in document.divisions
    )
    synonyms = document.synonyms if questions else ()
    return replace(document, divisions=divisions, synonyms=synonyms, outside=(), asked=Log())


def sampled(document: Document) -> list[Asked]:
    """Some of the questions beside the document's words, as if they had been asked."""
    questions = [
        Asked(text=question, golds=(Gold(division=division.name, section="", span=answer.span),))
        for division in document.divisions
        for answer in division.answers
        for question in answer.questions
    ]
    return questions[::_EVERY]
