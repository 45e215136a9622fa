"""From the setting to the store."""

from __future__ import annotations

from pathlib import Path

from bot.errors import SettingError
from bot.settings import Settings
from bot.store.base import Store
from bot.store.sqlite import SqliteStore


def open_store(settings: Settings) -> Store:
    """The store that ``MADOGUCHI_DATABASE`` names. Nothing is opened before it is needed.

    Raises SettingError for a kind of database that this program has no store for.
    """
    url = settings.database
    if url is not None and not url.startswith("sqlite:///"):
        problem = "only sqlite:///PATH can be used so far"
        raise SettingError("MADOGUCHI_DATABASE", problem)
    if url is None:
        path = _user_state() / "madoguchi.sqlite3"
    else:
        path = Path(url.removeprefix("sqlite:///")).expanduser()
    return SqliteStore(path, retention_days=settings.retention_days)


def _user_state() -> Path:
    # Imported here: a database that was named needs no looking up.
    from platformdirs import user_state_path

    return user_state_path("madoguchi", appauthor=False)
