"""Load carried by generator processes: told their jobs, ready together, started together, followed to their ends.

One way for every kind of phase. What the load is, and what becomes of it, is `phase`'s and `climbing`'s.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_syncload.conductor.alarms import Alarms
from pytest_syncload.conductor.crews import crew_for, one_process, portable
from pytest_syncload.conductor.following import Following
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.errors import PhaseInvalid, Refused
from pytest_syncload.facts.events import Listener, PhaseStarted, Warming
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.plan import USERS, Environment, Firebase, Phase, Spec, TokenFile
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.facts.result import Figure, Window
from pytest_syncload.load.course import Legs
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.job import JOB, REPORT, Job
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged

KeepGoing = Callable[[], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """What carries a load: a module that is run as each generator's process, with ``arguments`` behind the lock's file.

    ``users`` is how many requests the one process may have open, where there is one alone; 0: as many generators as the
    rate needs. ``not_measured`` are the figures that it cannot say, ``unrenewed`` why tokens may end too soon and what
    to do.
    """

    module: str = "pytest_syncload.generator"
    arguments: tuple[str, ...] = ()
    users: int = 0
    not_measured: Mapping[Figure, str] = field(default_factory=dict)
    unrenewed: str = (
        "nobody can refresh what was given as a file; give tokens that live longer, or shorten the phase; nothing was "
        "sent"
    )


#: Our own generators.
OUR_OWN = Carrier()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Whose load it is, where it goes and where it is kept. ``lock`` is the phase's, held until the last child ends."""

    spec: Spec
    phase: Phase
    ground: Ground
    folder: RunFolder
    lock: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """When the schedule starts (monotonic), the window that is told of, and how long the load lasts at most."""

    start_at: float
    window: Window
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What became of a load. ``jump_s``: by how much wall and monotonic clock parted; ``aborted``: what the phase's own
    rule said, if it stopped the load."""

    began: Beginning
    merged: Merged
    fared: Fared
    jump_s: float
    shards: int
    aborted: str | None

    @property
    def reports(self) -> tuple[ShardReport, ...]:
        """Of the generators that ended with one."""
        return tuple(REPORT.validate_python(report) for report in self.fared.reports)


def carry(
    job: Assignment,
    schedule: Pacer | Legs,
    begin: Callable[[float], Beginning],
    listen: Listener,
    keep_going: KeepGoing,
    *,
    intended: Callable[[int], float],
    steer: Callable[[Following], dict[str, Any] | None] = lambda _: None,
    by: Carrier = OUR_OWN,
) -> Carried:
    """Offer ``schedule`` by as many generators as it needs.

    ``begin`` is told when all are ready (monotonic) and says when they start; ``intended`` how many arrivals a second
    has; ``steer``, asked again and again, what all are to be told. Raises `PhaseInvalid` where the load never began.
    """
    with ExitStack() as open_things:
        alarms = open_things.enter_context(Alarms(job.phase, job.ground))
        crew = open_things.enter_context(
            one_process(by.module, by.arguments, job.folder, job.lock)
            if by.users
            else crew_for(job.spec, job.ground, job.folder, schedule.rate_per_s, job.lock, keep_going)
        )
        shards = crew.generators
        cap = by.users or crew.cap(schedule.rate_per_s, job.spec.load.timeout_s).value
        tasks = [
            job_of(job.spec, job.phase, job.ground, job.folder, schedule, shard, shards, cap) for shard in range(shards)
        ]
        fleet = open_things.enter_context(crew.fleet([JOB.dump_json(task).decode() for task in tasks]))
        messages = fleet.muster(keep_going, Warmed(job.phase.name, shards, listen).take)
        crew.ready()
        began = begin(time.monotonic() + crew.lead_s)
        refuse_short_tokens(messages, began.start_at + began.wall_s + job.spec.load.timeout_s, by.unrenewed)
        listen(
            PhaseStarted(
                phase=job.phase.name,
                rate_per_s=schedule.rate_per_s,
                generators=shards,
                window=began.window,
                wall_s=began.wall_s,
                engine=str(messages[0]["ready"].get("engine", "")),
            )
        )
        following = Following(
            job.phase,
            job.folder,
            listen,
            start_at=began.start_at,
            wall_s=began.wall_s,
            intended=intended,
            not_measured=by.not_measured,
        )
        alarms.begin(began.start_at)
        wall_before = time.time() - time.monotonic()
        fared = fleet.follow(
            began.start_at,
            following.take,
            lambda: following.stop or alarms.stop or keep_going(),
            lambda: steer(following),
        )
        jump_s = abs(time.time() - time.monotonic() - wall_before)
        if not fared.lost:
            fared = replace(fared, lost=crew.parted())
    with suppress(Refused):  # where there is no room for it, what was measured counts more
        job.folder.keep_unlooked(f"abort rule {text!r} of {job.phase.name}" for text in alarms.never_known)
    # Both may have something to say; only what stopped the load counts.
    by_rule = fared.stopped if fared.stopped in (following.aborted, alarms.tripped) else None
    return Carried(began=began, merged=following.merged, fared=fared, jump_s=jump_s, shards=shards, aborted=by_rule)


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
    spec: Spec,
    phase: Phase,
    ground: Ground,
    folder: RunFolder,
    pacer: Pacer | Legs,
    shard: int,
    shards: int,
    cap: int,
) -> Job:
    """What generator ``shard`` of ``shards`` is to do. Raises `PhaseInvalid` where it cannot know where to."""
    environment = ground.environment
    whence = identities_of(spec, environment)
    if environment.base_url is None or whence is None:
        missing = "base_url" if environment.base_url is None else "firebase"
        raise PhaseInvalid(f"environment {environment.name!r} has no {missing}; nothing was sent")
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
            in_flight_cap=cap,
            key_prefix=key_prefix(folder, phase),
            transport=spec.load.transport,
            verify_percent=verify_percent(spec, phase),
        ),
        identities=whence if spec.load.dask is None else portable(whence),
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


def refuse_short_tokens(
    messages: tuple[dict[str, Any], ...], needed_until: float, why: str = OUR_OWN.unrenewed
) -> None:
    """Raise `PhaseInvalid` where tokens that nobody refreshes end before ``needed_until`` (monotonic). ``why`` says why
    nobody does, and what to do."""
    expires = min(float(message["ready"]["expires_at"]) for message in messages)
    if expires < needed_until:
        raise PhaseInvalid(
            f"the identities' tokens expire {needed_until - expires:.0f} s before the phase ends, and {why}"
        )
