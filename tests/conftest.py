"""What all tests share: folders of their own, one built index, small knowledge folders."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from bot.assistant import Assistant
from bot.cli import main
from bot.retrieval.cache import open_index
from bot.retrieval.index import Index
from bot.settings import shipped_knowledge
from tests.program import environment, program

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

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

HARBOUR = {
    "1-ports.yaml": """\
id: ports
name: 港湾課
name_en: Ports Division
parent: 海事局
aliases: [みなと係]
sections:
  - heading: 使命
    text: 港湾課は港の安全を守ります。防波堤を毎年点検しています。結果は翌年の春に公表します。
    keywords: [波止場]
    questions: [港湾課の使命は何ですか, 防波堤の点検はいつですか, What do you inspect?]
  - heading: 釣り場の開放
    path: [市民の皆様へ]
    text: |
      釣り場は四月から十月まで開放しています。

      利用料は一日五百円です。
    caption: 釣り場の入口
    questions: [釣り場はいつ開いていますか, 釣りをしたい, When can I fish?]
answers:
  - span: 利用料は一日五百円
    questions: [釣り場の利用料はいくらですか, 釣り場に入るのにお金はかかりますか]
""",
    "2-lights.yaml": """\
id: lights
name: 灯台課
sections:
  - heading: 使命
    text: 灯台課は船の道しるべを守ります。灯台の明かりを毎晩ともします。
    questions: [灯台課の使命は何ですか, 灯台の明かりをともすのはどの課ですか, 灯台はいつ光りますか]
  - heading: 灯台の見学
    text: 灯台の見学は日曜日に受け付けます。靴を脱いでお入りください。
    questions: [灯台を見学できますか, 見学は何曜日ですか, Can I visit the lighthouse?]
""",
    "outside.yaml": """\
questions:
- 課長の名前は何ですか
- 電話番号を教えてください
- 職員は何人ですか
- 海水浴場はどこですか
""",
    "synonyms.yaml": "- [灯台, 燈台, lighthouse]\n",
}
"""Two divisions of another organisation, with all that may stand beside a document."""


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


@pytest.fixture(scope="session")
def small_knowledge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge folder with one division of two sections; not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "ports.yaml").write_text(SMALL_DIVISION, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def harbour_knowledge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A knowledge folder with two divisions and all that may stand beside them; not to be
    changed.
    """
    folder = tmp_path_factory.mktemp("harbour")
    for name, content in HARBOUR.items():
        (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def harbour(harbour_knowledge: Path, cache: Path) -> Assistant:
    """An assistant that answers from the harbour's knowledge."""
    return Assistant(open_index(harbour_knowledge, cache))


@dataclass(frozen=True)
class Done:
    """How a run of the program ended."""

    status: int
    output: str
    errors: str


Run = Callable[..., Done]


@pytest.fixture
def run() -> Run:
    """Runs the program in a process of its own: arguments, its input, changes of environment."""

    def run(*arguments: str | bytes, stdin: bytes = b"", **changes: str) -> Done:
        done = subprocess.run(
            [*program(), *arguments],
            input=stdin,
            env=environment(**changes),
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program within the test's own process, which is quick: arguments and its input."""

    def call(*arguments: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        try:
            status = main(arguments)
        except SystemExit as ended:  # argparse's own
            status = int(ended.code or 0)
        return Done(status, *capsys.readouterr())

    return call
