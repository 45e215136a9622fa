"""Why a reply is what it is: candidates, what spoke for each, and the words that matched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bot.assistant import Assistant
from bot.retrieval.confidence import CONFIDENCE_FEATURES, confidence_features
from bot.retrieval.index import Index
from bot.retrieval.rank import SECTION_FEATURES, Ranking
from bot.retrieval.terms import word_term

_SHOWN = 5


def explain(assistant: Assistant, question: str, division: str | None) -> Iterator[str]:
    """The lines of an explanation: the best sections with their scores, the confidence."""
    index = assistant.index
    ranking, probability = assistant.understanding.judge(question, division)
    words = ranking.hits.question.analysis.words
    yield "question: " + " | ".join(word.surface for word in words)
    for place, row in enumerate(ranking.rows[:_SHOWN].tolist()):
        yield from _candidate(index, ranking, place, row)
    yield f"confidence {probability:.3f}, from:"
    weights = index.weights("confidence")
    features = dict(zip(CONFIDENCE_FEATURES, confidence_features(index, ranking), strict=True))
    weighed = {name: weights.get(name, 0.0) * value for name, value in features.items()}
    for name in sorted(features, key=lambda name: -abs(weighed[name])):
        if value := weighed[name]:
            yield f"  {value:+7.3f}  {name} = {features[name]:.3f}"


def _candidate(index: Index, ranking: Ranking, place: int, row: int) -> Iterator[str]:
    section = index.section(row)
    name = index.division(section.division).names.name
    yield f"{place + 1}. {name} › {section.heading}  (score {ranking.scores[place]:.3f})"
    weights = index.weights("section")
    features = zip(SECTION_FEATURES, ranking.features[place], strict=True)
    parts = (f"{part} {weights.get(part, 0.0) * value:+.2f}" for part, value in features)
    yield "   " + "  ".join(parts)
    held = ranking.hits.question.sought[ranking.hits.passages.held(row)]
    content = {w.lemma for w in ranking.hits.question.analysis.words if w.is_content}
    found = sorted(word for word in content if np.isin(word_term(word), held))
    yield "   words found: " + (" ".join(found) or "none")
