"""Kept indexes: found again while nothing has changed, built anew when anything has."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.document import load as load_module
from bot.document.folder import common_folder
from bot.document.load import load
from bot.errors import KnowledgeError
from bot.retrieval import build, cache
from bot.retrieval.build import build_index
from bot.retrieval.cache import open_index
from tests.conftest import HARBOUR, SMALL_DIVISION, KnowledgeFolder

Arrays = dict[str, Any]


@pytest.fixture(scope="module")
def arrays(small_knowledge: Path) -> Arrays:
    """A small index, built once."""
    return build_index(load(small_knowledge))


@pytest.fixture
def builds(arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What indexes are built from; each is the small one, so that building takes no time."""
    documents: list[object] = []

    def instead(document: object, *_: object) -> Arrays:
        documents.append(document)
        return arrays

    monkeypatch.setattr(build, "build_index", instead)
    return documents


@pytest.fixture
def folder(knowledge_folder: KnowledgeFolder) -> Path:
    return knowledge_folder(HARBOUR)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The folder that keeps indexes; it is made when one is kept."""
    return tmp_path / "deep" / "cache"


@pytest.fixture
def common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the files that serve every document."""
    copy = tmp_path / "common"
    shutil.copytree(common_folder(), copy)
    monkeypatch.setattr(cache, "common_folder", lambda: copy)
    return copy


def name(folder: Path, kept: Path) -> str:
    """The name of the index of a folder as it is now."""
    return cache.index_path(folder, kept).name


def test_built_once(builds: list[object], folder: Path, kept: Path) -> None:
    for _ in range(3):
        assert open_index(folder, kept, pytest.fail).size == 2
    assert len(builds) == 1
    assert [each.name for each in kept.glob("*.index")] == [name(folder, kept)]


@pytest.mark.parametrize("file", HARBOUR)
def test_any_knowledge_file_counts(folder: Path, kept: Path, file: str) -> None:
    before = name(folder, kept)
    with (folder / file).open("a", encoding="utf-8") as opened:
        opened.write("\n")
    assert name(folder, kept) != before


def rewritten(folder: Path) -> None:
    path = folder / "1-ports.yaml"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("四月", "五月"), encoding="utf-8")  # as long as before


def dated_back(folder: Path) -> None:
    """Another content of the same length, with the time of the one before."""
    path = folder / "1-ports.yaml"
    facts = path.stat()
    rewritten(folder)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        rewritten,
        dated_back,
        lambda folder: (folder / "3-ships.yaml").write_text(SMALL_DIVISION),
        lambda folder: (folder / "3.jsonl").write_text(""),
        lambda folder: (folder / "2-lights.yaml").unlink(),
        lambda folder: (folder / "2-lights.yaml").rename(folder / "0-lights.yaml"),
    ],
)
def test_any_change_counts(folder: Path, kept: Path, change: Callable[[Path], None]) -> None:
    before = name(folder, kept)
    change(folder)
    assert name(folder, kept) != before


def test_what_is_no_knowledge_does_not_count(folder: Path, kept: Path) -> None:
    before = name(folder, kept)
    (folder / ".hidden.yaml").write_text("x")
    (folder / "notes.txt").write_text("x")
    (folder / "source").mkdir()
    (folder / "source" / "document.yaml").write_text("x")
    assert name(folder, kept) == before


def test_a_folder_by_any_path(folder: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "link").symlink_to(folder)
    monkeypatch.chdir(folder.parent)
    same = {
        name(each, kept)
        for each in (folder, Path(folder.name), Path("link"), folder / ".." / "link")
    }
    assert len(same) == 1


@pytest.mark.parametrize("file", sorted(each.name for each in common_folder().iterdir()))
def test_any_common_file_counts(folder: Path, kept: Path, common: Path, file: str) -> None:
    before = name(folder, kept)
    with (common / file).open("a", encoding="utf-8") as opened:
        opened.write("\n")
    assert name(folder, kept) != before


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where stand-ins lie for the packages that an index is built with."""
    folder = tmp_path / "installed"
    for package in ("numpy", "sklearn", "fugashi", "unidic_lite"):
        path = folder / package / "__init__.py"
        path.parent.mkdir(parents=True)
        path.touch()

    def find(package: str) -> ModuleSpec:
        return ModuleSpec(package, None, origin=str(folder / package / "__init__.py"))

    monkeypatch.setattr(cache, "find_spec", find)
    return folder


@pytest.mark.parametrize("package", ["numpy", "sklearn", "fugashi", "unidic_lite"])
def test_the_libraries_count(folder: Path, kept: Path, installed: Path, package: str) -> None:
    before = name(folder, kept)
    (installed / package / "__init__.py").write_text("another = 1\n")
    assert name(folder, kept) != before


def test_older_indexes_of_the_folder_are_removed(
    builds: list[object], folder: Path, small_knowledge: Path, kept: Path
) -> None:
    open_index(folder, kept)
    open_index(small_knowledge, kept)
    (kept / "somebody-elses.file").touch()
    before = name(folder, kept)
    rewritten(folder)
    open_index(folder, kept)
    assert len(builds) == 3
    assert {each.name for each in kept.iterdir() if each.suffix != ".terms"} == {
        name(folder, kept),
        name(small_knowledge, kept),
        "somebody-elses.file",
    }
    assert len([*kept.glob("*.terms")]) == 2
    assert name(folder, kept) != before


def test_mistakes_keep_the_index_of_before(builds: list[object], folder: Path, kept: Path) -> None:
    open_index(folder, kept)
    (folder / "2-lights.yaml").write_text("id: ports\n")
    with pytest.raises(KnowledgeError):
        open_index(folder, kept)
    assert len(builds) == len([*kept.glob("*.index")]) == 1


@pytest.mark.parametrize("content", [b"", b"x", b"madoguchi-arrays" + b"\0" * 100])
def test_a_damaged_index_is_built_anew(
    builds: list[object], folder: Path, kept: Path, content: bytes
) -> None:
    open_index(folder, kept)
    path = kept / name(folder, kept)
    whole = path.read_bytes()
    path.write_bytes(content)
    assert open_index(folder, kept, pytest.fail).size == 2
    assert path.read_bytes() == whole
    assert len(builds) == 2


def below_a_file(kept: Path) -> Path:
    kept.parent.mkdir()
    kept.write_text("a file")
    return kept / "cache"


def a_file(kept: Path) -> Path:
    kept.parent.mkdir()
    kept.write_text("a file")
    return kept


@pytest.mark.parametrize("place", [below_a_file, a_file])
def test_a_cache_that_cannot_be_used_costs_one_warning(
    builds: list[object], folder: Path, kept: Path, place: Callable[[Path], Path]
) -> None:
    unusable = place(kept)
    said: list[str] = []
    assert open_index(folder, unusable, said.append).size == 2
    (warning,) = said
    assert warning.startswith(f"MADOGUCHI_CACHE: cannot keep the index in {unusable}: ")
    assert "\n" not in warning
    assert open_index(folder, unusable).size == 2  # nobody to warn
    assert len(builds) == 2


def test_a_folder_in_the_place_of_the_index(builds: list[object], folder: Path, kept: Path) -> None:
    (kept / name(folder, kept)).mkdir(parents=True)
    said: list[str] = []
    assert open_index(folder, kept, said.append).size == 2
    assert len(said) == len(builds) == 1
    assert len([*kept.iterdir()]) == 1  # nothing half-written stays


LINES = "".join(
    json.dumps({"division": {"id": f"d{i % 3}", "name": f"第{i % 3}課"}, "heading": f"{i}",
                "text": f"第{i}の文です。次の文は{i * i}です。"}, ensure_ascii=False) + "\n"
    for i in range(30)
)  # fmt: skip
TAUGHT = {
    "1-boats.yaml": """\
id: boats
name: 船舶課
sections:
  - heading: 検査
    text: 船は毎年検査します。合格の証は船に貼ります。
"""
    + "    questions:\n"
    + "".join(f"      - 船の検査は{i}回目ですか\n" for i in range(120)),
    "outside.yaml": "questions:\n- 船はいくらですか\n",
}


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / file
        content = path.read_text(encoding="utf-8")
        assert old in content
        path.write_text(content.replace(old, new, 1), encoding="utf-8")

    return change


@pytest.fixture
def little_common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less to learn from, so that many indexes can be built."""
    copy = tmp_path / "little"
    shutil.copytree(common_folder(), copy)
    for file in ("acts.yaml", "outside.yaml"):
        content = yaml.safe_load((copy / file).read_text(encoding="utf-8"))
        for entry in content.values():
            del (entry["examples"] if isinstance(entry, dict) else entry)[5:]
        (copy / file).write_text(yaml.safe_dump(content), encoding="utf-8")
    monkeypatch.setattr(load_module, "common_folder", lambda: copy)


ANOTHER = SMALL_DIVISION.replace("港", "湾").replace("ports", "bays")


@pytest.mark.usefixtures("little_common")
@pytest.mark.parametrize(
    ("files", "change", "analysed"),  # so many sections; all of them where None
    [
        (HARBOUR, replaced("1-ports.yaml", "毎年", "隔年"), 4),
        (HARBOUR, replaced("1-ports.yaml", "heading: 使命", "heading: 務め"), 4),
        (HARBOUR, replaced("1-ports.yaml", "海事局", "海洋局"), 4),
        (HARBOUR, replaced("2-lights.yaml", "灯台を見学できますか", "灯台は見られますか"), 2),
        (HARBOUR, replaced("outside.yaml", "- 課長の名前は何ですか\n", ""), 0),
        (HARBOUR, lambda folder: (folder / "2-lights.yaml").unlink(), 0),
        (HARBOUR, lambda folder: (folder / "2-lights.yaml").rename(folder / "0.yaml"), 0),
        (HARBOUR, lambda folder: (folder / "0.yaml").write_text(ANOTHER, "utf-8"), 2),
        (HARBOUR, replaced("synonyms.yaml", "灯台", "灯火"), None),
        ({"all.jsonl": LINES}, replaced("all.jsonl", "第7の文", "第七の文"), 10),
        (TAUGHT, replaced("1-boats.yaml", "毎年", "隔年"), 1),
        (TAUGHT, replaced("1-boats.yaml", "119回目", "百回目"), 0),
    ],
)
def test_what_is_built_after_a_change_is_what_a_full_build_gives(
    knowledge_folder: KnowledgeFolder,
    kept: Path,
    files: dict[str, str],
    change: Callable[[Path], None],
    analysed: int | None,
) -> None:
    folder = knowledge_folder(files)
    open_index(folder, kept, pytest.fail)
    change(folder)
    told: list[tuple[int, int, int]] = []
    open_index(folder, kept, pytest.fail, lambda *counts: told.append(counts))
    afresh = kept.with_name("afresh")
    open_index(folder, afresh, pytest.fail)
    (index,) = kept.glob("*.index")
    assert index.read_bytes() == (afresh / index.name).read_bytes()
    (terms,) = kept.glob("*.terms")
    assert terms.read_bytes() == (afresh / terms.name).read_bytes()
    done, total, before = told[-1]
    assert done == total
    assert total - before == (total if analysed is None else analysed)


@pytest.mark.usefixtures("little_common")
@pytest.mark.parametrize(
    ("change", "is_learned"),
    [
        (replaced("1-boats.yaml", "毎年", "隔年"), False),
        (replaced("1-boats.yaml", "119回目", "百回目"), True),
        (replaced("1-boats.yaml", "。合格", "。しかし、合格"), False),
        (replaced("1-boats.yaml", "船に貼ります。", "船に貼ります。外せません。"), True),
        (replaced("outside.yaml", "いくら", "何円"), True),
    ],
)
def test_it_is_learned_anew_where_what_is_learned_has_changed(
    knowledge_folder: KnowledgeFolder,
    kept: Path,
    change: Callable[[Path], None],
    is_learned: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = knowledge_folder(TAUGHT)
    assert open_index(folder, kept, pytest.fail).is_taught
    learned: list[object] = []
    learn = build.learn_intents

    def learning(examples: Any, terms: Any, **sizes: Any) -> Arrays:
        learned.append(examples)
        return learn(examples, terms, **sizes)

    monkeypatch.setattr(build, "learn_intents", learning)
    change(folder)
    open_index(folder, kept, pytest.fail)
    assert bool(learned) == is_learned


def emptied(content: bytes) -> bytes:
    return content[:0]


def cut_short(content: bytes) -> bytes:
    return content[:-64]


def overwritten(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.usefixtures("little_common")
@pytest.mark.parametrize("damage", [emptied, cut_short, overwritten])
def test_damaged_terms_are_not_used(
    folder: Path, kept: Path, damage: Callable[[bytes], bytes]
) -> None:
    open_index(folder, kept, pytest.fail)
    (terms,) = kept.glob("*.terms")
    whole = terms.read_bytes()
    terms.write_bytes(damage(whole))
    (folder / "2-lights.yaml").rename(folder / "2.yaml")
    told: list[tuple[int, int, int]] = []
    open_index(folder, kept, pytest.fail, lambda *counts: told.append(counts))
    assert told[0][2] == 0
    assert terms.read_bytes() == whole


@pytest.mark.usefixtures("little_common")
def test_terms_of_another_version_are_not_used(folder: Path, kept: Path, installed: Path) -> None:
    open_index(folder, kept, pytest.fail)
    (before,) = kept.glob("*.terms")
    (installed / "fugashi/__init__.py").write_text("another = 1\n")
    told: list[tuple[int, int, int]] = []
    open_index(folder, kept, pytest.fail, lambda *counts: told.append(counts))
    assert told[0][2] == 0
    (after,) = kept.glob("*.terms")
    assert after != before


def test_what_was_never_written_to_its_end_goes(
    builds: list[object], folder: Path, kept: Path
) -> None:
    kept.mkdir(parents=True)
    abandoned, written_now = (kept / f".{name(folder, kept)}.{end}" for end in "ab")
    for path in (abandoned, written_now):
        path.touch()
    os.utime(abandoned, (0, 0))
    open_index(folder, kept, pytest.fail)
    assert builds
    assert not abandoned.exists()
    assert written_now.exists()
