"""What the bot may do where people write."""

from __future__ import annotations

import discord


def allowed_at(message: discord.Message) -> discord.Permissions | None:
    """What the bot may do where a message was written; None where it may not answer."""
    guild, channel = message.guild, message.channel
    if guild is None or guild.me is None or isinstance(channel, discord.PartialMessageable):
        return discord.Permissions.all()
    if guild.me.is_timed_out():
        return None
    try:
        allowed = channel.permissions_for(guild.me)
    except discord.ClientException:  # a thread whose channel the bot cannot see
        return None
    may_send = allowed.send_messages
    if isinstance(channel, discord.Thread):
        is_shut = channel.locked and not allowed.manage_threads
        may_send = allowed.send_messages_in_threads and not is_shut
    return allowed if allowed.view_channel and may_send else None
