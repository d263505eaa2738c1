"""What a run's folder and its plan come to, for every report alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import reduce
from importlib.metadata import version
from operator import add
from pathlib import Path
from typing import Any

from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE, PLAN_FILE, POINTER_FILE
from pytest_syncload.conductor.guards import host_of, is_loopback, lists_accounts
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.cost import RunPrice
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.parity import ParityFound
from pytest_syncload.facts.place import Placed
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.facts.report import COST, NOT_LOOKED_AT, PARITY, REGION, PhaseReport, RunReport, Where
from pytest_syncload.facts.result import Figure, PhaseResult


def report_of(
    spec: Spec,
    folder: RunFolder,
    record_of: Callable[[str], PhaseRecord | None],
    phases: Collection[str],
    rows: Collection[str],
    *,
    root: Path,
    command: str,
) -> RunReport:
    """The run. ``phases`` and ``rows`` (ids) are those that were asked for; ``record_of`` gives a phase's record.

    What cannot be read is told as a problem of its phase: a report must come out of any run.
    """
    again = _read(folder, POINTER_FILE)
    begun = _read(folder, PLAN_FILE) or again
    offered = RunFolder(Path(again["folder"])) if isinstance(again.get("folder"), str) else folder
    ground = _read(offered, ENVIRONMENT_FILE)
    parity, placed = offered.parity(), offered.place()
    reports = tuple(_phase(phase, folder, ground, record_of, rows) for phase in spec.phases if phase.name in phases)
    return RunReport(
        service=spec.service,
        run_id=folder.run_id,
        begun_at=float(begun.get("begun_at") or 0.0),
        version=version("pytest-syncload"),
        file=spec.file.name,
        folder=str(folder.path.relative_to(root)),
        command=command,
        where=where_of(spec, ground, folder.account()),
        phases=reports,
        estimated=folder.estimate(),
        spent=spent_of(folder, spec.phases),
        rejudged=spec.rejudged,
        compared=spec.compared,
        not_looked_at=(*_not_looked_at(spec, reports, parity, placed), *offered.unlooked()),
        parity=parity,
        placed=placed,
    )


def spent_of(folder: RunFolder, phases: Iterable[Phase]) -> RunPrice | None:
    """What all phases of the run have cost, None where nobody asked or nothing was sent."""
    spent = [found for phase in phases if (found := folder.spent(phase.name)) is not None]
    return reduce(add, spent) if spent else None


def is_costed(phases: Collection[PhaseReport]) -> bool:
    """Whether a cost was looked at in every phase: what one lacks was not."""
    return bool(phases) and all(phase.cost is not None for phase in phases)


def _not_looked_at(
    spec: Spec, phases: Collection[PhaseReport], parity: ParityFound | None, placed: Placed | None
) -> Iterator[str]:
    """What this run leaves open, which a green row could be taken to say."""
    known = {
        PARITY: parity is not None,
        COST: is_costed(phases),
        REGION: placed is not None and placed.place.region is not None,
    }
    yield from (what for what in NOT_LOOKED_AT if not known.get(what, False))
    environment = spec.environment
    if environment.sandbox is None and not lists_accounts(environment) and not is_loopback(host_of(environment)):
        yield "whether the account is the right one (guard.accounts lists none)"
    results = [phase.result for phase in phases if phase.result is not None]
    unsaid = [figure for figure in Figure if any(figure in result.not_measured for result in results)]
    if unsaid:
        yield f"{', '.join(figure.value.replace('_', ' ') for figure in unsaid)} of the load, which k6 does not say"


def where_of(spec: Spec, ground: Mapping[str, Any], account: str | None) -> Where:
    """Where the load went: by what was made ready for it, where it is known."""
    environment, sandbox = spec.environment, spec.environment.sandbox
    made = ground.get("sandbox")
    target = made.get("base_url") if isinstance(made, dict) else None
    region = sandbox.region if sandbox is not None else None if environment.aws is None else environment.aws.region
    return Where(
        environment=environment.name,
        is_sandbox=sandbox is not None,
        target=str(target or environment.base_url or "unknown"),
        region=region,
        account=account,
        speed=1.0 if sandbox is None else sandbox.speed,
        rate_scale=1.0 if sandbox is None else sandbox.rate_scale,
        production=environment.production,
    )


def load_began_at(phase: Phase, result: PhaseResult, ground: Mapping[str, Any]) -> float | None:
    """When the phase's load began, wall time in epoch seconds; None where the run's clock cannot be read.

    The clock's service time may differ from the wall's by an offset (see `ServiceClock`), which ``wall_origin`` knows;
    a run of an older version has none, and its offset was no more than what is measured of it.
    """
    try:
        clock = ServiceClock(**ground["clock"])
        wall_origin = float(ground.get("wall_origin", clock.origin))
        began = result.window.start - phase.ramp_s if result.climb is None else result.climb.begins_at
        return wall_origin + clock.wall_seconds(began - clock.origin)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None  # damaged meanwhile


def _phase(
    phase: Phase,
    folder: RunFolder,
    ground: Mapping[str, Any],
    record_of: Callable[[str], PhaseRecord | None],
    rows: Collection[str],
) -> PhaseReport:
    problem = None
    try:
        record = record_of(phase.name)
    except PhaseInvalid as error:
        record, problem = None, str(error)
    verdicts = (folder.verdict(phase.name, slo.name) for slo in phase.slos if slo.id in rows)
    result = None if record is None else record.result
    return PhaseReport(
        plan=phase,
        result=result,
        problem=problem if record is None else record.problem,
        verdicts=tuple(verdict for verdict in verdicts if verdict is not None),
        climb=folder.ranking(phase.name),
        cost=folder.cost(phase.name),
        load_began_at=None if result is None else load_began_at(phase, result, ground),
    )


def _read(folder: RunFolder, name: str) -> Mapping[str, Any]:
    try:
        data = folder.read(name)
    except (OSError, ValueError):
        return {}  # damaged meanwhile; the rows tell it
    return data if isinstance(data, dict) else {}
