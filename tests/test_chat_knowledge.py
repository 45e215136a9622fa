"""How the bot goes on with the knowledge it has where it cannot have new."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from bot.chat.knowledge import Knowledge, ReloadError
from bot.settings import Settings
from tests.conftest import SMALL_DIVISION, KnowledgeFolder

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("trouble", ["a mistake", "no folder", "no process"])
async def test_whatever_is_in_the_way_the_knowledge_before_stays(
    knowledge_folder: KnowledgeFolder,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    trouble: str,
) -> None:
    folder = knowledge_folder({"ports.yaml": SMALL_DIVISION})
    settings = Settings.read({"MADOGUCHI_CACHE": str(cache)}, knowledge=str(folder))
    knowledge = await Knowledge.open(settings)
    before = knowledge.assistant
    if trouble == "no folder":
        shutil.rmtree(folder)
    else:
        text = "id: [" if trouble == "a mistake" else SMALL_DIVISION.replace("毎年", "毎月")
        (folder / "ports.yaml").write_text(text, encoding="utf-8")
    if trouble == "no process":
        monkeypatch.setattr(sys, "executable", str(folder / "none"))
    with pytest.raises(ReloadError):
        await knowledge.reload()
    assert knowledge.assistant is before
    before.index.close()
