"""What a fold works on, the value it gives, and the look at an answer that lets nothing less than whole through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_syncload.facts.catalogue import Preset, Query, Role
from pytest_syncload.facts.observation import Series
from pytest_syncload.facts.plan import Slo
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.sources.cloudwatch import MINUTE_S, Answer, Ask
from pytest_syncload.sources.required import (
    require_complete,
    require_fetched,
    require_inside_window,
    require_numbers,
    require_possible,
    require_use,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A value and what it was made of; see `Observation`."""

    value: float
    samples: int | None
    series: Series
    parts: Mapping[str, float] = field(default_factory=dict)
    after: Series | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row, what its preset asks, and what was answered."""

    slo: Slo
    preset: Preset
    queries: tuple[Query, ...]
    answers: Mapping[Ask, Answer]
    result: PhaseResult

    def answer(self, query: Query, period_s: int = MINUTE_S) -> Answer:
        """What was said of the query over the hold. Raises `Inconclusive` where that is not a whole answer."""
        return self.whole(Ask(query, period_s, self.result.window))

    def whole(self, ask: Ask) -> Answer:
        """What was said of ``ask``. Raises `Inconclusive` where that is not whole, possible, inside its window."""
        return whole_answer(self.answers, ask)

    def of_role(self, role: Role) -> list[Query]:
        """The preset's queries that play this role."""
        return [query for query in self.queries if query.role is role]

    def require_alive(self, query: Query) -> None:
        """Where ``query`` is silent, what it speaks of was used. Raises `Inconclusive`."""
        siblings = siblings_of(query, self.of_role(Role.ALIVE))
        require_use(self.answer(query), [self.answer(sibling) for sibling in siblings], query.group)


def whole_answer(answers: Mapping[Ask, Answer], ask: Ask) -> Answer:
    """What was said of ``ask``. Raises `Inconclusive` where that is not whole, possible, inside its window."""
    answer = require_fetched(answers, ask)
    require_complete(answer)
    require_numbers(answer)
    require_possible(answer)
    require_inside_window(answer)
    return answer


def siblings_of(query: Query, alive: Sequence[Query]) -> list[Query]:
    """Those that speak of the very resource: a table that is used shows nothing of its index."""
    return [other for other in alive if other.group == query.group]


def series_of(answer: Answer, factor: float) -> Series:
    """An answer's points, times ``factor``."""
    return Series(
        timestamps=answer.timestamps,
        values=tuple(value * factor for value in answer.values),
        period_s=answer.ask.period_s,
    )
