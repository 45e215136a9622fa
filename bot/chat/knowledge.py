"""The knowledge that is being answered from, and how it is replaced while the bot runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bot.assistant import Assistant
from bot.chat.log import event, trouble
from bot.errors import MadoguchiError, SettingError

# The name of a kept index tells what it was built from, so it also tells whether that changed.
from bot.retrieval.cache import index_path, open_index
from bot.settings import Settings

_LOOK_EVERY = 2.0


class ReloadError(MadoguchiError):
    """The knowledge folder cannot be read again; the knowledge before stays."""


@dataclass(frozen=True, slots=True)
class Changes:
    """How many sections a new reading of the knowledge added and removed."""

    added: int
    removed: int


class Knowledge:
    """The assistant of now. A new one is built beside it and takes its place in one step."""

    def __init__(self, settings: Settings, assistant: Assistant, built_from: Path) -> None:
        self.assistant = assistant
        self._settings = settings
        self._built_from = built_from
        self._one_at_a_time = asyncio.Lock()

    @classmethod
    async def open(cls, settings: Settings) -> Knowledge:
        """The knowledge as it is now.

        Raises KnowledgeError, or ReloadError with the same mistakes.
        """
        built_from = index_path(settings.knowledge, settings.cache)
        if not built_from.exists():
            await _build_beside(settings)
        return cls(settings, await _open(settings), built_from)

    async def reload(self) -> Changes:
        """Read the knowledge again.

        Raises ReloadError with all its mistakes, or with what else is in the way; the knowledge
        before then stays.
        """
        async with self._one_at_a_time:
            try:
                built_from = self._now()
                if not built_from.exists():
                    await _build_beside(self._settings)
                before, assistant = self.assistant, await self._reopened()
            except (MadoguchiError, OSError) as error:
                raise ReloadError(str(error)) from error
            self.assistant, self._built_from = assistant, built_from
        await asyncio.to_thread(before.index.close)
        old, new = _sections(before), _sections(assistant)
        changes = Changes(len(new - old), len(old - new))
        event("knowledge_read", added=changes.added, removed=changes.removed)
        return changes

    async def watch(self, reloaded: Callable[[], Awaitable[object]]) -> None:
        """Call ``reloaded`` whenever the folder has changed and come to rest."""
        refused = last = self._built_from
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            try:
                now = await asyncio.to_thread(self._now)
            except (MadoguchiError, OSError) as error:
                trouble("knowledge_folder_unreadable", error)
                continue
            # Looked at twice: whoever saves several files is not done after the first.
            if now == last and now not in (self._built_from, refused):
                refused = now
                await reloaded()
            last = now

    async def _reopened(self) -> Assistant:
        try:
            return await _open(self._settings)
        except SettingError as error:  # new knowledge does not wait for a lost cluster
            trouble("index_warning", said=str(error))
            return await _open(replace(self._settings, cluster=None))

    def _now(self) -> Path:
        return index_path(self._settings.knowledge, self._settings.cache)


async def _open(settings: Settings) -> Assistant:
    index = await asyncio.to_thread(
        open_index,
        settings.knowledge,
        settings.cache,
        lambda said: trouble("index_warning", said=said),
        cluster=settings.cluster,
    )
    return Assistant(index)


async def _build_beside(settings: Settings) -> None:
    """Build the index in a process of its own: what only building needs would stay in this one's
    memory, and building would hold up whoever asks meanwhile.

    Raises ReloadError with the mistakes in the folder.
    """
    package = Path(__file__).parents[1]
    path = os.pathsep.join(filter(None, [str(package.parent), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "MADOGUCHI_CACHE": str(settings.cache), "PYTHONPATH": path}
    environment.pop("DISCORD_TOKEN", None)
    environment["MADOGUCHI_CLUSTER"] = ""
    # `ask` without a question and without input opens the index and ends.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "ask", "--knowledge", str(settings.knowledge)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        mistakes = said.decode(errors="replace").strip().removeprefix("madoguchi: ")
        raise ReloadError(mistakes.splitlines()[-1] if "Traceback" in mistakes else mistakes)


def _sections(assistant: Assistant) -> set[str]:
    index = assistant.index
    found = (each.names.id for each in index.divisions)
    return {
        f"{part.key}\0{part.passage}" for id_ in found for part in assistant.catalogue.sections(id_)
    }
