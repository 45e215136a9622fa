"""What all tests share: folders of their own, one built index, small knowledge folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.assistant import Assistant
from bot.retrieval.cache import open_index
from bot.retrieval.index import Index
from bot.settings import shipped_knowledge
from tests.program import environment, program

SMALL_DIVISION = """\
id: ports
name: 港湾課
sections:
  - heading: 防波堤の点検
    text: 港湾課は防波堤を毎年点検しています。結果は翌年の春に公表します。
  - heading: 釣り場の開放
    text: 釣り場は四月から十月まで開放しています。
"""
"""A division with the required keys alone."""


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one folder that keeps the built indexes of a whole run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_folders(
    tmp_path_factory: pytest.TempPathFactory, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No test reads or writes the folders, settings or ``.env`` of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    for variable in list(os.environ):
        if variable.startswith(("MADOGUCHI_", "DISCORD_", "XDG_", "LC_", "LANG")):
            monkeypatch.delenv(variable)
    for variable, folder in (
        ("HOME", "."),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_CONFIG_HOME", "config"),
    ):
        monkeypatch.setenv(variable, str(home / folder))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("MADOGUCHI_CACHE", str(cache))
    monkeypatch.chdir(home)


@pytest.fixture(scope="session")
def shipped_index(cache: Path) -> Index:
    """The index of the knowledge that ships with the program."""
    return open_index(shipped_knowledge(), cache)


@pytest.fixture(scope="session")
def shipped_assistant(shipped_index: Index) -> Assistant:
    """An assistant that answers from the knowledge that ships with the program."""
    return Assistant(shipped_index)


KnowledgeFolder = Callable[[Mapping[str, str | bytes]], Path]


@pytest.fixture
def knowledge_folder(tmp_path: Path) -> KnowledgeFolder:
    """Makes a knowledge folder from its files' names and contents."""

    def make(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "knowledge"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            raw = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(raw)
        return folder

    return make


@pytest.fixture
def small_knowledge(knowledge_folder: KnowledgeFolder) -> Path:
    """A knowledge folder with one division of two sections."""
    return knowledge_folder({"ports.yaml": SMALL_DIVISION})


@pytest.fixture
def run() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the program as a person would and returns what it printed."""

    def run(
        *arguments: str, stdin: bytes | str = b"", **changes: str
    ) -> subprocess.CompletedProcess[bytes]:
        raw = stdin if isinstance(stdin, bytes) else stdin.encode("utf-8", "surrogatepass")
        return subprocess.run(
            program(*arguments),
            input=raw,
            env=environment(**changes),
            capture_output=True,
            check=False,
            timeout=60,
        )

    return run
