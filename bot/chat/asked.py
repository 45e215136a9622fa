"""What is asked in a message, and how a question is quoted."""

from __future__ import annotations

import re

import discord

from bot.chat import markdown

# Mentions, channels, emoji of a server and timestamps: <@1>, <#1>, <:name:1>, <t:1>
_TOKENS = re.compile(r"<(?:@[!&]?|#|a?:\w+:|t:|id:|/[^:>]*:)[^<>]*>")
_QUOTED = "> "


def question_in(message: discord.Message) -> str:
    """What a message asks, itself or by what it forwards, without mentions."""
    forwarded = [each.content for each in message.message_snapshots]
    return _TOKENS.sub(" ", "\n".join([message.content, *forwarded])).strip()


def asked_in(answer: discord.Message) -> str | None:
    """The question that a message answers, as far as Discord still shows it."""
    replied = answer.reference.resolved if answer.reference is not None else None
    if isinstance(replied, discord.Message):
        return question_in(replied) or None
    return quoted_in(answer)


def quote(question: str | None) -> tuple[str, ...]:
    """A question as it stands above its answer, where those who read along cannot see it."""
    if question is None:
        return ()
    return (_QUOTED + markdown.escape(markdown.shorten(question, 200)),)


def quoted_in(message: discord.Message) -> str | None:
    """The question that a message of the bot's quotes."""
    said = message.content
    for each in message.components[:1]:
        texts = each.children if isinstance(each, discord.Container) else ()
        for first in texts[:1]:
            said = first.content if isinstance(first, discord.TextDisplay) else said
    line, _, _ = said.partition("\n")
    # What a document says at the start of a line is escaped; only a question is quoted so.
    return markdown.unescape(line.removeprefix(_QUOTED)) if line.startswith(_QUOTED) else None
