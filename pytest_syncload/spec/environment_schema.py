"""The form of one environment of slo.yaml: the embedded sandbox and its faults, or a real one and its resources."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pytest_syncload.facts.plan import USER_NUMBER, USERS
from pytest_syncload.spec import fields
from pytest_syncload.spec.capacity_schema import CapacityModel
from pytest_syncload.spec.fields import Given, Text, wrong
from pytest_syncload.spec.guard_schema import GeneratorRegionModel, GuardModel
from pytest_syncload.spec.parity_schema import ParityModel
from pytest_syncload.spec.reasons import nearest
from pytest_syncload.spec.schema import Strict

_MAX_RATE = "Nothing may ever offer this environment more than this."
_MAX_COST = "A run whose own requests may cost more than this is not begun, by an estimate before the first of them."
_LISTED = "What the rows look at here, by the names AWS knows it by."


class FaultsModel(Strict):
    """How the sandbox misbehaves, to see a row turn red or inconclusive."""

    latency: fields.Milliseconds = Field(default=0.0, description="On top of every answer.")
    errors: fields.Share = Field(default=0.0, description="Share of requests answered with a 5xx.")
    rejected_tokens: fields.Share = Field(default=0.0, description="Share of requests answered with 401.")
    wrong_body: fields.Share = Field(default=0.0, description="Share of answers whose body is not the right one.")
    refused_connections: fields.Share = Field(default=0.0, description="Share of time without listening.")
    foreign_traffic: fields.RateOrNone = Field(default=0.0, description="Requests that somebody else sends.")
    idempotency: Annotated[
        Literal["replay", "concurrent", "payload", "missing-key", "user", "unauthorized"] | None, Given
    ] = Field(default=None, description="The rule that the store of Idempotency-Keys breaks.")
    table_capacity: Annotated[fields.RateOrNone | None, Given] = Field(
        default=None, description="Writes that the table bears before it throttles."
    )
    index_capacity: Annotated[fields.RateOrNone | None, Given] = Field(
        default=None, description="Writes that the table's index bears before it throttles."
    )
    workers: Annotated[fields.Whole | None, Given] = Field(default=None, description="Workers that drain the queue.")
    request_cpu: Annotated[fields.Milliseconds | None, Given] = Field(
        default=None, description="CPU time of a task that a request costs."
    )
    memory: Annotated[fields.Share | None, Given] = Field(default=None, description="Memory in use by each task.")
    crashing_tasks: fields.Tasks = Field(default=0, description="Tasks that end with an error again and again.")
    out_of_memory_tasks: fields.Tasks = Field(default=0, description="Tasks that run out of memory again and again.")
    deployment: bool = Field(default=False, description="A new deployment replaces every task, which is no error.")
    hot_cache_node: fields.Share = Field(
        default=0.0, description="Share of one cache node's engine that something else takes."
    )
    late: fields.SecondsOrNone = Field(default=0.0, description="Service time until a minute is published.")
    missing: list[Text] = Field(default=[], description="Metrics, by name, that are never published.")
    partial_data: list[Text] = Field(default=[], description="Metrics, by name, that are answered as PartialData.")
    lost_page: bool = Field(default=False, description="An answer of several pages loses one.")
    throttled_queries: fields.Share = Field(default=0.0, description="Share of AWS calls that are throttled.")
    expired_credentials: bool = Field(default=False, description="AWS says that the credentials have expired.")
    api_quota: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="Requests that API Gateway allows the account. Default: 10000/s, as AWS's."
    )
    unreadable_quotas: bool = Field(default=False, description="Service Quotas may not be asked.")
    denied: list[Text] = Field(default=[], description="IAM actions that AWS does not allow: `[pricing:GetProducts]`.")
    token_life: Annotated[fields.TokenLife | None, Given] = Field(
        default=None, description="How long an ID token lives, in wall time. Default: 1h, as Firebase's."
    )
    sign_in_quota: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="Sign-ins, and as many refreshes, beyond which sign-in says QUOTA_EXCEEDED."
    )
    failed_refreshes: fields.Share = Field(default=0.0, description="Share of token refreshes answered with 503.")


class SandboxModel(Strict):
    """The embedded sandbox: a stand-in service, its AWS and its sign-in, all on this machine."""

    speed: fields.Factor = Field(
        default=60.0, description="Service seconds in a wall second. Default: 60, so that a second is a minute."
    )
    rate_scale: fields.Factor = Field(
        default=1.0, description="What rates are multiplied with, so that a laptop bears them. Default: 1."
    )
    users: fields.Whole = Field(default=USERS, description=f"How many users share the load. Default: {USERS}.")
    faults: FaultsModel = FaultsModel()
    capacity: CapacityModel = CapacityModel()


class FirebaseModel(Strict):
    """Where the users of the load sign in."""

    api_key: Text = Field(description="The Web API key, from a variable: `${FIREBASE_API_KEY}`.")
    project: Text = Field(description="The Firebase project's id.")
    sign_in: Literal["custom-token", "password"] = Field(
        default="custom-token", description="How users sign in. Default: custom-token, which bears thousands of them."
    )
    service_account: Annotated[Text | None, Given] = Field(
        default=None,
        description="Of custom-token: path of the service account's JSON file, which signs custom tokens, or its text "
        "from a variable.",
    )
    email: Annotated[fields.Email | None, Given] = Field(
        default=None, description="Of password: the users' address, with `{i}` for their number from 0."
    )
    password: Annotated[Text | None, Given] = Field(
        default=None, description="Of password: what all of them have, from a variable: `${LOAD_PASSWORD}`."
    )
    users: fields.Whole = Field(default=USERS, description=f"How many users share the load. Default: {USERS}.")
    sign_in_rate: Annotated[fields.Rate | None, Given] = Field(
        default=None, description="Sign-ins that Firebase is asked for at most. Default: within its own quotas."
    )
    emulator_host: Annotated[fields.HostPort | None, Given] = Field(
        default=None,
        description="Host and port of a Firebase emulator, in place of Firebase. Default: FIREBASE_AUTH_EMULATOR_HOST.",
    )

    @model_validator(mode="after")
    def _what_the_way_needs(self) -> Self:
        needs = {"custom-token": ("service_account",), "password": ("email", "password")}
        for way, keys in needs.items():
            for key in keys:
                if way == self.sign_in and getattr(self, key) is None:
                    raise wrong(f"sign_in: {way} needs {key}; add it", f"{key} beside sign_in: {way}")
        for way, keys in needs.items():
            for key in keys:
                if way != self.sign_in and getattr(self, key) is not None:
                    raise wrong(f"{key} is of sign_in: {way}; leave it out, or sign in so", f"sign_in: {way}")
        if self.email is not None and self.users > 1 and USER_NUMBER not in self.email:
            takes = f"an address with {USER_NUMBER} in it, such as 'load-{USER_NUMBER}@example.com'"
            raise wrong(f"{self.users} users cannot share one e-mail address; write email as {takes}", takes)
        return self


class ApiModel(Strict):
    """The API under load, in API Gateway."""

    rest: Annotated[Text | None, Given] = Field(default=None, description="The name of a REST API (ApiName).")
    http: Annotated[Text | None, Given] = Field(default=None, description="The id of an HTTP API (ApiId).")
    stage: Annotated[Text | None, Given] = Field(default=None, description="Its stage.")
    route: Annotated[fields.Route | None, Given] = Field(
        default=None,
        description="Only this route of it, such as `POST /v1/sync-jobs`; its detailed metrics must be on.",
    )

    @field_validator("http")
    @classmethod
    def _one_kind(cls, http: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("rest") is not None:
            raise wrong("rest and http exclude each other; keep the one that is under load", "one of rest and http")
        return http


class EcsModel(Strict):
    """The Fargate service under load."""

    cluster: Text = Field(description="The cluster's name.")
    service: Text = Field(description="The service's name.")


class ResourcesModel(Strict):
    """What the rows look at, by the names AWS knows it by."""

    api: ApiModel = ApiModel()
    tables: dict[str, list[Text]] = Field(
        default={}, description="DynamoDB tables, each with all its global secondary indexes: `{jobs: [by-user]}`."
    )
    operations: dict[str, list[fields.Operation]] = Field(
        default={}, description="Operations of each table whose latency is judged: `{jobs: [PutItem]}`."
    )
    queue: Annotated[Text | None, Given] = Field(
        default=None, description="The name of the SQS queue; a FIFO queue's ends in .fifo."
    )
    dead_letter_queue: Annotated[Text | None, Given] = Field(
        default=None, description="The name of the queue that gets what the queue gave up."
    )
    ecs: Annotated[EcsModel | None, Given] = None
    cache: list[Text] = Field(default=[], description="The ids of all ElastiCache nodes (CacheClusterId).")
    serverless_cache: list[Text] = Field(default=[], description="The names of ElastiCache Serverless caches.")

    @field_validator("operations")
    @classmethod
    def _of_listed_tables(cls, operations: dict[str, list[str]], info: ValidationInfo) -> dict[str, list[str]]:
        tables = info.data.get("tables")
        for table in operations:
            if tables is not None and table not in tables:
                takes = "a table that is listed under tables"
                raise wrong(f"table {table!r} is not listed under tables; {nearest(table, tables)}", takes)
        return operations


class SandboxEnvironmentModel(Strict):
    """An environment that is the embedded sandbox. It proves the test, not a target."""

    sandbox: SandboxModel
    region: Text = Field(
        default="us-east-1", description="Where the sandbox is asked; it is in us-east-1, which is the default."
    )
    max_rate: Annotated[fields.Rate | None, Given] = Field(default=None, description=_MAX_RATE)
    max_cost: Annotated[fields.Money | None, Given] = Field(default=None, description=_MAX_COST)
    resources: Annotated[ResourcesModel | None, Given] = Field(
        default=None, description=f"{_LISTED} Default: all that the sandbox has."
    )
    guard: Annotated[GuardModel | None, Given] = None
    parity: Annotated[ParityModel | None, Given] = None


class RealEnvironmentModel(Strict):
    """An environment that is somewhere else."""

    base_url: fields.BaseUrl = Field(description="Where requests go, without the request's path.")
    region: Text = Field(description="The AWS region of the target, such as eu-central-1.")
    max_rate: Annotated[fields.Rate | None, Given] = Field(default=None, description=_MAX_RATE)
    max_cost: Annotated[fields.Money | None, Given] = Field(default=None, description=_MAX_COST)
    firebase: Annotated[FirebaseModel | None, Given] = None
    tokens: Annotated[Text | None, Given] = Field(
        default=None,
        description="In place of firebase, for users of another issuer: path of a file with a token a line, or with a "
        'line of JSON, `{"token": "…", "user": "…"}`.',
    )
    resources: ResourcesModel = Field(default=ResourcesModel(), description=_LISTED)
    production: bool = Field(
        default=False,
        description="Marks what users depend on: load is offered there only with `--syncload-production NAME` too. "
        "Default: false.",
    )
    guard: Annotated[GuardModel | None, Given] = None
    parity: Annotated[ParityModel | None, Given] = None
    generator_region: Annotated[GeneratorRegionModel | None, Given] = None

    @field_validator("tokens")
    @classmethod
    def _one_issuer(cls, tokens: str | None, info: ValidationInfo) -> str | None:
        if tokens is not None and info.data.get("firebase") is not None:
            raise wrong("firebase and tokens exclude each other; keep where the users come from", "one of them")
        return tokens
