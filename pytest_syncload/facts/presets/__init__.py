"""The presets a row can name, as data, by service: a new metric is an entry in one of these modules.

Only a new way of folding needs code, in `sources/`. Names, dimensions and missing-data behaviour are AWS's own;
each module names the pages.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import Preset
from pytest_syncload.facts.presets import apigateway, dynamodb, ecs, elasticache, idempotency, sqs
from pytest_syncload.facts.units import Kind


def _unbuilt(name: str, kind: Kind, what: str) -> Preset:
    return Preset(name=name, kind=kind, what=what, built=False)


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        *apigateway.PRESETS,
        *dynamodb.PRESETS,
        *ecs.PRESETS,
        *sqs.PRESETS,
        *elasticache.PRESETS,
        *idempotency.PRESETS,
        _unbuilt("load.breaking_point", Kind.RATE, "the first rate of a climb that did not hold"),
        _unbuilt("load.headroom", Kind.SHARE, "how far the breaking point lies above the peak's rate"),
    )
}
