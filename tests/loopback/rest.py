"""The loopback server's REST API: as strict as Discord's, and broken on demand."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.loopback import limits
from tests.loopback.gateway import Gateway
from tests.loopback.world import (
    ADD_REACTIONS,
    CONNECT,
    CREATE_PUBLIC_THREADS,
    EMBED_LINKS,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    SEND_MESSAGES_IN_THREADS,
    STAGE_CHANNEL,
    THREAD,
    VIEW_CHANNEL,
    VOICE_CHANNEL,
    Channel,
    Json,
    member_payload,
    now,
)


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


@dataclass(frozen=True, slots=True)
class Call:
    payload: Any
    query: Mapping[str, str]


class RefusedError(Exception):
    """What a request is refused with."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Rest(Gateway):
    """Answers requests, and keeps what was registered, sent and responded."""

    def __init__(self, *, privileged: int = 0, shards: int = 1) -> None:
        super().__init__(privileged=privileged)
        self.shards = shards
        self.requests: list[Request] = []
        self.commands: dict[int | None, list[Json]] = {}
        self.registrations = 0
        self.typing: list[int] = []
        self._faults: list[Fault] = []
        self._nonces: dict[tuple[int, str], int] = {}

    @property
    def url(self) -> str:
        """The base address of the REST API."""
        return f"http://127.0.0.1:{self.port}/api/v10"

    def _recently(self) -> str:
        recent = [f"{r.method} {r.path} {r.status}" for r in self.requests[-12:]]
        return f"last requests: {recent}, violations: {self.violations[-5:]}"

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
            name, found = self._handler(request.method, path)
            arguments = [int(each) if each.isdigit() else each for each in found.groups()]
            result = await getattr(self, name)(Call(payload, request.query), *arguments)
            status = 204 if result is None else 200
            return _response(status, result, _limit(name))
        except RefusedError as refused:
            body = {"code": refused.code, "message": refused.message}
            return _response(refused.status, body)

    def _authorize(self, request: web.Request, path: str) -> None:
        by_token = path.startswith(("/interactions/", "/webhooks/"))
        if not by_token and request.headers.get("Authorization") != f"Bot {self.token}":
            raise RefusedError(401, 0, "401: Unauthorized")

    def _handler(self, method: str, path: str) -> tuple[str, re.Match[str]]:
        for method_, pattern, handler in _ROUTES:
            if method == method_ and (found := pattern.fullmatch(path)):
                return handler, found
        self._note(f"no such route: {method} {path}")
        raise RefusedError(404, 0, "404: Not Found")

    def _insist(self, problems: Iterable[str]) -> None:
        """Refuse a payload as Discord does, if there are any problems."""
        problems = list(problems)
        self.violations += problems
        if problems:
            raise RefusedError(400, 50035, f"Invalid Form Body: {'; '.join(problems)}")

    def _permitted(self, id_: int, permissions: int, code: int = 50013) -> Channel:
        """The channel, if the bot may do all that in it."""
        channel = self.channels.get(id_)
        if channel is None or channel.guild not in (self.guild, None) or channel.among_people:
            raise RefusedError(404, 10003, "Unknown Channel")
        if channel.guild is None:
            return channel
        if channel.kind in (VOICE_CHANNEL, STAGE_CHANNEL):
            permissions |= CONNECT  # into their chat as well only those come who may connect
        missing = permissions & ~self._permissions(channel)
        if missing & (VIEW_CHANNEL | CONNECT):
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

    async def _get_gateway(self, _: Call) -> Json:
        return {
            "url": f"ws://127.0.0.1:{self.port}/gateway", "shards": self.shards,
            "session_start_limit": {
                "total": 1000, "remaining": 1000 - len(self.identified),
                "reset_after": 0, "max_concurrency": 1,
            },
        }  # fmt: skip

    async def _get_me(self, _: Call) -> Json:
        return self.bot.payload() | {"verified": True, "mfa_enabled": True, "flags": 0}

    async def _get_application(self, _: Call) -> Json:
        return {
            "id": str(self.bot.id), "name": self.bot.name, "icon": None, "description": "",
            "summary": "", "bot_public": True, "bot_require_code_grant": False,
            "verify_key": "0" * 64, "flags": 1 << 19, "owner": self.owner.payload(),
            "team": None, "integration_types_config": {"0": {}, "1": {}},
        }  # fmt: skip

    async def _get_user(self, _: Call, user: int) -> Json:
        if user not in self.users:
            raise RefusedError(404, 10013, "Unknown User")
        return self.users[user].payload()

    async def _get_guild(self, _: Call, guild: int) -> Json:
        if guild != self.guild:
            raise RefusedError(404, 10004, "Unknown Guild")
        return self._guild_payload()

    async def _get_member(self, _: Call, guild: int, user: int) -> Json:
        if guild != self.guild or user not in self.users:
            raise RefusedError(404, 10007, "Unknown Member")
        return member_payload(self.users[user], self._roles(self.users[user]))

    async def _open_direct(self, call: Call) -> Json:
        user = self.users.get(int(call.payload["recipient_id"]))
        if user is None:
            raise RefusedError(400, 50033, "Invalid Recipient(s)")
        return self._channel_payload(self.direct(user))

    async def _get_channel(self, _: Call, channel: int) -> Json:
        return self._channel_payload(self._permitted(channel, VIEW_CHANNEL))

    async def _get_messages(self, call: Call, channel: int) -> list[Json]:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY)
        limit = int(call.query.get("limit", "50"))
        here = [m for m in self.messages.values() if m["channel_id"] == str(channel)]
        before, after = int(call.query.get("before", 2**63)), int(call.query.get("after", 0))
        return [m for m in reversed(here) if after < int(m["id"]) < before][:limit]

    async def _get_message(self, _: Call, channel: int, message: int) -> Json:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY)
        return self._known_message(channel, message)

    async def _create_message(self, call: Call, channel: int) -> Json:
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

    async def _edit_message(self, call: Call, channel: int, message: int) -> Json:
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
        kept["edited_timestamp"] = now()
        if not kept["flags"] & limits.EPHEMERAL:
            await self._announce("MESSAGE_UPDATE", kept)
        self.changed()
        return kept

    async def _delete_message(self, _: Call, channel: int, message: int) -> None:
        self._permitted(channel, VIEW_CHANNEL)
        kept = self._known_message(channel, message)
        if kept["author"]["id"] != str(self.bot.id):
            raise RefusedError(403, 50013, "Missing Permissions")
        await self.delete(kept)

    async def _start_typing(self, _: Call, channel: int) -> None:
        self._permitted(channel, VIEW_CHANNEL | SEND_MESSAGES)
        self.typing.append(channel)

    async def _react(self, _: Call, channel: int, message: int, emoji: str) -> None:
        self._permitted(channel, VIEW_CHANNEL | READ_MESSAGE_HISTORY | ADD_REACTIONS)
        self._known_message(channel, message)

    async def _thread_on(self, call: Call, channel: int, message: int) -> Json:
        parent = self._permitted(channel, VIEW_CHANNEL | CREATE_PUBLIC_THREADS)
        self._known_message(channel, message)
        if message in self.channels:
            raise RefusedError(400, 160004, "A thread has already been created for this message")
        return await self._thread(message, call.payload, parent)

    async def _thread_in(self, call: Call, channel: int) -> Json:
        parent = self._permitted(channel, VIEW_CHANNEL | CREATE_PUBLIC_THREADS)
        return await self._thread(self._snowflake(), call.payload, parent)

    async def _thread(self, id_: int, payload: Json, parent: Channel) -> Json:
        if not 1 <= len(payload["name"]) <= 100:
            self._insist([f"a thread's name has {len(payload['name'])} characters"])
        thread = await self._open_thread(id_, payload["name"], parent, self.bot)
        return self._channel_payload(thread, self.bot)

    async def _get_commands(self, _: Call, guild: int | None = None) -> list[Json]:
        return self.commands.get(guild, [])

    async def _put_commands(self, call: Call, guild: int | None = None) -> list[Json]:
        self._insist(limits.command_problems(call.payload))
        known = {(c["type"], c["name"]): c["id"] for c in self.commands.get(guild, [])}
        self.commands[guild] = [
            self._command(each, guild, known.get((each.get("type", 1), each["name"])))
            for each in call.payload
        ]
        self.registrations += 1
        return self.commands[guild]

    async def _post_command(self, call: Call, guild: int | None = None) -> Json:
        others = [
            each for each in self.commands.get(guild, [])
            if (each["type"], each["name"]) != (call.payload.get("type", 1), call.payload["name"])
        ]  # fmt: skip
        self._insist(limits.command_problems([*others, call.payload]))
        command = self._command(call.payload, guild, None)
        self.commands[guild] = [*others, command]
        self.registrations += 1
        return command

    async def _delete_command(self, _: Call, command: int) -> None:
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


_EDITABLE = ("content", "embeds", "components", "flags", "attachments")


def _routes() -> Iterator[tuple[str, re.Pattern[str], str]]:
    """Method, path and the name of the method that answers."""
    commands = r"/applications/\d+/commands"
    guild_commands = r"/applications/\d+/guilds/(\d+)/commands"
    messages = r"/channels/(\d+)/messages"
    response = r"/webhooks/(\d+)/([\w-]+)/messages/(@original|\d+)"
    for route, handler in {
        "GET /gateway": "_get_gateway",
        "GET /gateway/bot": "_get_gateway",
        "GET /users/@me": "_get_me",
        "GET /applications/@me": "_get_application",
        "GET /oauth2/applications/@me": "_get_application",
        r"GET /users/(\d+)": "_get_user",
        r"GET /guilds/(\d+)": "_get_guild",
        r"GET /guilds/(\d+)/members/(\d+)": "_get_member",
        "POST /users/@me/channels": "_open_direct",
        r"GET /channels/(\d+)": "_get_channel",
        f"GET {messages}": "_get_messages",
        f"POST {messages}": "_create_message",
        rf"GET {messages}/(\d+)": "_get_message",
        rf"PATCH {messages}/(\d+)": "_edit_message",
        rf"DELETE {messages}/(\d+)": "_delete_message",
        rf"PUT {messages}/(\d+)/reactions/([^/]+)/@me": "_react",
        rf"POST {messages}/(\d+)/threads": "_thread_on",
        r"POST /channels/(\d+)/threads": "_thread_in",
        r"POST /channels/(\d+)/typing": "_start_typing",
        f"GET {commands}": "_get_commands",
        f"PUT {commands}": "_put_commands",
        f"POST {commands}": "_post_command",
        rf"DELETE {commands}/(\d+)": "_delete_command",
        f"GET {guild_commands}": "_get_commands",
        f"PUT {guild_commands}": "_put_commands",
        f"POST {guild_commands}": "_post_command",
        r"POST /interactions/(\d+)/([\w-]+)/callback": "_respond",
        r"POST /webhooks/(\d+)/([\w-]+)": "_follow_up",
        f"GET {response}": "_get_response",
        f"PATCH {response}": "_edit_response",
        f"DELETE {response}": "_delete_response",
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
        "X-RateLimit-Limit": "9000", "X-RateLimit-Remaining": "8999",
        "X-RateLimit-Reset-After": "1",
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
