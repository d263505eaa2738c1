"""What a climb finds of the target; no service publishes it."""

from __future__ import annotations

from pytest_syncload.facts.metric import Fold, Preset
from pytest_syncload.facts.units import Kind

BREAKING_POINT = "load.breaking_point"
HEADROOM = "load.headroom"

PRESETS = (
    Preset(
        name=BREAKING_POINT,
        kind=Kind.RATE,
        what="the highest rate of a climb that held",
        fold=Fold.CLIMB,
    ),
    Preset(
        name=HEADROOM,
        kind=Kind.SHARE,
        what="how far that lies above the highest rate that another phase of the plan holds",
        fold=Fold.CLIMB,
    ),
)
