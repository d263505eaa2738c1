"""Small plans for tests of the conductor: phases of two minutes at a rate that any machine offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from tests.rows import ERRORS, LATENCY, RESOURCES, THROTTLES

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
