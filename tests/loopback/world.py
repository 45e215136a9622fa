"""Who and what there is in the loopback server, and how Discord shows it."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")

VIEW_CHANNEL, SEND_MESSAGES, EMBED_LINKS = 1 << 10, 1 << 11, 1 << 14
READ_MESSAGE_HISTORY, MANAGE_GUILD, CONNECT = 1 << 16, 1 << 5, 1 << 20
CREATE_PUBLIC_THREADS, SEND_MESSAGES_IN_THREADS = 1 << 35, 1 << 38
ORDINARY = 309_237_730_304
"""What the bot is invited with: view, send, embed, read history, open threads and send there."""
ADD_REACTIONS, USE_APPLICATION_COMMANDS = 1 << 6, 1 << 31
EVERYBODY = ORDINARY | ADD_REACTIONS | USE_APPLICATION_COMMANDS | CONNECT


TEXT_CHANNEL, DM, VOICE_CHANNEL, GROUP_DM, THREAD, STAGE_CHANNEL, FORUM = 0, 1, 2, 3, 11, 13, 15


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to write in; ``guild`` is None in private, ``deny`` what nobody may do in it. Where
    people are among themselves, the bot hears of nothing but commands.
    """

    id: int
    name: str
    kind: int = TEXT_CHANNEL
    guild: int | None = None
    deny: int = 0
    parent: int | None = None
    recipient: int | None = None
    among_people: bool = False


@dataclass(frozen=True, slots=True)
class User:
    """A person or a bot; ``permissions`` are what a person may do beside the ordinary."""

    id: int
    name: str
    bot: bool = False
    permissions: int = 0

    def payload(self) -> Json:
        return {
            "id": str(self.id), "username": self.name.lower(), "global_name": self.name,
            "discriminator": "0", "avatar": None, "bot": self.bot, "public_flags": 0,
        }  # fmt: skip


class World:
    """One guild with one channel, ``general``, one person, ``asker``, an owner and the bot."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.messages: dict[int, Json] = {}
        self.users: dict[int, User] = {}
        self.channels: dict[int, Channel] = {}
        self._changed = asyncio.Event()
        self._count = itertools.count(1)
        self.guild, self._managers = self._snowflake(), self._snowflake()
        self.bot = self._user("Madoguchi", bot=True)
        self.owner = self._user("Owner", permissions=MANAGE_GUILD)
        self.asker = self._user("Hanako")
        self.general = self._channel("general")

    @property
    def mention(self) -> str:
        """How one addresses the bot."""
        return f"<@{self.bot.id}>"

    async def dispatch(self, event: str, data: Json, channel: Channel | None = None) -> None:
        """Send an event to every session that is to have it."""
        raise NotImplementedError

    # Waiting

    async def until(self, what: Callable[[], T], seconds: float = 10.0) -> T:
        """Wait until ``what`` returns something true, and return it."""
        try:
            async with asyncio.timeout(seconds):
                while not (value := what()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s; {self._recently()}") from None
        return value

    def changed(self) -> None:
        """Let those who wait look again."""
        self._changed.set()

    def _recently(self) -> str:
        """What to tell when something was waited for in vain."""
        return f"violations: {self.violations[-5:]}"

    def answers_to(self, message: Json) -> list[Json]:
        """The bot's replies to a message, and what it wrote in its channel without replying."""
        return [
            each
            for each in self.messages.values()
            if each["author"]["id"] == str(self.bot.id)
            and "interaction_metadata" not in each
            and each["channel_id"] == message["channel_id"]
            and (each.get("message_reference") or message | {"message_id": message["id"]})[
                "message_id"
            ]
            == message["id"]
            and int(each["id"]) > int(message["id"])
        ]

    async def answer_to(self, message: Json, seconds: float = 10.0) -> Json:
        """Wait for the bot's answer to a message."""
        return (await self.until(lambda: self.answers_to(message), seconds))[0]

    # People and places

    def add_user(self, name: str, *, bot: bool = False, permissions: int = 0) -> User:
        """Another member of the guild."""
        return self._user(name, bot=bot, permissions=permissions)

    def direct(self, user: User) -> Channel:
        """The private channel of a person and the bot."""
        for channel in self.channels.values():
            if channel.recipient == user.id and not channel.among_people:
                return channel
        return self._keep(Channel(self._snowflake(), user.name, DM, guild=None, recipient=user.id))

    async def add_channel(
        self, name: str, *, deny: int = 0, kind: int = TEXT_CHANNEL, foreign: bool = False
    ) -> Channel:
        """Another channel: of the guild, of a guild the bot does not know, or among people."""
        private = kind in (DM, GROUP_DM)
        guild = None if private else self._snowflake() if foreign else self.guild
        friend = self.owner.id if kind == DM else None
        channel = self._keep(
            Channel(self._snowflake(), name, kind, guild, deny, None, friend, private)
        )
        if guild == self.guild:
            await self.dispatch("CHANNEL_CREATE", self._channel_payload(channel), channel)
        return channel

    async def delete_channel(self, channel: Channel) -> None:
        """A channel is deleted, with all that was written in it."""
        del self.channels[channel.id]
        await self.dispatch("CHANNEL_DELETE", self._channel_payload(channel), channel)

    async def add_thread(
        self, name: str, *, owner: User, parent: Channel | None = None, under: Json | None = None
    ) -> Channel:
        """A thread in a channel, by itself or under a message."""
        parent = parent or self.general
        id_ = self._snowflake() if under is None else int(under["id"])
        return await self._open_thread(id_, name, parent, owner)

    def _note(self, violation: str) -> None:
        self.violations.append(violation)
        self.changed()

    # What things look like

    def _snowflake(self) -> int:
        return (int(time.time() * 1000) - 1_420_070_400_000) << 22 | next(self._count) & 0x3FFFFF

    def _user(self, name: str, *, bot: bool = False, permissions: int = 0) -> User:
        user = User(self._snowflake(), name, bot, permissions)
        self.users[user.id] = user
        return user

    def _channel(self, name: str) -> Channel:
        return self._keep(Channel(self._snowflake(), name, guild=self.guild))

    def _keep(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    async def _open_thread(self, id_: int, name: str, parent: Channel, owner: User) -> Channel:
        thread = Channel(id_, name, THREAD, self.guild, parent.deny, parent.id, None)
        self._keep(thread)
        payload = self._channel_payload(thread, owner) | {"newly_created": True}
        await self.dispatch("THREAD_CREATE", payload, thread)
        return thread

    def _permissions(self, channel: Channel) -> int:
        if channel.guild != self.guild:
            return 0 if channel.among_people or channel.guild else ORDINARY
        return EVERYBODY & ~channel.deny

    async def delete(self, message: Json) -> None:
        """A message is deleted."""
        del self.messages[int(message["id"])]
        await self._announce("MESSAGE_DELETE", message)

    def _place(self, message: Json) -> Channel:
        return self.channels[int(message["channel_id"])]

    async def _announce(self, event: str, message: Json) -> None:
        channel = self._place(message)
        if channel.guild not in (self.guild, None) or channel.among_people:
            return
        seen = message
        if event == "MESSAGE_DELETE":
            seen = {"id": message["id"], "channel_id": message["channel_id"]}
        if channel.guild is not None:
            seen = seen | {"guild_id": str(channel.guild)}
            if event != "MESSAGE_DELETE":
                author = self.users[int(message["author"]["id"])]
                member = member_payload(author, self._roles(author))
                del member["user"]
                seen["member"] = member
        await self.dispatch(event, seen, channel)

    def _message(self, author: User, channel: Channel, payload: Json) -> Json:
        content = payload.get("content") or ""
        by_bot = author is self.bot
        named = [] if by_bot else map(int, re.findall(r"<@!?(\d+)>", content))
        number = itertools.count(1)
        return {
            "id": str(self._snowflake()), "channel_id": str(channel.id), "type": 0,
            "author": author.payload(), "content": content, "timestamp": now(),
            "edited_timestamp": None, "tts": False, "pinned": False,
            "mention_everyone": not by_bot and bool(re.search("@everyone|@here", content)),
            "mentions": [self.users[id_].payload() for id_ in dict.fromkeys(named)
                         if id_ in self.users],
            "mention_roles": [], "attachments": [], "flags": payload.get("flags") or 0,
            "embeds": [{"type": "rich", **each} for each in payload.get("embeds") or []],
            "components": [with_ids(each, number) for each in payload.get("components") or []],
        }  # fmt: skip

    def _roles(self, user: User) -> list[str]:
        return [str(self._managers)] if user.permissions else []

    def _guild_payload(self) -> Json:
        roles = [
            (self.guild, "@everyone", EVERYBODY),
            (self._managers, "managers", MANAGE_GUILD),
        ]
        here = [each for each in self.channels.values() if each.guild == self.guild]
        return {
            "id": str(self.guild), "name": "Counter", "icon": None, "splash": None,
            "owner_id": str(self.owner.id), "afk_timeout": 300, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
            "system_channel_flags": 0, "premium_tier": 0, "nsfw_level": 0,
            "preferred_locale": "ja", "features": [], "emojis": [], "stickers": [],
            "joined_at": now(), "large": False, "unavailable": False,
            "member_count": len(self.users), "voice_states": [], "presences": [],
            "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
            "roles": [
                {"id": str(id_), "name": name, "permissions": str(permissions), "position": place,
                 "color": 0, "colors": {"primary_color": 0, "secondary_color": None,
                                        "tertiary_color": None},
                 "hoist": False, "managed": False, "mentionable": False, "flags": 0}
                for place, (id_, name, permissions) in enumerate(roles)
            ],
            "members": [member_payload(self.bot, [])],
            "channels": [self._channel_payload(c) for c in here if c.kind != THREAD],
            "threads": [self._channel_payload(c) for c in here if c.kind == THREAD],
        }  # fmt: skip

    def _channel_payload(self, channel: Channel, owner: User | None = None) -> Json:
        payload: Json = {"id": str(channel.id), "type": channel.kind, "flags": 0,
                         "last_message_id": None}  # fmt: skip
        if channel.guild is None:
            others = [
                each.payload() for each in self.users.values() if each.id == channel.recipient
            ]
            name = {"name": channel.name} if channel.kind == GROUP_DM else {}
            return payload | name | {"recipients": others}
        payload |= {
            "guild_id": str(channel.guild), "name": channel.name, "position": 0, "nsfw": False,
            "topic": None, "rate_limit_per_user": 0,
            "parent_id": str(channel.parent) if channel.parent else None,
            "permissions": str(EVERYBODY & ~channel.deny),
            "permission_overwrites": [
                {"id": str(channel.guild), "type": 0, "allow": "0", "deny": str(channel.deny)}
            ] if channel.deny else [],
        }  # fmt: skip
        if channel.kind in (VOICE_CHANNEL, STAGE_CHANNEL):
            payload |= {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
        if channel.kind == THREAD:
            payload |= {
                "owner_id": str((owner or self.bot).id), "message_count": 0, "member_count": 1,
                "thread_metadata": {"archived": False, "auto_archive_duration": 1440,
                                    "archive_timestamp": now(), "locked": False},
                "member": {"id": str(channel.id), "user_id": str(self.bot.id),
                           "join_timestamp": now(), "flags": 0},
            }  # fmt: skip
        return payload


def member_payload(user: User, roles: list[str]) -> Json:
    return {
        "user": user.payload(), "roles": roles, "joined_at": now(), "deaf": False, "mute": False,
        "flags": 0, "nick": None, "avatar": None, "premium_since": None,
    }  # fmt: skip


def with_ids(component: Json, number: Iterator[int]) -> Json:
    """A component with an id, as Discord gives one to each."""
    numbered = component | {"id": component.get("id") or next(number)}
    if "components" in component:
        numbered["components"] = [with_ids(each, number) for each in component["components"]]
    if component.get("accessory"):
        numbered["accessory"] = with_ids(component["accessory"], number)
    return numbered


def now() -> str:
    return datetime.now(UTC).isoformat()
