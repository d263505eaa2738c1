"""What a phase costs, and which metrics count what AWS bills.

"Amazon API Gateway dimensions and metrics", "DynamoDB metrics and dimensions", "Available CloudWatch metrics for Amazon
SQS", "Amazon ECS CloudWatch metrics". What is paid by the hour and has no such metric, as cache nodes have none, is
described by its own service.
"""

from __future__ import annotations

from pytest_syncload.facts.metric import Each, Fold, Preset, Role, Template, total
from pytest_syncload.facts.units import Kind

PER_MILLION_JOBS = "cost.per_million_jobs"
PER_MONTH = "cost.per_month"

PRESETS = (
    Preset(
        name=PER_MILLION_JOBS,
        kind=Kind.MONEY,
        what="dollars for a million jobs, without what is paid whether or not there is a job",
        fold=Fold.COST,
    ),
    Preset(
        name=PER_MONTH,
        kind=Kind.MONEY,
        what="dollars a month at the scale of slo.yaml, fixed costs included",
        fold=Fold.COST,
    ),
)

_HTTP = (("ApiId", "{http_api}"), ("Stage", "{stage}"))
_TABLE = (("TableName", "{table}"),)
_INDEX = (*_TABLE, ("GlobalSecondaryIndexName", "{index}"))
_QUEUE = (("QueueName", "{queue}"),)

#: Bytes that an HTTP API carried: a request is billed in units of 512 KB of payload.
HTTP_BYTES = Preset(
    name="the bytes of an HTTP API",
    kind=Kind.COUNT,
    what="bytes that an HTTP API carried",
    namespace="AWS/ApiGateway",
    templates=(total(Role.METER, "DataProcessed", Each.HTTP, _HTTP),),
)
#: A table's own figures leave its indexes out.
UNITS = Preset(
    name="the units of tables",
    kind=Kind.COUNT,
    what="read and write units that tables and indexes used",
    namespace="AWS/DynamoDB",
    templates=tuple(
        total(Role.METER, f"Consumed{which}CapacityUnits", each, dimensions)
        for each, dimensions in ((Each.TABLE, _TABLE), (Each.INDEX, _INDEX))
        for which in ("Write", "Read")
    ),
)
#: Messages by what was done with them. No metric counts requests, which may carry ten. The first is a VALUE, so that
#: the run waits until the queue publishes.
MESSAGES = Preset(
    name="the messages of a queue",
    kind=Kind.COUNT,
    what="messages sent, received and deleted, and requests that received none",
    namespace="AWS/SQS",
    templates=(
        total(Role.VALUE, "NumberOfMessagesSent", Each.QUEUE, _QUEUE),
        total(Role.METER, "NumberOfMessagesReceived", Each.QUEUE, _QUEUE),
        total(Role.METER, "NumberOfMessagesDeleted", Each.QUEUE, _QUEUE),
        total(Role.METER, "NumberOfEmptyReceives", Each.QUEUE, _QUEUE),
        total(Role.METER, "SentMessageSize", Each.QUEUE, _QUEUE),
    ),
)
#: A running task publishes one sample a minute, so that the samples are the tasks.
TASKS = Preset(
    name="the tasks of a service",
    kind=Kind.COUNT,
    what="running tasks",
    namespace="AWS/ECS",
    templates=(
        Template(
            role=Role.METER,
            name="CPUUtilization",
            statistic="SampleCount",
            dimensions=(("ClusterName", "{cluster}"), ("ServiceName", "{service}")),
            each=Each.SERVICE,
        ),
    ),
)
