"""A real environment as a user has it, up to its first request: AWS's own addresses, over TLS, answered by doubles.

Each guard of the target is met once, through pytest: one reason, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults, SandboxSettings
from pytest_syncload.sandbox.launch import launch
from tests.shell.conftest import Project
from tests.shell.home import Proxy, aws_at

SLO_YAML = """\
service: syncwell
environments:
  load-testing:
    base_url: "${BASE_URL}"
    region: us-east-1
    max_rate: 30000/s
    max_cost: 50 USD
    guard: {accounts: ["111122223333"], networks: ["127.0.0.0/8"]}
    firebase: {api_key: "${FIREBASE_API_KEY}", project: syncwell-sandbox, sign_in: custom-token, users: 2,
               service_account: "${SERVICE_ACCOUNT}", emulator_host: "${EMULATOR}"}
    resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: [by-user]}, queue: hot-path,
                ecs: {cluster: syncwell, service: worker}, cache: [syncwell-001, syncwell-002]}
request: {method: POST, path: /v1/sync-jobs, json: {}, expect: {status: 202}}
phases:
  peak:
    rate: 100/s
    hold: 2m
    abort: "ecs.cpu > 95 % for 2m"
    slos:
      throttles: {metric: dynamodb.throttles, target: "== 0"}
      tasks: {metric: ecs.task_errors, target: "< 0.5 %"}
      cache: {metric: elasticache.cpu, target: "< 80 %"}
"""
#: What this machine and its user have, which would be taken for the test's own.
_OTHERS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "NO_PROXY", "no_proxy", "ECS_CONTAINER_METADATA_URI_V4")


class Home:
    """A real environment on loopback, whose sandbox lives at the wall's pace, and variables that lead to it."""

    def __init__(self, proxy: Proxy, environ: dict[str, str]) -> None:
        self.proxy = proxy
        self.environ = environ


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    faults = Faults(api_quota_per_s=20_000.0)
    sandbox = launch(SandboxSettings(speed=1, faults=faults), ServiceClock.starting_now(speed=1), folder / "log")
    made = sandbox.announcement
    try:
        with aws_at(made["aws"]["endpoint_url"], folder) as (proxy, environ):
            environ |= {
                "AWS_ACCESS_KEY_ID": made["aws"]["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": made["aws"]["secret_access_key"],
                "AWS_EC2_METADATA_DISABLED": "true",
                "BASE_URL": made["base_url"],
                "EMULATOR": made["firebase"]["emulator_host"],
                "FIREBASE_API_KEY": made["firebase"]["api_key"],
                "SERVICE_ACCOUNT": str(Path(made["firebase"]["service_account"])),
            }
            yield Home(proxy, environ)
    finally:
        sandbox.close()


@pytest.fixture
def at_home(project: Project, home: Home, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in _OTHERS:
        monkeypatch.delenv(name, raising=False)
    for name, value in home.environ.items():
        monkeypatch.setenv(name, value)
    (project.pytester.path / "slo.yaml").write_text(SLO_YAML, "utf-8")
    home.proxy.asked.clear()
    return project


def change(project: Project, old: str, new: str) -> None:
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")


def test_where_all_is_well_a_run_may_start(at_home: Project, home: Home) -> None:
    result = at_home.run("--syncload-env", "load-testing", "--syncload-check")
    assert result.ret == 0
    result.stdout.fnmatch_lines_random(
        [
            "*ok *endpoints*https://monitoring.us-east-1.amazonaws.com*",
            "*ok *account guard*111122223333 is listed",
            "*ok *queries*",
            "*ok *service syncwell/worker*",
            "*ok *sign-in and request*accepted in*",
            "*a run may start*",
        ]
    )
    assert {host.partition(".")[0] for host in home.proxy.asked} >= {"monitoring", "sts", "dynamodb", "elasticache"}


@pytest.mark.parametrize(
    ("old", "new", "said", "asked"),
    [
        (
            'accounts: ["111122223333"]',
            'accounts: ["999988887777"]',
            "account guard: the credentials are of account 111122223333, which is not listed under guard.accounts "
            "(slo.yaml:*): 999988887777; choose those of load-testing (AWS_PROFILE, the role of the job)",
            {"monitoring", "sts"},
        ),
        (
            'networks: ["127.0.0.0/8"]',
            "hosts: [api.load-testing.example.com]",
            "host: 127.0.0.1 of base_url is not listed under guard.hosts (slo.yaml:*): "
            "api.load-testing.example.com; is base_url that of load-testing?",
            {"monitoring"},
        ),
        (
            '"${BASE_URL}"',
            "https://api.load-testing.example.com\n    # not reached, and not asked for",
            "generator's region: unknown, and the target is in us-east-1 *; load from afar meets the way there too: "
            "run it in us-east-1, or accept it with a reason (slo.yaml:*): generator_region: {accept: …}",
            {"monitoring"},
        ),
        (
            "rate: 100/s",
            "rate: 25000/s\n    ramp: 1s",
            "quota of API Gateway's throttle rate: the account allows 20,000/s; peak holds 25,000/s, and what is "
            "beyond would be refused by API Gateway and not by the service: have it raised (Service Quotas, "
            "L-8A5B8E43), or lower the rate",
            None,
        ),
        (
            "max_cost: 50 USD",
            "max_cost: 0.01 USD",
            "price of the run: about *, and max_cost of 'load-testing' is 0.01 USD (slo.yaml:*): ask for less "
            "(a lower rate, a shorter hold, fewer phases), or raise max_cost*",
            None,
        ),
    ],
    ids=["account", "host", "region", "quota", "price"],
)
def test_each_guard_is_one_reason_before_any_load(
    at_home: Project, home: Home, old: str, new: str, said: str, asked: set[str] | None
) -> None:
    change(at_home, old, new)
    if "region" in said:
        change(at_home, ', networks: ["127.0.0.0/8"]', "")
    result = at_home.run("--syncload-env", "load-testing", "-m", "peak", "-rA")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*1 check* before the load failed, so no load was offered; *{said}*"])
    result.assert_outcomes(errors=4)
    assert not list(at_home.run_folder.glob("*.timeline.jsonl"))
    if asked is not None:
        assert {host.partition(".")[0] for host in home.proxy.asked} == asked, "and nobody else"


def test_production_must_be_named(at_home: Project, home: Home) -> None:
    change(at_home, "max_cost: 50 USD", "production: true")
    result = at_home.run("--syncload-env", "load-testing", "-m", "peak")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'load-testing' is marked as production (slo.yaml:*add --syncload-production*"])
    assert home.proxy.asked == []


def test_a_certificate_that_nobody_vouches_for_is_no_aws(at_home: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    result = at_home.run("--syncload-env", "load-testing", "-m", "peak")
    assert result.ret != 0
    result.assert_outcomes()
    assert "CERTIFICATE_VERIFY_FAILED" in result.stderr.str() + result.stdout.str()
