"""Interactions with the loopback server: their deadlines, responses and follow-ups."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tests.loopback import limits
from tests.loopback.rest import Call, RefusedError, Rest
from tests.loopback.world import Channel, Json, User

_RESPONSES = {2: (4, 5, 9), 3: (4, 5, 6, 7, 9), 4: (8,), 5: (4, 5, 6, 7)}
"""Which responses are possible, by the type of the interaction."""


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
    taken: bool = False
    data: Json = field(default_factory=dict)
    message: Json | None = None
    follow_ups: list[Json] = field(default_factory=list)
    loading: bool = False

    @property
    def done(self) -> bool:
        """Whether the person sees the outcome, and no longer a loading message."""
        return self.response is not None and not self.loading


class Interactions(Rest):
    """Takes the responses to interactions."""

    def __init__(self, *, privileged: int = 0, shards: int = 1, deadline: float = 3.0) -> None:
        super().__init__(privileged=privileged, shards=shards)
        self.deadline = deadline
        self.interactions: list[Interaction] = []

    async def _respond(self, call: Call, id_: int, token: str) -> Json | None:
        interaction = self._interaction(token)
        if interaction is None or interaction.id != id_:
            raise RefusedError(404, 10062, "Unknown interaction")
        if interaction.taken:
            self._note("an interaction was acknowledged twice")
            raise RefusedError(400, 40060, "Interaction has already been acknowledged.")
        if time.monotonic() - interaction.at > self.deadline:
            self._note(f"an interaction was acknowledged after {self.deadline} s")
            raise RefusedError(404, 10062, "Unknown interaction")
        kind, data = call.payload["type"], call.payload.get("data") or {}
        if kind not in _RESPONSES[interaction.kind]:
            self._insist([f"response {kind} to an interaction of type {interaction.kind}"])
        interaction.taken = True
        try:
            await self._take_response(interaction, kind, data)
        except RefusedError:
            interaction.taken = False
            raise
        interaction.response, interaction.data = kind, data
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

    async def _follow_up(self, call: Call, application: int, token: str) -> Json:
        interaction = self._acknowledged(token)
        if interaction.loading:
            return await self._fill_in(interaction, call.payload)
        if interaction.channel.among_people and len(interaction.follow_ups) >= 5:
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
        self, call: Call, application: int, token: str, which: int | str
    ) -> Json:
        interaction = self._acknowledged(token)
        message = self._of_interaction(interaction, which)
        if interaction.loading and message is interaction.message:
            return await self._fill_in(interaction, call.payload)
        return await self._change(interaction.channel, self._stored(message), call.payload)

    async def _get_response(self, _: Call, application: int, token: str, which: int | str) -> Json:
        return self._of_interaction(self._acknowledged(token), which)

    async def _delete_response(
        self, _: Call, application: int, token: str, which: int | str
    ) -> None:
        interaction = self._acknowledged(token)
        message = self._of_interaction(interaction, which)
        interaction.loading = False
        self.messages.pop(int(message["id"]), None)
        if not message["flags"] & limits.EPHEMERAL:
            await self._announce("MESSAGE_DELETE", message)
