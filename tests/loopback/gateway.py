"""The loopback server's gateway: sessions, events, resuming."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.loopback.world import Channel, Json, World

PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15  # members, presences, message content
MESSAGE_CONTENT = 1 << 15
GUILD, PRIVATE = 0, 1
INTENTS = {  # which intent lets an event through, in a guild and in private
    "GUILD_CREATE": (1, 1), "CHANNEL_CREATE": (1, 1), "CHANNEL_DELETE": (1, 1),
    "THREAD_CREATE": (1, 1),
    "MESSAGE_CREATE": (1 << 9, 1 << 12), "MESSAGE_UPDATE": (1 << 9, 1 << 12),
    "MESSAGE_DELETE": (1 << 9, 1 << 12),
}  # fmt: skip


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


class Gateway(World):
    """Takes IDENTIFY and RESUME, and hands out events."""

    def __init__(self, *, privileged: int = 0) -> None:
        super().__init__()
        self.token = "loopback." + secrets.token_urlsafe(24)
        self.privileged = privileged
        self.identified: list[Json] = []
        self.sessions: dict[str, Session] = {}
        self.close_on_identify: int | None = None
        self.port = 0

    @property
    def connected(self) -> Session | None:
        """A session with an open connection."""
        open_ = [each for each in self.sessions.values() if each.socket and each.events]
        return open_[-1] if open_ else None

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
        private = PRIVATE if channel is not None and channel.guild is None else GUILD
        for session in list(self.sessions.values()):
            wanted = INTENTS.get(event, (0, 0))[private]
            mine = (self.guild >> 22) % session.shard[1] if private == GUILD else 0
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
        if "content" not in data or session.intents & MESSAGE_CONTENT or not data.get("guild_id"):
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
        elif refused is None and intents & PRIVILEGED & ~self.privileged:
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
