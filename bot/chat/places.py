"""What the bot may do where people write."""

from __future__ import annotations

import discord

_SPOKEN = (discord.VoiceChannel, discord.StageChannel)


def allowed_at(message: discord.Message) -> discord.Permissions | None:
    """What the bot may do where a message was written; None where it may not answer."""
    guild, channel = message.guild, message.channel
    if guild is None or guild.me is None or isinstance(channel, discord.PartialMessageable):
        return discord.Permissions.all()
    return allowed_in(channel, guild.me)


def allowed_in(
    channel: discord.abc.GuildChannel | discord.Thread | discord.DMChannel | discord.GroupChannel,
    me: discord.Member,
) -> discord.Permissions | None:
    """What the bot may do in a channel of a server; None where it may not write, in a forum in its
    threads.
    """
    if me.is_timed_out():
        return None
    try:
        allowed = channel.permissions_for(me)
    except discord.ClientException:  # a thread whose channel the bot cannot see
        return None
    may_send = allowed.send_messages
    if isinstance(channel, discord.Thread):
        is_shut = channel.locked and not allowed.manage_threads
        may_send = allowed.send_messages_in_threads and not is_shut
    elif isinstance(channel, discord.ForumChannel):
        may_send = allowed.send_messages_in_threads
    elif isinstance(channel, _SPOKEN):
        # Who may not connect has no access to the chat either (error 50001), whatever else is
        # allowed; permissions_for takes only what concerns voice away from them.
        may_send = may_send and allowed.connect
    return allowed if allowed.view_channel and may_send else None
