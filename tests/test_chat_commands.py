"""Commands, controls and settings."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot.assistant import Assistant
from bot.chat.admin import managed
from bot.chat.divisions import MOST_COMMANDS
from bot.chat.suggestions import Suggestions
from bot.chat.tree import Refused
from bot.conversation import Conversation
from bot.retrieval.cache import open_index
from bot.settings import Rate, Settings
from bot.store.base import ServerSettings, Unanswered
from bot.wording import language
from tests.conftest import KnowledgeFolder
from tests.counter import ANSWER, ASK, NOT_SAID, at_work, client_for, control, field, said, walk

pytestmark = pytest.mark.asyncio
MANAGER = discord.Permissions(manage_guild=True)


async def test_ask(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        done = await counter.asker.slash(counter.channel, "ask", question=ASK)
        assert ANSWER in said(done.response)
        assert not done.ephemeral
        assert "Certainty" in said(done.response)
        private = await counter.asker.slash(counter.channel, "ask", question=ASK, private=True)
        assert private.ephemeral
        shown = await counter.asker.click(
            private.response, custom_id=control(private.response, "show")
        )
        assert ANSWER in said(shown.response)
        assert not shown.ephemeral
        again = await counter.asker.click(
            private.response, custom_id=control(private.response, "show")
        )
        assert again.ephemeral


async def test_ask_one_division(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        done = await counter.asker.slash(
            counter.channel, "ask", question="何をする部署ですか", division="国際課", private=True
        )
        assert "厚生科学課" not in said(done.response)


async def test_a_division_that_there_is_not(shipped_assistant: Assistant, tmp_path: Path) -> None:
    client = client_for(shipped_assistant, tmp_path)
    async with at_work(client, check_errors=False) as counter:
        none = await counter.asker.slash(counter.channel, "ask", question=ASK, division="無い課")
        assert "無い課" in said(none.response)
        assert none.ephemeral


async def test_completion(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        for typed in ("", "能登", "のと", "noto", "RPA", "zzzzz", "！？", "x" * 200):
            done = await counter.asker.autocomplete(counter.channel, "ask", "question", typed)
            choices = done
            assert len(choices) <= 25
            assert all(1 <= len(each["name"]) <= 100 for each in choices)
            assert len({each["name"] for each in choices}) == len(choices)
        done = await counter.asker.autocomplete(counter.channel, "ask", "question", "能登")
        assert any("能登" in each["name"] for each in done)
        named = await counter.asker.autocomplete(counter.channel, "ask", "division", "inter")
        assert [each["value"] for each in named] == ["international-affairs"]


COMPLETED = [  # what was typed, for which division, and all that has it inside
    ("釣り場の", None, ["釣り場の開放", "釣り場の利用料はいくらですか"]),
    ("お金", None, ["釣り場に入るのにお金はかかりますか"]),
    ("釣り場に", "ports", ["釣り場に入るのにお金はかかりますか"]),
    ("釣り場に", "lights", []),
    ("使命", "lights", ["使命", "灯台課の使命は何ですか"]),
    ("WHEN", None, ["When can I fish?"]),
]


async def test_completion_knows_every_question_of_the_knowledge(
    harbour: Assistant, harbour_knowledge: Path, tmp_path: Path
) -> None:
    client = client_for(harbour, tmp_path, knowledge=harbour_knowledge)
    suggestions = Suggestions(client.desk)
    for _ in range(1_000):  # the questions are read while the first headings are shown
        if "When can I fish?" in await suggestions.fitting("when", None, "ja"):
            break
        await asyncio.sleep(0.01)
    for typed, division, expected in COMPLETED:
        found = await suggestions.fitting(typed, division, "ja")
        assert [each for each in found if typed.lower() in each.lower()] == expected


async def test_a_division_introduces_itself_and_answers(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        profile = await counter.asker.slash(counter.channel, "international-affairs")
        assert "国際課 International Affairs Division" in said(profile.response)
        selects = [each for each in walk(profile.response) if field(each, "options")]
        values = [field(option, "value") for option in field(selects[0], "options")]
        picked = await counter.asker.select(
            profile.response, custom_id=field(selects[0], "custom_id"), values=[values[2]]
        )
        assert picked.ephemeral
        assert said(picked.response)
        answer = await counter.asker.slash(
            counter.channel, "health-science", question="能登半島地震"
        )
        assert "厚生科学課" in said(answer.response)


@pytest.mark.parametrize("command", ["divisions", "help", "new", "mydata"])
async def test_the_other_commands(
    shipped_assistant: Assistant, tmp_path: Path, command: str
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        done = await counter.asker.slash(counter.channel, command)
        assert said(done.response)


async def test_the_message_menu(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        other = counter.newcomer("taro")
        message = await other.send(counter.channel, ASK)
        done = await counter.asker.context_menu(counter.channel, "Answer this", message)
        assert ANSWER in said(done.response)


async def test_controls_go_on_after_a_restart(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(counter.channel, f"{counter.mention} {ASK}")
        await counter.client.desk.store.close()
        fresh = client_for(shipped_assistant, tmp_path)
        await counter.env.restart_bot(fresh)
        counter.client = fresh
        answer = counter.answers[0]
        other = counter.newcomer("taro")
        for action in ("yes", "no", "more", "div"):
            for presser in (counter.asker, other):
                done = await presser.click(answer, custom_id=control(answer, action))
                assert done.ephemeral
                assert said(done.response)
        remembered = await fresh.desk.store.remembered(counter.asker.id)
        assert remembered.votes == 1
        assert remembered.questions == (ASK,)


async def test_another_candidate_takes_the_answers_place(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(counter.channel, f"{counter.mention} {NOT_SAID}")
        answer = counter.answers[0]
        before = said(answer)
        select = next(each for each in walk(answer) if field(each, "options"))
        value = field(field(select, "options")[0], "value")
        custom_id = field(select, "custom_id")
        other = counter.newcomer("taro")
        for_other = await other.select(answer, custom_id=custom_id, values=[value])
        assert for_other.ephemeral
        assert said(counter.answers[0]) == before
        await counter.asker.select(answer, custom_id=custom_id, values=[value])
        assert said(counter.answers[0]) != before
        assert any(field(each, "options") for each in walk(counter.answers[0]))


async def test_mydata_shows_and_erases(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.slash(counter.channel, "ask", question=NOT_SAID)
        shown = await counter.asker.slash(counter.channel, "mydata")
        assert shown.ephemeral
        assert NOT_SAID in said(shown.response)
        erased = await counter.asker.click(
            shown.response, custom_id=control(shown.response, "erase")
        )
        assert "erased" in said(erased.response)
        assert NOT_SAID not in said((await counter.asker.slash(counter.channel, "mydata")).response)


async def test_erasing_forgets_every_conversation_or_says_that_it_failed(
    harbour: Assistant, tmp_path: Path
) -> None:
    client = client_for(harbour, tmp_path)
    async with at_work(client, check_errors=False) as counter:
        other, taro = counter.guild.create_text_channel("other"), counter.newcomer("taro")
        await counter.asker.slash(other, "ask", question=NOT_SAID)
        for person in (counter.asker, taro):
            for channel in (counter.channel, other):
                await person.slash(channel, "ask", question="釣りをしたい")
        assert len(client.desk.conversations) == 4
        shown = (await counter.asker.slash(counter.channel, "mydata")).response
        await client.desk.store.close()
        database = tmp_path / "bot.sqlite3"
        aside = database.rename(tmp_path / "aside")
        database.mkdir()
        failed = await counter.asker.click(shown, custom_id=control(shown, "erase"))
        assert "still stored" in said(_last(failed))
        database.rmdir()
        aside.rename(database)
        erased = await counter.asker.click(shown, custom_id=control(shown, "erase"))
        assert "has been erased" in said(_last(erased))
        assert len(client.desk.conversations) == 2
        assert client.desk.conversations.get((other.id, counter.asker.id)) == Conversation()
        assert client.desk.conversations.get((other.id, taro.id)) != Conversation()


async def test_mydata_counts_what_it_has_no_room_to_show(
    harbour: Assistant, tmp_path: Path
) -> None:
    client = client_for(harbour, tmp_path)
    async with at_work(client) as counter:
        asked = [Unanswered(counter.asker.id, f"{'長' * 100}{number}") for number in range(60)]
        await client.desk.store.unanswered(asked)
        shown = said((await counter.asker.slash(counter.channel, "mydata")).response)
        assert "one: 60 (" in shown
        assert 5 < shown.count("長" * 100) < 60


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        ("settings show", {}, "Language"),
        ("settings sure", {"level": "high"}, "only when sure"),
        ("settings language", {"language": "ja"}, "日本語"),
        ("settings private", {"on": True}, "asker alone"),
    ],
)
async def test_settings(
    shipped_assistant: Assistant,
    tmp_path: Path,
    command: str,
    options: dict[str, Any],
    expected: str,
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        role = counter.guild.create_role("managers", permissions=MANAGER)
        manager = counter.newcomer("manager", roles=[role])
        done = await manager.slash(counter.channel, command, **options)
        assert expected in said(done.response)
        assert done.ephemeral


SAID = [  # a command, and a phrase that its answer has
    ("ask", {"question": ASK}, "certainty"),
    ("ask", {"question": NOT_SAID, "private": True}, "nearest"),
    ("ask", {"question": ASK, "division": "無い課"}, "no_division"),
    ("international-affairs", {}, "sections"),
    ("divisions", {}, "divisions"),
    ("help", {}, "about"),
    ("new", {}, "forgotten"),
    ("mydata", {}, "mydata_questions"),
    ("settings show", {}, "settings_now"),
    ("settings sure", {"level": "low"}, "settings_saved"),
    ("settings private", {"on": False}, "settings_saved"),
    ("settings reload", {}, "need_owner"),
]


@pytest.mark.parametrize("locale", ["ja", "en-GB"])
async def test_everybody_is_spoken_to_in_their_language(
    shipped_assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str
) -> None:
    theirs, other = ("ja", "en") if locale == "ja" else ("en", "ja")
    read = discord.Interaction._from_data

    def of_locale(self: discord.Interaction, data: Any) -> None:
        read(self, {**data, "locale": locale})

    monkeypatch.setattr(discord.Interaction, "_from_data", of_locale)
    wording, foreign = shipped_assistant.wording(theirs), shipped_assistant.wording(other)

    def check(text: str, phrase: str) -> None:
        assert _beginning(wording.phrases[phrase]) in text
        # What is as short as 部署 or "division" may be the document's word, or a command's.
        telling = [each for each in map(_beginning, foreign.phrases.values()) if weight(each) > 11]
        assert not [each for each in telling if each in text]

    def weight(text: str) -> int:
        return len(text.encode())

    client = client_for(shipped_assistant, tmp_path, cooldown=Rate(len(SAID) + 2, 1000))
    async with at_work(client, check_errors=False) as counter:
        role = counter.guild.create_role("managers", permissions=MANAGER)
        somebody = counter.newcomer("manager", roles=[role])
        for command, options, phrase in SAID:
            done = await somebody.slash(counter.channel, command, **options)
            message = done.followups[0] if done.followups else done.response
            check(said(message), phrase)
        answer = (await somebody.slash(counter.channel, "ask", question=ASK)).response
        for action, phrase in (("yes", "vote_kept"), ("no", "vote_kept_not"), ("div", "sections")):
            pressed = await somebody.click(answer, custom_id=control(answer, action))
            check(said(pressed.response), phrase)
        for name in ("国際", "inter"):
            found = await somebody.autocomplete(counter.channel, "ask", "division", name)
            shown = {"ja": "国際課", "en": "International Affairs Division"}
            assert [each["name"] for each in found] == [shown[theirs]]
        first = await somebody.autocomplete(counter.channel, "ask", "question", "")
        assert {language(each["name"]) for each in first[:5]} == {theirs}
        for _ in range(len(SAID)):
            done = await somebody.slash(counter.channel, "ask", question=ASK)
        check(said(done.response), "slower")


def _beginning(phrase: str) -> str:
    """A phrase up to where something is filled in."""
    return re.split(r"[{\n]", phrase.strip())[0]


async def test_settings_take_effect(shipped_assistant: Assistant, tmp_path: Path) -> None:
    client = client_for(shipped_assistant, tmp_path)
    async with at_work(client) as counter:
        role = counter.guild.create_role("managers", permissions=MANAGER)
        manager = counter.newcomer("manager", roles=[role])
        await manager.slash(counter.channel, "settings language", language="ja")
        await manager.slash(counter.channel, "settings private", on=True)
        await manager.slash(counter.channel, "settings channel", channel=counter.channel, on=True)
        done = await counter.asker.slash(counter.channel, "ask", question=ASK)
        assert "確かさ" in said(done.response)
        assert done.ephemeral
        server = await client.desk.store.server(counter.guild.id)
        assert (server.speak, server.private) == ("ja", True)
        assert server.ask_here == {counter.channel.id}


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("settings show", {}),
        ("settings sure", {"level": "high"}),
        ("settings language", {"language": "ja"}),
        ("settings private", {"on": True}),
    ],
)
async def test_a_change_without_a_database_loses_no_setting(
    harbour: Assistant, tmp_path: Path, command: str, options: dict[str, Any]
) -> None:
    client = client_for(harbour, tmp_path)
    async with at_work(client, check_errors=False) as counter:
        role = counter.guild.create_role("managers", permissions=MANAGER)
        manager = counter.newcomer("manager", roles=[role])
        settings = ServerSettings(frozenset({5}), sure=0.3, speak="en", private=False)
        await client.desk.store.save_server(counter.guild.id, settings)
        await client.desk.store.close()
        database = tmp_path / "bot.sqlite3"
        aside = database.rename(tmp_path / "aside")
        database.mkdir()
        await client.desk.server(counter.guild.id)  # remembers the bot's own for a while
        refused = await manager.slash(counter.channel, command, **options)
        assert "cannot read my records" in said(_last(refused))
        database.rmdir()
        aside.rename(database)
        done = await manager.slash(counter.channel, command, **options)
        assert "<#5>" in said(_last(done))
        kept = await client.desk.store.server(counter.guild.id)
        assert (kept.ask_here, kept.sure or 0) == ({5}, 0.75 if "sure" in command else 0.3)


def _last(done: Any) -> Any:
    """What was said last in answer to a command."""
    return done.followups[0] if done.followups else done.response


async def test_settings_without_the_right_are_refused(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    """Discord hides the command; a server may have opened it to somebody all the same."""
    client = client_for(shipped_assistant, tmp_path)
    async with at_work(client, check_errors=False) as counter:
        role = counter.guild.create_role("managers", permissions=MANAGER)
        manager = counter.newcomer("manager", roles=[role])
        done = await manager.slash(counter.channel, "settings reload")
        assert "owner" in said(done.followups[0] if done.followups else done.response)
        group = client.tree.get_command("settings")
        assert isinstance(group, discord.app_commands.Group)
        assert group.default_permissions == MANAGER
        interaction = SimpleNamespace(guild_id=1, permissions=discord.Permissions.none())
        with pytest.raises(Refused, match="need_manage"):
            managed(interaction)  # type: ignore[arg-type]
        with pytest.raises(Refused, match="need_server"):
            managed(SimpleNamespace(guild_id=None))  # type: ignore[arg-type]


async def test_more_divisions_than_there_is_room_for(
    knowledge_folder: KnowledgeFolder, tmp_path: Path
) -> None:
    files = {
        f"{i:03}.yaml": (
            f"id: d{i}\nname: 第{i}・（課）\nsections:\n"
            f"  - heading: 仕事\n    text: 第{i}の仕事をします。\n"
        )
        for i in range(120)
    }  # fmt: skip
    knowledge = knowledge_folder(files)
    settings = Settings.read({}, knowledge=str(knowledge))
    assistant = Assistant(open_index(knowledge, settings.cache))
    async with at_work(client_for(assistant, tmp_path, knowledge=knowledge)) as counter:
        slash = [
            each
            for each in counter.client.tree.get_commands()
            if not isinstance(each, discord.app_commands.ContextMenu)
        ]
        assert len(slash) == MOST_COMMANDS
        done = await counter.asker.slash(counter.channel, "division", name="d119")
        assert "第119" in said(done.response)
        named = await counter.asker.autocomplete(counter.channel, "division", "name", "d11")
        assert len(named) == 11
