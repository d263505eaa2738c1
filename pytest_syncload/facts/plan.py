"""What a run is asked to do: slo.yaml after it was read and found right.

Durations of phases are *service* seconds, rates are per *wall* second, timeouts are wall seconds (see `clock`).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from json import dumps
from math import ceil
from pathlib import Path
from typing import Any

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.cost import DAYS_A_MONTH
from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.feeder import Feeder
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.idempotency import Idempotency, KeyRule
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.parity import Parity
from pytest_syncload.facts.placeholder import Slot, header_parts, written
from pytest_syncload.facts.units import Kind

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a row's value must be: ``op`` is one of ``< <= == >= >``; ``value`` is in the canonical unit of ``kind``."""

    op: str
    value: float
    kind: Kind
    text: str

    def met_by(self, value: float) -> bool:
        """Whether ``value``, in the canonical unit, is within the target. NaN never is."""
        return _HOLDS[self.op](value, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawQuery:
    """A CloudWatch metric written out in slo.yaml. CloudWatch matches ``dimensions`` exactly, all or nothing.

    ``factor`` turns the metric's unit into the canonical one of the row's kind.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """One row: a metric, how it is folded to one value over the hold, and its target.

    Either ``metric`` names a preset of the catalogue, or ``query`` is the raw CloudWatch query; then ``alive`` is the
    sibling metric beside which a missing data point counts as zero (None: a missing data point is inconclusive).

    ``sustained_s``: the value is the worst level that was held for so long without a break. ``growth`` "none": the
    series must not grow over the hold. ``drains_within_s``: so long after the hold the metric must be back near zero.
    ``regression``: its minutes may be worse than in the compared run by so many percent.
    """

    name: str
    phase: str
    target: Target
    line: int
    metric: str | None = None
    query: RawQuery | None = None
    alive: RawQuery | None = None
    statistic: str | None = None
    min_samples: int | None = None
    sustained_s: float | None = None
    growth: str | None = None
    drains_within_s: float | None = None
    regression: Target | None = None

    @property
    def id(self) -> str:
        """The row's path in the file: ``peak::api-latency-p95``."""
        return f"{self.phase}::{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A phase that climbs until the target breaks. ``until`` is kept as written; it is more than ``failed_percent``.

    ``every_s`` are whole service minutes. Once it broke, the target has ``recovers_within_s`` of
    service time to hold again; None: ten steps.
    """

    from_per_s: float
    step_percent: float
    every_s: float
    until: str
    failed_percent: float
    at_most_per_s: float
    recovers_within_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Abort:
    """When load must stop at once: in each of ``for_s`` wall seconds in a row more than ``failed_percent`` failed."""

    failed_percent: float
    for_s: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """When load must stop by a metric of the target: in each of ``minutes`` service minutes in a row it broke what
    ``row`` wants of it. The row has no verdict of its own; ``text`` is the rule as written."""

    row: Slo
    minutes: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One load phase. Either ``rate_per_s`` and ``hold_s`` (after a ramp from zero), or ``climb``."""

    name: str
    slos: tuple[Slo, ...]
    line: int
    rate_per_s: float = 0.0
    ramp_s: float = 0.0
    hold_s: float = 0.0
    climb: Climb | None = None
    abort: Abort | None = None
    alarms: tuple[Alarm, ...] = ()

    @property
    def looked_at(self) -> tuple[Slo, ...]:
        """Its rows, and those of its abort rules: they have no verdict, but must be answered too."""
        return (*self.slos, *(alarm.row for alarm in self.alarms))


class Arrivals(StrEnum):
    """How arrivals are spaced."""

    CONSTANT = "constant"
    POISSON = "poisson"


class Passage(StrEnum):
    """Which HTTP stack carries the arrivals."""

    BUILT_IN = "built-in"
    HTTPX = "httpx"


class Engine(StrEnum):
    """What offers the load: our own generators, or k6."""

    BUILT_IN = "built-in"
    K6 = "k6"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSettings:
    """How load is offered. ``generators`` 0 means as many as the rate needs here, and ``vus`` 0 as many of k6's virtual
    users. With ``dask``, its workers offer it."""

    engine: Engine = Engine.BUILT_IN
    vus: int = 0
    transport: Passage = Passage.BUILT_IN
    arrivals: Arrivals = Arrivals.CONSTANT
    timeout_s: float = 10.0
    generators: int = 0
    seed: int = 1
    dask: DaskCluster | None = None


#: What stands where something is hidden.
HIDDEN = "<hidden>"

#: In an expectation, the value that means "present and not null".
ANY = "any"

#: The same, and another for each Idempotency-Key.
UNIQUE = "unique"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """The request of every arrival, and what answer to it is `ok`.

    ``path``, values of ``headers`` and texts of ``json`` may hold `{{feeder.field}}` (see `placeholder`), drawn from
    ``feeders`` for each arrival. ``json`` is None for no body.
    ``expect_status`` is the right one, or all that are. ``expect_headers`` maps a name to its value, or to `ANY`.
    ``expect_json`` maps a top-level member to the value it must have; in it, at any depth, `ANY` stands for what is
    there and not null, and `UNIQUE`, once, for the same.
    ``secrets`` are the values of the variables that stand in it: they are shown nowhere. ``idempotency`` says how it
    carries its key.
    """

    method: str = "POST"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    feeders: tuple[Feeder, ...] = ()
    expect_status: int | tuple[int, ...] = 200
    expect_headers: tuple[tuple[str, str], ...] = ()
    expect_json: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    idempotency: Idempotency = field(default_factory=Idempotency)

    @property
    def statuses(self) -> tuple[int, ...]:
        """Every status that is right."""
        return (self.expect_status,) if isinstance(self.expect_status, int) else self.expect_status

    @property
    def hidden(self) -> tuple[str, ...]:
        """What is hidden where an answer or an address is shown: variables' values, and headers that a target echoes.

        What rows put into headers counts as such; what a function draws is not known here. Not what is so short that
        hiding it would make everything unreadable. As text and as JSON has it.
        """
        values = [*self.secrets, *(value for _, value in self.headers), *self._drawn_into_headers()]
        forms = {form for value in values if len(value) > 3 for form in (value, dumps(value)[1:-1])}
        # The longest first: hiding what begins another would leave the other's end to be read.
        return tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def _drawn_into_headers(self) -> Iterator[str]:
        rows = {feeder.name: feeder.rows for feeder in self.feeders}
        for _, value in self.headers:
            for slot in header_parts(value):
                if isinstance(slot, Slot):
                    for row in rows.get(slot.placeholder.feeder, ()):
                        yield written(slot.placeholder.of(row), slot.place).decode()


class SignInBy(StrEnum):
    """What a Firebase user signs in with."""

    CUSTOM_TOKEN = "custom-token"
    PASSWORD = "password"  # a word of slo.yaml


#: Users that share the load where nothing says how many.
USERS = 50
#: Stands in an e-mail address for the number of the user, from 0.
USER_NUMBER = "{i}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firebase:
    """Where users sign in, as ``users`` identities.

    ``service_account`` is the path of a service-account JSON file, or its text. ``email`` has `USER_NUMBER` in place of
    each user's number; all have the same ``password``. ``sign_in_rate_per_s`` None leaves it to Firebase's quotas.
    ``emulator_host`` (host:port) moves both Firebase services there, as FIREBASE_AUTH_EMULATOR_HOST does.
    """

    api_key: str = field(repr=False)
    project: str
    sign_in: SignInBy = SignInBy.CUSTOM_TOKEN
    email: str | None = None
    password: str | None = field(default=None, repr=False)
    service_account: str | None = field(default=None, repr=False)
    emulator_host: str | None = None
    users: int = USERS
    sign_in_rate_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFile:
    """Tokens of another issuer, one a line of a file; nothing here can refresh them."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the rows look at, by the names AWS knows them by. Tables carry their indexes.

    ``route`` is one of the API's, ``POST /v1/sync-jobs``; None: all of the stage. ``operations`` are those of a table.
    """

    rest_api: str | None = None
    http_api: str | None = None
    stage: str | None = None
    route: str | None = None
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    queue: str | None = None
    dead_letter_queue: str | None = None
    ecs_cluster: str | None = None
    ecs_service: str | None = None
    cache: tuple[str, ...] = ()
    serverless_cache: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsAccess:
    """How AWS is reached. ``endpoint_url`` and the keys are set for the sandbox only; elsewhere boto3 finds its own."""

    region: str
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How the sandbox is told to misbehave. Shares are percent.

    Of the service: ``latency_ms`` on top of each answer; ``error_share``, ``rejected_tokens_share``,
    ``wrong_body_share`` of requests; ``refused_connections_share`` of time; ``foreign_traffic_per_s`` requests that
    somebody else sends; ``idempotency`` is the rule that its store of keys breaks.

    Of what stands behind it: ``table_capacity_per_s`` and ``index_capacity_per_s`` in writes; ``workers`` that drain
    the queue; ``request_cpu_ms`` of task CPU that a request costs; ``task_memory_share`` in use by each task;
    ``crashing_tasks`` and ``out_of_memory_tasks`` that end that way again and again; a ``deployment`` that replaces
    every task; ``hot_cache_node_share`` of one node's engine that something else takes.

    Of the doubles: ``late_s`` service seconds until a minute is published; ``missing_metrics`` never published and
    ``partial_data`` answered as PartialData, by metric name; a ``lost_page`` of every answer that has several;
    ``throttled_queries_share`` of calls; ``expired_credentials``; ``api_quota_per_s`` requests that the account is
    allowed (None: AWS's default); ``unreadable_quotas``, which nobody may ask for; IAM actions that are ``denied``.

    Of sign-in: ``token_life_s`` wall seconds of an ID token (None: an hour); ``sign_in_quota_per_s`` sign-ins a wall
    second, and as many refreshes (None: no end); ``failed_refreshes_share`` of refreshes.
    """

    latency_ms: float = 0.0
    error_share: float = 0.0
    rejected_tokens_share: float = 0.0
    wrong_body_share: float = 0.0
    refused_connections_share: float = 0.0
    foreign_traffic_per_s: float = 0.0
    idempotency: KeyRule | None = None
    table_capacity_per_s: float | None = None
    index_capacity_per_s: float | None = None
    workers: int | None = None
    request_cpu_ms: float | None = None
    task_memory_share: float | None = None
    crashing_tasks: int = 0
    out_of_memory_tasks: int = 0
    deployment: bool = False
    hot_cache_node_share: float = 0.0
    late_s: float = 0.0
    missing_metrics: tuple[str, ...] = ()
    partial_data: tuple[str, ...] = ()
    lost_page: bool = False
    throttled_queries_share: float = 0.0
    expired_credentials: bool = False
    api_quota_per_s: float | None = None
    unreadable_quotas: bool = False
    denied: tuple[str, ...] = ()
    token_life_s: int | None = None
    sign_in_quota_per_s: float | None = None
    failed_refreshes_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The embedded sandbox. ``speed`` service seconds pass in a wall second; rates are offered × ``rate_scale``.

    ``region`` is where it is asked; what it has stands in us-east-1, as a real environment stands in one region only.
    ``users`` share the load.
    """

    speed: float = 60.0
    rate_scale: float = 1.0
    region: str = "us-east-1"
    users: int = USERS
    faults: Faults = field(default_factory=Faults)
    capacities: Capacities = field(default_factory=Capacities)


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCost:
    """What a run may cost at most, dollars."""

    usd: Decimal
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where a run goes. A sandbox's addresses are None until it has been started.

    Users sign in at ``firebase``, or have the ``tokens`` of a file.
    ``resources`` of a sandbox are what slo.yaml lists of it; None: all that it has.
    ``production``: users depend on it. ``guard`` says what it may be; None: nothing is listed. ``parity`` says what it
    must be like; None: nobody compares it. ``generator_elsewhere`` is why load may come from another region, or from
    nobody knows where; None: it may not.
    """

    name: str
    line: int
    base_url: str | None = None
    max_rate_per_s: float | None = None
    aws: AwsAccess | None = None
    firebase: Firebase | None = None
    tokens: TokenFile | None = None
    resources: Resources | None = None
    sandbox: SandboxSettings | None = None
    production: bool = False
    guard: Guard | None = None
    parity: Parity | None = None
    generator_elsewhere: str | None = None
    max_cost: MaxCost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """An earlier run that is judged again or compared with; it began at ``begun_at`` (wall time, epoch seconds)."""

    run_id: str
    begun_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What the service must bear when it is launched. A job is an accepted request of the hot path."""

    daily_users: int
    jobs_per_user: Fraction
    line: int

    @property
    def jobs_a_month(self) -> int:
        """Of thirty days, rounded up to a whole job."""
        return ceil(self.daily_users * self.jobs_per_user * DAYS_A_MONTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole slo.yaml, for the one environment that was chosen.

    ``items`` False: pytest shows no items of the file's own, the rows are judged by the user's tests that take `slo`.
    ``identities`` of a conftest.py stand in place of the environment's. ``request_from`` says which one the ``request``
    is of, None where it is slo.yaml's own; by a function that it names, generators make it too.
    ``request_digest`` tells two requests apart as they are written, before variables (they may hold secrets), and by
    what they draw from.
    ``rejudged`` says which run is judged again; then no load is offered, and ``environment`` is where that run went.
    ``compared`` says which earlier run every row is shown beside. ``scale`` is what costs are said for.
    """

    file: Path
    service: str
    environment: Environment
    load: LoadSettings
    request: RequestTemplate
    phases: tuple[Phase, ...]
    items: bool = True
    identities: Override | None = None
    request_from: Override | None = None
    request_digest: str = ""
    rejudged: Rejudged | None = None
    compared: Rejudged | None = None
    scale: Scale | None = None

    def phase(self, name: str) -> Phase:
        """The phase of that name. Raises KeyError."""
        for phase in self.phases:
            if phase.name == name:
                return phase
        raise KeyError(name)
