"""How a card goes to Discord: rich where embeds are allowed, as plain text where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import ui

from bot.chat import markdown

RICH, PLAIN = 3800, 1900
"""Characters for all the texts of a message; Discord allows 4000 and 2000."""
_NOBODY = discord.AllowedMentions.none()
_COLOUR = discord.Colour(0x2F6DB5)


class _Rich(ui.LayoutView):
    """Components that nobody waits for: presses are read from their ids, also after a restart."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    def is_finished(self) -> bool:
        """Always, so that discord.py does not keep it in memory for as long as the bot runs."""
        return True


class _Plain(ui.View):
    """The same below plain text."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    def is_finished(self) -> bool:
        """Always, as above."""
        return True


@dataclass(frozen=True, slots=True)
class Card:
    """What a message says and the rows of controls under it, however it will be shown."""

    texts: tuple[str, ...]
    rows: tuple[tuple[ui.Item[Any], ...], ...] = ()

    def rich(self) -> dict[str, Any]:
        """The arguments to send it with, as components."""
        view = _Rich()
        texts = [ui.TextDisplay[_Rich](text) for text in _within(self.texts, RICH)]
        view.add_item(ui.Container(*texts, accent_colour=_COLOUR))
        for row in self.rows:
            view.add_item(ui.ActionRow(*row))
        return {"view": view, "allowed_mentions": _NOBODY}

    def plain(self) -> dict[str, Any]:
        """The arguments to send it with, as text and buttons."""
        content = "\n".join(_within(self.texts, PLAIN))
        arguments: dict[str, Any] = {"content": content, "allowed_mentions": _NOBODY}
        if self.rows:
            view = arguments["view"] = _Plain()
            for number, row in enumerate(self.rows):
                for item in row:
                    item.row = number
                    view.add_item(item)
        return arguments


ANYBODY = 10**20 - 1
"""Stands for the asker in a card that is kept for everybody; no id of Discord's is so long."""


class Kept:
    """A card that was drawn for anybody: ready to send, but for who asks."""

    def __init__(self, card: Card) -> None:
        self._components = card.rich()["view"].to_components()

    def of(self, asker: int) -> Ready:
        """The card for one asker."""
        return Ready([_for(asker, each) for each in self._components])


def _for(asker: int, component: dict[str, Any]) -> dict[str, Any]:
    """A component that was drawn for anybody, for one asker."""
    if "components" in component:
        inner = [_for(asker, each) for each in component["components"]]
        return {**component, "components": inner}
    if "custom_id" not in component:
        return component
    custom_id = component["custom_id"].replace(str(ANYBODY), str(asker))
    return {**component, "custom_id": custom_id}


class Ready(_Rich):
    """Components as they go to Discord."""

    def __init__(self, components: list[dict[str, Any]]) -> None:
        super().__init__()
        self._components = components

    def to_components(self) -> list[dict[str, Any]]:
        """The components."""
        return self._components

    def has_components_v2(self) -> bool:
        """They are of the new kind."""
        return True

    def rich(self) -> dict[str, Any]:
        """The arguments to send it with."""
        return {"view": self, "allowed_mentions": _NOBODY}


def text_card(text: str) -> Card:
    """A card with nothing but a text of the bot's own."""
    return Card((text,))


def _within(texts: Sequence[str], limit: int) -> list[str]:
    """The texts, the longest of them cut if together they are too long."""
    kept = list(texts)
    excess = sum(map(markdown.width, kept)) + len(kept) - limit
    if excess > 0:
        longest = max(range(len(kept)), key=lambda i: markdown.width(kept[i]))
        size = max(markdown.width(kept[longest]) - excess - 2, 1)
        kept[longest] = kept[longest][:size].rstrip("\\") + markdown.ELLIPSIS
    return kept
