from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from copy import deepcopy
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.capacity import Capacities, Recovery
from pytest_syncload.facts.catalogue import PRESETS
from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.idempotency import Idempotency, KeyForm, KeyRule
from pytest_syncload.facts.parity import Accepted, Parity
from pytest_syncload.facts.plan import (
    Arrivals,
    AwsAccess,
    Climb,
    Environment,
    Faults,
    Firebase,
    LoadSettings,
    MaxCost,
    Passage,
    RawQuery,
    RequestTemplate,
    Resources,
    SandboxSettings,
    SignInBy,
    Slo,
    Target,
    TokenFile,
)
from pytest_syncload.facts.units import Kind
from pytest_syncload.spec import read
from pytest_syncload.spec.substitute import digest
from tests.spec.mistakes import MISTAKES, PEAK, RAW, REAL
from tests.spec.plans import FULL, SMALL, changed, leaves, problems, read_plan, read_text

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("environment", [None, "sandbox", "load-testing"])
def test_the_plan_of_this_repository_has_no_problem(environment: str | None) -> None:
    environ = {"FIREBASE_API_KEY": "key", "FIREBASE_SERVICE_ACCOUNT": "/account.json"}
    spec = read(ROOT / "slo.yaml", environment=environment, environ=environ)
    assert spec.environment.name == (environment or "sandbox")
    assert [phase.name for phase in spec.phases] == ["baseline", "soak", "peak", "stress"]
    assert (spec.phase("peak").rate_per_s, spec.phase("peak").hold_s) == (3000.0, 900.0)
    assert {slo.line for slo in spec.phase("peak").slos} == {slo.line for slo in spec.phase("soak").slos}


def test_every_key_arrives_in_the_sandbox(tmp_path: Path) -> None:
    spec = read_plan(tmp_path, FULL)
    assert (spec.file, spec.service, spec.items) == (tmp_path / "slo.yaml", "full", False)
    assert spec.environment == Environment(
        name="sandbox",
        line=1,
        max_rate_per_s=9000.0,
        parity=Parity(
            terraform=str(tmp_path / "toy.json"),
            reference=str(tmp_path / "other.json"),
            names={"sandbox": "production"},
            line=1,
        ),
        guard=Guard(accounts=("111122223333",), line=1),
        max_cost=MaxCost(usd=Decimal("3.5"), line=1),
        resources=Resources(queue="hot-path", cache=("syncwell-001",)),
        sandbox=SandboxSettings(
            speed=30.0,
            rate_scale=0.5,
            region="eu-west-1",
            users=10_000,
            faults=Faults(
                latency_ms=700.0,
                error_share=0.5,
                rejected_tokens_share=100.0,
                wrong_body_share=2.0,
                refused_connections_share=1.0,
                foreign_traffic_per_s=20.0,
                idempotency=KeyRule.MISSING_KEY,
                table_capacity_per_s=50.0,
                index_capacity_per_s=40.0,
                workers=2,
                request_cpu_ms=3.0,
                task_memory_share=91.0,
                crashing_tasks=1,
                out_of_memory_tasks=4,
                deployment=True,
                hot_cache_node_share=85.0,
                late_s=180.0,
                missing_metrics=("Latency",),
                partial_data=("Count",),
                lost_page=True,
                throttled_queries_share=30.0,
                expired_credentials=True,
                api_quota_per_s=70.0,
                unreadable_quotas=True,
                denied=("pricing:GetProducts",),
                token_life_s=5,
                sign_in_quota_per_s=500.0,
                failed_refreshes_share=10.0,
            ),
            capacities=Capacities(
                table_per_s=900.0,
                index_per_s=800.0,
                workers_per_s=700.0,
                cache_per_s=600.0,
                third_party_per_s=500.0,
                concurrency=12,
                recovery=Recovery(after_s=5.0),
            ),
        ),
    )
    assert spec.load == LoadSettings(
        arrivals=Arrivals.POISSON, timeout_s=2.5, generators=3, transport=Passage.HTTPX, seed=0
    )


def test_every_key_of_the_request_arrives(tmp_path: Path) -> None:
    assert read_plan(tmp_path, FULL).request == RequestTemplate(
        method="PUT",
        path="/v1/jobs?x=1",
        headers=(("X-Api-Key", "abc"),),
        json={"a": [1, None, True], "day": "2026-01-01"},
        feeders=(
            Feeder(
                name="modes",
                rows=("full", "incremental"),
                order=Order.RANDOM,
                seed=3,
                digest=digest(FULL["request"]["feeders"]["modes"]),
            ),
            Feeder(name="made", function="values:row", digest=digest(["values:row"])),
        ),
        expect_status=201,
        expect_headers=(("Content-Type", "any"),),
        expect_json={"id": "any", "n": None},
        idempotency=Idempotency(
            header="X-Request-Key",
            key=KeyForm.SF_STRING,
            verify_percent=0.5,
            job_id="id",
            changed={"day": "2026-01-02"},
        ),
    )


def test_every_key_arrives_in_a_real_environment(tmp_path: Path) -> None:
    assert read_plan(tmp_path, FULL, "real").environment == Environment(
        name="real",
        line=1,
        base_url="https://api.example.com:8443/base",
        max_rate_per_s=8000.0,
        max_cost=MaxCost(usd=Decimal(20), line=1),
        aws=AwsAccess(region="eu-central-1"),
        firebase=Firebase(
            api_key="key",
            project="p",
            sign_in=SignInBy.CUSTOM_TOKEN,
            service_account="/sa.json",
            users=7,
            sign_in_rate_per_s=20.0,
            emulator_host="127.0.0.1:9099",
        ),
        resources=Resources(
            rest_api="api",
            stage="v1",
            route="POST /v1/jobs",
            tables={"jobs": ("by-user",), "logs": ()},
            operations={"jobs": ("PutItem", "GetItem")},
            queue="q.fifo",
            dead_letter_queue="q-dead.fifo",
            ecs_cluster="c",
            ecs_service="s",
            cache=("n-1", "n-2"),
            serverless_cache=("sessions",),
        ),
        production=True,
        generator_elsewhere="a laptop",
        guard=Guard(
            hosts=("api.example.com", "*.load.example.com"),
            networks=("10.0.0.0/8", "fd00::/8"),
            accounts=("012345678901",),
            line=1,
        ),
        parity=Parity(
            terraform=str(tmp_path / "terraform/real.json"),
            reference="/production.json",
            names={"real": "live"},
            accept=(
                Accepted(address="aws_nat_gateway", attribute="count", why="w", line=1, here="1", reference="true"),
            ),
            line=1,
        ),
    )


def test_every_key_of_phases_and_rows_arrives(tmp_path: Path) -> None:
    peak, stress = read_plan(tmp_path, FULL).phases
    assert (peak.name, peak.rate_per_s, peak.ramp_s, peak.hold_s, peak.climb) == ("peak", 3000.0, 300.0, 900.0, None)
    assert peak.slos == (
        Slo(
            name="keys",
            phase="peak",
            target=Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0"),
            line=1,
            metric="idempotency.violations",
        ),
        Slo(
            name="preset",
            phase="peak",
            target=Target(op="<=", value=1000.0, kind=Kind.COUNT, text="<= 1000"),
            line=1,
            metric="sqs.visible",
            statistic="Average",
            min_samples=10,
            sustained_s=180.0,
            growth="none",
            drains_within_s=300.0,
            regression=Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %"),
        ),
        Slo(
            name="sum",
            phase="peak",
            target=Target(op="==", value=0.0, kind=Kind.COUNT, text="== 0"),
            line=1,
            query=RawQuery(namespace="AWS/SQS", name="Lost", dimensions=(("QueueName", "q"),)),
            alive=RawQuery(namespace="AWS/SQS", name="Sent", dimensions=(("Q", "q"),)),
            statistic="Sum",
        ),
        Slo(
            name="raw",
            phase="peak",
            target=Target(op="<", value=2000.0, kind=Kind.TIME, text="< 2s"),
            line=1,
            query=RawQuery(namespace="AWS/SQS", name="Age", dimensions=(("QueueName", "q"),), factor=1000.0),
            statistic="p99.9",
            min_samples=5,
            sustained_s=120.0,
            growth="none",
            regression=Target(op="<=", value=7.5, kind=Kind.SHARE, text="<= 7.5 %"),
        ),
    )
    assert stress.climb == Climb(
        from_per_s=3000.0,
        step_percent=10.0,
        every_s=60.0,
        until="failed > 1 %",
        failed_percent=1.0,
        at_most_per_s=8000.0,
    )


def test_what_may_be_left_out_has_a_default(tmp_path: Path) -> None:
    spec = read_text(tmp_path, SMALL)
    assert spec.environment == Environment(name="sandbox", line=1, sandbox=SandboxSettings())
    assert spec.items is True
    assert (spec.load, spec.request) == (LoadSettings(), RequestTemplate())
    assert (spec.phases[0].line, spec.phases[0].slos[0].line) == (4, 4)
    assert spec.phases[0].slos[0].statistic is None
    plan = changed(("environments", "real"), {"base_url": "http://x", "region": "r"})
    bare = read_plan(tmp_path, plan, "real").environment
    assert (bare.firebase, bare.max_rate_per_s, bare.resources) == (None, None, Resources())


@pytest.mark.parametrize("statistic", PRESETS["apigateway.latency"].statistics)
def test_missing_inconclusive_can_be_written_out(tmp_path: Path, statistic: str) -> None:
    row = {"query": {"namespace": "N", "name": "n"}, "statistic": statistic, "kind": "count", "missing": "inconclusive"}
    [*_, slo] = read_plan(tmp_path, changed(RAW, {**row, "target": "== 0"})).phases[0].slos
    assert (slo.alive, slo.target.value, slo.statistic) == (None, 0.0, statistic)


SANDBOX: dict[str, Any] = {"sandbox": {}}


@pytest.mark.parametrize(
    ("environments", "wanted", "chosen"),
    [
        ({}, None, "sandbox"),
        ({"real": REAL}, None, "sandbox"),
        ({"real": REAL}, "real", "real"),
        ({"toy": SANDBOX}, None, "toy"),
        ({"toy": SANDBOX}, "sandbox", "sandbox"),
        ({"toy": SANDBOX, "sandbox": SANDBOX}, None, "sandbox"),
        ({"toy": SANDBOX, "sandbox": REAL}, None, "toy"),
        ({"sandbox": REAL}, "sandbox", "sandbox"),
    ],
)
def test_an_environment_is_chosen(tmp_path: Path, environments: Any, wanted: str | None, chosen: str) -> None:
    environment = read_plan(tmp_path, changed(("environments",), environments), wanted).environment
    assert environment.name == chosen
    assert (environment.sandbox is None) == (environments.get(chosen, SANDBOX) == REAL)


@pytest.mark.parametrize(
    ("environments", "wanted", "what"),
    [
        ({"sandbox": REAL}, None, "none has sandbox:"),
        ({"a": SANDBOX, "b": SANDBOX}, None, "several have sandbox: (a, b); choose one with --syncload-env"),
        ({"staging": REAL}, "stagign", "no environment 'stagign'; did you mean 'staging'? known: staging, sandbox"),
        ({"staging": REAL}, "zzz", "no environment 'zzz'; known: staging, sandbox"),
        ({"staging": REAL}, "", "no environment ''; known: staging, sandbox"),
    ],
)
def test_no_environment_is_guessed(tmp_path: Path, environments: Any, wanted: str | None, what: str) -> None:
    [problem] = problems(tmp_path, changed(("environments",), environments), wanted)
    assert what in problem


@pytest.mark.parametrize(("path", "value", "what"), MISTAKES, ids=[".".join(map(str, path)) for path, _, _ in MISTAKES])
def test_one_mistake_is_one_problem(tmp_path: Path, path: tuple[str | int, ...], value: Any, what: str) -> None:
    [problem] = problems(tmp_path, changed(path, value))
    assert what in problem


def test_mistakes_at_different_places_are_all_told_in_order(tmp_path: Path) -> None:
    text = """\
servce: tiny
request: {path: x}
environments:
  real: {region: r, base_url: x}
phases:
  peak:
    rate: 10
    rate: 10/s
    slos:
      a: {metric: apigateway.latncy, target: "< 5", foo: 1}
      b: {metric: apigateway.latency, target: "< 5 %"}
"""
    found = problems(tmp_path, text)
    assert [int(problem.split(":")[0]) for problem in found] == [1, 1, 2, 4, 6, 7, 8, 10, 10, 11]


def test_a_mistake_behind_an_alias_is_told_once(tmp_path: Path) -> None:
    text = SMALL.replace("slos: {", "slos: &rows {").replace("< 500 ms", "< 500")
    text += "  soak: {rate: 1/s, hold: 1m, slos: *rows}\n"
    [problem] = problems(tmp_path, text)
    assert problem.startswith("4: phases.peak.slos.latency.target: ")


def test_rows_that_phases_share_are_held_against_each_phase(tmp_path: Path) -> None:
    text = """\
service: tiny
request: {path: /}
phases:
  long:
    rate: 1/s
    hold: 10m
    slos: &rows
      depth:
        metric: sqs.visible
        target: "< 1000"
        sustained: 4m
        growth: none
  short: {rate: 1/s, hold: 3m, slos: *rows}
  shorter: {rate: 1/s, hold: 2m, slos: *rows}
  climbing: {climb: {from: 1/s, step: 10 %, every: 1m, until: failed > 1 %, at_most: 5/s}, slos: *rows}
"""
    assert [re.split(" holds| lasts", problem)[0] for problem in problems(tmp_path, text)] == [
        "11: phases.climbing.slos.depth.sustained: a step of phase 'climbing'",
        "11: phases.short.slos.depth.sustained: phase 'short'",
        "11: phases.shorter.slos.depth.sustained: phase 'shorter'",
        "12: phases.climbing.slos.depth.growth: a step of phase 'climbing'",
        "12: phases.short.slos.depth.growth: phase 'short'",
        "12: phases.shorter.slos.depth.growth: phase 'shorter'",
    ]


def test_the_same_mistake_twice_on_a_line_is_told_twice(tmp_path: Path) -> None:
    text = SMALL.replace("hold: 1m", "hold: 5, ramp: 5")
    assert [problem.split(" ")[1] for problem in problems(tmp_path, text)] == ["phases.peak.hold:", "phases.peak.ramp:"]


def test_messages_stay_readable_whatever_stands_there(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, changed(("request", "path"), "x" * 10_000))
    assert len(problem) < 700


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        (b"", 1, "is empty"),
        (b"# only a comment\n", 1, "is empty"),
        (b"- a\n", 1, "is not a mapping"),
        (b"just text", 1, "is not a mapping"),
        (b"service: x\nphases: [\n", 3, "not YAML"),
        (b"service: x\n\tphases: 1\n", 2, "tabs"),
        (b"service: x\n\xff\xfe\x00", 2, "UTF-8"),
        (b"\x7fELF\x00\x01", 1, "not allowed in YAML"),
        (b"a: &a {b: *a}\n", 1, "inside its own anchor"),
        (b"x" * 300_000, 1, "larger than 256 KiB"),
    ],
)
def test_what_is_no_plan_is_one_problem(tmp_path: Path, content: bytes, line: int, what: str) -> None:
    [problem] = problems(tmp_path, content)
    assert problem.startswith(f"{line}: ")
    assert what in problem


def test_an_http_api_stands_in_place_of_a_rest_api(tmp_path: Path) -> None:
    plan = changed(("environments", "real", "resources", "api"), {"http": "h", "stage": "s"})
    resources = read_plan(tmp_path, plan, "real").environment.resources
    assert resources is not None
    assert (resources.rest_api, resources.http_api, resources.stage) == (None, "h", "s")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert read_text(tmp_path, b"\xef\xbb\xbf" + SMALL.encode()).service == "tiny"


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml", tmp_path / ("x" * 300)):
        with pytest.raises(SpecError, match=r"plans/a\.yaml:1: cannot be read: "):
            read(path, environment=None, environ={}, shown_as="plans/a.yaml")


def test_users_may_sign_in_by_password_or_bring_their_tokens(tmp_path: Path) -> None:
    firebase = {"api_key": "k", "project": "p", "sign_in": "password", "email": "u{i}@x.org", "password": "${PW}"}
    plan = changed(("environments", "real"), {"base_url": "https://x", "region": "r", "firebase": firebase})
    assert read_plan(tmp_path, plan, "real", {"PW": "hunter2"}).environment.firebase == Firebase(
        api_key="k", project="p", sign_in=SignInBy.PASSWORD, email="u{i}@x.org", password="hunter2"
    )
    plan = changed(("environments", "real"), {"base_url": "https://x", "region": "r", "tokens": "tokens.txt"})
    assert read_plan(tmp_path, plan, "real").environment.tokens == TokenFile(path=str(tmp_path / "tokens.txt"))


@pytest.mark.parametrize(
    ("written", "meant"), [("sa.json", "{}/sa.json"), ("/sa.json", "/sa.json"), ("${SA}", '{{"a": 1}}')]
)
def test_paths_are_from_where_the_file_is(tmp_path: Path, written: str, meant: str) -> None:
    plan = changed(("environments", "real", "firebase", "service_account"), written)
    firebase = read_plan(tmp_path, plan, "real", {"SA": '{"a": 1}'}).environment.firebase
    assert firebase is not None
    assert firebase.service_account == meant.format(tmp_path)


def test_firebases_own_variable_moves_it_to_an_emulator(tmp_path: Path) -> None:
    def emulator(plan: Any, host: str) -> str | None:
        firebase = read_plan(tmp_path, plan, "real", {"FIREBASE_AUTH_EMULATOR_HOST": host}).environment.firebase
        assert firebase is not None
        return firebase.emulator_host

    plan = deepcopy(FULL)
    assert emulator(plan, "127.0.0.1:1") == "127.0.0.1:9099", "the file says more than the shell"
    del plan["environments"]["real"]["firebase"]["emulator_host"]
    assert emulator(plan, "127.0.0.1:1") == "127.0.0.1:1"
    assert emulator(plan, "") is None
    with pytest.raises(SpecError, match="FIREBASE_AUTH_EMULATOR_HOST is not a host and port"):
        emulator(plan, "http://127.0.0.1:1")


def test_what_a_secret_variable_holds_is_in_no_message(tmp_path: Path) -> None:
    firebase = {"api_key": "k", "project": "p", "sign_in": "password", "email": "${PW}", "password": "${PW}"}
    plan = changed(("environments", "real"), {"base_url": "https://x", "region": "r", "firebase": firebase})
    [problem] = problems(tmp_path, plan, "real", {"PW": "hunter2"})
    assert "'${PW}' does not fit here" in problem
    assert "hunter2" not in problem


def test_variables_are_wanted_only_where_they_are_used(tmp_path: Path) -> None:
    plan = changed(("environments", "real", "firebase", "api_key"), "${KEY}")
    assert read_plan(tmp_path, plan).environment.name == "sandbox"
    [problem] = problems(tmp_path, plan, "real")
    assert "environments.real.firebase.api_key: ${KEY} is not set" in problem
    filled = read_plan(tmp_path, plan, "real", {"KEY": "k1"}).environment
    assert filled.firebase is not None
    assert filled.firebase.api_key == "k1"
    assert "${NO} is not set" in problems(tmp_path, changed(("request", "headers", "X"), "${NO}"))[0]


def test_other_environments_are_checked_but_for_what_variables_would_fill(tmp_path: Path) -> None:
    plan = changed(("environments", "real"), {"base_url": "${URL}", "region": "", "max_rate": "${RATE}"})
    [problem] = problems(tmp_path, plan)
    assert "environments.real.region" in problem


def test_a_run_that_is_judged_again_needs_no_variable_that_only_load_needs(tmp_path: Path) -> None:
    plan = deepcopy(FULL)
    plan["environments"]["real"]["firebase"]["api_key"] = "${KEY}"
    plan["environments"]["real"]["max_rate"] = plan["environments"]["sandbox"]["max_rate"] = "${RATE}"
    plan["environments"]["other"] = {"sandbox": {}}
    plan["request"] |= {"headers": {"X": "${TOKEN}"}, "method": "${METHOD}"}
    listed = read_plan(tmp_path, FULL, "real").environment.resources
    ran_in = Environment(name="real", line=1, base_url="https://then.example", resources=Resources(queue="then"))
    spec = read_plan(tmp_path, plan, ran_in)
    assert spec.environment == replace(ran_in, resources=listed)
    # What the rows are judged by is needed all the same.
    plan["environments"]["real"]["resources"]["queue"] = "${QUEUE}"
    [problem] = problems(tmp_path, plan, ran_in)
    assert "environments.real.resources.queue: ${QUEUE} is not set" in problem
    # What the file no longer lists is what it was.
    del plan["environments"]["real"]
    assert read_plan(tmp_path, plan, ran_in).environment == ran_in


def test_the_digest_of_a_request_is_of_what_is_written(tmp_path: Path) -> None:
    plan = changed(("request", "headers", "X"), "${TOKEN}")
    first = read_plan(tmp_path, plan, None, {"TOKEN": "a"})
    assert first.request_digest == read_plan(tmp_path, plan, None, {"TOKEN": "b"}).request_digest
    assert first.request_digest == read_plan(tmp_path, plan, first.environment).request_digest
    other = read_plan(tmp_path, changed(("request", "headers", "X"), "y")).request_digest
    assert len({first.request_digest, other, ""}) == 3


def test_a_limit_from_a_variable_holds_and_is_not_shown(tmp_path: Path) -> None:
    plan = changed(("environments", "sandbox", "max_rate"), "${MAX}")
    found = problems(tmp_path, plan, None, {"MAX": "1234/s"})
    assert len(found) == 3
    assert all("max_rate ${MAX}" in problem and "1234" not in problem for problem in found)


SECRET = "hunter2-Zq"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from([*leaves(FULL), ("x",), ("request", "headers", "Host"), (*RAW, "missing"), (*PEAK, "slos")]),
    form=st.sampled_from(["${S}", "< ${S}", "5 ${S}", "< 5 ${S}", "failed > 1 ${S}", "https://${S}@x", "\n${S}"]),
    secret=st.sampled_from([SECRET, f"{SECRET}\n", f"5 {SECRET}", f"< 5 {SECRET}", f"https://{SECRET}:x@y"]),
    environment=st.sampled_from(["sandbox", "real"]),
)
def test_no_value_of_a_variable_is_in_a_message(
    tmp_path: Path, path: tuple[str | int, ...], form: str, secret: str, environment: str
) -> None:
    try:
        read_plan(tmp_path, changed(path, form), environment, {"S": secret})
    except SpecError as error:
        said = "".join(traceback.format_exception(error))
        assert SECRET not in said
        assert SECRET not in repr(error.problems)  # noqa: PT017


def test_a_refused_variable_is_named_with_what_its_place_takes(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, changed((*PEAK, "hold"), "${HOLD}"), None, {"HOLD": SECRET})
    assert "phases.peak.hold: '${HOLD}' does not fit here" in problem
    assert "this takes a time such as '500 ms'" in problem


def test_a_refused_key_does_not_show_what_it_holds(tmp_path: Path) -> None:
    plan = changed(("request", "headers", "Host"), "${S}")
    assert "Host is set by syncload" in problems(tmp_path, plan, None, {"S": SECRET})[0]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    path=st.sampled_from([leaf[:depth] for leaf in leaves(FULL) for depth in range(1, len(leaf) + 1)]),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii"), max_size=8)
    | st.just([])
    | st.just([{}])
    | st.just({})
    | st.just({"a": 1}),
    environment=st.sampled_from([None, "sandbox", "real"]),
)
def test_any_value_anywhere_is_read_or_a_problem(
    tmp_path: Path, path: tuple[str | int, ...], value: Any, environment: str | None
) -> None:
    try:
        assert read_plan(tmp_path, changed(path, value), environment).phases
    except SpecError as error:
        assert error.problems  # noqa: PT017 -- either way out is right


def test_the_ground_floor_imports_neither_pydantic_nor_yaml() -> None:
    code = (
        "import sys, pkgutil, importlib, pytest_syncload.facts as f\n"
        "[importlib.import_module(f'{f.__name__}.{m.name}') for m in pkgutil.iter_modules(f.__path__)]\n"
        "print(sorted({'pydantic', 'yaml', 'httpx', 'boto3'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ), check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")


def test_what_is_accepted_has_its_line(tmp_path: Path) -> None:
    text = SMALL + (
        "environments:\n  load-testing:\n    base_url: https://x\n    region: r\n    parity:\n      terraform: a.json\n"
        "      reference: b.json\n      accept:\n        - {address: a, attribute: b, why: c}\n"
        "        - address: d\n          attribute: e\n          why: f\n"
    )
    parity = read_text(tmp_path, text, "load-testing").environment.parity
    assert parity is not None
    assert (parity.line, [each.line for each in parity.accept]) == (9, [13, 14])
    assert parity.names == {"load-testing": "production"}
