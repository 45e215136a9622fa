"""What a question is about, learned from questions: a linear model over TF-IDF terms.

Counting shared words treats every word of a question as equally telling. From enough examples a
linear support vector machine learns which words decide: あらゆる案件 tells the division, 教えて
tells nothing, and 何人 turns almost any question into one that the document does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.retrieval.mapped import Arrays
from bot.retrieval.parallel import cores, each
from bot.retrieval.postings import gather
from bot.retrieval.rows import Example
from bot.retrieval.terms import Family, Terms, family_of

_FAMILIES = tuple(family for family in Family if family not in (Family.CHARACTER, Family.TITLE))
"""The views that the model learns from; single characters measured no better."""

_NOTHING = 0.02
"""Weights below this are left out: five of six, with a three-hundredth of the squared sum."""
_NEVER = -1.0
"""The margin of a label that has no example."""
_REGULARISATION = 2.0
"""The C of the support vector machine; from 1 to 3 it hardly matters."""
_WORTH_A_PROCESS = 1_000_000
"""So many labels times examples take longer to learn than a process takes to start."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Leaning:
    """How strongly a question speaks for each label: signed distances, above 0 is a yes.

    ``sections`` and ``sentences`` have one a row, and are empty where the document is not taught;
    ``outside`` is that of "the document does not answer", ``acts`` are those of the dialogue acts:
    greetings, thanks, "what else?" and the like.
    """

    sections: Floats
    sentences: Floats
    outside: float
    acts: Floats


class Intents:
    """The learned model: weights of terms for labels."""

    def __init__(self, arrays: Arrays, sections: int, sentences: int) -> None:
        self._terms = arrays["terms"]
        self._idf = arrays["idf"]
        self._first = arrays["first"]
        self._labels = arrays["labels"]
        self._weights = arrays["weights"]
        self._bias = arrays["bias"]
        self._outside = int(arrays["outside"][0])
        # Views of one number, so that a document without examples costs nothing.
        self._no_sections = np.broadcast_to(_NEVER, sections)
        self._no_sentences = np.broadcast_to(_NEVER, sentences)

    def lean(self, terms: Terms, counts: NDArray[np.intp]) -> Leaning:
        """The margins of a question with these distinct terms, each so often."""
        places = np.searchsorted(self._terms, terms)
        np.minimum(places, len(self._terms) - 1, out=places)
        known = self._terms[places] == terms
        places = places[known]
        values = (1 + np.log(counts[known])) * self._idf[places]
        values /= float(np.sqrt(values @ values)) or 1.0
        first, last = self._first[places], self._first[places + 1]
        labels, weights = gather((self._labels, self._weights), first, last)
        weighed = weights * np.repeat(values, last - first)
        margins: Floats = np.add(self._bias, np.bincount(labels, weighed, len(self._bias)))
        count = len(self._no_sections)
        return Leaning(
            sections=margins[:count] if self._outside else self._no_sections,
            sentences=margins[count : self._outside] if self._outside else self._no_sentences,
            outside=float(margins[self._outside]),
            acts=margins[self._outside + 1 :],
        )


def learn_intents(
    examples: Sequence[Example], terms: Sequence[Terms], *, sections: int, sentences: int, acts: int
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Intents`` from examples and the terms of each.

    Labels are numbered through: sections and sentences, if any has an example, "the document does
    not answer", acts.

    A term that one example alone has cannot generalise and is left out.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    vocabulary, counts = _count(terms)
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(counts)
    outside = sections + sentences if any(example.sections for example in examples) else 0
    truth = np.zeros((outside + 1 + acts, len(examples)), bool)
    for number, example in enumerate(examples):
        truth[[*example.sections, *(sections + row for row in example.sentences)], number] = True
        if not example.sections:
            truth[outside if example.act is None else outside + 1 + example.act, number] = True
    weights, bias = _fit(features, truth)
    return {
        "outside": np.array([outside]),
        "terms": vocabulary,
        "idf": tfidf.idf_,
        "first": weights.indptr.astype(np.int64),
        "labels": weights.indices.astype(np.min_scalar_type(len(truth))),
        "weights": weights.data.astype(np.float32),
        "bias": bias,
    }


def _fit(features: Any, truth: NDArray[np.bool_]) -> tuple[Any, Floats]:
    """Weights, a sparse column a label, and biases that tell each label (line of ``truth``) from
    all others.
    """
    from scipy.sparse import hstack

    parts = min(cores(), len(truth)) if truth.size > _WORTH_A_PROCESS else 1
    fitted = each(_fit_part, [(features, part) for part in np.array_split(truth, parts)])
    weights, bias = zip(*fitted, strict=True)
    return hstack(weights).tocsr(), np.concatenate(bias)


def _fit_part(part: tuple[Any, NDArray[np.bool_]]) -> tuple[Any, Floats]:
    from scipy.sparse import csc_matrix, hstack
    from sklearn.svm import LinearSVC

    features, truth = part
    weights = [csc_matrix((features.shape[1], 1), dtype=np.float32)] * len(truth)
    bias = np.full(len(truth), _NEVER)
    for label in np.flatnonzero(truth.any(axis=1)):
        if truth[label].all():
            bias[label] = -_NEVER
            continue
        model = LinearSVC(C=_REGULARISATION, tol=1e-2, random_state=0).fit(features, truth[label])
        kept = np.where(np.abs(model.coef_) < _NOTHING, 0, model.coef_)
        weights[label] = csc_matrix(kept.T.astype(np.float32))
        bias[label] = model.intercept_[0]
    return hstack(weights), bias


def _count(terms: Sequence[Terms]) -> tuple[Terms, Any]:
    """The vocabulary and, sparse, how often each example has each term of it."""
    from scipy.sparse import csr_matrix

    kept = [each[np.isin(family_of(each), _FAMILIES)] for each in terms]
    vocabulary, columns = np.unique(np.concatenate(kept), return_inverse=True)
    starts = np.cumsum([0, *map(len, kept)])
    shape = (len(terms), len(vocabulary))
    counts = csr_matrix((np.ones(len(columns)), columns, starts), shape=shape)
    counts.sum_duplicates()
    shared = np.bincount(counts.indices, minlength=len(vocabulary)) > 1
    return vocabulary[shared], counts[:, shared]
