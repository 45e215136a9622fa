"""Whether a reply is right."""

from __future__ import annotations

from bot.document.model import Asked
from bot.reply import Candidate, Kind, Reply
from bot.text import squeeze


def is_right(reply: Reply, asked: Asked) -> bool:
    """Whether a reply is what the log says is right; white space does not count."""
    if asked.smalltalk:
        return reply.kind is Kind.SMALLTALK
    if asked.clarify_ok and reply.kind is Kind.CLARIFY:
        return True
    if not asked.golds:
        return reply.kind is Kind.UNKNOWN
    return reply.answer is not None and has_passage(reply.answer, asked)


def has_division(candidate: Candidate, asked: Asked) -> bool:
    """Whether the candidate is of a right division."""
    return any(gold.division == candidate.division.name for gold in asked.golds)


def has_passage(candidate: Candidate, asked: Asked) -> bool:
    """Whether the candidate is of the right division and its passage holds an answer."""
    return answers(candidate.division.name, candidate.passage, asked)


def has_sentence(candidate: Candidate, asked: Asked) -> bool:
    """Whether the marked sentence holds an answer."""
    return answers(candidate.division.name, candidate.sentence, asked)


def answers(division: str, text: str, asked: Asked) -> bool:
    """Whether a text of the division with this name holds an answer; white space does not count."""
    return any(
        gold.division == division and squeeze(gold.span) in squeeze(text) for gold in asked.golds
    )
