"""What a run's folder and its plan come to, for every report alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.plan import Phase, Spec
from pytest_syncload.facts.report import PhaseReport, RunReport, Where


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
    begun = _read(folder, "plan.json") or _read(folder, "rejudged_from.json")
    return RunReport(
        service=spec.service,
        run_id=folder.run_id,
        begun_at=float(begun.get("begun_at") or 0.0),
        version=version("pytest-syncload"),
        file=spec.file.name,
        folder=str(folder.path.relative_to(root)),
        command=command,
        where=where_of(spec, _read(folder, "environment.json"), folder.account()),
        phases=tuple(_phase(phase, folder, record_of, rows) for phase in spec.phases if phase.name in phases),
        rejudged=spec.rejudged,
    )


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
    )


def _phase(
    phase: Phase, folder: RunFolder, record_of: Callable[[str], PhaseRecord | None], rows: Collection[str]
) -> PhaseReport:
    problem = None
    try:
        record = record_of(phase.name)
    except PhaseInvalid as error:
        record, problem = None, str(error)
    verdicts = (folder.verdict(phase.name, slo.name) for slo in phase.slos if slo.id in rows)
    return PhaseReport(
        plan=phase,
        result=None if record is None else record.result,
        problem=problem if record is None else record.problem,
        verdicts=tuple(verdict for verdict in verdicts if verdict is not None),
        climb=folder.ranking(phase.name),
    )


def _read(folder: RunFolder, name: str) -> Mapping[str, Any]:
    try:
        data = folder.read(name)
    except (OSError, ValueError):
        return {}  # damaged meanwhile; the rows tell it
    return data if isinstance(data, dict) else {}
