"""The tree of commands: how a call is let in, and what is said when it fails."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.assistant import LONGEST_QUESTION
from bot.chat.card import text_card
from bot.chat.desk import Desk
from bot.chat.log import event, trouble
from bot.chat.recent import Once
from bot.chat.sending import Interaction, respond
from bot.chat.speaking import language_of


class Refused(app_commands.AppCommandError):
    """A command is not done; ``phrase`` is the key of what to say."""

    def __init__(self, phrase: str, **values: object) -> None:
        super().__init__(phrase)
        self.phrase = phrase
        self.values = values


class Tree(app_commands.CommandTree[discord.Client]):
    """Every command, each call answered once, whatever happens."""

    def __init__(self, client: discord.Client, desk: Desk) -> None:
        super().__init__(
            client,
            allowed_contexts=app_commands.AppCommandContext(
                guild=True, dm_channel=True, private_channel=True
            ),
            allowed_installs=app_commands.AppInstallationType(guild=True, user=True),
        )
        self._desk = desk
        self._once = Once()

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Whether this call was not delivered before."""
        return self._once.first(interaction.id)

    async def on_error(
        self, interaction: Interaction, error: app_commands.AppCommandError, /
    ) -> None:
        """Say in a word what is wrong. What is a bug goes to the log."""
        if interaction.type is discord.InteractionType.autocomplete:
            return
        refused = _refusal(error)
        if refused is None:
            cause = getattr(error, "original", error)
            trouble("command_failed", cause)
            self._desk.metrics.count("failures", "command")
            refused = Refused("failed")
        else:
            event("command_refused", reason=refused.phrase, channel=interaction.channel_id)
            self._desk.metrics.count("refused", refused.phrase)
        server = await self._desk.server(interaction.guild_id)
        wording = self._desk.assistant.wording(language_of(interaction, server))
        said = wording.phrase(refused.phrase, **refused.values)
        try:
            await respond(interaction, text_card(said), ephemeral=True)
        except (discord.HTTPException, OSError) as lost:
            trouble("answer_lost", lost)


def _refusal(error: app_commands.AppCommandError) -> Refused | None:
    """What is said where nothing is broken; None for a bug."""
    match error:
        case Refused():
            return error
        case app_commands.TransformerError():
            return Refused("too_long", limit=LONGEST_QUESTION)
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            return Refused("stale_command")
        case _:
            return None
