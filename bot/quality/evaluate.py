"""Puts the questions of a file to the bot and counts what it got right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bot.assistant import SURE_ENOUGH, Assistant
from bot.conversation import Conversation
from bot.document.model import Asked, Dialogue, Document, Log
from bot.quality.folds import unseen, unseen_dialogues
from bot.quality.judge import has_division, has_passage, has_sentence, is_right
from bot.reply import Candidate, Kind, Reply

FOLDS = 10
_BINS = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question, the reply to it, and the candidate found best, answered with or not."""

    asked: Asked
    reply: Reply

    @property
    def best(self) -> Candidate | None:
        """The candidate found best, answered with or not."""
        return self.reply.answer or next(iter(self.reply.alternatives), None)

    @property
    def right(self) -> bool:
        """Whether the reply is what the log says is right."""
        return is_right(self.reply, self.asked)

    @property
    def answered_wrongly(self) -> bool:
        """Whether the bot gave an answer that is none."""
        return self.reply.kind is Kind.ANSWER and not self.right


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, its value (nan where there is nothing to count) and over how many."""

    name: str
    value: float
    count: int


def outcomes(document: Document, log: Log, sure: float = SURE_ENOUGH) -> list[Outcome]:
    """The reply to every question; one that the knowledge holds is asked where it was left out."""
    return [
        Outcome(asked, Assistant(index).reply(Conversation(), asked.text, sure=sure).reply)
        for index, part in unseen(document, log.questions, FOLDS)
        for asked in part
    ]


def dialogue_outcomes(document: Document, log: Log) -> list[list[Outcome]]:
    """The replies to every dialogue, turn by turn; one that the knowledge holds is held where it
    was left out.
    """
    return [
        hold(Assistant(index), dialogue)
        for index, part in unseen_dialogues(document, log.dialogues, FOLDS)
        for dialogue in part
    ]


def hold(assistant: Assistant, dialogue: Dialogue) -> list[Outcome]:
    """The replies to the turns of a dialogue."""
    conversation, found = Conversation(), []
    for asked in dialogue.turns:
        turn = assistant.reply(conversation, asked.text)
        conversation = turn.conversation
        found.append(Outcome(asked, turn.reply))
    return found


def question_figures(found: Sequence[Outcome]) -> list[Figure]:
    """The figures over single questions."""
    answerable = [outcome for outcome in found if outcome.asked.golds]
    outside = [outcome for outcome in found if not outcome.asked.golds]
    answered = [each for each in answerable if each.reply.kind is Kind.ANSWER and each.right]
    confident = [
        (each.reply.confidence or 0.0, bool(each.best and has_passage(each.best, each.asked)))
        for each in found
    ]
    return [
        _share("right replies", (each.right for each in found)),
        _share("right division, answerable", (_best(each, has_division) for each in answerable)),
        _share("right passage, answerable", (_best(each, has_passage) for each in answerable)),
        _share("answerable, answered rightly", (each.right for each in answerable)),
        _share("unanswerable, refused", (each.right for each in outside)),
        _share("confidently wrong, of all", (each.answered_wrongly for each in found)),
        Figure(
            "AUROC of confidence, answerable or not",
            auroc(
                [each.reply.confidence or 0.0 for each in answerable],
                [each.reply.confidence or 0.0 for each in outside],
            ),
            len(found),
        ),
        Figure("expected calibration error", calibration_error(confident), len(found)),
        _share(
            "marked sentence holds the answer", (_best(each, has_sentence) for each in answered)
        ),
    ]


def kind_figures(found: Sequence[Outcome]) -> list[Figure]:
    """The share of right replies for every kind of question."""
    kinds = Counter(each.asked.kind for each in found)
    return [_share(kind, (e.right for e in found if e.asked.kind == kind)) for kind in kinds]


def dialogue_figures(found: Sequence[Sequence[Outcome]]) -> list[Figure]:
    """The figures over dialogues."""
    return [
        _share("right turns", (each.right for turns in found for each in turns)),
        _share("right turns after the first", (each.right for t in found for each in t[1:])),
        _share("whole dialogues right", (all(each.right for each in turns) for turns in found)),
    ]


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a positive scores above a negative; ties count half."""
    if not (positive and negative):
        return float("nan")
    above = sum((p > n) + 0.5 * (p == n) for p in positive for n in negative)
    return above / (len(positive) * len(negative))


def calibration_error(confident: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error over ten bins of equal width (Naeini et al. 2015)."""
    error = 0.0
    for number in range(_BINS):
        held = [pair for pair in confident if min(int(pair[0] * _BINS), _BINS - 1) == number]
        if held:
            error += abs(sum(p for p, _ in held) - sum(right for _, right in held))
    return error / len(confident) if confident else float("nan")


def _best(outcome: Outcome, test: Callable[[Candidate, Asked], bool]) -> bool:
    return outcome.best is not None and test(outcome.best, outcome.asked)


def _share(name: str, truths: Iterable[bool]) -> Figure:
    values = list(truths)
    return Figure(name, sum(values) / len(values) if values else float("nan"), len(values))
