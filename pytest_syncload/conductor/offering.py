"""Which offer a phase gets: by its kind, and by the engine of the plan. The only one who knows them all."""

from __future__ import annotations

from pytest_syncload.conductor.by_k6 import offer_by_k6
from pytest_syncload.conductor.climbing import offer_climb
from pytest_syncload.conductor.phase import Offer, offer_hold
from pytest_syncload.facts.plan import Engine, Phase, Spec


def offer_for(spec: Spec, phase: Phase) -> Offer:
    """How this phase's load is offered. That k6 climbs is refused with slo.yaml."""
    if phase.climb is not None:
        return offer_climb
    return offer_by_k6 if spec.load.engine is Engine.K6 else offer_hold
