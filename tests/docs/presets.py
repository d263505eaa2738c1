"""Writes docs/presets.md from the catalogue: `python -m tests.docs.presets`. A test insists that it is current."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from pytest_syncload.facts.catalogue import PRESETS, Each, Fold, Preset, Role, Rule, Template
from pytest_syncload.facts.idempotency import ENOUGH, MEANING
from pytest_syncload.facts.metric import CHOSEN
from pytest_syncload.facts.units import CANONICAL, EXAMPLE
from tests.docs.blocks import ROOT

PAGE = ROOT / "docs" / "presets.md"
_HEAD = """\
# Presets

What a row's `metric` can be. `pytest --syncload-presets` prints the same in a terminal. What is not here can be
[written out](slo-yaml.md#a-metric-written-out). [How the numbers are made](numbers.md) says how values, silence and
samples are judged.

<!-- Written by `python -m tests.docs.presets`; do not edit. -->
"""
_SERVICES = {
    "apigateway": "API Gateway",
    "dynamodb": "DynamoDB",
    "ecs": "ECS on Fargate",
    "containerinsights": "Container Insights",
    "sqs": "SQS",
    "elasticache": "ElastiCache",
    "idempotency": "Idempotency-Keys",
    "load": "The load itself",
    "cost": "What it costs",
}
#: What the environment must list for a query to be made.
NEEDS = {
    Each.REST: "resources.api.rest",
    Each.REST_ROUTE: "resources.api.rest",
    Each.HTTP: "resources.api.http",
    Each.HTTP_ROUTE: "resources.api.http",
    Each.TABLE: "resources.tables",
    Each.INDEX: "resources.tables",
    Each.EVERY_OPERATION: "resources.tables",
    Each.LISTED_OPERATION: "resources.operations",
    Each.SERVICE: "resources.ecs",
    Each.QUEUE: "resources.queue",
    Each.DEAD_LETTERS: "resources.dead_letter_queue",
    Each.NODE: "resources.cache",
    Each.SERVERLESS: "resources.serverless_cache",
}
_ROLES = {
    Role.VALUE: "",
    Role.NUMERATOR: "above: ",
    Role.DENOMINATOR: "below: ",
    Role.ALIVE: "alive by: ",
    Role.METER: "billed: ",
}


def page() -> str:
    """The page, Markdown."""
    parts = [_HEAD.rstrip(), _overview()]
    for service, presets in groupby(PRESETS.values(), lambda preset: preset.name.partition(".")[0]):
        parts.append(f"## {_SERVICES[service]}")
        parts += map(_section, presets)
    return "\n\n".join(parts) + "\n"


def _overview() -> str:
    rows = ["| preset | kind | what |", "|---|---|---|"]
    for preset in PRESETS.values():
        link = f"[`{preset.name}`](#{preset.name.replace('.', '')})"
        rows.append(f"| {link} | {preset.kind} | {preset.what} |")
    return "\n".join(rows)


def _section(preset: Preset) -> str:
    what = preset.what[0].upper() + preset.what[1:]
    rows = [f"| {key} | {said} |" for key, said in _entries(preset)]
    return "\n".join([f"### `{preset.name}`", "", f"{what}.", "", "| | |", "|---|---|", *rows])


def _entries(preset: Preset) -> Iterator[tuple[str, str]]:
    unit = CANONICAL[preset.kind]
    yield "target", f"a {preset.kind} such as `< {EXAMPLE[preset.kind]}`" + (f", kept in {unit}" if unit else "")
    if preset.fold is Fold.TASKS:
        yield "asks", "ECS: `ListTasks` and `DescribeTasks` of the service, about once a minute"
        yield "the environment lists", "`resources.ecs`"
    elif preset.fold is Fold.OWN:
        yield "checks", "<br>".join(f"`{rule}`: {meaning}" for rule, meaning in MEANING.items())
    elif preset.fold is Fold.CLIMB:
        yield "asks", "nobody: the climb's own steps"
    elif preset.fold is Fold.COST:
        yield "asks", "what everything that the environment lists used: [What it costs](cost.md)"
    else:
        yield "namespace", f"`{preset.namespace}`"
        yield "metrics", "<br>".join(dict.fromkeys(map(_asked, preset.templates)))
        yield "the environment lists", " or ".join(f"`{key}`" for key in _needs(preset))
    if preset.statistics:
        default, *others = (f"`{name}`" for name in preset.statistics)
        yield "statistic", ", ".join([f"{default} (default)", *others])
    yield "value", preset.fold.value + (", or what the client saw as failed" if preset.client_view else "")
    if silence := _silence(preset):
        yield "no data point", silence
    yield "rules", ", ".join(f"`{rule}`" for rule in Rule if rule in preset.rules) or "none"


def _silence(preset: Preset) -> str | None:
    match preset.fold:
        case Fold.OWN:
            return f"inconclusive; each rule needs {ENOUGH} checks that came to an end"
        case Fold.CLIMB:
            return "inconclusive; so is a target that needs more than the climb could show"
        case Fold.COST:
            return "inconclusive; so is what has no price, and a target that lies between the bounds"
        case Fold.TASKS:
            return None  # nothing of it comes from data points
    return preset.absent.value


def _asked(template: Template) -> str:
    statistic = "" if template.statistic == CHOSEN else f" {template.statistic}"
    where = ", ".join(name for name, _ in template.dimensions)
    return f"{_ROLES[template.role]}`{template.name}`{statistic} by {where}, of {template.each}"


def _needs(preset: Preset) -> tuple[str, ...]:
    return tuple(dict.fromkeys(NEEDS[template.each] for template in preset.templates))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
