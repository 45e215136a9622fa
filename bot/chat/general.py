"""/divisions, /help, /new and /mydata."""

from __future__ import annotations

import discord
from discord import app_commands, ui

from bot.chat import markdown
from bot.chat.ask import Asking
from bot.chat.card import Card, text_card
from bot.chat.controls import Action, Control
from bot.chat.divisions import commands_shown
from bot.chat.log import trouble
from bot.chat.sending import Interaction, patiently, respond
from bot.chat.speaking import both
from bot.chat.tree import Refused
from bot.errors import StoreError
from bot.store.base import Remembered
from bot.wording import Wording

_ROOM = 1500
"""Characters for the questions that /mydata shows; the rest are counted."""


def add_general(tree: app_commands.CommandTree[discord.Client], asking: Asking) -> None:
    """Add the commands that are about the bot rather than the document."""
    desk = asking.desk
    ja, en = desk.assistant.wording("ja"), desk.assistant.wording("en")

    def commands(interaction: Interaction) -> dict[str, str]:
        return commands_shown(tree, desk.assistant.index.divisions, interaction.locale)

    @tree.command(name="divisions", description=both(ja, en, "describe_divisions"))
    async def divisions(interaction: Interaction) -> None:
        cards = await asking.cards(interaction)
        server = await desk.server(interaction.guild_id)
        card = cards.divisions(commands(interaction))
        await respond(interaction, card, ephemeral=server.private)

    @tree.command(name="help", description=both(ja, en, "describe_help"))
    async def help_(interaction: Interaction) -> None:
        cards = await asking.cards(interaction)
        me = interaction.client.user
        mention = f"<@{me.id}>" if me is not None else "@"
        await respond(interaction, cards.help(mention, commands(interaction)), ephemeral=True)

    @tree.command(name="new", description=both(ja, en, "describe_new"))
    async def new(interaction: Interaction) -> None:
        desk.conversations.forget((interaction.channel_id or 0, interaction.user.id))
        wording = (await asking.cards(interaction)).wording
        await respond(interaction, text_card(wording.phrase("forgotten")), ephemeral=True)

    @tree.command(name="mydata", description=both(ja, en, "describe_mydata"))
    async def mydata(interaction: Interaction) -> None:
        asking.slow_down(interaction)
        person = interaction.user.id
        try:
            remembered = await patiently(interaction, desk.remembered(person), ephemeral=True)
        except StoreError as error:
            desk.metrics.count("failures", "store")
            trouble("not_readable", error)
            raise Refused("not_readable") from error
        wording = (await asking.cards(interaction)).wording
        days = desk.settings.retention_days
        card = _mydata(wording, remembered, days, person)
        await respond(interaction, card, ephemeral=True)


def _mydata(wording: Wording, remembered: Remembered, days: int, person: int) -> Card:
    votes, questions = remembered.votes, remembered.questions
    text = wording.phrase("mydata", votes=votes, count=len(questions), days=days)
    if questions:
        text += "\n" + wording.phrase("mydata_questions")
    room = _ROOM
    for question in questions:
        line = "- " + markdown.escape(markdown.shorten(question, 150))
        room -= markdown.width(line) + 1
        if room < 0:
            text += "\n" + markdown.ELLIPSIS
            break
        text += "\n" + line
    if not (votes or questions):
        return Card((text,))
    button: ui.Button[ui.View] = ui.Button(
        style=discord.ButtonStyle.danger,
        label=wording.phrase("erase"),
        custom_id=str(Control(Action.ERASE, person)),
    )
    return Card((text,), ((button,),))
