"""The settings: one frozen object, made once from the environment and ``.env``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import SettingError


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides.

    ``knowledge`` is the folder to answer from, ``cache`` the folder in which built indexes are
    kept.
    """

    knowledge: Path
    cache: Path

    @classmethod
    def read(cls, environment: Mapping[str, str], *, knowledge: str | None = None) -> Settings:
        """Read the settings; ``knowledge`` is what the command line says, which wins.

        Raises SettingError for a value that cannot be used.
        """
        values = {**_dotenv(Path(".env")), **environment}
        if knowledge is not None:
            chosen = _folder("--knowledge", knowledge)
        else:
            chosen = _folder("MADOGUCHI_KNOWLEDGE", values.get("MADOGUCHI_KNOWLEDGE", ""))
        cache = _folder("MADOGUCHI_CACHE", values.get("MADOGUCHI_CACHE", ""))
        return cls(knowledge=chosen or shipped_knowledge(), cache=cache or _user_cache())


def shipped_knowledge() -> Path:
    """The knowledge that ships with the program: beside the code in a checkout, inside the
    package where it was installed from a wheel.
    """
    package = Path(__file__).parent
    inside = package / "knowledge"
    return inside if inside.is_dir() else package.parent / "knowledge"


def _folder(variable: str, value: str) -> Path | None:
    if "\0" in value:
        raise SettingError(variable, "has a NUL character")
    try:
        return Path(value).expanduser() if value.strip() else None
    except RuntimeError as error:  # ~nobody/knowledge
        raise SettingError(variable, str(error)) from error


def _user_cache() -> Path:
    # Imported here: a folder that was named needs no looking up.
    from platformdirs import user_cache_path

    return user_cache_path("madoguchi", appauthor=False)


def _dotenv(path: Path) -> dict[str, str]:
    """The variables of ``path``, if there is such a file."""
    if not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(str(path), f"cannot be read: {error}") from error
    return {key: value for key, value in values.items() if value is not None}
