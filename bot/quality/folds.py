"""Indexes that have not seen the questions they are asked: leave-out for measuring and fitting."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from bot.document.model import Asked, Dialogue, Document, Gold, Log, outline
from bot.retrieval.build import build_index
from bot.retrieval.index import Index
from bot.text import normalize

Thing = TypeVar("Thing")

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
    known = {_key(asked) for asked in document.asked.questions}
    for part, is_known in _parted(questions, [_key(each) in known for each in questions], folds):
        left_out = Log(questions=tuple(part) if is_known else ())
        yield Index(build_index(without(document, left_out))), part


def unseen_dialogues(
    document: Document, dialogues: Sequence[Dialogue], folds: int
) -> Iterator[tuple[Index, list[Dialogue]]]:
    """Indexes with the dialogues that each has not seen, likewise."""
    known = {_dialogue_key(dialogue) for dialogue in document.asked.dialogues}
    is_known = [_dialogue_key(each) in known for each in dialogues]
    for part, held in _parted(dialogues, is_known, folds):
        left_out = Log(dialogues=tuple(part) if held else ())
        yield Index(build_index(without(document, left_out))), part


def _parted(
    things: Sequence[Thing], is_known: Sequence[bool], folds: int
) -> Iterator[tuple[list[Thing], bool]]:
    """The unknown things as one part, the known ones in ``folds``; and whether they are known."""
    pairs = list(zip(things, is_known, strict=True))
    if fresh := [thing for thing, known in pairs if not known]:
        yield fresh, False
    taught = [thing for thing, known in pairs if known]
    random.Random(_SEED).shuffle(taught)  # noqa: S311, the same folds every time
    for number in range(min(folds, len(taught))):
        yield taught[number::folds], True


def without(document: Document, left_out: Log) -> Document:
    """The document with these questions and dialogues taken out of its log."""
    questions = {_key(asked) for asked in left_out.questions}
    dialogues = {_dialogue_key(dialogue) for dialogue in left_out.dialogues}
    log = Log(
        questions=tuple(q for q in document.asked.questions if _key(q) not in questions),
        dialogues=tuple(d for d in document.asked.dialogues if _dialogue_key(d) not in dialogues),
    )
    return replace(document, asked=log)


def _key(asked: Asked) -> str:
    return normalize(asked.text)


def _dialogue_key(dialogue: Dialogue) -> tuple[str, ...]:
    return tuple(map(_key, dialogue.turns))


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
