"""What the load itself checks of the Idempotency-Key; no service publishes it.

The rules stand in `facts.idempotency`.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import Fold, Preset
from pytest_syncload.facts.units import Kind

VIOLATIONS = "idempotency.violations"

PRESETS = (
    Preset(
        name=VIOLATIONS,
        kind=Kind.COUNT,
        what="broken promises of the Idempotency-Key, found by the share of arrivals that request.idempotency verifies",
        fold=Fold.OWN,
    ),
)
