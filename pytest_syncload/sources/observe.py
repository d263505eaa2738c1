"""Answers → one `Observation` a row, pure: which fold makes its value, and what keeps it from having one."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.facts.catalogue import Fold, Preset, Query, Role, preset_of, queries_for, service_of
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.tasks import Census
from pytest_syncload.sources.case import Case
from pytest_syncload.sources.climbed import fold_climb, last_step_held
from pytest_syncload.sources.cloudwatch import MINUTE_S, asks_of
from pytest_syncload.sources.fold import fold_ratio, fold_sum, fold_worst
from pytest_syncload.sources.own import fold_own
from pytest_syncload.sources.required import require_answers, require_settled
from pytest_syncload.sources.reserved import fold_capacity, fold_used
from pytest_syncload.sources.settle import Reading
from pytest_syncload.sources.tasks import fold_tasks

_EMPTY = Series(timestamps=(), values=(), period_s=MINUTE_S)
_FOLDS = {
    Fold.WORST: fold_worst,
    Fold.RATIO: fold_ratio,
    Fold.SUM: fold_sum,
    Fold.USED: fold_used,
    Fold.CAPACITY: fold_capacity,
}


def observe(
    slo: Slo, reading: Reading, resources: Resources, result: PhaseResult, census: Census | None = None
) -> Observation:
    """The row's value over the result's window. Never raises: what is missing is the observation's ``problem``."""
    preset = preset_of(slo)
    if preset.fold is Fold.TASKS:
        return _observe_tasks(slo, preset, resources, result, census)
    if preset.fold is Fold.OWN:
        return _observe_own(slo, preset, result)
    if preset.fold is Fold.CLIMB:
        return _observe_climb(slo, preset, result)
    queries: tuple[Query, ...] = ()
    folded = None
    problem = None
    try:
        require_a_step(result)
        queries = queries_for(slo, resources)
        # What cannot be asked was not fetched, and that is why.
        require_settled(reading, [ask.query for ask in asks_of(slo, resources, result.window)])
        require_answers(reading)
        case = Case(slo=slo, preset=preset, queries=queries, answers=reading.answers, result=result)
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


def require_a_step(result: PhaseResult) -> None:
    """Raise `Inconclusive` where a climb has no step that held: its rows speak of the last one."""
    if (missing := last_step_held(result)) is not None:
        raise Inconclusive(missing)


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
    missing = last_step_held(result)
    return Observation(
        slo=slo,
        window=result.window,
        kind=preset.kind,
        value=found.value,
        samples=found.n,
        series=found.series or _EMPTY,
        sources=(f"ECS ListTasks and DescribeTasks {{cluster={cluster}, serviceName={service}}}",),
        parts={},
        problem=missing or found.problem,
        notes=found.notes,
    )


def _observe_climb(slo: Slo, preset: Preset, result: PhaseResult) -> Observation:
    found = problem = None
    try:
        found = fold_climb(slo, result)
    except Inconclusive as error:
        problem = str(error)
    notes = () if found is None else found.notes
    return _of_the_load(
        slo, preset, result, None if found is None else found.value, "the steps of this climb", problem, notes
    )


def _observe_own(slo: Slo, preset: Preset, result: PhaseResult) -> Observation:
    found = problem = None
    try:
        found = fold_own(result, slo.target)
    except Inconclusive as error:
        problem = str(error)
    source = "requests of this load that check its own Idempotency-Keys"
    notes = () if found is None else found.notes
    seen = _of_the_load(slo, preset, result, None if found is None else found.value, source, problem, notes)
    return seen if found is None else replace(seen, parts=found.parts)


def _of_the_load(
    slo: Slo,
    preset: Preset,
    result: PhaseResult,
    value: float | None,
    source: str,
    problem: str | None,
    notes: tuple[str, ...],
) -> Observation:
    """What the load itself knows, and no service publishes: a value without a series."""
    return Observation(
        slo=slo,
        window=result.window,
        kind=preset.kind,
        value=value,
        samples=None,
        series=_EMPTY,
        sources=(source,),
        parts={},
        problem=problem,
        notes=notes,
    )
