"""API Gateway: the stage of a REST or an HTTP API, or one of its routes.

"Amazon API Gateway dimensions and metrics", "Monitor CloudWatch metrics for HTTP APIs". A route's own metrics exist
only where detailed metrics are on; where they are off there is no data point, which is inconclusive.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.metric import LEVEL, Absent, Each, Fold, Preset, Role, Template, level, total
from pytest_syncload.facts.units import Kind

_NAMESPACE = "AWS/ApiGateway"
_PERCENTILES = ("p95", "p50", "p90", "p99", "p99.9", "Average", "Maximum")
_STAGE = ("Stage", "{stage}")
_ROUTE = (("Method", "{method}"), ("Resource", "{resource}"))
#: An HTTP API's older documentation has one dimension, Route, in place of Method and Resource.
_DIMENSIONS = {
    Each.REST: (("ApiName", "{rest_api}"), _STAGE),
    Each.REST_ROUTE: (("ApiName", "{rest_api}"), *_ROUTE, _STAGE),
    Each.HTTP: (("ApiId", "{http_api}"), _STAGE),
    Each.HTTP_ROUTE: (("ApiId", "{http_api}"), *_ROUTE, _STAGE),
}


def _levels(name: str) -> tuple[Template, ...]:
    return tuple(level(name, each, dimensions) for each, dimensions in _DIMENSIONS.items())


def _counts(role: Role) -> tuple[Template, ...]:
    return tuple(total(role, "Count", each, dimensions) for each, dimensions in _DIMENSIONS.items())


def _errors(rest: str, http: str) -> Iterator[Template]:
    """A REST API's have a sample for each request, zero or one: their Average is documented as the error rate, Count as
    its denominator. Of an HTTP API's nothing of that is said: [U] that a minute without a point is zero."""
    for each, dimensions in _DIMENSIONS.items():
        if each in (Each.REST, Each.REST_ROUTE):
            yield total(Role.NUMERATOR, rest, each, dimensions, steady=True)
        else:
            yield total(Role.NUMERATOR, http, each, dimensions)


def _share(rest: str, http: str) -> tuple[Template, ...]:
    return (*_errors(rest, http), *_counts(Role.DENOMINATOR))


#: Requests that API Gateway counted in the window: what every phase's own count is reconciled with.
REQUEST_COUNT = Preset(
    name="the reconciliation of request counts",
    kind=Kind.COUNT,
    what="requests that API Gateway counted",
    namespace=_NAMESPACE,
    fold=Fold.SUM,
    templates=_counts(Role.VALUE),
)

PRESETS = (
    Preset(
        name="apigateway.latency",
        kind=Kind.TIME,
        what="time from API Gateway receiving a request to its answer",
        namespace=_NAMESPACE,
        templates=_levels("Latency"),
        statistics=_PERCENTILES,
        every_request=True,
        rules=LEVEL,
    ),
    Preset(
        name="apigateway.integration_latency",
        kind=Kind.TIME,
        # Not of every request: what API Gateway refuses by itself never reaches the back end.
        what="time from API Gateway relaying a request to the back end to the back end's answer",
        namespace=_NAMESPACE,
        templates=_levels("IntegrationLatency"),
        statistics=_PERCENTILES,
        rules=LEVEL,
    ),
    Preset(
        name="apigateway.5xx",
        kind=Kind.SHARE,
        what="share of requests that API Gateway answered with 5xx, or that failed as the client saw it: the worse",
        namespace=_NAMESPACE,
        fold=Fold.RATIO,
        absent=Absent.ZERO_BESIDE_DENOMINATOR,
        templates=_share("5XXError", "5xx"),
        client_view="failed",
    ),
    Preset(
        name="apigateway.4xx",
        kind=Kind.SHARE,
        what="share of requests that API Gateway answered with 4xx",
        namespace=_NAMESPACE,
        fold=Fold.RATIO,
        absent=Absent.ZERO_BESIDE_DENOMINATOR,
        templates=_share("4XXError", "4xx"),
    ),
)
