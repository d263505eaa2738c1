"""The presets a row can name, as data, by service: a new metric is an entry in one of these modules.

Only a new way of folding needs code, in `sources/`. Names, dimensions and missing-data behaviour are AWS's own;
each module names the pages.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import Preset
from pytest_syncload.facts.presets import apigateway, cost, dynamodb, ecs, elasticache, idempotency, load, sqs

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        *apigateway.PRESETS,
        *dynamodb.PRESETS,
        *ecs.PRESETS,
        *sqs.PRESETS,
        *elasticache.PRESETS,
        *idempotency.PRESETS,
        *load.PRESETS,
        *cost.PRESETS,
    )
}
