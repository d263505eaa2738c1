"""What the account allows, compared with what the phases want, before load: beyond it AWS itself refuses.

The codes are those of AWS General Reference's "Service quotas" pages of each service. What cannot be read is said by
name, with the IAM action that is missing; it stops nothing, because a run without that permission proves as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.sources.aws import NotThere, call


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A quota of one region of an account. ``name`` is for the reader."""

    service: str
    code: str
    name: str


#: Requests a second that API Gateway takes for all APIs of a region together, steadily ("Amazon API Gateway quotas").
API_RATE = Quota(service="apigateway", code="L-8A5B8E43", name="API Gateway's throttle rate")
#: How many of them at once, beyond that rate.
API_BURST = Quota(service="apigateway", code="L-CDF5615A", name="API Gateway's throttle burst")
#: vCPU of all Fargate tasks that are not Spot ("AWS Fargate service quotas").
FARGATE = Quota(service="fargate", code="L-3032A538", name="Fargate's vCPU")
#: Units a second that one table or index is allowed, on demand too ("Amazon DynamoDB service quotas").
TABLE_READ = Quota(service="dynamodb", code="L-CF0CBE56", name="a DynamoDB table's reads")
TABLE_WRITE = Quota(service="dynamodb", code="L-AB614373", name="a DynamoDB table's writes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the phases want at most: ``rate_per_s`` arrivals, by the phase of that name, which climbs or holds it, and
    ``checks_per_s`` requests beside them, which check what the Idempotency-Key promises."""

    rate_per_s: float
    phase: str
    climbs: bool
    checks_per_s: float = 0.0

    @property
    def requests_per_s(self) -> float:
        """All of them."""
        return self.rate_per_s + self.checks_per_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Fargate:
    """Tasks of ``vcpu`` each that a service wants now, and ``at_most`` by its scaling: None where it has none, or where
    that is not known."""

    service: str
    tasks: int
    vcpu: float
    at_most: int | None = None


def value(client: Any, quota: Quota) -> float:
    """What is applied to the account, else AWS's default. ``client``: Service Quotas. Raises `Inconclusive`."""
    asked = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        told = call(client, "GetServiceQuota", **asked)
    except NotThere:
        told = call(client, "GetAWSDefaultServiceQuota", **asked)
    number = (told.get("Quota") or {}).get("Value")
    if number is None:
        raise Inconclusive(f"Service Quotas told no value of {quota.code}")
    return float(number)


def of_api(client: Any, wanted: Wanted) -> Check:
    """The requests that API Gateway takes for the account."""
    name = f"quota of {API_RATE.name}"
    try:
        allowed = value(client, API_RATE)
    except Inconclusive as error:
        return _unread(API_RATE, error)
    try:
        burst = f", in bursts of {_shown(value(client, API_BURST))}"
    except Inconclusive:
        burst = ""  # only shown
    wants = _rate(wanted)
    if wanted.requests_per_s > allowed:
        what = "at_most" if wanted.climbs else "the rate"
        says = (
            f"the account allows {_shown(allowed)}/s; {wants}, and what is beyond would be refused by API Gateway and "
            f"not by the service: have it raised (Service Quotas, {API_RATE.code}), or lower {what}"
        )
        return Check(name=name, finding=Finding.FAILED, says=says)
    says = f"the account allows {_shown(allowed)}/s for all its APIs here{burst}; {wants}"
    return Check(name=name, finding=Finding.OK, says=says)


def of_tables(client: Any, wanted: Wanted) -> list[Check]:
    """The reads and writes that one table is allowed. A request may need none or many: beyond it is a note."""
    return [_of_table(client, quota, wanted) for quota in (TABLE_WRITE, TABLE_READ)]


def _of_table(client: Any, quota: Quota, wanted: Wanted) -> Check:
    name = f"quota of {quota.name}"
    try:
        allowed = value(client, quota)
    except Inconclusive as error:
        return _unread(quota, error)
    says = f"the account allows {_shown(allowed)} units/s; {_rate(wanted)}"
    if wanted.requests_per_s > allowed:
        says += (
            f", so one unit a request is more than that: have it raised (Service Quotas, {quota.code}) where it is so"
        )
        return Check(name=name, finding=Finding.NOTE, says=says)
    return Check(name=name, finding=Finding.OK, says=says)


def of_fargate(client: Any, wanted: Fargate) -> Check:
    """The vCPU that Fargate gives the account."""
    name = f"quota of {FARGATE.name}"
    try:
        allowed = value(client, FARGATE)
    except Inconclusive as error:
        return _unread(FARGATE, error)
    now = f"{wanted.tasks} tasks of {wanted.service} are {_shown(wanted.tasks * wanted.vcpu)} vCPU"
    most = (wanted.at_most or 0) * wanted.vcpu
    if wanted.tasks * wanted.vcpu > allowed:
        says = (
            f"the account allows {_shown(allowed)}; {now}, so not all can start: have it raised (Service Quotas, "
            f"{FARGATE.code}), or want fewer"
        )
        return Check(name=name, finding=Finding.FAILED, says=says)
    if most > allowed:
        says = (
            f"the account allows {_shown(allowed)}; {now}, and the {wanted.at_most} that it may scale to {_shown(most)}"
            f": scaling would end by the account's limit; have it raised (Service Quotas, {FARGATE.code})"
        )
        return Check(name=name, finding=Finding.NOTE, says=says)
    up_to = "" if wanted.at_most is None else f", and the {wanted.at_most} that it may scale to {_shown(most)}"
    return Check(name=name, finding=Finding.OK, says=f"the account allows {_shown(allowed)}; {now}{up_to}")


def fargate_of(client: Any, scaling: Any, cluster: str, service: str) -> Fargate | None:
    """What the service wants of Fargate, None where it runs elsewhere or on Spot only. ``client``: ECS; ``scaling``:
    Application Auto Scaling, which may refuse: then it is not known how far the service may grow.

    Raises:
        Inconclusive: ECS did not say.
    """
    services = call(client, "DescribeServices", cluster=cluster, services=[service]).get("services", ())
    if not services or not on_demand(services[0]):
        return None
    told = services[0]
    if any(each.get("capacityProvider") != "FARGATE" for each in told.get("capacityProviderStrategy") or ()):
        raise Inconclusive(f"{service} runs on Spot or elsewhere too, and how many of its tasks do not is not known")
    try:
        definition = call(client, "DescribeTaskDefinition", taskDefinition=told["taskDefinition"])["taskDefinition"]
        # In CPU units, 1,024 of which are a vCPU; of a Fargate task it is always there.
        vcpu, tasks = float(definition.get("cpu", 0)) / 1024, int(told["desiredCount"])
    except (KeyError, ValueError) as error:
        raise Inconclusive(f"ECS's description of {service} cannot be read ({type(error).__name__}: {error})") from None
    if not vcpu:
        return None
    return Fargate(service=service, tasks=tasks, vcpu=vcpu, at_most=scales_to(scaling, cluster, service))


def scales_to(scaling: Any, cluster: str, service: str) -> int | None:
    """The most tasks that scaling may make of the service, None where nothing scales it or nobody may ask."""
    asked = {"ServiceNamespace": "ecs", "ResourceIds": [f"service/{cluster}/{service}"]}
    try:
        told = call(scaling, "DescribeScalableTargets", **asked, ScalableDimension="ecs:service:DesiredCount")
    except Inconclusive:
        return None
    return max((int(target["MaxCapacity"]) for target in told.get("ScalableTargets", ())), default=None)


def on_demand(service: Mapping[str, Any]) -> bool:
    """Whether tasks of an ECS service may run on Fargate that is not Spot."""
    strategy = service.get("capacityProviderStrategy") or ()
    if strategy:
        return any(each.get("capacityProvider") == "FARGATE" for each in strategy)
    return service.get("launchType") == "FARGATE"


def _unread(quota: Quota, error: Inconclusive) -> Check:
    return Check(name=f"quota of {quota.name}", finding=Finding.NOTE, says=f"not looked at: {error}", unlooked=True)


def _rate(wanted: Wanted) -> str:
    verb = "climbs to" if wanted.climbs else "holds"
    checks = f" and checks keys by {_shown(wanted.checks_per_s)}/s more" if wanted.checks_per_s else ""
    return f"{wanted.phase} {verb} {_shown(wanted.rate_per_s)}/s{checks}"


def _shown(number: float) -> str:
    return f"{number:,.10g}"
