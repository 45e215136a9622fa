"""What was typed in, understood: a dialogue act, or a question and what may answer it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from bot.conversation import Conversation
from bot.document.sentences import split_sentences
from bot.reading import READING_FEATURES, Judged, reading_features
from bot.retrieval.confidence import confidence
from bot.retrieval.context import Cues, readings
from bot.retrieval.index import Index
from bot.retrieval.intents import Leaning
from bot.retrieval.question import Question
from bot.retrieval.rank import SECTION_FEATURES, Ranking, look_up, rank
from bot.text import normalize

MORE = frozenset(["more", "detail", "again"])
"""The dialogue acts that ask for more of the last answer; the others are small talk."""
_ACT = -0.2
"""The margin from which on a line is a dialogue act."""
_CLEARLY = 0.2
"""By so much a line must be an act rather than a question,"""
_ALIKE = -0.5
"""and small talk no further than this from one kind of it."""
_ASKS = 0.0
"""The margin from which on a line asks something, answered by the document or not."""


class Understanding:
    """Understands lines by one index."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def line(self, text: str) -> str:
        """The text without sentences that are small talk, unless that is all it is."""
        sentences = [part for part in split_sentences(text) if part.strip()]
        if len(sentences) < 2:
            return text
        kept = [part for part in sentences if not self._is_courtesy(part)]
        if len(kept) == len(sentences):
            return text
        rest = "".join(kept).strip()
        if rest and self._is_courtesy(text) and not self._asks(rest):
            return text  # こんにちは。大学3年です -> a greeting, whatever else it says
        return rest or sentences[-1].strip()

    def act(self, leaning: Leaning) -> str | None:
        """The dialogue act that a line is, if it is one rather than a question."""
        if not len(leaning.acts):
            return None
        rival = max(leaning.outside, float(leaning.sections.max(initial=leaning.outside)))
        least = max(rival + _CLEARLY, _ACT)
        best = int(np.argmax(leaning.acts))
        name, margin = self._index.acts[best][0], leaning.acts[best]
        # Where nothing was learned of what the document answers, whatever asks might seem talk.
        if self._talk[best] and self._index.is_taught:
            return name if leaning.talk > least and margin > _ALIKE else None
        return name if name != "follow_up" and margin > least else None

    def readings(
        self, conversation: Conversation, line: str, division: str | None = None
    ) -> list[Judged]:
        """Every reading of a line, judged; the one that takes it alone comes first."""
        return [
            Judged(each, *self.judge(each.text, division or each.division))
            for each in readings(conversation.context, line, self.cues, self._index.spoken_names)
        ]

    def likeliest(self, conversation: Conversation, judged: Sequence[Judged]) -> Judged:
        """The reading whose best section is likeliest to be right."""
        if len(judged) == 1:
            return judged[0]
        features = np.array(
            [
                reading_features(self._index, conversation, each, judged[0], self.cues)
                for each in judged
            ]
        )
        choice = self._index.model("reading_choice", READING_FEATURES)
        best = int(np.argmax(choice.scores(features)))
        sure = self._index.model("reading_confidence", READING_FEATURES)
        probability = sure.probability(features[best])
        return replace(judged[best], probability=probability)

    def judge(self, text: str, division: str | None = None) -> tuple[Ranking, float]:
        """The sections that may answer a question, and the probability that the first does."""
        index = self._index
        question = Question.read(text, index.synonyms)
        allowed = None
        if division is not None:
            allowed = index.division_of == index.division_named[normalize(division)]
        model = index.model("section", SECTION_FEATURES)
        ranking = rank(index, look_up(index, question), model, allowed)
        return ranking, confidence(index, ranking)

    @cached_property
    def _talk(self) -> list[bool]:
        """Which of the dialogue acts are small talk."""
        return [bool(said["ja"]) for _, said in self._index.acts]

    @cached_property
    def cues(self) -> Cues:
        """Words that show how a line hangs on what was said before."""
        return Cues(self._index.cues)

    def _is_courtesy(self, sentence: str) -> bool:
        act = self.act(self._leaning(sentence))
        return act is not None and act not in MORE

    def _asks(self, sentence: str) -> bool:
        """Whether a sentence that is no small talk asks something, as far as that was learned."""
        if not self._index.is_taught:
            return True
        leaning = self._leaning(sentence)
        return max(leaning.outside, float(leaning.sections.max())) > _ASKS

    def _leaning(self, sentence: str) -> Leaning:
        question = Question.read(sentence, self._index.synonyms)
        return self._index.intents.lean(question.terms)
