"""One phase, from its plan to its result: choose the hold, start the generators together, follow them, sum up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from pytest_syncload.conductor.carrying import OUR_OWN, Assignment, Beginning, Carrier, carry
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock, minute_ceil
from pytest_syncload.facts.events import Listener, PhaseMeasured
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.idempotency import added_up
from pytest_syncload.facts.plan import Phase, RequestTemplate, Spec
from pytest_syncload.facts.result import Figure, Invalidity, PhaseResult, Side, Tally, Window
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.job import REPORT
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.sameness import distinct_members
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.load.validity import Evidence, judged, sent_but_not_counted

#: Wall and monotonic clock may part by this much over a phase.
CLOCK_JUMP_SECONDS = 0.5


#: Offers one kind of phase: its last argument says why load must not go on.
Offer = Callable[[Spec, Phase, Ground, RunFolder, int, Listener, Callable[[], str | None]], PhaseResult]

#: Says why a phase is invalid, by the evidence and what is known of each second.
Judge = Callable[[Evidence, Mapping[int, Tally]], tuple[Invalidity, ...]]


def judged_by_all(evidence: Evidence, _: Mapping[int, Tally]) -> tuple[Invalidity, ...]:
    """By every rule of our own generators, who can say all that one needs."""
    return judged(evidence)


def run_phase(
    spec: Spec, phase: Phase, ground: Ground, folder: RunFolder, lock: int, listen: Listener, offer: Offer
) -> PhaseResult:
    """Offer a phase's load by ``offer``, once.

    Ctrl-C is held back until what was measured is in the result; then see `Interrupted`.

    Raises:
        PhaseInvalid: the load never began; nothing was measured.
    """
    interrupted = threading.Event()

    def keep_going() -> str | None:
        if interrupted.is_set() or folder.controller_is_gone():
            return "the run was interrupted"
        return None

    outcome: list[PhaseResult | BaseException] = []
    # Not `Thread.join` with a timeout: interrupted by Ctrl-C, it took a running thread for ended (seen with 3.11).
    finished = threading.Event()

    def work() -> None:
        try:
            outcome.append(offer(spec, phase, ground, folder, lock, listen, keep_going))
        except BaseException as error:  # noqa: BLE001  # carried over to the waiting thread, whatever it is
            outcome.append(error)
        finally:
            finished.set()

    # In a thread of its own, so that Ctrl-C in the main thread stops the load and still finds its result.
    thread = threading.Thread(target=work)
    thread.start()
    again: KeyboardInterrupt | None = None
    while not finished.is_set():
        try:
            finished.wait(0.1)
        except KeyboardInterrupt as error:
            again = error
            interrupted.set()
    thread.join()
    (ended,) = outcome
    if isinstance(ended, BaseException):
        raise again or ended
    if again is not None:
        raise Interrupted(ended) from again
    return ended


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a phase. ``result`` is what was measured until then, marked invalid."""

    def __init__(self, result: PhaseResult) -> None:
        super().__init__("the run was interrupted")
        self.result = result


def offer_hold(
    spec: Spec,
    phase: Phase,
    ground: Ground,
    folder: RunFolder,
    lock: int,
    listen: Listener,
    keep_going: Callable[[], str | None],
) -> PhaseResult:
    """Offer a phase that ramps to its rate and holds it. Raises `PhaseInvalid` where the load never began."""
    return held(spec, phase, ground, folder, lock, listen, keep_going, by=OUR_OWN, judge_of=lambda _: judged_by_all)


def pacer_of(spec: Spec, phase: Phase, clock: ServiceClock, rate_scale: float) -> Pacer:
    """When the arrivals of a phase that is held are due; ``rate_scale`` is what rates are multiplied with."""
    return Pacer(
        rate_per_s=phase.rate_per_s * rate_scale,
        ramp_s=clock.wall_seconds(phase.ramp_s),
        hold_s=clock.wall_seconds(minute_ceil(phase.hold_s)),
        arrivals=spec.load.arrivals,
        seed=spec.load.seed,
    )


def held(
    spec: Spec,
    phase: Phase,
    ground: Ground,
    folder: RunFolder,
    lock: int,
    listen: Listener,
    keep_going: Callable[[], str | None],
    *,
    by: Carrier,
    judge_of: Callable[[Pacer], Judge],
) -> PhaseResult:
    """The same ``by`` whatever carries it; ``judge_of`` gives who judges that schedule."""
    clock = ground.clock
    pacer = pacer_of(spec, phase, clock, ground.rate_scale)
    ramp_s, hold_s = pacer.ramp_s, pacer.hold_s

    def begin(ready_at: float) -> Beginning:
        hold_from = minute_ceil(clock.at(ready_at + ramp_s))
        window = Window(start=hold_from, end=hold_from + minute_ceil(phase.hold_s))
        return Beginning(start_at=clock.monotonic_at(hold_from) - ramp_s, window=window, wall_s=ramp_s + hold_s)

    carried = carry(
        Assignment(spec=spec, phase=phase, ground=ground, folder=folder, lock=lock),
        pacer,
        begin,
        listen,
        keep_going,
        intended=lambda at: pacer.expected_by(at + 1) - pacer.expected_by(at),
        by=by,
    )
    result = sum_up(
        phase,
        spec.request,
        pacer,
        carried.began.window,
        carried.merged,
        carried.fared,
        carried.jump_s,
        carried.shards,
        aborted=carried.aborted,
        judge=judge_of(pacer),
        not_measured=by.not_measured,
    )
    listen(PhaseMeasured(phase=phase.name, result=result))
    return result


def broken_off(fared: Fared, aborted: str | None = None) -> list[Invalidity]:
    """Whether the load was stopped from outside. A lost generator stops the others; then it alone is the reason.

    ``aborted`` is what the phase's own rule said: that is the target's doing.
    """
    if fared.stopped is None or fared.lost:
        return []
    if fared.stopped == aborted:
        return [Invalidity(side=Side.TARGET, what=aborted)]
    return [Invalidity(side=Side.GENERATOR, what=fared.stopped)]


def lost_generators(fared: Fared) -> list[Invalidity]:
    """The generators that ended without a report, each with its last words."""
    return [Invalidity(side=Side.GENERATOR, what=lost) for lost in fared.lost]


def clock_jumped(jump_s: float) -> list[Invalidity]:
    """Whether the wall clock and the monotonic one parted by more than drift explains."""
    if jump_s <= CLOCK_JUMP_SECONDS:
        return []
    what = f"the wall clock jumped by {jump_s:.1f} s during the phase; its window cannot be trusted; run it again"
    return [Invalidity(side=Side.GENERATOR, what=what)]


def sum_up(
    phase: Phase,
    request: RequestTemplate,
    pacer: Pacer,
    window: Window,
    merged: Merged,
    fared: Fared,
    jump_s: float,
    shards: int,
    *,
    aborted: str | None = None,
    judge: Judge = judged_by_all,
    not_measured: Mapping[Figure, str] | None = None,
) -> PhaseResult:
    """What the phase was, and every reason why it proves nothing.

    ``jump_s``: by how much the two clocks parted. ``aborted``: what the phase's own rule said, if it stopped the load.
    ``not_measured`` are the figures that the engine cannot say, each with why, and ``judge`` knows what follows.
    """
    unsaid = not_measured or {}
    scheduled = pacer.scheduled(pacer.ramp_s, pacer.ramp_s + pacer.hold_s)
    reports = tuple(REPORT.validate_python(report) for report in fared.reports)
    lag_p99 = merged.lag.percentile(99)
    evidence = Evidence(
        scheduled=scheduled,
        hold=merged.hold,
        reports=reports,
        shards=shards,
        lag_p99_ms=lag_p99,
        statuses=merged.statuses,
        examples=merged.examples,
        sameness=merged.sameness(distinct_members(request)),
    )
    invalid = list(judge(evidence, merged.tallies()))
    stopped = broken_off(fared, aborted)
    if aborted is not None and stopped:
        invalid = []  # that the hold was cut short is what the rule is for
    # A lost generator first: that the hold was cut short comes of it.
    invalid = [*stopped, *lost_generators(fared), *invalid]
    if not invalid and (unaccounted := sent_but_not_counted(reports, merged.ramp + merged.hold)) is not None:
        invalid.append(unaccounted)
    invalid += clock_jumped(jump_s)
    return PhaseResult(
        phase=phase.name,
        window=window,
        rate_per_s=pacer.rate_per_s,
        scheduled_in_hold=scheduled,
        wall_seconds=pacer.ramp_s + pacer.hold_s,
        ramp=merged.ramp,
        hold=merged.hold,
        latency=Histogram() if Figure.LATENCY in unsaid else merged.latency,
        service_time=merged.service_time,
        lag=merged.lag,
        wire_requests=merged.wire_requests,
        in_flight_edges=merged.in_flight_edges,
        statuses=dict(merged.statuses),
        generators=tuple(report.to_generator_report() for report in reports),
        timeline=merged.timeline(),
        examples=tuple(merged.examples),
        idempotency=added_up(count for report in reports for count in report.idempotency),
        invalid=tuple(invalid),
        aborted=aborted if stopped else None,
        not_measured=unsaid,
    )
