"""What changes while the bot answers: messages and channels that go, edits, trouble in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests import loopback
from tests.loopback import Json, Loopback, Request
from tests.loopback.limits import plain_text
from tests.running import (
    ASK,
    NOT_IN_THE_DOCUMENT,
    PASSAGE,
    SHOW_ALL,
    Bot,
    at_work,
    control,
    heard,
    settled,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")
STICKER = [{"id": "1", "name": "thanks", "format_type": 1}]

POLL = {"question": {"text": ASK}, "answers": [], "expiry": "2100-01-01T00:00:00+00:00",
        "allow_multiselect": False, "layout_type": 1}  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bot]:
    """One bot for all tests, which reads every message."""
    home = settled(tmp_path_factory.mktemp("bot"))
    async with (
        Loopback(privileged=1 << 15) as server,
        at_work(server, home, MADOGUCHI_MESSAGE_CONTENT="1") as bot,
    ):
        yield bot
        assert bot.process.returncode is None, bot.errors
        assert await bot.stop() == 0


@pytest.fixture
def counter(bot: Bot) -> Iterator[Loopback]:
    """Its server. Nothing is refused but what a test says."""
    server = bot.server
    server.violations.clear()
    server.requests.clear()
    bot.errors.clear()
    yield server
    assert server.violations == []
    assert not [each for each in bot.errors if "_failed" in each]


def told(bot: Bot, event: str) -> list[Json]:
    """The lines of the bot's log about something."""
    return [line for line in map(json.loads, bot.errors) if line["event"] == event]


def refused(server: Loopback) -> list[Request]:
    """The requests that Discord refused."""
    return [each for each in server.requests if each.status >= 400]


# Messages and channels that go


async def test_a_channel_goes_while_a_question_in_it_is_answered(
    bot: Bot, counter: Loopback
) -> None:
    doomed = await counter.add_channel("doomed")
    held = counter.hold("POST", f"/channels/{doomed.id}/messages$")
    await counter.say(f"{counter.mention} {ASK}", doomed)
    await counter.until(lambda: held.hits)
    await counter.delete_channel(doomed)
    assert held.gate is not None
    held.gate.set()
    await bot.tells("answer_refused")
    await heard(counter)
    assert [line["code"] for line in told(bot, "answer_refused")] == [10003]
    assert len(refused(counter)) == 1


async def test_a_removed_answer_does_not_come_back(bot: Bot, counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    await counter.delete(await counter.answer_to(question))
    for text in (NOT_IN_THE_DOCUMENT, ASK, NOT_IN_THE_DOCUMENT):
        await counter.edit(question, f"{counter.mention} {text}")
        await heard(counter)
    await bot.tells("answer_gone")
    assert not counter.answers_to(question)
    assert len(refused(counter)) == len(told(bot, "answer_gone")) == 1


async def test_a_removed_answer_need_not_go_with_its_question(bot: Bot, counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    await counter.delete(await counter.answer_to(question))
    await counter.delete(question)
    await bot.tells("answer_gone")
    await heard(counter)
    assert len(refused(counter)) == len(told(bot, "answer_gone")) == 1


async def test_a_question_goes_while_it_is_answered(counter: Loopback) -> None:
    held = counter.hold("POST", "/messages$")
    question = await counter.say(f"{counter.mention} {ASK}")
    await counter.until(lambda: held.hits)
    await counter.delete(question)
    assert held.gate is not None
    held.gate.set()
    await counter.until(lambda: [each for each in counter.requests if each.method == "DELETE"])
    assert not counter.answers_to(question)


@pytest.mark.parametrize("how", ["edited", "deleted"])
async def test_a_message_changes_before_it_is_known_to_be_a_question(
    counter: Loopback, how: str
) -> None:
    """The bot looks up whether somebody's thread was opened under a message of its own."""
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    thread = await counter.add_thread("more", owner=counter.asker, under=answer)
    held = counter.hold("GET", f"/messages/{answer['id']}$")
    said = await counter.say(NOT_IN_THE_DOCUMENT, thread)
    await counter.until(lambda: held.hits)
    if how == "edited":
        await counter.edit(said, ASK)
    else:
        await counter.delete(said)
    await heard(counter)
    assert held.gate is not None
    held.gate.set()
    if how == "edited":
        assert PASSAGE in plain_text(await counter.answer_to(said))
        assert len(counter.answers_to(said)) == 1
    else:
        asked = await counter.say(ASK, thread)
        await counter.until(lambda: [e for e in counter.answers_to(asked) if _replies_to(e, asked)])
        assert not counter.answers_to(said)


def _replies_to(answer: Json, question: Json) -> bool:
    return bool((answer.get("message_reference") or {}).get("message_id") == question["id"])


async def test_trouble_does_not_make_a_thread_a_strangers(counter: Loopback) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    thread = await counter.add_thread("more", owner=counter.asker, under=answer)
    counter.fault("GET", f"/messages/{answer['id']}$", 503)
    assert PASSAGE in plain_text(await counter.answer_to(await counter.say(ASK, thread)))


async def test_of_many_edits_the_last_is_answered(counter: Loopback) -> None:
    question = await counter.say(f"{counter.mention} {ASK}")
    answer = await counter.answer_to(question)
    held = counter.hold("PATCH", "/messages/")
    for text in (
        NOT_IN_THE_DOCUMENT,
        "釣り場はいつ開いていますか",
        "断水はいつ知らせてもらえますか",
    ):
        await counter.edit(question, f"{counter.mention} {text}")
    await counter.until(lambda: held.hits)
    await heard(counter)
    assert held.gate is not None
    held.gate.set()
    await counter.until(lambda: "断水の予定" in plain_text(answer))
    await heard(counter)
    assert "断水の予定" in plain_text(answer)
    assert len([each for each in counter.requests if each.method == "PATCH"]) <= 2


async def test_an_answer_goes_at_once_with_a_question_that_was_edited_too_often(
    tmp_path: Path, bot: Bot
) -> None:
    del bot
    home = settled(tmp_path)
    async with Loopback() as server, at_work(server, home, MADOGUCHI_COOLDOWN="1/600"):
        question = await server.say(f"{server.mention} {ASK}")
        answer = await server.answer_to(question)
        await server.edit(question, f"{server.mention} {NOT_IN_THE_DOCUMENT}")
        await server.delete(question)
        await server.until(lambda: int(answer["id"]) not in server.messages)
        assert server.violations == []


# Messages that are not plain text


async def test_a_forwarded_question_is_answered(counter: Loopback) -> None:
    forwarded = await counter.forward(ASK, counter.direct(counter.asker))
    assert PASSAGE in plain_text(await counter.answer_to(forwarded))
    elsewhere = await counter.add_channel("elsewhere")
    forwarded = await counter.forward(ASK, elsewhere)
    done = await counter.outcome(await counter.menu("Answer this", forwarded))
    assert PASSAGE in plain_text(done.message or {})
    assert not counter.answers_to(forwarded)


async def test_a_sticker_is_no_question(counter: Loopback) -> None:
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}"))
    private = counter.direct(counter.add_user("Someone"))
    said = [
        await counter.say("", reply_to=answer, sticker_items=STICKER),
        await counter.say("", private, sticker_items=STICKER, user=counter.add_user("Other")),
    ]
    await heard(counter)
    assert not [each for question in said for each in counter.answers_to(question)]


async def test_a_picture_is_asked_about(counter: Loopback) -> None:
    picture = {"id": "1", "filename": "a.png", "size": 1, "url": "https://example.org/a.png",
               "proxy_url": "https://example.org/a.png"}  # fmt: skip
    asked = await counter.say("", counter.direct(counter.asker), attachments=[picture])
    assert "ご質問を入力してください" in plain_text(await counter.answer_to(asked))


async def test_where_all_is_answered_what_says_nothing_is_not(counter: Loopback) -> None:
    thread = await counter.add_thread("own", owner=counter.bot)
    said = [
        await counter.say("<:wave:123456> <@1>", thread),
        await counter.say("", thread, poll=POLL),
        await counter.say(ASK, thread, webhook_id="1"),
        await counter.say(ASK, thread, type=21),
    ]
    asked = await counter.say(ASK, thread)
    await counter.until(lambda: [e for e in counter.answers_to(asked) if _replies_to(e, asked)])
    await heard(counter)
    assert not [each for question in said for each in counter.answers_to(question)]


async def test_what_cannot_be_read_is_passed_over(bot: Bot, counter: Loopback) -> None:
    await counter.say("", poll=POLL | {"expiry": None})
    await bot.tells("event_unreadable")
    await heard(counter)


# Places


@pytest.mark.parametrize("kind", [loopback.VOICE_CHANNEL, loopback.STAGE_CHANNEL])
async def test_the_chat_of_a_voice_channel(counter: Loopback, kind: int) -> None:
    open_ = await counter.add_channel("open", kind=kind)
    shut = await counter.add_channel("shut", kind=kind, deny=loopback.CONNECT)
    await counter.say(f"{counter.mention} {ASK}", shut)
    answer = await counter.answer_to(await counter.say(f"{counter.mention} {ASK}", open_))
    assert PASSAGE in plain_text(answer)
    await heard(counter)
    assert not refused(counter)
    done = await counter.outcome(await counter.slash("ask", {"question": ASK}, channel=shut))
    assert PASSAGE in plain_text(done.message or {}), "a response needs no permission"


@pytest.mark.parametrize(
    ("kind", "deny", "may_write"),
    [
        (loopback.TEXT_CHANNEL, 0, True),
        (loopback.TEXT_CHANNEL, loopback.SEND_MESSAGES, False),
        (loopback.VOICE_CHANNEL, 0, True),
        (loopback.VOICE_CHANNEL, loopback.CONNECT, False),
        (loopback.FORUM, loopback.SEND_MESSAGES, True),
    ],
)
async def test_whoever_opens_a_channel_learns_whether_the_bot_can_write_there(
    counter: Loopback, kind: int, deny: int, may_write: bool
) -> None:
    place = await counter.add_channel("place", kind=kind, deny=deny)
    options = {"channel": place, "on": True}
    done = await counter.slash("settings channel", options, user=counter.owner)
    text = plain_text((await counter.outcome(done)).message or {})
    assert "設定を保存しました" in text
    assert ("発言できません" in text) is not may_write


# Interactions


async def test_showing_all_can_be_tried_again(counter: Loopback, bot: Bot) -> None:
    done = await counter.outcome(await counter.slash("ask", {"question": ASK, "private": True}))
    show = control(done.message, SHOW_ALL)
    counter.fault("POST", "/callback$", 400)
    failed = await counter.outcome(await counter.press(done.message or {}, show))
    assert "うまくお答えできませんでした" in plain_text(failed.message or {})
    bot.errors.clear()
    again = await counter.outcome(await counter.press(done.message or {}, show))
    assert PASSAGE in plain_text(again.message or {})
