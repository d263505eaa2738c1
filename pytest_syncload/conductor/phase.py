"""One phase, from its plan to its result: choose the hold, start the generators together, follow them, sum up."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_syncload.conductor.following import Following
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import minute_ceil
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.events import Listener, PhaseMeasured, PhaseStarted, Warming
from pytest_syncload.facts.idempotency import added_up
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import (
    USERS,
    Environment,
    Firebase,
    Passage,
    Phase,
    RequestTemplate,
    Spec,
    TokenFile,
)
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.facts.result import Invalidity, PhaseResult, Side, Window
from pytest_syncload.generator import JOB, REPORT, Job
from pytest_syncload.load.course import Legs
from pytest_syncload.load.fleet import Fared, Fleet
from pytest_syncload.load.limits import in_flight_cap
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.sameness import distinct_members
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged
from pytest_syncload.load.validity import invalidities, sent_but_not_counted

#: Requests a second that one generator process is trusted with when their number is left to us.
RATE_A_GENERATOR = {Passage.BUILT_IN: 5000.0, Passage.HTTPX: 300.0}
#: Wall seconds between "all ready" and the first arrival, so that the start reaches every child before it is due.
LEAD_SECONDS = 0.3
#: Wall and monotonic clock may part by this much over a phase.
CLOCK_JUMP_SECONDS = 0.5


#: Offers one kind of phase: its last argument says why load must not go on.
Offer = Callable[[Spec, Phase, Ground, RunFolder, int, Listener, Callable[[], str | None]], PhaseResult]


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


def generators_for(spec: Spec, rate_per_s: float) -> int:
    """How many generator processes offer this rate: the plan's own number, or as many as it needs."""
    return spec.load.generators or max(1, math.ceil(rate_per_s / RATE_A_GENERATOR[spec.load.transport]))


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
    clock = ground.clock
    ramp_s = clock.wall_seconds(phase.ramp_s)
    hold_s = clock.wall_seconds(minute_ceil(phase.hold_s))
    rate = phase.rate_per_s * ground.rate_scale
    shards = generators_for(spec, rate)
    pacer = Pacer(rate_per_s=rate, ramp_s=ramp_s, hold_s=hold_s, arrivals=spec.load.arrivals, seed=spec.load.seed)
    jobs = [job_of(spec, phase, ground, folder, pacer, shard, shards) for shard in range(shards)]
    command = [sys.executable, "-m", "pytest_syncload.generator", str(folder.controller_lock_path)]
    with Fleet(command, [JOB.dump_json(job).decode() for job in jobs], pass_fds=[lock]) as fleet:
        warming = Warmed(phase.name, shards, listen)
        messages = fleet.muster(keep_going, warming.take)
        hold_from = minute_ceil(clock.at(time.monotonic() + LEAD_SECONDS + ramp_s))
        window = Window(start=hold_from, end=hold_from + minute_ceil(phase.hold_s))
        start_at = clock.monotonic_at(hold_from) - ramp_s
        refuse_short_tokens(messages, start_at + ramp_s + hold_s + spec.load.timeout_s)
        listen(
            PhaseStarted(phase=phase.name, rate_per_s=rate, generators=shards, window=window, wall_s=ramp_s + hold_s)
        )
        following = Following(
            phase,
            folder,
            listen,
            start_at=start_at,
            wall_s=ramp_s + hold_s,
            intended=lambda at: pacer.expected_by(at + 1) - pacer.expected_by(at),
        )
        wall_before = time.time() - time.monotonic()
        fared = fleet.follow({"start_at": start_at}, following.take, lambda: following.stop or keep_going())
        jump = abs(time.time() - time.monotonic() - wall_before)
    result = sum_up(
        phase, spec.request, pacer, window, following.merged, fared, jump, shards, aborted=following.aborted
    )
    listen(PhaseMeasured(phase=phase.name, result=result))
    return result


class Warmed:
    """Adds up how many users the generators have signed in, and tells it by tenths, once all have said how many."""

    def __init__(self, phase: str, shards: int, listen: Listener) -> None:
        self._phase = phase
        self._shards = shards
        self._listen = listen
        self._said: dict[int, dict[str, int]] = {}
        self._tenths = 0

    def take(self, index: int, said: dict[str, Any]) -> None:
        """Generator ``index`` has signed in ``done`` of its ``of`` users."""
        self._said[index] = said
        done, of = (sum(each[name] for each in self._said.values()) for name in ("done", "of"))
        if len(self._said) == self._shards and (tenths := 10 * done // of) > self._tenths:
            self._tenths = tenths
            self._listen(Warming(phase=self._phase, done=done, of=of))


def job_of(
    spec: Spec, phase: Phase, ground: Ground, folder: RunFolder, pacer: Pacer | Legs, shard: int, shards: int
) -> Job:
    """What generator ``shard`` of ``shards`` is to do. Raises `PhaseInvalid` where it cannot know where to."""
    environment = ground.environment
    whence = identities_of(spec, environment)
    if environment.base_url is None or whence is None:
        missing = "base_url" if environment.base_url is None else "firebase"
        raise PhaseInvalid(f"environment {environment.name!r} has no {missing}; nothing was sent")
    cap = in_flight_cap(pacer.rate_per_s, spec.load.timeout_s, shards)
    return Job(
        shard=Shard(
            base_url=environment.base_url,
            request=spec.request,
            pacer=pacer,
            shard=shard,
            shards=shards,
            hold_from_s=pacer.ramp_s if isinstance(pacer, Pacer) else 0.0,
            hold_to_s=pacer.ends_s,
            timeout_s=spec.load.timeout_s,
            in_flight_cap=cap.value,
            key_prefix=key_prefix(folder, phase),
            transport=spec.load.transport,
            verify_percent=verify_percent(spec, phase),
        ),
        identities=whence,
        users=USERS if environment.firebase is None else environment.firebase.users,
        paths=import_paths(spec),
        request_from=spec.request_from,
    )


def identities_of(spec: Spec, environment: Environment) -> Firebase | TokenFile | Override | None:
    """Where the users come from: the conftest.py before slo.yaml; None where neither says."""
    return spec.identities or environment.tokens or environment.firebase


def import_paths(spec: Spec) -> tuple[str, ...]:
    """Where generators look for modules of the user's: beside slo.yaml, and where this process does."""
    return (str(spec.file.parent), *(path for path in sys.path if path))


def key_prefix(folder: RunFolder, phase: Phase) -> str:
    """What the phase's Idempotency-Keys begin with: never that of another run, whose answers a target has stored."""
    return f"{folder.run_id}-{phase.name}"


def verify_percent(spec: Spec, phase: Phase) -> float:
    """The share of arrivals that check their Idempotency-Key: none where no row of the phase asks what was found."""
    asked = any(slo.metric == VIOLATIONS for slo in phase.slos)
    return spec.request.idempotency.verify_percent if asked else 0.0


def refuse_short_tokens(messages: tuple[dict[str, Any], ...], needed_until: float) -> None:
    """Raise `PhaseInvalid` where tokens that nobody refreshes end before ``needed_until`` (monotonic)."""
    expires = min(float(message["ready"]["expires_at"]) for message in messages)
    if expires < needed_until:
        raise PhaseInvalid(
            f"the identities' tokens expire {needed_until - expires:.0f} s before the phase ends, and nobody can "
            "refresh what was given as a file; give tokens that live longer, or shorten the phase; nothing was sent"
        )


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
) -> PhaseResult:
    """What the phase was, and every reason why it proves nothing.

    ``jump_s``: by how much the two clocks parted. ``aborted``: what the phase's own rule said, if it stopped the load.
    """
    scheduled = pacer.scheduled(pacer.ramp_s, pacer.ramp_s + pacer.hold_s)
    reports = tuple(REPORT.validate_python(report) for report in fared.reports)
    lag_p99 = merged.lag.percentile(99)
    invalid = list(
        invalidities(
            scheduled_in_hold=scheduled,
            hold=merged.hold,
            reports=reports,
            shards=shards,
            lag_p99_ms=lag_p99,
            statuses=merged.statuses,
            examples=merged.examples,
            sameness=merged.sameness(distinct_members(request)),
        )
    )
    stopped = broken_off(fared, aborted)
    if aborted is not None and stopped:
        invalid = []  # that the hold was cut short is what the rule is for
    invalid = [*stopped, *invalid, *lost_generators(fared)]
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
        latency=merged.latency,
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
    )
