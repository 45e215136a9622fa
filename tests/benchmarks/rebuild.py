"""Building the index again after one file has changed, beside building all of it.

    python -m tests.benchmarks.rebuild valid-v1.3.json [--sentences 50000] [--divisions 50]

A large document is made of sentences of a file of JSQuAD's form, one JSON Lines file a division;
the other document is the one that ships, which has a model to learn from questions. What is
built is compared byte for byte.
"""

from __future__ import annotations

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from bot.document.sentences import split_sentences
from bot.retrieval.cache import index_path, open_index
from bot.retrieval.parallel import cores
from bot.settings import shipped_knowledge
from tests.benchmarks.jsquad import read
from tests.benchmarks.scale import made_up

SECTION = 5
"""So many sentences make a section of the large document."""


def write_document(folder: Path, sentences: Sequence[str], divisions: int) -> None:
    """A knowledge folder of so many divisions, a file each."""
    folder.mkdir()
    count = len(sentences) // divisions
    for number in range(divisions):
        own = sentences[number * count : (number + 1) * count]
        division = {"id": f"d{number}", "name": f"第{number}課"}
        lines = [
            {"division": division, "heading": f"{number} {i}", "text": "\n".join(own[i:][:SECTION])}
            for i in range(0, count, SECTION)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (folder / f"{number}.jsonl").write_text(text, encoding="utf-8")


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"{file.name}: no {old} to change")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(name: str, folder: Path, change: Callable[[], object], caches: Path) -> str:
    """A line of the table: both builds after a change."""
    kept, empty = caches / "kept", caches / "empty"
    open_index(folder, kept)
    change()
    rebuilding = seconds(lambda: open_index(folder, kept))
    building = seconds(lambda: open_index(folder, empty))
    same = index_path(folder, kept).read_bytes() == index_path(folder, empty).read_bytes()
    shutil.rmtree(empty)
    costs = f"{building:.1f} | {rebuilding:.1f} | {rebuilding / building:.2f}"
    return f"| {name} | {costs} | {'yes' if same else 'NO'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--sentences", type=int, default=50_000)
    parser.add_argument("--divisions", type=int, default=50)
    options = parser.parse_args()
    real = [
        each.strip() for line in read(options.path).lines for each in split_sentences(line["text"])
    ]
    libraries = ("numpy", "scikit-learn", "fugashi")
    versions = ", ".join(f"{name} {version(name)}" for name in libraries)
    print(f"{date.today()}: Python {platform.python_version()}, {versions}, {cores()} cores")
    print("| changed | full build, s | rebuild, s | ratio | same bytes |")
    print("| --- " * 5 + "|")
    with tempfile.TemporaryDirectory() as temporary:
        large, shipped = Path(temporary, "large"), Path(temporary, "shipped")
        write_document(large, list(made_up(real, options.sentences)), options.divisions)
        shutil.copytree(shipped_knowledge(), shipped)
        division = shipped / "4-general-affairs.yaml"
        outside = shipped / "outside.yaml"
        changes: tuple[tuple[str, Path, Callable[[], object]], ...] = (
            (
                f"a text, 1 of {options.divisions} files, {options.sentences:,} sentences",
                large,
                lambda: replace(large / "0.jsonl", '"text": "', '"text": "改めて、'),
            ),
            (
                "a text of the shipped document",
                shipped,
                lambda: replace(division, "text: |\n      ", "text: |\n      改めて、"),
            ),
            (
                "a question of the shipped document",
                shipped,
                lambda: replace(outside, "\n- ", "\n- 新しく聞かれたことは何ですか\n- "),
            ),
        )
        for name, folder, change in changes:
            print(compare(name, folder, change, Path(temporary, "caches")), flush=True)


if __name__ == "__main__":
    main()
