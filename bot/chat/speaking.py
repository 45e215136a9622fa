"""Which language to speak to whom."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.chat.sending import Interaction
from bot.store.base import ServerSettings
from bot.wording import Wording


def language_of(interaction: Interaction, server: ServerSettings) -> str:
    """The server's language where it has decided for one, else the asker's."""
    if server.speak is not None:
        return server.speak
    return "ja" if interaction.locale is discord.Locale.japanese else "en"


def in_both(japanese: str, english: str) -> app_commands.locale_str:
    """A name or description that is Japanese to Japanese clients."""
    return app_commands.locale_str(english, ja=japanese)


def both(ja: Wording, en: Wording, key: str, **values: str) -> app_commands.locale_str:
    """A phrase as a description."""
    return in_both(ja.phrase(key, **values)[:100], en.phrase(key, **values)[:100])


def shown_in(string: app_commands.locale_str, locale: discord.Locale) -> str:
    """What clients of a locale show."""
    found: str = string.extras.get(locale.value, string.message)
    return found


class Translator(app_commands.Translator):
    """Gives Japanese clients the Japanese of a ``locale_str``."""

    async def translate(
        self,
        string: app_commands.locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        """The string in a locale; None where it has the default one."""
        del context
        found: str | None = string.extras.get(locale.value)
        return found
