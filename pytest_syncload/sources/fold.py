"""Answers → one `Observation` a row, pure. A value stands on data points that are there, or there is no value.

Missing data follows the metric's policy in the catalogue; NaN and infinities are never values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pytest_syncload.facts.catalogue import (
    Absent,
    Fold,
    Preset,
    Query,
    Role,
    preset_of,
    queries_for,
    service_of,
)
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Resources, Slo, Target
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.tasks import Census
from pytest_syncload.sources.cloudwatch import (
    COUNTING,
    MINUTE_S,
    Answer,
    Ask,
    asks_of,
    behind,
    reaching_back,
    told_minutes,
    whole,
)
from pytest_syncload.sources.required import (
    client_failures,
    require_answers,
    require_complete,
    require_every_minute,
    require_fetched,
    require_inside_window,
    require_numbers,
    require_points,
    require_samples_of_this_load,
    require_settled,
    require_use,
    runs_of_minutes,
    share_of_requests,
    value_of_the_window,
)
from pytest_syncload.sources.settle import Reading
from pytest_syncload.sources.tasks import fold_tasks

_EMPTY = Series(timestamps=(), values=(), period_s=MINUTE_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folded:
    """A value and what it was made of; see `Observation`."""

    value: float
    samples: int | None
    series: Series
    parts: Mapping[str, float] = field(default_factory=dict)
    after: Series | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What a fold works on."""

    slo: Slo
    preset: Preset
    queries: tuple[Query, ...]
    answers: Mapping[Ask, Answer]
    result: PhaseResult

    def answer(self, query: Query, period_s: int = MINUTE_S) -> Answer:
        return _whole_answer(self.answers, Ask(query, period_s, self.result.window))

    def of_role(self, role: Role) -> list[Query]:
        return [query for query in self.queries if query.role is role]


def observe(
    slo: Slo, reading: Reading, resources: Resources, result: PhaseResult, census: Census | None = None
) -> Observation:
    """The row's value over the result's window. Never raises: what is missing is the observation's ``problem``."""
    preset = preset_of(slo)
    if preset.fold is Fold.TASKS:
        return _observe_tasks(slo, preset, resources, result, census)
    queries: tuple[Query, ...] = ()
    folded = None
    problem = None
    try:
        queries = queries_for(slo, resources)
        # What cannot be asked was not fetched, and that is why.
        require_settled(reading, [ask.query for ask in asks_of(slo, resources, result.window)])
        require_answers(reading)
        case = _Case(slo=slo, preset=preset, queries=queries, answers=reading.answers, result=result)
        folded = _FOLDS[preset.fold](case)
    except Inconclusive as error:
        problem = str(error)
    return Observation(
        slo=slo,
        window=result.window,
        kind=preset.kind,
        value=None if folded is None else folded.value,
        samples=None if folded is None else folded.samples,
        series=_EMPTY if folded is None else folded.series,
        sources=tuple(str(query) for query in queries if query.role is not Role.ALIVE),
        parts={} if folded is None else folded.parts,
        problem=problem,
        after=None if folded is None else folded.after,
    )


def _fold_worst(case: _Case) -> _Folded:
    """The value of each resource by itself, and of those the one that is worst for the target."""
    values = case.of_role(Role.VALUE)
    found = [_fold_one(case, query) for query in values]
    worst = worst_of(found, case.slo.target)
    if len(values) == 1:
        return worst
    parts = {f"{query.name} {query.part}".strip(): each.value for query, each in zip(values, found, strict=True)}
    # Each series must have been seen often enough, not all of them together.
    return replace(worst, parts=parts, samples=None if worst.samples is None else min(f.samples or 0 for f in found))


def _fold_one(case: _Case, query: Query) -> _Folded:
    minutes = case.answer(query)
    factor = case.preset.factor
    series = _series(minutes, factor)
    if query.statistic in COUNTING:
        if case.preset.absent is Absent.ZERO_WHILE_ALIVE:
            _require_alive(case, query)
        else:
            require_every_minute(minutes)
        return _Folded(value=sum(minutes.values) * factor, samples=None, series=series)
    counts = case.answer(replace(query, statistic="SampleCount"))
    require_every_minute(minutes)
    require_every_minute(counts)
    if case.preset.every_request:
        require_samples_of_this_load(counts, case.result)
    after = None
    if case.slo.drains_within_s is not None:
        window = behind(case.result.window, case.slo.drains_within_s)
        after = _series(_whole_answer(case.answers, Ask(query, MINUTE_S, window)), factor)
    if case.slo.sustained_s is not None:
        target = case.slo.target
        level = held_for(series.values, case.slo.sustained_s, target)
        extreme = min(series.values) if target.op in (">", ">=") else max(series.values)
        # Each minute stands by itself here, so the one with the fewest samples decides whether there were enough.
        fewest = int(min(counts.values))
        return _Folded(value=level, samples=fewest, series=series, parts={"worst minute": extreme}, after=after)
    value = value_of_the_window(case.answer(query, whole(case.result.window)), minutes)
    return _Folded(value=value * factor, samples=int(sum(counts.values)), series=series, after=after)


def worst_of(found: Sequence[_Folded], target: Target) -> _Folded:
    """Of the values of several resources the one that is furthest from what ``target`` wants."""
    worst = found[0]
    for other in found[1:]:
        if is_worse(other.value, worst.value, target):
            worst = other
    return worst


def is_worse(value: float, than: float, target: Target) -> bool:
    """Whether ``value`` is further from what ``target`` wants than ``than`` is."""
    if target.op in ("<", "<="):
        return value > than
    if target.op in (">", ">="):
        return value < than
    return abs(value - target.value) > abs(than - target.value)


def held_for(values: Sequence[float], seconds: float, target: Target) -> float:
    """The worst level that was held for so many service seconds without a break; ``values`` is one a minute.

    For ``< 1000`` and three minutes: of each three minutes in a row the lowest, and of those the highest. It meets the
    target exactly where no three minutes in a row break it. Raises `Inconclusive` where there are too few minutes.
    """
    runs = runs_of_minutes(values, seconds)
    if target.op in (">", ">="):
        return min(max(run) for run in runs)
    return max(min(run) for run in runs)


def _fold_ratio(case: _Case) -> _Folded:
    (above,) = (case.answer(query) for query in case.of_role(Role.NUMERATOR))
    (below,) = (case.answer(query) for query in case.of_role(Role.DENOMINATOR))
    require_every_minute(below)
    share = share_of_requests(above, below)
    errors = dict(zip(above.timestamps, above.values, strict=True))
    series = Series(
        timestamps=below.timestamps,
        values=tuple(
            100 * errors.get(stamp, 0.0) / count if count else 0.0
            for stamp, count in zip(below.timestamps, below.values, strict=True)
        ),
        period_s=MINUTE_S,
    )
    parts = {"CloudWatch": share}
    if case.preset.client_view == "failed":
        parts["client"] = client_failures(case.result)
    return _Folded(value=worse_view(parts), samples=int(sum(below.values)), series=series, parts=parts)


def worse_view(views: Mapping[str, float]) -> float:
    """The share of failures, in percent, as the side saw it that saw more of them."""
    return max(views.values())


def _fold_sum(case: _Case) -> _Folded:
    parts: dict[str, float] = {}
    minutes: dict[float, float] = {}
    for query in case.of_role(Role.VALUE):
        answer = case.answer(query)
        if case.preset.absent is Absent.ZERO_WHILE_ALIVE:
            _require_alive(case, query)
        else:
            require_every_minute(answer)
        parts[f"{query.part} {query.name}"] = sum(answer.values)
        for stamp, value in zip(answer.timestamps, answer.values, strict=True):
            minutes[stamp] = minutes.get(stamp, 0.0) + value
    stamps = case.result.window.minutes
    series = Series(timestamps=stamps, values=tuple(minutes.get(stamp, 0.0) for stamp in stamps), period_s=MINUTE_S)
    return _Folded(value=sum(parts.values()), samples=None, series=series, parts=parts)


def _fold_used(case: _Case) -> _Folded:
    """What is used of what is reserved: CloudWatch's average of each, over the window, and for each minute."""
    by_itself = replace(case, slo=replace(case.slo, sustained_s=None))
    (used,) = (_fold_one(by_itself, query) for query in case.of_role(Role.NUMERATOR))
    (reserved,) = (_fold_one(by_itself, query) for query in case.of_role(Role.DENOMINATOR))
    if min(reserved.value, *reserved.series.values) <= 0:
        raise Inconclusive(f"{case.preset.name} has minutes in which nothing is reserved: a share of it proves nothing")
    shares = [100 * above / below for above, below in zip(used.series.values, reserved.series.values, strict=True)]
    series = replace(used.series, values=tuple(shares))
    parts = {"used": used.value, "reserved": reserved.value}
    if case.slo.sustained_s is None:
        return _Folded(value=100 * used.value / reserved.value, samples=used.samples, series=series, parts=parts)
    level = held_for(shares, case.slo.sustained_s, case.slo.target)
    (query,) = case.of_role(Role.NUMERATOR)
    fewest = int(min(case.answer(replace(query, statistic="SampleCount")).values))
    return _Folded(value=level, samples=fewest, series=series, parts=parts)


def _fold_capacity(case: _Case) -> _Folded:
    """Of each table and index, of reads and of writes, how much of what is provisioned; and of those the worst."""
    target = case.slo.target
    worst = None
    parts = {}
    pairs = zip(case.of_role(Role.NUMERATOR), case.of_role(Role.DENOMINATOR), strict=True)
    for consumed, provisioned in pairs:
        _require_alive(case, consumed)
        found = _share_of_capacity(case, consumed, provisioned)
        parts[f"{consumed.name} {consumed.part}"] = found.value
        if worst is None or is_worse(found.value, worst.value, target):
            worst = found
    assert worst is not None, "the catalogue gives no query only where no table is listed, which is said before"
    return replace(worst, parts=parts)


def _share_of_capacity(case: _Case, consumed: Query, provisioned: Query) -> _Folded:
    window = case.result.window
    answer = _whole_answer(case.answers, Ask(provisioned, MINUTE_S, reaching_back(window, provisioned)))
    require_points(answer)
    told = told_minutes(answer, window)
    if set(told) != set(window.minutes):
        raise Inconclusive(f"{provisioned} speaks of {len(told)} of the window's {len(window.minutes)} minutes")
    if min(told.values()) <= 0:
        raise Inconclusive(f"{provisioned} is 0: on demand nothing is provisioned, so judge dynamodb.throttles instead")
    minutes = case.answer(consumed)
    units = dict(zip(minutes.timestamps, minutes.values, strict=True))
    # Units a second. A sandbox, in which a service minute is shorter, has no provisioned table.
    available = {minute: told[minute] * MINUTE_S for minute in window.minutes}
    shares = tuple(100 * units.get(minute, 0.0) / available[minute] for minute in window.minutes)
    series = Series(timestamps=window.minutes, values=shares, period_s=MINUTE_S)
    value = 100 * sum(minutes.values) / sum(available.values())
    if case.slo.sustained_s is not None:
        value = held_for(shares, case.slo.sustained_s, case.slo.target)
    return _Folded(value=value, samples=None, series=series)


_FOLDS = {
    Fold.WORST: _fold_worst,
    Fold.RATIO: _fold_ratio,
    Fold.SUM: _fold_sum,
    Fold.USED: _fold_used,
    Fold.CAPACITY: _fold_capacity,
}


def _observe_tasks(
    slo: Slo, preset: Preset, resources: Resources, result: PhaseResult, census: Census | None
) -> Observation:
    try:
        cluster, service = service_of(resources, preset.name)
    except Inconclusive as error:
        return Observation(
            slo=slo,
            window=result.window,
            kind=preset.kind,
            value=None,
            samples=None,
            series=_EMPTY,
            sources=(),
            parts={},
            problem=str(error),
        )
    found = fold_tasks(census, result.window)
    return Observation(
        slo=slo,
        window=result.window,
        kind=preset.kind,
        value=found.value,
        samples=found.n,
        series=found.series or _EMPTY,
        sources=(f"ECS ListTasks and DescribeTasks {{cluster={cluster}, serviceName={service}}}",),
        parts={},
        problem=found.problem,
        notes=found.notes,
    )


def _require_alive(case: _Case, query: Query) -> None:
    siblings = siblings_of(query, case.of_role(Role.ALIVE))
    require_use(case.answer(query), [case.answer(sibling) for sibling in siblings], query.group)


def siblings_of(query: Query, alive: Sequence[Query]) -> list[Query]:
    """Those that speak of the very resource: a table that is used shows nothing of its index."""
    return [other for other in alive if other.group == query.group]


def _whole_answer(answers: Mapping[Ask, Answer], ask: Ask) -> Answer:
    answer = require_fetched(answers, ask)
    require_complete(answer)
    require_numbers(answer)
    require_inside_window(answer)
    return answer


def _series(answer: Answer, factor: float) -> Series:
    return Series(
        timestamps=answer.timestamps,
        values=tuple(value * factor for value in answer.values),
        period_s=answer.ask.period_s,
    )
