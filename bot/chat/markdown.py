"""Text in Discord's Markdown: made harmless, measured and cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.document.sentences import split_sentences
from bot.wording import Marked

# An address stays as it is, or it would lead elsewhere. What would change how text looks or turn
# into a mention, a timestamp or a link with another text is escaped: **, ~~, ||, `, <@1>,
# <t:1>, [a](b), and # and -# at a line's start. Lists may stay lists.
_ACTIVE = re.compile(r"https?://[^\s<>*|`()]+|[\\*_~`|<>\[\]]|^[ \t]*-?(?=#)", re.MULTILINE)
_MENTION = re.compile(r"@(?=everyone|here)")
_ZERO_WIDTH = "\N{ZERO WIDTH SPACE}"
ELLIPSIS = "…"


def escape(text: str) -> str:
    """The text so that Discord shows it as it stands, and nobody is mentioned by it."""
    if "@" in text:
        text = _MENTION.sub("@" + _ZERO_WIDTH, text)
    return _ACTIVE.sub(_escaped, text)


def unescape(text: str) -> str:
    """The text that was escaped so."""
    return re.sub(r"\\(.)", r"\1", text.replace("@" + _ZERO_WIDTH, "@"))


def _escaped(found: re.Match[str]) -> str:
    active = found[0]
    if active.startswith("http"):
        return active
    return active + "\\" if active.strip() in ("", "-") else "\\" + active


def bold(text: str) -> str:
    """The text, escaped and bold; white space at its ends stays outside."""
    core = text.strip()
    before, _, after = text.partition(core) if core else (text, "", "")
    return f"{before}**{escape(core)}**{after}" if core else text


def width(text: str) -> int:
    """The length as Discord's clients count it: in UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return len(text)
    return len(text.encode("utf-16-le", errors="replace")) // 2


def shorten(text: str, limit: int) -> str:
    """One line of at most ``limit`` characters, with an ellipsis where something is missing."""
    line = " ".join(text.split())
    if width(line) <= limit:
        return line
    line = line[: limit - 1]
    while width(line) > limit - 1:
        line = line[:-1]
    return line.rstrip() + ELLIPSIS


def excerpt(marked: Marked, limit: int) -> str:
    """The passage with its answering sentence bold, in at most ``limit`` characters.

    What is too long is cut at the ends of sentences, as evenly before as after the answer.
    """
    whole = escape(marked.before) + bold(marked.sentence) + escape(marked.after)
    if width(whole) <= limit:
        return whole.strip()
    middle = bold(marked.sentence)
    if width(middle) > limit - 2:
        return bold(shorten(marked.sentence, (limit - 6) // 2))
    room = limit - width(middle) - 4
    before = [escape(each) for each in split_sentences(marked.before)]
    after = [escape(each) for each in split_sentences(marked.after)]
    half = room - min(sum(map(width, after)), room // 2)
    first = _fitting(reversed(before), half)
    taken = before[len(before) - first :]
    last = _fitting(after, room - sum(map(width, taken)))
    text = "".join([*taken, middle, *after[:last]]).strip()
    head = "" if first == len(before) else ELLIPSIS + " "
    return head + text + ("" if last == len(after) else " " + ELLIPSIS)


def pages(text: str, limit: int) -> list[str]:
    """The text in pieces of at most ``limit`` characters, parted at the ends of sentences."""
    found = [""]
    for sentence in split_sentences(text):
        for piece in _pieces(escape(sentence), limit):
            if width(found[-1]) + width(piece) > limit:
                found.append("")
            found[-1] += piece
    return [page.strip() for page in found if page.strip()]


def _fitting(sentences: Iterable[str], room: int) -> int:
    """How many of the sentences fit into the room, from the first on."""
    count = 0
    for sentence in sentences:
        room -= width(sentence)
        if room < 0:
            break
        count += 1
    return count


def _pieces(sentence: str, limit: int) -> Sequence[str]:
    """A sentence whole, or in parts where it alone is longer than the limit."""
    if width(sentence) <= limit:
        return [sentence]
    size = limit // 2  # letters outside the basic plane count twice
    return [sentence[start : start + size] for start in range(0, len(sentence), size)]
