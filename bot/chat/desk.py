"""What all features of the bot share: the knowledge, the memory, and the limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from bot.assistant import SURE_ENOUGH, Assistant, Turn
from bot.chat.card import Kept
from bot.chat.cooldown import Cooldown
from bot.chat.knowledge import Knowledge
from bot.chat.log import trouble
from bot.chat.metrics import Metrics
from bot.chat.recent import Recent
from bot.conversation import Conversation, Conversations
from bot.errors import StoreError
from bot.reply import Kind, Reply
from bot.settings import Rate, Settings
from bot.store.base import Remembered, ServerSettings, Store, Unanswered

_T = TypeVar("_T")
_REMEMBERED = 10_000
_KEPT_TURNS, _KEPT_UNANSWERED = 1_000, 1_000
_RETRY = 30.0
_PRESSES_PER_QUESTION = 3


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody's question; ``speak`` is the language to reply in (the question's where None)."""

    person: int
    channel: int
    text: str
    division: str | None = None
    speak: str | None = None
    sure: float | None = None


@dataclass
class Desk:
    """Made once; every feature gets it."""

    settings: Settings
    knowledge: Knowledge
    store: Store
    metrics: Metrics = field(default_factory=Metrics)
    conversations: Conversations = field(default_factory=Conversations)
    """By channel and person."""
    asked: Recent[str] = field(default_factory=lambda: Recent(_REMEMBERED))
    """The questions behind the latest answers, by the answer's message."""

    def __post_init__(self) -> None:
        rate = self.settings.cooldown
        self.cooldown = Cooldown(rate)
        self.presses = Cooldown(rate and Rate(rate.times * _PRESSES_PER_QUESTION, rate.seconds))
        self._servers: Recent[tuple[ServerSettings, float]] = Recent(_REMEMBERED)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")
        self.drawn: Recent[Kept] = Recent(_KEPT_TURNS)
        self._unanswered: list[Unanswered] = []
        self._turns: Recent[Turn] = Recent(_KEPT_TURNS)
        self._turns_of: Assistant | None = None

    @property
    def assistant(self) -> Assistant:
        """The assistant of now."""
        return self.knowledge.assistant

    async def answer(self, question: Question) -> Reply:
        """Answer a question within its conversation.

        Raises KeyError where it names a division that there is not.
        """
        started = time.perf_counter()
        key = (question.channel, question.person)
        conversation = self.conversations.get(key)
        turn = await self._turn(conversation, question)
        self.conversations.put(key, turn.conversation)
        self.metrics.count("answers", turn.reply.kind)
        self.metrics.took(time.perf_counter() - started)
        if turn.reply.kind is Kind.UNKNOWN and turn.reply.alternatives:
            self._unanswered.append(Unanswered(question.person, question.text))
        return turn.reply

    async def _turn(self, conversation: Conversation, question: Question) -> Turn:
        """The next turn of a conversation. Many people ask the same: it is looked up once."""
        assistant, sure = self.assistant, question.sure
        if assistant is not self._turns_of:
            self._turns_of, self._turns = assistant, Recent(_KEPT_TURNS)
            self.drawn = Recent(_KEPT_TURNS)
        key = (conversation, question.text, question.division, question.speak, sure)
        turn = self._turns.get(key)
        if turn is not None:
            return turn
        reply = partial(
            assistant.reply,
            conversation,
            question.text,
            division=question.division,
            speak=question.speak,
            sure=SURE_ENOUGH if sure is None else sure,
        )
        turn = await self.search(reply)
        self._turns.put(key, turn)
        return turn

    async def search(self, work: Callable[[], _T]) -> _T:
        """The result of searching, done on a thread of its own: whoever asks meanwhile, and the
        heartbeat, shall not wait for it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    async def warm_up(self) -> None:
        """Load what the first question would have to wait for: the dictionary."""
        await self._turn(Conversation(), Question(0, 0, "窓口"))

    async def server(self, server: int | None) -> ServerSettings:
        """A server's settings; without a server, or a database to read them from, the bot's own."""
        if server is None:
            return ServerSettings()
        settings, until = self._servers.get(server) or (None, 0.0)
        if settings is not None and time.monotonic() < until:
            return settings
        try:
            settings, until = await self.store.server(server), float("inf")
        except StoreError as error:
            trouble("settings_unread", error, server=server)
            self.metrics.count("failures", "store")
            settings, until = settings or ServerSettings(), time.monotonic() + _RETRY
        self._servers.put(server, (settings, until))
        return settings

    async def save_server(self, server: int, settings: ServerSettings) -> None:
        """Keep a server's settings.

        Raises StoreError.
        """
        await self.store.save_server(server, settings)
        self._servers.put(server, (settings, float("inf")))

    async def remembered(self, person: int) -> Remembered:
        """Everything stored about a person.

        Raises StoreError.
        """
        await self.keep_unanswered()
        return await self.store.remembered(person)

    async def erase(self, person: int) -> None:
        """Forget a person.

        Raises StoreError.
        """
        await self.store.erase(person)
        self._unanswered = [each for each in self._unanswered if each.person != person]
        self.conversations.forget_where(lambda key: key[1] == person)

    async def keep_unanswered(self) -> None:
        """Store the questions that went unanswered since the last call, all at once."""
        questions, self._unanswered = self._unanswered, []
        try:
            await self.store.unanswered(questions)
        except StoreError as error:
            self._unanswered = [*questions, *self._unanswered][-_KEPT_UNANSWERED:]
            self.metrics.count("failures", "store")
            trouble("not_stored", error, questions=len(questions))
