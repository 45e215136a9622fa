"""Imports point one way, and a question loads no more than it needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import ROOT, environment

BOT = ROOT / "bot"
MODULES = sorted(BOT.rglob("*.py"))

# The parts, each of which may know those before it.
PARTS = [
    "__init__",
    "errors",
    "text",
    "reply",
    "wording",
    "settings",
    "store",
    "document",
    "retrieval",
    "conversation",
    "reading",
    "catalogue",
    "understanding",
    "assistant",
    "console",
    "chat",
    "quality",
    "cli",
    "__main__",
]
EDGES = {"console", "chat", "quality", "cli"}
"""Of these the command line alone knows the others."""
LIBRARIES = {
    "discord": ("chat/",),
    "sklearn": ("retrieval/intents.py", "quality/models.py"),
    "scipy": ("retrieval/intents.py", "quality/models.py"),
    "pydantic": ("document/load.py", "document/json_lines.py"),
    "prompt_toolkit": ("console.py",),
    "fugashi": ("retrieval/tokens.py",),
    "ray": ("retrieval/slices.py",),
}


def imported(path: Path) -> set[str]:
    """The modules that a file imports anywhere in it, dotted."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names if node.module == "bot"}
    return found


def part_of(path: Path) -> str:
    return path.relative_to(BOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BOT)))
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    others = {name.split(".")[1] for name in imported(path) if name.startswith("bot.")} - {part}
    assert others <= set(PARTS[: PARTS.index(part)])
    if part not in ("cli", "__main__"):
        assert others.isdisjoint(EDGES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BOT)))
def test_libraries_stay_where_they_belong(path: Path) -> None:
    place = path.relative_to(BOT).as_posix()
    for library in {name.partition(".")[0] for name in imported(path)} & LIBRARIES.keys():
        assert place.startswith(LIBRARIES[library]), library


def loaded(code: str) -> set[str]:
    """The top-level modules that are loaded after a process of its own has run ``code``."""
    script = f"import sys\n{code}\nprint('\\n' + __import__('json').dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
    )
    modules = json.loads(done.stdout.decode().splitlines()[-1])
    return {name.partition(".")[0] for name in modules}


HEAVY = {
    "discord", "sklearn", "scipy", "pydantic", "yaml", "prompt_toolkit", "aiohttp", "asyncio", "ray"
}  # fmt: skip


@pytest.mark.parametrize("module", ["bot.cli", "bot.assistant", "bot.console"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    modules = loaded(f"import {module}")
    assert "bot" in modules
    assert modules & HEAVY == set()


@pytest.mark.usefixtures("shipped_index")
@pytest.mark.parametrize("arguments", [["ask", "国際課とは"], ["console", "--json"]])
def test_a_warm_start_loads_nothing_heavy(arguments: list[str]) -> None:
    modules = loaded(f"from bot.cli import main\nassert main({arguments!r}) == 0")
    assert "fugashi" in modules or arguments[0] == "console"
    assert modules & HEAVY == set()
