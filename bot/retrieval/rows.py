"""A document laid out in rows: its sections, their sentences, and the questions that teach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bot.document.model import Asked, Division, Document, Gold, Section, holds, outline
from bot.document.sentences import split_sentences
from bot.retrieval.context import Context, Cues, Way, longest_first, readings
from bot.text import normalize, squeeze


@dataclass(frozen=True, slots=True)
class Example:
    """A normalised question and the rows that answer it.

    ``sections`` are alternatives, any of which is right, and empty where the document does not
    say; ``sentences`` are those of them that hold the answer, as far as that is known. ``act`` is
    the number of the dialogue act, where it is one instead of a question.
    """

    question: str
    sections: tuple[int, ...]
    sentences: tuple[int, ...]
    act: int | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Sections, sentences and examples in the order of the document.

    ``division_of[i]`` is the division of section i; sentences ``first_sentence[i]`` to
    ``first_sentence[i + 1]`` are those of section i.
    """

    sections: tuple[Section, ...]
    division_of: tuple[int, ...]
    sentences: tuple[str, ...]
    first_sentence: tuple[int, ...]
    examples: tuple[Example, ...]


def lay_out(document: Document) -> Rows:
    """The rows of a document."""
    sections: list[Section] = []
    division_of: list[int] = []
    sentences: list[str] = []
    first = [0]
    for number, division in enumerate(document.divisions):
        for section in outline(division):
            sections.append(section)
            division_of.append(number)
            sentences += [sentence.strip() for sentence in split_sentences(section.passage)]
            first.append(len(sentences))
    finder = _Finder(document.divisions, sections, division_of, sentences, first)
    return Rows(
        tuple(sections),
        tuple(division_of),
        tuple(sentences),
        tuple(first),
        tuple(_merged(finder.examples(document))),
    )


class _Finder:
    """Finds the rows that hold the answers of examples."""

    def __init__(
        self,
        divisions: Sequence[Division],
        sections: Sequence[Section],
        division_of: Sequence[int],
        sentences: Sequence[str],
        first: Sequence[int],
    ) -> None:
        self._divisions = divisions
        self._sections = sections
        self._squeezed = [squeeze(sentence) for sentence in sentences]
        self._first = first
        self._of_division: dict[str, list[int]] = {}
        for row, number in enumerate(division_of):
            self._of_division.setdefault(divisions[number].name, []).append(row)

    def examples(self, document: Document) -> Iterator[Example]:
        yield from self._written()
        for asked in (*document.asked.questions, *_in_context(document)):
            yield Example(normalize(asked.text), *self.golds(asked.golds))
        for question in (*document.outside, *document.common.outside):
            yield Example(normalize(question), (), ())
        for number, act in enumerate(document.common.acts.values()):
            for said in act.examples:
                yield Example(normalize(said), (), (), number)

    def _written(self) -> Iterator[Example]:
        """The questions that stand beside sections and answers."""
        for division in self._divisions:
            for row in self._of_division[division.name]:
                for question in self._sections[row].questions:
                    yield Example(normalize(question), (row,), ())
            for answer in division.answers:
                places = self._places(division.name, answer.span, answer.section)
                for question in answer.questions:
                    yield Example(normalize(question), *places)

    def golds(self, golds: Sequence[Gold]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sections and sentences of all alternatives."""
        sections: dict[int, None] = {}
        sentences: dict[int, None] = {}
        for gold in golds:
            rows, held = self._places(gold.division, gold.span, gold.section)
            sections.update(dict.fromkeys(rows))
            sentences.update(dict.fromkeys(held))
        return tuple(sections), tuple(sentences)

    def _places(
        self, division: str, span: str, heading: str | None
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The section that holds the span, under the heading if it can be, and its sentence."""
        of_division = self._of_division.get(division, [])
        under = [row for row in of_division if holds(self._sections[row], span, heading)]
        anywhere = [row for row in of_division if holds(self._sections[row], span)]
        for row in under or anywhere:
            for sentence in range(self._first[row], self._first[row + 1]):
                if squeeze(span) in self._squeezed[sentence]:
                    return (row,), (sentence,)
            return (row,), ()
        return (), ()


def _in_context(document: Document) -> Iterator[Asked]:
    """The lines of the dialogues as the whole questions that they may be.

    What a line hangs on is not written down: it may be what was said first, or what was said last.
    """
    cues = Cues(document.common.cues)
    names = longest_first(name for division in document.divisions for name in division.names)
    for dialogue in document.asked.dialogues:
        turns = [turn for turn in dialogue.turns if not turn.smalltalk]
        yield from turns[:1]
        division, last = "", turns[0].text if turns else ""
        for before, turn in pairwise(turns):
            division = _division_of(before) or division
            read = [
                reading
                for topic in (turns[0], before)
                for reading in readings(Context(topic.text, last, division), turn.text, cues, names)
            ]
            # The same asked of another division is what the next line hangs on.
            last = next((each.text for each in read if each.way is Way.SWAP), turn.text)
            for text in {each.text: None for each in read if each.way is not Way.ALONE}:
                yield replace(turn, text=text)


def _division_of(asked: Asked) -> str:
    return asked.golds[0].division if asked.golds else ""


def _merged(examples: Iterator[Example]) -> Iterator[Example]:
    """Each question once, with all that answers it."""
    found: dict[str, Example] = {}
    for example in examples:
        same = found.get(example.question, example)
        found[example.question] = Example(
            example.question,
            tuple(dict.fromkeys((*same.sections, *example.sections))),
            tuple(dict.fromkeys((*same.sentences, *example.sentences))),
            same.act,
        )
    yield from found.values()
