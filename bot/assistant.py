"""The only door to an answer: a conversation and what was typed in, a reply out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bot.conversation import Conversation
from bot.reply import Candidate, DivisionName, Kind, Reply
from bot.retrieval.confidence import confidence
from bot.retrieval.index import Index, IndexedDivision, IndexedSection
from bot.retrieval.question import Question
from bot.retrieval.rank import Ranking, best_sentence, look_up, rank
from bot.text import normalize
from bot.wording import Wording, language

LONGEST_QUESTION = 2000
"""In characters; nobody's question is longer, and the cost of one grows with it."""
SURE_ENOUGH = 0.5
"""An answer is given from this confidence on."""
_ALTERNATIVES = 4
_WORTH_OFFERING = 0.02


@dataclass(frozen=True, slots=True)
class Turn:
    """A reply, and the conversation after it."""

    reply: Reply
    conversation: Conversation


class Assistant:
    """Answers from one index. Keeps nothing between calls; safe from any thread."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def reply(
        self,
        conversation: Conversation,
        text: str,
        *,
        division: str | None = None,
        speak: str | None = None,
        sure: float = SURE_ENOUGH,
    ) -> Turn:
        """Answer one turn.

        ``division`` is the id of the only division to answer from; ``speak`` is the language of
        the bot's own words, "ja" or "en" (the question's where None); ``sure`` is the confidence
        from which on an answer is given.

        Raises KeyError where there is no such division.
        """
        wording = self.wording(speak or language(text))
        refusal = _refusal(text)
        if refusal is not None:
            said = wording.phrase(refusal, limit=LONGEST_QUESTION)
            return Turn(Reply(text, Kind.UNKNOWN, said, confidence=0.0), conversation)
        chosen = _chosen(conversation, text)
        if chosen is not None:
            said = wording.answer(chosen, ())
            return Turn(Reply(text, Kind.ANSWER, said, chosen, chosen.confidence), conversation)
        return self._answer(conversation, text, division, wording, sure)

    def command(self, conversation: Conversation, text: str, *, speak: str = "ja") -> Turn:
        """Do what a line that starts with a slash says: /help, /divisions, /new, or a division's
        name or id, alone for its profile or with a question for an answer from it alone.
        """
        # The slash and the space may be full-width: ／国際課　EPAとは
        name, question = [*text.strip()[1:].split(maxsplit=1), "", ""][:2]
        wording = self.wording(speak)
        match normalize(name):
            case "help":
                said = wording.help(self.index.division(0).names.name)
            case "divisions":
                said = wording.divisions([each.names for each in self.index.divisions])
            case "new":
                conversation, said = Conversation(), wording.phrase("forgotten")
            case named if named not in self.index.division_named:
                said = wording.phrase("no_command", name=name)
            case named if question:
                id_ = self.division(named).names.id
                return self.reply(conversation, question, division=id_, speak=speak)
            case named:
                turn = self.profile(named, speak=speak)
                return Turn(replace(turn.reply, question=text), turn.conversation)
        return Turn(Reply(text, Kind.COMMAND, said), conversation)

    def wording(self, speak: str) -> Wording:
        """The bot's words in a language, "ja" or "en"."""
        return Wording(*self.index.wording(speak))

    def candidate(self, key: str) -> Candidate | None:
        """The section with this key, its first sentence marked; None if it is gone."""
        id_, _, _ = key.partition("/")
        for row in self._rows_of(id_):
            section = self.index.section(row)
            if _key(self.index.division(section.division).names, section) == key:
                return self._candidate(row, int(self.index.first_sentence[row]), 1.0)
        return None

    def sections(self, division: str) -> tuple[Candidate, ...]:
        """All sections of a division, in the order of the document.

        Raises KeyError where there is no such division.
        """
        self.division(division)
        return tuple(
            self._candidate(row, int(self.index.first_sentence[row]), 1.0)
            for row in self._rows_of(division)
        )

    def division(self, named: str) -> IndexedDivision:
        """The division with this id, name, English name or alias, however it is typed.

        Raises KeyError where there is none.
        """
        return self.index.divisions[self.index.division_named[normalize(named)]]

    def profile(self, division: str, *, speak: str = "ja") -> Turn:
        """What a division is: its names and its sections to choose from."""
        found = self.division(division)
        sections = self.sections(found.names.id)
        text = self.wording(speak).profile(found.names, found.parent, sections)
        return Turn(Reply("", Kind.COMMAND, text), Conversation(choices=sections))

    def _rows_of(self, id_: str) -> Sequence[int]:
        wanted = self.index.division_named.get(id_)
        rows: list[int] = np.flatnonzero(self.index.division_of == wanted).tolist()
        return rows if wanted is not None else []

    def _answer(
        self,
        conversation: Conversation,
        text: str,
        division: str | None,
        wording: Wording,
        sure: float,
    ) -> Turn:
        ranking, probability = self.judge(text, division)
        candidates = self._candidates(ranking, probability)
        best, others = candidates[0], tuple(candidates[1 : 1 + _ALTERNATIVES])
        if probability >= sure:
            said = wording.answer(best, others)
            reply = Reply(text, Kind.ANSWER, said, best, best.confidence, others)
        else:
            nearest = tuple(candidates[:_ALTERNATIVES])
            said = wording.unknown(nearest)
            reply = Reply(text, Kind.UNKNOWN, said, None, best.confidence, nearest)
        return Turn(reply, replace(conversation, choices=reply.alternatives))

    def judge(self, text: str, division: str | None = None) -> tuple[Ranking, float]:
        """The sections that may answer a question, and the probability that the first does."""
        index = self.index
        question = Question.read(text, index.synonyms)
        allowed = None
        if division is not None:
            allowed = index.division_of == index.division_named[normalize(division)]
        ranking = rank(index, look_up(index, question), index.model("section"), allowed)
        return ranking, confidence(index, ranking, index.model("confidence"))

    def _candidates(self, ranking: Ranking, probability: float) -> list[Candidate]:
        """The sections of a ranking, the first with ``probability``, the others in proportion."""
        index = self.index
        shares = ranking.shares / ranking.shares[0]
        kept = [0, *(i for i in range(1, len(shares)) if shares[i] >= _WORTH_OFFERING)]
        return [
            self._candidate(
                int(row := ranking.rows[i]),
                best_sentence(index, ranking.hits, int(row), index.model("sentence")),
                round(probability * float(shares[i]), 4),
            )
            for i in kept[: 1 + _ALTERNATIVES]
        ]

    def _candidate(self, row: int, sentence: int, probability: float) -> Candidate:
        section = self.index.section(row)
        names = self.index.division(section.division).names
        return Candidate(
            key=_key(names, section),
            division=names,
            path=section.path,
            section=section.heading,
            passage=section.passage,
            sentence=self.index.sentence(sentence),
            source=section.source,
            confidence=probability,
        )


def _chosen(conversation: Conversation, text: str) -> Candidate | None:
    """The choice whose number was typed, if one was."""
    typed = normalize(text)
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 4 else 0
    return conversation.choices[number - 1] if 0 < number <= len(conversation.choices) else None


def _refusal(text: str) -> str | None:
    """The key of what to say to a text that cannot be a question; None if it may be one."""
    if len(text) > LONGEST_QUESTION:
        return "too_long"
    words = normalize(text)
    if not words:
        return "empty"
    return None if any(character.isalnum() for character in words) else "no_words"


def _key(division: DivisionName, section: IndexedSection) -> str:
    """A name for a section that outlasts changes elsewhere in the document."""
    headings = "\0".join([*section.path, section.heading])
    return f"{division.id}/{hashlib.blake2b(headings.encode(), digest_size=6).hexdigest()}"
