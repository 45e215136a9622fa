"""/settings: for those who may manage the server, and one command for the bot's owner."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import discord
from discord import app_commands

from bot.assistant import SURE_ENOUGH
from bot.chat import markdown
from bot.chat.ask import Asking
from bot.chat.card import text_card
from bot.chat.desk import Desk
from bot.chat.knowledge import Changes, ReloadError
from bot.chat.log import event, trouble
from bot.chat.places import allowed_in
from bot.chat.sending import Interaction, defer, patiently, respond
from bot.chat.speaking import both, language_of
from bot.chat.tree import Refused
from bot.errors import StoreError
from bot.store.base import ServerSettings
from bot.wording import Wording

_LOW, _HIGH = 0.3, 0.75
_LEVELS = {"low": _LOW, "normal": None, "high": _HIGH}
_MOST_SHOWN = 20
_CHANNELS = discord.TextChannel | discord.ForumChannel | discord.VoiceChannel | discord.StageChannel


def add_settings(
    tree: app_commands.CommandTree[discord.Client],
    asking: Asking,
    reload: Callable[[], Awaitable[Changes]],
) -> None:
    """Add /settings."""
    desk = asking.desk
    ja, en = desk.assistant.wording("ja"), desk.assistant.wording("en")
    group = app_commands.Group(
        name="settings",
        description=both(ja, en, "describe_settings"),
        default_permissions=discord.Permissions(manage_guild=True),
        allowed_contexts=app_commands.AppCommandContext(
            guild=True, dm_channel=False, private_channel=False
        ),
        allowed_installs=app_commands.AppInstallationType(guild=True, user=False),
    )
    _add_show(group, desk, ja, en)
    _add_channel(group, desk, ja, en)
    _add_sure(group, desk, ja, en)
    _add_language(group, desk, ja, en)
    _add_private(group, desk, ja, en)
    _add_reload(group, desk, reload)
    tree.add_command(group)


def _add_show(group: app_commands.Group, desk: Desk, ja: Wording, en: Wording) -> None:
    @group.command(name="show", description=both(ja, en, "describe_settings_show"))
    async def show(interaction: Interaction) -> None:
        settings = await _stored(interaction, desk)
        wording = desk.assistant.wording(language_of(interaction, settings))
        await respond(interaction, text_card(_told(wording, settings)), ephemeral=True)


def _add_channel(group: app_commands.Group, desk: Desk, ja: Wording, en: Wording) -> None:
    @group.command(name="channel", description=both(ja, en, "describe_settings_channel"))
    @app_commands.describe(
        channel=both(ja, en, "describe_settings_channel_channel"),
        on=both(ja, en, "describe_settings_channel_on"),
    )
    async def channel(interaction: Interaction, channel: _CHANNELS, on: bool) -> None:
        settings = await _stored(interaction, desk)
        ask_here = settings.ask_here | {channel.id} if on else settings.ask_here - {channel.id}
        notes = []
        if on and not desk.settings.message_content:
            notes.append("needs_intent")
        me = channel.guild.me
        if on and me is not None and allowed_in(channel, me) is None:
            notes.append("cannot_send")
        await _save(interaction, desk, replace(settings, ask_here=ask_here), *notes)


def _add_sure(group: app_commands.Group, desk: Desk, ja: Wording, en: Wording) -> None:
    choices = [
        app_commands.Choice(name=both(ja, en, f"sure_{level}"), value=level) for level in _LEVELS
    ]

    @group.command(name="sure", description=both(ja, en, "describe_settings_sure"))
    @app_commands.describe(level=both(ja, en, "describe_settings_sure_level"))
    @app_commands.choices(level=choices)
    async def sure(interaction: Interaction, level: str) -> None:
        settings = await _stored(interaction, desk)
        if level not in _LEVELS:
            raise Refused("stale_command")
        await _save(interaction, desk, replace(settings, sure=_LEVELS[level]))


def _add_language(group: app_commands.Group, desk: Desk, ja: Wording, en: Wording) -> None:
    choices = [
        app_commands.Choice(name=both(ja, en, f"language_{each}"), value=each)
        for each in ("auto", "ja", "en")
    ]

    @group.command(name="language", description=both(ja, en, "describe_settings_language"))
    @app_commands.describe(language=both(ja, en, "describe_settings_language_language"))
    @app_commands.choices(language=choices)
    async def language(interaction: Interaction, language: str) -> None:
        settings = await _stored(interaction, desk)
        if language not in ("auto", "ja", "en"):
            raise Refused("stale_command")
        speak = None if language == "auto" else language
        await _save(interaction, desk, replace(settings, speak=speak))


def _add_private(group: app_commands.Group, desk: Desk, ja: Wording, en: Wording) -> None:
    @group.command(name="private", description=both(ja, en, "describe_settings_private"))
    @app_commands.describe(on=both(ja, en, "describe_settings_private_on"))
    async def private(interaction: Interaction, on: bool) -> None:
        settings = await _stored(interaction, desk)
        await _save(interaction, desk, replace(settings, private=on))


def _add_reload(
    group: app_commands.Group, desk: Desk, reload: Callable[[], Awaitable[Changes]]
) -> None:
    ja, en = desk.assistant.wording("ja"), desk.assistant.wording("en")

    @group.command(name="reload", description=both(ja, en, "describe_settings_reload"))
    async def read_again(interaction: Interaction) -> None:
        await defer(interaction, ephemeral=True)  # reading a large document takes a while
        if not await _is_owner(interaction):
            raise Refused("need_owner")
        settings = await desk.server(interaction.guild_id)
        wording = desk.assistant.wording(language_of(interaction, settings))
        try:
            changes = await reload()
        except ReloadError as error:
            mistakes = markdown.escape(str(error))[:1500]
            said = f"{wording.phrase('reload_failed')}\n{mistakes}"
        else:
            same = not (changes.added or changes.removed)
            phrase = "reload_same" if same else "reloaded"
            said = wording.phrase(phrase, added=changes.added, removed=changes.removed)
        await respond(interaction, text_card(said), ephemeral=True)


def managed(interaction: Interaction) -> int:
    """The server a command comes from; refuses who may not manage it."""
    if interaction.guild_id is None:
        raise Refused("need_server")
    if not interaction.permissions.manage_guild:
        raise Refused("need_manage")
    return interaction.guild_id


async def _is_owner(interaction: Interaction) -> bool:
    """Whether the bot is this person's, or of a team that they belong to."""
    about = interaction.client.application or await interaction.client.application_info()
    if about.team is not None:
        return any(member.id == interaction.user.id for member in about.team.members)
    return about.owner is not None and about.owner.id == interaction.user.id


async def _stored(interaction: Interaction, desk: Desk) -> ServerSettings:
    """The server's settings as the database has them: what the bot makes do with where it cannot
    be read must not be saved in their place.
    """
    server = managed(interaction)
    try:
        return await patiently(interaction, desk.store.server(server), ephemeral=True)
    except StoreError as error:
        desk.metrics.count("failures", "store")
        trouble("settings_unread", error, server=server)
        raise Refused("not_readable") from error


async def _save(
    interaction: Interaction, desk: Desk, settings: ServerSettings, *notes: str
) -> None:
    server = managed(interaction)
    wording = desk.assistant.wording(language_of(interaction, settings))
    try:
        await patiently(interaction, desk.save_server(server, settings), ephemeral=True)
    except StoreError as error:
        desk.metrics.count("failures", "store")
        trouble("settings_not_kept", error, server=server)
        raise Refused("not_kept") from error
    event("settings_changed", server=server)
    said = [wording.phrase("settings_saved"), *map(wording.phrase, notes), _told(wording, settings)]
    await respond(interaction, text_card("\n".join(said)), ephemeral=True)


def _told(wording: Wording, settings: ServerSettings) -> str:
    channels = [f"<#{each}>" for each in sorted(settings.ask_here)]
    if len(channels) > _MOST_SHOWN:
        channels[_MOST_SHOWN:] = [markdown.ELLIPSIS]
    sure = SURE_ENOUGH if settings.sure is None else settings.sure
    level = "normal" if sure == SURE_ENOUGH else "low" if sure < SURE_ENOUGH else "high"
    return wording.phrase(
        "settings_now",
        channels=" ".join(channels) or wording.phrase("none"),
        sure=wording.phrase(f"sure_{level}"),
        language=wording.phrase(f"language_{settings.speak or 'auto'}"),
        private=wording.phrase("private_on" if settings.private else "private_off"),
    )
