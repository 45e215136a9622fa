"""Names that Discord allows for commands."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Container

LONGEST = 32


def command_name(text: str, taken: Container[str] = ()) -> str:
    """A name for a command as close to ``text`` as Discord's rules and ``taken`` allow.

    Letters, numbers and _ stay, in lower case; whatever else there is parts words, with a hyphen:

        情報政策・セキュリティ課 -> 情報政策-セキュリティ課
        総務課（本省） -> 総務課-本省
        ＤＸ 推進課 -> dx-推進課
    """
    folded = unicodedata.normalize("NFKC", text).lower()
    folded = unicodedata.normalize("NFC", folded)
    kept = "".join(each if _is_allowed(each) else " " for each in folded)
    name = _cut("-".join(kept.split()), LONGEST) or "division"
    number = 1
    unique = name
    while unique in taken:
        number += 1
        ending = f"-{number}"
        unique = _cut(name, LONGEST - len(ending)) + ending
    return unique


def command_names(texts: Collection[str], taken: Collection[str] = ()) -> list[str]:
    """A name for each text, all different from one another and from ``taken``."""
    used = set(taken)
    names: list[str] = []
    for text in texts:
        names.append(command_name(text, used))
        used.add(names[-1])
    return names


def _is_allowed(character: str) -> bool:
    lower = character.lower() == character
    return character in "-_" or (unicodedata.category(character)[0] in "LN" and lower)


def _cut(name: str, length: int) -> str:
    return name[:length].strip("-")
