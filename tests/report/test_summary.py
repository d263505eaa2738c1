"""summary.json: valid by the schema that is shipped, whole numbers and units, and null where nothing is known."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_syncload.facts.bottleneck import Estimate, Usl
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import RawQuery, Rejudged
from pytest_syncload.facts.report import RunReport
from pytest_syncload.facts.result import Invalidity, Side
from pytest_syncload.report.summary import summary_text
from pytest_syncload.report.summary_form import json_schema, schema_text
from tests.report.reports import BREACH, PASS, TIMELINE, TOY, observation, peak, refused, run_report, stress
from tests.rows import LATENCY, START, result

SHIPPED = files("pytest_syncload") / "summary.schema.json"
SCHEMA = Draft202012Validator(json_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)

AGAIN = run_report(
    peak(replace(BREACH, before=Before(slo=LATENCY, ruling=Ruling.PASS, value=412.0)), replace(PASS, before=Before())),
    rejudged=Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=START - 86_400),
)
UNLOOKED = replace(stress(), climb=None)
INVALID = peak(result=result(invalid=(Invalidity(side=Side.GENERATOR, what="the generator was late"),)))
LAW = Usl(
    rate_per_s=Estimate(value=50.0, low=40.0, high=float("inf")),
    contention=Estimate(value=0.02, low=0.01, high=0.03),
    coherency=Estimate(value=1e-5, low=0.0, high=2e-5),
    ceiling_per_s=Estimate(value=1500.0, low=1400.0, high=1600.0),
)
FITTED = replace(stress(), climb=replace(stress().climb, law=LAW))  # type: ignore[type-var]
RAW = replace(
    BREACH,
    slo=replace(
        LATENCY, metric=None, query=RawQuery(namespace="SyncWell", name="Jobs", dimensions=(("Service", "worker"),))
    ),
)


def parsed(report: RunReport) -> Any:
    """What a reader gets. NaN and infinity are no JSON."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(summary_text(report), parse_constant=refuse)


def test_the_shipped_schema_is_what_the_models_give() -> None:
    says = "run `python -m pytest_syncload.report.summary_form > pytest_syncload/summary.schema.json`"
    assert SHIPPED.read_text("utf-8") == schema_text(), says
    Draft202012Validator.check_schema(json_schema())


def test_the_module_prints_the_schema() -> None:
    command = [sys.executable, "-m", "pytest_syncload.report.summary_form"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", schema_text())


@pytest.mark.parametrize(
    "report",
    [
        run_report(),
        run_report(peak(), stress()),
        run_report(UNLOOKED),
        run_report(FITTED),
        run_report(refused()),
        run_report(INVALID, where=TOY),
        run_report(peak(RAW)),
        run_report(begun_at=0.0),
        run_report(begun_at=1e300),
        AGAIN,
    ],
    ids=["hold", "climb", "unlooked", "law", "refused", "invalid", "raw", "undated", "absurd-date", "again"],
)
def test_every_run_is_valid_by_the_schema(report: RunReport) -> None:
    data = parsed(report)
    assert [f"{error.json_path}: {error.message}" for error in SCHEMA.iter_errors(data)] == []
    assert [row["id"] for row in data["rows"]] == [verdict.slo.id for verdict in report.verdicts]


def test_the_schema_knows_a_name_that_is_gone_and_lets_a_new_one_be() -> None:
    data = parsed(run_report())
    data["rows"][0]["news"] = 1
    assert SCHEMA.is_valid(data)
    del data["rows"][0]["headroom_percent"]
    assert not SCHEMA.is_valid(data)


def test_a_row_has_numbers_and_its_unit() -> None:
    row = parsed(run_report())["rows"][0]
    assert row == {
        "id": "peak::api-latency-p95",
        "phase": "peak",
        "name": "api-latency-p95",
        "line": 30,
        "metric": "apigateway.latency",
        "query": None,
        "statistic": "p95",
        "verdict": "breach",
        "reason": "612 ms is not < 500 ms",
        "value": 612.0,
        "unit": "ms",
        "target": {"text": "< 500 ms", "op": "<", "value": 500.0},
        "headroom_percent": -22.4,
        "bounds": None,
        "samples": 1800,
        "window": {"start": "2023-11-14T22:14:00Z", "end": "2023-11-14T22:17:00Z", "seconds": 180.0},
        "sources": ["AWS/ApiGateway Latency p95 {ApiName=syncwell}"],
        "parts": {},
        "notes": [],
        "before": None,
        "regression": None,
        "compared": None,
    }


def test_the_run_says_what_it_proved() -> None:
    run = parsed(run_report())["run"]
    assert run["counts"] == {"pass": 1, "breach": 1, "inconclusive": 1}
    assert (run["proven"], run["sandbox"], run["account"]) == (False, False, "123456789012")
    assert run["not_looked_at"] == ["parity", "cost", "generator's region"]
    assert parsed(run_report(peak(PASS)))["run"]["proven"] is True


def test_a_hold_has_its_rates_by_the_wall() -> None:
    measured = parsed(run_report(peak(load_began_at=START - 3.25), where=TOY))["phases"][0]["measured"]
    # Three service minutes at 60 times the speed are three seconds, in which 1,800 arrivals were sent.
    assert measured["sent_per_s"] == measured["ok_per_s"] == 600.0
    assert measured["load_began_at"] == "2023-11-14T22:13:56.750000Z"
    assert measured["outcomes"]["ok"] == measured["arrivals"] == sum(measured["outcomes"].values()) == 1800
    assert measured["latency"]["p95_ms"] == pytest.approx(20.0, rel=0.0025)
    assert measured["lag"]["max_ms"] == 0.5
    assert measured["statuses"] == {"202": 1800}


def test_what_was_not_measured_is_null() -> None:
    data = parsed(run_report(refused()))
    phase, row = data["phases"][0], data["rows"][0]
    assert (phase["measured"], phase["climb"]) == (None, None)
    assert phase["problem"] == row["reason"]
    assert (row["value"], row["window"], row["headroom_percent"], row["samples"]) == (None, None, None, None)


def test_a_climb_has_its_answer_and_what_it_stands_on() -> None:
    phase = parsed(run_report(stress()))["phases"][0]
    climb = phase["climb"]
    assert (phase["plan"]["rate_per_s"], phase["plan"]["climb"]["from_per_s"]) == (None, 500.0)
    assert (climb["held_per_s"], climb["broke_per_s"], climb["at_least"], climb["end"]) == (1150, 1200, False, "found")
    assert climb["first"]["name"] == "sync-jobs WriteThrottleEvents"
    assert 95 < climb["first"]["confidence_percent"] <= 100
    assert climb["undetermined"] is None
    assert {step["finding"] for step in climb["steps"]} == {"held", "broke"}
    assert climb["law"]["no_fit"]
    law = parsed(run_report(FITTED))["phases"][0]["climb"]["law"]
    assert (law["ceiling_per_s"], law["no_fit"]) == ({"value": 1500.0, "low": 1400.0, "high": 1600.0}, None)
    unseen = parsed(run_report(UNLOOKED))["phases"][0]["climb"]
    assert (unseen["first"], unseen["undetermined"]) == (None, "nobody could look for what broke first")


def test_a_judging_again_says_what_was() -> None:
    data = parsed(AGAIN)
    assert data["run"]["rejudged"] == {"run_id": "20261123T090000Z-bbbbbb", "begun_at": "2023-11-13T22:14:00Z"}
    assert data["rows"][0]["before"] == {"verdict": "pass", "value": 412.0, "unit": "ms", "target": "< 500 ms"}
    assert data["rows"][1]["before"] == {"verdict": None, "value": None, "unit": None, "target": None}


def test_a_number_that_is_none_is_null() -> None:
    seen = observation(parts={"share": float("nan")}, value=float("inf"))
    row = parsed(run_report(peak(Verdict(slo=LATENCY, ruling=Ruling.BREACH, reason="?", observation=seen))))["rows"][0]
    assert (row["value"], row["parts"], row["headroom_percent"]) == (None, {"share": None}, None)


def test_an_invalid_phase_keeps_what_was_seen_and_says_why_it_proves_nothing() -> None:
    phase = parsed(run_report(peak(result=replace(INVALID.result, timeline=TIMELINE))))["phases"][0]  # type: ignore[type-var]
    assert phase["invalid"] == [{"side": "generator", "what": "the generator was late"}]
    assert phase["measured"]["arrivals"] == 1800
