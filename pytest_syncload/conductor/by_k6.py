"""A phase that k6 offers: which script, looked at before load, and a child that runs it in place of our generators."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from pytest_syncload.conductor.carrying import Carrier
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.phase import Judge, held, pacer_of
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.events import Listener
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.facts.result import PhaseResult
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.k6.binary import find_k6
from pytest_syncload.k6.cpu import cores
from pytest_syncload.k6.script import Script, script_of
from pytest_syncload.k6.users import ROOM_S, virtual_users
from pytest_syncload.k6.validity import NOT_MEASURED, Offered, k6_invalidities
from pytest_syncload.load.limits import Cap
from pytest_syncload.load.pacer import Pacer

_UNRENEWED = (
    "k6 is handed them before the load, so that nobody refreshes them; use tokens that live longer, shorten the phase, "
    "or use engine: built-in, which refreshes them; nothing was sent"
)


def offer_by_k6(
    spec: Spec,
    phase: Phase,
    ground: Ground,
    folder: RunFolder,
    lock: int,
    listen: Listener,
    keep_going: Callable[[], str | None],
) -> PhaseResult:
    """Offer a phase that ramps to its rate and holds it. Raises `PhaseInvalid` where the load never began."""
    vus = users_for(spec, pacer_of(spec, phase, ground.clock, ground.rate_scale)).value

    def judge_of(pacer: Pacer) -> Judge:
        return partial(k6_invalidities, Offered(pacer=pacer, vus=vus, cores=cores()))

    by = Carrier(
        module="pytest_syncload.k6",
        arguments=(str(folder.path / f"{phase.name}.k6.log"),),
        users=vus,
        not_measured=NOT_MEASURED,
        unrenewed=_UNRENEWED,
    )
    return held(spec, phase, ground, folder, lock, listen, keep_going, by=by, judge_of=judge_of)


def users_for(spec: Spec, pacer: Pacer) -> Cap:
    """How many virtual users offer this schedule, and why."""
    return virtual_users(pacer.rate_per_s, spec.load.timeout_s, spec.load.vus)


def script_for(spec: Spec, phase: Phase) -> Script:
    """The phase's script as it would be run in the chosen environment, which need not be ready. Raises `Refused`."""
    sandbox = spec.environment.sandbox
    clock = ServiceClock.starting_now(speed=1.0 if sandbox is None else sandbox.speed)
    return _script(spec, phase, pacer_of(spec, phase, clock, 1.0 if sandbox is None else sandbox.rate_scale))


def _script(spec: Spec, phase: Phase, pacer: Pacer) -> Script:
    if phase.climb is not None:
        raise Refused(
            f"{phase.name} climbs ({spec.file.name}:{phase.line}), and k6 is told its rates before it starts; climb by "
            "engine: built-in"
        )
    users = users_for(spec, pacer)
    ramp = f"ramp {format_duration(pacer.ramp_s)}, " if pacer.ramp_s else ""
    about = (
        f"{spec.service}, phase {phase.name}: {format_number(pacer.rate_per_s)}/s, {ramp}hold "
        f"{format_duration(pacer.hold_s)} of wall time, {users.value} virtual users ({users.reason})"
    )
    return script_of(about=about, request=spec.request, pacer=pacer, vus=users.value, timeout_s=spec.load.timeout_s)


def k6_checks(
    spec: Spec, ground: Ground, phases: Sequence[Phase], environ: Mapping[str, str] = os.environ
) -> list[Check]:
    """Whether there is a k6 that can be used, and whether it can offer these phases."""
    return [_binary_check(environ), *_script_checks(spec, ground, phases)]


def _binary_check(environ: Mapping[str, str]) -> Check:
    try:
        found = find_k6(environ)
    except Refused as error:
        return Check(name="k6", finding=Finding.FAILED, says=str(error))
    if found.is_newer:
        says = f"{found} at {found.path}, which is of a later major version than what its output was written down of"
        return Check(name="k6", finding=Finding.NOTE, says=says)
    return Check(name="k6", finding=Finding.OK, says=f"{found} at {found.path}")


def _script_checks(spec: Spec, ground: Ground, phases: Sequence[Phase]) -> Iterator[Check]:
    for phase in phases:
        name = f"limits of {phase.name}"
        pacer = pacer_of(spec, phase, ground.clock, ground.rate_scale)
        try:
            _script(spec, phase, pacer)
        except Refused as error:
            yield Check(name=name, finding=Finding.FAILED, says=str(error))
            continue
        users = users_for(spec, pacer)
        room_s = min(users.value / pacer.rate_per_s, spec.load.timeout_s)
        says = (
            f"{users.value} virtual users of k6, room for answers of up to {format_duration(room_s)} at "
            f"{format_number(pacer.rate_per_s)}/s ({users.reason})"
        )
        short = room_s < min(ROOM_S, spec.load.timeout_s)
        if short:
            says += "; raise load.vus, or the limit of open files and ports, or lower the rate"
        yield Check(name=name, finding=Finding.FAILED if short else Finding.OK, says=says)
