"""False greens of the conductor: what is measured twice or not at all, and questions that go to the wrong place."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.config import Config

from pytest_syncload.auth.session import Session
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.conductor.alarms import AlarmPoll
from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.earlier import LAST, find_run
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.preflight import check
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import MINUTE, ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Alarm, AwsAccess, Firebase, Slo, Spec, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.aws import FOR_CHECKS, client
from pytest_syncload.sources.credentials import account
from tests.auth.scripted import SIGNED_IN, project, refusal, scripted
from tests.conductor.plans import REAL, SANDBOX, keep_run, phase, spec
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_load import nothing
from tests.false_greens.offering import SEEN
from tests.rows import CACHE, ERRORS, RESOURCES, THROTTLES, answers, reading, result

#: For holds of a minute, which have fewer requests than its target wants.
BRIEF = replace(ERRORS, min_samples=20)
Prepared = tuple[Ground, RunFolder]
_PHASE = "pytest_syncload.conductor.phase"
_VALIDITY = "pytest_syncload.load.validity"
LISTED = replace(RESOURCES, tables={"sync-jobs": ("by-user",)})
#: Service seconds in a wall second: fast, and still time enough for a settled reading on a busy machine.
SPEED = 120.0


def plan_of(*rows: Slo, **environment: Any) -> Spec:
    held = phase("peak", *rows, hold_s=60.0)
    return spec(held, environment=replace(SANDBOX, **environment))


def run_of(sandbox: Prepared, folder: Path) -> RunFolder:
    """A further run in a sandbox that is there."""
    made = RunFolder.named_now(folder)
    made.make()
    made.write("environment.json", sandbox[1].read("environment.json"))
    return made


def conducted(run: RunFolder, slo: Slo, plan: Spec) -> Seen:
    with run.controller_lock():
        return SEEN[Conductor(plan, run, lambda: ["peak"], lambda _: None).verdict(slo).ruling]


def begun_by_a_dead_worker(sandbox: Prepared, tmp_path: Path) -> Seen:
    run = run_of(sandbox, tmp_path)
    run.mark_started("peak")
    return conducted(run, BRIEF, plan_of(BRIEF))


def measured_and_broken(sandbox: Prepared, tmp_path: Path) -> Seen:
    run = run_of(sandbox, tmp_path)
    broken = reading(answers(BRIEF, _5XXError=60.0))
    run.keep("peak", PhaseRecord(result=result(), reading=broken, problem=None))
    return conducted(run, BRIEF, plan_of(BRIEF))


def check_failed(sandbox: Prepared, tmp_path: Path) -> Seen:
    nowhere = replace(LISTED, tables={"sync-jobs": ()})
    return conducted(run_of(sandbox, tmp_path), THROTTLES, plan_of(THROTTLES, resources=nowhere))


def of_an_earlier_run(tmp_path: Path) -> Seen:
    """A good measurement lies in a folder called like this; the run that is asked now has measured nothing."""
    earlier = RunFolder(tmp_path / ".syncload" / "run")
    earlier.make()
    clock = asdict(ServiceClock.starting_now())
    earlier.write("environment.json", {"environment": REAL.name, "clock": clock, "sandbox": None})
    earlier.keep("peak", PhaseRecord(result=result(), reading=reading(answers(ERRORS)), problem=None))
    now = RunFolder.named_now(tmp_path)
    now.make()
    return conducted(now, ERRORS, spec(phase("peak", ERRORS)))


def an_older_run(tmp_path: Path) -> Seen:
    """The run before the last was green; the last one's checks failed, and nothing was sent."""
    runs = [RunFolder(tmp_path / ".syncload" / f"20261124T{hour:02}0000Z-abcdef") for hour in (9, 10)]
    keep_run(runs[0], spec(phase("peak", ERRORS)), ERRORS)
    runs[1].make()
    failed = (Check(name="queue", finding=Finding.FAILED, says="there is none"),)
    runs[1].keep("peak", PhaseRecord(result=None, reading=None, problem="refused", failed_checks=failed))
    try:
        found = RunFolder(find_run(tmp_path, LAST, tmp_path).path)
    except Refused:
        return Seen.ERROR
    return conducted(found, ERRORS, spec(phase("peak", ERRORS)))


def looked(where: Prepared, slo: Slo, **changes: Any) -> Seen:
    """What the checks before load find."""
    ground, folder = where
    ground = replace(ground, environment=replace(ground.environment, **changes))
    checks = check(spec(), ground, folder, [phase("peak", slo)], lambda: None)
    return Seen.ERROR if any(each.failed for each in checks) else Seen.GREEN


def a_rule_that_nobody_saw(sandbox: Prepared) -> Seen:
    """A quarter of an hour of load, of a service by another name, whose metric has no value."""
    ground = sandbox[0]
    began = ground.clock.now() - 16 * MINUTE
    target = Target(op="<=", value=95.0, kind=Kind.SHARE, text="<= 95 %")
    row = Slo(name="abort", phase="peak", target=target, line=1, metric="ecs.cpu")
    alarm = Alarm(row=row, minutes=2, text="ecs.cpu > 95 % for 2m")
    resources = replace(ground.resources, ecs_service="other")
    poll = AlarmPoll(client("cloudwatch", ground.aws), (alarm,), resources, ground.clock.now, began)
    poll.poll()
    return Seen.GREEN if poll.stop is None else Seen.ERROR


def emulator(sandbox: Prepared, monkeypatch: pytest.MonkeyPatch) -> Seen:
    found = sandbox[0].aws
    for name, value in (
        ("AWS_ENDPOINT_URL", found.endpoint_url),
        ("AWS_ACCESS_KEY_ID", found.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", found.secret_access_key),
    ):
        monkeypatch.setenv(name, value or "")
    return looked(sandbox, THROTTLES, sandbox=None, aws=AwsAccess(region=found.region))


def proxied_aws(sandbox: Prepared, monkeypatch: pytest.MonkeyPatch) -> Seen:
    found = sandbox[0].aws
    _through(monkeypatch, found.endpoint_url or "")
    made = client("sts", replace(found, endpoint_url="http://127.0.0.1:1"), patience=FOR_CHECKS)
    return Seen.ERROR if account(made)[0].failed else Seen.GREEN


async def signed_in(firebase: Firebase) -> Session:
    users = FirebaseUsers(firebase)
    try:
        return await users.sign_in(0)
    finally:
        await users.aclose()


def proxied_sign_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Seen:
    with scripted((400, refusal("USER_DISABLED"))) as firebase, scripted(SIGNED_IN) as proxy:
        _through(monkeypatch, f"http://{proxy.host}")
        try:
            asyncio.run(signed_in(project(tmp_path, firebase.host)))
        except Refused:
            return Seen.ERROR
        return Seen.GREEN


def _through(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("http_proxy", proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


def _entry(name: str, mistake: str, through: Through, scenario: Any, guards: dict[str, Any], *needs: str) -> Entry:
    return Entry(name=name, mistake=mistake, through=through, scenario=scenario, guards=guards, needs=needs)


CONDUCTED: tuple[Entry, ...] = (
    _entry(
        "a lost phase that is run again",
        "The worker that ran the load was killed; the next one offers it again, and what broke it is forgotten.",
        Through.BOTO3,
        begun_by_a_dead_worker,
        {"pytest_syncload.conductor.conductor:begun_and_lost": nothing},
        "sandbox",
        "tmp_path",
    ),
    _entry(
        "a retry that rolls the dice again",
        "A failed row is retried by pytest-rerunfailures, which offers new load until it is green.",
        Through.BOTO3,
        measured_and_broken,
        {"pytest_syncload.conductor.conductor:measured_before": nothing},
        "sandbox",
        "tmp_path",
    ),
    _entry(
        "load in spite of a failed check",
        "A check before the load finds an index that no row looks at, and the load goes on.",
        Through.BOTO3,
        check_failed,
        {"pytest_syncload.conductor.conductor:failures": lambda _: ()},
        "sandbox",
        "tmp_path",
    ),
    _entry(
        "an abort rule that nobody could look at",
        "CloudWatch has no value of the metric that shall stop the load, and the load goes on to its green end.",
        Through.BOTO3,
        a_rule_that_nobody_saw,
        {"pytest_syncload.conductor.alarms:AlarmPoll._blind": nothing},
        "sandbox",
    ),
    _entry(
        "an older run in the last one's place",
        "The last run measured nothing, so the one before it is judged again: that one was green.",
        Through.PURE,
        an_older_run,
        {"pytest_syncload.conductor.earlier:refuse_in_its_place": nothing},
        "tmp_path",
    ),
    _entry(
        "an earlier run's measurement",
        "Two runs share a folder, and the second is judged by what the first has measured.",
        Through.PURE,
        of_an_earlier_run,
        {"pytest_syncload.conductor.run_folder:new_run_id": lambda: "run"},
        "tmp_path",
    ),
)

PLACES: tuple[Entry, ...] = (
    _entry(
        "an index that is not listed",
        "A table's index throttles; the table's own metrics leave it out.",
        Through.BOTO3,
        lambda sandbox: looked(sandbox, THROTTLES, resources=replace(LISTED, tables={"sync-jobs": ()})),
        {"pytest_syncload.sources.inventory:unlisted": lambda *_: []},
        "sandbox",
    ),
    _entry(
        "a cache node that is not listed",
        "A replica that slo.yaml does not list is at its end.",
        Through.BOTO3,
        lambda sandbox: looked(sandbox, CACHE, resources=replace(LISTED, cache=LISTED.cache[:1])),
        {"pytest_syncload.sources.inventory:unlisted": lambda *_: []},
        "sandbox",
    ),
    _entry(
        "an emulator in AWS's place",
        "AWS_ENDPOINT_URL was left behind by LocalStack, and a real environment is judged by an emulator.",
        Through.BOTO3,
        emulator,
        {"pytest_syncload.sources.aws:require_aws": nothing},
        "sandbox",
        "monkeypatch",
    ),
    _entry(
        "a proxy in AWS's place",
        "HTTP_PROXY answers for a CloudWatch that is not there.",
        Through.BOTO3,
        proxied_aws,
        {"pytest_syncload.sources.aws:straight": lambda config: Config(**config)},
        "sandbox",
        "monkeypatch",
    ),
    _entry(
        "a proxy in Firebase's place",
        "HTTP_PROXY answers the sign-in, even that of an emulator on loopback.",
        Through.SOCKETS,
        proxied_sign_in,
        {"pytest_syncload.auth.firebase:straight_client": lambda *_: httpx.AsyncClient(timeout=10)},
        "tmp_path",
        "monkeypatch",
    ),
)

ENTRIES = (*CONDUCTED, *PLACES)
