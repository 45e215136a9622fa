"""Text to sentences, Japanese and English."""

from __future__ import annotations

import re

# A sentence ends after 。！？ and the brackets that close with it, after an English full stop
# before a space and a capital, and at a line's end.
#   「はい。」と言う。 -> one: the quotation is part of it
#   It works. Ask Mr. Abe. -> two: what stands before the second stop is too short for a word
_END = re.compile(
    r"""
      [。！？!?]++[」』）)】》”"]*+\s*+(?![、と])   # は？」 closes with its bracket; 」と goes on
    | (?<=[a-z0-9)][a-z0-9)])\.["”)]*\s++(?=[A-Z0-9"“(「ぁ-ヺ一-鿿])   # Mr. Abe is one
    | \s*\n\s*
    """,
    re.VERBOSE,
)
_OPEN, _CLOSE = "「『（(【《“", "」』）)】》”"


def split_sentences(text: str) -> list[str]:
    """The sentences of ``text`` in order, each with the white space that follows it.

    Joined they give the text back, letter for letter. A stop inside brackets ends no sentence
    unless the brackets are never closed.
    """
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(text):
        piece = text[start : end.end()]
        if piece.strip() and not _in_brackets(piece, text[end.end() :]):
            sentences.append(piece)
            start = end.end()
    rest = text[start:]
    if sentences and not rest.strip():
        sentences[-1] += rest
    elif rest:
        sentences.append(rest)
    return sentences


def _in_brackets(piece: str, rest: str) -> bool:
    """Whether ``piece`` opens a bracket that ``rest`` closes in the same line."""
    if piece.endswith("\n"):
        return False
    is_open = sum(map(piece.count, _OPEN)) > sum(map(piece.count, _CLOSE))
    line = rest.partition("\n")[0]
    return is_open and any(bracket in line for bracket in _CLOSE)
