"""Small plans for tests of the conductor: phases of two minutes at a rate that any machine offers."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE, PLAN_FILE, environment_to_json, plan_to_json
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.observation import Verdict
from pytest_syncload.facts.plan import (
    AwsAccess,
    Environment,
    LoadSettings,
    Phase,
    RequestTemplate,
    SandboxSettings,
    Slo,
    Spec,
)
from pytest_syncload.sources.observe import observe
from pytest_syncload.verdict import judge
from tests.rows import ERRORS, LATENCY, RESOURCES, THROTTLES, answers, reading, result

SANDBOX = Environment(name="sandbox", line=2, sandbox=SandboxSettings())
REAL = Environment(
    name="load-testing",
    line=7,
    base_url="https://api.toy.example",
    aws=AwsAccess(region="eu-central-1"),
    max_rate_per_s=100.0,
    resources=RESOURCES,
)
REQUEST = RequestTemplate(
    path="/v1/sync-jobs",
    json={"source": {}, "destination": {}, "mode": "incremental"},
    expect_status=202,
    expect_json={"job_id": "any"},
)


def phase(name: str, *slos: Slo, **changes: Any) -> Phase:
    """A phase of two service minutes at 60/s."""
    plain: dict[str, Any] = {"name": name, "slos": slos, "line": 10, "rate_per_s": 60.0, "hold_s": 120.0}
    return Phase(**plain | changes)


def spec(*phases: Phase, environment: Environment = REAL) -> Spec:
    """A plan of these phases, or of one named peak with three rows."""
    return Spec(
        file=Path("/somewhere/slo.yaml"),
        service="toy",
        environment=environment,
        load=LoadSettings(generators=1),
        request=REQUEST,
        phases=phases or (phase("peak", LATENCY, ERRORS, THROTTLES),),
    )


def keep_run(folder: RunFolder, plan: Spec, *slos: Slo, **changed: float | None) -> dict[str, Verdict]:
    """A run whose phase peak was measured, with healthy answers to what ``slos`` ask, changed as asked.

    Gives its verdicts, which are kept too, by the row's name.
    """
    folder.make()
    folder.write(PLAN_FILE, plan_to_json(plan))
    clock = asdict(ServiceClock.starting_now())
    as_run = environment_to_json(replace(plan.environment, resources=RESOURCES))
    ground = {"environment": plan.environment.name, "clock": clock, "sandbox": None, "as_run": as_run}
    folder.write(ENVIRONMENT_FILE, ground)
    measured = reading(answers(*slos, **changed))
    folder.mark_started("peak")
    folder.keep("peak", PhaseRecord(result=result(), reading=measured, problem=None))
    verdicts = [judge(observe(slo, measured, RESOURCES, result()), result(), None) for slo in slos]
    for verdict in verdicts:
        folder.keep_verdict(verdict)
    return {verdict.slo.name: verdict for verdict in verdicts}
