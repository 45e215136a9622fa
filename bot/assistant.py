"""The only door to an answer: a conversation and what was typed in, a reply out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from bot.catalogue import ALTERNATIVES, WORTH_OFFERING, Catalogue
from bot.conversation import Conversation, chosen, is_choice
from bot.reading import Judged
from bot.reply import Candidate, Kind, Reply
from bot.retrieval.confidence import confidence
from bot.retrieval.context import Way
from bot.retrieval.index import Index
from bot.retrieval.rank import SECTION_FEATURES, sentences_by_score
from bot.text import normalize
from bot.understanding import MORE, Understanding
from bot.wording import Wording, language

LONGEST_QUESTION = 2000
"""In characters; nobody's question is longer, and the cost of one grows with it."""
SURE_ENOUGH = 0.5
"""An answer is given from this confidence on."""
_DOMINANT = 0.8
"""A section with more than this part of what speaks for it and its like is meant alone."""
_MARGIN = SECTION_FEATURES.index("margin")
_SAYS = re.compile(r"[^\W_]")
_LONGEST_NAME = 8
"""How many words a division's name may have in a command."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A reply, and the conversation after it."""

    reply: Reply
    conversation: Conversation


@dataclass(frozen=True, slots=True)
class _Equals:
    """Candidates that answer equally well, and the probability that any of them does."""

    choices: tuple[Candidate, ...]
    probability: float


class Assistant:
    """Answers from one index. Keeps nothing between calls; safe from any thread."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.catalogue = Catalogue(index)
        self.understanding = Understanding(index)

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
        only = None if division is None else self.catalogue.division(division).names.id
        conversation = self._of_this_document(conversation)
        picked = chosen(conversation, text)
        if picked is not None and only in (None, picked.division.id):
            return self._shown(conversation, text, picked, wording)
        refusal = _refusal(conversation, text)
        if refusal is not None:
            said = wording.phrase(refusal, limit=LONGEST_QUESTION)
            return Turn(Reply(text, Kind.UNKNOWN, said, confidence=0.0), conversation)
        line = self.understanding.line(text)
        judged = self.understanding.readings(conversation, line, only)
        act = self.understanding.act(judged[0].ranking.hits.leaning)
        if act in MORE and only is None:
            return self._more(conversation, text, act, wording)
        is_list = act == "divisions" and normalize(line) not in self.index.division_named
        if is_list and only is None:
            return self.command(conversation, "/divisions", asked=text, speak=wording.language)
        if act is not None and act != "divisions" and act not in MORE:
            said = self.index.acts[self.index.act_named[act]][1][wording.language]
            return Turn(Reply(text, Kind.SMALLTALK, said), conversation)
        likeliest = self.understanding.likeliest(conversation, judged)
        return self._answered(conversation, text, likeliest, wording, sure)

    def command(
        self, conversation: Conversation, text: str, *, asked: str | None = None, speak: str = "ja"
    ) -> Turn:
        """Do what a line that starts with a slash says: /help, /divisions, /new, or a division's
        name or id, alone for its profile or with a question for an answer from it alone.

        ``asked`` is what was typed, if it was something else.
        """
        wording = self.wording(speak)
        name, question = self._command(text)
        match name:
            case _ if len(text) > LONGEST_QUESTION:
                said = wording.phrase("too_long", limit=LONGEST_QUESTION)
            case "help":
                said = wording.help(self.index.division(0).names.name)
            case "divisions":
                said = wording.divisions([each.names for each in self.index.divisions])
            case "new":
                conversation, said = Conversation(), wording.phrase("forgotten")
            case _ if name not in self.index.division_named:
                said = wording.phrase("no_command", name=name)
            case named if question:
                id_ = self.catalogue.division(named).names.id
                return self.reply(conversation, question, division=id_, speak=speak)
            case named:
                turn = self.profile(named, speak=speak)
                return Turn(replace(turn.reply, question=text), turn.conversation)
        return Turn(Reply(asked or text, Kind.COMMAND, said), conversation)

    def _of_this_document(self, conversation: Conversation) -> Conversation:
        """The conversation, or a new one where it spoke of a division that is gone by now."""
        named = self.index.division_named
        known = not conversation.division or normalize(conversation.division) in named
        return conversation if known else Conversation()

    def _command(self, text: str) -> tuple[str, str]:
        """The normalised name of a command, which may have spaces in it, and the question."""
        # The slash and the space may be full-width: ／国際課　EPAとは
        words = text.strip()[1:].split(maxsplit=_LONGEST_NAME)
        for count in range(min(len(words), _LONGEST_NAME), 1, -1):
            name = normalize(" ".join(words[:count]))
            if name in self.index.division_named:
                return name, " ".join(words[count:])
        return normalize("".join(words[:1])), " ".join(words[1:])

    def wording(self, speak: str) -> Wording:
        """The bot's words in a language, "ja" or "en"."""
        return Wording(speak, *self.index.wording(speak))

    def profile(self, division: str, *, speak: str = "ja") -> Turn:
        """What a division is: its names and its sections to choose from."""
        found = self.catalogue.division(division)
        sections = self.catalogue.sections(found.names.id)
        text = self.wording(speak).profile(found.names, found.parent, sections)
        spoken_of = Conversation(division=found.names.name, choices=sections)
        return Turn(Reply("", Kind.COMMAND, text), spoken_of)

    def _answered(
        self,
        conversation: Conversation,
        text: str,
        judged: Judged,
        wording: Wording,
        sure: float,
    ) -> Turn:
        """An answer, or that the document does not say, and what is remembered of it."""
        equals = self._equals(judged)
        spoken_of = conversation.division
        if equals is not None and spoken_of in {each.division.name for each in equals.choices}:
            meant = self.understanding.judge(judged.reading.text, spoken_of)
            judged, equals = Judged(judged.reading, *meant), None
        if equals is not None and equals.probability >= sure:
            if len({each.sentence for each in equals.choices}) > 1:
                confident, choices = equals.choices[0].confidence, equals.choices
                said = wording.clarify(choices)
                reply = Reply(text, Kind.CLARIFY, said, None, confident, choices)
                return Turn(reply, conversation.asked_back(text, choices))
            # They say the same: whichever was meant, it is right.
            judged = replace(judged, probability=equals.probability)
        candidates = self.catalogue.candidates(judged.ranking, judged.probability)
        best = candidates[0]
        if judged.probability < sure:
            nearest = tuple(candidates[:ALTERNATIVES])
            reply = Reply(
                text, Kind.UNKNOWN, wording.unknown(nearest), None, best.confidence, nearest
            )
            return Turn(reply, self.after_unknown(conversation, text, nearest))
        others = tuple(candidates[1 : 1 + ALTERNATIVES])
        reply = Reply(
            text, Kind.ANSWER, wording.answer(best, others), best, best.confidence, others
        )
        after = conversation.answered(judged.reading.text, best, others, is_topic=judged.is_topic)
        return Turn(reply, after)

    def after_unknown(
        self, conversation: Conversation, line: str, nearest: tuple[Candidate, ...] = ()
    ) -> Conversation:
        """The conversation after a line that the document does not answer."""
        named = self.catalogue.named(line)
        division = named and self.catalogue.division(named).names.name
        return conversation.unanswered(division, nearest)

    def _equals(self, judged: Judged) -> _Equals | None:
        """Sections of several divisions that answer as well as each other: those under the same
        heading, where the question does not say which division is meant. None if one is best.
        """
        ranking = judged.ranking
        fit = ranking.features[:, _MARGIN] > 0  # by the examples, a question may have many answers
        is_one = fit.sum() < 2 and ranking.shares[0] > _DOMINANT
        if is_one or judged.reading.way is not Way.ALONE:
            return None
        headings = [self.catalogue.role(row) for row in ranking.rows.tolist()]
        alike = np.array([heading == headings[0] for heading in headings])
        divisions = self.index.division_of[ranking.rows[alike]]
        is_best = ranking.shares[0] > _DOMINANT * ranking.shares[alike].sum()
        if (
            len(set(divisions.tolist())) < 2
            or (is_best and (fit & alike).sum() < 2)
            or self.catalogue.named(judged.reading.text)
        ):
            return None
        offered = fit | (ranking.shares >= WORTH_OFFERING * ranking.shares[0])
        places = np.flatnonzero(alike & offered)[:ALTERNATIVES]
        choices = self.catalogue.candidates(ranking, judged.probability, places.tolist())
        return _Equals(tuple(choices), confidence(self.index, ranking.united(alike)))

    def _shown(
        self, conversation: Conversation, text: str, candidate: Candidate, wording: Wording
    ) -> Turn:
        """A candidate that was chosen or comes next."""
        said = wording.answer(candidate, ())
        reply = Reply(text, Kind.ANSWER, said, candidate, candidate.confidence)
        return Turn(reply, conversation.showed(candidate))

    def _more(self, conversation: Conversation, text: str, act: str, wording: Wording) -> Turn:
        """The last answer again, more about it, or the next best that was not shown yet."""
        if conversation.answer is None:
            said = wording.phrase("nothing_before")
            return Turn(Reply(text, Kind.UNKNOWN, said, confidence=0.0), conversation)
        if act == "again":
            return self._shown(conversation, text, conversation.answer, wording)
        upcoming = self._next_best if act == "more" else self._rest
        for candidate in upcoming(conversation, conversation.answer):
            if candidate.sentence not in conversation.shown:
                return self._shown(conversation, text, candidate, wording)
        reply = Reply(text, Kind.UNKNOWN, wording.phrase("no_more"), confidence=0.0)
        return Turn(reply, conversation)

    def _next_best(self, conversation: Conversation, answer: Candidate) -> Iterator[Candidate]:
        """What else answers the last question: of the same section, then of the next best ones."""
        ranking, probability = self.understanding.judge(conversation.last)
        shares = np.minimum(ranking.shares / max(float(ranking.shares[0]), 1e-9), 1.0)
        for row, share in sorted(
            zip(ranking.rows.tolist(), shares.tolist(), strict=True),
            key=lambda pair: self.catalogue.key_of(pair[0]) != answer.key,
        ):
            if share < WORTH_OFFERING and self.catalogue.key_of(row) != answer.key:
                continue
            for sentence in sentences_by_score(self.index, ranking.hits, row):
                yield self.catalogue.at(row, sentence, round(probability * share, 4))

    def _rest(self, conversation: Conversation, answer: Candidate) -> Iterator[Candidate]:
        """The rest of the section last shown, then the other sections of its division, as likely
        as they are to answer what was asked.
        """
        ranking, probability = self.understanding.judge(conversation.last)
        shares = dict(zip(ranking.rows.tolist(), ranking.shares.tolist(), strict=True))
        rows = self.catalogue.rows_of(answer.division.id)
        place = next(
            (i for i, row in enumerate(rows) if self.catalogue.key_of(row) == answer.key), 0
        )
        for row in (*rows[place:], *rows[:place]):
            is_same = self.catalogue.key_of(row) == answer.key
            likely = answer.confidence if is_same else probability * shares.get(row, 0.0)
            first, end = self.index.first_sentence[row : row + 2].tolist()
            for sentence in range(first, end):
                yield self.catalogue.at(row, sentence, round(likely, 4))


def _refusal(conversation: Conversation, text: str) -> str | None:
    """The key of what to say to a text that cannot be a question; None if it may be one."""
    if len(text) > LONGEST_QUESTION:
        return "too_long"
    if conversation.choices and is_choice(text):
        return "no_choice"
    words = normalize(text)
    if not words:
        return "empty"
    return None if _SAYS.search(words) else "no_words"
