"""The README is true: its sessions, and its two commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT, environment

README = (ROOT / "README.md").read_text(encoding="utf-8")
PROMPT = "$ "


def sessions() -> list[tuple[str, str]]:
    """What the console blocks show: commands, and what each prints."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", README, re.DOTALL | re.MULTILINE):
        assert block.startswith(PROMPT)
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            found.append((command, output))
    return found


def commands(text: str) -> list[str]:
    """The lines to copy: those that are indented by four spaces, fenced blocks apart."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^ {4}(\S.*)$", text, re.MULTILINE)


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A folder with this checkout's program in it, under its name."""
    program = tmp_path / "bin" / "madoguchi"
    program.parent.mkdir()
    python = shlex.quote(sys.executable)
    program.write_text(f'#!/bin/sh\nexec {python} -m bot "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


@pytest.mark.usefixtures("shipped_index")
@pytest.mark.parametrize(("command", "output"), sessions(), ids=lambda text: text[:40])
def test_a_session_shows_what_is_printed(bin_: Path, command: str, output: str) -> None:
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment(PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.decode() == output
    assert done.stderr.decode() == ""


def test_the_readme_opens_with_a_session() -> None:
    assert len(sessions()) >= 1
    assert README.index("```console") < README.index("\n## ")


def test_the_two_commands_are_the_same_in_both_languages() -> None:
    english, japanese = README.split("\n## 日本語\n")
    two = commands(english)
    assert len(two) == 2
    assert commands(japanese) == two
    chat, test = two
    assert chat.endswith("madoguchi console")
    assert test.endswith("python -m pytest --quiet")
    assert all(each.startswith("python3 -m venv .venv && ") for each in two)


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert os.access(ROOT / ".ci/run", os.X_OK)
    (finding,) = re.findall(r"^test_command=\$\((.*)\)$", script, re.MULTILINE)
    found = subprocess.run(
        ["bash", "-c", finding], cwd=ROOT, capture_output=True, check=True, timeout=10
    )
    assert found.stdout.decode().strip() == commands(README)[1]
    assert 'bash -c "$test_command"' in script


def test_every_setting_of_the_readme_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for variable in set(re.findall(r"`((?:MADOGUCHI|DISCORD)_[A-Z_]+)`", README)):
        assert re.search(rf"^{variable}=", example, re.MULTILINE), variable


def test_every_path_of_the_readme_is_there() -> None:
    named = re.findall(r"`((?:bot|knowledge|tests)/[\w./-]*)`", README)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
