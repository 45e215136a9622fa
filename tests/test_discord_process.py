"""The installed program as a Discord bot, in a process of its own, against the loopback server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bot.retrieval.cache import open_index
from tests import loopback
from tests.loopback import Json, Loopback, Request, limits
from tests.loopback.limits import plain_text
from tests.running import (
    ASK,
    HELPFUL,
    KNOWLEDGE,
    MORE,
    NOT_HELPFUL,
    NOT_IN_THE_DOCUMENT,
    PASSAGE,
    SHOW_ALL,
    Bot,
    Home,
    all_of,
    at_work,
    control,
    heard,
    settled,
    started,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A knowledge folder with its index built."""
    return settled(tmp_path_factory.mktemp("bot"))


@pytest.fixture
def home(built: Home, tmp_path: Path) -> Home:
    """The same knowledge, and a database of the test's own."""
    return Home(tmp_path, built.knowledge, built.cache)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(built: Home) -> AsyncIterator[Bot]:
    """One server and one bot for all tests that leave them as they were."""
    async with Loopback() as server, at_work(server, built) as bot:
        yield bot
        assert await bot.stop() == 0
        told = "\n".join([*bot.output, *bot.errors])
        assert server.token not in told
        for text in (ASK, PASSAGE, NOT_IN_THE_DOCUMENT):
            assert text not in told
        assert "Traceback" not in told


@pytest.fixture
def counter(shared: Bot) -> Iterator[Loopback]:
    """The server of the shared bot. Discord refuses nothing that is sent to it."""
    server = shared.server
    server.violations.clear()
    yield server
    assert server.violations == []


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Loopback]:
    """A server of the test's own."""
    async with Loopback() as server:
        yield server
        assert server.violations == []


# Plain messages


async def test_a_mention_is_answered(counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    answer = await counter.answer_to(question)
    assert PASSAGE in plain_text(answer)
    assert "港湾課" in plain_text(answer)
    assert "防波堤の点検" in plain_text(answer)
    assert answer["message_reference"]["message_id"] == question["id"]


async def test_a_reply_to_the_bot_is_answered(counter: Loopback) -> None:
    first = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    second = await counter.say(ASK, reply_to=first)
    assert PASSAGE in plain_text(await counter.answer_to(second))


async def test_a_direct_message_is_answered(counter: Loopback) -> None:
    asked = await counter.say(ASK, counter.direct(counter.asker))
    assert PASSAGE in plain_text(await counter.answer_to(asked))


async def test_what_the_document_does_not_say_is_not_made_up(counter: Loopback) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {NOT_IN_THE_DOCUMENT}"))
    assert "見当たりません" in plain_text(answer)


async def test_it_is_silent_elsewhere(counter: Loopback) -> None:
    machine = counter.add_user("Machine", bot=True)
    someone = counter.add_user("Someone")
    thread = await counter.add_thread("talk", owner=someone)
    said = [
        await counter.say(ASK),
        await counter.say(f"<@{someone.id}> {ASK}"),
        await counter.say(f"@everyone {ASK}"),
        await counter.say(f"@here {counter.mention} {ASK}"),
        await counter.say(f"{counter.mention} {ASK}", user=machine),
        await counter.say(ASK, counter.direct(machine), user=machine),
        await counter.say(ASK, thread),
    ]
    said.append(await counter.say(ASK, reply_to=said[0], user=someone))
    await heard(counter)
    replied = [(m.get("message_reference") or {}).get("message_id") for m in _own(counter)]
    assert not {each["id"] for each in said} & set(replied)
    assert not counter.answers_to(said[5]) + counter.answers_to(said[6])


def _own(server: Loopback) -> list[Json]:
    bot = str(server.bot.id)
    return [each for each in server.messages.values() if each["author"]["id"] == bot]


async def test_mentions_in_a_question_ping_nobody(counter: Loopback) -> None:
    text = f"{counter.mention} <@{counter.owner.id}> <@&{counter.guild}> **防波堤**の`点検`は？"
    await counter.answer_to(await counter.say(text))


async def test_plain_text_stands_in_where_embeds_are_forbidden(counter: Loopback) -> None:
    bare = await counter.add_channel("no-embeds", deny=loopback.EMBED_LINKS)
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}", bare))
    assert PASSAGE in answer["content"]
    assert not answer["embeds"]


async def test_without_history_it_answers_without_replying(counter: Loopback) -> None:
    channel = await counter.add_channel("no-history", deny=loopback.READ_MESSAGE_HISTORY)
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}", channel))
    assert PASSAGE in plain_text(answer)


async def test_where_it_may_not_write_it_does_not_try(counter: Loopback) -> None:
    channel = await counter.add_channel("read-only", deny=loopback.SEND_MESSAGES)
    await counter.say(f"{counter.mention} {ASK}", channel)
    await heard(counter)
    assert not [each for each in counter.requests if each.status == 403]


async def test_an_edited_question_gets_its_answer_edited(counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    answer = await counter.answer_to(question)
    await counter.edit(question, f"{counter.mention} {NOT_IN_THE_DOCUMENT}")
    await counter.until(lambda: "見当たりません" in plain_text(answer))
    assert len(counter.answers_to(question)) == 1


async def test_a_deleted_question_takes_its_answer_along(counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    answer = await counter.answer_to(question)
    await counter.delete(question)
    await counter.until(lambda: int(answer["id"]) not in counter.messages)


# Commands


@pytest.mark.parametrize("locale", ["ja", "en-US"])
async def test_ask(counter: Loopback, locale: str) -> None:
    done = await counter.outcome(await counter.slash("ask", {"question": ASK}, locale=locale))
    assert PASSAGE in plain_text(done.message or {})


async def test_ask_in_private_and_show_all(counter: Loopback) -> None:
    done = await counter.outcome(await counter.slash("ask", {"question": ASK, "private": True}))
    assert done.message is not None
    assert done.message["flags"] & limits.EPHEMERAL
    shown = await counter.press(done.message, control(done.message, SHOW_ALL))
    await counter.outcome(shown)
    assert shown.message is not None
    assert not shown.message["flags"] & limits.EPHEMERAL
    assert f"> {ASK}" in plain_text(shown.message)
    assert PASSAGE in plain_text(shown.message)


async def test_a_division_introduces_itself(counter: Loopback) -> None:
    done = await counter.outcome(await counter.slash("ports"))
    text = all_of(done.message)
    assert "港湾課" in text
    assert "防波堤の点検" in text
    assert "釣り場の開放" in text


async def test_a_division_answers_alone(counter: Loopback) -> None:
    done = await counter.outcome(await counter.slash("it-security", {"question": ASK}))
    assert PASSAGE not in plain_text(done.message or {})
    done = await counter.outcome(await counter.slash("ports", {"question": ASK}))
    assert PASSAGE in plain_text(done.message or {})


async def test_every_division_has_a_japanese_name(counter: Loopback) -> None:
    names = {
        each["name"]: (each.get("name_localizations") or {}).get("ja")
        for each in counter.commands[None]
    }
    assert names["ports"] == "港湾課"
    assert names.keys() >= {"ask", "divisions", "help", "new", "mydata", "settings"}
    assert all(names[id_] for id_ in ("it-security", "dx", "water"))


@pytest.mark.parametrize(("locale", "typed"), [("ja", "防波"), ("en-US", "防波"), ("ja", "")])
async def test_a_question_completes_as_one_types(
    counter: Loopback, locale: str, typed: str
) -> None:
    asked = await counter.autocomplete("ask", "question", {"question": typed}, locale=locale)
    choices = (await counter.outcome(asked, 3)).data["choices"]
    assert not typed or any(typed in each["name"] for each in choices)


async def test_the_choice_of_a_completion_is_answered(counter: Loopback) -> None:
    asked = await counter.autocomplete("ask", "question", {"question": "釣り"})
    choices = (await counter.outcome(asked, 3)).data["choices"]
    chosen = await counter.slash("ask", {"question": choices[0]["value"]})
    assert "釣り場の開放" in all_of((await counter.outcome(chosen)).message)


@pytest.mark.parametrize("command", ["divisions", "help", "new", "mydata"])
async def test_the_other_commands_respond(counter: Loopback, command: str) -> None:
    done = await counter.outcome(await counter.slash(command))
    assert plain_text(done.message or {})


@pytest.mark.parametrize(("locale", "expected"), [("ja", "/港湾課"), ("en-US", "/ports")])
@pytest.mark.parametrize("command", ["divisions", "help"])
async def test_commands_are_named_as_the_reader_sees_them(
    counter: Loopback, command: str, locale: str, expected: str
) -> None:
    # `/help` takes the first division as its example.
    if command == "help":
        expected = {"ja": "/dx推進課", "en-US": "/dx"}[locale]
    done = await counter.outcome(await counter.slash(command, locale=locale))
    text = plain_text(done.message or {})
    assert f"`{expected}`" in text
    assert named_commands(text) <= shown_commands(counter, locale)


def named_commands(text: str) -> set[str]:
    """The commands that a text names."""
    return set(re.findall(r"`/([^`]+)`", text))


def shown_commands(server: Loopback, locale: str) -> set[str]:
    """The slash commands as clients of a locale show them."""
    slash = [each for each in server.commands[None] if each["type"] == 1]
    return {(each.get("name_localizations") or {}).get(locale, each["name"]) for each in slash}


async def test_the_message_menu_answers_somebody_elses_words(counter: Loopback) -> None:
    said = await counter.say(ASK, user=counter.add_user("Someone"))
    done = await counter.outcome(await counter.menu("Answer this", said))
    assert PASSAGE in plain_text(done.message or {})


@pytest.mark.parametrize("kind", [loopback.TEXT_CHANNEL, loopback.GROUP_DM, loopback.DM])
async def test_commands_work_where_only_the_user_installed_it(counter: Loopback, kind: int) -> None:
    abroad = await counter.add_channel("abroad", kind=kind, foreign=True)
    done = await counter.outcome(await counter.slash("ask", {"question": ASK}, channel=abroad))
    assert PASSAGE in plain_text(done.message or {})
    more = await counter.press(done.message or {}, control(done.message, MORE))
    await counter.outcome(more)
    said = await counter.say(ASK, abroad, user=counter.owner)
    done = await counter.outcome(await counter.menu("Answer this", said))
    assert PASSAGE in plain_text(done.message or {})


async def test_every_control_under_an_answer_responds(counter: Loopback) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    controls = [each for each in limits.walk(answer["components"]) if each.get("custom_id")]
    assert len(controls) >= 4
    for each in controls:
        values = [each["options"][0]["value"]] if each["type"] == limits.STRING_SELECT else []
        pressed = await counter.press(answer, each["custom_id"], values=values)
        await counter.outcome(pressed, 3)


@pytest.mark.parametrize(
    "custom_id",
    [
        "",
        "x",
        "m:nope:1",
        "m:pick:1",
        "m:more:1:x",
        "m:yes:1:ports/0123456789ab",
        "'; --",
        "m" * 100,
    ],
)
async def test_crafted_controls_are_refused_with_a_word(counter: Loopback, custom_id: str) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    pressed = await counter.press(answer, custom_id, crafted=True, values=["../../etc/passwd"])
    await counter.outcome(pressed, 3)
    assert plain_text(pressed.message or {})
    assert (pressed.message or {"flags": 0})["flags"] & limits.EPHEMERAL


async def test_a_press_that_fails_is_answered_with_a_word(counter: Loopback) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    counter.fault("POST", "/callback$", 400)
    pressed = await counter.outcome(await counter.press(answer, control(answer, MORE)))
    assert "うまくお答えできませんでした" in plain_text(pressed.message or {})


LONG_ID = "a-division-with-an-id-as-long-as-it-can-be"[:32]
NASTY = "**防*波_堤~~の||`点検`>は@everyone <@1> # [リンク](https://example.org)。" * 120
SPRAWLING = f"""\
id: {LONG_ID}
name: とても長い名前で、記号・空白 や（括弧）もあり、三十二文字では足りない部署・第{"二" * 60}係
name_en: The Division Whose English Name Is So Long That Nobody Has Ever Said It In One Breath Twice
sections:
  - heading: 岸壁の長い章 {"あ" * 150}
    path: [{"い" * 200}, {"う" * 200}]
    text: {json.dumps(NASTY, ensure_ascii=False)}
    questions: [岸壁の長い章には何が書いてありますか]
"""


def sprawl(folder: Path) -> None:
    """A document with more of everything than Discord has room for."""
    folder.mkdir()
    for name, text in KNOWLEDGE.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    sections = "".join(
        f"  - heading: 第{number}節 {'え' * 100}\n    text: 倉庫{number}の鍵は{number}番です。\n"
        for number in range(120)
    )
    (folder / "long.yaml").write_text(SPRAWLING + sections, encoding="utf-8")
    for number in range(110):
        (folder / f"office{number}.yaml").write_text(
            f"id: office-{number}\nname: 第{number}出張所\n"
            f"sections: [{{heading: 場所, text: 第{number}出張所は{number}番地にあります。}}]\n",
            encoding="utf-8",
        )


async def follow(server: Loopback, message: Json, depth: int = 2) -> None:
    """Use every control of a message, and of what comes up, some levels down."""
    for each in [each for each in limits.walk(message["components"]) if each.get("custom_id")]:
        if each not in limits.walk(message["components"]):
            continue  # a page was turned: the control has gone with the page before
        values = [option["value"] for option in each.get("options", [])[-1:]]
        pressed = await server.outcome(
            await server.press(message, each["custom_id"], values=values)
        )
        if depth and pressed.message is not None and pressed.response == 4:
            await follow(server, pressed.message, depth - 1)


@pytest.mark.parametrize("deny", [0, loopback.EMBED_LINKS], ids=["rich", "plain"])
async def test_a_sprawling_document_fits(server: Loopback, home: Home, deny: int) -> None:
    wide = Home(home.folder, home.cache.parent / "sprawling", home.cache)
    if not wide.knowledge.exists():
        sprawl(wide.knowledge)
        open_index(wide.knowledge, wide.cache)
    async with at_work(server, wide):
        place = await server.add_channel("place", deny=deny)
        names = [each["name"] for each in server.commands[None] if each["type"] == 1]
        assert len(names) == 100
        left = next(number for number in range(110) if f"office-{number}" not in names)
        named = await server.autocomplete("division", "name", {"name": f"第{left}出張所"})
        choice = (await server.outcome(named)).data["choices"][0]
        chosen = {"name": choice["value"], "question": "出張所はどこにありますか"}
        rest = await server.outcome(await server.slash("division", chosen, channel=place))
        assert f"{left}番地" in all_of(rest.message)
        command = LONG_ID.strip("-") if LONG_ID.strip("-") in names else "division"
        options = {} if command != "division" else {"name": LONG_ID}
        profile = await server.outcome(await server.slash(command, options, channel=place))
        assert profile.message is not None
        await follow(server, profile.message)
        asked = "岸壁の長い章には何が書いてありますか"
        await follow(
            server, await server.answer_to(await server.say(f"{server.mention} {asked}", place))
        )
        keys = await server.answer_to(
            await server.say(f"{server.mention} 倉庫5の鍵は何番ですか", place)
        )
        assert re.search('とても長い名前[^"]* › 第\\d+節', all_of(keys)), "which section is offered"
        for locale, first in (("ja", "/dx推進課"), ("en-US", "/dx")):
            for kind in ("divisions", "help"):
                told = await server.slash(kind, channel=place, locale=locale)
                text = plain_text((await server.outcome(told)).message or {})
                assert f"`{first}`" in text
                assert named_commands(text) <= shown_commands(server, locale)
                if kind == "divisions":
                    left = re.search(r"ほかに(\d+)の部署|There are (\d+) more", text)
                    listed = len(re.findall("^- ", text, re.MULTILINE))
                    untold = int(left[1] or left[2]) if left else 0
                    assert listed + untold == len(KNOWLEDGE) + 111


@pytest.mark.parametrize(
    "text", ["防" * 1950, "|| ** `" * 200 + "防波堤", "🏢" * 900, "<@1> " * 300]
)
async def test_whatever_is_asked_the_reply_fits(counter: Loopback, text: str) -> None:
    await counter.answer_to(await counter.say(f"{counter.mention} {text}"))
    await counter.outcome(await counter.slash("ask", {"question": text}))
    for command in ("ask", "ports"):
        await counter.outcome(await counter.autocomplete(command, "question", {"question": text}))


# What goes wrong on the way


async def test_a_crowd_is_answered_each_once(counter: Loopback) -> None:
    await all_answered_once(counter, await ask_many(counter, 40))


async def ask_many(server: Loopback, count: int = 5) -> list[Json]:
    """Questions from as many people."""
    people = [server.add_user(f"Person{number}") for number in range(count)]
    return [await server.say(f"{server.mention} {ASK}", user=each) for each in people]


async def all_answered_once(server: Loopback, questions: list[Json]) -> None:
    """Every question got its answer, and the bot was told that it was sent, one time each."""
    for question in questions:
        await server.until(partial(accepted, server, question), 20)
    await heard(server)
    for question in questions:
        answers = server.answers_to(question)
        assert [PASSAGE in plain_text(each) for each in answers] == [True]
        assert len(accepted(server, question)) == 1


def accepted(server: Loopback, question: Json) -> list[Request]:
    """The requests that sent a reply to a question, and were told so."""
    return [
        each
        for each in server.requests
        if each.method == "POST"
        and each.status == 200
        and each.path.endswith("/messages")
        and str(each.payload.get("message_reference", {}).get("message_id")) == question["id"]
    ]


async def test_what_happens_twice_is_answered_once(counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}", times=3)
    slash = await counter.slash("ask", {"question": ASK}, times=2)
    answer = await counter.answer_to(question)
    pressed = await counter.press(answer, control(answer, HELPFUL), times=2)
    for each in (slash, pressed):
        await counter.outcome(each)
        assert not each.follow_ups
    await all_answered_once(counter, [question])


FAULTS = [
    pytest.param({"status": 500}, id="500"),
    pytest.param({"status": 502}, id="502"),
    pytest.param({"status": 503}, id="503, which discord.py does not try again"),
    pytest.param({"status": 502, "applied": True}, id="502, but the message was sent"),
    pytest.param({"status": 0}, id="connection cut"),
    pytest.param({"status": 0, "applied": True}, id="connection cut, but the message was sent"),
    pytest.param({"status": 429}, id="429"),
    pytest.param({"status": 429, "everywhere": True}, id="429 for all routes"),
    pytest.param({"status": 429, "via": False}, id="429 from before Discord"),
]


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_is_lost_in_a_burst(counter: Loopback, fault: Json) -> None:
    await heard(counter)
    burst = counter.fault("POST", "/messages$", times=4, **fault)
    await all_answered_once(counter, await ask_many(counter))
    assert burst.hits == 4


async def test_a_global_limit_holds_up_everything_but_interactions(counter: Loopback) -> None:
    await heard(counter)
    wall = counter.fault("POST", "/messages$", 429, everywhere=True, retry_after=1.0)
    first = await counter.say(f"{counter.mention} {ASK}")
    await counter.until(lambda: counter.requests[-1].status == 429)
    hit = counter.requests[-1].at
    questions = [
        first,
        await counter.say(ASK, counter.direct(counter.asker)),
        *await ask_many(counter, 3),
    ]
    slash = await counter.outcome(await counter.slash("ask", {"question": ASK}), 0.9)
    assert PASSAGE in plain_text(slash.message or {})
    await all_answered_once(counter, questions)
    assert wall.hits == 1
    held = [each for each in counter.requests if each.at > hit and "/messages" in each.path]
    assert min(each.at for each in held) - hit >= 1.0


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 429, "times": 3}, id="429"),
        pytest.param({"status": 429, "via": False}, id="429 from before Discord"),
        pytest.param({"status": 502, "times": 3}, id="502"),
        pytest.param({"status": 0}, id="connection cut"),
    ],
)
async def test_interactions_pass_a_burst_in_time(counter: Loopback, fault: Json) -> None:
    burst = counter.fault("POST", "/callback$", **fault)
    done = await counter.outcome(await counter.slash("ask", {"question": ASK}), 3)
    assert burst.hits == fault.get("times", 1)
    assert PASSAGE in plain_text(done.message or {})


@pytest.mark.parametrize("status", [0, 502])
async def test_a_response_that_was_taken_unheard_stands(
    server: Loopback, home: Home, status: int
) -> None:
    async with at_work(server, home) as bot:
        server.fault("POST", "/callback$", status, applied=True)
        done = await server.outcome(await server.slash("ask", {"question": ASK}))
        await bot.tells("interaction_lost")
        await heard(server)
    assert PASSAGE in plain_text(done.message or {})
    assert not done.follow_ups
    assert server.violations == ["an interaction was acknowledged twice"]
    server.violations.clear()


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 502, "applied": True}])
async def test_what_takes_long_is_put_off_and_said_once(
    server: Loopback, home: Home, fault: Json
) -> None:
    """What waits its turn behind votes that a locked database keeps waiting takes longer than a
    person should wait unheard.
    """
    async with at_work(server, home):
        answered = await server.outcome(await server.slash("ask", {"question": ASK}))
        burst = server.fault("PATCH", "/@original$", times=2, **fault)
        with contextlib.closing(sqlite3.connect(home.database)) as other:
            other.execute("BEGIN EXCLUSIVE")
            for _ in range(3):
                await server.press(answered.message or {}, control(answered.message, HELPFUL))
            await asyncio.sleep(0.1)
            done = await server.outcome(await server.slash("mydata"))
            other.rollback()
        await server.until(lambda: burst.hits == 2 and server.requests[-1].status == 200)
        assert done.response == 5
        told = plain_text(done.message or {})  # in time for it or not, there is one word
        assert "ご自身について" in told or "ただいま記録を読み出せません" in told
        assert not done.follow_ups


async def test_commands_are_registered_in_spite_of_a_burst(server: Loopback, home: Home) -> None:
    server.fault("PUT", "/commands$", 503)
    server.fault("GET", "/gateway", 502)
    async with at_work(server, home):
        await server.outcome(await server.slash("help"))


async def test_a_locked_database_stops_no_answer(shared: Bot, built: Home) -> None:
    server = shared.server
    with contextlib.closing(sqlite3.connect(built.database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        await server.answer_to(await server.say(f"{server.mention} {NOT_IN_THE_DOCUMENT}"), 3)
        done = await server.outcome(await server.slash("ask", {"question": ASK}), 3)
        voted = await server.press(done.message or {}, control(done.message, HELPFUL))
        assert plain_text((await server.outcome(voted, 3)).message or {})
        other.rollback()


async def test_a_dropped_connection_is_resumed(counter: Loopback) -> None:
    session = await counter.until(lambda: counter.connected)
    identified = len(counter.identified)
    counter.drop()
    await counter.until(lambda: session.socket is None)
    missed = await counter.say(f"{counter.mention} {ASK}")
    await all_answered_once(counter, [missed])
    assert session.resumed == 1
    assert len(counter.identified) == identified


@pytest.mark.parametrize("how", ["asked", "closed", "void"])
async def test_other_breaks_of_the_connection(counter: Loopback, how: str) -> None:
    session = await counter.until(lambda: counter.connected)
    resumed, identified = session.resumed, len(counter.identified)
    if how == "asked":
        await counter.ask_to_reconnect()
    elif how == "closed":
        await counter.close(4000)
    else:
        await counter.invalidate()
    if how == "void":
        await counter.until(lambda: len(counter.identified) > identified)
        await counter.until(lambda: counter.connected)
    else:
        await counter.until(lambda: session.resumed > resumed)
    await all_answered_once(counter, await ask_many(counter, 2))


# Starting and ending


async def test_no_privileged_intent_by_default(counter: Loopback) -> None:
    assert not int(counter.identified[0]["intents"]) & (1 << 1 | 1 << 8 | 1 << 15)


async def one_line(server: Loopback, home: Home, **changes: str) -> str:
    """What the program says when it cannot start: one line, and exit status 1."""
    async with started(server, home, **changes) as bot:
        assert await bot.ended() == 1
    assert bot.output == []
    assert len(bot.errors) == 1, bot.errors
    assert server.token not in bot.errors[0]
    return bot.errors[0]


async def test_a_bad_token_ends_it_with_one_line(server: Loopback, home: Home) -> None:
    assert "DISCORD_TOKEN" in await one_line(server, home, DISCORD_TOKEN="of.some.other")
    assert len(server.requests) <= 2


async def test_a_missing_intent_ends_it_with_one_line(server: Loopback, home: Home) -> None:
    said = await one_line(server, home, MADOGUCHI_MESSAGE_CONTENT="1")
    assert "MADOGUCHI_MESSAGE_CONTENT" in said
    assert len(server.identified) == 1


async def test_4014_later_on_ends_it_with_one_line(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        await server.close(4014)
        assert await bot.ended() == 1
    assert bot.errors[-1].startswith("madoguchi: ")
    assert "Traceback" not in "\n".join(bot.errors)


async def test_no_network_ends_it_with_one_line(server: Loopback, home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = await one_line(server, home, DISCORD_API_BASE=f"http://127.0.0.1:{port}/api/v10")
    assert "DISCORD_API_BASE" in said


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_when_told_to(server: Loopback, home: Home, how: signal.Signals) -> None:
    async with at_work(server, home) as bot:
        at = time.monotonic()
        status = await bot.stop(how)
        assert time.monotonic() - at < 2
    assert status == (0 if how is signal.SIGTERM else status)
    assert status in (0, 130)
    assert "Traceback" not in "\n".join(bot.errors)


async def test_told_to_end_it_still_answers(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        held = server.hold("POST", "/messages$|/callback$", times=3)
        questions = [
            await server.say(f"{server.mention} {ASK}"),
            await server.say(ASK, server.direct(server.asker)),
        ]
        slash = await server.slash("ask", {"question": ASK})
        await server.until(lambda: held.hits == 3)
        at = time.monotonic()
        bot.process.terminate()
        await bot.tells("closing")
        assert held.gate is not None
        held.gate.set()
        assert await bot.ended(5 - (time.monotonic() - at)) == 0
    assert [len(server.answers_to(each)) for each in questions] == [1, 1]
    assert PASSAGE in plain_text((await server.outcome(slash)).message or {})


async def test_told_to_end_in_a_burst_it_still_answers(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        burst = server.fault("POST", "/messages$", 502)
        question = await server.say(f"{server.mention} {ASK}")
        await server.until(lambda: burst.hits)
        assert await bot.stop() == 0
    assert len(server.answers_to(question)) == 1


async def test_told_to_end_it_does_not_wait_for_ever(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        held = server.hold("POST", "/messages$")
        await server.say(f"{server.mention} {ASK}")
        await server.until(lambda: held.hits)
        await bot.stop()
        assert held.gate is not None
        held.gate.set()


async def test_old_buttons_work_after_a_restart(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        answer = await server.answer_to(await server.say(f"{server.mention} {ASK}"))
        slash = await server.outcome(await server.slash("ask", {"question": f"*{ASK}*"}))
        assert await bot.stop() == 0
    async with at_work(server, home):
        not_helpful = control(slash.message, NOT_HELPFUL)
        await server.outcome(await server.press(slash.message or {}, not_helpful))
        more = await server.outcome(await server.press(answer, control(answer, MORE)))
        assert PASSAGE in plain_text(more.message or {})
        await server.outcome(await server.press(answer, control(answer, HELPFUL)))
        stored = await server.outcome(await server.slash("mydata"))
        assert f"\\*{ASK}\\*" in plain_text(stored.message or {}), "its question is kept"
    assert server.registrations == 1, "commands that did not change are not registered again"


async def test_of_two_that_start_together_one_registers(server: Loopback, home: Home) -> None:
    slow = server.hold("PUT", "/commands$")
    async with started(server, home) as one, started(server, home) as other:
        await server.until(lambda: slow.hits and len(server.sessions) == 2, 20)
        for _ in range(3):  # both answer, so both have come to registering
            question = await server.say(f"{server.mention} {ASK}")
            await server.until(partial(lambda each: len(accepted(server, each)) == 2, question))
        assert slow.gate is not None
        slow.gate.set()
        await server.until(lambda: len(_registering(one, other)) == 2, 20)
        assert sorted(_registering(one, other)) == ["commands_registered", "commands_unchanged"]
        assert server.registrations == 1


def _registering(*bots: Bot) -> list[str]:
    """What the bots' logs tell of registering commands."""
    told = [json.loads(line)["event"] for bot in bots for line in bot.errors]
    return [each for each in told if each.startswith("commands_")]


async def test_votes_survive_a_kill(server: Loopback, home: Home) -> None:
    async with at_work(server, home) as bot:
        answer = await server.answer_to(await server.say(f"{server.mention} {ASK}"))
        await server.outcome(await server.press(answer, control(answer, HELPFUL)))
        await bot.stop(signal.SIGKILL)
    async with at_work(server, home):
        stored = await server.outcome(await server.slash("mydata"))
        assert "評価：1件" in plain_text(stored.message or {})
        erase = control(stored.message, "記録を消去する")
        await server.outcome(await server.press(stored.message or {}, erase))
        stored = await server.outcome(await server.slash("mydata"))
        assert "評価：0件" in plain_text(stored.message or {})


async def test_without_a_database_it_answers(server: Loopback, home: Home) -> None:
    (home.folder / "file").touch()
    database = f"sqlite:///{home.folder}/file/madoguchi.db"
    async with at_work(server, home, MADOGUCHI_DATABASE=database):
        answer = await server.answer_to(await server.say(f"{server.mention} {ASK}"))
        voted = await server.outcome(await server.press(answer, control(answer, NOT_HELPFUL)))
        assert "記録できません" in plain_text(voted.message or {})


async def test_ask_here_channels_and_own_threads_with_the_intent(home: Home) -> None:
    async with (
        Loopback(privileged=1 << 15) as server,
        at_work(server, home, MADOGUCHI_MESSAGE_CONTENT="1"),
    ):
        thread = await server.add_thread("own", owner=server.bot)
        assert PASSAGE in plain_text(await server.answer_to(await server.say(ASK, thread)))
        here = await server.add_channel("ask-here")
        wanted = {"channel": here, "on": True}
        await server.outcome(await server.slash("settings channel", wanted))
        quiet = await server.say(ASK, here)
        await heard(server)
        assert not server.answers_to(quiet), "the asker may not manage the server"
        await server.outcome(await server.slash("settings channel", wanted, user=server.owner))
        assert PASSAGE in plain_text(await server.answer_to(await server.say(ASK, here)))
        assert server.violations == []


async def test_who_asks_too_much_is_asked_to_wait(server: Loopback, home: Home) -> None:
    async with at_work(server, home, MADOGUCHI_COOLDOWN="5/10"):
        asked = [await server.say(f"{server.mention} {ASK}") for _ in range(8)]

        def answers() -> list[Json]:
            return [answer for question in asked for answer in server.answers_to(question)]

        await server.until(lambda: len(answers()) >= 6)
        other = await server.say(f"{server.mention} {ASK}", user=server.add_user("Other"))
        assert PASSAGE in plain_text(await server.answer_to(other))
        assert sorted(PASSAGE in plain_text(each) for each in answers()) == [False] + [True] * 5


async def test_a_flood_from_a_thousand_people(server: Loopback, home: Home) -> None:
    crowd = [server.add_user(f"Person{number}") for number in range(1000)]
    async with at_work(server, home, MADOGUCHI_COOLDOWN="2/60"):
        asked = {}
        for turn in range(4):
            text = f"{server.mention} {QUESTIONS[turn]}"
            for person in crowd[turn::4]:  # a quarter asks once, a quarter twice, ...
                for _ in range(turn + 1):
                    message = await server.say(text, user=person)
                    asked.setdefault(person.id, []).append(message["id"])
        slash = [await server.slash("ask", {"question": ASK}, user=server.owner) for _ in range(2)]
        expected = sum(len(each) + min(len(each), 3) for each in asked.values())
        await server.until(lambda: len(server.messages) >= expected, 14)
        for each in slash:
            assert PASSAGE in plain_text((await server.outcome(each)).message or {})
        await heard(server)
    replies: dict[str, list[Json]] = {}
    for each in _own(server):
        replied = (each.get("message_reference") or {}).get("message_id")
        replies.setdefault(replied, []).append(each)
    for messages in asked.values():
        answers = [plain_text(each) for id_ in messages for each in replies.pop(id_, [])]
        assert len(answers) == min(len(messages), 3)
        assert sum("間を置いて" in each for each in answers) == (len(messages) > 2)


QUESTIONS = (
    ASK,
    "釣り場はいつ開いていますか",
    "パスワードは何文字必要ですか",
    "断水はいつ知らせてもらえますか",
)


def changeable(home: Home) -> Home:
    """The same home with a knowledge folder of its own."""
    own = home.folder / "own"
    own.mkdir()
    for name, text in KNOWLEDGE.items():
        (own / f"{name}.yaml").write_text(text, encoding="utf-8")
    open_index(own, home.cache)
    return Home(home.folder, own, home.cache)


async def test_changed_knowledge_is_read_again(server: Loopback, home: Home) -> None:
    home = changeable(home)
    async with at_work(server, home) as bot:
        (home.knowledge / "dx.yaml").write_text("id: [", encoding="utf-8")
        bot.process.send_signal(signal.SIGHUP)
        await bot.tells("knowledge_refused")
        assert "dx.yaml" in bot.errors[-1]
        await server.answer_to(await server.say(f"{server.mention} {ASK}"))
        changed = KNOWLEDGE["dx"].replace("電子申請", "紙の申請")
        (home.knowledge / "dx.yaml").write_text(changed, encoding="utf-8")
        bot.process.send_signal(signal.SIGHUP)
        await bot.tells("knowledge_read")
        done = await server.outcome(await server.slash("dx"))
        assert "紙の申請" in all_of(done.message)


async def test_what_is_gone_from_the_knowledge_is_refused_with_a_word(
    server: Loopback, home: Home
) -> None:
    home = changeable(home)
    async with at_work(server, home) as bot:
        profile = (await server.outcome(await server.slash("dx"))).message or {}
        every = limits.walk(profile["components"])
        select = next(each for each in every if each["type"] == limits.STRING_SELECT)
        command = await server.slash("dx", {"question": ASK})
        await server.outcome(command)
        for name in KNOWLEDGE.keys() - {"ports"}:
            (home.knowledge / f"{name}.yaml").unlink()
        bot.process.send_signal(signal.SIGHUP)
        await bot.tells("knowledge_read")
        value = select["options"][0]["value"]
        picked = await server.press(profile, select["custom_id"], values=[value])
        said = plain_text((await server.outcome(picked)).message or {})
        assert "現在の資料にはありません" in said
        stale = await server.outcome(await server.again(command))
        assert "このコマンドは、いまは使えません" in plain_text(stale.message or {})
        for name in ("divisions", "help"):
            told = plain_text((await server.outcome(await server.slash(name))).message or {})
            assert "`/港湾課`" in told


async def test_health(server: Loopback, home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    async with (
        at_work(server, home, MADOGUCHI_HEALTH=address) as bot,
        aiohttp.ClientSession(f"http://{address}") as session,
    ):
        await bot.tells("ready")
        for path in ("/live", "/ready", "/metrics"):
            async with session.get(path) as response:
                assert response.status == 200
