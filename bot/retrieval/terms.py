"""Text to terms: the views of a text by which passages are found.

A term is a 64-bit number: four bits name its family, sixty hold what it says. Three characters of
twenty bits each fit exactly, so character n-grams and words of up to three characters are their
own identifiers; longer words are hashed. No vocabulary has to be kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.tokens import Word, words

Terms = NDArray[np.uint64]

_BITS = 60
_MASK = (1 << _BITS) - 1
_SHIFT = np.uint64(20)
_CHARACTER_BITS = 20  # normalised text has none of the private characters above U+FFFFF


class Family(IntEnum):
    """The views of a text. Example: 感染症対策は

    In ascending terms those of one family stand together, and the readings last: whoever does not
    want them takes what stands before.
    """

    CHARACTER = 0  # 感
    BIGRAM = 1  # 感染
    TRIGRAM = 2  # 感染症
    WORD = 3  # 感染, dictionary form of a content word
    PARTICLE = 4  # は, and every other word that is no content word
    WORD_BIGRAM = 5  # 感染 症
    COMPOUND = 6  # 感染症対策, a run of nouns
    SYNONYM = 7  # a group of words for the same thing
    PREFIX = 8  # over, of a longer Latin word: finds its other forms (oversees, oversight)
    READING_BIGRAM = 9  # かん: finds what was typed in kana, and homophones (国債課 -> 国際課)
    READING_TRIGRAM = 10  # かんせ
    TITLE = 11  # a word of the headings and of the division's names, in sections alone


_WORD, _PARTICLE, _WORD_BIGRAM, _COMPOUND, _SYNONYM, _PREFIX, _TITLE = (
    int(family) << _BITS
    for family in (
        Family.WORD,
        Family.PARTICLE,
        Family.WORD_BIGRAM,
        Family.COMPOUND,
        Family.SYNONYM,
        Family.PREFIX,
        Family.TITLE,
    )
)
_PREFIX_LENGTH = 4
"""Four letters do about as well as a stemmer (McNamee and Mayfield 2004), in any language."""
_FIRST_OF_FAMILY = np.array([family << _BITS for family in Family], np.uint64)


class Analysis(NamedTuple):
    """A normalised text, its words and its terms, each as often as it occurs, in no order."""

    text: str
    words: list[Word]
    terms: Terms


class Synonyms:
    """Finds words that people use for one another; each group is one term."""

    def __init__(
        self,
        groups: Mapping[str, Sequence[int]],
        lengths: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """``groups`` are the numbers of the groups of each word or phrase, as ``fold_synonyms``
        spells them; ``lengths`` are their ``phrase_lengths``, worked out where not given.
        """
        self._groups = groups
        self._lengths = phrase_lengths(groups) if lengths is None else lengths

    def terms(self, lemmas: Sequence[str]) -> Iterator[int]:
        """The groups of all words and phrases among the lemmas, as terms."""
        for start, first in enumerate(lemmas):
            for length in self._lengths.get(first, ()):
                phrase = first if length == 1 else " ".join(lemmas[start : start + length])
                for number in self._groups.get(phrase, ()):
                    yield _SYNONYM | number


def fold_synonyms(groups: Iterable[Iterable[str]]) -> dict[str, list[int]]:
    """Which groups a word is in, by its lemmas: 働く人 -> "働く 人"; words are normalised."""
    folded: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        for spelling in {" ".join(word.lemma for word in words(member)) for member in group}:
            folded.setdefault(spelling, []).append(number)
    return folded


def phrase_lengths(groups: Iterable[str]) -> dict[str, list[int]]:
    """How many words the phrases have that begin with a word: 働く -> [1, 2]."""
    lengths: dict[str, set[int]] = {}
    for phrase in groups:
        first, *others = phrase.split(" ")
        lengths.setdefault(first, set()).add(1 + len(others))
    return {first: sorted(each) for first, each in lengths.items()}


def analyse(text: str, synonyms: Synonyms | None = None) -> Analysis:
    """The terms of a normalised text, in every family but TITLE."""
    found = words(text)
    content = [word_code(word.lemma) for word in found if word.is_content]
    numbers = [_WORD | code for code in content]
    numbers += [_PARTICLE | word_code(word.lemma) for word in found if not word.is_content]
    numbers += [
        _WORD_BIGRAM | (first * 0x9E3779B97F4A7C15 + second & _MASK)
        for first, second in pairwise(content)
    ]
    numbers += [_COMPOUND | word_code(noun) for noun in _compounds(found)]
    numbers += [
        _PREFIX | word_code(word.surface[:_PREFIX_LENGTH])
        for word in found
        if len(word.surface) > _PREFIX_LENGTH and word.surface.isascii()
    ]
    if synonyms is not None:
        numbers += synonyms.terms([word.lemma for word in found])
    # Latin letters sound as they are spelled: their reading would only count them twice.
    heard = [word.reading or word.surface for word in found if not word.surface.isascii()]
    grams = _grams(text.replace(" ", ""), "".join(heard))
    return Analysis(text, found, np.concatenate([np.array(numbers, np.uint64), *grams]))


def title_terms(analysis: Analysis) -> Terms:
    """The words of a heading or a name, as terms of the family TITLE."""
    codes = [word_code(word.lemma) for word in analysis.words if word.is_content]
    return np.array([_TITLE | code for code in codes], np.uint64)


def word_term(lemma: str) -> int:
    """The term of a content word, by its dictionary form."""
    return _WORD | word_code(lemma)


def family_bounds(terms: Terms) -> list[int]:
    """Where in ascending terms each family begins, and where the last one ends."""
    bounds: list[int] = terms.searchsorted(_FIRST_OF_FAMILY).tolist()
    return [*bounds, len(terms)]


def family_of(terms: Terms) -> NDArray[np.intp]:
    """The family of each term."""
    return (terms >> np.uint64(_BITS)).astype(np.intp)


def distinct(ordered: Terms) -> Terms:
    """Each of ascending terms once."""
    return ordered[changes(ordered)]


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is another than the one before; the first one is."""
    found = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


@lru_cache(maxsize=1 << 16)
def word_code(word: str) -> int:
    """Sixty bits for a word: the characters themselves up to three, else a hash."""
    if len(word) <= 3:
        code = 0
        for character in word:
            code = code << _CHARACTER_BITS | ord(character)
        return code & _MASK
    return int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "big") & _MASK


def _compounds(found: Sequence[Word]) -> Iterable[str]:
    run: list[str] = []
    for word in found:
        if word.is_noun:
            run.append(word.surface)
            continue
        if len(run) > 1:
            yield "".join(run)
        if run:
            run = []
    if len(run) > 1:
        yield "".join(run)


def _grams(text: str, reading: str) -> Iterator[Terms]:
    """The characters of a text, its pairs, its triples, and those of its reading."""
    # Of both at once; those that begin in the one and end in the other are left out.
    end = len(text)
    codes = np.frombuffer((text + reading).encode("utf-32-le"), np.uint32).astype(np.uint64)
    pairs = codes[:-1] << _SHIFT | codes[1:]
    triples = pairs[:-1] << _SHIFT | codes[2:]
    yield codes[:end] | _FIRST_OF_FAMILY[Family.CHARACTER]
    yield pairs[: max(end - 1, 0)] | _FIRST_OF_FAMILY[Family.BIGRAM]
    yield triples[: max(end - 2, 0)] | _FIRST_OF_FAMILY[Family.TRIGRAM]
    yield pairs[end:] | _FIRST_OF_FAMILY[Family.READING_BIGRAM]
    yield triples[end:] | _FIRST_OF_FAMILY[Family.READING_TRIGRAM]
