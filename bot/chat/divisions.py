"""One command per division, as many as Discord has room for, and one for the rest."""

from __future__ import annotations

from collections.abc import Sequence

import discord
from discord import app_commands

from bot.chat.ask import Asking, Text
from bot.chat.names import command_names
from bot.chat.sending import Interaction
from bot.chat.speaking import both, in_both, shown_in
from bot.retrieval.index import IndexedDivision

MOST_COMMANDS = 100
"""Slash commands that Discord lets one application have."""
REST = "division"


def add_divisions(tree: app_commands.CommandTree[discord.Client], asking: Asking) -> None:
    """Add the commands of divisions; to be called after all others are there."""
    divisions = asking.desk.assistant.index.divisions
    taken = {command.name for command in tree.get_commands()}
    room = MOST_COMMANDS - sum(isinstance(each, _SLASH) for each in tree.get_commands())
    if len(divisions) > room:
        _add_rest(tree, asking)
        taken.add(REST)
        divisions = divisions[: room - 1]
    names = command_names([each.names.id for each in divisions], taken)
    # No name in one language is another command's name in the other: a person types either.
    japanese = command_names([each.names.name for each in divisions], {*taken, *names})
    for division, name, shown in zip(divisions, names, japanese, strict=True):
        _add_one(tree, asking, division, in_both(shown, name))


def commands_shown(
    tree: app_commands.CommandTree[discord.Client],
    divisions: Sequence[IndexedDivision],
    locale: discord.Locale,
) -> dict[str, str]:
    """The command for each division, by the division's id, as clients of a locale show it."""
    named = {
        each.extras[_DIVISION]: shown_in(each.extras[_NAME], locale)
        for each in tree.get_commands()
        if _DIVISION in each.extras
    }
    return {each.names.id: named.get(each.names.id, REST) for each in divisions}


_SLASH = (app_commands.Command, app_commands.Group)
_DIVISION, _NAME = "division", "name"
"""Under which a division's command keeps the division's id and its own names."""


def _add_one(
    tree: app_commands.CommandTree[discord.Client],
    asking: Asking,
    division: IndexedDivision,
    name: app_commands.locale_str,
) -> None:
    ja, en = asking.desk.assistant.wording("ja"), asking.desk.assistant.wording("en")
    names = division.names
    shown = names.name_en or names.name
    description = in_both(
        _described(ja.phrase("describe_one", name="{}"), names.name),
        _described(en.phrase("describe_one", name="{}"), shown),
    )

    @tree.command(name=name, description=description, extras={_DIVISION: names.id, _NAME: name})
    @app_commands.rename(question=in_both(ja.phrase("name_question"), "question"))
    @app_commands.describe(question=both(ja, en, "describe_one_question"))
    async def one(interaction: Interaction, question: Text | None = None) -> None:
        await _asked(asking, interaction, names.id, question)

    @one.autocomplete("question")
    async def questions(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return await asking.suggest(interaction, typed, names.id)


def _add_rest(tree: app_commands.CommandTree[discord.Client], asking: Asking) -> None:
    ja, en = asking.desk.assistant.wording("ja"), asking.desk.assistant.wording("en")

    @tree.command(name=REST, description=both(ja, en, "describe_any"))
    @app_commands.rename(
        name=in_both(ja.phrase("name_name"), "name"),
        question=in_both(ja.phrase("name_question"), "question"),
    )
    @app_commands.describe(
        name=both(ja, en, "describe_any_name"),
        question=both(ja, en, "describe_one_question"),
    )
    async def rest(interaction: Interaction, name: str, question: Text | None = None) -> None:
        await _asked(asking, interaction, name, question)

    @rest.autocomplete("name")
    async def names(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return asking.suggest_divisions(interaction, typed)


async def _asked(
    asking: Asking, interaction: Interaction, division: str, question: str | None
) -> None:
    if question is None or not question.strip():
        await asking.profile(interaction, division)
    else:
        await asking.answer(interaction, question, division=division)


def _described(description: str, name: str) -> str:
    """A description in 100 characters, the name cut where it is too long."""
    room = 100 - len(description) + 2
    return description.replace("{}", name if len(name) <= room else name[: room - 1] + "…")
