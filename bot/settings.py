"""The settings: one frozen object, made once from the environment and ``.env``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.errors import SettingError

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Secret:
    """A text that never prints; ``reveal`` is the only way to it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('********')"

    def reveal(self) -> str:
        """The text itself."""
        return self._text


class Rate(NamedTuple):
    """At most ``times`` in ``seconds``."""

    times: int
    seconds: float


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


_RATE = Rate(5, 10.0)
_RETENTION = 30


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides.

    ``knowledge`` is the folder to answer from, ``cache`` the folder in which built indexes are
    kept, ``cluster`` the address of the Ray cluster that searches them (this process does where
    None). The others are the Discord bot's: ``token`` is its password there, ``api_base`` the
    REST API to talk to (Discord's own where None), ``database`` a URL (SQLite in the user's state
    folder where None), ``cooldown`` how much one person may ask (no limit where None),
    ``message_content`` whether to read messages that do not address the bot, ``health`` where
    to tell of its health (nowhere where None), ``retention_days`` how long the text of a question
    is kept (not at all where 0).
    """

    knowledge: Path
    cache: Path
    cluster: str | None = None
    token: Secret | None = None
    api_base: str | None = None
    database: str | None = None
    cooldown: Rate | None = field(default=_RATE)
    message_content: bool = False
    health: Address | None = None
    retention_days: int = _RETENTION

    @classmethod
    def read(cls, environment: Mapping[str, str], *, knowledge: str | None = None) -> Settings:
        """Read the settings; ``knowledge`` is what the command line says, which wins.

        Raises SettingError for a value that cannot be used.
        """
        values = {**_dotenv(Path(".env")), **environment}
        if knowledge is not None:
            chosen = _folder("--knowledge", knowledge)
            if chosen is None:
                raise SettingError("--knowledge", "names no folder")
        else:
            chosen = _folder("MADOGUCHI_KNOWLEDGE", values.get("MADOGUCHI_KNOWLEDGE", ""))
            if chosen is not None and not chosen.is_dir():
                raise SettingError("MADOGUCHI_KNOWLEDGE", f"{chosen} is no folder")
        cache = _folder("MADOGUCHI_CACHE", values.get("MADOGUCHI_CACHE", ""))
        return cls(
            knowledge=chosen or shipped_knowledge(),
            cache=cache or _user_cache(),
            cluster=_cluster(values.get("MADOGUCHI_CLUSTER", "")),
            token=_token(values.get("DISCORD_TOKEN", "")),
            api_base=_api_base(values.get("DISCORD_API_BASE", "")),
            database=_database(values.get("MADOGUCHI_DATABASE", "")),
            cooldown=_cooldown(values.get("MADOGUCHI_COOLDOWN", "")),
            message_content=_switch(values, "MADOGUCHI_MESSAGE_CONTENT"),
            health=_address(values.get("MADOGUCHI_HEALTH", "")),
            retention_days=_days(values.get("MADOGUCHI_RETENTION_DAYS", "")),
        )


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


def _cluster(value: str) -> str | None:
    address = value.strip()
    if address in ("", "auto"):
        return address or None
    place = re.fullmatch(r"ray://(?:\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", address, re.ASCII)
    if place is None or int(place[1]) > 65535:
        problem = f"{address!r} is no address such as ray://127.0.0.1:10001, nor auto"
        raise SettingError("MADOGUCHI_CLUSTER", problem)
    return address


def _token(value: str) -> Secret | None:
    token = value.strip().removeprefix("Bot ").strip()
    if re.search(r"[^!-~]", token):
        problem = "has spaces or letters that no token has; copy it again from the developer portal"
        raise SettingError("DISCORD_TOKEN", problem)
    return Secret(token) if token else None


def _api_base(value: str) -> str | None:
    base = value.strip().rstrip("/")
    if not base:
        return None
    try:
        address = urlsplit(base)
        usable = address.scheme in ("http", "https") and address.hostname and address.port != 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s?#]", base):
        problem = f"{base!r} is no address such as http://127.0.0.1:8080/api/v10"
        raise SettingError("DISCORD_API_BASE", problem)
    return base


def _database(value: str) -> str | None:
    url = value.strip()
    if not url:
        return None
    scheme, found, place = url.partition("://")
    if scheme in ("postgresql", "postgres") and found and place:
        return url
    if scheme != "sqlite" or not place.startswith("/") or not place[1:] or "\0" in place:
        # Not shown: the URL of a database may hold a password.
        problem = "must be sqlite:///PATH or postgresql://USER@HOST/NAME"
        raise SettingError("MADOGUCHI_DATABASE", problem)
    return url


def _cooldown(value: str) -> Rate | None:
    if not value.strip():
        return _RATE
    if re.fullmatch(r"\s*0+\s*", value, re.ASCII):
        return None
    rate = re.fullmatch(r"\s*(\d{1,6})\s*/\s*(\d{1,6}(?:\.\d{1,6})?)\s*", value, re.ASCII)
    if rate is None or int(rate[1]) == 0 or float(rate[2]) == 0:
        problem = f"{value.strip()!r} is no rate such as 5/10 (5 questions in 10 seconds), nor 0"
        raise SettingError("MADOGUCHI_COOLDOWN", problem)
    return Rate(int(rate[1]), float(rate[2]))


def _switch(values: Mapping[str, str], variable: str) -> bool:
    value = values.get(variable, "").strip().lower()
    if value not in ("", *_TRUE, *_FALSE):
        raise SettingError(variable, f"{value!r} is neither 1 (on) nor 0 (off)")
    return value in _TRUE


def _address(value: str) -> Address | None:
    if not value.strip():
        return None
    address = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", value.strip(), re.ASCII)
    if address is None or int(address[2]) > 65535:
        problem = f"{value.strip()!r} is no address such as 127.0.0.1:8081"
        raise SettingError("MADOGUCHI_HEALTH", problem)
    return Address(address[1].strip("[]"), int(address[2]))


def _days(value: str) -> int:
    if not value.strip():
        return _RETENTION
    if not re.fullmatch(r"\s*\d{1,5}\s*", value, re.ASCII):
        problem = f"{value.strip()!r} is no number of days; 0 keeps no question"
        raise SettingError("MADOGUCHI_RETENTION_DAYS", problem)
    return int(value)


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
