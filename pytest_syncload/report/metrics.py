"""A run → metrics.txt: its seconds and verdicts as OpenMetrics text, for a time-series database.

Prometheus takes such text in by `promtool tsdb create-blocks-from openmetrics` (by its manual; not tried here). Names
and labels are a promise: add, do not rename. Units are base units (seconds) as OpenMetrics has them, but a row's value,
whose unit is a label. Every timestamp is wall time. A phase's seconds are left out where that is not known, because a
guess would put them beside other load, and where a run was judged again, because the same load would be there twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.report import PhaseReport, RunReport
from pytest_syncload.facts.result import Figure, Outcome, Second
from pytest_syncload.facts.units import CANONICAL

_RUN = ("service", "environment", "sandbox", "run_id")
_OF_PHASE = (*_RUN, "phase")
_WALL = (
    "Timestamps are wall time, at the end of the second. (The sandbox's CloudWatch lives in a time of its own, which "
    "runs faster and ahead of it; nothing here is in that time.)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """A second of a phase: ``at`` is the wall time of its end, epoch seconds."""

    at: float
    second: Second


class _Run(Collector):
    """Gives the families of one run; a metric's samples stand together, in order of time, as OpenMetrics wants them."""

    def __init__(self, report: RunReport) -> None:
        self._report = report
        where = report.where
        self._labels = (report.service, where.environment, str(where.is_sandbox).lower(), report.run_id)

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield self._info()
        yield self._arrivals()
        yield self._failed()
        yield self._latency()
        yield self._in_flight()
        yield from self._rows()

    def _info(self) -> Metric:
        report, where = self._report, self._report.where
        info = InfoMetricFamily("syncload_run", "The run: where its load went, and by which version.", labels=_RUN)
        says = {
            "version": report.version,
            "target": where.target,
            "region": where.region or "",
            "account": where.account or "",
            "rejudged_from": "" if report.rejudged is None else report.rejudged.run_id,
        }
        info.add_metric(self._labels, says, timestamp=_stamp(report.begun_at or None))
        return info

    def _arrivals(self) -> Metric:
        family = CounterMetricFamily(
            "syncload_arrivals",
            f"Arrivals by outcome, counted in the second in which they were due. {_WALL}",
            labels=(*_OF_PHASE, "outcome"),
        )
        for phase, moments in self._phases():
            seen = [outcome for outcome in Outcome if any(each.second.tally[outcome] for each in moments)]
            for outcome in seen or [Outcome.OK]:
                labels = (*self._labels, phase.name, outcome.value)
                self._count(family, labels, phase, [(each.at, each.second.tally[outcome]) for each in moments])
        return family

    def _failed(self) -> Metric:
        family = CounterMetricFamily(
            "syncload_failed_arrivals",
            f"Arrivals that the target failed: 5xx, 429, timeouts, connect and protocol errors, drops at the in-flight "
            f"cap. {_WALL}",
            labels=_OF_PHASE,
        )
        for phase, moments in self._phases():
            labels = (*self._labels, phase.name)
            self._count(family, labels, phase, [(each.at, each.second.tally.failed) for each in moments])
        return family

    def _count(
        self, family: CounterMetricFamily, labels: tuple[str, ...], phase: PhaseReport, counts: list[tuple[float, int]]
    ) -> None:
        """A counter from zero, at the load's beginning, on."""
        total = 0
        family.add_metric(labels, total, timestamp=_stamp(phase.load_began_at))
        for at, count in counts:
            total += count
            family.add_metric(labels, total, timestamp=_stamp(at))

    def _latency(self) -> Metric:
        family = GaugeMetricFamily(
            "syncload_latency_seconds",
            f"Latency from the intended time, of arrivals due in one second; no mean of it is a percentile. {_WALL}",
            labels=(*_OF_PHASE, "quantile"),
            unit="seconds",
        )
        for phase, moments in self._phases():
            if phase.result is not None and Figure.LATENCY in phase.result.not_measured:
                continue  # what is known counts from the send, and stands in summary.json by that name
            for quantile, name in (("0.5", "p50_ms"), ("0.95", "p95_ms"), ("0.99", "p99_ms"), ("1", "max_ms")):
                for each in moments:
                    value_ms = getattr(each.second, name)
                    if value_ms is not None:
                        labels = (*self._labels, phase.name, quantile)
                        family.add_metric(labels, value_ms / 1000, timestamp=_stamp(each.at))
        return family

    def _in_flight(self) -> Metric:
        family = GaugeMetricFamily(
            "syncload_in_flight",
            f"The most requests that any one generator had open in the second. {_WALL}",
            labels=_OF_PHASE,
        )
        for phase, moments in self._phases():
            for each in moments:
                if each.second.in_flight is not None:
                    labels = (*self._labels, phase.name)
                    family.add_metric(labels, each.second.in_flight, timestamp=_stamp(each.at))
        return family

    def _rows(self) -> Iterator[Metric]:
        when = "Its timestamp is the wall time at which the phase's load ended."
        labels = (*_OF_PHASE, "row", "unit")
        value = GaugeMetricFamily("syncload_slo_value", f"A row's value over the hold, in unit. {when}", labels=labels)
        target = GaugeMetricFamily(
            "syncload_slo_target", f"What a row's value must be: op and this, in unit. {when}", labels=(*labels, "op")
        )
        verdict = GaugeMetricFamily(
            "syncload_slo_verdict",
            f"1 for the verdict that the row was given, 0 for the two others. {when}",
            labels=(*_OF_PHASE, "row", "verdict"),
        )
        for phase in self._report.phases:
            at = _stamp(_ended_at(phase, self._report))
            for ruled in phase.verdicts:
                slo, seen = ruled.slo, ruled.observation
                of_row = (*self._labels, phase.name, slo.name)
                unit = CANONICAL[slo.target.kind]
                if seen is not None and seen.value is not None:
                    value.add_metric((*of_row, unit), seen.value, timestamp=at)
                target.add_metric((*of_row, unit, slo.target.op), slo.target.value, timestamp=at)
                for ruling in Ruling:
                    verdict.add_metric((*of_row, ruling.value), float(ruled.ruling is ruling), timestamp=at)
        yield from (value, target, verdict)

    def _phases(self) -> Iterator[tuple[PhaseReport, list[_Moment]]]:
        if self._report.rejudged is not None:
            return
        for phase in self._report.phases:
            began = phase.load_began_at
            if phase.result is not None and began is not None:
                yield phase, [_Moment(at=began + each.at_s + 1, second=each) for each in phase.result.timeline]


def metrics_text(report: RunReport) -> str:
    """The run as metrics.txt has it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Run(report))
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode("utf-8")


def _ended_at(phase: PhaseReport, report: RunReport) -> float | None:
    """When its load ended; of a phase without any, when the run began, which is the nearest moment that is known."""
    if phase.result is None or phase.load_began_at is None:
        return report.begun_at or None
    return phase.load_began_at + phase.result.wall_seconds


def _stamp(epoch_s: float | None) -> float | None:
    """To the millisecond, which is as fine as a database keeps it."""
    return None if epoch_s is None else round(epoch_s, 3)
