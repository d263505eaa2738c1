"""Answers → one `Observation` a row, pure. A value stands on data points that are there, or there is no value.

Missing data follows the metric's policy in the catalogue; NaN and infinities are never values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from pytest_syncload.facts.catalogue import PRESETS, Absent, Fold, Preset, Query, Role, queries_for
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Resources, Slo
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.cloudwatch import COMPLETE, MINUTE_S, Answer, Ask, whole
from pytest_syncload.sources.settle import allowed_difference

_EMPTY = Series(timestamps=(), values=(), period_s=MINUTE_S)


def observe(slo: Slo, answers: Mapping[Ask, Answer], resources: Resources, result: PhaseResult) -> Observation:
    """The row's value over the result's window. Never raises: what is missing is the observation's ``problem``."""
    preset = PRESETS.get(slo.metric or "") or _raw_preset(slo)
    queries: tuple[Query, ...] = ()
    try:
        queries = queries_for(slo, resources)
        value, samples, series, parts = _FOLDS[preset.fold](slo, preset, queries, answers, result)
        problem = None
    except Inconclusive as error:
        value, samples, series, parts, problem = None, None, _EMPTY, {}, str(error)
    return Observation(
        slo=slo,
        window=result.window,
        kind=preset.kind,
        value=value,
        samples=samples,
        series=series,
        sources=tuple(str(query) for query in queries if query.role is not Role.ALIVE),
        parts=parts,
        problem=problem,
    )


_Folded = tuple[float, int | None, Series, dict[str, float]]


def _fold_whole_window(
    slo: Slo, preset: Preset, queries: tuple[Query, ...], answers: Mapping[Ask, Answer], result: PhaseResult
) -> _Folded:
    (query, *siblings) = queries
    minutes = _whole_answer(answers, Ask(query, MINUTE_S))
    if query.statistic in ("Sum", "SampleCount"):
        if siblings:
            _require_alive(query, queries, answers, result)
        else:
            _require_every_minute(minutes, result)
        return sum(minutes.values) * preset.factor, None, _series(minutes, preset), {}
    folded = _whole_answer(answers, Ask(query, whole(result.window)))
    counts = _whole_answer(answers, Ask(replace(query, statistic="SampleCount"), MINUTE_S))
    _require_points(folded)
    _require_every_minute(minutes, result)
    if folded.timestamps != (result.window.start,):
        raise Inconclusive(f"{query} came back for another period than the window; nothing else is asked")
    _require_every_minute(counts, result)
    samples = int(sum(counts.values))
    if preset.every_request and abs(samples - result.wire_requests) > allowed_difference(
        result.wire_requests, result.in_flight_edges
    ):
        raise Inconclusive(
            f"{query} has {samples} samples where this load put {result.wire_requests} requests on the wire: "
            "it does not speak of this load"
        )
    return folded.values[0] * preset.factor, samples, _series(minutes, preset), {}


def _fold_ratio(
    slo: Slo, preset: Preset, queries: tuple[Query, ...], answers: Mapping[Ask, Answer], result: PhaseResult
) -> _Folded:
    above = _whole_answer(answers, Ask(_by_role(queries, Role.NUMERATOR), MINUTE_S))
    below = _whole_answer(answers, Ask(_by_role(queries, Role.DENOMINATOR), MINUTE_S))
    _require_every_minute(below, result)
    total = sum(below.values)
    if total <= 0:
        raise Inconclusive(f"{below.ask.query} is {total}: a share of no requests proves nothing")
    if set(above.timestamps) - set(below.timestamps):
        raise Inconclusive(f"{above.ask.query} has minutes in which {below.ask.query} has none")
    share = 100 * sum(above.values) / total
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
    if preset.client_view == "failed":
        failed = result.hold.failed_percent
        if failed is None:
            raise Inconclusive("the load saw no answer at all")
        parts["client"] = failed
    return max(parts.values()), int(total), series, parts


def _fold_sum(
    slo: Slo, preset: Preset, queries: tuple[Query, ...], answers: Mapping[Ask, Answer], result: PhaseResult
) -> _Folded:
    parts: dict[str, float] = {}
    minutes: dict[float, float] = {}
    for query in (query for query in queries if query.role is Role.VALUE):
        answer = _whole_answer(answers, Ask(query, MINUTE_S))
        if preset.absent is Absent.ZERO_WHILE_ALIVE:
            _require_alive(query, queries, answers, result)
        else:
            _require_every_minute(answer, result)
        parts[f"{query.group} {query.name}"] = sum(answer.values)
        for stamp, value in zip(answer.timestamps, answer.values, strict=True):
            minutes[stamp] = minutes.get(stamp, 0.0) + value
    stamps = result.window.minutes
    series = Series(timestamps=stamps, values=tuple(minutes.get(stamp, 0.0) for stamp in stamps), period_s=MINUTE_S)
    return sum(parts.values()), None, series, parts


_FOLDS = {Fold.WHOLE_WINDOW: _fold_whole_window, Fold.RATIO: _fold_ratio, Fold.SUM: _fold_sum}


def _require_alive(
    query: Query, queries: tuple[Query, ...], answers: Mapping[Ask, Answer], result: PhaseResult
) -> None:
    """A minute without a point is zero only if a sibling shows traffic in that very minute."""
    siblings = [other for other in queries if other.role is Role.ALIVE and other.group == query.group]
    alive: set[float] = set()
    for sibling in siblings:
        told = _whole_answer(answers, Ask(sibling, MINUTE_S))
        alive |= {stamp for stamp, value in zip(told.timestamps, told.values, strict=True) if value > 0}
    silent = {*result.window.minutes} - alive - {*_whole_answer(answers, Ask(query, MINUTE_S)).timestamps}
    if silent:
        names = " and ".join(sibling.name for sibling in siblings)
        raise Inconclusive(
            f"no data point for {query}, and none of {names} shows that {query.group or 'it'} was used in "
            f"{len(silent)} of {len(result.window.minutes)} minutes; silence is zero only beside traffic: is the name "
            "right?"
        )


def _require_points(answer: Answer) -> None:
    if not answer.values:
        raise Inconclusive(
            f"no data point for {answer.ask.query} in the window; are name, dimensions and region right?"
        )


def _require_every_minute(answer: Answer, result: PhaseResult) -> None:
    _require_points(answer)
    wanted = result.window.minutes
    if answer.timestamps != wanted:
        there = len({*wanted} & {*answer.timestamps})
        raise Inconclusive(f"{answer.ask.query} has {there} of the window's {len(wanted)} minutes")


def _whole_answer(answers: Mapping[Ask, Answer], ask: Ask) -> Answer:
    answer = answers.get(ask)
    if answer is None:
        raise Inconclusive(f"{ask.query} was never fetched")
    if answer.status != COMPLETE:
        raise Inconclusive(f"{ask.query} is {answer.status}, not {COMPLETE}")
    for value in answer.values:
        if not math.isfinite(value):
            raise Inconclusive(f"{ask.query} came back as {value}, which is no measurement")
    return answer


def _by_role(queries: tuple[Query, ...], role: Role) -> Query:
    return next(query for query in queries if query.role is role)


def _series(answer: Answer, preset: Preset) -> Series:
    return Series(
        timestamps=answer.timestamps,
        values=tuple(value * preset.factor for value in answer.values),
        period_s=answer.ask.period_s,
    )


def _raw_preset(slo: Slo) -> Preset:
    absent = Absent.ZERO_WHILE_ALIVE if slo.alive is not None else Absent.INCONCLUSIVE
    kind: Kind = slo.target.kind
    return Preset(name="query", kind=kind, what="a CloudWatch metric written out in slo.yaml", absent=absent)
