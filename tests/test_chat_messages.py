"""Plain messages: which are answered, how, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import discord
import pytest

from bot.assistant import Assistant
from bot.chat.cooldown import Cooldown
from bot.settings import Rate
from tests.counter import ANSWER, ASK, NOT_SAID, at_work, client_for, said

pytestmark = pytest.mark.asyncio


async def test_a_mention_is_answered(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        question = await counter.asker.send(counter.channel, f"{counter.mention} {ASK}")
        (answer,) = counter.answers
        assert ANSWER in said(answer)
        assert "厚生科学課 Health Science Division" in said(answer)
        assert answer.reference.message_id == question.id
        assert answer.flags.components_v2


async def test_a_reply_and_a_dm_are_answered(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(counter.channel, f"{counter.mention} {ASK}")
        first = counter.answers[-1]
        await counter.asker.send(counter.channel, f"{ASK}？", reply_to=first)
        assert len(counter.answers) == 2
        await counter.asker.send_dm(ASK)
        user = counter.env.create_user("taro")
        await user.send_dm(ASK)
        last = user.dm_channel.last_message
        assert last is not None
        assert ANSWER in said(last)


@pytest.mark.parametrize("text", [ASK, f"@everyone {ASK}", f"@here {ASK}", "/ask"])
async def test_it_is_silent_where_it_was_not_asked(
    shipped_assistant: Assistant, tmp_path: Path, text: str
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(counter.channel, text)
        assert counter.answers == []


async def test_other_bots_are_not_answered(shipped_assistant: Assistant, tmp_path: Path) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        robot = counter.guild.add_member(counter.env.create_user("robot", bot=True))
        await robot.send(counter.channel, f"{counter.mention} {ASK}")
        assert counter.answers == []


async def test_an_edit_edits_and_a_deletion_deletes(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        question = await counter.asker.send(counter.channel, f"{counter.mention} {NOT_SAID}")
        assert "見当たりません" in said(counter.answers[0])
        await counter.asker.edit(question, f"{counter.mention} {ASK}")
        assert len(counter.answers) == 1
        assert ANSWER in said(counter.answers[0])
        await counter.asker.delete(question)
        assert counter.answers == []


async def test_what_was_edited_away_is_not_spoken_of(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        asked = f"{counter.mention} 国際課の使命は何ですか"
        question = await counter.asker.send(counter.channel, asked)
        await counter.asker.edit(question, f"{counter.mention} 使命は何ですか")
        assert "どの部署についてのご質問でしょうか" in said(counter.answers[0])


async def test_the_language_of_the_question_is_spoken(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(
            counter.channel,
            f"{counter.mention} What did the ministry do after the Noto earthquake?",
        )
        assert "Certainty" in said(counter.answers[0])
        assert "Helpful" in said(counter.answers[0])


async def test_plain_text_where_embeds_are_forbidden(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        everyone = counter.guild.default_role
        plain = counter.guild.create_text_channel(
            "plain",
            overwrites={everyone: discord.PermissionOverwrite(embed_links=False)},
        )
        await counter.asker.send(plain, f"{counter.mention} {ASK}")
        answer = plain.last_message
        assert answer is not None
        assert ANSWER in answer.content
        assert not answer.flags.components_v2
        assert not answer.embeds


async def test_where_it_may_not_write_it_does_not_try(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        shut = counter.guild.create_text_channel("shut")
        me = counter.guild.me
        assert me is not None
        before = len(counter.env.http_requests)
        await counter.asker.send(shut, "…")
        assert len(counter.env.http_requests) == before


async def test_a_flood_is_told_once_to_wait(shipped_assistant: Assistant, tmp_path: Path) -> None:
    client = client_for(shipped_assistant, tmp_path, cooldown=Rate(2, 10))
    async with at_work(client) as counter:
        for _ in range(5):
            await counter.asker.send(counter.channel, f"{counter.mention} {ASK}")
        assert len(counter.answers) == 3
        assert sum("少し間を置いて" in said(each) for each in counter.answers) == 1


class _Counting(Cooldown):
    """Tells how much it has allowed."""

    allowed = 0

    def wait(self, person: Hashable) -> float:
        wait = super().wait(person)
        self.allowed += wait == 0
        return wait


async def test_edits_are_answered_in_their_turn_and_count(
    harbour: Assistant, tmp_path: Path
) -> None:
    client = client_for(harbour, tmp_path)
    cooldown = client.desk.cooldown = _Counting(Rate(1, 0.2))
    async with at_work(client) as counter:
        question = await counter.asker.send(counter.channel, f"{counter.mention} 釣りをしたい")
        for text in ("灯台を見学できますか", "灯台課の使命は何ですか"):
            await counter.asker.edit(question, f"{counter.mention} {text}")
        (answer,) = counter.answers
        assert "灯台の明かりを毎晩ともします" in said(answer)
    assert cooldown.allowed == 3


async def test_it_survives_trouble_and_answers_once(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        counter.env.inject_error("POST", "/channels/*/messages", status=503)
        await counter.asker.send(counter.channel, f"{counter.mention} {ASK}")
        await counter.env.advance_time(5)
        assert len(counter.answers) == 1


async def test_ask_here_channels(shipped_assistant: Assistant, tmp_path: Path) -> None:
    from bot.store.base import ServerSettings

    client = client_for(shipped_assistant, tmp_path, message_content=True)
    async with at_work(client) as counter:
        await counter.asker.send(counter.channel, ASK)
        assert counter.answers == []
        settings = ServerSettings(ask_here=frozenset({counter.channel.id}))
        await client.desk.save_server(counter.guild.id, settings)
        await counter.asker.send(counter.channel, ASK)
        assert ANSWER in said(counter.answers[0])
        await counter.asker.send(counter.channel, "@everyone お知らせです")
        assert len(counter.answers) == 1


async def test_mentions_and_markdown_do_no_harm(
    shipped_assistant: Assistant, tmp_path: Path
) -> None:
    async with at_work(client_for(shipped_assistant, tmp_path)) as counter:
        await counter.asker.send(counter.channel, f"{counter.mention} **@everyone** <@1> `{ASK}`")
        for request in counter.env.http_requests:
            if request.method == "POST" and "messages" in request.path:
                assert request.json["allowed_mentions"]["parse"] == []
