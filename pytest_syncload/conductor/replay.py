"""Gives the records of an earlier run in place of running phases, so that a changed slo.yaml is judged without load.

Never makes up for what the run did not measure: a phase that is not what was run has no record, and a row whose data
was not fetched has no value. Reads the earlier run's folder and writes only into the new one.
"""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.conductor.climbing import peak_of
from pytest_syncload.conductor.earlier import POINTER_FILE, EarlierRun
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.catalogue import Fold, Query, preset_of, queries_for, service_of
from pytest_syncload.facts.cost import Billing
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid
from pytest_syncload.facts.observation import Before, Observation, Verdict
from pytest_syncload.facts.plan import Climb, Phase, Resources, Slo, Spec
from pytest_syncload.facts.units import format_duration
from pytest_syncload.sources.cloudwatch import MINUTE_S, Ask, asks_of


class Replay:
    """An earlier run, for judging ``spec`` from it. ``spec``'s environment is the run's, as slo.yaml lists it now."""

    def __init__(self, earlier: EarlierRun, spec: Spec) -> None:
        self._earlier = earlier
        self._spec = spec
        self._folder = RunFolder(earlier.path)

    def begin(self, folder: RunFolder) -> None:
        """Write into the folder of the judging again which run it judges."""
        said = self._earlier.rejudged
        folder.write(
            POINTER_FILE, {"run_id": said.run_id, "begun_at": said.begun_at, "folder": str(self._earlier.path)}
        )
        if (account := self._folder.account()) is not None:
            folder.keep_account(account)

    def record(self, name: str) -> PhaseRecord:
        """What the run measured of the phase, or why that says nothing about the phase as slo.yaml has it now.

        Raises:
            PhaseInvalid: the record is damaged.
        """
        problem = self._another(self._spec.phase(name))
        if problem is not None:
            return PhaseRecord(result=None, reading=None, problem=problem)
        record = self._folder.record(name)
        if record is None:
            raise PhaseInvalid(
                f"run {self._earlier.path.name} lost phase {name!r}: it began it and has no result of it"
            )
        if record.result is not None and record.result.phase != name:
            raise PhaseInvalid(f"{self._earlier.path}: what is kept as phase {name!r} is {record.result.phase!r}")
        return self._beside_the_peak(record)

    def billing(self) -> Billing | None:
        """What was billed when the run went on, None where nobody looked."""
        return self._folder.billing()

    def _beside_the_peak(self, record: PhaseRecord) -> PhaseRecord:
        """A climb's record, its headroom above the highest rate that slo.yaml holds now: that one was not measured."""
        result = record.result
        if result is None or result.climb is None:
            return record
        return replace(record, result=replace(result, climb=replace(result.climb, peak_per_s=peak_of(self._spec))))

    def observed(self, seen: Observation, record: PhaseRecord) -> Observation:
        """The observation, without its value where the row asks what the run did not."""
        gap = self._gap(seen.slo, record)
        return seen if gap is None else replace(seen, value=None, problem=gap)

    def beside(self, verdict: Verdict) -> Verdict:
        """The verdict, with what the run itself ruled on the row of that name."""
        slo = verdict.slo
        phase = self._earlier.phase(slo.phase)
        was = next((row for row in phase.slos if row.name == slo.name), None) if phase is not None else None
        old = self._folder.verdict(slo.phase, slo.name)
        if was is None or old is None:
            return replace(verdict, before=Before(slo=was))
        value = None if old.observation is None else old.observation.value
        return replace(verdict, before=Before(slo=was, ruling=old.ruling, value=value))

    def _another(self, now: Phase) -> str | None:
        """Why the run has not measured this phase, None where it has."""
        run, then = self._earlier.path.name, self._earlier.phase(now.name)
        if then is None or not self._folder.was_run(now.name):
            ran = [phase.name for phase in self._earlier.phases if self._folder.was_run(phase.name)]
            which = f"it ran: {', '.join(ran)}" if ran else "it ran none"
            return f"run {run} did not run phase {now.name!r} ({which}); run the phase, or name another run"
        changed = offered_otherwise(then, self._earlier, now, self._spec)
        if not changed:
            return None
        return (
            f"phase {now.name!r} in slo.yaml is no longer what run {run} offered: "
            f"it had {'; '.join(changed)}; run the phase again"
        )

    def _gap(self, slo: Slo, record: PhaseRecord) -> str | None:
        """What the row asks that the run did not, None where all is there."""
        run, then = self._earlier.path.name, self._earlier.environment.resources or Resources()
        now = self._spec.environment.resources or Resources()
        if record.result is None or record.reading is None or not record.reading.answers:
            return None  # nothing at all was read, which the observation says better
        try:
            asks = asks_of(slo, now, record.result.window)
        except Inconclusive:
            return None  # so does it where slo.yaml lists no such resource
        # What a cost is of is not all asked of CloudWatch: cache nodes, say, are only counted.
        other = now != then if preset_of(slo).fold is Fold.COST else looked_at(slo, now) != looked_at(slo, then)
        if other:
            return f"slo.yaml now lists other resources than run {run} looked at for this row; run the phase again"
        lacking = [ask for ask in asks if ask not in record.reading.answers]
        if lacking:
            return f"{_words(lacking[0], record)} was never fetched in run {run}; only a new run can tell it"
        if preset_of(slo).fold is Fold.TASKS and record.census is None:
            return f"run {run} did not watch the tasks, because no row asked for it; only a new run can tell it"
        return None


def offered_otherwise(then: Phase, earlier: EarlierRun, now: Phase, spec: Spec) -> list[str]:
    """What the earlier run offered otherwise than slo.yaml has it now: ``rate 100/s, now 200/s``."""
    before, after = offered(then, earlier), offered(now, spec)
    return [f"{what} {was}, now {after[what][1]}" for what, (number, was) in before.items() if number != after[what][0]]


def offered(phase: Phase, plan: Spec | EarlierRun) -> dict[str, tuple[object, str]]:
    """What makes a phase's load what it is: each value, and in words. How many processes offer it is no part of it."""
    climb, load = phase.climb, plan.load
    return {
        "rate": (phase.rate_per_s, f"{phase.rate_per_s:.9g}/s"),
        "ramp": (phase.ramp_s, f"{phase.ramp_s:.9g} s"),
        "hold": (phase.hold_s, f"{phase.hold_s:.9g} s"),
        "climb": (climb, "none" if climb is None else _in_words(climb)),
        "engine": (load.engine, load.engine.value),
        "arrivals": (load.arrivals, load.arrivals.value),
        "timeout": (load.timeout_s, f"{load.timeout_s:.9g} s"),
        "request": (plan.request_digest, f"of digest {plan.request_digest[:8] or 'none'}"),
    }


def _in_words(climb: Climb) -> str:
    """All that makes it, or a change of one could not be seen."""
    recovery = "" if climb.recovers_within_s is None else f", recovers_within {climb.recovers_within_s:.9g} s"
    return (
        f"from {climb.from_per_s:.9g}/s to {climb.at_most_per_s:.9g}/s by {climb.step_percent:.9g} % every "
        f"{climb.every_s:.9g} s until {climb.until!r}{recovery}"
    )


def looked_at(slo: Slo, resources: Resources) -> tuple[tuple[Query, ...], tuple[str, str] | None] | None:
    """What the row asks of CloudWatch and whose tasks it watches; None where the resources have no answer to that."""
    try:
        service = service_of(resources, slo.name) if preset_of(slo).fold is Fold.TASKS else None
        return queries_for(slo, resources), service
    except Inconclusive:
        return None


def _words(ask: Ask, record: PhaseRecord) -> str:
    assert record.result is not None
    hold = record.result.window
    if ask.window != hold:
        return f"{ask.query} for {format_duration(ask.window.seconds)} behind the hold"
    return f"{ask.query} of each minute" if ask.period_s == MINUTE_S else f"{ask.query} of the whole hold"
