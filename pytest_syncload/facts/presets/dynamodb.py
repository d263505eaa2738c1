"""DynamoDB, provisioned and on demand: what it throttled and failed, and how long an operation took.

"DynamoDB metrics and dimensions". What counts something bad is published only when it happens, so its silence is zero
only beside consumed capacity of the same table or index.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_syncload.facts.metric import SUSTAINED, Absent, Each, Fold, Preset, Role, Template, level, total
from pytest_syncload.facts.units import Kind

#: What the dimension Operation may say of requests to a table. [U] that there are no others: a request by one that is
#: missing here would go unseen by the metrics of operations, and never by `dynamodb.throttles`, which has none.
OPERATIONS = (
    *("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"),
    *("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
    *("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"),
)

_NAMESPACE = "AWS/DynamoDB"
_TABLE = (("TableName", "{table}"),)
#: A table's own figure leaves its indexes out.
_INDEX = (*_TABLE, ("GlobalSecondaryIndexName", "{index}"))
_OPERATION = (*_TABLE, ("Operation", "{operation}"))


def _consumed(each: Each, dimensions: tuple[tuple[str, str], ...]) -> Iterator[Template]:
    for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"):
        yield total(Role.ALIVE, name, each, dimensions)


def _capacity(which: str) -> Iterator[Template]:
    """What is provisioned is told every five minutes; its Minimum is the lowest setting of that time. [U] that a point
    stands at the beginning of its five minutes; where that leaves a minute of the window untold, there is no value."""
    for each, dimensions in ((Each.TABLE, _TABLE), (Each.INDEX, _INDEX)):
        yield total(Role.NUMERATOR, f"Consumed{which}CapacityUnits", each, dimensions)
        yield Template(
            role=Role.DENOMINATOR,
            name=f"Provisioned{which}CapacityUnits",
            statistic="Minimum",
            dimensions=dimensions,
            each=each,
            every_s=300,
        )


def _of_operations(name: str, metric: str, what: str) -> Preset:
    return Preset(
        name=name,
        kind=Kind.COUNT,
        what=what,
        namespace=_NAMESPACE,
        fold=Fold.SUM,
        absent=Absent.ZERO_WHILE_ALIVE,
        templates=(
            total(Role.VALUE, metric, Each.EVERY_OPERATION, _OPERATION),
            *_consumed(Each.TABLE, _TABLE),
        ),
    )


PRESETS = (
    Preset(
        name="dynamodb.throttles",
        kind=Kind.COUNT,
        what="throttled reads and writes of every listed table and index",
        namespace=_NAMESPACE,
        fold=Fold.SUM,
        absent=Absent.ZERO_WHILE_ALIVE,
        templates=tuple(
            template
            for each, dimensions in ((Each.TABLE, _TABLE), (Each.INDEX, _INDEX))
            for template in (
                total(Role.VALUE, "ReadThrottleEvents", each, dimensions),
                total(Role.VALUE, "WriteThrottleEvents", each, dimensions),
                *_consumed(each, dimensions),
            )
        ),
    ),
    _of_operations(
        "dynamodb.throttled_requests",
        "ThrottledRequests",
        "throttled requests to the listed tables; a batch counts only when all of it was throttled",
    ),
    _of_operations(
        "dynamodb.system_errors",
        "SystemErrors",
        "requests to the listed tables that DynamoDB itself failed (HTTP 500)",
    ),
    Preset(
        name="dynamodb.consumed_share",
        kind=Kind.SHARE,
        what="provisioned capacity in use, reads and writes apart, of listed tables of which none may be on demand",
        namespace=_NAMESPACE,
        fold=Fold.CAPACITY,
        absent=Absent.ZERO_WHILE_ALIVE,
        templates=(
            *_capacity("Read"),
            *_capacity("Write"),
            *_consumed(Each.TABLE, _TABLE),
            *_consumed(Each.INDEX, _INDEX),
        ),
        rules=SUSTAINED,
    ),
    Preset(
        name="dynamodb.latency",
        kind=Kind.TIME,
        what="time that DynamoDB took for successful requests, of the slowest operation listed",
        namespace=_NAMESPACE,
        templates=(level("SuccessfulRequestLatency", Each.LISTED_OPERATION, _OPERATION),),
        statistics=("Average", "Maximum"),
        rules=SUSTAINED,
    ),
)
