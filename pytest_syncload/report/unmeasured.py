"""What an engine could not say, in words: never a zero, and never a number that stands for another."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pytest_syncload.facts.result import Figure, PhaseResult

#: What stands where a number would.
NOT_MEASURED = "not measured"

#: Each figure, for a person.
NAMES = {
    Figure.LATENCY: "latency from the intended time",
    Figure.LAG: "the generator's lag",
    Figure.IN_FLIGHT: "requests in flight",
}


def latency_name(not_measured: Collection[Figure]) -> str:
    """What the client's own times are: latency, or the service time where that alone is known."""
    return "service time" if Figure.LATENCY in not_measured else "latency"


def counts_from(not_measured: Collection[Figure]) -> str:
    """Where those times begin."""
    return "the send" if Figure.LATENCY in not_measured else "the intended time"


def unmeasured_words(result: PhaseResult) -> Iterator[tuple[str, str]]:
    """Each figure that was not measured, and why."""
    for figure, why in result.not_measured.items():
        yield NAMES[figure], f"{NOT_MEASURED}: {why}"
