"""The one normalisation, used for documents and questions alike."""

from __future__ import annotations

import re
import unicodedata

# Dashes that stand for the long-vowel mark after kana: ﾃﾞ−タ, デ―タ -> データ
_DASHES_AFTER_KANA = re.compile(r"(?<=[ぁ-ゖァ-ヺー])[-‐‑‒–—―−─]+")
_SPACE = re.compile(r"\s+")
_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(ord("ァ"), ord("ヶ") + 1)}


def normalize(text: str) -> str:
    """Fold what people type differently without meaning a difference.

    1. lone surrogates, control and formatting characters become spaces or vanish
    2. NFKC: full-width letters, half-width kana, ligatures  (ＲＰＡ -> RPA, ﾃﾞｰﾀ -> データ)
    3. lower case                                             (RPA -> rpa)
    4. dashes after kana become the long-vowel mark           (デ―タ -> データ)
    5. runs of white space become one space; none at the ends

    Never raises; applying it twice changes nothing.
    """
    if not text.isprintable():
        text = "".join(map(_printable, text))
    text = unicodedata.normalize("NFKC", text).lower()
    text = _DASHES_AFTER_KANA.sub(lambda dashes: "ー" * len(dashes[0]), text)
    return _SPACE.sub(" ", text).strip()


def hiragana(text: str) -> str:
    """Katakana as hiragana, the rest unchanged: カイゴ -> かいご."""
    return text.translate(_KATAKANA_TO_HIRAGANA)


def squeeze(text: str) -> str:
    """The text without any white space, as spans of a document are compared."""
    return "".join(text.split())


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # a soft hyphen, a direction mark, a byte order mark: nothing to see
        return ""
    return " " if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") else character
