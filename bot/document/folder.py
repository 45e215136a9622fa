"""Which files of a knowledge folder count, without reading them."""

from __future__ import annotations

from pathlib import Path

from bot.errors import KnowledgeError, Mistake
from bot.settings import shipped_knowledge

_ENDINGS = (".yaml", ".yml", ".jsonl")


def knowledge_files(folder: Path) -> list[Path]:
    """The files of ``folder`` that hold knowledge, in the order in which they are read.

    Raises KnowledgeError where there is no such folder or it cannot be listed.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        problem = f"cannot read this folder: {error.strerror or error}"
        raise KnowledgeError([Mistake(folder, 0, problem)]) from error
    return [path for path in paths if path.suffix in _ENDINGS and not path.name.startswith(".")]


def weights_file(folder: Path) -> Path:
    """Where parameters are kept that are fitted to the log in ``folder``: those of the knowledge
    that ships serve every document.
    """
    ships = folder.resolve() == shipped_knowledge().resolve()
    return (common_folder() if ships else folder) / "weights.yaml"


def common_folder() -> Path:
    """Where the files lie that serve every document."""
    return shipped_knowledge() / "common"
