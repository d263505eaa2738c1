"""What is looked at before load: everything that would make a phase prove nothing, found in ten seconds instead.

Offers no load: one user signs in and sends one request. Every check has its own answer and none stops another, so that
all that is wrong is told at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from pytest_syncload.conductor.by_k6 import k6_checks
from pytest_syncload.conductor.climbing import longest_s
from pytest_syncload.conductor.costing import billing_checks
from pytest_syncload.conductor.crews import fleet_checks, generators_for, limit_check, most_per_s
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.guards import account_check, before_anything, lists_accounts
from pytest_syncload.conductor.own_price import price_checks
from pytest_syncload.conductor.probe import probe
from pytest_syncload.conductor.quotas import quota_checks
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.conductor.verifiable import key_checks
from pytest_syncload.facts.catalogue import Fold, Query, preset_of, queries_for
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.plan import Engine, Phase, Resources, Slo, Spec
from pytest_syncload.load.limits import in_flight_cap
from pytest_syncload.sources import credentials, inventory
from pytest_syncload.sources.aws import FOR_CHECKS, client
from pytest_syncload.sources.cloudwatch import traffic_query
from pytest_syncload.sources.dryrun import queries as dry_run
from pytest_syncload.sources.settle import DEADLINE_MINUTES

#: The rows that are judged by what ECS says of tasks; they have no namespace.
_TASKS = "ECS tasks"
#: What holds the resources that rows look at, by the namespace of their metrics.
_KINDS: Mapping[str, tuple[str, Callable[..., inventory.Found]]] = {
    "AWS/DynamoDB": ("dynamodb", inventory.tables),
    "AWS/SQS": ("sqs", inventory.queue),
    "AWS/ElastiCache": ("elasticache", inventory.cache),
    "AWS/ECS": ("ecs", inventory.service),
    "ECS/ContainerInsights": ("ecs", inventory.insights),
    _TASKS: ("ecs", inventory.tasks),
}
#: Metrics of what another namespace's check looks for.
_ALSO: Mapping[str, tuple[str, ...]] = {"ECS/ContainerInsights": ("AWS/ECS",)}


def check(
    spec: Spec,
    ground: Ground,
    folder: RunFolder,
    phases: Sequence[Phase],
    keep_going: Callable[[], str | None],
    planned: Sequence[Phase] = (),
) -> tuple[Check, ...]:
    """Look at all that these phases need. ``keep_going`` says why to break off, None while not.

    ``planned`` are all that the credentials must last for, where that is more. Where a guard of the target fails,
    nobody else is asked, and there are no further checks.

    The controller's lock of ``folder`` must be held: the process that sends the request ends without it.
    """
    rows = _Rows.of(spec, ground, phases)
    guarded = [
        *before_anything(spec, ground.environment, folder),
        *fleet_checks(spec, ground, folder, phases, keep_going),
    ]
    own = (*_limits(spec, ground, phases), *key_checks(spec, ground, phases), *guarded)
    if any(each.failed for each in guarded):
        return own  # it is not the target that it is taken for, so nobody is asked and nothing sent
    interrupted = threading.Event()

    def go_on() -> str | None:
        return "the run was interrupted" if interrupted.is_set() else keep_going()

    with ThreadPoolExecutor(max_workers=8) as pool:

        def send() -> Future[Check]:
            return pool.submit(probe, spec, ground, folder, go_on)

        # Where accounts are listed, nobody signs in before it is known whose credentials these are.
        sending = None if lists_accounts(ground.environment) else send()
        try:
            who, account = _identity(spec, ground, planned or phases, rows.all)
            if account is not None:
                folder.keep_account(account)
            who += account_check(account, ground.environment, spec.file.name)
            if sending is None and any(each.failed for each in who):
                return (*own, *who)
            sending = sending or send()
            # With credentials that AWS does not take, every further question would only be refused the same way.
            known = not any(each.failed for each in who)
            costing = pool.submit(_costs, spec, ground, folder, phases, planned or phases) if known else None
            asked = _ask_aws(spec, ground, rows, planned or phases, pool) if known else []
            costs = [] if costing is None else costing.result()
            sent = sending.result()
        except KeyboardInterrupt:
            interrupted.set()  # leaving the pool waits for the request, which looks here
            raise
    folder.keep_unlooked(each.name for each in asked if each.unlooked)
    return (*own, *who, *rows.unlisted, *asked, *costs, sent)


def _costs(
    spec: Spec, ground: Ground, folder: RunFolder, phases: Sequence[Phase], planned: Sequence[Phase]
) -> list[Check]:
    """Whether costs can be said, and what the run itself will cost."""
    return [*billing_checks(spec, ground, folder, phases), *price_checks(spec, ground, folder, planned)]


def _ask_aws(spec: Spec, ground: Ground, rows: _Rows, phases: Sequence[Phase], pool: ThreadPoolExecutor) -> list[Check]:
    """Every query once, what slo.yaml lists against what there is, and what is wanted against what is allowed."""
    allowing = pool.submit(quota_checks, spec, ground, phases, {*rows.by_namespace})
    querying = pool.submit(_dry_run, ground, rows.by_query)
    comparing = [
        pool.submit(_compare, ground, service, partial(compare, rows=rows.by_namespace[namespace]))
        for namespace, (service, compare) in _KINDS.items()
        if namespace in rows.by_namespace
    ] + [
        pool.submit(_compare, replace(ground, environment=replace(ground.environment, resources=other)), "sqs", touch)
        for other, touch in rows.other_queues(ground.resources)
    ]
    found = inventory.everything([each.result() for each in comparing], ground.aws.region)
    return [*querying.result(), *found, *allowing.result()]


def refusal(failed: Sequence[Check]) -> str:
    """Why no load was offered, all of it in one text."""
    lines = [f"{_headline(failed)}:"]
    for each in failed:
        first, *more = each.says.splitlines() or [""]
        lines += [f"  {each.name}: {first}", *(f"    {line}" for line in more)]
        lines += [f"    needed by {row}" for row in each.rows]
    return "\n".join(lines)


def refusal_of(slo: Slo, failed: Sequence[Check]) -> str:
    """The same for one row: what concerns it in full, or where nothing does, each check's first line."""
    own = [(each, row) for each in failed for row in each.rows if row.partition(" ")[0] == slo.id]
    if not own:
        return "; ".join([_headline(failed), *(f"{each.name}: {each.says.partition(chr(10))[0]}" for each in failed)])
    return "; ".join([_headline(failed), *(f"{each.name}: {each.says} (needed by {row})" for each, row in own)])


def _headline(failed: Sequence[Check]) -> str:
    count = "1 check" if len(failed) == 1 else f"{len(failed)} checks"
    return f"{count} before the load failed, so no load was offered"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows, each with its place in slo.yaml and its query: by what they look at; and those that cannot look."""

    by_namespace: dict[str, tuple[str, ...]]
    by_query: dict[Query, tuple[str, ...]]
    unlisted: tuple[Check, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every row that looks at something, once."""
        return tuple(dict.fromkeys(row for rows in self.by_namespace.values() for row in rows))

    def other_queues(self, listed: Resources) -> Iterator[tuple[Resources, Callable[..., inventory.Found]]]:
        """Queues that only a written-out query names: each must be there, and be touched so that it publishes."""
        names: dict[str, dict[str, None]] = {}
        for query, rows in self.by_query.items():
            if query.namespace == "AWS/SQS":
                name = dict(query.dimensions).get("QueueName")
                if name is not None and name not in (listed.queue, listed.dead_letter_queue):
                    names.setdefault(name, {}).update(dict.fromkeys(f"{row}: {query}" for row in rows))
        for name, needing in names.items():
            yield replace(listed, queue=name, dead_letter_queue=None), partial(inventory.queue, rows=tuple(needing))

    @classmethod
    def of(cls, spec: Spec, ground: Ground, phases: Sequence[Phase]) -> _Rows:
        # Dictionaries for what is distinct and in order.
        by_namespace: dict[str, dict[str, None]] = {}
        by_query: dict[Query, dict[str, None]] = {}
        unlisted: list[Check] = []
        for slo in (slo for phase in phases for slo in phase.looked_at):
            place = f"{slo.id} ({spec.file.name}:{slo.line})"
            preset = preset_of(slo)
            try:
                queries = queries_for(slo, ground.resources)
            except Inconclusive as error:
                unlisted.append(Check(name="row", finding=Finding.FAILED, says=str(error), rows=(place,)))
                continue
            if preset.fold is Fold.TASKS:
                for namespace in ("AWS/ECS", _TASKS):
                    by_namespace.setdefault(namespace, {})[f"{place}: ECS ListTasks, DescribeTasks"] = None
            for namespace in dict.fromkeys(query.namespace for query in queries):
                first, *more = [query for query in queries if query.namespace == namespace]
                shown = f"{first}" + (f" and {len(more)} more" if more else "")
                for looked_at in (namespace, *_ALSO.get(namespace, ())):
                    by_namespace.setdefault(looked_at, {})[f"{place}: {shown}"] = None
            for query in queries:
                by_query.setdefault(query, {})[place] = None
        try:
            by_query.setdefault(traffic_query(ground.resources), {})
        except Inconclusive as error:
            says = f"{error}; what every row stands on is that its count is this load's"
            unlisted.append(Check(name="request count", finding=Finding.FAILED, says=says))
        return cls(
            by_namespace={namespace: tuple(rows) for namespace, rows in by_namespace.items()},
            by_query={query: tuple(rows) for query, rows in by_query.items()},
            unlisted=tuple(unlisted),
        )


def _limits(spec: Spec, ground: Ground, phases: Sequence[Phase]) -> list[Check]:
    """Whether this machine can hold as many requests open as the phases need. Of a fleet, its workers are asked."""
    if spec.load.engine is Engine.K6:
        return k6_checks(spec, ground, phases)
    if spec.load.dask is not None:
        return []
    rates = [most_per_s(phase, ground) for phase in phases]
    shards = [generators_for(spec, rate) for rate in rates]
    caps = [in_flight_cap(rate, spec.load.timeout_s, many) for rate, many in zip(rates, shards, strict=True)]
    return [limit_check(spec, *each) for each in zip(phases, rates, shards, caps, strict=True)]


def _identity(
    spec: Spec, ground: Ground, phases: Sequence[Phase], rows: tuple[str, ...]
) -> tuple[list[Check], str | None]:
    """Who asks AWS, where, and whether the credentials last until the end; and the account, where it is known."""
    services = ("cloudwatch", *dict.fromkeys(service for service, _ in _KINDS.values()), "service-quotas", "sts")
    try:
        clients = {service: client(service, ground.aws, patience=FOR_CHECKS) for service in services}
    except Refused as error:
        return [Check(name="endpoints", finding=Finding.FAILED, says=str(error), rows=rows)], None
    load_s = sum(longest_s(spec, phase, ground) for phase in phases)
    settling_s = ground.clock.wall_seconds(len(phases) * DEADLINE_MINUTES * MINUTE)
    now = time.time()
    expiry = credentials.expiry(ground.aws, now=now, ends=now + load_s + settling_s)
    who, account = credentials.account(clients["sts"])
    asked = [replace(each, rows=rows) if each.failed else each for each in (expiry, who)]
    return [credentials.endpoints(clients.values()), *asked], account


def _compare(ground: Ground, service: str, compare: Callable[..., inventory.Found]) -> inventory.Found:
    try:
        made = client(service, ground.aws, patience=FOR_CHECKS)
    except Refused as error:
        return inventory.Found(checks=(Check(name=service, finding=Finding.FAILED, says=str(error)),))
    return compare(made, ground.resources, ground.aws.region)


def _dry_run(ground: Ground, rows: Mapping[Query, tuple[str, ...]]) -> Sequence[Check]:
    try:
        made = client("cloudwatch", ground.aws, patience=FOR_CHECKS)
    except Refused as error:
        return [Check(name="queries", finding=Finding.FAILED, says=str(error))]
    return dry_run(made, rows, ground.clock)
