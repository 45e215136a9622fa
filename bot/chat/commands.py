"""All commands, and their registration with Discord when they have changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable

import discord
from discord.http import Route

from bot.chat.admin import add_settings
from bot.chat.ask import Asking, add_ask
from bot.chat.desk import Desk
from bot.chat.divisions import add_divisions
from bot.chat.general import add_general
from bot.chat.knowledge import Changes
from bot.chat.log import event, trouble
from bot.chat.sending import persistently
from bot.chat.speaking import Translator
from bot.chat.suggestions import Suggestions
from bot.chat.tree import Tree
from bot.errors import StoreError


def fill(tree: Tree, desk: Desk, reload: Callable[[], Awaitable[Changes]]) -> None:
    """Put every command for the knowledge of now into the tree, in place of those before."""
    tree.clear_commands(guild=None)
    asking = Asking(desk, Suggestions(desk.assistant, desk.settings.knowledge))
    add_ask(tree, asking)
    add_general(tree, asking)
    add_settings(tree, asking, reload)
    add_divisions(tree, asking)


async def register(tree: Tree, desk: Desk) -> None:
    """Register the commands with Discord if it does not have them as they are now.

    A hash of what was registered last is kept; asking Discord for the names that it knows tells
    whether that still holds.
    """
    client, translator = tree.client, Translator()
    if tree.translator is None:
        await tree.set_translator(translator)
    commands = tree.get_commands(guild=None)
    payload = [await each.get_translated_payload(tree, translator) for each in commands]
    written = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
    application = client.application_id or 0
    note = f"commands {application} {Route.BASE}"
    names = {each.name for each in commands}
    if await _noted(desk, note) == digest and await _known(client, application, names):
        event("commands_unchanged", count=len(commands))
        return
    await persistently(lambda: client.http.bulk_upsert_global_commands(application, payload))
    event("commands_registered", count=len(commands))
    try:
        await desk.store.save_note(note, digest)
    except StoreError as error:
        trouble("not_stored", error)


async def _noted(desk: Desk, note: str) -> str | None:
    try:
        return await desk.store.note(note)
    except StoreError as error:
        trouble("commands_unknown", error)
        return None


async def _known(client: discord.Client, application: int, names: set[str]) -> bool:
    """Whether Discord has commands of these names, and no others."""
    try:
        call = client.http.get_global_commands
        found = await persistently(lambda: call(application), patience=30)
    except discord.HTTPException as error:
        trouble("commands_unknown", error)
        return True
    return {each.get("name") for each in found} == names
