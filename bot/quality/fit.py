"""Fits the parameters of ranking and confidence to the knowledge's log of real questions.

Every question is put to an index that has not seen it. Three models: which section (conditional
logit over candidates), which sentence of the right section (likewise), and whether the best section
answers (logistic regression). A further pair, which reading of a line in a conversation it is and
whether that finds the answer, is fitted to the dialogues.

All of them are fitted twice: to the knowledge as it is, and to the document with few or no examples
("bare"), there also with the sections taken out that answer, so that a document of which only the
words are known still tells when it does not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bot.assistant import Assistant
from bot.conversation import Conversation
from bot.document.model import Asked, Dialogue, Document
from bot.errors import MadoguchiError
from bot.quality.folds import in_its_words, thinned, unseen, unseen_dialogues
from bot.quality.judge import answers, has_passage
from bot.quality.models import Choice, Weights, choose, logistic
from bot.reading import BARE_READING_FEATURES, READING_FEATURES, Judged, reading_features
from bot.retrieval.build import build_index
from bot.retrieval.confidence import (
    BARE_CONFIDENCE_FEATURES,
    CONFIDENCE_FEATURES,
    TAUGHT_CONFIDENCE_FEATURES,
    confidence_features,
)
from bot.retrieval.index import Index
from bot.retrieval.linear import LinearModel
from bot.retrieval.question import Question
from bot.retrieval.rank import (
    BARE_SECTION_FEATURES,
    BARE_SENTENCE_FEATURES,
    SECTION_FEATURES,
    SENTENCE_FEATURES,
    Hits,
    look_up,
    rank,
    section_features,
    sentence_features,
)

ANSWERABLE = 0.73
"""The share of answerable questions that confidence is calibrated for. The log holds more
unanswerable ones than people ask, because those teach most."""
_FOLDS = 5
_FEW = (0, 4, 20)
"""How many questions a section has in the documents on which the bare models are fitted."""
_READING_RIDGE = 0.02


@dataclass(frozen=True, slots=True)
class _Case:
    """A question put to an index that has not seen it, or to the ``allowed`` sections of one."""

    asked: Asked
    index: Index
    hits: Hits
    allowed: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of document: what its models' names begin with, and which features they weigh."""

    prefix: str
    section: Sequence[str]
    sentence: Sequence[str]
    confidence: Sequence[str]
    reading: Sequence[str]


_TAUGHT = _Kind(
    "", SECTION_FEATURES, SENTENCE_FEATURES, TAUGHT_CONFIDENCE_FEATURES, READING_FEATURES
)
_BARE = _Kind(
    "bare_",
    BARE_SECTION_FEATURES,
    BARE_SENTENCE_FEATURES,
    BARE_CONFIDENCE_FEATURES,
    BARE_READING_FEATURES,
)


def fit(document: Document, folds: int = _FOLDS) -> dict[str, Weights]:
    """The weights of every model, by model and feature.

    Raises MadoguchiError where the log is too thin to learn from.
    """
    log = document.asked.questions
    answered = sum(bool(asked.golds) for asked in log)
    if not (0 < answered < len(log) and document.asked.dialogues):
        problem = "needs questions that are answered, questions that are not, and dialogues"
        raise MadoguchiError(f"asked.yaml: fitting {problem}")
    taught = list(_cases(unseen(document, log, folds)))
    asked = [*in_its_words(document), *(each for each in log if not each.golds)]
    bare = [
        case
        for few in _FEW
        for case in _cases([(Index(build_index(thinned(document, few))), asked)])
    ]
    weights = {**_fit(taught, _TAUGHT), **_fit([*bare, *map(_without_gold, bare)], _BARE)}
    document = replace(document, common=replace(document.common, weights=weights))
    dialogues = document.asked.dialogues
    weights |= _fit_readings(unseen_dialogues(document, dialogues, folds), _TAUGHT)
    bare_index = Index(build_index(thinned(document, 0)))
    weights |= _fit_readings([(bare_index, dialogues)], _BARE)
    return weights


def _fit(cases: Sequence[_Case], kind: _Kind) -> dict[str, Weights]:
    sections = [_sections(case) for case in cases]
    section = choose([*filter(_telling, sections)], SECTION_FEATURES, kind.section)
    sentences = [*filter(_telling, _sentences(cases))]
    return {
        f"{kind.prefix}section": section,
        f"{kind.prefix}sentence": choose(sentences, SENTENCE_FEATURES, kind.sentence),
        f"{kind.prefix}confidence": _calibrate(cases, section, kind.confidence),
    }


def _without_gold(case: _Case) -> _Case:
    """The same question put to a document without the sections that answer it."""
    kept = [not _right_section(case, row) for row in range(case.index.size)]
    return replace(case, asked=replace(case.asked, golds=()), allowed=np.array(kept))


def _cases(asked_of: Iterable[tuple[Index, Sequence[Asked]]]) -> Iterable[_Case]:
    for index, part in asked_of:
        for asked in part:
            yield _Case(asked, index, look_up(index, Question.read(asked.text, index.synonyms)))


def _sections(case: _Case) -> Choice:
    rows = np.arange(case.index.size)
    right = np.array([_right_section(case, row) for row in rows.tolist()])
    return Choice(section_features(case.index, case.hits, rows), right)


def _right_section(case: _Case, row: int) -> bool:
    section = case.index.section(row)
    return _answers(case, section.division, section.passage)


def _answers(case: _Case, division: int, text: str) -> bool:
    return answers(case.index.division(division).names.name, text, case.asked)


def _sentences(cases: Sequence[_Case]) -> Iterable[Choice]:
    """The sentences of every section that holds an answer."""
    for case in cases:
        for row in filter(lambda row: _right_section(case, row), range(case.index.size)):
            start, end = case.index.first_sentence[row : row + 2].tolist()
            division = int(case.index.division_of[row])
            right = [_answers(case, division, case.index.sentence(i)) for i in range(start, end)]
            yield Choice(sentence_features(case.index, case.hits, start, end), np.array(right))


def _telling(choice: Choice) -> bool:
    """Whether anything can be learned: some are right and some are not."""
    return bool(choice.right.any() and not choice.right.all())


def _fit_readings(
    held: Iterable[tuple[Index, Sequence[Dialogue]]], kind: _Kind
) -> dict[str, Weights]:
    """Which reading of a line in a conversation it is, and whether it then finds the answer."""
    lines = [
        line
        for index, dialogues in held
        for dialogue in dialogues
        for line in _lines(Assistant(index), dialogue)
    ]
    telling = [*filter(_telling, lines)]
    choice = choose(telling, READING_FEATURES, kind.reading, ridge=_READING_RIDGE)
    model = LinearModel.of(READING_FEATURES, choice)
    best = [int(np.argmax(model.scores(line.features))) for line in lines]
    picked = [READING_FEATURES.index(name) for name in kind.reading]
    confidence = logistic(
        kind.reading,
        np.array([line.features[place, picked] for line, place in zip(lines, best, strict=True)]),
        np.array([line.right[place] for line, place in zip(lines, best, strict=True)]),
    )
    return {
        f"{kind.prefix}reading_choice": choice,
        f"{kind.prefix}reading_confidence": confidence,
    }


def _lines(assistant: Assistant, dialogue: Dialogue) -> Iterable[Choice]:
    """For every line that may hang on what was said before: its readings, and which are right."""
    conversation = Conversation()
    for asked in dialogue.turns:
        if asked.smalltalk:
            continue
        judged = assistant.understanding.readings(conversation, asked.text)
        right = [has_passage(assistant.catalogue.best(each), asked) for each in judged]
        if len(judged) > 1:
            features = [
                reading_features(
                    assistant.index, conversation, each, judged[0], assistant.understanding.cues
                )
                for each in judged
            ]
            yield Choice(np.array(features), np.array(right))
        conversation = _went_on(assistant, conversation, asked, judged, right)


def _went_on(
    assistant: Assistant,
    conversation: Conversation,
    asked: Asked,
    judged: Sequence[Judged],
    found: Sequence[bool],
) -> Conversation:
    """The conversation as it stands after the right reply."""
    likely = [each for each, is_right in zip(judged, found, strict=True) if is_right]
    if not likely:
        return assistant.after_unknown(conversation, asked.text)
    best = max(likely, key=lambda each: each.probability)
    return conversation.answered(
        best.reading.text, assistant.catalogue.best(best), is_topic=best.is_topic
    )


def _calibrate(cases: Sequence[_Case], section: Weights, names: Sequence[str]) -> Weights:
    """Logistic regression of "the best section answers" on the features ``names``."""
    picked = [CONFIDENCE_FEATURES.index(name) for name in names]
    lines, right, answerable = [], [], []
    model = LinearModel.of(SECTION_FEATURES, section)
    for case in cases:
        ranking = rank(case.index, case.hits, model, case.allowed)
        lines.append(confidence_features(case.index, ranking)[picked])
        right.append(_right_section(case, int(ranking.rows[0])))
        answerable.append(bool(case.asked.golds))
    kinds = np.array(answerable)
    share = kinds.mean()
    weigh = np.where(kinds, ANSWERABLE / share, (1 - ANSWERABLE) / (1 - share))
    return logistic(names, np.array(lines), np.array(right), weigh)
