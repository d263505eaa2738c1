"""What is found before load, against a sandbox over real sockets: each mistake once, by row, query and fix."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor import preflight, probe
from pytest_syncload.conductor.climbing import way_of
from pytest_syncload.conductor.ground import Ground, prepare
from pytest_syncload.conductor.preflight import check, refusal, refusal_of
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.plan import (
    Alarm,
    AwsAccess,
    Climb,
    Faults,
    LoadSettings,
    MaxCost,
    Passage,
    RawQuery,
    SandboxSettings,
    Slo,
    Target,
    TokenFile,
)
from pytest_syncload.facts.units import Kind
from pytest_syncload.load.limits import Cap
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.http import asgi
from pytest_syncload.sources import credentials
from pytest_syncload.sources.aws import FOR_CHECKS, client
from tests.conductor.plans import SANDBOX, phase, spec
from tests.conductor.test_climbing import CLIMB
from tests.rows import CACHE, DEPTH, ERRORS, LATENCY, RESOURCES, TASKS, THROTTLES
from tests.sandbox.awsclients import KEY
from tests.sandbox.conftest import serving

pytestmark = pytest.mark.usefixtures("unmeasured_module")

ROWS = (LATENCY, ERRORS, THROTTLES, DEPTH, CACHE, TASKS)
PHASE = phase("peak", *ROWS)
LISTED = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})

Prepared = tuple[Ground, RunFolder]
Doubled = Callable[[Faults], Prepared]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """One sandbox for all tests that only look at it."""
    folder = RunFolder(tmp_path_factory.mktemp("sound") / "run")
    folder.make()
    with folder.controller_lock(), ExitStack() as stack:
        plan = spec(environment=replace(SANDBOX, sandbox=SandboxSettings(speed=60.0)))
        yield prepare(plan, folder, stack), folder


@pytest.fixture(autouse=True)
def nobody_sends(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No generator is started for a check's request, but where the test says that it is: `sends`."""
    if "sends" not in request.fixturenames:
        monkeypatch.setattr(preflight, "probe", lambda *_: Check(name=probe.NAME, finding=Finding.OK, says="not sent"))


@pytest.fixture
def sends() -> None:
    """One user signs in and sends one request, over real sockets."""


@pytest.fixture
def doubled(sound: Prepared, tmp_path: Path) -> Iterator[Doubled]:
    """The same environment, but its AWS is one that behaves so. It is no process, and has no target to send to."""
    with ExitStack() as stack, serving() as serve:

        def begin(faults: Faults) -> Prepared:
            folder = RunFolder(tmp_path / "run")
            folder.make()
            stack.enter_context(folder.controller_lock())
            ground = sound[0]
            aws = replace(ground.aws, endpoint_url=serve(asgi(Aws(Store(), ground.clock, KEY, faults=faults).answer)))
            aws = replace(aws, access_key_id=KEY)
            return replace(ground, environment=replace(ground.environment, aws=aws)), folder

        yield begin


def looked(where: Prepared, *slos: Slo, going: str | None = None, **changes: Any) -> dict[str, Check]:
    """The checks by name, of an environment that lists something else."""
    ground, folder = where
    ground = replace(ground, environment=replace(ground.environment, **changes))
    checks = check(spec(), ground, folder, [phase("peak", *(slos or ROWS))], lambda: going)
    assert len({each.name for each in checks}) == len(checks)
    return {each.name: each for each in checks}


def once_drained(where: Prepared) -> Prepared:
    """The sandbox, when what earlier checks have sent is worked off: a message that waits is worth a note."""
    sqs = client("sqs", where[0].aws, patience=FOR_CHECKS)
    url = sqs.get_queue_url(QueueName="hot-path")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    until = time.monotonic() + 60
    while any(
        int(count) for count in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    ):
        assert time.monotonic() < until, "the queue is not worked off"
        time.sleep(0.05)
    return where


def failures(checks: dict[str, Check]) -> set[str]:
    return {name for name, each in checks.items() if each.failed}


@pytest.mark.usefixtures("sends")
def test_where_all_is_well_everything_was_looked_at(sound: Prepared) -> None:
    checks = looked(once_drained(sound))
    assert {name: each.finding for name, each in checks.items()} == dict.fromkeys(
        [
            "limits of peak",
            "endpoints",
            "credentials",
            "account",
            "queries",
            "table sync-jobs",
            "queue hot-path",
            "cache syncwell",
            "service syncwell/worker",
            "tasks",
            "quota of API Gateway's throttle rate",
            "quota of a DynamoDB table's writes",
            "quota of a DynamoDB table's reads",
            "quota of Fargate's vCPU",
            "sign-in and request",
        ],
        Finding.OK,
    )
    assert "111122223333" in checks["account"].says
    assert "was accepted in" in checks["sign-in and request"].says


def test_a_dead_letter_queue_is_looked_for_once_and_under_its_own_key(sound: Prepared) -> None:
    dead = replace(DEPTH, name="dead-letters", metric="sqs.dead_letters")
    checks = looked(sound, dead, resources=replace(LISTED, dead_letter_queue="hot-path-dead"))
    assert "correct resources.dead_letter_queue" in checks["queue hot-path-dead"].says
    assert checks["queue hot-path-dead"].rows == (
        "peak::dead-letters (slo.yaml:33): AWS/SQS ApproximateNumberOfMessagesVisible Maximum "
        "{QueueName=hot-path-dead}",
    )


def test_a_row_of_container_insights_needs_the_service_too(sound: Prepared) -> None:
    """Its metrics are of another namespace; the sandbox has none of them, and does not say that it has."""
    checks = looked(sound, replace(CACHE, name="insights", metric="containerinsights.cpu"))
    assert checks["service syncwell/worker"].finding is Finding.OK
    assert failures(checks) == {"container insights of syncwell"}
    assert "does not implement the operation DescribeClusters" in checks["container insights of syncwell"].says


@pytest.mark.parametrize(
    ("listed", "name", "says", "needed_by"),
    [
        (
            {"queue": "hot-pth"},
            "queue hot-pth",
            "us-east-1 has no queue 'hot-pth' (did you mean 'hot-path'?); correct resources.queue",
            "peak::queue-depth (slo.yaml:33): AWS/SQS ApproximateNumberOfMessagesVisible Maximum {QueueName=hot-pth}",
        ),
        (
            {"tables": {"sync-jobs": ()}},
            "table sync-jobs",
            "index 'by-user' is not listed",
            "peak::dynamodb-throttles (slo.yaml:32): AWS/DynamoDB ReadThrottleEvents Sum {TableName=sync-jobs}",
        ),
        (
            {"cache": ("syncwell-001",)},
            "cache syncwell",
            "syncwell-002 belongs to it and would go unseen",
            "peak::cache-cpu (slo.yaml:34): AWS/ElastiCache EngineCPUUtilization Average {CacheClusterId=syncwell-001}",
        ),
        (
            {"ecs_service": "wroker"},
            "service syncwell/wroker",
            "has no service 'wroker' (did you mean 'worker'?)",
            "peak::task-errors (slo.yaml:35): ECS ListTasks, DescribeTasks",
        ),
    ],
)
def test_a_wrong_name_is_one_message_with_the_row_the_query_and_the_fix(
    sound: Prepared, listed: dict[str, Any], name: str, says: str, needed_by: str
) -> None:
    checks = looked(sound, resources=replace(LISTED, **listed))
    assert failures(checks) == {name}
    assert says in checks[name].says
    assert any(row.startswith(needed_by) for row in checks[name].rows)


def test_a_wrong_region_is_one_message(sound: Prepared) -> None:
    aws = sound[0].environment.aws
    assert aws is not None
    checks = looked(sound, aws=replace(aws, region="eu-central-1"), resources=LISTED)
    assert failures(checks) == {"region eu-central-1"}
    told = checks["region eu-central-1"]
    assert "nothing of what slo.yaml lists exists in eu-central-1: table sync-jobs, queue hot-path" in told.says
    assert "is the environment's region right" in told.says
    assert {row.partition(" ")[0] for row in told.rows} == {
        "peak::dynamodb-throttles",
        "peak::queue-depth",
        "peak::cache-cpu",
        "peak::task-errors",
    }


def test_a_resource_that_is_not_listed_is_found_before_load(sound: Prepared) -> None:
    checks = looked(sound, DEPTH, LATENCY, resources=replace(LISTED, queue=None))
    assert failures(checks) == {"row"}
    assert "sqs.visible needs resources.queue" in checks["row"].says
    assert checks["row"].rows == ("peak::queue-depth (slo.yaml:33)",)


def test_what_an_abort_rule_looks_at_is_looked_at_too(sound: Prepared) -> None:
    ground, folder = sound
    ground = replace(ground, environment=replace(ground.environment, resources=replace(LISTED, ecs_service=None)))
    rule = Alarm(row=replace(CACHE, name="abort", metric="ecs.cpu", line=12), minutes=2, text="ecs.cpu > 95 % for 2m")
    checks = check(spec(), ground, folder, [phase("peak", LATENCY, alarms=(rule,))], lambda: None)
    (failed,) = [each for each in checks if each.failed]
    assert "ecs.cpu needs resources.ecs" in failed.says
    assert failed.rows == ("peak::abort (slo.yaml:12)",)


def test_only_what_rows_look_at_is_looked_at(sound: Prepared) -> None:
    checks = looked(sound, LATENCY, resources=replace(LISTED, queue="nowhere", cache=("nowhere",)))
    assert failures(checks) == set()
    assert not {"queue nowhere", "cache node nowhere"} & set(checks)


def test_a_query_that_cloudwatch_refuses_is_named(sound: Prepared) -> None:
    wrong = RawQuery(namespace="Own", name="Jobs", dimensions=tuple((f"D{number}", "v") for number in range(40)))
    raw = replace(LATENCY, name="jobs", metric=None, query=wrong, statistic="Sum")
    checks = looked(sound, raw, THROTTLES)
    assert failures(checks) == {"queries"}
    assert "Own Jobs Sum {D0=v" in checks["queries"].says
    assert checks["queries"].rows == ("peak::jobs (slo.yaml:30)",)


@pytest.mark.usefixtures("sends")
def test_a_token_or_a_request_that_is_refused_is_shown_with_its_answer(sound: Prepared) -> None:
    firebase = sound[0].environment.firebase
    assert firebase is not None
    checks = looked(sound, LATENCY, firebase=replace(firebase, api_key="wrong"))
    assert failures(checks) == {"sign-in and request"}
    assert "API key not valid" in checks["sign-in and request"].says
    assert "wrong" not in checks["sign-in and request"].says
    checks = looked(sound, LATENCY, firebase=replace(firebase, project="other"))
    assert "is for 'syncwell-sandbox' (aud), not for firebase.project 'other'" in checks["sign-in and request"].says
    ground, folder = sound
    elsewhere = replace(spec(), request=replace(spec().request, path="/v1/nowhere"))
    (*_, sent) = check(elsewhere, ground, folder, [phase("peak", LATENCY)], lambda: None)
    assert sent.failed
    assert "/v1/nowhere was not accepted (unexpected_status): HTTP 404" in sent.says
    assert sent.says.endswith("wants 202: mend the request or its users, or what is expected")


@pytest.mark.usefixtures("sends")
def test_what_was_verified_of_the_token_is_told(sound: Prepared, tmp_path: Path) -> None:
    sent = looked(sound, LATENCY)["sign-in and request"]
    assert not sent.failed
    assert sent.says.endswith("claims and signature verified")
    file = tmp_path / "tokens.txt"
    file.write_text("not-a-token-of-this-project", "utf-8")
    given = looked(sound, LATENCY, firebase=None, tokens=TokenFile(path=str(file)))["sign-in and request"]
    assert given.failed
    assert "was not accepted (unexpected_status): HTTP 401" in given.says
    assert "not-a-token" not in given.says


@pytest.mark.usefixtures("sends")
def test_a_target_that_does_not_answer_is_told_within_the_time(sound: Prepared) -> None:
    checks = looked(sound, LATENCY, base_url="http://127.0.0.1:9")
    assert failures(checks) == {"sign-in and request"}
    assert "http://127.0.0.1:9/v1/sync-jobs was not accepted (connect_error)" in checks["sign-in and request"].says


@pytest.mark.usefixtures("sends")
@pytest.mark.parametrize(("gone", "what"), [({"base_url": None}, "base_url"), ({"firebase": None}, "firebase")])
def test_an_environment_without_an_address_is_named(sound: Prepared, gone: dict[str, None], what: str) -> None:
    told = looked(sound, LATENCY, **gone)["sign-in and request"]
    assert (told.failed, told.says) == (True, f"environment 'sandbox' has no {what}; add it")


@pytest.mark.usefixtures("sends")
def test_an_interrupt_ends_the_checks(sound: Prepared) -> None:
    assert looked(sound, LATENCY, going="the run was interrupted")["sign-in and request"].failed


@pytest.mark.usefixtures("sends")
def test_what_takes_too_long_is_given_up(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LONGEST_S", -1.0)
    told = looked(sound, LATENCY)["sign-in and request"]
    assert (told.failed, told.says) == (True, "no sign-in and answer within -1 s")


def test_an_emulator_judges_no_real_environment(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    for name in ("AWS_PROFILE", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    checks = looked(sound, DEPTH, aws=AwsAccess(region="us-east-1"), resources=LISTED)
    assert failures(checks) == {"endpoints"}
    assert "which is not AWS" in checks["endpoints"].says
    assert len(checks["endpoints"].rows) == 1


def test_expired_credentials_are_one_message_for_every_row(doubled: Doubled) -> None:
    checks = looked(doubled(Faults(expired_credentials=True)))
    assert failures(checks) == {"account"}
    assert "the AWS credentials are expired or unknown (ExpiredToken); sign in again" in checks["account"].says
    assert {row.partition(" ")[0] for row in checks["account"].rows} == {slo.id for slo in ROWS}


def test_a_machine_that_cannot_hold_the_requests_open_is_told(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "in_flight_cap", lambda *_: Cap(30, "open files (RLIMIT_NOFILE 94 less 64)"))
    told = looked(sound, LATENCY)["limits of peak"]
    assert told.failed
    assert "30 requests in flight at most, room for answers of up to 500ms at 60/s (open files" in told.says
    assert "ulimit -Hn" in told.says


def test_what_carries_less_is_told(sound: Prepared) -> None:
    ground, folder = sound
    plan = replace(spec(), load=LoadSettings(transport=Passage.HTTPX, generators=1))
    checks = {each.name: each for each in check(plan, ground, folder, [phase("peak", LATENCY)], lambda: None)}
    assert "transport: httpx, of which a core carries some 300/s" in checks["limits of peak"].says


def test_a_climb_needs_room_for_the_most_it_may_offer(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []

    def cap(rate_per_s: float, *_: object) -> Cap:
        rates.append(rate_per_s)
        return Cap(10_000, "enough")

    monkeypatch.setattr(preflight, "in_flight_cap", cap)
    climb = Climb(
        from_per_s=10.0, step_percent=10.0, every_s=60.0, until="failed > 1 %", failed_percent=1.0, at_most_per_s=90.0
    )
    ground, folder = sound
    check(spec(), ground, folder, [phase("stress", climb=climb)], lambda: None)
    assert rates == [90.0]


# The words.

FAILED = Check(
    name="queue q", finding=Finding.FAILED, says="there is none", rows=("peak::queue-depth (slo.yaml:33): Q",)
)
OTHER = Check(name="account", finding=Finding.FAILED, says="expired")


def test_all_that_failed_is_one_text() -> None:
    assert refusal([FAILED, OTHER]).splitlines() == [
        "2 checks before the load failed, so no load was offered:",
        "  queue q: there is none",
        "    needed by peak::queue-depth (slo.yaml:33): Q",
        "  account: expired",
    ]


def test_what_needs_several_lines_has_them() -> None:
    assert refusal([replace(OTHER, says="one\ntwo")]).splitlines()[1:] == ["  account: one", "    two"]


def test_a_row_is_told_what_concerns_it_and_of_the_rest_the_first_line() -> None:
    assert refusal_of(DEPTH, [FAILED, OTHER]) == (
        "2 checks before the load failed, so no load was offered; "
        "queue q: there is none (needed by peak::queue-depth (slo.yaml:33): Q)"
    )
    several = replace(FAILED, says="there is none\nmake one")
    assert (
        refusal_of(LATENCY, [several])
        == "1 check before the load failed, so no load was offered; queue q: there is none"
    )
    # A name that another begins with is another row.
    assert "needed by" not in refusal_of(replace(DEPTH, name="queue"), [FAILED])


def test_a_queue_that_only_a_written_query_names_is_looked_at_and_touched(sound: Prepared) -> None:
    dead = RawQuery(namespace="AWS/SQS", name="ApproximateNumberOfMessagesVisible", dimensions=(("QueueName", "dead"),))
    raw = replace(DEPTH, name="dead-letters", metric=None, query=dead, statistic="Maximum")
    checks = looked(once_drained(sound), raw, DEPTH)
    assert failures(checks) == {"queue dead"}
    assert "us-east-1 has no queue 'dead'" in checks["queue dead"].says
    assert "{QueueName=dead}" in checks["queue dead"].rows[0]
    assert checks["queue hot-path"].finding is Finding.OK


def test_an_api_that_is_not_listed_is_found_before_load(sound: Prepared) -> None:
    checks = looked(sound, DEPTH, resources=replace(LISTED, rest_api=None))
    assert failures(checks) == {"request count"}
    assert "resources.api.rest (or .http)" in checks["request count"].says


@pytest.mark.usefixtures("sends")
def test_a_secret_in_the_path_is_not_shown(sound: Prepared) -> None:
    ground, folder = sound
    hiding = replace(spec().request, path="/v1/nowhere?token=hunter22", secrets=("hunter22",))
    (*_, sent) = check(replace(spec(), request=hiding), ground, folder, [phase("peak", LATENCY)], lambda: None)
    assert sent.failed
    assert "/v1/nowhere?token=<hidden> was not accepted" in sent.says


def test_credentials_must_last_for_all_that_is_planned(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def expiry(_: AwsAccess, *, now: float, ends: float) -> Check:
        asked.append(ends - now)
        return Check(name="credentials", finding=Finding.OK, says="")

    monkeypatch.setattr(credentials, "expiry", expiry)
    ground, folder = sound
    one, other = phase("baseline", LATENCY), phase("peak", LATENCY)
    check(spec(), ground, folder, [one], lambda: None)
    check(spec(), ground, folder, [one], lambda: None, [one, other])
    # Ramp, hold and the time to settle, on the sandbox's clock.
    assert asked == pytest.approx([17.0, 34.0])


def test_credentials_must_last_for_all_of_a_climb(sound: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no ramp and no hold, and may last for an hour."""
    asked: list[float] = []

    def expiry(_: AwsAccess, *, now: float, ends: float) -> Check:
        asked.append(ends - now)
        return Check(name="credentials", finding=Finding.OK, says="")

    monkeypatch.setattr(credentials, "expiry", expiry)
    ground, folder = sound
    stress = phase("stress", LATENCY, climb=CLIMB)
    check(spec(), ground, folder, [stress], lambda: None)
    assert asked == pytest.approx([15.0 + way_of(spec(), stress, ground).longest_s])


@pytest.mark.usefixtures("sends")
def test_nobody_signs_in_with_credentials_of_a_foreign_account(sound: Prepared) -> None:
    foreign = looked(sound, LATENCY, guard=Guard(accounts=("999988887777",)))
    assert failures(foreign) == {"account guard"}
    assert "111122223333, which is not listed" in foreign["account guard"].says
    assert "sign-in and request" not in foreign, "nothing was sent"
    assert "queries" not in foreign, "and nothing else asked"
    fine = looked(sound, LATENCY, guard=Guard(accounts=("111122223333",)))
    assert failures(fine) == set()
    assert not fine["sign-in and request"].failed


@pytest.mark.usefixtures("sends")
def test_nobody_signs_in_where_the_account_cannot_be_known(doubled: Doubled) -> None:
    checks = looked(doubled(Faults(expired_credentials=True)), LATENCY, guard=Guard(accounts=("111122223333",)))
    assert failures(checks) == {"account"}
    assert "sign-in and request" not in checks


def test_a_foreign_host_hears_nothing(sound: Prepared) -> None:
    checks = looked(sound, LATENCY, guard=Guard(hosts=("api.toy.example",), line=3))
    assert failures(checks) == {"host"}
    assert set(checks) == {"limits of peak", "host"}


def test_a_quota_that_is_too_small_is_told_before_load(doubled: Doubled) -> None:
    checks = looked(doubled(Faults(api_quota_per_s=50.0)), LATENCY)
    assert failures(checks) == {"quota of API Gateway's throttle rate"}
    assert "the account allows 50/s; peak holds 60/s" in checks["quota of API Gateway's throttle rate"].says


def test_quotas_that_may_not_be_read_are_named_and_kept_for_the_report(doubled: Doubled) -> None:
    ground, folder = doubled(Faults(unreadable_quotas=True))
    checks = looked((ground, folder), LATENCY, THROTTLES)
    again = looked((ground, folder), LATENCY, THROTTLES)
    assert failures(checks) == failures(again) == set()
    unlooked = [name for name, each in checks.items() if each.unlooked]
    assert unlooked == [
        "quota of API Gateway's throttle rate",
        "quota of a DynamoDB table's writes",
        "quota of a DynamoDB table's reads",
    ]
    assert folder.unlooked() == tuple(unlooked)
    assert all("allow servicequotas:GetServiceQuota" in checks[name].says for name in unlooked)


# What it costs.


USD = Target(op="<", value=6.0, kind=Kind.MONEY, text="< 6 USD")
COSTED = replace(LATENCY, name="cost", metric="cost.per_million_jobs", statistic=None, target=USD)


def test_a_cost_is_priced_by_the_list_of_prices(sound: Prepared) -> None:
    check = looked(sound, COSTED)["costs"]
    assert (check.finding, check.rows) == (Finding.OK, ("peak::cost (slo.yaml:30)",))
    assert check.says == "prices: 10 live of 2026-01-01 (the sandbox's own list, which is none of AWS's)"
    assert "costs" not in looked(sound, LATENCY)


def test_where_the_list_may_not_be_asked_shipped_prices_stand_in_and_what_has_none_is_told(doubled: Doubled) -> None:
    ground, folder = doubled(Faults(denied=("pricing:GetProducts",)))
    denied = looked((ground, folder), COSTED)["costs"]
    assert denied.failed
    assert denied.says.startswith("no price of ElastiCache node hour cache.r7g.large valkey: GetProducts at")
    assert "allow pricing:GetProducts; this version comes with none of it" in denied.says
    (folder.path / "billing.json").unlink()
    bare = replace(ground.resources, cache=())
    shipped = looked((ground, folder), COSTED, resources=bare)["costs"]
    assert shipped.finding is Finding.NOTE
    assert shipped.says.startswith(
        "prices: 9 shipped of 2024-07 to 2026-03, some undated (not live: GetProducts at http:"
    )


def test_a_price_beyond_its_limit_sends_nothing(sound: Prepared) -> None:
    ground, folder = sound
    limited = replace(ground.environment, max_cost=MaxCost(usd=Decimal("0.00001"), line=7))
    plan = spec(environment=limited)
    checks = check(plan, replace(ground, environment=limited), folder, [phase("peak", LATENCY)], lambda: None)
    (price,) = (each for each in checks if each.name == "price of the run")
    assert price.failed
    assert "max_cost of 'sandbox' is 1.00e-05 USD (slo.yaml:7): ask for less" in price.says
