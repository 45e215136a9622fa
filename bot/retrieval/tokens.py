"""Text to words: morphological analysis by fugashi (MeCab) with unidic-lite."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import NamedTuple

import fugashi
import unidic_lite

from bot.text import hiragana

_CONTENT = frozenset(["名詞", "動詞", "形容詞", "形状詞", "副詞", "代名詞", "接頭辞", "接尾辞"])
_NOUNS = frozenset(["名詞", "接頭辞", "接尾辞"])
_KANA_ONLY = re.compile(r"[ぁ-ゖァ-ヺー]+")
# One formatted parse is twice as fast as reading the features of nodes one by one, and nothing
# of MeCab's memory outlives the call (a node's features change under a later call).
# The surface comes last because the end of the whole output is stripped and it is never empty.
_FORMAT = r"%f[0]\t%f[7]\t%f[17]\t%m\n"
_UNKNOWN_FORMAT = r"%f[0]\t-\t-\t%m\n"
_thread = threading.local()


class Word(NamedTuple):
    """A word as it stands, its dictionary form and its reading in hiragana.

    ``lemma`` is the surface for words the dictionary does not know; ``reading`` is then empty
    unless the word is kana. A word is content if it says something by itself, as particles do
    not; nouns may be parts of a compound noun.
    """

    surface: str
    lemma: str
    reading: str
    is_content: bool
    is_noun: bool


def words(text: str) -> list[Word]:
    """The words of a normalised text, in order. Safe from any thread: each has its own tagger."""
    parsed: str = _tagger().parse(text)
    return [_word(line) for line in parsed.split("\n") if line]


@lru_cache(maxsize=1 << 14)  # a text's words are mostly those of other texts
def _word(line: str) -> Word:
    kind, lemma, reading, surface = line.split("\t")
    # Loan words carry their origin (センター -> センター-center); unknown words have a bare "-".
    lemma = lemma.partition("-")[0] or surface
    if reading == "-":
        reading = surface if _KANA_ONLY.fullmatch(surface) else ""
    return Word(surface, lemma, hiragana(reading), kind in _CONTENT, kind in _NOUNS)


def _tagger() -> fugashi.GenericTagger:
    tagger: fugashi.GenericTagger | None = getattr(_thread, "tagger", None)
    if tagger is None:
        folder = unidic_lite.DICDIR
        # -O '' switches off the output format that the dictionary's own settings name.
        tagger = fugashi.GenericTagger(
            f"-r '{folder}/dicrc' -d '{folder}' -O '' -E '' -F '{_FORMAT}' -U '{_UNKNOWN_FORMAT}'"
        )
        _thread.tagger = tagger
    return tagger
