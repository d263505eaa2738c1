"""Which crew offers a phase's load, and what must be true of it before it is told anything."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.guards import host_of, is_loopback, may_be_elsewhere, region_found
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.place import Place
from pytest_syncload.facts.plan import Environment, Firebase, Passage, Phase, Spec, TokenFile
from pytest_syncload.facts.units import format_duration, format_number
from pytest_syncload.load.crew import Crew, LocalCrew
from pytest_syncload.load.limits import Cap
from pytest_syncload.sources import placement

if TYPE_CHECKING:
    from pytest_syncload.load.dask_crew import DaskCrew

#: Requests a second that one generator process is trusted with when their number is left to us.
RATE_A_GENERATOR = {Passage.BUILT_IN: 5000.0, Passage.HTTPX: 300.0}

#: Wall seconds of latency that the requests in flight must have room for; less would be the generator's limit, and
#: would show as the target's failures.
_ROOM_S = 1.0
KeepGoing = Callable[[], str | None]
#: The check's name.
FLEET = "fleet"


def generators_for(spec: Spec, rate_per_s: float) -> int:
    """How many generators offer this rate: the plan's own number, or as many as it needs."""
    if spec.load.dask is not None:
        return spec.load.dask.workers
    return spec.load.generators or max(1, math.ceil(rate_per_s / RATE_A_GENERATOR[spec.load.transport]))


def crew_for(
    spec: Spec, ground: Ground, folder: RunFolder, rate_per_s: float, lock: int, keep_going: KeepGoing
) -> Crew:
    """The crew, not open yet. ``lock`` is held by generators of this machine until the last one ends; ``keep_going``
    says why not to wait for others any longer."""
    if spec.load.dask is None:
        command = _command("pytest_syncload.generator", (), folder)
        return LocalCrew(generators_for(spec, rate_per_s), command, lock)
    return dask_crew(spec, spec.load.dask, ground, folder, keep_going)


def dask_crew(spec: Spec, cluster: DaskCluster, ground: Ground, folder: RunFolder, keep_going: KeepGoing) -> DaskCrew:
    """The cluster's workers, looked at once they are there. Raises `PhaseInvalid` where Dask is not installed."""
    try:
        from pytest_syncload.load.dask_crew import DaskCrew  # noqa: PLC0415  # an extra, 70 MB of it
    except ImportError as error:
        raise PhaseInvalid(
            f"load.generators names a Dask cluster, and {error.name} is not installed; install "
            "pytest-syncload[dask]; nothing was sent"
        ) from None

    def look(crew: DaskCrew) -> None:
        require_reachable(ground.environment, crew.hosts)
        if may_be_elsewhere(ground.environment):
            require_region(spec, ground.environment, folder, crew.everywhere(placement.placed_here))

    return DaskCrew(cluster, look, keep_going)


def fleet_checks(
    spec: Spec, ground: Ground, folder: RunFolder, phases: Sequence[Phase], keep_going: KeepGoing
) -> list[Check]:
    """Whether the cluster is there, its workers are like this process, where they should be, and can carry the load.

    One that is made for each phase is looked at when it is there.
    """
    cluster = spec.load.dask
    if cluster is None:
        return []
    if cluster.address is None:
        says = f"{cluster.name} is made when a phase begins; its workers, clocks and places are looked at then"
        return [Check(name=FLEET, finding=Finding.NOTE, says=says)]
    try:
        with dask_crew(spec, cluster, ground, folder, keep_going) as crew:
            rates = [most_per_s(phase, ground) for phase in phases]
            caps = [crew.cap(rate, spec.load.timeout_s) for rate in rates]
            limits = [
                limit_check(spec, phase, rate, crew.generators, cap)
                for phase, rate, cap in zip(phases, rates, caps, strict=True)
            ]
            return [Check(name=FLEET, finding=Finding.OK, says=crew.in_words), *limits]
    except PhaseInvalid as error:
        return [Check(name=FLEET, finding=Finding.FAILED, says=str(error).removesuffix("; nothing was sent"))]


def most_per_s(phase: Phase, ground: Ground) -> float:
    """The highest rate that the phase may offer."""
    return (phase.rate_per_s if phase.climb is None else phase.climb.at_most_per_s) * ground.rate_scale


def limit_check(spec: Spec, phase: Phase, rate_per_s: float, shards: int, cap: Cap) -> Check:
    """Whether as many requests can be open as the phase needs: ``cap`` for each of ``shards`` generators."""
    room_s = cap.value * shards / rate_per_s
    says = (
        f"{cap.value * shards} requests in flight at most, room for answers of up to "
        f"{format_duration(min(room_s, spec.load.timeout_s))} at {format_number(rate_per_s)}/s ({cap.reason})"
    )
    if spec.load.transport is Passage.HTTPX:
        says += f"; transport: httpx, of which a core carries some {RATE_A_GENERATOR[Passage.HTTPX]:.0f}/s"
    finding = Finding.OK
    if room_s < min(_ROOM_S, spec.load.timeout_s):
        finding = Finding.FAILED
        says += "; raise the limit (ulimit -Hn, net.ipv4.ip_local_port_range), or lower the rate"
    return Check(name=f"limits of {phase.name}", finding=finding, says=says)


def one_process(module: str, arguments: Sequence[str], folder: RunFolder, lock: int) -> Crew:
    """One process of this machine that runs ``module`` in place of our generators, whatever the rate."""
    return LocalCrew(1, _command(module, arguments, folder), lock)


def _command(module: str, arguments: Sequence[str], folder: RunFolder) -> list[str]:
    return [sys.executable, "-m", module, str(folder.controller_lock_path), *arguments]


def require_reachable(environment: Environment, hosts: Sequence[str]) -> None:
    """Raise `PhaseInvalid` where workers of other machines would each find themselves where this one has its target."""
    target = host_of(environment)
    away = sorted({host for host in hosts if not is_loopback(host)})
    if is_loopback(target) and away:
        raise PhaseInvalid(
            f"{target} is this machine's own, and of the workers at {', '.join(away)} it would be theirs; choose an "
            "environment that they reach, or workers of this machine; nothing was sent"
        )


def require_region(spec: Spec, environment: Environment, folder: RunFolder, places: Sequence[Place]) -> None:
    """Keep where workers are. Raise `PhaseInvalid` where one is not in the target's region and nobody accepts that."""
    checks = [region_found(environment, folder, spec.file.name, place) for place in _worst_last(environment, places)]
    failed = [check for check in checks if check.failed]
    if failed:
        raise PhaseInvalid(f"of {len(places)} workers {len(failed)} are elsewhere: {failed[-1].says}")


def _worst_last(environment: Environment, places: Sequence[Place]) -> list[Place]:
    """The last one is what the run's folder keeps."""
    region = None if environment.aws is None else environment.aws.region
    return sorted(places, key=lambda place: place.region != region)


def portable(whence: Firebase | TokenFile | Override | None) -> Firebase | TokenFile | Override | None:
    """Where identities come from, with nothing in it that only this machine has.

    Raises:
        PhaseInvalid: it is a file of tokens, or a service account that cannot be read.
    """
    if isinstance(whence, TokenFile):
        raise PhaseInvalid(
            "tokens: names a file of this machine, and a fleet signs in by itself; use firebase:, or a function for "
            "syncload_identities that its workers can import; nothing was sent"
        )
    if not isinstance(whence, Firebase) or whence.service_account is None:
        return whence
    account = whence.service_account
    if not account.lstrip().startswith("{"):
        try:
            account = Path(account).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise PhaseInvalid("firebase.service_account cannot be read here; nothing was sent") from None
    return replace(whence, service_account=account)
