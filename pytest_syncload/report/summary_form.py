"""The form of summary.json, and its JSON Schema. Its names are a promise: add, do not rename.

    python -m pytest_syncload.report.summary_form > pytest_syncload/summary.schema.json

A number is in the unit that its name ends with (`_ms`, `_s`, `_percent`, `_per_s`); of a row, in `unit`. What is not
known is null, and never zero. Moments are ISO 8601 in UTC. A reader must pass over names that it does not know;
`format` is raised when one that was there changes its meaning or goes.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from pytest_syncload.facts.comparison import Regression
from pytest_syncload.facts.cost import Origin
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.result import Figure, Outcome, Side

#: Raised when a name changes its meaning or goes. New names do not raise it.
FORMAT = 1
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity: such a number is not known."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowModel(_Model):
    """``[start, end)``, in the time that CloudWatch lives in: the sandbox's runs ahead of the wall."""

    start: datetime
    end: datetime
    seconds: float = Field(description="Its length in service seconds.")


class RangeModel(_Model):
    """What a number is known to lie between."""

    low: float
    high: float


class CountsModel(_Model):
    """How many rows were ruled what."""

    passed: int = Field(serialization_alias="pass")
    breach: int
    inconclusive: int


class RejudgedModel(_Model):
    """The run whose measurements were judged again: no load was offered."""

    run_id: str
    begun_at: datetime | None


class OtherRunModel(_Model):
    """The run that every row is shown beside."""

    run_id: str
    begun_at: datetime | None


class GeneratorPlaceModel(_Model):
    """The AWS region that the generators ran in."""

    region: str | None = Field(description="Null: nobody could say.")
    known_by: str = Field(description="Who said so, or why nobody could.")
    accepted: str | None = Field(description="Why it may be another than the target's, or unknown.")


class DocumentModel(_Model):
    """A document of `terraform show -json` as it was read."""

    name: str
    digest: str = Field(description="SHA-256 of the file.")
    kind: str = Field(description="`state` or `plan`.")


class DifferenceModel(_Model):
    """A difference in what bears load."""

    address: str
    attribute: str
    here: str
    reference: str
    accepted: str | None = Field(description="Why it is accepted; null: nobody does, and nothing was sent.")


class ParityModel(_Model):
    """What the environment was compared with, and what was found."""

    terraform: DocumentModel
    reference: DocumentModel
    compared: int = Field(description="Resources that are there in both.")
    passed_over: int = Field(description="Resources whose type has nothing that bears load.")
    differences: list[DifferenceModel]
    noted: list[DifferenceModel] = Field(description="What scaling moves between bounds that are compared.")


class RunPriceModel(_Model):
    """What the run's requests and its questions to CloudWatch cost, in US dollars; not what stands there anyway."""

    usd: RangeModel
    requests: RangeModel
    items: dict[str, RangeModel]
    basis: str = Field(description="How it is known what a request uses.")
    not_known: list[str] = Field(description="What has no price; with it, `usd` is no more than a low bound.")


class RunModel(_Model):
    """The run as a whole."""

    service: str
    id: str
    begun_at: datetime | None = Field(description="Wall time; of a judging again, when the judged run began.")
    version: str = Field(description="Of pytest-syncload.")
    file: str
    folder: str
    command: str = Field(description="Begins the same run again.")
    environment: str
    target: str
    region: str | None
    account: str | None
    sandbox: bool = Field(description="True: nothing here says anything about a real target.")
    production: bool = Field(description="Whether slo.yaml marks the environment as what users depend on.")
    speed: float = Field(description="Service seconds a wall second; above 1 only in the sandbox.")
    rate_scale: float = Field(description="What planned rates were multiplied by; other than 1 only in the sandbox.")
    rejudged: RejudgedModel | None
    compared: OtherRunModel | None
    not_looked_at: list[str]
    generator: GeneratorPlaceModel | None = Field(description="From where the load came; null: nobody looked.")
    parity: ParityModel | None = Field(
        description="In what the environment differs from what it stands for; null: nobody compared it."
    )
    estimated: RunPriceModel | None = Field(description="Before the first request; null where nobody asked.")
    spent: RunPriceModel | None = Field(description="By what was sent; null where nothing was, or nobody asked.")
    proven: bool = Field(description="Whether every row that was asked for passed, and each phase had one.")
    counts: CountsModel


class ClimbPlanModel(_Model):
    """How the phase was to climb."""

    from_per_s: float
    step_percent: float
    every_s: float
    until: str
    at_most_per_s: float
    recovers_within_s: float | None


class PlanModel(_Model):
    """The phase as slo.yaml has it, before any `rate_scale`. Durations are service seconds."""

    line: int
    rate_per_s: float | None
    ramp_s: float | None
    hold_s: float | None
    climb: ClimbPlanModel | None
    rows: int = Field(description="How many rows slo.yaml has for it.")
    rows_asked_for: int


class InvalidModel(_Model):
    """Why the load proves nothing, and whose doing that is."""

    side: Side
    what: str


class PercentilesModel(_Model):
    """Of all arrivals of the hold; nearest rank, within 0.25 %."""

    samples: int
    mean_ms: Number
    p50_ms: Number
    p75_ms: Number
    p90_ms: Number
    p95_ms: Number
    p99_ms: Number
    p99_9_ms: Number
    max_ms: Number


class GeneratorModel(_Model):
    """One generator process over the hold."""

    index: int
    cpu_percent: Number = Field(description="Of one core. Null: not measured.")
    lag_p99_ms: Number = Field(description="Null: not measured.")
    peak_in_flight: int | None = Field(description="Null: not measured.")
    engine: str | None = Field(description="Another engine than ours, with its version; null: ours.")
    tokens_refreshed: int
    refreshes_failed: int


class MeasuredModel(_Model):
    """What the client saw. Counts, rates and percentiles are of the arrivals that were due in `window`."""

    window: WindowModel
    load_began_at: datetime | None = Field(description="Wall time of the first arrival's second, ramp included.")
    wall_s: Number = Field(description="How long ramp and hold lasted, or the climb.")
    rate_per_s: Number = Field(description="Offered, after `rate_scale`.")
    scheduled: int
    arrivals: int
    outcomes: dict[Outcome, int] = Field(description="All of them; they add up to `arrivals`.")
    throttled: int = Field(description="The 429 answers among `unexpected_status`.")
    dropped_late: int = Field(description="The drops that were the generator's own doing.")
    failed: int = Field(description="5xx, 429, timeouts, connect and protocol errors, drops at the in-flight cap.")
    failed_percent: Number
    sent_per_s: Number = Field(description="Arrivals that became a request, a wall second.")
    ok_per_s: Number
    statuses: dict[str, int] = Field(description="Answers by HTTP status, of the whole phase.")
    wire_requests: int = Field(description="What CloudWatch's count is compared with, probes included.")
    latency: PercentilesModel = Field(description="From the intended time.")
    service_time: PercentilesModel = Field(description="From the actual send.")
    lag: PercentilesModel = Field(description="How late the generator itself was.")
    generators: list[GeneratorModel]
    ramp_arrivals: int = Field(description="Arrivals outside `window`.")
    aborted: str | None = Field(description="What the phase's own rule said when it stopped the load.")
    not_measured: dict[Figure, str] = Field(
        description="Figures that the engine cannot say, each with why; their percentiles are null, and no zero."
    )


class StepModel(_Model):
    """One step of a climb. `part` and `finding` are words of their own."""

    number: int
    part: str
    finding: str
    rate_per_s: float
    start: datetime | None
    end: datetime | None
    arrivals: int
    failed: int
    failed_percent: Number
    p95_ms: Number
    mean_ms: Number
    lag_p99_ms: Number


class FirstModel(_Model):
    """What broke first: the series, when it left its normal range (service time), and what speaks for it."""

    name: str
    resource: str
    at: datetime | None
    value: Number
    expected: Number = Field(description="What its load explains.")
    unit: str
    how: str
    because: str | None
    confidence_percent: Number
    of_its_limit_percent: Number = Field(description="At the last step that held.")


class EstimateModel(_Model):
    """A fitted number with its 95 % confidence interval."""

    value: Number
    low: Number
    high: Number


class LawModel(_Model):
    """The universal scalability law fitted to the climb, or why it was not."""

    ceiling_per_s: EstimateModel | None
    contention: EstimateModel | None
    coherency: EstimateModel | None
    no_fit: str | None


class ClimbModel(_Model):
    """What a climb found. Of `first` and `undetermined` one is null where the target broke; both where it did not."""

    sentence: str | None
    held_per_s: Number
    broke_per_s: Number
    at_least: bool = Field(description="True: nothing broke above `held_per_s`, so it may hold more.")
    end: str
    why: str
    recovered_after_s: Number = Field(description="Wall seconds.")
    steps: list[StepModel]
    first: FirstModel | None
    undetermined: str | None
    law: LawModel | None


class TierModel(_Model):
    """Dollars a unit, from where the tier before ends; `up_to` is null in the last."""

    up_to: Number
    usd: float


class PriceModel(_Model):
    """What a unit costs. `live` is of the Price List API, `shipped` of the table that came with this version."""

    origin: Origin
    as_of: str
    region: str
    tiers: list[TierModel]


class CostLineModel(_Model):
    """One product. Money is in US dollars, rounded to a billionth; null where the product has no price."""

    item: str
    of: list[str] = Field(description="The resources that used it.")
    units_per_million_jobs: RangeModel
    price: PriceModel | None
    usd_per_million_jobs: RangeModel | None
    usd_per_month_variable: RangeModel | None
    usd_per_month_fixed: Number


class AlternativeModel(_Model):
    """A table's other way of paying: dollars a month for what the scale needs."""

    of: str
    what: str
    usd_on_demand: float
    usd_provisioned: float
    break_even_percent: float = Field(description="Of use; from here on provisioned capacity is the cheaper.")
    used_percent: float = Field(description="What the scale uses of capacity that bears the phase's rate.")


class CostModel(_Model):
    """What the phase's jobs cost. With `not_known` every sum is no more than a low bound."""

    jobs: int = Field(description="Accepted requests of the window, by which its usage is divided.")
    jobs_per_month: int | None
    usd_per_million_jobs: RangeModel = Field(description="Without what is paid whether or not there is a job.")
    usd_per_month: RangeModel | None = Field(description="Null where slo.yaml has no scale.")
    usd_per_month_variable: RangeModel | None
    usd_per_month_fixed: Number
    lines: list[CostLineModel]
    not_known: list[str] = Field(description="What has no price, or could not be measured.")
    not_in_it: list[str]
    alternatives: list[AlternativeModel]
    prices_note: str | None


class PhaseModel(_Model):
    """A phase that was asked for."""

    name: str
    plan: PlanModel
    problem: str | None = Field(description="Why nothing was measured, or why what was measured proves nothing.")
    invalid: list[InvalidModel]
    measured: MeasuredModel | None
    climb: ClimbModel | None
    cost: CostModel | None = Field(description="Null where nobody asked for it, or nothing was measured.")


class TargetModel(_Model):
    """A limit: what a value must be, in the row's `unit`, or in percent."""

    text: str
    op: str = Field(description="`<`, `<=`, `==`, `>=` or `>`.")
    value: float


class QueryModel(_Model):
    """A CloudWatch metric that slo.yaml writes out."""

    namespace: str
    name: str
    dimensions: dict[str, str]


class BeforeModel(_Model):
    """What the run that is judged again ruled on the row of that name. `verdict` is null where it was not judged."""

    verdict: Ruling | None
    value: Number
    unit: str | None
    target: str | None


class ComparedModel(_Model):
    """The row beside the run of `run.compared`. Either the change is known or `problem` says why it is not."""

    finding: Regression = Field(description="By the row's `regression`; of a row without one, whether at all.")
    value: Number = Field(description="The row's value then, in the row's `unit`.")
    change_percent: Number = Field(description="Of the mean of its minutes; above zero it rose, be that worse or not.")
    change_low_percent: Number = Field(description="Of the 95 % interval, which knows the noise within both holds.")
    change_high_percent: Number
    minutes_then: int | None
    minutes_now: int | None
    problem: str | None


class RowModel(_Model):
    """A row that was asked for."""

    id: str = Field(description="Its path in slo.yaml: phase::name.")
    phase: str
    name: str
    line: int = Field(description="In slo.yaml.")
    metric: str | None
    query: QueryModel | None
    statistic: str | None = Field(description="As slo.yaml has it; null: the metric's own.")
    verdict: Ruling
    reason: str
    value: Number
    unit: str = Field(description="`ms`, `%`, `/s` or `USD`, of `value` and `target.value`; empty for a count.")
    target: TargetModel
    headroom_percent: Number = Field(
        description="How far the value may move before the target breaks, in percent of the target; negative beyond."
    )
    bounds: RangeModel | None = Field(description="What the value is known to lie between, where that is all.")
    samples: int | None
    window: WindowModel | None
    sources: list[str]
    parts: dict[str, Number] = Field(description="What the value was made of, in `unit` unless the name says another.")
    notes: list[str]
    before: BeforeModel | None
    regression: TargetModel | None = Field(description="What it may be worse by than in the compared run, in percent.")
    compared: ComparedModel | None


class SummaryModel(_Model):
    """A run of pytest-syncload. Pass over names that you do not know: there may be more of them in a later version."""

    format: Literal[1]
    run: RunModel
    phases: list[PhaseModel]
    rows: list[RowModel]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of summary.json. It allows other names, because a later version has more."""
    said = SummaryModel.model_json_schema(mode="serialization", by_alias=True)
    return {"$schema": DIALECT, **_open(said), "title": "summary.json"}


def schema_text() -> str:
    """`json_schema` as it is shipped."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _open(said: Any) -> Any:
    """Without the titles that pydantic makes of names, and without `additionalProperties: false`."""
    if isinstance(said, list):
        return [_open(each) for each in said]
    if not isinstance(said, dict):
        return said
    return {
        key: {name: _open(each) for name, each in value.items()} if key in ("properties", "$defs") else _open(value)
        for key, value in said.items()
        if not (key == "title" and isinstance(value, str)) and (key, value) != ("additionalProperties", False)
    }


if __name__ == "__main__":
    sys.stdout.write(schema_text())
