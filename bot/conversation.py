"""What conversations remember."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

from bot.reply import Candidate
from bot.retrieval.context import Context
from bot.text import normalize


@dataclass(frozen=True, slots=True)
class Conversation:
    """What has been said so far, as far as it bears on what comes next.

    ``topic`` is the last question that stood by itself and ``last`` the last one as it was meant,
    pronouns filled in; ``answer`` is what was last answered with, and ``division`` the name of the
    division last spoken of. ``shown`` are the sentences shown for the topic, ``choices`` the
    candidates last offered, in the order of their numbers.
    """

    topic: str = ""
    last: str = ""
    division: str = ""
    answer: Candidate | None = None
    shown: tuple[str, ...] = ()
    choices: tuple[Candidate, ...] = ()

    @property
    def context(self) -> Context:
        """What a line that follows may hang on."""
        return Context(self.topic, self.last, self.division)

    def answered(
        self,
        question: str,
        answer: Candidate,
        others: tuple[Candidate, ...] = (),
        *,
        is_topic: bool,
    ) -> Conversation:
        """The conversation after an answer and ``others`` to choose from; ``question`` is what was
        meant, and with ``is_topic`` it is what is spoken of from now on.
        """
        return Conversation(
            topic=question if is_topic or not self.topic else self.topic,
            last=question,
            division=answer.division.name,
            answer=answer,
            shown=(answer.sentence,),
            choices=others,
        )

    def unanswered(self, division: str | None, nearest: tuple[Candidate, ...] = ()) -> Conversation:
        """The conversation after a question that the document does not answer; ``division`` is
        named in it, and the ``nearest`` sections are offered.
        """
        return replace(self, division=division or self.division, choices=nearest)

    def asked_back(self, question: str, choices: tuple[Candidate, ...]) -> Conversation:
        """The conversation after a question that was answered with another: which is meant?"""
        return replace(
            self, topic=self.topic or question, last=self.last or question, choices=choices
        )

    def showed(self, candidate: Candidate) -> Conversation:
        """The conversation after more of the last answer, or another candidate, was shown."""
        return replace(
            self,
            topic=self.topic or candidate.section,
            last=self.last or candidate.section,
            division=candidate.division.name,
            answer=candidate,
            shown=(*self.shown, candidate.sentence)[-_SHOWN:],
        )


_SHOWN = 100
"""How many sentences are remembered as shown."""
_LONGEST_CHOICE = 40
_ORDINALS = (
    r"一(つ目|番目?|個目)?|ひとつ目|最初|前者|前の(ほう|方)|first|former",
    r"二(つ目|番目?|個目)?|ふたつ目|second",
    r"三(つ目|番目?|個目)?|みっつ目|third",
    r"四(つ目|番目?|個目)?|よっつ目|fourth",
    r"五(つ目|番目?|個目)?|いつつ目|fifth",
)
_LAST = r"最後|後者|後の(ほう|方)|last|latter"
_NUMBER = r"(?P<number>\d{1,3})(番目?|つ目|個目|st|nd|rd|th)?"
_FILLER = (
    r"(ほう|方|やつ|もの|の|を|で|お願い(します)?|詳しく|見せて|教えて|ください"
    r"|please|the|one|number|,|、|。|\s)*"
)
_ONLY_FILLER = re.compile(_FILLER)
_PICKS = [re.compile(rf"{_FILLER}({pick}){_FILLER}") for pick in (_NUMBER, _LAST, *_ORDINALS)]


def chosen(conversation: Conversation, text: str) -> Candidate | None:
    """The candidate that a line picks from those last offered: 2, 二つ目, 後のほう, or by the name
    of its division where no other one is of it.
    """
    choices = conversation.choices
    if not choices or len(text) > _LONGEST_CHOICE:
        return None
    place = _place(text, len(choices))
    if place is not None:
        return choices[place] if 0 <= place < len(choices) else None
    line = normalize(text)
    named = [each for each in choices if _says_only(normalize(each.division.name), line)]
    return named[0] if len(named) == 1 else None


def is_choice(text: str) -> bool:
    """Whether a line says nothing but which one, as one types to choose."""
    return _place(text, 1) is not None


def _says_only(name: str, line: str) -> bool:
    before, found, after = line.partition(name)
    return bool(found and _ONLY_FILLER.fullmatch(before) and _ONLY_FILLER.fullmatch(after))


def _place(text: str, count: int) -> int | None:
    """Which of ``count`` things a line says, from 0 on; it may say more than there are."""
    if len(text) > _LONGEST_CHOICE:
        return None
    line = normalize(text)
    number, last, *ordinals = (pick.fullmatch(line) for pick in _PICKS)
    if number:
        return int(number["number"]) - 1
    return count - 1 if last else next((i for i, found in enumerate(ordinals) if found), None)


class Conversations:
    """Many people's conversations, by any key; the least recently used go first.

    One that lay untouched for ``lifetime`` seconds is forgotten.
    """

    def __init__(
        self,
        *,
        limit: int = 10_000,
        lifetime: float = 1800,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._lifetime = lifetime
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Conversation]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Conversation:
        """The conversation under ``key``; a new one where there is none or it has lapsed."""
        since, conversation = self._kept.get(key, (float("-inf"), Conversation()))
        return conversation if self._clock() - since < self._lifetime else Conversation()

    def put(self, key: Hashable, conversation: Conversation) -> None:
        """Remember how a conversation stands now."""
        self._kept[key] = (self._clock(), conversation)
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def forget(self, key: Hashable) -> None:
        """Remember no more of it."""
        self._kept.pop(key, None)

    def forget_where(self, is_meant: Callable[[Any], bool]) -> None:
        """Remember no more of those whose key is meant."""
        for key in [*filter(is_meant, self._kept)]:
            self.forget(key)
