"""False greens by silence: what was not measured, was measured elsewhere, or could not be asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_syncload.facts.check import Finding
from pytest_syncload.facts.plan import Faults, RawQuery
from pytest_syncload.facts.result import Tally
from pytest_syncload.sources.cloudwatch import COMPLETE, Answer, Ask
from pytest_syncload.sources.inventory import cache, tables
from tests.false_greens.cloud import Cloud, seen
from tests.false_greens.entry import Entry, Seen, Through
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, THROTTLES

REQUIRED = "pytest_syncload.sources.required"
SETTLE = "pytest_syncload.sources.settle"
RULING = "pytest_syncload.verdict.ruling"


def nothing(*_: Any, **__: Any) -> None:
    """Finds nothing wrong."""


def none_missing(*_: Any) -> dict[str, str]:
    """Finds no series wanting."""
    return {}


def or_zero(folded: Answer, minutes: Answer) -> float:
    """A statistic of nothing is 0."""
    return folded.values[0] if folded.values else 0.0


def share_or_zero(errors: Answer, requests: Answer) -> float:
    """A share of nothing is 0."""
    return 100 * sum(errors.values) / max(1.0, sum(requests.values))


def _or_empty(answers: Mapping[Ask, Answer], ask: Ask) -> Answer:
    return answers.get(ask) or Answer(ask=ask, status=COMPLETE, timestamps=(), values=())


#: What takes silence for a number.
SILENT = {
    f"{REQUIRED}:require_every_minute": nothing,
    f"{REQUIRED}:value_of_the_window": or_zero,
}
#: What takes a request count for this load's.
COUNTED = {f"{SETTLE}:uncounted_minutes": nothing, f"{SETTLE}:unreconciled": nothing}
#: What takes a refusal for an answer.
_REFUSED = {
    f"{RULING}:not_final": nothing,
    f"{REQUIRED}:require_answers": nothing,
    f"{REQUIRED}:require_fetched": _or_empty,
    f"{REQUIRED}:require_use": nothing,
}
_ARGO = "Argo Rollouts: an empty CloudWatch answer was judged Successful (argo-rollouts#4147)"
_K6 = "k6: a threshold on a metric without samples passes (k6#1346)"


def _absent(cloud: Cloud) -> Seen:
    cloud.healthy({"ApproximateNumberOfMessagesVisible": []})
    return seen(cloud.verdict(DEPTH), "no data point for AWS/SQS")


def _wrong_dimension(cloud: Cloud) -> Seen:
    cloud.healthy({"WriteThrottleEvents": [{1.0: 9}] * 3})
    elsewhere = replace(RESOURCES, tables={"sync-job": ()})
    return seen(cloud.verdict(THROTTLES, resources=elsewhere), "is the name right?")


def _one_dimension_short(cloud: Cloud) -> Seen:
    cloud.healthy({"Latency": [{900.0: 600}] * 3})
    stageless = RawQuery(namespace="AWS/ApiGateway", name="Latency", dimensions=(("ApiName", "syncwell"),))
    row = replace(LATENCY, metric=None, query=stageless)
    return seen(cloud.verdict(row), "no data point for AWS/ApiGateway Latency p95")


def _other_region(cloud: Cloud) -> Seen:
    cloud.healthy({"WriteThrottleEvents": [{1.0: 9}] * 3})
    return seen(cloud.verdict(THROTTLES, region="eu-west-1"), "0 of the window's 3 minutes")


def _silent_node(cloud: Cloud) -> Seen:
    cloud.healthy({"002 EngineCPUUtilization": [], "002 CPUUtilization": []})
    return seen(cloud.verdict(CACHE), "no data point for AWS/ElastiCache EngineCPUUtilization")


def _engine_alone(cloud: Cloud) -> Seen:
    cloud.healthy({"001 EngineCPUUtilization": [], "002 EngineCPUUtilization": []})
    return seen(cloud.verdict(CACHE), "no data point for AWS/ElastiCache EngineCPUUtilization")


def _unused_table(cloud: Cloud) -> Seen:
    cloud.healthy({"ConsumedReadCapacityUnits": [], "ConsumedWriteCapacityUnits": []})
    return seen(cloud.verdict(THROTTLES), "silence is zero only beside traffic")


def _index_vouched_for(cloud: Cloud) -> Seen:
    """The table is used, and its index is misspelt."""
    cloud.healthy({"index WriteThrottleEvents": [{1.0: 9}] * 3})
    misspelt = replace(RESOURCES, tables={"sync-jobs": ("by-usr",)})
    return seen(cloud.verdict(THROTTLES, resources=misspelt), "shows that sync-jobs/by-usr was used")


def _unused_minute(cloud: Cloud) -> Seen:
    used: list[Mapping[float, int] | None] = [{1.0: 600}, None, {1.0: 600}]
    cloud.healthy({"ConsumedReadCapacityUnits": used, "ConsumedWriteCapacityUnits": used})
    return seen(cloud.verdict(THROTTLES), "2 of the window's 3 minutes")


def _zero_use(cloud: Cloud) -> Seen:
    idle: list[Mapping[float, int] | None] = [{0.0: 1}] * 3
    cloud.healthy({"ConsumedReadCapacityUnits": idle, "ConsumedWriteCapacityUnits": idle})
    return seen(cloud.verdict(THROTTLES), "silence is zero only beside traffic")


def _errors_without_count(cloud: Cloud) -> Seen:
    cloud.healthy({"Count": [], "5XXError": []})
    return seen(cloud.verdict(ERRORS), "0 of the window's 3 minutes")


def _no_requests(cloud: Cloud) -> Seen:
    cloud.healthy({"Count": [{0.0: 1}] * 3, "5XXError": []})
    nobody = cloud.load(wire_requests=0, in_flight_edges=0, hold=Tally())
    return seen(cloud.verdict(ERRORS, load=nobody), "where this load put 0 on the wire")


def _expired(cloud: Cloud) -> Seen:
    cloud.fresh(faults=Faults(expired_credentials=True))
    return seen(cloud.verdict(THROTTLES), "sign in again")


def _throttled(cloud: Cloud) -> Seen:
    cloud.fresh(faults=Faults(throttled_queries_share=100.0))
    return seen(cloud.verdict(THROTTLES), "throttled by AWS")


def _index_unlisted(cloud: Cloud) -> Seen:
    found = tables(cloud.client("dynamodb"), RESOURCES, "us-east-1")
    if any(check.finding is Finding.FAILED for check in found.checks):
        return Seen.ERROR
    cloud.healthy({"index WriteThrottleEvents": [{1.0: 9}] * 3})
    return seen(cloud.verdict(THROTTLES), "")


def _node_unlisted(cloud: Cloud) -> Seen:
    listed = replace(RESOURCES, cache=("syncwell-001",))
    found = cache(cloud.client("elasticache"), listed, "us-east-1")
    if any(check.finding is Finding.FAILED for check in found.checks):
        return Seen.ERROR
    cloud.healthy({"002 EngineCPUUtilization": [{99.0: 1}] * 3})
    return seen(cloud.verdict(CACHE, resources=listed), "")


def _entry(name: str, mistake: str, scenario: Any, guards: Mapping[str, Any], peers: str = "") -> Entry:
    return Entry(name=name, mistake=mistake, guards=guards, through=Through.BOTO3, scenario=scenario, peers=peers)


ENTRIES = (
    _entry("metric absent", "No data point is read as 0, which is below every limit.", _absent, SILENT, _ARGO),
    _entry(
        "wrong dimension",
        "A misspelt table has no throttles, however many the right one has.",
        _wrong_dimension,
        {f"{REQUIRED}:require_use": nothing},
        _K6,
    ),
    _entry(
        "one dimension too few",
        "CloudWatch matches dimensions all or nothing; a query without one of them finds nothing, which is fast.",
        _one_dimension_short,
        {
            **SILENT,
            f"{RULING}:too_few_samples": nothing,
        },
        "Locust: a percentile of nothing is 0",
    ),
    _entry(
        "other region",
        "Everything is asked in a region where nothing runs and nothing is throttled.",
        _other_region,
        {**COUNTED, f"{REQUIRED}:require_use": nothing},
    ),
    _entry(
        "one silent node", "The worst of the nodes that answer is taken for the worst of all.", _silent_node, SILENT
    ),
    _entry(
        "host CPU without engine CPU",
        "On two cores an engine at its end is 50 % of the host; the engine's metric is missing and nobody minds.",
        _engine_alone,
        SILENT,
    ),
    _entry(
        "no throttles where nothing was consumed",
        "The table was never used by this load, so it throttled nothing.",
        _unused_table,
        {f"{REQUIRED}:require_use": nothing},
    ),
    _entry(
        "an index that its table vouches for",
        "The table was used, so the silence of a misspelt index is read as zero too.",
        _index_vouched_for,
        {"pytest_syncload.sources.case:siblings_of": lambda query, alive: alive},
    ),
    _entry(
        "no throttles in a minute nobody saw",
        "The table was used in two of three minutes, and its silence in the third is read as zero.",
        _unused_minute,
        {f"{REQUIRED}:require_use": nothing, f"{SETTLE}:missing_minutes": none_missing},
    ),
    _entry(
        "a sibling that is there and zero",
        "A sibling's data point of 0 is taken for a sign of life.",
        _zero_use,
        {f"{REQUIRED}:require_use": nothing},
    ),
    _entry(
        "no errors without a count",
        "5XXError is absent because the whole API is: 0 of nothing.",
        _errors_without_count,
        {
            **COUNTED,
            f"{REQUIRED}:require_every_minute": nothing,
            f"{REQUIRED}:share_of_requests": share_or_zero,
            f"{RULING}:too_few_samples": nothing,
        },
        _ARGO,
    ),
    _entry(
        "zero requests",
        "Nothing was sent, so nothing failed.",
        _no_requests,
        {
            f"{SETTLE}:unreconciled": nothing,
            f"{REQUIRED}:share_of_requests": share_or_zero,
            f"{REQUIRED}:client_failures": lambda result: 0.0,
            f"{RULING}:too_few_samples": nothing,
        },
        "Keptn: empty objectives score 100 (keptn#9198)",
    ),
    _entry(
        "expired credentials",
        "Every question is refused, and a row whose silence may be zero has nothing but silence.",
        _expired,
        _REFUSED,
    ),
    _entry("throttled questions", "CloudWatch is too busy to say what went wrong.", _throttled, _REFUSED),
    _entry(
        "an index that nobody listed",
        "A table's own throttles leave its indexes out, and the index that throttles is not in slo.yaml.",
        _index_unlisted,
        {"pytest_syncload.sources.inventory:unlisted": lambda there, listed: []},
    ),
    _entry(
        "a cache node that nobody listed",
        "The hot node is not in slo.yaml, so no row looks at it.",
        _node_unlisted,
        {"pytest_syncload.sources.inventory:unlisted": lambda there, listed: []},
    ),
)
