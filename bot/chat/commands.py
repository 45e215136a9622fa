"""All commands, and their registration with Discord when they have changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

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

_CLAIM, _ANOTHER_TIME = 60.0, 1.0
"""Seconds until another process may register what this one did not, and between looking."""


def fill(tree: Tree, desk: Desk, reload: Callable[[], Awaitable[Changes]]) -> None:
    """Put every command for the knowledge of now into the tree, in place of those before."""
    tree.clear_commands(guild=None)
    asking = Asking(desk, Suggestions(desk))
    add_ask(tree, asking)
    add_general(tree, asking)
    add_settings(tree, asking, reload)
    add_divisions(tree, asking)


async def register(tree: Tree, desk: Desk) -> None:
    """Register the commands with Discord if it does not have them as they are now.

    A hash of what was registered last is kept; asking Discord for the names that it knows tells
    whether that still holds. Of several processes with one database one does it at a time, and
    those that come after find it done.
    """
    if tree.translator is None:
        await tree.set_translator(Translator())
    note = f"commands {tree.client.application_id} {Route.BASE}"
    while True:
        if await persistently(lambda: _registered(tree, desk, note)):
            return
        await asyncio.sleep(_ANOTHER_TIME)


async def _registered(tree: Tree, desk: Desk, note: str) -> bool:
    """Register the commands if need be; False where another process is about it just now."""
    if not await _claimed(desk, note):
        return False
    try:
        await _register(tree, desk, note)
    finally:
        with suppress(StoreError):  # then the claim lapses
            await desk.store.release(note)
    return True


async def _register(tree: Tree, desk: Desk, note: str) -> None:
    client, commands = tree.client, tree.get_commands(guild=None)
    payload = [await each.get_translated_payload(tree, Translator()) for each in commands]
    written = json.dumps(payload, sort_keys=True, ensure_ascii=False)
    digest = hashlib.blake2b(written.encode(), digest_size=16).hexdigest()
    application, names = client.application_id or 0, {each.name for each in commands}
    if await _noted(desk, note) == digest and await _known(client, application, names):
        event("commands_unchanged", count=len(commands))
        return
    await client.http.bulk_upsert_global_commands(application, payload)
    event("commands_registered", count=len(commands))
    try:
        await desk.store.save_note(note, digest)
    except StoreError as error:
        trouble("not_stored", error)


async def _claimed(desk: Desk, note: str) -> bool:
    """Whether registering is this process's task now. Without a database it is everybody's."""
    try:
        return await desk.store.claim(note, _CLAIM)
    except StoreError as error:
        trouble("commands_unclaimed", error)
        return True


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
