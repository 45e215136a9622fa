"""The figures of an evaluation as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from bot.document.model import Common, Document, Log
from bot.quality.evaluate import (
    Figure,
    Outcome,
    dialogue_figures,
    dialogue_outcomes,
    kind_figures,
    outcomes,
    question_figures,
)
from bot.quality.folds import thinned


def report(
    document: Document, log: Log, *, show: bool = False, ablation: bool = False
) -> Iterator[str]:
    """The figures over a log of questions and dialogues.

    With ``show`` also what went wrong; with ``ablation`` also the main figures without each part
    of the knowledge in turn.
    """
    if log.questions:
        found = outcomes(document, log)
        yield "questions"
        yield from _lines(question_figures(found))
        yield "right replies by kind"
        yield from _lines(kind_figures(found))
        if show:
            yield from _wrong(found)
    if log.dialogues:
        dialogues = dialogue_outcomes(document, log)
        yield "dialogues"
        yield from _lines(dialogue_figures(dialogues))
        if show:
            for turns in dialogues:
                if not all(each.right for each in turns):
                    yield "dialogue"
                    yield from _wrong(turns, everything=True)
    if ablation and log.questions:
        yield from _ablation(document, log)


def _lines(figures: Sequence[Figure]) -> Iterator[str]:
    for figure in figures:
        yield f"  {figure.name:42} {figure.value:6.3f}  of {figure.count}"


def _wrong(found: Sequence[Outcome], *, everything: bool = False) -> Iterator[str]:
    for each in found:
        if everything or not each.right:
            best = each.best
            where = f"{best.division.name} › {best.section}" if best else "nothing"
            expected = "; ".join(
                f"{gold.division} › {gold.section}: {gold.span}" for gold in each.asked.golds
            )
            verdict = "right" if each.right else "WRONG"
            yield f"  {verdict} {each.asked.id} [{each.asked.kind}] {each.asked.text}"
            yield f"    {each.reply.kind} {each.reply.confidence or 0:.2f}: {where}"
            yield f"    expected: {expected or 'no answer from the document'}"


_LEFT_OUT: dict[str, Callable[[Document], Document]] = {
    "everything": lambda document: document,
    "without synonyms": lambda document: replace(document, synonyms=()),
    "without keywords": lambda document: _sections(document, keywords=()),
    "without authored questions": lambda document: _sections(
        _divisions(document, answers=()), questions=()
    ),
    "without the log": lambda document: replace(document, asked=Log()),
    "without outside questions": lambda document: replace(
        document, outside=(), common=_silent(document.common)
    ),
    "few questions": lambda document: thinned(document, 4),
    "the document alone": lambda document: thinned(document, 0),
}


def _ablation(document: Document, log: Log) -> Iterator[str]:
    yield "ablation: right replies, right passage, AUROC"
    for name, part in _LEFT_OUT.items():
        figures = {f.name: f.value for f in question_figures(outcomes(part(document), log))}
        names = (
            "right replies",
            "right passage, answerable",
            "AUROC of confidence, answerable or not",
        )
        yield f"  {name:30} " + "  ".join(f"{figures[each]:.3f}" for each in names)


def _divisions(document: Document, **changes: Any) -> Document:
    changed = tuple(replace(each, **changes) for each in document.divisions)
    return replace(document, divisions=changed)


def _sections(document: Document, **changes: Any) -> Document:
    return replace(
        document,
        divisions=tuple(
            replace(
                division,
                sections=tuple(replace(each, **changes) for each in division.sections),
            )
            for division in document.divisions
        ),
    )


def _silent(common: Common) -> Common:
    return replace(common, outside=())
