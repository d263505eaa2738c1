"""A priced run of the sandbox: what it prints is what the sandbox's own counters come to by hand."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.sandbox.pricing import PRODUCTS
from tests.shell.conftest import Project, outcomes

SLO_YAML = """\
service: syncwell
scale: {daily_users: 1000000, jobs_per_user: 72}
environments:
  sandbox: {sandbox: {speed: 60}, max_cost: 1 USD}
load: {timeout: 2s}
request:
  method: POST
  path: /v1/sync-jobs
  json: {source: drive, destination: vault}
  expect: {status: 202, json: {job_id: any}}
phases:
  peak:
    rate: 200/s
    hold: 3m
    slos:
      inside: {metric: cost.per_million_jobs, target: "< 6 USD"}
      outside: {metric: cost.per_million_jobs, target: "< 4 USD"}
      between: {metric: cost.per_million_jobs, target: "< 5 USD"}
      a-month: {metric: cost.per_month, target: "< 13000 USD"}
"""
JOBS_A_MONTH = 1_000_000 * 72 * 30
#: What the sandbox is, and this test knows by itself: four tasks of a vCPU and 2 GB, two nodes, a table with an index.
TASKS, VCPU, GB, NODES = 4, 1, 2, 2


def dollars(usage: str) -> list[tuple[Fraction | None, Fraction]]:
    """The tiers of the sandbox's price list: (units up to which, dollars a unit)."""
    (told,) = (told for _, told in PRODUCTS if told["product"]["attributes"]["usagetype"] == usage)
    (term,) = told["terms"]["OnDemand"].values()
    return [
        (None if each["endRange"] == "Inf" else Fraction(each["endRange"]), Fraction(each["pricePerUnit"]["USD"]))
        for each in term["priceDimensions"].values()
    ]


def a_month(usage: str, units: Fraction) -> Fraction:
    paid, reached = Fraction(0), Fraction(0)
    for end, usd in dollars(usage):
        until = units if end is None else min(units, end)
        paid += max(until - reached, Fraction(0)) * usd
        reached = max(until, reached)
    return paid


def by_hand(minutes: list[dict[str, Any]], messages: dict[str, Fraction]) -> tuple[Fraction, Fraction]:
    """Low and high, dollars for a million jobs: from what the sandbox's log says of the hold's minutes, and from what
    its queue counted of ``messages`` in them, as the last of them are worked off behind the hold.

    Every accepted job was written to the table and its index, and read once.
    """
    requests = Fraction(sum(minute["requests"] for minute in minutes))
    jobs = Fraction(sum(minute["statuses"].get("202", 0) for minute in minutes))
    month = JOBS_A_MONTH / jobs
    task_hours = Fraction(TASKS * len(minutes), 3600)  # a service minute is a wall second
    same = (
        a_month("USE1-ApiGatewayRequest", requests * month)
        + a_month("WriteRequestUnits", 2 * jobs * month)
        + a_month("ReadRequestUnits", jobs * month)
        + a_month("USE1-Fargate-vCPU-Hours:perCPU", task_hours * VCPU * month)
        + a_month("USE1-Fargate-GB-Hours", task_hours * GB * month)
    )
    tens = sum((Fraction(-(-count // 10)) for count in messages.values()), Fraction(0))
    queue = [a_month("USE1-Requests-Tier1", units * month) for units in (tens, sum(messages.values(), Fraction(0)))]
    low, high = ((same + each) * 1_000_000 / JOBS_A_MONTH for each in queue)
    return low, high


def minutes_of(folder: Path) -> list[dict[str, Any]]:
    """The hold's minutes in the sandbox's log."""
    window = json.loads((folder / "peak.result.json").read_text("utf-8"))["result"]["window"]
    told = [json.loads(line) for line in (folder / "sandbox.log").read_text("utf-8").split("\n")[:-1]]
    inside = [each for each in told if window["start"] <= each.get("minute", 0) < window["end"]]
    # A minute is handed out again where something of it ended late.
    assert {each["minute"] for each in inside} == {window["start"], window["start"] + 60, window["start"] + 120}
    return inside


def messages_of(folder: Path) -> dict[str, Fraction]:
    """What the queue counted in the hold, by metric."""
    told = json.loads((folder / "peak.answers.json").read_text("utf-8"))["answers"]
    return {
        name: sum(map(Fraction, answer["values"]), Fraction(0))
        for answer in told
        if (name := answer["ask"]["query"]["name"]).startswith("NumberOfMessages")
    }


def test_a_priced_run(project: Project) -> None:
    (project.pytester.path / "slo.yaml").write_text(SLO_YAML, "utf-8")
    result = project.run("-m", "peak", "-rA")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert {name.rpartition("::")[2]: word for name, word in outcomes(result).items()} == {
        "load": "PASSED",
        "inside": "PASSED",
        "outside": "FAILED",
        "between": "ERROR",
        "a-month": "PASSED",
    }
    folder = project.run_folder
    minutes = minutes_of(folder)
    messages = messages_of(folder)
    # A busy machine's last arrivals come behind the hold, which is all that is priced.
    jobs = sum(minute["statuses"]["202"] for minute in minutes)
    assert messages["NumberOfMessagesSent"] == jobs
    assert 400 < jobs <= 600
    assert len(messages) == 3
    low, high = by_hand(minutes, messages)
    cost = json.loads((folder / "summary.json").read_text("utf-8"))["phases"][0]["cost"]
    assert cost["usd_per_million_jobs"] == {
        "low": pytest.approx(float(low), abs=1e-8),
        "high": pytest.approx(float(high), abs=1e-8),
    }
    fixed = 730 * (TASKS * (VCPU * 0.04 + GB * 0.0045) + NODES * 0.18)
    assert cost["usd_per_month_fixed"] == pytest.approx(fixed)
    assert (cost["not_known"], cost["jobs_per_month"]) == ([], JOBS_A_MONTH)
    assert cost["jobs"] == jobs

    text = result.stdout.str()
    printed = re.search(r"^  total +(\d\.\d\d) to (\d\.\d\d)  ", text, re.M)
    assert printed is not None
    assert [float(number) for number in printed.groups()] == pytest.approx([float(low), float(high)], abs=0.005001)
    assert "not looked at: parity · generator's region" in text
    assert "not known" not in text

    # What the run itself added to the bill: 600 requests of the hold, at the price of the first units.
    spent = json.loads((folder / "summary.json").read_text("utf-8"))["run"]["spent"]
    assert spent["requests"] == {"low": 600.0, "high": 600.0}
    assert spent["items"]["REST API request"]["low"] == pytest.approx(600 * 3.5e-6)
    assert spent["items"]["DynamoDB write unit"]["low"] == pytest.approx(1200 * 0.625e-6)
    assert re.search(r"^price of the run: 0\.00\d+ to 0\.\d+ USD for 600 requests .*; estimated 0\.", text, re.M)

    # Again from the folder, at another scale: nothing of AWS is there any more.
    (project.pytester.path / "slo.yaml").write_text(SLO_YAML.replace("jobs_per_user: 72", "jobs_per_user: 1"), "utf-8")
    again = project.run("-m", "peak", "--syncload-run", "last", "-rA")
    assert outcomes(again)["slo.yaml::peak::a-month"] == "PASSED"
    assert "a month of 30,000,000 jobs" in again.stdout.str()


def test_a_run_beyond_its_price_is_refused(project: Project) -> None:
    (project.pytester.path / "slo.yaml").write_text(SLO_YAML.replace("1 USD", "0.001 USD"), "utf-8")
    result = project.run("-m", "peak")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*max_cost of 'sandbox' is 0.001 USD (slo.yaml:4): ask for less *", "price of the run: nothing was sent; *"]
    )
    assert "peak" not in project.sent()
