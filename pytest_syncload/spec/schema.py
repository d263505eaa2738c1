"""The form of slo.yaml, as pydantic models: which keys exist where, and of which type. Unknown keys are refused.

A phase, a row and an environment are each validated as a piece of their own, so that a mistake in one hides none in
another. What needs two pieces (a phase's rate and an environment's limit) comes in through the validation context.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from pytest_syncload.facts.catalogue import PRESETS
from pytest_syncload.facts.plan import Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import fields
from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.reasons import nearest


class Strict(BaseModel):
    """No unknown key, no conversion between types, no empty value in place of a default."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FileModel(Strict):
    """The whole file; its pieces are validated one by one."""

    service: Text
    environments: dict[str, Any] = {}
    load: Any = {}
    request: Any
    phases: dict[str, Any]


class LoadModel(Strict):
    """`load:`"""

    arrivals: Literal["constant", "poisson"] = "constant"
    timeout: fields.Seconds = 10.0
    generators: Annotated[int, BeforeValidator(fields.generators)] = 0
    seed: Annotated[int, AfterValidator(fields.seed)] = 1


class ExpectModel(Strict):
    """`request.expect:`"""

    status: int = 200
    json_members: Annotated[dict[str, Any], Field(alias="json")] = {}

    @field_validator("status")
    @classmethod
    def _an_answer_that_can_be_right(cls, status: int) -> int:
        if not 200 <= status < 500 or status == 429:
            raise wrong(
                f"{status} cannot be the right answer: 429 and 5xx are failures, and the final ones begin at 200",
                "a status from 200 to 499 other than 429",
            )
        return status


class RequestModel(Strict):
    """`request:`"""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] = "POST"
    path: fields.UrlPath
    headers: dict[fields.HeaderName, fields.HeaderValue] = {}
    json_body: Annotated[Any, Field(alias="json")] = None
    expect: ExpectModel = ExpectModel()

    @field_validator("headers")
    @classmethod
    def _each_once(cls, headers: dict[str, str]) -> dict[str, str]:
        lowered = [name.lower() for name in headers]
        twice = sorted({name for name in lowered if lowered.count(name) > 1})
        if twice:
            raise wrong(f"{', '.join(twice)} is there twice, as headers know no case; keep one", "each header once")
        return headers


class FaultsModel(Strict):
    """`sandbox.faults:`"""

    latency: fields.Milliseconds = 0.0
    errors: fields.Share = 0.0
    table_capacity: Annotated[fields.RateOrNone | None, Given] = None
    missing: list[Text] = []
    rejected_tokens: fields.Share = 0.0
    refused_connections: fields.Share = 0.0
    wrong_body: fields.Share = 0.0


class SandboxModel(Strict):
    """`sandbox:` of an environment"""

    speed: fields.Factor = 60.0
    rate_scale: fields.Factor = 1.0
    faults: FaultsModel = FaultsModel()


class FirebaseModel(Strict):
    """`firebase:` of an environment"""

    api_key: Text
    project: Text
    sign_in: Literal["custom-token", "password", "tokens"] = "custom-token"
    service_account: Annotated[Text | None, Given] = None
    users: fields.Whole = 50
    emulator_host: Annotated[fields.HostPort | None, Given] = None


class ApiModel(Strict):
    """`resources.api:`"""

    rest: Annotated[Text | None, Given] = None
    http: Annotated[Text | None, Given] = None
    stage: Annotated[Text | None, Given] = None

    @field_validator("http")
    @classmethod
    def _one_kind(cls, http: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("rest") is not None:
            raise wrong("rest and http exclude each other; keep the one that is under load", "one of rest and http")
        return http


class EcsModel(Strict):
    """`resources.ecs:`"""

    cluster: Text
    service: Text


class ResourcesModel(Strict):
    """`resources:` of an environment"""

    api: ApiModel = ApiModel()
    tables: dict[str, list[Text]] = {}
    queue: Annotated[Text | None, Given] = None
    ecs: Annotated[EcsModel | None, Given] = None
    cache: list[Text] = []


class SandboxEnvironmentModel(Strict):
    """An environment with `sandbox:`"""

    sandbox: SandboxModel
    max_rate: Annotated[fields.Rate | None, Given] = None


class RealEnvironmentModel(Strict):
    """An environment that is somewhere else"""

    base_url: fields.BaseUrl
    region: Text
    max_rate: Annotated[fields.Rate | None, Given] = None
    firebase: Annotated[FirebaseModel | None, Given] = None
    resources: ResourcesModel = ResourcesModel()


class Limit(Strict):
    """The validation context of phases: what the chosen environment may be offered."""

    environment: str
    max_rate: float
    rate_scale: float
    shown: str

    def hold(self, rate: float) -> float:
        """``rate``, if it may be offered. Raises `PydanticCustomError`."""
        if rate * self.rate_scale > self.max_rate:
            scaled = "" if self.rate_scale == 1 else f", even × rate_scale {self.rate_scale:g}"
            raise wrong(
                f"{rate:g}/s{scaled} is more than environment {self.environment!r} may be offered"
                f" (max_rate {self.shown})",
                f"a rate within max_rate {self.shown} of environment {self.environment!r}",
            )
        return rate


def _within_limit(rate: float, info: ValidationInfo) -> float:
    return info.context.hold(rate) if isinstance(info.context, Limit) else rate


class HoldPhaseModel(Strict):
    """A phase that ramps to a rate and holds it"""

    rate: Annotated[fields.Rate, AfterValidator(_within_limit)]
    ramp: fields.SecondsOrNone = 0.0
    hold: fields.Seconds
    slos: dict[str, Any]


class ClimbModel(Strict):
    """`climb:` of a phase"""

    start: Annotated[fields.Rate, AfterValidator(_within_limit), Field(alias="from")]
    step: fields.Percent
    every: fields.Seconds
    until: Annotated[str, AfterValidator(fields.failed_share)]
    at_most: Annotated[fields.Rate, AfterValidator(_within_limit)]

    @field_validator("at_most")
    @classmethod
    def _upwards(cls, at_most: float, info: ValidationInfo) -> float:
        if at_most < info.data.get("start", 0.0):
            raise wrong("at_most lies below from, so there is nothing to climb", "a rate above from")
        return at_most


class ClimbPhaseModel(Strict):
    """A phase that climbs until its condition is met"""

    climb: ClimbModel
    slos: dict[str, Any]


class QueryModel(Strict):
    """A CloudWatch metric written out"""

    namespace: Text
    name: Text
    dimensions: dict[str, Text] = {}


class ZeroWhileModel(Strict):
    """`missing:` of a raw row"""

    zero_while: QueryModel


def _missing(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if value == "inconclusive":
        return None
    takes = "'inconclusive' or {zero_while: {namespace: …, name: …, dimensions: {…}}}"
    raise wrong(f"{value!r} is not {takes}" if isinstance(value, str) else f"write {takes}", takes)


class PresetRowModel(Strict):
    """A row that names a preset"""

    metric: str
    statistic: Annotated[str | None, Given] = None
    target: Annotated[Any, Field()]
    sustained: Annotated[fields.Seconds | None, Given] = None
    growth: Annotated[Literal["none"] | None, Given] = None
    min_samples: Annotated[fields.Whole | None, Given] = None

    @field_validator("metric")
    @classmethod
    def _known(cls, metric: str) -> str:
        if metric not in PRESETS:
            raise wrong(f"no preset {metric!r}; {nearest(metric, PRESETS)}", "the name of a preset")
        return metric

    @field_validator("statistic")
    @classmethod
    def _allowed(cls, statistic: str, info: ValidationInfo) -> str:
        preset = PRESETS.get(info.data.get("metric", ""))
        if preset is not None and statistic not in preset.statistics:
            takes = f"one of {', '.join(preset.statistics)}" if preset.statistics else "no statistic; leave it out"
            raise wrong(f"{preset.name} has no statistic {statistic!r}; it takes {takes}", takes)
        return statistic

    @field_validator("target")
    @classmethod
    def _of_the_metric(cls, text: Any, info: ValidationInfo) -> Target:
        preset = PRESETS.get(info.data.get("metric", ""))
        return fields.target(text, None if preset is None else preset.kind)


class RawRowModel(Strict):
    """A row that asks CloudWatch itself"""

    query: QueryModel
    statistic: fields.Statistic
    kind: Literal["time", "share", "rate", "count"]
    missing: Annotated[ZeroWhileModel | None, BeforeValidator(_missing)] = None
    target: Annotated[Any, Field()]
    min_samples: Annotated[fields.Whole | None, Given] = None

    @field_validator("target")
    @classmethod
    def _of_the_kind(cls, text: Any, info: ValidationInfo) -> Target:
        kind = info.data.get("kind")
        return fields.target(text, None if kind is None else Kind(kind))
