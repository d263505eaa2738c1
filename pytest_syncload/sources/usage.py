"""CloudWatch's answers → what a window used of what AWS bills, pure. Where no metric counts what is billed, two bounds.

Nothing is taken for zero because nobody spoke of it: what could not be measured is a gap, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from math import ceil, floor

from pytest_syncload.facts.catalogue import Query, metered
from pytest_syncload.facts.cost import (
    Consumed,
    Product,
    Range,
    Sizes,
    Sold,
    Usage,
    message_of,
    node_of,
    request_of,
    task_products,
)
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Resources
from pytest_syncload.facts.result import Outcome, PhaseResult
from pytest_syncload.sources.case import whole_answer
from pytest_syncload.sources.cloudwatch import MINUTE_S, Answer, Ask
from pytest_syncload.sources.required import require_answers, require_every_minute, require_points, require_settled
from pytest_syncload.sources.settle import Reading

#: Messages that a request to SQS carries at most (Amazon SQS API Reference, SendMessageBatch).
MESSAGES_A_REQUEST = 10
#: Payload of one billed request to SQS ("Amazon SQS pricing"), and to an HTTP API ("Amazon API Gateway pricing").
QUEUE_UNIT_BYTES = 64 * 1024
HTTP_UNIT_BYTES = 512 * 1024
_HOUR_S = 3600
#: What nobody looks at, so that no cost holds it.
LEFT_OUT = (
    "data transfer, NAT and logs",
    "storage and backups",
    "calls of SQS that no metric counts",
    "API Gateway's cache, dead-letter queues, functions and other services",
    "sign-in and third parties",
    "support and taxes",
)
#: Share of a window's messages that may be under way at its two ends; more of them is work that is still to be paid.
_UNDER_WAY = Decimal("0.05")
_NOTHING = Range.of(Decimal(0))
#: What an environment may list, by the key in slo.yaml, and whether it does.
_LISTED: dict[str, Callable[[Resources], object]] = {
    "tables": lambda listed: listed.tables,
    "queue": lambda listed: listed.queue,
    "ecs": lambda listed: listed.ecs_service,
    "cache": lambda listed: listed.cache or listed.serverless_cache,
}


def consumed(reading: Reading, resources: Resources, sizes: Sizes, result: PhaseResult, speed: float) -> Consumed:
    """What the judged window used. ``speed`` is service seconds a wall second: tasks are paid by wall time.

    Never raises: what keeps a part from being measured is a gap.
    """
    gaps = [*sizes.gaps, *_without_a_size(resources, sizes)]
    usages: list[Usage] = []
    wall_s = Decimal(str(result.window.seconds)) / Decimal(str(speed))
    try:
        require_answers(reading)
        if reading.problem is not None:
            raise Inconclusive(reading.problem)
        meter = _Meter(reading, metered(resources), result)
    except Inconclusive as error:
        gaps.append(str(error))
    else:
        for part in _parts(meter, resources, sizes, wall_s):
            try:
                usages += part()
            except Inconclusive as error:
                gaps.append(str(error))
    usages += _nodes(resources, sizes)
    unlisted = [key for key, listed in _LISTED.items() if not listed(resources)]
    never = [f"resources that the environment does not list ({', '.join(unlisted)})"] if unlisted else []
    never += [f"requests to other routes than {resources.route}"] if resources.route else []
    return Consumed(
        phase=result.phase,
        jobs=jobs_of_the_window(result),
        wall_s=wall_s,
        usages=tuple(usages),
        gaps=tuple(dict.fromkeys(gaps)),
        left_out=(*LEFT_OUT, *never),
    )


def _without_a_size(resources: Resources, sizes: Sizes) -> Iterator[str]:
    """What is listed and was never looked up: of an earlier run, whose slo.yaml did not list it yet."""
    told = " ".join(sizes.gaps)
    service = f"service {resources.ecs_cluster}/{resources.ecs_service}"
    listed = {
        **{f"table {table}": table in sizes.tables for table in resources.tables},
        **({service: sizes.task is not None} if resources.ecs_service else {}),
        **{f"cache node {node}": node in sizes.nodes for node in resources.cache},
    }
    for what, is_known in listed.items():
        if not is_known and f"{what}: " not in told:
            yield f"{what}: how it is billed was never looked up; run the phase again"


def jobs_of_the_window(result: PhaseResult) -> int:
    """Accepted requests of the window. Where fewer were sent in it than were due in it, so many fewer jobs are taken to
    be in what it used: a cost by all that were due would be too low."""
    accepted, due, sent = result.hold[Outcome.OK], result.hold.on_wire, result.wire_requests
    return accepted if sent >= due else accepted * sent // due


class _Meter:
    """The window's answers, by metric and resource. Everything raises `Inconclusive` where an answer is not whole."""

    def __init__(self, reading: Reading, queries: Iterable[Query], result: PhaseResult) -> None:
        self._reading = reading
        self._queries = tuple(queries)
        self.window = result.window

    def queries(self, name: str) -> list[Query]:
        return [query for query in self._queries if query.name == name]

    def answer(self, query: Query) -> Answer:
        require_settled(self._reading, [query])
        return whole_answer(self._reading.answers, Ask(query, MINUTE_S, self.window))

    def only(self, name: str) -> Answer:
        (query,) = self.queries(name)
        return self.answer(query)

    def every_minute(self, name: str) -> Answer:
        answer = self.only(name)
        require_every_minute(answer)
        return answer


_Part = Callable[[], list[Usage]]


def _parts(meter: _Meter, resources: Resources, sizes: Sizes, wall_s: Decimal) -> Iterator[_Part]:
    yield lambda: [_requests(meter, resources)]
    sized = {table: sizes.tables[table] for table in resources.tables if table in sizes.tables}
    for table, size in sized.items():
        if size.on_demand:
            yield lambda table=table: _units(meter, table)  # type: ignore[misc]
        else:
            yield lambda table=table, size=size: [  # type: ignore[misc]
                _provisioned(table, Sold.WRITE_CAPACITY_HOUR, size.write_units),
                _provisioned(table, Sold.READ_CAPACITY_HOUR, size.read_units),
            ]
    if resources.queue:
        queue = resources.queue
        yield lambda: [_messages(meter, queue)]
    if sizes.task is not None and resources.ecs_service:
        yield lambda: _tasks(meter, resources, sizes, wall_s)


def _requests(meter: _Meter, resources: Resources) -> Usage:
    """Requests to the API, those that failed too. An HTTP API's with a large payload count as several."""
    counts = meter.only("Count")
    require_points(counts)
    requests = _total(counts)
    used = Range.of(requests)
    source = str(counts.ask.query)
    if resources.http_api:
        carried = meter.only("DataProcessed")
        require_points(carried)
        full = _total(carried) / HTTP_UNIT_BYTES
        high = requests + floor(full)
        used = Range(low=min(max(requests, Decimal(ceil(full))), high), high=high)
        source += f"; {carried.ask.query}"
    api = resources.http_api or resources.rest_api or ""
    return Usage(product=request_of(is_http=resources.http_api is not None), of=api, used=used, source=source)


def _units(meter: _Meter, table: str) -> list[Usage]:
    """Of a table on demand and each of its indexes, the units that were written and read."""
    names = {"ConsumedWriteCapacityUnits": Sold.WRITE_UNIT, "ConsumedReadCapacityUnits": Sold.READ_UNIT}
    answers = [
        (sold, meter.answer(query))
        for name, sold in names.items()
        for query in meter.queries(name)
        if query.group.partition("/")[0] == table
    ]
    require_use_of_the_table(table, [answer for _, answer in answers])
    for _, answer in answers:
        if answer.values:
            require_every_minute(answer)  # of a steady load, a hole between used minutes is lost and not zero
    return [
        Usage(
            product=Product(sold),
            of=answer.ask.query.group,
            used=Range.of(_total(answer)),
            source=str(answer.ask.query),
        )
        for sold, answer in answers
        if answer.values
    ]


def require_use_of_the_table(table: str, answers: Iterable[Answer]) -> None:
    """Raise `Inconclusive` where in some minute nothing of a table or its indexes was used: what is silent then is not
    known to be zero."""
    every = tuple(answers)
    used = {stamp for answer in every for stamp in answer.timestamps}
    minutes = every[0].ask.window.minutes
    if silent := len({*minutes} - used):
        raise Inconclusive(
            f"table {table}: no data point for what it consumed in {silent} of {len(minutes)} minutes; silence is zero "
            "only beside traffic: is the name right, and does a job use the table?"
        )


def _provisioned(table: str, sold: Sold, units: int) -> Usage:
    return Usage(
        product=Product(sold),
        of=table,
        used=_NOTHING,
        source="DynamoDB DescribeTable",
        always_per_h=Decimal(units),
    )


def _messages(meter: _Meter, queue: str) -> Usage:
    """Requests to the queue, which no metric counts: at best each carried ten messages, at worst one.

    A message of more than 64 KB is billed as several. What is received is as large as what was sent.
    """
    sent, received, deleted, empty = (
        _total(meter.every_minute(name))
        for name in (
            "NumberOfMessagesSent",
            "NumberOfMessagesReceived",
            "NumberOfMessagesDeleted",
            "NumberOfEmptyReceives",
        )
    )
    require_worked_off(queue, sent, deleted)
    large = Decimal(0)
    if sent:
        size = meter.every_minute("SentMessageSize")
        large = _total(size) / QUEUE_UNIT_BYTES
        large = Decimal(floor(large) + floor(large * received / sent))
    low = sum(Decimal(ceil(count / MESSAGES_A_REQUEST)) for count in (sent, received, deleted)) + empty
    return Usage(
        product=message_of(queue),
        of=queue,
        used=Range(low=low, high=sent + received + deleted + empty + large),
        source=f"AWS/SQS NumberOfMessagesSent, -Received, -Deleted, NumberOfEmptyReceives {{QueueName={queue}}}",
    )


def require_worked_off(queue: str, sent: Decimal, deleted: Decimal) -> None:
    """Raise `Inconclusive` where the window's jobs left work behind: what that costs is not in the window."""
    if deleted < sent * (1 - _UNDER_WAY):
        raise Inconclusive(
            f"queue {queue}: {deleted.normalize():f} of the {sent.normalize():f} messages that were sent in the window "
            "were worked off in it, so what the others cost is not measured; hold a rate that the workers keep up with"
        )


def _tasks(meter: _Meter, resources: Resources, sizes: Sizes, wall_s: Decimal) -> list[Usage]:
    """Hours of vCPU and memory, by the tasks that ran in each minute."""
    size = sizes.task
    assert size is not None
    running = meter.every_minute("CPUUtilization")
    minutes = len(running.values)
    task_hours = _total(running) * wall_s / minutes / _HOUR_S
    most, least = _exact(max(running.values)), Decimal(size.least or 0)
    return [
        Usage(
            product=product,
            of=f"{resources.ecs_cluster}/{resources.ecs_service}",
            used=Range.of(task_hours * each),
            source=f"{running.ask.query}; ECS DescribeTaskDefinition",
            always_per_h=least * each,
            kept_per_h=most * each,
        )
        for product, each in zip(task_products(arm=size.arm), (size.vcpu, size.gb), strict=True)
    ]


def _nodes(resources: Resources, sizes: Sizes) -> Iterator[Usage]:
    for node in resources.cache:
        size = sizes.nodes.get(node)
        if size is None:
            continue
        yield Usage(
            product=node_of(size),
            of=node,
            used=_NOTHING,
            source="ElastiCache DescribeCacheClusters",
            always_per_h=Decimal(size.count),
        )


def _total(answer: Answer) -> Decimal:
    return sum((_exact(value) for value in answer.values), Decimal(0))


def _exact(value: float) -> Decimal:
    """As CloudWatch wrote it: half a unit is a half, and no float near it."""
    return Decimal(repr(value))
