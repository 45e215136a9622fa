"""The only door to an answer: a conversation and what was typed in, a reply out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bot.conversation import Conversation, chosen, is_choice
from bot.document.sentences import split_sentences
from bot.reading import (
    READING_FEATURES,
    Cues,
    Judged,
    Way,
    likelihood,
    named_in,
    reading_features,
    readings,
)
from bot.reply import Candidate, DivisionName, Kind, Reply
from bot.retrieval.confidence import confidence
from bot.retrieval.index import Index, IndexedDivision, IndexedSection
from bot.retrieval.intents import Leaning
from bot.retrieval.question import Question
from bot.retrieval.rank import Ranking, best_sentence, look_up, rank, sentences_by_score
from bot.text import normalize
from bot.wording import Wording, language

LONGEST_QUESTION = 2000
"""In characters; nobody's question is longer, and the cost of one grows with it."""
SURE_ENOUGH = 0.5
"""An answer is given from this confidence on."""
_ALTERNATIVES = 4
_WORTH_OFFERING = 0.02
_DOMINANT = 0.8
"""A section with more than this part of what speaks for it and its like is meant alone."""
_MORE = frozenset(["more", "detail", "again"])
"""The dialogue acts that ask for more of the last answer; the others are small talk."""
_LONGEST_NAME = 8
"""How many words a division's name may have in a command."""
_ACT = -0.2
"""The margin from which on a line is a dialogue act."""


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
        only = None if division is None else self.division(division).names.id
        conversation = self._of_this_document(conversation)
        picked = chosen(conversation, text)
        if picked is not None and only in (None, picked.division.id):
            return self._shown(conversation, text, picked, wording)
        refusal = _refusal(conversation, text)
        if refusal is not None:
            said = wording.phrase(refusal, limit=LONGEST_QUESTION)
            return Turn(Reply(text, Kind.UNKNOWN, said, confidence=0.0), conversation)
        line = self._without_courtesies(text)
        judged = self.readings(conversation, line, only)
        act = self._act(judged[0].ranking.hits.leaning) if only is None else None
        if act in _MORE:
            return self._more(conversation, text, act, wording)
        if act == "divisions" and normalize(line) not in self.index.division_named:
            return self.command(conversation, "/divisions", asked=text, speak=wording.language)
        if act not in (None, "divisions"):
            said = self.index.acts[self.index.act_named[act]][1][wording.language]
            return Turn(Reply(text, Kind.SMALLTALK, said), conversation)
        likeliest = self._likeliest(conversation, judged)
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
                id_ = self.division(named).names.id
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

    def _named(self, line: str) -> str | None:
        """The name of the division that a line names."""
        return named_in(normalize(line), self.index.spoken_names)

    def _rows_of(self, id_: str) -> Sequence[int]:
        wanted = self.index.division_named.get(id_)
        rows: list[int] = np.flatnonzero(self.index.division_of == wanted).tolist()
        return rows if wanted is not None else []

    def _answered(
        self,
        conversation: Conversation,
        text: str,
        judged: Judged,
        wording: Wording,
        sure: float,
    ) -> Turn:
        """An answer, or that the document does not say, and what is remembered of it."""
        candidates = self._candidates(judged.ranking, judged.probability)
        best = candidates[0]
        if judged.reading.way is Way.ALONE and (choices := self._equals(judged, sure)):
            said = wording.clarify(choices)
            reply = Reply(text, Kind.CLARIFY, said, None, best.confidence, choices)
            return Turn(reply, replace(self.after_unknown(conversation, text), choices=choices))
        if judged.probability < sure:
            nearest = tuple(candidates[:_ALTERNATIVES])
            reply = Reply(
                text, Kind.UNKNOWN, wording.unknown(nearest), None, best.confidence, nearest
            )
            return Turn(reply, replace(self.after_unknown(conversation, text), choices=nearest))
        others = tuple(candidates[1 : 1 + _ALTERNATIVES])
        reply = Reply(
            text, Kind.ANSWER, wording.answer(best, others), best, best.confidence, others
        )
        return Turn(reply, replace(self.after_answer(conversation, judged), choices=others))

    def after_answer(self, conversation: Conversation, judged: Judged) -> Conversation:
        """The conversation after a reading's best section was the answer."""
        is_topic = judged.reading.way is not Way.TOPIC
        return conversation.answered(judged.reading.text, self.best(judged), is_topic=is_topic)

    def after_unknown(self, conversation: Conversation, line: str) -> Conversation:
        """The conversation after a line that the document does not answer."""
        named = self._named(line)
        return conversation.unanswered(line, named and self.division(named).names.name)

    def best(self, judged: Judged) -> Candidate:
        """The best section found for a reading."""
        return self._candidates(judged.ranking, judged.probability)[0]

    def _equals(self, judged: Judged, sure: float) -> tuple[Candidate, ...]:
        """Sections of several divisions that answer as well as each other: those under the same
        heading, where the question does not say which division is meant. Empty if one is best.
        """
        ranking = judged.ranking
        headings = [self._role(row) for row in ranking.rows.tolist()]
        alike = np.array([heading == headings[0] for heading in headings])
        divisions = self.index.division_of[ranking.rows[alike]]
        if (
            len(set(divisions.tolist())) < 2
            or ranking.shares[0] > _DOMINANT * ranking.shares[alike].sum()
            or self._named(judged.reading.text)
            or confidence(self.index, ranking.united(alike), self.index.model("confidence")) < sure
        ):
            return ()
        places = np.flatnonzero(alike & (ranking.shares > _WORTH_OFFERING))[:_ALTERNATIVES]
        return tuple(self._candidates(ranking, judged.probability, places.tolist()))

    def _role(self, row: int) -> str:
        """What a section is within its division: its heading, or nothing if that is its title."""
        section = self.index.section(row)
        is_title = section.heading == self.index.division(section.division).names.name
        return "" if is_title else section.heading

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
        ranking, probability = self.judge(conversation.last)
        shares = np.minimum(ranking.shares / max(float(ranking.shares[0]), 1e-9), 1.0)
        for row, share in sorted(
            zip(ranking.rows.tolist(), shares.tolist(), strict=True),
            key=lambda pair: self._key_of(pair[0]) != answer.key,
        ):
            if share < _WORTH_OFFERING and self._key_of(row) != answer.key:
                continue
            weights = self.index.model("sentence")
            for sentence in sentences_by_score(self.index, ranking.hits, row, weights):
                yield self._candidate(row, sentence, round(probability * share, 4))

    def _rest(self, conversation: Conversation, answer: Candidate) -> Iterator[Candidate]:
        """The rest of the section last shown, then the other sections of its division."""
        rows = self._rows_of(answer.division.id)
        place = next((i for i, row in enumerate(rows) if self._key_of(row) == answer.key), 0)
        for row in (*rows[place:], *rows[:place]):
            first, end = self.index.first_sentence[row : row + 2].tolist()
            for sentence in range(first, end):
                yield self._candidate(row, sentence, answer.confidence)

    def _key_of(self, row: int) -> str:
        section = self.index.section(row)
        return _key(self.index.division(section.division).names, section)

    def _without_courtesies(self, text: str) -> str:
        """The text without sentences that are small talk, unless that is all it is."""
        sentences = [part for part in split_sentences(text) if part.strip()]
        if len(sentences) < 2:
            return text
        kept = [part for part in sentences if not self._is_courtesy(part)]
        return "".join(kept).strip() or sentences[-1].strip()

    def _is_courtesy(self, sentence: str) -> bool:
        question = Question.read(sentence, self.index.synonyms)
        act = self._act(self.index.intents.lean(question.terms, question.counts))
        return act is not None and act not in _MORE

    def _act(self, leaning: Leaning) -> str | None:
        """The dialogue act that a line is, if it is one rather than a question."""
        if not len(leaning.acts):
            return None
        best = int(np.argmax(leaning.acts))
        rival = max(leaning.outside, float(leaning.sections.max()))
        name = self.index.acts[best][0]
        is_act = name != "follow_up" and leaning.acts[best] > max(rival, _ACT)
        return name if is_act else None

    def _likeliest(self, conversation: Conversation, judged: Sequence[Judged]) -> Judged:
        """The reading whose best section is likeliest to be right."""
        if len(judged) == 1:
            return judged[0]
        features = np.array(
            [
                reading_features(self.index, conversation, each, judged[0], self.cues)
                for each in judged
            ]
        )
        choice = self.index.shared_model("reading_choice")
        scores = features @ [choice[name] for name in READING_FEATURES]
        best = int(np.argmax(np.round(scores, 9)))
        probability = likelihood(features[best], self.index.shared_model("reading_confidence"))
        return replace(judged[best], probability=probability)

    def readings(
        self, conversation: Conversation, line: str, division: str | None = None
    ) -> list[Judged]:
        """Every reading of a line, judged; the one that takes it alone comes first."""
        return [
            Judged(each, *self.judge(each.text, division or each.division))
            for each in readings(conversation, line, self.cues, self.index.spoken_names)
        ]

    @cached_property
    def cues(self) -> Cues:
        """Words that show how a line hangs on what was said before."""
        return Cues(self.index.cues)

    def judge(self, text: str, division: str | None = None) -> tuple[Ranking, float]:
        """The sections that may answer a question, and the probability that the first does."""
        index = self.index
        question = Question.read(text, index.synonyms)
        allowed = None
        if division is not None:
            allowed = index.division_of == index.division_named[normalize(division)]
        ranking = rank(index, look_up(index, question), index.model("section"), allowed)
        return ranking, confidence(index, ranking, index.model("confidence"))

    def _candidates(
        self, ranking: Ranking, probability: float, places: Sequence[int] | None = None
    ) -> list[Candidate]:
        """The sections of a ranking, the first with ``probability``, the others in proportion;
        those at ``places``, or all that are worth offering.
        """
        index = self.index
        shares = ranking.shares / ranking.shares[0]
        kept = places or [0, *(i for i in range(1, len(shares)) if shares[i] >= _WORTH_OFFERING)]
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


def _refusal(conversation: Conversation, text: str) -> str | None:
    """The key of what to say to a text that cannot be a question; None if it may be one."""
    if len(text) > LONGEST_QUESTION:
        return "too_long"
    if conversation.choices and is_choice(text):
        return "no_choice"
    words = normalize(text)
    if not words:
        return "empty"
    return None if any(character.isalnum() for character in words) else "no_words"


def _key(division: DivisionName, section: IndexedSection) -> str:
    """A name for a section that outlasts changes elsewhere in the document."""
    headings = "\0".join([*section.path, section.heading])
    return f"{division.id}/{hashlib.blake2b(headings.encode(), digest_size=6).hexdigest()}"
