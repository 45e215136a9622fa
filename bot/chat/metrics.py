"""What the bot counts, kept in plain numbers until somebody asks for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import Metric

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_NAMES = {
    "answers": ("Replies given, by kind", ("kind",)),
    "votes": ("Votes on answers", ("vote",)),
    "refused": ("Refused, by reason", ("reason",)),
    "failures": ("Things that failed, by what", ("what",)),
    "reloads": ("Readings of the knowledge, by result", ("result",)),
    "connections": ("Sessions with the gateway, new or resumed", ("session",)),
}


class Metrics:
    """Counters, and how long answering took. Collected by prometheus-client where it is asked."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def count(self, name: str, label: str) -> None:
        """Count one more."""
        self._counts[name, label] += 1

    def counted(self, name: str, label: str) -> int:
        """How many there were."""
        return self._counts[name, label]

    def took(self, seconds: float) -> None:
        """Count an answer by how long it took."""
        place = next((i for i, edge in enumerate(_BUCKETS) if seconds <= edge), len(_BUCKETS))
        self._buckets[place] += 1
        self._seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """Everything counted, as prometheus-client wants it."""
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        for name, (meaning, labels) in _NAMES.items():
            family = CounterMetricFamily(f"madoguchi_{name}", meaning, labels=labels)
            for (counted, label), number in sorted(self._counts.items()):
                if counted == name:
                    family.add_metric([label], number)
            yield family
        total = 0
        buckets: list[tuple[str, float]] = []
        for edge, number in zip([*map(str, _BUCKETS), "+Inf"], self._buckets, strict=True):
            total += number
            buckets.append((edge, total))
        yield HistogramMetricFamily(
            "madoguchi_answer_seconds",
            "Time from a question to its reply, without sending it",
            buckets=buckets,
            sum_value=self._seconds,
        )
