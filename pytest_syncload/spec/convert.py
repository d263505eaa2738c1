"""Validated models → the frozen facts of the plan. Decides nothing: whatever arrives here was found right."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.feeder import Feeder
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.idempotency import Idempotency, KeyForm, KeyRule
from pytest_syncload.facts.member import marked
from pytest_syncload.facts.parity import Accepted, Parity
from pytest_syncload.facts.plan import (
    UNIQUE,
    Abort,
    Alarm,
    Arrivals,
    AwsAccess,
    Climb,
    Engine,
    Environment,
    Faults,
    Firebase,
    LoadSettings,
    MaxCost,
    Passage,
    Phase,
    RawQuery,
    RequestTemplate,
    Resources,
    SandboxSettings,
    Scale,
    SignInBy,
    Slo,
    TokenFile,
)
from pytest_syncload.spec import (
    abort_rule,
    capacity_schema,
    environment_schema,
    fields,
    fleet_schema,
    guard_schema,
    parity_schema,
    phase_schema,
    request_schema,
    row_schema,
    scale_schema,
    schema,
)


class LineOf(Protocol):
    """The line of a piece of the file, or of what stands at these keys below it."""

    def __call__(self, *below: str | int) -> int:
        """From 1."""
        ...


def load_settings(model: schema.LoadModel, dask: fleet_schema.DaskModel | None) -> LoadSettings:
    """`load:`, with the cluster that stands in place of a number of generators."""
    return LoadSettings(
        engine=Engine(model.engine),
        vus=model.vus or 0,
        arrivals=Arrivals(model.arrivals),
        timeout_s=model.timeout,
        generators=model.generators,
        transport=Passage(model.transport),
        seed=model.seed,
        dask=None if dask is None else DaskCluster(**dict(dask)),
    )


def scale(line: int, model: scale_schema.ScaleModel) -> Scale:
    """`scale:`"""
    # As it is written: 0.1 is a tenth, and no float near it.
    return Scale(daily_users=model.daily_users, jobs_per_user=Fraction(str(model.jobs_per_user)), line=line)


def request_template(
    model: request_schema.RequestModel, feeders: Collection[Feeder], secrets: Collection[str]
) -> RequestTemplate:
    """`request:`, with what it draws from, and the values of the variables that stand in it."""
    return RequestTemplate(
        method=model.method,
        path=model.path,
        headers=tuple(model.headers.items()),
        json=model.json_body,
        feeders=tuple(feeders),
        expect_status=model.expect.status[0] if len(model.expect.status) == 1 else model.expect.status,
        expect_headers=tuple(model.expect.headers.items()),
        expect_json=model.expect.json_members,
        secrets=tuple(sorted(secrets)),
        idempotency=_idempotency(model),
    )


def _idempotency(model: request_schema.RequestModel) -> Idempotency:
    own, members = model.idempotency, model.expect.json_members
    return Idempotency(
        header=own.header,
        key=KeyForm(own.key),
        verify_percent=own.verify,
        job_id=own.job_id or next(marked(members, UNIQUE), ""),
        changed=own.changed,
    )


def sandbox(
    name: str, line_of: LineOf, model: environment_schema.SandboxEnvironmentModel, *, folder: Path
) -> Environment:
    """An environment that is the embedded sandbox; its addresses stay None until it was started."""
    return Environment(
        name=name,
        line=line_of(),
        max_rate_per_s=model.max_rate,
        max_cost=_max_cost(line_of, model.max_cost),
        guard=_guard(line_of, model.guard),
        parity=_parity(name, line_of, model.parity, folder),
        resources=None if model.resources is None else resources(model.resources),
        sandbox=SandboxSettings(
            speed=model.sandbox.speed,
            rate_scale=model.sandbox.rate_scale,
            region=model.region,
            users=model.sandbox.users,
            faults=_faults(model.sandbox.faults),
            capacities=_capacities(model.sandbox.capacity),
        ),
    )


def _faults(model: environment_schema.FaultsModel) -> Faults:
    return Faults(
        latency_ms=model.latency,
        error_share=model.errors,
        rejected_tokens_share=model.rejected_tokens,
        wrong_body_share=model.wrong_body,
        refused_connections_share=model.refused_connections,
        foreign_traffic_per_s=model.foreign_traffic,
        idempotency=None if model.idempotency is None else KeyRule(model.idempotency),
        table_capacity_per_s=model.table_capacity,
        index_capacity_per_s=model.index_capacity,
        workers=model.workers,
        request_cpu_ms=model.request_cpu,
        task_memory_share=model.memory,
        crashing_tasks=model.crashing_tasks,
        out_of_memory_tasks=model.out_of_memory_tasks,
        deployment=model.deployment,
        hot_cache_node_share=model.hot_cache_node,
        late_s=model.late,
        missing_metrics=tuple(model.missing),
        partial_data=tuple(model.partial_data),
        lost_page=model.lost_page,
        throttled_queries_share=model.throttled_queries,
        expired_credentials=model.expired_credentials,
        denied=tuple(model.denied),
        api_quota_per_s=model.api_quota,
        unreadable_quotas=model.unreadable_quotas,
        token_life_s=model.token_life,
        sign_in_quota_per_s=model.sign_in_quota,
        failed_refreshes_share=model.failed_refreshes,
    )


def _capacities(model: capacity_schema.CapacityModel) -> Capacities:
    return Capacities(
        table_per_s=model.table,
        index_per_s=model.index,
        workers_per_s=model.workers,
        cache_per_s=model.cache,
        third_party_per_s=model.third_party,
        concurrency=model.concurrency,
        recovery=model.recovers,
    )


def real(
    name: str,
    line_of: LineOf,
    model: environment_schema.RealEnvironmentModel,
    *,
    folder: Path,
    emulator_host: str | None,
) -> Environment:
    """An environment that exists somewhere else, with paths from ``folder``.

    ``emulator_host`` is that of Firebase where slo.yaml names none.
    """
    return Environment(
        name=name,
        line=line_of(),
        base_url=model.base_url.rstrip("/"),
        max_rate_per_s=model.max_rate,
        max_cost=_max_cost(line_of, model.max_cost),
        aws=AwsAccess(region=model.region),
        firebase=None if model.firebase is None else _firebase(model.firebase, folder, emulator_host),
        tokens=None if model.tokens is None else TokenFile(path=str(folder / model.tokens)),
        resources=resources(model.resources),
        production=model.production,
        generator_elsewhere=None if model.generator_region is None else model.generator_region.accept,
        guard=_guard(line_of, model.guard),
        parity=_parity(name, line_of, model.parity, folder),
    )


def _max_cost(line_of: LineOf, usd: float | None) -> MaxCost | None:
    return None if usd is None else MaxCost(usd=Decimal(str(usd)), line=line_of("max_cost"))


def _guard(line_of: LineOf, model: guard_schema.GuardModel | None) -> Guard | None:
    if model is None:
        return None
    lists = {
        key: None if listed is None else tuple(listed)
        for key, listed in (("hosts", model.hosts), ("networks", model.networks), ("accounts", model.accounts))
    }
    return Guard(line=line_of("guard"), **lists)


def _parity(name: str, line_of: LineOf, model: parity_schema.ParityModel | None, folder: Path) -> Parity | None:
    if model is None:
        return None
    return Parity(
        terraform=str(folder / model.terraform),
        reference=str(folder / model.reference),
        names={name: parity_schema.STANDS_FOR} if model.names is None else model.names,
        accept=tuple(
            Accepted(
                address=each.address,
                attribute=each.attribute,
                why=each.why,
                line=line_of("parity", "accept", number),
                here=each.here,
                reference=each.reference,
            )
            for number, each in enumerate(model.accept)
        ),
        line=line_of("parity"),
    )


def _firebase(model: environment_schema.FirebaseModel, folder: Path, emulator_host: str | None) -> Firebase:
    account = model.service_account
    if account is not None and not account.lstrip().startswith("{"):  # a path, and not the file's text
        account = str(folder / account)
    return Firebase(
        api_key=model.api_key,
        project=model.project,
        sign_in=SignInBy(model.sign_in),
        email=model.email,
        password=model.password,
        service_account=account,
        emulator_host=model.emulator_host or emulator_host,
        users=model.users,
        sign_in_rate_per_s=model.sign_in_rate,
    )


def resources(model: environment_schema.ResourcesModel) -> Resources:
    """`resources:` of an environment."""
    return Resources(
        rest_api=model.api.rest,
        http_api=model.api.http,
        stage=model.api.stage,
        route=model.api.route,
        tables={table: tuple(indexes) for table, indexes in model.tables.items()},
        operations={table: tuple(names) for table, names in model.operations.items()},
        queue=model.queue,
        dead_letter_queue=model.dead_letter_queue,
        ecs_cluster=None if model.ecs is None else model.ecs.cluster,
        ecs_service=None if model.ecs is None else model.ecs.service,
        cache=tuple(model.cache),
        serverless_cache=tuple(model.serverless_cache),
    )


def phase(
    name: str, line_of: LineOf, slos: tuple[Slo, ...], model: phase_schema.HoldPhaseModel | phase_schema.ClimbPhaseModel
) -> Phase:
    """A phase with its rows."""
    line = line_of()
    abort = next((rule for rule in model.abort if isinstance(rule, Abort)), None)
    alarms = tuple(
        _alarm(name, line_of("abort", number), rule)
        for number, rule in enumerate(model.abort)
        if isinstance(rule, abort_rule.AlarmForm)
    )
    if isinstance(model, phase_schema.HoldPhaseModel):
        return Phase(
            name=name,
            slos=slos,
            line=line,
            rate_per_s=model.rate,
            ramp_s=model.ramp,
            hold_s=model.hold,
            abort=abort,
            alarms=alarms,
        )
    climb = model.climb
    return Phase(
        name=name,
        slos=slos,
        line=line,
        climb=Climb(
            from_per_s=climb.start,
            step_percent=climb.step,
            every_s=climb.every,
            until=climb.until,
            failed_percent=fields.share_of_failed(climb.until),
            at_most_per_s=climb.at_most,
            recovers_within_s=climb.recovers_within,
        ),
        abort=abort,
        alarms=alarms,
    )


def _alarm(phase: str, line: int, rule: abort_rule.AlarmForm) -> Alarm:
    row = Slo(name="abort", phase=phase, target=rule.target, line=line, metric=rule.metric, statistic=rule.statistic)
    return Alarm(row=row, minutes=rule.minutes, text=rule.text)


def preset_row(phase: str, name: str, line: int, model: row_schema.PresetRowModel) -> Slo:
    """A row that names a preset."""
    return Slo(
        name=name,
        phase=phase,
        target=model.target,
        line=line,
        metric=model.metric,
        statistic=model.statistic,
        min_samples=model.min_samples,
        sustained_s=model.sustained,
        growth=model.growth,
        drains_within_s=model.drains_within,
        regression=model.regression,
    )


def raw_row(phase: str, name: str, line: int, model: row_schema.RawRowModel) -> Slo:
    """A row that asks CloudWatch itself."""
    return Slo(
        name=name,
        phase=phase,
        target=model.target,
        line=line,
        query=_query(model.query, row_schema.UNITS.get(model.target.kind, {}).get(model.unit or "", 1.0)),
        alive=None if model.missing is None else _query(model.missing.zero_while),
        statistic=model.statistic,
        min_samples=model.min_samples,
        sustained_s=model.sustained,
        growth=model.growth,
        regression=model.regression,
    )


def _query(model: row_schema.QueryModel, factor: float = 1.0) -> RawQuery:
    dimensions = tuple(model.dimensions.items())
    return RawQuery(namespace=model.namespace, name=model.name, dimensions=dimensions, factor=factor)
