"""What a question is about, learned from questions.

Counting shared words treats every word of a question as equally telling. From enough examples a
linear support vector machine learns which words decide: あらゆる案件 tells the division, 教えて
tells nothing, and 何人 turns almost any question into one that the document does not answer. The
examples most like the question speak as well: they know what no linear model can, such as that
the phone number of one office is there and that of another is not.
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
from bot.retrieval.top import top

_FAMILIES = tuple(family for family in Family if family not in (Family.CHARACTER, Family.TITLE))
"""The views that the model learns from; single characters measured no better."""

_ALIKE = (Family.WORD, Family.BIGRAM, Family.READING_BIGRAM, Family.SYNONYM)
"""The views by which two questions are alike."""
_IS_ALIKE = np.isin(np.arange(len(Family)), _ALIKE)
_NOTHING = 0.02
"""Weights below this are left out: five of six, with a three-hundredth of the squared sum."""
_NEVER = -1.0
"""The margin of a label that has no example."""
_NEIGHBOURS = 40
_WHOLE = np.iinfo(np.uint16).max
"""What stands for 1 in the examples' values: whole numbers are read faster than half precision."""
_REGULARISATION = 2.0
"""The C of the support vector machine; from 1 to 3 it hardly matters."""
_WORTH_A_PROCESS = 100_000
"""So many labels times examples take longer to learn than a process takes to start."""
_POWER = 3
"""A neighbour's vote is its similarity to this power."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Leaning:
    """What the examples say of a question.

    ``sections`` and ``sentences`` are margins, one a row, and ``outside`` is that of "the document
    does not answer": signed distances, above 0 the model would say yes. ``nearest`` is for each
    section the similarity (0 to 1) of the example most like the question, and ``votes`` the
    section's share among the nearest examples; ``nearest_outside`` and ``votes_outside`` likewise.
    ``acts`` are the margins of the dialogue acts: greetings, thanks, "what else?" and the like.
    """

    sections: Floats
    sentences: Floats
    outside: float
    nearest: Floats
    votes: Floats
    nearest_outside: float
    votes_outside: float
    acts: Floats


class Intents:
    """The learned model: weights of terms for labels, and the examples themselves."""

    def __init__(self, arrays: Arrays, sections: int, sentences: int) -> None:
        self._terms = arrays["terms"]
        self._idf = arrays["idf"]
        self._weights = _Rows(arrays["first_weight"], arrays["weight_labels"], arrays["weights"])
        self._bias = arrays["bias"]
        self._examples = _Rows(arrays["first_value"], arrays["value_examples"], arrays["values"])
        self._first_label = arrays["first_label"]
        self._labels = arrays["labels"]
        self._sections = sections
        self._outside = sections + sentences

    def lean(self, terms: Terms, counts: NDArray[np.intp]) -> Leaning:
        """What the examples say of a question with these distinct terms, each so often."""
        places = np.searchsorted(self._terms, terms)
        np.minimum(places, len(self._terms) - 1, out=places)
        known = self._terms[places] == terms
        places = places[known]
        values = (1 + np.log(counts[known])) * self._idf[places]
        margins = self._weights.product(places, _normal(values), len(self._bias)) + self._bias
        alike = _IS_ALIKE[family_of(terms[known])]
        nearest, votes = self._neighbours(places[alike], _normal(values[alike]))
        return Leaning(
            sections=margins[: self._sections],
            sentences=margins[self._sections : self._outside],
            outside=float(margins[self._outside]),
            nearest=nearest[:-1],
            votes=votes[:-1],
            nearest_outside=float(nearest[-1]),
            votes_outside=float(votes[-1]),
            acts=margins[self._outside + 1 :],
        )

    def _neighbours(self, places: NDArray[np.intp], values: Floats) -> tuple[Floats, Floats]:
        """For each section, and last for none of them: the greatest similarity, the votes."""
        count = len(self._first_label) - 1
        similarity = self._examples.product(places, values / _WHOLE, count)
        best = top(similarity, _NEIGHBOURS)
        first, last = self._first_label[best], self._first_label[best + 1]
        labels = gather(self._labels, first, last)
        near = np.repeat(similarity[best], last - first)
        nearest, votes = np.zeros(self._sections + 1), np.zeros(self._sections + 1)
        np.maximum.at(nearest, labels, near)
        np.add.at(votes, labels, near**_POWER / np.repeat(last - first, last - first))
        return nearest, votes / max(votes.sum(), 1e-9)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A sparse matrix by rows: row i has ``values`` in ``columns`` from ``first[i]`` to
    ``first[i + 1]``.
    """

    first: NDArray[np.int64]
    columns: NDArray[Any]
    values: NDArray[Any]

    def product(self, rows: NDArray[np.intp], factors: Floats, width: int) -> Floats:
        """The sum of some rows, each times its factor."""
        first, last = self.first[rows], self.first[rows + 1]
        weighed = gather(self.values, first, last) * np.repeat(factors, last - first)
        columns = gather(self.columns, first, last)
        return np.bincount(columns, weighed, width).astype(np.float64, copy=False)


def learn_intents(
    examples: Sequence[Example], terms: Sequence[Terms], *, sections: int, sentences: int, acts: int
) -> dict[str, NDArray[Any]]:
    """The arrays of ``Intents`` from examples and the terms of each.

    Labels are numbered through: sections, sentences, "the document does not answer", acts.

    A term that one example alone has cannot generalise and is left out.
    """
    from sklearn.feature_extraction.text import TfidfTransformer
    from sklearn.preprocessing import normalize

    vocabulary, counts = _count(terms)
    tfidf = TfidfTransformer(sublinear_tf=True)
    features = tfidf.fit_transform(counts)
    outside = sections + sentences
    truth = np.zeros((outside + 1 + acts, len(examples)), bool)
    for number, example in enumerate(examples):
        truth[[*example.sections, *(sections + row for row in example.sentences)], number] = True
        if not example.sections:
            truth[outside if example.act is None else outside + 1 + example.act, number] = True
    weights, bias = _fit(features, truth)
    alike = normalize(features.multiply(_IS_ALIKE[family_of(vocabulary)])).T.tocsr()
    alike.eliminate_zeros()
    labels = [example.sections or (sections,) for example in examples]
    return {
        "terms": vocabulary,
        "idf": tfidf.idf_,
        **_packed("weight", "labels", weights, weights.data.astype(np.float16)),
        "bias": bias,
        **_packed("value", "examples", alike, np.rint(alike.data * _WHOLE).astype(np.uint16)),
        "first_label": np.cumsum([0, *map(len, labels)]),
        "labels": np.array([row for rows in labels for row in rows]),
    }


def _packed(name: str, columns: str, matrix: Any, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The arrays of ``_Rows`` of a sparse matrix with these values, as small as they may be."""
    return {
        f"first_{name}": matrix.indptr.astype(np.int64),
        f"{name}_{columns}": matrix.indices.astype(np.min_scalar_type(matrix.shape[1])),
        f"{name}s": values,
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


def _normal(values: Floats) -> Floats:
    """The values brought to length 1, as TF-IDF compares texts by the cosine."""
    return values / (float(np.sqrt(values @ values)) or 1.0)
