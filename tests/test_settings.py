"""Settings: read once, each checked, the environment before ``.env``, no secret shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.settings import Address, Rate, Secret, Settings
from tests.program import ROOT


def test_defaults() -> None:
    settings = Settings.read({})
    assert (settings.token, settings.api_base, settings.database, settings.health) == (None,) * 4
    assert settings.cooldown == Rate(5, 10.0)
    assert settings.retention_days == 30
    assert not settings.message_content


@pytest.mark.parametrize(
    ("variable", "value", "field", "expected"),
    [
        ("DISCORD_API_BASE", " http://127.0.0.1:1/api/v10/ ", "api_base", "http://127.0.0.1:1/api/v10"),
        ("MADOGUCHI_DATABASE", "sqlite:///a.db", "database", "sqlite:///a.db"),
        ("MADOGUCHI_DATABASE", "postgresql://u@h/n", "database", "postgresql://u@h/n"),
        ("MADOGUCHI_COOLDOWN", "0", "cooldown", None),
        ("MADOGUCHI_COOLDOWN", "1/2.5", "cooldown", Rate(1, 2.5)),
        ("MADOGUCHI_COOLDOWN", "", "cooldown", Rate(5, 10.0)),
        ("MADOGUCHI_MESSAGE_CONTENT", "1", "message_content", True),
        ("MADOGUCHI_MESSAGE_CONTENT", "Off", "message_content", False),
        ("MADOGUCHI_HEALTH", "127.0.0.1:8081", "health", Address("127.0.0.1", 8081)),
        ("MADOGUCHI_HEALTH", "[::1]:80", "health", Address("::1", 80)),
        ("MADOGUCHI_RETENTION_DAYS", "0", "retention_days", 0),
        ("MADOGUCHI_CLUSTER", "auto", "cluster", "auto"),
        ("MADOGUCHI_CLUSTER", "ray://[::1]:10001 ", "cluster", "ray://[::1]:10001"),
    ],
)  # fmt: skip
def test_a_value_is_read(variable: str, value: str, field: str, expected: object) -> None:
    assert getattr(Settings.read({variable: value}), field) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DISCORD_TOKEN", "abc def"),
        ("DISCORD_TOKEN", "トークン"),
        ("DISCORD_API_BASE", "127.0.0.1:8080"),
        ("DISCORD_API_BASE", "ftp://x/api"),
        ("DISCORD_API_BASE", "http://"),
        ("DISCORD_API_BASE", "http://h:99999/api"),
        ("DISCORD_API_BASE", "http://h/api?x=1"),
        ("MADOGUCHI_DATABASE", "data.db"),
        ("MADOGUCHI_DATABASE", "sqlite://data.db"),
        ("MADOGUCHI_DATABASE", "sqlite:///"),
        ("MADOGUCHI_DATABASE", "mysql://h/n"),
        ("MADOGUCHI_COOLDOWN", "5"),
        ("MADOGUCHI_COOLDOWN", "0/10"),
        ("MADOGUCHI_COOLDOWN", "5/0"),
        ("MADOGUCHI_COOLDOWN", "-5/10"),
        ("MADOGUCHI_COOLDOWN", "５/１０"),
        ("MADOGUCHI_MESSAGE_CONTENT", "maybe"),
        ("MADOGUCHI_HEALTH", "8081"),
        ("MADOGUCHI_HEALTH", "localhost:70000"),
        ("MADOGUCHI_RETENTION_DAYS", "a month"),
        ("MADOGUCHI_RETENTION_DAYS", "-1"),
        ("MADOGUCHI_CLUSTER", "127.0.0.1:10001"),
        ("MADOGUCHI_CLUSTER", "ray://127.0.0.1"),
        ("MADOGUCHI_CLUSTER", "ray://127.0.0.1:70000"),
        ("MADOGUCHI_CLUSTER", "local"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.read({variable: value})
    assert str(caught.value).startswith(f"{variable}: ")
    assert "\n" not in str(caught.value)


def test_the_password_of_a_database_is_not_shown() -> None:
    with pytest.raises(SettingError) as caught:
        Settings.read({"MADOGUCHI_DATABASE": "mysql://u:hunter2@h/n"})
    assert "hunter2" not in str(caught.value)


def test_a_secret_never_prints() -> None:
    settings = Settings.read({"DISCORD_TOKEN": "Bot abc.def"})
    assert settings.token is not None
    assert settings.token.reveal() == "abc.def"
    shown = f"{settings} {settings!r} {settings.token} {Secret('abc.def')!r} %s" % settings.token
    assert "abc" not in shown


def test_the_environment_wins_over_dotenv() -> None:
    Path(".env").write_text("MADOGUCHI_COOLDOWN=1/1\nMADOGUCHI_RETENTION_DAYS=7\n")
    settings = Settings.read({"MADOGUCHI_COOLDOWN": "2/2"})
    assert (settings.cooldown, settings.retention_days) == (Rate(2, 2.0), 7)


def test_every_setting_is_in_the_example_with_its_default() -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    defaults = Settings.read({})
    Path(".env").write_text("\n".join(lines))
    assert Settings.read({}) == defaults
    shown = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    code = (ROOT / "bot" / "settings.py").read_text(encoding="utf-8")
    assert shown == set(re.findall(r'"((?:MADOGUCHI|DISCORD)_[A-Z_]+)"', code))
    explained = [i for i, line in enumerate(lines) if line.partition("=")[0] in shown]
    assert all(lines[i - 1].startswith("# ") for i in explained)
