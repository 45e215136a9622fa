"""What a question is about, learned from questions: a linear model over TF-IDF terms.

Counting shared words treats every word of a question as equally telling. From enough examples a
linear support vector machine learns which words decide: あらゆる案件 tells the division, 教えて
tells nothing, and 何人 turns almost any question into one that the document does not answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.lexicon import Lexicon
from bot.retrieval.linear import Floats
from bot.retrieval.mapped import Arrays
from bot.retrieval.terms import Family, Terms, family_of

if TYPE_CHECKING:
    from bot.retrieval.rows import Example

_FAMILIES = tuple(family for family in Family if family not in (Family.CHARACTER, Family.TITLE))
"""The views that the model learns from; single characters measured no better."""

_SHARED = 4
"""A term that fewer examples have than this cannot generalise and is left out."""
_CELLS = 1 << 26
"""So many weights at most, a byte each; the commonest terms are kept."""
_LEVELS = 127
"""Weights are kept as whole parts of their term's greatest, as measured without loss."""
_NEVER = -1.0
"""The margin of a label that has no example."""
_REGULARISATION = 2.0
"""The C of the support vector machine; from 1 to 3 it hardly matters."""
_WORTH_A_PROCESS = 1_000_000
"""So many labels times examples take longer to learn than a process takes to start."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """How strongly a question speaks for each label: signed distances, above 0 is a yes.

    ``sections`` and ``sentences`` have one a row, and are empty where the document is not taught;
    ``outside`` is that of "the document does not answer", ``acts`` are those of the dialogue acts:
    greetings, thanks, "what else?" and the like; ``talk`` is that of small talk of any kind.
    """

    sections: Floats
    sentences: Floats
    outside: float
    talk: float
    acts: Floats


class Intents:
    """The learned model: a weight of every term for every label."""

    def __init__(self, arrays: Arrays, sections: int, sentences: int) -> None:
        self._lexicon = Lexicon(arrays["terms"])
        self._idf = arrays["idf"]
        self._scale = arrays["scale"]
        self._weights = arrays["weights"]
        self._bias = arrays["bias"]
        self._outside = int(arrays["outside"][0])
        # Views of one number, so that a document without examples costs nothing.
        self._no_sections = np.broadcast_to(_NEVER, sections)
        self._no_sentences = np.broadcast_to(_NEVER, sentences)

    def lean(self, terms: Terms) -> Leaning:
        """The margins of a question with these distinct, ascending terms."""
        places = self._lexicon.find(terms).places
        idf = self._idf[places]
        values = idf * self._scale[places]
        values /= math.sqrt(idf @ idf) or 1.0
        margins: Floats = values @ self._weights[places].astype(np.float64)
        margins += self._bias
        count, outside = len(self._no_sections), self._outside
        return Leaning(
            sections=margins[:count] if outside else self._no_sections,
            sentences=margins[count:outside] if outside else self._no_sentences,
            outside=float(margins[outside]),
            talk=float(margins[outside + 1]),
            acts=margins[outside + 2 :],
        )


def learn_intents(
    examples: Sequence[Example],
    terms: Sequence[Terms],
    *,
    sections: int,
    sentences: int,
    acts: Sequence[bool],
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Intents`` from examples and the terms of each; ``acts`` says of each
    dialogue act whether it is small talk.

    Labels are numbered through: sections and sentences, if any has an example, "the document does
    not answer", small talk, acts.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    outside = sections + sentences if any(example.sections for example in examples) else 0
    talk = outside + 1
    truth = np.zeros((talk + 1 + len(acts), len(examples)), bool)
    for number, example in enumerate(examples):
        truth[[*example.sections, *(sections + row for row in example.sentences)], number] = True
        if example.act is not None:
            truth[talk, number] = acts[example.act]
            truth[talk + 1 + example.act, number] = True
        elif not example.sections:
            truth[outside, number] = True
    vocabulary, has = _which(terms, _CELLS // len(truth))
    tfidf = TfidfTransformer()
    weights, bias = _fit(tfidf.fit_transform(has), truth)
    scale = np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-9) / _LEVELS
    return {
        "outside": np.array([outside]),
        "terms": vocabulary,
        "idf": tfidf.idf_,
        "scale": scale,
        "weights": np.rint(weights / scale[:, None]).astype(np.int8),
        "bias": bias,
    }


def _fit(features: Any, truth: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Weights, a column a label, and biases that tell each label (line of ``truth``) from all
    others.
    """
    from bot.retrieval.parallel import cores, each

    parts = min(cores(), len(truth)) if truth.size > _WORTH_A_PROCESS else 1
    fitted = each(_fit_part, [(features, part) for part in np.array_split(truth, parts)])
    weights, bias = zip(*fitted, strict=True)
    return np.hstack(weights), np.concatenate(bias)


def _fit_part(part: tuple[Any, NDArray[np.bool_]]) -> tuple[Floats, Floats]:
    from sklearn.svm import LinearSVC

    features, truth = part
    weights = np.zeros((features.shape[1], len(truth)))
    bias = np.full(len(truth), _NEVER)
    for label in np.flatnonzero(truth.any(axis=1)):
        if truth[label].all():
            bias[label] = -_NEVER
            continue
        model = LinearSVC(C=_REGULARISATION, tol=1e-2, random_state=0).fit(features, truth[label])
        weights[:, label] = model.coef_[0]
        bias[label] = model.intercept_[0]
    return weights, bias


def _which(terms: Sequence[Terms], most: int) -> tuple[Terms, Any]:
    """The vocabulary, ``most`` terms at most, and, sparse, which example has which term of it."""
    from scipy.sparse import csr_matrix

    kept = [np.unique(each[np.isin(family_of(each), _FAMILIES)]) for each in terms]
    vocabulary, columns = np.unique(np.concatenate(kept), return_inverse=True)
    starts = np.cumsum([0, *map(len, kept)])
    shape = (len(terms), len(vocabulary))
    has = csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
    frequency = np.bincount(columns, minlength=len(vocabulary))
    commonest = np.sort(np.argsort(-frequency, kind="stable")[:most])
    commonest = commonest[frequency[commonest] >= _SHARED]
    return vocabulary[commonest], has[:, commonest]
