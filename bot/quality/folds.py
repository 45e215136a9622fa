"""Indexes that have not seen the questions they are asked: leave-out for measuring and fitting."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from bot.document.model import Asked, Document, Gold, Log, outline
from bot.retrieval.build import build_index
from bot.retrieval.index import Index
from bot.text import normalize

_SEED = 20240601
_EVERY = 4
_MOST = 0.5


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


def in_its_words(document: Document) -> list[Asked]:
    """Questions put in the document's own words, as people ask who know no others: those of the
    log and some of those beside the document.
    """
    texts = {
        division.name: normalize(
            "".join(f"{s.heading}{s.passage}" for s in outline(division)) + division.name
        )
        for division in document.divisions
    }
    written = [
        Asked(text=question, golds=(Gold(division=division.name, section="", span=answer.span),))
        for division in document.divisions
        for answer in division.answers
        for question in answer.questions
    ]
    asked = [*document.asked.questions, *written[::_EVERY]]
    return [each for each in asked if any(_shares(each, texts[g.division]) for g in each.golds)]


def _shares(asked: Asked, text: str) -> bool:
    """Whether most character pairs of the question stand in the text."""
    pairs = [a + b for a, b in pairwise(normalize(asked.text))]
    return sum(pair in text for pair in pairs) > _MOST * len(pairs)
