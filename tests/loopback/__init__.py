"""A small Discord on this machine: gateway and REST API, version 10, as strict as Discord itself.

    async with Loopback() as discord:
        # start a bot with DISCORD_API_BASE=discord.url and DISCORD_TOKEN=discord.token
        question = await discord.say(f"{discord.mention} what is this?")
        answer = await discord.answer_to(question)
        assert discord.violations == []

Whatever a bot sends that Discord would refuse is refused in the same way and noted in
``violations``. ``fault`` breaks the REST API for a while, ``drop`` the gateway.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Self

from aiohttp import web

from tests.loopback import limits
from tests.loopback.interactions import Interaction, Interactions
from tests.loopback.rest import Fault, Request
from tests.loopback.world import (
    CONNECT,
    DM,
    EMBED_LINKS,
    EVERYBODY,
    FORUM,
    GROUP_DM,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    STAGE_CHANNEL,
    TEXT_CHANNEL,
    VOICE_CHANNEL,
    Channel,
    Json,
    User,
    member_payload,
    now,
)

__all__ = [
    "CONNECT",
    "DM",
    "EMBED_LINKS",
    "FORUM",
    "GROUP_DM",
    "READ_MESSAGE_HISTORY",
    "SEND_MESSAGES",
    "STAGE_CHANNEL",
    "TEXT_CHANNEL",
    "VOICE_CHANNEL",
    "Channel",
    "Fault",
    "Interaction",
    "Json",
    "Loopback",
    "Request",
    "User",
    "doubled",
    "limits",
]


class Loopback(Interactions):
    """The server, and what people do in it."""

    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=25 * 2**20)
        app.router.add_get("/{kind:gateway|resume}{slash:/?}", self._gateway)
        app.router.add_route("*", "/api/v10{path:/.*}", self._api)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for fault in self._faults:
            if fault.gate:
                fault.gate.set()
        for session in self.sessions.values():
            self._cut(session)
        if self._runner is not None:
            await self._runner.cleanup()

    async def outcome(self, interaction: Interaction, seconds: float = 10.0) -> Interaction:
        """Wait until an interaction has come to its end."""
        await self.until(lambda: interaction.done, seconds)
        return interaction

    async def say(
        self,
        content: str,
        channel: Channel | None = None,
        *,
        user: User | None = None,
        reply_to: Json | None = None,
        times: int = 1,
        **also: Any,
    ) -> Json:
        """Someone writes a message; the event comes ``times`` times. ``also`` are further fields
        of the message, as Discord sends them.
        """
        channel, user = channel or self.general, user or self.asker
        message = self._message(user, channel, {"content": content}) | also
        if reply_to is not None:
            message |= {
                "type": 19, "referenced_message": reply_to,
                "message_reference": {"message_id": reply_to["id"], "channel_id": str(channel.id)},
            }  # fmt: skip
            if reply_to["author"]["id"] not in [each["id"] for each in message["mentions"]]:
                message["mentions"].append(reply_to["author"])
        self.messages[int(message["id"])] = message
        for _ in range(times):
            await self._announce("MESSAGE_CREATE", message)
        return message

    async def forward(self, content: str, channel: Channel) -> Json:
        """Someone forwards to a channel what was said elsewhere."""
        said = {"type": 0, "content": content, "embeds": [], "attachments": [],
                "timestamp": now(), "edited_timestamp": None, "flags": 0, "components": [],
                "mentions": [], "mention_roles": []}  # fmt: skip
        source = {"type": 1, "message_id": "1", "channel_id": "2", "guild_id": "3"}
        return await self.say(
            "", channel, message_snapshots=[{"message": said}], message_reference=source
        )

    async def edit(self, message: Json, content: str) -> None:
        """The author changes a message."""
        fresh = self._message(self.users[int(message["author"]["id"])],
                              self.channels[int(message["channel_id"])],
                              {"content": content})  # fmt: skip
        message |= {key: fresh[key] for key in ("content", "mentions", "mention_everyone")}
        message["edited_timestamp"] = now()
        await self._announce("MESSAGE_UPDATE", message)

    async def slash(
        self,
        command: str,
        options: Json | None = None,
        *,
        user: User | None = None,
        channel: Channel | None = None,
        locale: str = "ja",
        times: int = 1,
    ) -> Interaction:
        """Someone uses a slash command; a subcommand's name follows after a space."""
        data = self._command_data(command, 1, options or {})
        return await self._interact(2, data, user, channel, locale, times=times)

    async def again(self, done: Interaction) -> Interaction:
        """Someone gives a command again as it was; a client may not know yet that it is gone."""
        return await self._interact(2, done.payload["data"], done.user, done.channel, "ja")

    async def autocomplete(
        self,
        command: str,
        focused: str,
        options: Json,
        *,
        user: User | None = None,
        locale: str = "ja",
    ) -> Interaction:
        """Someone is typing the option ``focused`` of a slash command."""
        data = self._command_data(command, 1, options, focused)
        return await self._interact(4, data, user, None, locale)

    async def menu(
        self, command: str, message: Json, *, user: User | None = None, locale: str = "ja"
    ) -> Interaction:
        """Someone chooses a command from a message's menu."""
        data = self._command_data(command, 3, {})
        data |= {"target_id": message["id"], "resolved": {"messages": {message["id"]: message}}}
        return await self._interact(2, data, user, self._place(message), locale)

    async def press(
        self, message: Json, custom_id: str, *, values: Iterable[str] = (),
        user: User | None = None, locale: str = "ja", times: int = 1, crafted: bool = False,
    ) -> Interaction:  # fmt: skip
        """Someone presses a button, or chooses ``values`` in a select, of the bot's message."""
        found = [c for c in limits.walk(message["components"]) if c.get("custom_id") == custom_id]
        assert found or crafted, f"the message has no control {custom_id}"
        kind = found[0]["type"] if found else limits.STRING_SELECT if values else limits.BUTTON
        data: Json = {"custom_id": custom_id, "component_type": kind}
        if kind != limits.BUTTON:
            offered = {option["value"] for each in found for option in each.get("options", ())}
            assert crafted or kind != limits.STRING_SELECT or set(values) <= offered
            data["values"] = list(values)
        return await self._interact(
            3, data, user, self._place(message), locale, source=message, times=times
        )

    async def submit(
        self, modal: Interaction, values: Mapping[str, str], *, locale: str = "ja"
    ) -> Interaction:
        """Someone sends off the modal that an interaction brought up."""
        rows = [
            {"type": limits.ROW, "components": [
                {"type": limits.TEXT_INPUT, "custom_id": name, "value": value}
            ]} for name, value in values.items()
        ]  # fmt: skip
        data = {"custom_id": modal.data["custom_id"], "components": rows}
        return await self._interact(5, data, modal.user, modal.channel, locale, source=modal.source)

    def _command_data(
        self, path: str, type_: int, options: Json, focused: str | None = None
    ) -> Json:
        """What a client sends for a command: only what is registered can be used."""
        name, *inner = path.split(" ") if type_ == 1 else (path,)
        known = [*self.commands.get(None, []), *self.commands.get(self.guild, [])]
        found = [each for each in known if each["type"] == type_ and each["name"] == name]
        assert found, f"{name} is not registered, only {[each['name'] for each in known]}"
        command, data = found[0], {"id": found[0]["id"], "name": name, "type": type_}
        level, resolved = data, {}
        for part in inner:
            command = next(each for each in command["options"] if each["name"] == part)
            level["options"] = [{"name": part, "type": command["type"]}]
            level = level["options"][0]
        defined = {each["name"]: each for each in command.get("options") or []}
        needed = {name for name, each in defined.items() if each.get("required")}
        assert focused or needed <= options.keys() <= defined.keys(), f"options of {path}"
        level["options"] = []
        for key, value in options.items():
            given: Json = {"name": key, "type": defined[key]["type"], "value": value}
            if isinstance(value, Channel):
                given["value"] = str(value.id)
                here = self._channel_payload(value) | {"permissions": str(EVERYBODY)}
                resolved["channels"] = {str(value.id): here}
            if key == focused:
                assert defined[key].get("autocomplete"), f"{key} of {path} does not complete"
                given["focused"] = True
            level["options"].append(given)
        return data | ({"resolved": resolved} if resolved else {})

    async def _interact(
        self, kind: int, data: Json, user: User | None, channel: Channel | None, locale: str,
        *, source: Json | None = None, times: int = 1,
    ) -> Interaction:  # fmt: skip
        user, channel = user or self.asker, channel or self.general
        id_, token = self._snowflake(), secrets.token_urlsafe(32)
        payload = {
            "id": str(id_), "application_id": str(self.bot.id), "type": kind, "token": token,
            "version": 1, "data": data, "locale": locale, "entitlements": [],
            "channel_id": str(channel.id), "channel": self._channel_payload(channel),
            "app_permissions": str(self._permissions(channel)),
            "attachment_size_limit": 10 * 2**20,
            **self._origin(user, channel),
            **({"message": source} if source else {}),
        }  # fmt: skip
        interaction = Interaction(
            id_, token, kind, user, channel, payload, source, time.monotonic()
        )
        self.interactions.append(interaction)
        for _ in range(times):
            await self.dispatch("INTERACTION_CREATE", payload, channel)
        return interaction

    def _origin(self, user: User, channel: Channel) -> Json:
        """Who and where, as an interaction tells it."""
        if channel.guild is None:
            context = 2 if channel.among_people else 1
            owners = {"1": str(user.id)} if channel.among_people else {"0": "0"}
            return {
                "user": user.payload(), "context": context,
                "authorizing_integration_owners": owners,
            }  # fmt: skip
        member = member_payload(user, self._roles(user) if channel.guild == self.guild else [])
        member["permissions"] = str((EVERYBODY | user.permissions) & ~channel.deny)
        installed = {"0": str(self.guild)}
        return {
            "member": member, "guild_id": str(channel.guild), "context": 0,
            "guild": {"id": str(channel.guild), "locale": "ja", "features": []},
            "guild_locale": "ja",
            "authorizing_integration_owners":
                installed if channel.guild == self.guild else {"1": str(user.id)},
        }  # fmt: skip


def doubled(messages: Iterable[Json]) -> list[str]:
    """The ids of messages that were replied to more than once."""
    replied = Counter((m.get("message_reference") or {}).get("message_id") for m in messages)
    return [id_ for id_, times in replied.items() if id_ and times > 1]
