"""A small Discord on this machine: gateway and REST API, version 10, as strict as Discord itself.

    async with Loopback() as discord:
        # start a bot with DISCORD_API_BASE=discord.url and DISCORD_TOKEN=discord.token
        question = await discord.say("<@...> what is this?", discord.general)
        answer = await discord.answer_to(question)
        assert discord.violations == []

Whatever a bot sends that Discord would refuse is refused in the same way and noted in
``violations``. ``fault`` breaks the REST API for a while, ``drop`` the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from aiohttp import WSMsgType, web

from tests import limits

Json = dict[str, Any]
T = TypeVar("T")

VIEW_CHANNEL, SEND_MESSAGES, EMBED_LINKS = 1 << 10, 1 << 11, 1 << 14
READ_MESSAGE_HISTORY, MANAGE_GUILD = 1 << 16, 1 << 5
CREATE_PUBLIC_THREADS, SEND_MESSAGES_IN_THREADS = 1 << 35, 1 << 38
ORDINARY = 309_237_730_304
"""What the bot is invited with: view, send, embed, read history, open threads and send there."""
ADD_REACTIONS, USE_APPLICATION_COMMANDS = 1 << 6, 1 << 31
_EVERYBODY = ORDINARY | ADD_REACTIONS | USE_APPLICATION_COMMANDS

_PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15  # members, presences, message content
_MESSAGE_CONTENT = 1 << 15
_GUILD, _PRIVATE = 0, 1
_INTENTS = {  # which intent lets an event through, in a guild and in private
    "GUILD_CREATE": (1, 1), "CHANNEL_CREATE": (1, 1), "THREAD_CREATE": (1, 1),
    "MESSAGE_CREATE": (1 << 9, 1 << 12), "MESSAGE_UPDATE": (1 << 9, 1 << 12),
    "MESSAGE_DELETE": (1 << 9, 1 << 12),
}  # fmt: skip
TEXT_CHANNEL, DM, GROUP_DM, THREAD = 0, 1, 3, 11


@dataclass(frozen=True, slots=True)
class Channel:
    """A place to write in; ``guild`` is None in private, ``deny`` what nobody may do in it."""

    id: int
    name: str
    kind: int = TEXT_CHANNEL
    guild: int | None = None
    deny: int = 0
    parent: int | None = None
    recipient: int | None = None


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


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came in, and what was answered."""

    method: str
    path: str
    payload: Any
    status: int
    at: float


@dataclass(slots=True, eq=False)
class Fault:
    """How requests are answered wrongly: the next ``times`` that match.

    ``status`` 0 cuts the connection. Where ``applied``, the request takes effect all the same.
    A 429 is global where ``everywhere``; without ``via`` it comes from what stands before Discord.
    With a ``gate`` they wait until it is set, and are answered rightly where ``status`` is None.
    """

    method: str
    path: re.Pattern[str]
    status: int | None
    times: int
    applied: bool = False
    retry_after: float = 0.2
    everywhere: bool = False
    via: bool = True
    gate: asyncio.Event | None = None
    hits: int = 0


@dataclass(slots=True, eq=False)
class Session:
    """A bot's session on the gateway; outlives its connection."""

    id: str
    intents: int
    shard: tuple[int, int]
    events: list[Json] = field(default_factory=list)
    socket: web.WebSocketResponse | None = None
    transport: asyncio.BaseTransport | None = None
    resumed: int = 0


@dataclass(slots=True, eq=False)
class Interaction:
    """Something a person did with the bot, and how the bot responded."""

    id: int
    token: str
    kind: int
    user: User
    channel: Channel
    payload: Json
    source: Json | None
    at: float
    response: int | None = None
    responded_at: float | None = None
    data: Json = field(default_factory=dict)
    message: Json | None = None
    follow_ups: list[Json] = field(default_factory=list)
    loading: bool = False

    @property
    def done(self) -> bool:
        """Whether the person sees the outcome, and no longer a loading message."""
        return self.response is not None and not self.loading


class RefusedError(Exception):
    """What a request is refused with."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Loopback:
    """The server. One guild with one channel, ``general``, and one person, ``asker``."""

    def __init__(self, *, privileged: int = 0, shards: int = 1, deadline: float = 3.0) -> None:
        self.token = "loopback." + secrets.token_urlsafe(24)
        self.privileged = privileged
        self.shards, self.deadline = shards, deadline
        self.violations: list[str] = []
        self.requests: list[Request] = []
        self.identified: list[Json] = []
        self.sessions: dict[str, Session] = {}
        self.messages: dict[int, Json] = {}
        self.commands: dict[int | None, list[Json]] = {}
        self.interactions: list[Interaction] = []
        self.registrations = 0
        self.typing: list[int] = []
        self.close_on_identify: int | None = None
        self._faults: list[Fault] = []
        self._changed = asyncio.Event()
        self._count = itertools.count(1)
        self._nonces: dict[tuple[int, str], int] = {}
        self.users: dict[int, User] = {}
        self.channels: dict[int, Channel] = {}
        self.guild, self._managers = self._snowflake(), self._snowflake()
        self.bot = self._user("Madoguchi", bot=True)
        self.owner = self._user("Owner", permissions=MANAGE_GUILD)
        self.asker = self._user("Hanako")
        self.general = self._channel("general")
        self._runner: web.AppRunner | None = None
        self.port = 0

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

    @property
    def url(self) -> str:
        """The base address of the REST API."""
        return f"http://127.0.0.1:{self.port}/api/v10"

    @property
    def mention(self) -> str:
        """How one addresses the bot."""
        return f"<@{self.bot.id}>"

    @property
    def connected(self) -> Session | None:
        """A session with an open connection."""
        open_ = [each for each in self.sessions.values() if each.socket and each.events]
        return open_[-1] if open_ else None

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
        recent = [f"{r.method} {r.path} {r.status}" for r in self.requests[-12:]]
        return f"last requests: {recent}, violations: {self.violations}"

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

    async def outcome(self, interaction: Interaction, seconds: float = 10.0) -> Interaction:
        """Wait until an interaction has come to its end."""
        await self.until(lambda: interaction.done, seconds)
        return interaction

    # People and places

    def add_user(self, name: str, *, bot: bool = False, permissions: int = 0) -> User:
        """Another member of the guild."""
        return self._user(name, bot=bot, permissions=permissions)

    def direct(self, user: User) -> Channel:
        """The private channel of a person and the bot."""
        for channel in self.channels.values():
            if channel.recipient == user.id:
                return channel
        return self._keep(Channel(self._snowflake(), user.name, DM, guild=None, recipient=user.id))

    async def add_channel(
        self, name: str, *, deny: int = 0, kind: int = TEXT_CHANNEL, foreign: bool = False
    ) -> Channel:
        """Another channel: of the guild, of a group, or of a guild the bot does not know."""
        guild = None if kind == GROUP_DM else self._snowflake() if foreign else self.guild
        channel = self._keep(Channel(self._snowflake(), name, kind, guild, deny))
        if guild == self.guild:
            await self.dispatch("CHANNEL_CREATE", self._channel_payload(channel), channel)
        return channel

    async def add_thread(self, name: str, *, owner: User, parent: Channel | None = None) -> Channel:
        """A thread in a channel."""
        parent = parent or self.general
        return await self._open_thread(self._snowflake(), name, parent, owner)

    # What people do

    async def say(
        self,
        content: str,
        channel: Channel | None = None,
        *,
        user: User | None = None,
        reply_to: Json | None = None,
        times: int = 1,
    ) -> Json:
        """Someone writes a message; the event comes ``times`` times."""
        channel, user = channel or self.general, user or self.asker
        message = self._message(user, channel, {"content": content})
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

    async def edit(self, message: Json, content: str) -> None:
        """The author changes a message."""
        fresh = self._message(self.users[int(message["author"]["id"])],
                              self.channels[int(message["channel_id"])],
                              {"content": content})  # fmt: skip
        message |= {key: fresh[key] for key in ("content", "mentions", "mention_everyone")}
        message["edited_timestamp"] = _now()
        await self._announce("MESSAGE_UPDATE", message)

    async def delete(self, message: Json) -> None:
        """A message is deleted."""
        del self.messages[int(message["id"])]
        await self._announce("MESSAGE_DELETE", message)

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

    def _place(self, message: Json) -> Channel:
        return self.channels[int(message["channel_id"])]

    # What goes wrong

    def fault(
        self,
        method: str,
        path: str,
        status: int | None = 502,
        *,
        times: int = 1,
        applied: bool = False,
        retry_after: float = 0.2,
        everywhere: bool = False,
        via: bool = True,
        held: bool = False,
    ) -> Fault:
        """Answer the next requests whose path matches a pattern with an error; see Fault."""
        gate = asyncio.Event() if held else None
        pattern = re.compile(path)
        fault = Fault(method, pattern, status, times, applied, retry_after, everywhere, via, gate)
        self._faults.append(fault)
        return fault

    def hold(self, method: str, path: str, *, times: int = 1) -> Fault:
        """Let the next requests that match wait until the gate is set."""
        return self.fault(method, path, None, times=times, held=True)

    def drop(self) -> None:
        """Break every gateway connection without a word."""
        for session in self.sessions.values():
            self._cut(session)

    async def close(self, code: int) -> None:
        """Close every gateway connection with a code."""
        for session in list(self.sessions.values()):
            if session.socket is not None:
                await session.socket.close(code=code)

    async def ask_to_reconnect(self) -> None:
        """Opcode 7: every connection is to be made anew."""
        await self._everyone({"op": 7, "d": None})

    async def invalidate(self, *, resumable: bool = False) -> None:
        """Opcode 9: every session is void."""
        if not resumable:
            for session in list(self.sessions.values()):
                del self.sessions[session.id]
                await self._send(session, {"op": 9, "d": False})
        else:
            await self._everyone({"op": 9, "d": True})

    @staticmethod
    def _cut(session: Session) -> None:
        if session.transport is not None:
            session.transport.abort()  # type: ignore[attr-defined]

    # The gateway

    async def dispatch(self, event: str, data: Json, channel: Channel | None = None) -> None:
        """Send an event to every session that is to have it."""
        private = _PRIVATE if channel is not None and channel.guild is None else _GUILD
        for session in list(self.sessions.values()):
            wanted = _INTENTS.get(event, (0, 0))[private]
            mine = (self.guild >> 22) % session.shard[1] if private == _GUILD else 0
            if session.intents & wanted == wanted and session.shard[0] == mine:
                await self._deliver(session, event, self._as_seen(session, data))

    async def _deliver(self, session: Session, event: str, data: Json) -> None:
        frame = {"op": 0, "t": event, "s": len(session.events) + 1, "d": data}
        session.events.append(frame)
        await self._send(session, frame)

    async def _send(self, session: Session, frame: Json) -> None:
        if session.socket is not None:
            with contextlib.suppress(ConnectionError):
                await session.socket.send_str(json.dumps(frame))

    async def _everyone(self, frame: Json) -> None:
        for session in list(self.sessions.values()):
            await self._send(session, frame)

    def _as_seen(self, session: Session, data: Json) -> Json:
        """A message without its content, where the session may not read it."""
        if "content" not in data or session.intents & _MESSAGE_CONTENT or not data.get("guild_id"):
            return data
        bot = str(self.bot.id)
        if data["author"]["id"] == bot or bot in [each["id"] for each in data["mentions"]]:
            return data
        return data | {"content": "", "embeds": [], "attachments": [], "components": []}

    async def _gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(max_msg_size=2**20)
        await socket.prepare(request)
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self._note(f"gateway opened with {dict(request.query)}")
        await socket.send_str(json.dumps({"op": 10, "d": {"heartbeat_interval": 41_250}}))
        session: Session | None = None
        times: list[float] = []
        async for raw in socket:
            if raw.type is not WSMsgType.TEXT:
                continue
            times = [at for at in [*times, time.monotonic()] if at > time.monotonic() - 60]
            if len(raw.data.encode()) > 4096 or len(times) > 120:
                self._note("a gateway payload above 4096 bytes, or more than 120 in a minute")
                await socket.close(code=4002 if len(times) <= 120 else 4008)
                break
            session = await self._received(request, socket, session, json.loads(raw.data))
        if session is not None and session.socket is socket:
            session.socket = session.transport = None
            self.changed()
        return socket

    async def _received(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        session: Session | None,
        frame: Json,
    ) -> Session | None:
        match frame["op"]:
            case 1:
                await socket.send_str(json.dumps({"op": 11}))
            case 2 if session is None:
                return await self._identify(request, socket, frame["d"])
            case 6 if session is None:
                return await self._resume(request, socket, frame["d"])
            case 2 | 6:
                self._note("identified twice on one connection")
                await socket.close(code=4005)
            case 3 | 4 | 8 if session is not None:
                pass
            case _:
                self._note(f"gateway opcode {frame['op']}")
                await socket.close(code=4001 if session else 4003)
        return session

    async def _identify(
        self, request: web.Request, socket: web.WebSocketResponse, data: Json
    ) -> Session | None:
        self.identified.append(data | {"at": time.monotonic()})
        intents = data["intents"]
        refused = self.close_on_identify
        if data["token"] != self.token:
            refused = 4004
        elif refused is None and intents & _PRIVILEGED & ~self.privileged:
            refused = 4014
        if refused is not None:
            await socket.close(code=refused)
            self.changed()
            return None
        shard = tuple(data.get("shard") or (0, 1))
        session = Session(secrets.token_hex(16), intents, shard)
        self.sessions[session.id] = session
        session.socket, session.transport = socket, request.transport
        await self._deliver(session, "READY", self._ready(session))
        if (self.guild >> 22) % shard[1] == shard[0]:
            await self._deliver(session, "GUILD_CREATE", self._guild_payload())
        self.changed()
        return session

    def _ready(self, session: Session) -> Json:
        return {
            "v": 10, "user": self.bot.payload() | {"verified": True, "mfa_enabled": True},
            "guilds": [{"id": str(self.guild), "unavailable": True}],
            "session_id": session.id, "shard": list(session.shard),
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/resume",
            "application": {"id": str(self.bot.id), "flags": 1 << 19},
        }  # fmt: skip

    async def _resume(
        self, request: web.Request, socket: web.WebSocketResponse, data: Json
    ) -> Session | None:
        session = self.sessions.get(data["session_id"])
        if data["token"] != self.token:
            await socket.close(code=4004)
            return None
        if session is None or data["seq"] > len(session.events):
            await socket.send_str(json.dumps({"op": 9, "d": False}))
            return None
        if request.match_info["kind"] != "resume":
            self._note("RESUME at another address than resume_gateway_url")
        missed = session.events[data["seq"] :]
        session.socket, session.transport = socket, request.transport
        for frame in missed:
            await self._send(session, frame)
        await self._deliver(session, "RESUMED", {})
        session.resumed += 1
        self.changed()
        return session

    # The REST API

    async def _api(self, request: web.Request) -> web.Response:
        path, at = request.match_info["path"], time.monotonic()
        payload = await _payload(request)
        fault = self._fault_for(request.method, path)
        if fault is not None and fault.gate is not None:
            self.changed()
            await fault.gate.wait()
        if fault is None or fault.status is None or fault.applied:
            response = await self._answer(request, path, payload)
        if fault is not None and fault.status is not None:
            response = _broken(request, fault)
        self.requests.append(Request(request.method, path, payload, response.status, at))
        self.changed()
        return response

    def _fault_for(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if fault.times and fault.method in (method, "*") and fault.path.search(path):
                fault.times -= 1
                fault.hits += 1
                return fault
        return None

    async def _answer(self, request: web.Request, path: str, payload: Any) -> web.Response:
        try:
            self._authorize(request, path)
            handler, found = self._handler(request.method, path)
            arguments = [int(each) if each.isdigit() else each for each in found.groups()]
            result = await handler(self, _Call(payload, request.query), *arguments)
            status = 204 if result is None else 200
            return _response(status, result, _limit(handler.__name__))
        except RefusedError as refused:
            body = {"code": refused.code, "message": refused.message}
            return _response(refused.status, body)

    def _authorize(self, request: web.Request, path: str) -> None:
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {self.token}":
            raise RefusedError(401, 0, "401: Unauthorized")

    def _handler(self, method: str, path: str) -> tuple[_Handler, re.Match[str]]:
        for method_, pattern, handler in _ROUTES:
            if method == method_ and (found := pattern.fullmatch(path)):
                return handler, found
        self._note(f"no such route: {method} {path}")
        raise RefusedError(404, 0, "404: Not Found")

    def _note(self, violation: str) -> None:
        self.violations.append(violation)
        self.changed()

    def _insist(self, problems: Iterable[str]) -> None:
        """Refuse a payload as Discord does, if there are any problems."""
        problems = list(problems)
        self.violations += problems
        if problems:
            raise RefusedError(400, 50035, f"Invalid Form Body: {'; '.join(problems)}")

    async def _get_gateway(self, _: _Call) -> Json:
        return {
            "url": f"ws://127.0.0.1:{self.port}/gateway", "shards": self.shards,
            "session_start_limit": {
                "total": 1000, "remaining": 1000 - len(self.identified),
                "reset_after": 0, "max_concurrency": 1,
            },
        }  # fmt: skip

    async def _get_me(self, _: _Call) -> Json:
        return self.bot.payload() | {"verified": True, "mfa_enabled": True, "flags": 0}

    async def _get_application(self, _: _Call) -> Json:
        return {
            "id": str(self.bot.id), "name": self.bot.name, "icon": None, "description": "",
            "summary": "", "bot_public": True, "bot_require_code_grant": False,
            "verify_key": "0" * 64, "flags": 1 << 19, "owner": self.owner.payload(),
            "team": None, "integration_types_config": {"0": {}, "1": {}},
        }  # fmt: skip

    async def _get_user(self, _: _Call, user: int) -> Json:
        if user not in self.users:
            raise RefusedError(404, 10013, "Unknown User")
        return self.users[user].payload()

    async def _get_guild(self, _: _Call, guild: int) -> Json:
        if guild != self.guild:
            raise RefusedError(404, 10004, "Unknown Guild")
        return self._guild_payload()

    async def _get_member(self, _: _Call, guild: int, user: int) -> Json:
        if guild != self.guild or user not in self.users:
            raise RefusedError(404, 10007, "Unknown Member")
        return _member(self.users[user], self._roles(self.users[user]))

    async def _open_direct(self, call: _Call) -> Json:
        user = self.users.get(int(call.payload["recipient_id"]))
        if user is None:
            raise RefusedError(400, 50033, "Invalid Recipient(s)")
        return self._channel_payload(self.direct(user))

    async def _get_channel(self, _: _Call, channel: int) -> Json:
        return self._channel_payload(self._permitted(channel, VIEW_CHANNEL))

    async def _get_messages(self, call: _Call, channel: int) -> list[Json]:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY)
        limit = int(call.query.get("limit", "50"))
        here = [m for m in self.messages.values() if m["channel_id"] == str(channel)]
        before, after = int(call.query.get("before", 2**63)), int(call.query.get("after", 0))
        return [m for m in reversed(here) if after < int(m["id"]) < before][:limit]

    async def _get_message(self, _: _Call, channel: int, message: int) -> Json:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY)
        return self._known_message(channel, message)

    async def _create_message(self, call: _Call, channel: int) -> Json:
        payload = call.payload
        place = self._permitted(channel, VIEW_CHANNEL)
        send = SEND_MESSAGES_IN_THREADS if place.kind == THREAD else SEND_MESSAGES
        self._permitted(channel, send | (EMBED_LINKS if payload.get("embeds") else 0))
        self._insist(limits.message_problems(payload))
        self.violations += limits.ping_problems(payload)
        nonce = str(payload.get("nonce") or "")
        if len(nonce) > 25:
            self._insist([f"a nonce of {len(nonce)} characters"])
        if payload.get("enforce_nonce") and (channel, nonce) in self._nonces:
            return self.messages[self._nonces[channel, nonce]]
        message = self._message(self.bot, place, payload)
        if payload.get("message_reference"):
            message |= self._reference(place, payload["message_reference"])
        self.messages[int(message["id"])] = message
        if nonce:
            message["nonce"] = nonce
            self._nonces[channel, nonce] = int(message["id"])
        await self._announce("MESSAGE_CREATE", message)
        return message

    def _reference(self, channel: Channel, reference: Json) -> Json:
        self._permitted(channel.id, READ_MESSAGE_HISTORY, 160002)
        target = self.messages.get(int(reference["message_id"]))
        if target is None or target["channel_id"] != str(channel.id):
            if reference.get("fail_if_not_exists", True):
                raise RefusedError(400, 50035, "Invalid Form Body: Unknown message")
            return {}
        kept = {"message_id": target["id"], "channel_id": str(channel.id)}
        return {"type": 19, "message_reference": kept, "referenced_message": target}

    async def _edit_message(self, call: _Call, channel: int, message: int) -> Json:
        place = self._permitted(channel, VIEW_CHANNEL)
        kept = self._known_message(channel, message)
        if kept["author"]["id"] != str(self.bot.id):
            raise RefusedError(403, 50005, "Cannot edit a message authored by another user")
        self._permitted(channel, EMBED_LINKS if call.payload.get("embeds") else 0)
        return await self._change(place, kept, call.payload)

    async def _change(self, place: Channel, kept: Json, payload: Json) -> Json:
        """Edit a message as far as the payload says."""
        named = {key: payload[key] for key in _EDITABLE if key in payload}
        if "flags" in named:
            kept_flags = kept["flags"] & (limits.EPHEMERAL | limits.COMPONENTS_V2)
            named["flags"] = (named["flags"] or 0) | kept_flags
        wanted = kept | named
        self._insist(limits.message_problems(wanted))
        if {"content", "embeds", "components"} & payload.keys():
            self.violations += limits.ping_problems(payload)
        author = self.users[int(kept["author"]["id"])]
        fresh = self._message(author, place, wanted)
        kept |= {key: fresh[key] for key in ("content", "embeds", "components", "flags")}
        kept["edited_timestamp"] = _now()
        if not kept["flags"] & limits.EPHEMERAL:
            await self._announce("MESSAGE_UPDATE", kept)
        self.changed()
        return kept

    async def _delete_message(self, _: _Call, channel: int, message: int) -> None:
        self._permitted(channel, VIEW_CHANNEL)
        kept = self._known_message(channel, message)
        if kept["author"]["id"] != str(self.bot.id):
            raise RefusedError(403, 50013, "Missing Permissions")
        await self.delete(kept)

    async def _start_typing(self, _: _Call, channel: int) -> None:
        self._permitted(channel, VIEW_CHANNEL | SEND_MESSAGES)
        self.typing.append(channel)

    async def _react(self, _: _Call, channel: int, message: int, emoji: str) -> None:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY | ADD_REACTIONS)
        self._known_message(channel, message)

    async def _thread_on(self, call: _Call, channel: int, message: int) -> Json:
        parent = self._permitted(channel, VIEW_CHANNEL | CREATE_PUBLIC_THREADS)
        self._known_message(channel, message)
        if message in self.channels:
            raise RefusedError(400, 160004, "A thread has already been created for this message")
        return await self._thread(message, call.payload, parent)

    async def _thread_in(self, call: _Call, channel: int) -> Json:
        parent = self._permitted(channel, VIEW_CHANNEL | CREATE_PUBLIC_THREADS)
        return await self._thread(self._snowflake(), call.payload, parent)

    async def _thread(self, id_: int, payload: Json, parent: Channel) -> Json:
        if not 1 <= len(payload["name"]) <= 100:
            self._insist([f"a thread's name has {len(payload['name'])} characters"])
        thread = await self._open_thread(id_, payload["name"], parent, self.bot)
        return self._channel_payload(thread, self.bot)

    async def _get_commands(self, _: _Call, guild: int | None = None) -> list[Json]:
        return self.commands.get(guild, [])

    async def _put_commands(self, call: _Call, guild: int | None = None) -> list[Json]:
        self._insist(limits.command_problems(call.payload))
        known = {(c["type"], c["name"]): c["id"] for c in self.commands.get(guild, [])}
        self.commands[guild] = [
            self._command(each, guild, known.get((each.get("type", 1), each["name"])))
            for each in call.payload
        ]
        self.registrations += 1
        return self.commands[guild]

    async def _post_command(self, call: _Call, guild: int | None = None) -> Json:
        others = [
            each for each in self.commands.get(guild, [])
            if (each["type"], each["name"]) != (call.payload.get("type", 1), call.payload["name"])
        ]  # fmt: skip
        self._insist(limits.command_problems([*others, call.payload]))
        command = self._command(call.payload, guild, None)
        self.commands[guild] = [*others, command]
        self.registrations += 1
        return command

    async def _delete_command(self, _: _Call, command: int) -> None:
        kept = self.commands.get(None, [])
        self.commands[None] = [each for each in kept if each["id"] != str(command)]
        self.registrations += 1

    def _command(self, payload: Json, guild: int | None, id_: str | None) -> Json:
        return {
            "type": 1, "options": [], "default_member_permissions": None, "nsfw": False,
            **payload, "id": id_ or str(self._snowflake()), "version": str(self._snowflake()),
            "application_id": str(self.bot.id),
            **({"guild_id": str(guild)} if guild else {}),
        }  # fmt: skip

    # Interactions

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
                here = self._channel_payload(value) | {"permissions": str(_EVERYBODY)}
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
            context = 1 if channel.kind == DM else 2
            owners = {"0": "0"} if channel.kind == DM else {"1": str(user.id)}
            return {
                "user": user.payload(), "context": context,
                "authorizing_integration_owners": owners,
            }  # fmt: skip
        member = _member(user, self._roles(user) if channel.guild == self.guild else [])
        member["permissions"] = str((_EVERYBODY | user.permissions) & ~channel.deny)
        installed = {"0": str(self.guild)}
        return {
            "member": member, "guild_id": str(channel.guild), "context": 0,
            "guild": {"id": str(channel.guild), "locale": "ja", "features": []},
            "guild_locale": "ja",
            "authorizing_integration_owners":
                installed if channel.guild == self.guild else {"1": str(user.id)},
        }  # fmt: skip

    async def _respond(self, call: _Call, id_: int, token: str) -> Json | None:
        interaction = self._interaction(token)
        if interaction is None or interaction.id != id_:
            raise RefusedError(404, 10062, "Unknown interaction")
        if interaction.response is not None:
            self._note("an interaction was acknowledged twice")
            raise RefusedError(400, 40060, "Interaction has already been acknowledged.")
        if time.monotonic() - interaction.at > self.deadline:
            self._note(f"an interaction was acknowledged after {self.deadline} s")
            raise RefusedError(404, 10062, "Unknown interaction")
        kind, data = call.payload["type"], call.payload.get("data") or {}
        if kind not in _RESPONSES[interaction.kind]:
            self._insist([f"response {kind} to an interaction of type {interaction.kind}"])
        await self._take_response(interaction, kind, data)
        interaction.response, interaction.responded_at = kind, time.monotonic()
        interaction.data = data
        self.changed()
        if call.query.get("with_response") not in ("1", "true"):
            return None
        return self._receipt(interaction)

    async def _take_response(self, interaction: Interaction, kind: int, data: Json) -> None:
        match kind:
            case 4:
                interaction.message = await self._respond_with(interaction, data)
            case 5:
                if set(data) - {"flags"} or (data.get("flags") or 0) & ~limits.EPHEMERAL:
                    self._insist([f"a deferral with {data}"])
                interaction.loading = True
                interaction.message = self._shell(interaction, data.get("flags") or 0)
            case 6:
                interaction.message = interaction.source
            case 7:
                assert interaction.source is not None
                await self._change(interaction.channel, self._stored(interaction.source), data)
                interaction.message = self._stored(interaction.source)
            case 8:
                self._insist(limits.choice_problems(data.get("choices") or []))
            case 9:
                self._insist(limits.modal_problems(data))

    def _stored(self, message: Json) -> Json:
        return self.messages.get(int(message["id"]), message)

    def _receipt(self, interaction: Interaction) -> Json:
        receipt: Json = {"interaction": {"id": str(interaction.id), "type": interaction.kind}}
        receipt["resource"] = {"type": interaction.response}
        if interaction.message is not None:
            receipt["interaction"]["response_message_id"] = interaction.message["id"]
            receipt["interaction"]["response_message_loading"] = interaction.loading
            if interaction.response != 6:
                receipt["resource"]["message"] = interaction.message
        return receipt

    def _shell(self, interaction: Interaction, flags: int) -> Json:
        """The message "is thinking…" that a deferral shows."""
        message = self._message(self.bot, interaction.channel, {"flags": flags | 1 << 7})
        return self._from_interaction(interaction, message)

    async def _respond_with(self, interaction: Interaction, data: Json) -> Json:
        self._insist(limits.message_problems(data))
        self.violations += limits.ping_problems(data)
        message = self._message(self.bot, interaction.channel, data)
        return await self._publish(self._from_interaction(interaction, message))

    def _from_interaction(self, interaction: Interaction, message: Json) -> Json:
        message["type"] = 20 if interaction.kind == 2 else 0
        message["application_id"] = str(self.bot.id)
        message["interaction_metadata"] = {
            "id": str(interaction.id), "type": interaction.kind, "user": interaction.user.payload(),
            "authorizing_integration_owners":
                interaction.payload["authorizing_integration_owners"],
        }  # fmt: skip
        return message

    async def _publish(self, message: Json) -> Json:
        """Keep a message that came with an interaction; others see it unless it is private."""
        self.messages[int(message["id"])] = message
        if not message["flags"] & limits.EPHEMERAL:
            await self._announce("MESSAGE_CREATE", message)
        return message

    def _interaction(self, token: str) -> Interaction | None:
        return next((each for each in self.interactions if each.token == token), None)

    def _acknowledged(self, token: str) -> Interaction:
        interaction = self._interaction(token)
        if interaction is None or interaction.response is None:
            self._note("a follow-up before the response, or to an unknown token")
            raise RefusedError(404, 10015, "Unknown Webhook")
        if time.monotonic() - interaction.at > 900:
            raise RefusedError(401, 50027, "Invalid Webhook Token")
        return interaction

    async def _follow_up(self, call: _Call, application: int, token: str) -> Json:
        interaction = self._acknowledged(token)
        if interaction.loading:
            return await self._fill_in(interaction, call.payload)
        if interaction.channel.kind == GROUP_DM and len(interaction.follow_ups) >= 5:
            raise RefusedError(400, 40094, "Too many follow-ups where only a user installed")
        message = await self._respond_with(interaction, call.payload)
        interaction.follow_ups.append(message)
        self.changed()
        return message

    async def _fill_in(self, interaction: Interaction, payload: Json) -> Json:
        assert interaction.message is not None
        flags = interaction.message["flags"] & limits.EPHEMERAL
        filled = payload | {"flags": (payload.get("flags") or 0) & ~limits.EPHEMERAL | flags}
        self._insist(limits.message_problems(filled))
        self.violations += limits.ping_problems(payload)
        fresh = self._message(self.bot, interaction.channel, filled)
        keep = ("content", "embeds", "components", "flags")
        interaction.message |= {key: fresh[key] for key in keep}
        interaction.loading = False
        await self._publish(interaction.message)
        self.changed()
        return interaction.message

    def _of_interaction(self, interaction: Interaction, which: int | str) -> Json:
        own = [interaction.message, *interaction.follow_ups]
        if which == "@original":
            own = [interaction.message]
        for message in own:
            if message is not None and str(which) in (message["id"], "@original"):
                return message
        raise RefusedError(404, 10008, "Unknown Message")

    async def _edit_response(
        self, call: _Call, application: int, token: str, which: int | str
    ) -> Json:
        interaction = self._acknowledged(token)
        message = self._of_interaction(interaction, which)
        if interaction.loading and message is interaction.message:
            return await self._fill_in(interaction, call.payload)
        return await self._change(interaction.channel, self._stored(message), call.payload)

    async def _get_response(self, _: _Call, application: int, token: str, which: int | str) -> Json:
        return self._of_interaction(self._acknowledged(token), which)

    async def _delete_response(
        self, _: _Call, application: int, token: str, which: int | str
    ) -> None:
        interaction = self._acknowledged(token)
        message = self._of_interaction(interaction, which)
        interaction.loading = False
        self.messages.pop(int(message["id"]), None)
        if not message["flags"] & limits.EPHEMERAL:
            await self._announce("MESSAGE_DELETE", message)

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
            return ORDINARY if channel.kind == DM else 0
        return _EVERYBODY & ~channel.deny

    def _permitted(self, id_: int, permissions: int, code: int = 50013) -> Channel:
        """The channel, if the bot may do all that in it."""
        channel = self.channels.get(id_)
        if channel is None or channel.guild not in (self.guild, None) or channel.kind == GROUP_DM:
            raise RefusedError(404, 10003, "Unknown Channel")
        if channel.guild is None:
            return channel
        missing = permissions & ~self._permissions(channel)
        if missing & VIEW_CHANNEL:
            raise RefusedError(403, 50001, "Missing Access")
        if missing:
            raise RefusedError(403 if code == 50013 else 400, code, "Missing Permissions")
        return channel

    def _known_message(self, channel: int, id_: int) -> Json:
        message = self.messages.get(id_)
        hidden = message is None or message["flags"] & limits.EPHEMERAL
        if message is None or hidden or message["channel_id"] != str(channel):
            raise RefusedError(404, 10008, "Unknown Message")
        return message

    async def _announce(self, event: str, message: Json) -> None:
        channel = self._place(message)
        if channel.guild not in (self.guild, None) or channel.kind == GROUP_DM:
            return
        seen = message
        if event == "MESSAGE_DELETE":
            seen = {"id": message["id"], "channel_id": message["channel_id"]}
        if channel.guild is not None:
            seen = seen | {"guild_id": str(channel.guild)}
            if event != "MESSAGE_DELETE":
                author = self.users[int(message["author"]["id"])]
                member = _member(author, self._roles(author))
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
            "author": author.payload(), "content": content, "timestamp": _now(),
            "edited_timestamp": None, "tts": False, "pinned": False,
            "mention_everyone": not by_bot and bool(re.search("@everyone|@here", content)),
            "mentions": [self.users[id_].payload() for id_ in dict.fromkeys(named)
                         if id_ in self.users],
            "mention_roles": [], "attachments": [], "flags": payload.get("flags") or 0,
            "embeds": [{"type": "rich", **each} for each in payload.get("embeds") or []],
            "components": [_numbered(each, number) for each in payload.get("components") or []],
        }  # fmt: skip

    def _roles(self, user: User) -> list[str]:
        return [str(self._managers)] if user.permissions else []

    def _guild_payload(self) -> Json:
        roles = [
            (self.guild, "@everyone", _EVERYBODY),
            (self._managers, "managers", MANAGE_GUILD),
        ]
        here = [each for each in self.channels.values() if each.guild == self.guild]
        return {
            "id": str(self.guild), "name": "Counter", "icon": None, "splash": None,
            "owner_id": str(self.owner.id), "afk_timeout": 300, "verification_level": 0,
            "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
            "system_channel_flags": 0, "premium_tier": 0, "nsfw_level": 0,
            "preferred_locale": "ja", "features": [], "emojis": [], "stickers": [],
            "joined_at": _now(), "large": False, "unavailable": False,
            "member_count": len(self.users), "voice_states": [], "presences": [],
            "stage_instances": [], "guild_scheduled_events": [], "soundboard_sounds": [],
            "roles": [
                {"id": str(id_), "name": name, "permissions": str(permissions), "position": place,
                 "color": 0, "colors": {"primary_color": 0, "secondary_color": None,
                                        "tertiary_color": None},
                 "hoist": False, "managed": False, "mentionable": False, "flags": 0}
                for place, (id_, name, permissions) in enumerate(roles)
            ],
            "members": [_member(self.bot, [])],
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
            "permissions": str(_EVERYBODY & ~channel.deny),
            "permission_overwrites": [
                {"id": str(channel.guild), "type": 0, "allow": "0", "deny": str(channel.deny)}
            ] if channel.deny else [],
        }  # fmt: skip
        if channel.kind == THREAD:
            payload |= {
                "owner_id": str((owner or self.bot).id), "message_count": 0, "member_count": 1,
                "thread_metadata": {"archived": False, "auto_archive_duration": 1440,
                                    "archive_timestamp": _now(), "locked": False},
                "member": {"id": str(channel.id), "user_id": str(self.bot.id),
                           "join_timestamp": _now(), "flags": 0},
            }  # fmt: skip
        return payload


@dataclass(frozen=True, slots=True)
class _Call:
    payload: Any
    query: Mapping[str, str]


_EDITABLE = ("content", "embeds", "components", "flags", "attachments")
_RESPONSES = {2: (4, 5, 9), 3: (4, 5, 6, 7, 9), 4: (8,), 5: (4, 5, 6, 7)}
"""Which responses are possible, by the type of the interaction."""


_Handler = Callable[..., Awaitable[Any]]


def _routes() -> Iterator[tuple[str, re.Pattern[str], _Handler]]:
    commands = r"/applications/\d+/commands"
    guild_commands = r"/applications/\d+/guilds/(\d+)/commands"
    messages = r"/channels/(\d+)/messages"
    response = r"/webhooks/(\d+)/([\w-]+)/messages/(@original|\d+)"
    for route, handler in {
        "GET /gateway": Loopback._get_gateway,
        "GET /gateway/bot": Loopback._get_gateway,
        "GET /users/@me": Loopback._get_me,
        "GET /applications/@me": Loopback._get_application,
        "GET /oauth2/applications/@me": Loopback._get_application,
        r"GET /users/(\d+)": Loopback._get_user,
        r"GET /guilds/(\d+)": Loopback._get_guild,
        r"GET /guilds/(\d+)/members/(\d+)": Loopback._get_member,
        "POST /users/@me/channels": Loopback._open_direct,
        r"GET /channels/(\d+)": Loopback._get_channel,
        f"GET {messages}": Loopback._get_messages,
        f"POST {messages}": Loopback._create_message,
        rf"GET {messages}/(\d+)": Loopback._get_message,
        rf"PATCH {messages}/(\d+)": Loopback._edit_message,
        rf"DELETE {messages}/(\d+)": Loopback._delete_message,
        rf"PUT {messages}/(\d+)/reactions/([^/]+)/@me": Loopback._react,
        rf"POST {messages}/(\d+)/threads": Loopback._thread_on,
        r"POST /channels/(\d+)/threads": Loopback._thread_in,
        r"POST /channels/(\d+)/typing": Loopback._start_typing,
        f"GET {commands}": Loopback._get_commands,
        f"PUT {commands}": Loopback._put_commands,
        f"POST {commands}": Loopback._post_command,
        rf"DELETE {commands}/(\d+)": Loopback._delete_command,
        f"GET {guild_commands}": Loopback._get_commands,
        f"PUT {guild_commands}": Loopback._put_commands,
        f"POST {guild_commands}": Loopback._post_command,
        r"POST /interactions/(\d+)/([\w-]+)/callback": Loopback._respond,
        r"POST /webhooks/(\d+)/([\w-]+)": Loopback._follow_up,
        f"GET {response}": Loopback._get_response,
        f"PATCH {response}": Loopback._edit_response,
        f"DELETE {response}": Loopback._delete_response,
    }.items():
        method, _, path = route.partition(" ")
        yield method, re.compile(path), handler


_ROUTES = tuple(_routes())


async def _payload(request: web.Request) -> Any:
    if request.content_type == "multipart/form-data":
        return json.loads(str((await request.post())["payload_json"]))
    return await request.json() if request.can_read_body else {}


def _response(status: int, body: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    # discord.py wants the content type exactly so, without a charset.
    if body is None:
        return web.Response(status=status, headers=headers)
    return web.Response(
        status=status, body=json.dumps(body).encode(), content_type="application/json",
        headers=headers,
    )  # fmt: skip


def _limit(bucket: str) -> Mapping[str, str]:
    """What Discord tells with each answer; so generous here that it holds nobody up."""
    return {
        "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "49", "X-RateLimit-Reset-After": "1",
        "X-RateLimit-Reset": f"{time.time() + 1:.3f}", "X-RateLimit-Bucket": bucket,
    }  # fmt: skip


def _broken(request: web.Request, fault: Fault) -> web.Response:
    """What a request is answered with that meets a fault."""
    if fault.status == 0:
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=599)
    if fault.status != 429:
        return web.Response(status=fault.status or 500, text="upstream connect error")
    body = {
        "message": "You are being rate limited.", "retry_after": fault.retry_after,
        "global": fault.everywhere, "code": 0,
    }  # fmt: skip
    headers = {
        "Retry-After": str(fault.retry_after),
        "X-RateLimit-Scope": "global" if fault.everywhere else "user",
        **({"Via": "1.1 loopback"} if fault.via else {}),
    }
    return _response(429, body, headers)


def _member(user: User, roles: list[str]) -> Json:
    return {
        "user": user.payload(), "roles": roles, "joined_at": _now(), "deaf": False, "mute": False,
        "flags": 0, "nick": None, "avatar": None, "premium_since": None,
    }  # fmt: skip


def _numbered(component: Json, number: Iterator[int]) -> Json:
    """A component with an id, as Discord gives one to each."""
    numbered = component | {"id": component.get("id") or next(number)}
    if "components" in component:
        numbered["components"] = [_numbered(each, number) for each in component["components"]]
    if component.get("accessory"):
        numbered["accessory"] = _numbered(component["accessory"], number)
    return numbered


def _now() -> str:
    return datetime.now(UTC).isoformat()


def doubled(messages: Iterable[Json]) -> list[str]:
    """The ids of messages that were replied to more than once."""
    replied = Counter((m.get("message_reference") or {}).get("message_id") for m in messages)
    return [id_ for id_, times in replied.items() if id_ and times > 1]
