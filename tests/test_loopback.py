"""The loopback server itself, met by an unmodified discord.py client, and by bad manners."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest
import pytest_asyncio
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route

from tests import loopback
from tests.loopback import Loopback, limits

pytestmark = pytest.mark.asyncio


class Echo(discord.Client):
    """Replies to whoever mentions it, and has one command."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, allowed_mentions=discord.AllowedMentions.none())
        self.tree = app_commands.CommandTree(self)
        self.errors: asyncio.Queue[discord.HTTPException] = asyncio.Queue()
        self.seen: list[str] = []

    async def setup_hook(self) -> None:
        self.tree.add_command(echo)
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        self.seen.append(message.content)
        if self.user not in message.mentions or message.author == self.user:
            return
        try:
            view = discord.ui.View(timeout=None)
            view.add_item(discord.ui.Button(label="Again", custom_id="again"))
            wants_embed = message.content.endswith("embed")
            embed = discord.Embed(title="An embed") if wants_embed else None
            await message.reply(message.content, view=view, embed=embed)
        except discord.HTTPException as error:
            self.errors.put_nowait(error)

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        if interaction.type is discord.InteractionType.component:
            await interaction.response.edit_message(content="again")


@app_commands.command(description="Says it again")
async def echo(interaction: discord.Interaction, text: str) -> None:
    await interaction.response.defer(ephemeral=True)
    await interaction.edit_original_response(content=text)


@echo.autocomplete("text")
async def complete(_: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=current * 2, value=current)]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Loopback]:
    async with Loopback() as server:
        yield server


@pytest.fixture
def at_the_loopback(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py talks to the loopback server."""
    monkeypatch.setattr(Route, "BASE", server.url)
    gateway = yarl.URL(f"ws://127.0.0.1:{server.port}/gateway")
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", gateway)


@contextlib.asynccontextmanager
async def connected(
    server: Loopback, intents: discord.Intents | None = None
) -> AsyncIterator[Echo]:
    client = Echo(intents or discord.Intents.default())
    async with client:
        running = asyncio.create_task(client.start(server.token))
        await server.until(lambda: server.connected)
        yield client
        await client.close()
        await running


@pytest_asyncio.fixture
async def client(server: Loopback, at_the_loopback: None) -> AsyncIterator[Echo]:
    async with connected(server) as client:
        yield client
    assert server.violations == []


async def test_a_message_makes_the_round_trip(server: Loopback, client: Echo) -> None:
    question = await server.say(f"{server.mention} hello")
    answer = await server.answer_to(question)
    assert limits.plain_text(answer) == f"{server.mention} hello"
    assert answer["message_reference"]["message_id"] == question["id"]


async def test_content_is_hidden_without_the_intent(server: Loopback, client: Echo) -> None:
    await server.say("not for the bot")
    direct = await server.say(f"{server.mention} in private", server.direct(server.asker))
    answer = await server.answer_to(direct)
    await server.say("a reply", reply_to=answer, channel=server.direct(server.asker))
    await server.answer_to(await server.say(f"{server.mention} last"))
    assert client.seen[0] == ""
    assert "a reply" in client.seen


async def test_a_command_is_completed_deferred_and_filled_in(
    server: Loopback, client: Echo
) -> None:
    await server.until(lambda: server.commands)
    completion = await server.outcome(await server.autocomplete("echo", "text", {"text": "ab"}))
    assert completion.data["choices"] == [{"name": "abab", "value": "ab"}]
    done = await server.outcome(await server.slash("echo", {"text": "こんにちは"}))
    assert done.message is not None
    assert done.message["content"] == "こんにちは"
    assert done.message["flags"] & limits.EPHEMERAL


async def test_a_button_edits_its_message(server: Loopback, client: Echo) -> None:
    answer = await server.answer_to(await server.say(server.mention))
    done = await server.outcome(await server.press(answer, "again"))
    assert done.response == 7
    assert server.messages[int(answer["id"])]["content"] == "again"


async def test_a_dropped_connection_resumes_with_what_was_missed(
    server: Loopback, client: Echo
) -> None:
    session = await server.until(lambda: server.connected)
    server.drop()
    await server.until(lambda: session.socket is None)
    missed = await server.say(f"{server.mention} missed")
    await server.answer_to(missed)
    assert session.resumed == 1
    assert len(server.identified) == 1


async def test_events_can_come_twice(server: Loopback, client: Echo) -> None:
    question = await server.say(server.mention, times=2)
    await server.until(lambda: len(server.answers_to(question)) == 2)
    assert loopback.doubled(server.messages.values()) == [question["id"]]


@pytest.mark.parametrize("status", [429, 502])
async def test_bursts_pass(server: Loopback, client: Echo, status: int) -> None:
    fault = server.fault("POST", "/messages$", status, times=1, retry_after=0.05)
    await server.answer_to(await server.say(server.mention))
    assert fault.hits == 1


async def test_a_nonce_keeps_a_repeated_request_from_sending_twice(
    server: Loopback, client: Echo
) -> None:
    server.fault("POST", "/messages$", 502, applied=True)
    question = await server.say(server.mention)
    await server.until(
        lambda: [r for r in server.requests if (r.method, r.status) == ("POST", 200)]
    )
    assert len(server.answers_to(question)) == 1


async def test_a_request_can_be_held(server: Loopback, client: Echo) -> None:
    held = server.hold("POST", "/messages$")
    question = await server.say(server.mention)
    await server.until(lambda: held.hits)
    assert not server.answers_to(question)
    assert held.gate is not None
    held.gate.set()
    await server.answer_to(question)


async def test_permissions_are_kept(server: Loopback, client: Echo) -> None:
    bare = await server.add_channel("bare", deny=loopback.EMBED_LINKS)
    await server.say(f"{server.mention} embed", bare)
    assert (await asyncio.wait_for(client.errors.get(), 5)).code == 50013


@pytest.mark.usefixtures("at_the_loopback")
async def test_a_privileged_intent_closes_with_4014(server: Loopback) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    client = Echo(intents)
    async with client:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(server.token)


@pytest.mark.usefixtures("at_the_loopback")
async def test_a_bad_token_is_refused(server: Loopback) -> None:
    async with Echo(discord.Intents.default()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.start("another")


async def test_late_and_double_responses_are_refused(server: Loopback) -> None:
    server.commands[None] = [{"id": "1", "type": 1, "name": "echo", "options": []}]
    async with aiohttp.ClientSession() as session:

        async def respond(interaction: loopback.Interaction) -> object:
            path = f"{server.url}/interactions/{interaction.id}/{interaction.token}/callback"
            async with session.post(path, json={"type": 5}) as response:
                return (await response.json())["code"] if response.status >= 400 else None

        once = await server.slash("echo")
        assert await respond(once) is None
        assert await respond(once) == 40060
        server.deadline = 0.0
        assert await respond(await server.slash("echo")) == 10062
    assert len(server.violations) == 2


def button(**changes: object) -> dict[str, object]:
    return {"type": 2, "style": 1, "label": "a", "custom_id": "a", **changes}


def row(*components: object) -> dict[str, object]:
    return {"type": 1, "components": list(components)}


TEXT = {"type": 10, "content": "a"}
OPTION = {"label": "a", "value": "a"}
SELECT = {"type": 3, "custom_id": "s", "options": [OPTION]}
V2 = {"flags": limits.COMPONENTS_V2}
MESSAGES = [
    ({"content": "あ" * 2000}, 0),
    ({"content": "あ" * 2001}, 1),
    ({}, 1),
    ({"embeds": [{"description": "あ" * 4096}, {"description": "あ" * 1904}]}, 0),
    ({"embeds": [{"description": "あ" * 4096}, {"description": "あ" * 1905}]}, 1),
    ({"embeds": [{"title": "a" * 257}]}, 1),
    ({"embeds": [{"title": "a"}] * 11}, 1),
    ({"embeds": [{"fields": [{"name": "", "value": "a"}]}]}, 1),
    ({"components": [row(button(), SELECT)]}, 1),
    ({"components": [row(*(button(custom_id=str(i)) for i in range(5)))]}, 0),
    ({"components": [row(*(button(custom_id=str(i)) for i in range(6)))]}, 1),
    ({"components": [row(button(), button())]}, 1),
    ({"components": [row(button(custom_id="a" * 101))]}, 1),
    ({"components": [row(button(label="a" * 81))]}, 1),
    ({"components": [row(SELECT | {"options": [OPTION, OPTION]})]}, 1),
    ({"components": [row(SELECT | {"options": []})]}, 1),
    ({"components": [TEXT]}, 1),
    ({"components": [TEXT]} | V2, 0),
    ({"components": [TEXT], "content": "a"} | V2, 1),
    ({"components": [TEXT | {"content": "あ" * 4001}]} | V2, 1),
    ({"components": [TEXT] * 41} | V2, 1),
    ({"components": [{"type": 17, "components": [TEXT, row(button())]}]} | V2, 0),
    ({"components": [{"type": 9, "components": [TEXT], "accessory": button()}]} | V2, 0),
    ({"components": [{"type": 9, "components": [TEXT]}]} | V2, 1),
]


@pytest.mark.parametrize(("message", "problems"), MESSAGES)
async def test_messages_are_held_to_the_limits(message: dict[str, object], problems: int) -> None:
    assert len(list(limits.message_problems(message))) == problems


def command(name: str = "ask", **changes: object) -> dict[str, object]:
    return {"type": 1, "name": name, "description": "a", **changes}


COMMANDS = [
    ([command("大臣官房-総務課")], 0),
    ([command("データセンター"), command("①課"), command("ﾃﾞｰﾀ課")], 0),
    ([command("情報政策・セキュリティ課")], 1),
    ([command("dx推進課"), command("DX推進課")], 1),
    ([command("総務課（本省）")], 1),
    ([command("総務課 企画")], 1),
    ([command("a" * 33)], 1),
    ([command(name_localizations={"ja": "総務・課"})], 1),
    ([command(name, name_localizations={"ja": "課"}) for name in "ab"], 1),
    ([command("a"), command("a")], 1),
    ([command(description="")], 1),
    ([command(description="あ" * 101)], 1),
    ([command(str(i)) for i in range(101)], 1),
    ([{"type": 3, "name": "Answer this", "description": ""}], 0),
    ([command(options=[command("a", required=False), command("b", required=True)])], 1),
    ([command(options=[command("a", choices=[{"name": "a" * 101, "value": "a"}])])], 1),
    ([command(options=[command(str(i), description="あ" * 100,
                               choices=[{"name": f"{j}" + "あ" * 90, "value": "a" * 100}
                                        for j in range(25)])
                       for i in range(2)])], 1),
]  # fmt: skip


@pytest.mark.parametrize(("commands", "problems"), COMMANDS)
async def test_commands_are_held_to_the_limits(
    commands: list[dict[str, object]], problems: int
) -> None:
    assert len(list(limits.command_problems(commands))) == problems
