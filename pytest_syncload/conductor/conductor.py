"""Runs each selected phase exactly once, in the order of slo.yaml, never two at a time, over all processes of a run.

A process that needs phase k first runs the earlier selected ones that nobody has run. What a process that died left
half done is never done again: the phase is invalid, because a load that was broken off proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from pytest_syncload.conductor.beside import beside_the_breach
from pytest_syncload.conductor.comparing import Comparing
from pytest_syncload.conductor.costing import cost_of_phase, is_costed, meters, observe_cost
from pytest_syncload.conductor.ground import Ground, find
from pytest_syncload.conductor.offering import offer_for
from pytest_syncload.conductor.own_price import spent_by
from pytest_syncload.conductor.phase import Interrupted, run_phase
from pytest_syncload.conductor.preflight import check, refusal, refusal_of
from pytest_syncload.conductor.ranking import ranked, read_series
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.catalogue import Fold, Query, preset_of, queries_for, service_of
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.cost import Cost
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid, Refused
from pytest_syncload.facts.events import Checked, ClimbRanked, Listener, Settled, Settling, Waiting
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Phase, Resources, Slo, Spec
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.report.climb import first_words
from pytest_syncload.sources.awake import LONGEST_MINUTES, wait_until_published
from pytest_syncload.sources.aws import FOR_POLLS, client
from pytest_syncload.sources.cloudwatch import Ask, asks_of, traffic_ask, traffic_query
from pytest_syncload.sources.ecs import Watch
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import Reading, settle
from pytest_syncload.verdict import judge


class Conductor:
    """One process's view of the run. ``selected`` gives the phases that were asked for, by name.

    With ``replay`` no phase is run: an earlier run's records are judged again. With ``comparing`` every row is put
    beside an earlier run's.
    """

    def __init__(
        self,
        spec: Spec,
        folder: RunFolder,
        selected: Callable[[], Collection[str]],
        listen: Listener,
        replay: Replay | None = None,
        comparing: Comparing | None = None,
    ) -> None:
        self._spec = spec
        self._folder = folder
        self._selected = selected
        self._listen = listen
        self._replay = replay
        self._comparing = comparing
        self._records: dict[str, PhaseRecord] = {}
        self._ground: Ground | None = None

    def record(self, name: str) -> PhaseRecord:
        """The phase's record; runs it, and the selected ones before it, if nobody has."""
        if name not in self._records:
            selected = set(self._selected())
            if name not in selected:
                raise Inconclusive(
                    f"phase {name!r} was not selected, so its load was not run; select it by -m {name} or by node id"
                )
            if self._replay is not None:
                return self._records.setdefault(name, self._replay.record(name))
            with self._folder.phase_lock() as lock:
                for phase in self._spec.phases:
                    if phase.name in selected:
                        self._records[phase.name] = self._once(phase, lock)
                    if phase.name == name:
                        break
        return self._records[name]

    def result(self, name: str) -> PhaseResult:
        """The phase's valid result. Raises `PhaseInvalid` with the reasons where it proves nothing."""
        record = self.record(name)
        if record.result is None:
            raise PhaseInvalid(record.problem or f"phase {name!r} has no result")
        if record.result.invalid:
            raise PhaseInvalid("; ".join(reason.what for reason in record.result.invalid))
        return record.result

    def verdict(self, slo: Slo) -> Verdict:
        """The row's verdict, recorded. Judging again is judging the same measurement."""
        verdict = self._judge(slo)
        if self._replay is not None:
            verdict = self._replay.beside(verdict)
        self._folder.keep_verdict(verdict)
        return verdict

    def _judge(self, slo: Slo) -> Verdict:
        try:
            record = self.record(slo.phase)
        except Inconclusive as error:
            return Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=str(error))
        if record.refused:
            return Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=refusal_of(slo, record.failed_checks))
        if record.result is None:
            return Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=record.problem or "the phase has no result")
        reading = record.reading or Reading(answers={}, problem=record.problem or "nothing was read", attempts=0)
        try:
            resources = self._resources()
        except Refused as error:
            return Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=str(error))
        cost = self._cost(record, resources)
        if preset_of(slo).fold is Fold.COST:
            observation = observe_cost(slo, cost, resources, record.result)
        else:
            observation = observe(slo, reading, resources, record.result, record.census)
        if self._replay is not None:
            observation = self._replay.observed(observation, record)
        ranking = self._ranking(record, resources)
        if ranking is not None and preset_of(slo).fold is Fold.CLIMB:
            observation = replace(observation, notes=(*observation.notes, first_words(ranking)))
        compared = None if self._comparing is None else self._comparing.compared(observation, resources)
        verdict = judge(observation, record.result, reading.problem, compared)
        return beside_the_breach(verdict, self._spec.phase(slo.phase), reading, resources)

    def _resources(self) -> Resources:
        if self._replay is not None:
            return self._spec.environment.resources or Resources()
        return self._prepared().resources

    def _prepared(self) -> Ground:
        if self._ground is None:
            self._ground = find(self._spec, self._folder)
        return self._ground

    def _once(self, phase: Phase, lock: int) -> PhaseRecord:
        known = measured_before(self._folder, phase)
        if known is not None:
            return known
        record = begun_and_lost(self._folder, phase)
        if record is None:
            self._folder.mark_started(phase.name)
            try:
                record = self._run(phase, lock)
            except Refused as error:
                record = PhaseRecord(result=None, reading=None, problem=str(error))  # there was no room in the folder
            except Exception as error:
                # A mistake of ours keeps its traceback, and the other rows are told the truth about it.
                known = self._folder.record(phase.name)
                problem = f"the phase ended by {type(error).__name__}, a defect of pytest-syncload: {error}"
                result = None if known is None else known.result
                self._folder.keep(phase.name, PhaseRecord(result=result, reading=None, problem=problem))
                raise
        return self._kept(phase, record)

    def _kept(self, phase: Phase, record: PhaseRecord) -> PhaseRecord:
        """The record, once it is in the folder; where there is no room for it, what is there and why it is not more."""
        try:
            self._folder.keep(phase.name, record)
        except Refused as error:
            known = measured_before(self._folder, phase)
            result = None if known is None else known.result
            record = PhaseRecord(result=result, reading=None, problem=str(error))
            self._folder.keep(phase.name, record)
        return record

    def _run(self, phase: Phase, lock: int) -> PhaseRecord:
        with ExitStack() as open_things:
            try:
                ground = self._prepared()
                checks = check(self._spec, ground, self._folder, [phase], self._keep_going, self._ahead())
                checks = (*checks, *self._incomparable(phase))
                self._listen(Checked(phase=phase.name, checks=checks))
                failed = failures(checks)
                if not failed and (unseen := self._unseen(phase, ground)) is not None:
                    self._listen(Checked(phase=phase.name, checks=(unseen,)))
                    failed = (unseen,)
                if failed:
                    return PhaseRecord(result=None, reading=None, problem=refusal(failed), failed_checks=failed)
                watch = self._watch(phase, ground, open_things)
                result = run_phase(
                    self._spec,
                    phase,
                    ground,
                    self._folder,
                    lock,
                    self._listen,
                    offer_for(self._spec, phase),
                )
            except Interrupted as error:
                # Kept before the interrupt goes on its way: what was measured costs real money to measure again.
                self._folder.keep(phase.name, PhaseRecord(result=error.result, reading=None, problem=str(error)))
                raise
            except KeyboardInterrupt:
                problem = "the run was interrupted before the load began; nothing was sent"
                self._folder.keep(phase.name, PhaseRecord(result=None, reading=None, problem=problem))
                raise
            except (Inconclusive, Refused) as error:
                return PhaseRecord(result=None, reading=None, problem=str(error))
            if result.invalid:
                record = PhaseRecord(result=result, reading=None, problem="the phase is invalid")
                self._keep_spent(phase, record, ground)
                return record
            # Kept before CloudWatch is read: what was measured must survive an interrupt, and a mistake of ours too.
            unread = "the run ended before CloudWatch had settled"
            self._folder.keep(phase.name, PhaseRecord(result=result, reading=None, problem=unread))
            reading = self._read(phase, ground, result)
            census = None if watch is None else watch.final()
            series = read_series(self._spec, ground, result, self._keep_going)
            record = PhaseRecord(result=result, reading=reading, problem=None, census=census, series=series)
            self._ranking(record, ground.resources)
            self._keep_spent(phase, record, ground)
            return record

    def _ranking(self, record: PhaseRecord, resources: Resources) -> ClimbRanked | None:
        """What broke first, as the run's folder has it; looked at, kept and told where nobody has. None of a hold."""
        if record.result is None or record.result.climb is None or record.result.invalid:
            return None
        known = self._folder.ranking(record.result.phase)
        if known is None:
            known = ranked(self._spec, record.result, record.series, resources)
            if known is not None:
                self._folder.keep_ranking(known)
                self._listen(known)
        return known

    def _cost(self, record: PhaseRecord, resources: Resources) -> Cost | None:
        """What the phase's jobs cost, as the run's folder has it; worked out and kept where nobody has."""
        if record.result is None or record.result.invalid:
            return None
        known = self._folder.cost(record.result.phase)
        if known is None:
            billing = self._folder.billing() if self._replay is None else self._replay.billing()
            known = cost_of_phase(self._spec, record.reading, billing, resources, record.result)
            if known is not None:
                self._folder.keep_cost(known)
        return known

    def _keep_spent(self, phase: Phase, record: PhaseRecord, ground: Ground) -> None:
        """Keep what the phase's jobs cost, and what its load did."""
        cost = self._cost(record, ground.resources)
        spent = spent_by(self._spec, ground, self._folder, phase, record, cost)
        if spent is not None:
            self._folder.keep_spent(phase.name, spent)

    def _keep_going(self) -> str | None:
        return "the run was interrupted" if self._folder.controller_is_gone() else None

    def _ahead(self) -> list[Phase]:
        """The selected phases that nobody has run yet."""
        selected = set(self._selected())
        return [phase for phase in self._spec.phases if phase.name in selected and phase.name not in self._records]

    def _unseen(self, phase: Phase, ground: Ground) -> Check | None:
        """Wait for what the checks have left in CloudWatch; a failed check where their own request does not show."""
        traffic = traffic_query(ground.resources)
        silent = wait_until_published(
            client("cloudwatch", ground.aws),
            traffic,
            [query for slo in phase.looked_at for query in _queries(slo, ground.resources)],
            ground.clock,
            waiting=lambda what: self._listen(Waiting(phase=phase.name, waiting_for=what)),
            keep_going=lambda: self._keep_going() is None,
        )
        # A queue that stays silent is its own row's error; without the count nothing at all could be proven.
        if traffic not in silent:
            return None
        says = (
            f"{traffic} shows nothing of a request that was accepted {LONGEST_MINUTES} minutes ago; are "
            "resources.api and the region those of base_url?"
        )
        rows = tuple(f"{slo.id} ({self._spec.file.name}:{slo.line})" for slo in phase.slos)
        return Check(name="request count", finding=Finding.FAILED, says=says, rows=rows)

    def _incomparable(self, phase: Phase) -> tuple[Check, ...]:
        """That no row will be compared, where that is known before load. It stops nothing: the next run may need this
        one to be compared with."""
        problem = None if self._comparing is None else self._comparing.unlike(phase)
        if problem is None:
            return ()
        return (Check(name="comparison", finding=Finding.NOTE, says=f"no row will be compared: {problem}"),)

    def _watch(self, phase: Phase, ground: Ground, open_things: ExitStack) -> Watch | None:
        """Begin to follow the service's tasks, where a row asks about them."""
        if not any(preset_of(slo).fold is Fold.TASKS for slo in phase.slos):
            return None
        try:
            cluster, service = service_of(ground.resources, "ecs.task_errors")
        except Inconclusive:
            return None  # the row's own verdict says what is not listed
        return open_things.enter_context(
            Watch(client("ecs", ground.aws, patience=FOR_POLLS), cluster, service, ground.clock)
        )

    def _read(self, phase: Phase, ground: Ground, result: PhaseResult) -> Reading:
        asks: list[Ask] = []
        for slo in phase.slos:
            try:
                asks += asks_of(slo, ground.resources, result.window)
            except Inconclusive:
                continue  # the row's own verdict says why
        if is_costed(self._spec, phase):
            asks += meters(ground.resources, result.window)
        try:
            reading = settle(
                client("cloudwatch", ground.aws),
                asks,
                traffic_ask(ground.resources, result.window),
                ground.clock,
                wire_requests=result.wire_requests,
                in_flight_edges=result.in_flight_edges,
                waiting=lambda attempt, what: self._listen(
                    Settling(phase=phase.name, attempt=attempt, waiting_for=what)
                ),
            )
        except (Inconclusive, Refused) as error:
            reading = Reading(answers={}, problem=str(error), attempts=0)
        self._listen(Settled(phase=phase.name, attempts=reading.attempts, problem=reading.problem))
        return reading


def measured_before(folder: RunFolder, phase: Phase) -> PhaseRecord | None:
    """What a process of this run has recorded of the phase. A phase is never measured twice: no dice are re-rolled."""
    return folder.record(phase.name)


def begun_and_lost(folder: RunFolder, phase: Phase) -> PhaseRecord | None:
    """The record of a phase that somebody began and nobody ended, None where nobody began it."""
    if not folder.was_started(phase.name):
        return None
    problem = (
        f"phase {phase.name!r} was begun by a process that is gone (crashed or killed); a load that was broken "
        "off proves nothing and is not repeated; run it again"
    )
    return PhaseRecord(result=None, reading=None, problem=problem)


def failures(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The checks that let no load begin."""
    return tuple(each for each in checks if each.failed)


def _queries(slo: Slo, resources: Resources) -> tuple[Query, ...]:
    try:
        return queries_for(slo, resources)
    except Inconclusive:
        return ()  # the row's own verdict says why


def unjudged(folder: RunFolder, rows: Mapping[str, Slo], reason: str) -> int:
    """Record every row that has no verdict as inconclusive; gives how many those were."""
    count = 0
    for slo in rows.values():
        if folder.verdict(slo.phase, slo.name) is None:
            folder.keep_verdict(Verdict(slo=slo, ruling=Ruling.INCONCLUSIVE, reason=reason))
            count += 1
    return count
