"""Every criterion of the plan has a fault that turns exactly its row red, and one that makes it an error.

Real load, real sockets, boto3's own clients; what is judged is what the sandbox counted.
"""

from __future__ import annotations

import re

import pytest

from tests.shell.conftest import Project, outcomes

pytestmark = pytest.mark.usefixtures("unmeasured")

#: The eight rows of the plan over the shortest hold that growth can be seen in, at a rate that any machine offers.
PLAN = """\
service: syncwell
environments:
  sandbox:
    sandbox: {{speed: 60, faults: {faults}}}
load: {{timeout: 2s}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: any}}}}
phases:
  peak:
    rate: 200/s
    hold: 6m
    slos:
      api-latency-p95: {{metric: apigateway.latency, statistic: p95, target: "< 500 ms"}}
      api-5xx-rate: {{metric: apigateway.5xx, target: "< 0.1 %"}}
      task-errors: {{metric: ecs.task_errors, target: "< 0.5 %"}}
      task-cpu: {{metric: ecs.cpu, target: "< 80 %"}}
      task-memory: {{metric: ecs.memory, target: "< 80 %"}}
      dynamodb-throttles: {{metric: dynamodb.throttles, target: "== 0"}}
      queue-depth: {{metric: sqs.visible, target: "< 250", sustained: 2m, growth: none, drains_within: 1m}}
      cache-cpu: {{metric: elasticache.cpu, target: "< 80 %"}}
"""
ROWS = (
    "api-latency-p95",
    "api-5xx-rate",
    "task-errors",
    "task-cpu",
    "task-memory",
    "dynamodb-throttles",
    "queue-depth",
    "cache-cpu",
)


#: The API of somebody else, which is at its end: its own metric is a row like any other.
THIRD_PARTY = """\
      third-party:
        query: {namespace: SyncWell/ThirdParty, name: Latency, dimensions: {Provider: drive}}
        statistic: p95
        kind: time
        unit: milliseconds
        target: "< 50 ms"
"""


def run(project: Project, sandbox: str, more: str = "") -> tuple[pytest.RunResult, dict[str, str]]:
    """All rows with these faults, or these and what else the sandbox is told: words by name, `load` among them."""
    (project.pytester.path / "slo.yaml").write_text(PLAN.format(faults=sandbox) + more, "utf-8")
    result = project.run("-m", "peak", "-rA")
    words = {nodeid.removeprefix("slo.yaml::peak::"): word for nodeid, word in outcomes(result).items()}
    assert set(words) - {"third-party"} == {"load", *ROWS}
    return result, words


def passed_but(word: str, *rows: str) -> dict[str, str]:
    return dict.fromkeys(("load", *ROWS), "PASSED") | dict.fromkeys(rows, word)


#: A library that prints in each generator, where messages are lines of stdout.
NOISE = 'import sys\nif "pytest_syncload.generator" in sys.orig_argv:\n    print("noise", end="")\n'


def test_what_is_no_fault_of_the_targets_stays_green_and_is_said(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment during the load, late metrics and throttled questions; and what a library prints in a generator."""
    project.nursery = None  # each process starts as ever, and with this
    (project.pytester.path / "sitecustomize.py").write_text(NOISE, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(project.pytester.path))
    result, words = run(project, "{deployment: true, late: 2m, throttled_queries: 20 %}")
    assert words == passed_but("")
    assert result.ret == pytest.ExitCode.OK
    assert project.sent()["peak"]["count"] == 1200
    result.stdout.fnmatch_lines(
        [
            "*SANDBOX (proves nothing about a real target)*",
            "*peak::task-errors*0 %*pass*",
            "*a deployment replaced 4 tasks (ecs-svc/* → ecs-svc/*): not an error*",
            "*no growth over 6 minutes*drained within 1 minute*",
        ]
    )


#: Every fault, and what its row says of it.
BREAKING = {
    "latency: 700 ms": ("api-latency-p95", ["ms is not < 500 ms"]),
    "errors: 0.5 %": ("api-5xx-rate", [r"0\.5 % is not < 0\.1 %"]),
    "refused_connections: 2 %": ("api-5xx-rate", [r"% is not < 0\.1 %"]),
    "crashing_tasks: 1, out_of_memory_tasks: 1": (
        "task-errors",
        [
            r"stopped by an application error: worker exit 1 \(",
            r"worker exit 137 \(OutOfMemoryError: Container killed",
        ],
    ),
    "request_cpu: 30 ms": ("task-cpu", ["100 % is not < 80 %"]),
    "memory: 90 %": ("task-memory", ["90 % is not < 80 %"]),
    "table_capacity: 50/s, index_capacity: 50/s": (
        "dynamodb-throttles",
        ["sync-jobs WriteThrottleEvents: [1-9]", "sync-jobs/by-user WriteThrottleEvents: [1-9]"],
    ),
    "workers: 1": ("queue-depth", ["; and it grows by "]),
    "hot_cache_node: 95 %": ("cache-cpu", ["EngineCPUUtilization syncwell-001: 9"]),
}


@pytest.mark.parametrize(
    "faults",
    [
        ("errors: 0.5 %", "table_capacity: 50/s, index_capacity: 50/s", "crashing_tasks: 1, out_of_memory_tasks: 1"),
        ("refused_connections: 2 %", "request_cpu: 30 ms", "workers: 1"),
    ],
    ids=["failing", "overloaded"],
)
def test_a_fault_turns_exactly_its_row_red(project: Project, faults: tuple[str, ...]) -> None:
    """Three unlike faults a run, each seen by what its row says of it, beside the rows that are green without one."""
    result, words = run(project, f"{{{', '.join(faults)}}}")
    assert words == passed_but("FAILED", *(BREAKING[fault][0] for fault in faults))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    says = [each for fault in faults for each in BREAKING[fault][1]]
    assert [each for each in says if not re.search(each, result.stdout.str())] == []


def test_a_capacity_that_load_is_beyond_breaks_its_row_and_that_of_what_failed_beside_a_fault_of_another(
    project: Project,
) -> None:
    """And no resource's turns red, but those of the three faults."""
    faults = ("latency: 700 ms", "memory: 90 %", "hot_cache_node: 95 %")
    sandbox = f"{{{', '.join(faults)}}}, capacity: {{third_party: 100/s, recovers: never}}"
    result, words = run(project, sandbox, THIRD_PARTY)
    red = [BREAKING[fault][0] for fault in faults]
    assert words == passed_but("FAILED", "api-5xx-rate", "third-party", *red)
    assert [fault for fault in faults if not re.search(BREAKING[fault][1][0], result.stdout.str())] == []


def test_what_is_missing_or_in_part_makes_exactly_its_rows_errors(project: Project) -> None:
    missing = "Latency, CPUUtilization, MemoryUtilization, ApproximateNumberOfMessagesVisible"
    consumed = "ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits"
    result, words = run(project, f"{{missing: [{missing}, {consumed}], partial_data: [5XXError]}}")
    # What ECS says of tasks is in no metric.
    assert words == passed_but("ERROR", *(row for row in ROWS if row != "task-errors"))
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    for says in (
        "no data point for AWS/ApiGateway Latency p95",
        "5XXError Sum {ApiName=syncwell, Stage=v1} is PartialData, not Complete",
        "no data point for AWS/ECS CPUUtilization Average",
        "no data point for AWS/SQS ApproximateNumberOfMessagesVisible Maximum",
        "silence is zero only beside traffic",
    ):
        assert says in result.stdout.str()


# What spoils every row, on three of them.

LOAD = "slo.yaml::peak::load"
THREE = {LOAD, *(f"slo.yaml::peak::{row}" for row in ("api-latency-p95", "api-5xx-rate", "dynamodb-throttles"))}


def run_three(project: Project, faults: str) -> tuple[pytest.RunResult, dict[str, str]]:
    project.write(faults)
    result = project.run("-m", "peak", "-rA")
    return result, outcomes(result)


def test_somebody_elses_traffic_makes_every_row_an_error(project: Project) -> None:
    result, words = run_three(project, "{foreign_traffic: 50/s}")
    assert words == dict.fromkeys(THREE, "ERROR") | {LOAD: "PASSED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*requests where this load put * on the wire*does something else call it*"])


def test_a_load_that_did_not_do_the_job_is_never_green(project: Project) -> None:
    """`test_github.py` has one whose answers have the wrong body."""
    result, words = run_three(project, "{rejected_tokens: 5 %}")
    assert words == dict.fromkeys(THREE, "ERROR") | {LOAD: "FAILED"}
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_where_a_check_fails_no_load_is_offered(project: Project) -> None:
    result, words = run_three(project, "{expired_credentials: true}")
    assert words == dict.fromkeys(THREE, "ERROR")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.sent().get("peak") is None
    assert "the AWS credentials are expired or unknown (ExpiredToken); sign in again" in result.stdout.str()
