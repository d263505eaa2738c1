"""False greens of slo.yaml: what is misread, ignored or guessed proves something else than its author wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.plan import Spec, Target
from pytest_syncload.facts.units import Kind, Quantity, parse_quantity
from pytest_syncload.spec import fields
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.offering import judged
from tests.rows import result
from tests.spec.plans import read_text

PLAN = """\
service: tiny
environments:
  {environments}
request: {{path: /}}
phases:
  peak: {{rate: 10/s, hold: 1m, slos: {slos}}}
"""
#: A metric of the service's own, published in a unit of its choice.
RAW = (
    "{{own: {{query: {{namespace: SyncWell, name: Waited}}, statistic: {statistic}, "
    'kind: {kind}, target: "{target}"}}}}'
)
SANDBOX = "sandbox: {sandbox: {speed: 60}}"


def plan(folder: Path, slos: str, environments: str = SANDBOX, chosen: str | None = None) -> Spec | None:
    """The plan with these rows, None where it is refused."""
    try:
        return read_text(folder, PLAN.format(slos=slos, environments=environments), chosen)
    except SpecError:
        return None


def of_the_rows(slos: str, **changed: float | None) -> Callable[[Path], Seen]:
    """The plan is read, and each of its rows judged on a load that went well."""

    def scenario(tmp_path: Path) -> Seen:
        read = plan(tmp_path, slos)
        if read is None:
            return Seen.ERROR
        seen = [judged(result(), slo, **changed) for slo in read.phase("peak").slos]
        return next((each for each in seen if each is not Seen.GREEN), Seen.GREEN)

    return scenario


def of_the_environment(environments: str, chosen: str) -> Callable[[Path], Seen]:
    """The plan is read for an environment that is meant to be real. Against a sandbox everything is green."""

    def scenario(tmp_path: Path) -> Seen:
        row = '{latency: {metric: apigateway.latency, target: "< 500 ms"}}'
        read = plan(tmp_path, row, environments, chosen)
        return Seen.GREEN if read is not None and read.environment.sandbox is not None else Seen.ERROR

    return scenario


def leniently(model: type[BaseModel], value: Any, limit: Any) -> BaseModel:
    """`strictly` of somebody who leaves out what the model does not know."""
    try:
        return model.model_validate(value, context=limit)
    except ValidationError as error:
        unknown = [detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"]
        if not unknown:
            raise
        kept = {key: child for key, child in value.items() if (key,) not in unknown}
        return model.model_validate(kept, context=limit)


def guess(value: Any, kind: Kind) -> float:
    """`amount` of somebody who takes a bare number for one in the unit that is compared in."""
    try:
        return float(value)
    except ValueError:
        return _AMOUNT(value, kind)


_AMOUNT = fields.amount


def any_unit(text: str, kind: Kind) -> Quantity:
    """`parse_quantity` of somebody who converts every unit that there is."""
    found = next((other for other in Kind if _is_one(text, other)), kind)
    return Quantity(_PARSE(text, found).value, kind, text)


_PARSE = parse_quantity


def _is_one(text: str, kind: Kind) -> bool:
    try:
        _PARSE(text, kind)
    except ValueError:
        return False
    return True


def _plan(name: str, mistake: str, scenario: Any, guard: str, instead: Callable[..., Any], **rest: Any) -> Entry:
    given: dict[str, Any] = {"needs": ("tmp_path",), "through": Through.PURE} | rest
    return Entry(name=name, mistake=mistake, scenario=scenario, guards={f"pytest_syncload.{guard}": instead}, **given)


ENTRIES: tuple[Entry, ...] = (
    _plan(
        "a misspelt key",
        "min_smaples is ignored, so the row is judged from far fewer samples than it asks for.",
        of_the_rows('{latency: {metric: apigateway.latency, target: "< 500 ms", min_smaples: 1000000}}'),
        "spec.reader:strictly",
        leniently,
    ),
    _plan(
        "a bare number",
        'target: "< 5" was meant as five errors, and is taken for 5 %.',
        of_the_rows('{errors: {metric: apigateway.5xx, target: "< 5"}}', _5XXError=10.0),
        "spec.fields:amount",
        guess,
    ),
    _plan(
        "a unit of something else",
        'target: "< 5m" for a queue is taken for 300,000 messages.',
        of_the_rows('{depth: {metric: sqs.visible, target: "< 5m"}}', ApproximateNumberOfMessagesVisible=9000.0),
        "facts.units:parse_quantity",
        any_unit,
    ),
    _plan(
        "a row of the same name twice",
        "The stricter of two rows named latency silently gives way to the other.",
        of_the_rows(
            '{latency: {metric: apigateway.latency, target: "< 500 ms"}, '
            'latency: {metric: apigateway.latency, target: "< 50 ms"}}'
        ),
        "spec.nodes:said_twice",
        lambda *_: None,
        peers="every plain YAML loader: the later of two equal keys wins",
    ),
    _plan(
        "a phase without rows",
        "Load is offered, nothing is judged, and nothing is broken.",
        of_the_rows("{}"),
        "spec.reader:without_rows",
        lambda _: None,
        peers="Keptn: an evaluation without objectives scores 100 (keptn#9198)",
    ),
    _plan(
        "a real environment that is also a sandbox",
        "sandbox: was left beside base_url:, and what is named after the real target runs in the toy, at its scales.",
        of_the_environment("real: {base_url: 'https://api.example.com', sandbox: {rate_scale: 0.01}}", "real"),
        "spec.reader:strictly",
        leniently,
    ),
    _plan(
        "a target that nothing breaks",
        'target: "< 500 m" was meant in milliseconds, and no request takes 500 minutes.',
        of_the_rows('{own: {metric: apigateway.integration_latency, target: "< 500 m"}}', IntegrationLatency=900.0),
        "spec.breakable:unbreakable",
        lambda slo, timeout_s: None,
    ),
    _plan(
        "seconds taken for milliseconds",
        "A metric of the service's own is published in seconds, CloudWatch converts nothing, and 0.9 is below 500.",
        of_the_rows(RAW.format(statistic="Average", kind="time", target="< 500 ms"), Waited=0.9),
        "spec.row_schema:refuse_other_unit",
        lambda unit, kind: None,
    ),
    _plan(
        "a sum taken for a rate",
        "The Sum over the hold is compared with a rate a second, and any hold is long enough to reach it.",
        of_the_rows(RAW.format(statistic="Sum", kind="rate", target="> 3000/s"), Waited=1500.0),
        "spec.row_schema:refuse_rate_of_a_sum",
        lambda kind, statistic: None,
    ),
    _plan(
        "an environment that is not there",
        "The name of the environment is misspelt, and the default is taken, which is the sandbox.",
        of_the_environment(
            f"load-testing: {{base_url: 'https://api.example.com', region: r}}\n  {SANDBOX}", "load-testng"
        ),
        "spec.reader:_Reading._choose",
        lambda *_: "sandbox",
    ),
    _plan(
        "NaN compared the wrong way round",
        "Whoever asks whether the target is broken, instead of whether it is met, gets no from NaN.",
        lambda: (
            Seen.GREEN
            if Target(op="<", value=500.0, kind=Kind.TIME, text="< 500 ms").met_by(float("nan"))
            else Seen.RED
        ),
        "facts.plan:Target.met_by",
        lambda target, value: not value >= target.value,
        needs=(),
    ),
)
