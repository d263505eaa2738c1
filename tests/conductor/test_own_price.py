"""A run's own price: planned from the plan, refused beyond its limit, and told by what was sent."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from unittest import mock

import pytest

from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.own_price import (
    asked,
    asked_of,
    estimate,
    per_request,
    planned_metrics,
    planned_requests,
    price_checks,
    sent,
    spent_by,
    watched_metrics,
)
from pytest_syncload.conductor.reporting import spent_of
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.cost.run import assumed
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.cost import Billing, Product, Range, Sheet, Sold
from pytest_syncload.facts.idempotency import Idempotency
from pytest_syncload.facts.plan import Alarm, Climb, MaxCost, Resources, SandboxSettings, Spec
from pytest_syncload.facts.result import Outcome, Tally
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.conductor.test_costing import BILLING, REAL_LISTED, SCALE, SHEET, cost
from tests.cost.bills import REQUEST, price
from tests.rows import LATENCY, RESOURCES, THROTTLES, WINDOW, reading, result
from tests.sources.test_usage import LISTED, told

CLOCK = ServiceClock.starting_now()
GROUND = Ground(environment=REAL_LISTED, clock=CLOCK)
WHOLE = replace(BILLING, sheet=Sheet(prices=(*SHEET.prices, price(Product(Sold.METRIC), (None, "0.00001")))))
PEAK = phase("peak", LATENCY, rate_per_s=100.0, ramp_s=60.0, hold_s=600.0)
SOAK = phase("soak", replace(LATENCY, phase="soak"), rate_per_s=10.0, hold_s=600.0)


def plan(limit: str | None = "1", *, scaled: bool = False) -> Spec:
    limits = None if limit is None else MaxCost(usd=Decimal(limit), line=9)
    made = spec(PEAK, SOAK, environment=replace(REAL_LISTED, max_cost=limits))
    return replace(made, scale=SCALE if scaled else None)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / ".syncload" / "20261124T090000Z-bbbbbb")
    made.make()
    made.keep_billing(WHOLE)
    return made


def checked(folder: RunFolder, of: Spec, billing: Billing | None = None) -> Check:
    if billing is not None:
        folder.keep_billing(billing)
    (check,) = price_checks(of, replace(GROUND, environment=of.environment), folder, of.phases)
    return check


def test_arrivals_are_those_of_ramp_and_hold_and_the_checks_of_keys_beside_them() -> None:
    assert planned_requests(plan(), GROUND, PEAK) == Range.of(Decimal(63_000))
    request = replace(plan().request, idempotency=Idempotency(verify_percent=10.0))
    found = planned_requests(replace(plan(), request=request), GROUND, PEAK)
    assert found.low == 63_000
    assert found.low < found.high < 63_000 * 2


def test_in_a_sandbox_time_and_rates_are_scaled() -> None:
    sandbox = replace(SANDBOX, sandbox=SandboxSettings(speed=60.0, rate_scale=0.5))
    ground = Ground(environment=sandbox, clock=ServiceClock.starting_now(speed=60.0))
    assert planned_requests(plan(), ground, PEAK) == Range.of(Decimal(525))


def test_a_climb_may_end_at_once_or_ask_for_its_highest_rate_to_its_end() -> None:
    climb = Climb(from_per_s=100.0, step_percent=10.0, every_s=60.0, until="", failed_percent=1.0, at_most_per_s=200.0)
    climbing = phase("stress", rate_per_s=0.0, hold_s=0.0, climb=climb)
    found = planned_requests(plan(), GROUND, climbing)
    assert found.low == 6000
    assert found.high > 200 * 60 * 8
    assert planned_metrics(plan(), LISTED, climbing).low == 2


def test_metrics_are_asked_for_by_each_poll() -> None:
    bare = asked_of(plan(), RESOURCES, PEAK, WINDOW)
    assert bare == 4  # latency by minutes and at once, its samples, the request count
    assert asked_of(plan(scaled=True), RESOURCES, PEAK, WINDOW) > bare
    unlisted = phase("peak", THROTTLES)
    assert asked_of(plan(), Resources(rest_api="a", stage="v1"), unlisted, WINDOW) == 1
    assert asked_of(plan(scaled=True), Resources(), unlisted, WINDOW) == 0
    found = planned_metrics(plan(), RESOURCES, PEAK)
    assert found == Range(low=Decimal(8), high=Decimal(4 * 17 + 90))


def test_abort_rules_ask_every_minute_of_the_load_at_most() -> None:
    rule = Alarm(row=replace(LATENCY, name="abort"), minutes=2, text="apigateway.latency > 1 s for 2m")
    guarded = replace(PEAK, alarms=(rule,))
    assert watched_metrics(plan(), GROUND, PEAK) == Range.of(Decimal(0))
    assert watched_metrics(plan(), GROUND, guarded) == Range(
        low=Decimal(0), high=Decimal(12)
    )  # 1 + 10 minutes, and one
    nowhere = replace(GROUND, environment=replace(REAL_LISTED, resources=Resources()))
    assert watched_metrics(plan(), nowhere, guarded) == Range.of(Decimal(0))
    each = assumed(RESOURCES, WHOLE.sizes)
    without, with_it = (estimate(plan(), GROUND, WHOLE, [one], each).usd for one in (PEAK, guarded))
    assert with_it.high - without.high == 12 * Decimal("0.00001")


def test_within_its_limit_a_run_may_begin(folder: RunFolder) -> None:
    check = checked(folder, plan())
    assert (check.name, check.finding) == ("price of the run", Finding.OK)
    assert check.says == (
        "about 0.30 to 0.49 USD for 69,000 requests (assumed: a write and a read of each table, a message); max_cost "
        "of 'load-testing' is 1.00 USD (slo.yaml:9); what the environment costs while it stands is not in it"
    )
    kept = folder.estimate()
    assert kept is not None
    assert kept.requests == Range.of(Decimal(69_000))


def test_beyond_its_limit_nothing_is_sent(folder: RunFolder) -> None:
    check = checked(folder, plan("0.4"))
    assert check.failed
    assert (
        "(assumed: a write and a read of each table, a message), and max_cost of 'load-testing' is 0.40 USD "
        "(slo.yaml:9): ask for less (a lower rate, a shorter hold, fewer phases), or raise max_cost; what"
    ) in check.says


def test_what_nobody_can_price_may_be_beyond_any_limit(folder: RunFolder) -> None:
    check = checked(folder, plan("1000000"), replace(WHOLE, sheet=Sheet(prices=WHOLE.sheet.prices[1:])))
    assert check.failed
    assert "at least" in check.says
    assert "not all of it is known (REST API request is not priced: nobody asked for its price)" in check.says
    noted = checked(folder, plan(None, scaled=True))
    assert noted.finding is Finding.NOTE
    assert "REST API request is not priced" in noted.says


def test_without_a_limit_and_a_scale_nobody_asks(folder: RunFolder) -> None:
    silent = plan(None)
    assert price_checks(silent, GROUND, folder, silent.phases) == []
    record = PhaseRecord(result=result(), reading=reading(told()), problem=None)
    assert spent_by(silent, GROUND, folder, PEAK, record, None) is None
    assert checked(folder, plan(None, scaled=True)).finding is Finding.OK


def test_what_earlier_phases_have_spent_counts(folder: RunFolder) -> None:
    first = checked(folder, plan())
    record = PhaseRecord(result=result(), reading=reading(told()), problem=None)
    spent = spent_by(plan(), GROUND, folder, PEAK, record, cost())
    assert spent is not None
    folder.keep_spent("peak", spent)
    kept = folder.estimate()
    second = checked(folder, plan())
    assert folder.estimate() == kept  # that of the whole run, before its first request
    assert "70,800 requests" in second.says
    assert "69,000 requests" in first.says
    assert spent_of(folder, plan().phases) == spent


def test_what_a_request_uses_is_as_the_newest_run_beside_measured_it(folder: RunFolder) -> None:
    def run(name: str, environment: str, **kept: object) -> None:
        other = RunFolder(folder.path.with_name(name))
        other.make()
        other.write(ENVIRONMENT_FILE, {"environment": environment})
        if kept:
            other.keep_cost(cost())

    assert per_request(GROUND, folder, BILLING).basis.startswith("assumed")
    run("20261123T090000Z-aaaaaa", REAL.name, cost=True)
    run("20261124T080000Z-aaaaaa", REAL.name)
    run("20261124T083000Z-aaaaaa", "elsewhere", cost=True)
    run("20261125T090000Z-aaaaaa", REAL.name, cost=True)  # not before this run
    (folder.path.parent / "20261124T085000Z-aaaaaa").mkdir()
    damaged = folder.path.with_name("20261124T085500Z-aaaaaa")
    damaged.mkdir()
    (damaged / ENVIRONMENT_FILE).write_text("{", "utf-8")
    found = per_request(GROUND, folder, BILLING)
    assert found.basis == "as phase peak of run 20261123T090000Z-aaaaaa measured it"
    assert found.units[REQUEST] == Range.of(Decimal("1.01"))
    unknown = RunFolder(folder.path.with_name("20261123T090000Z-aaaaaa"))
    unknown.keep_cost(replace(cost(), lines=()))
    assert per_request(GROUND, folder, BILLING).basis.startswith("assumed")


def test_what_was_spent_by_hand(folder: RunFolder) -> None:
    """1,818 requests in the window and 182 in the ramp, of which each used what one of the window did."""
    measured = result(wire_requests=1818, ramp=Tally(outcomes={Outcome.OK: 182}))
    record = PhaseRecord(result=measured, reading=reading(told(), attempts=4), problem=None)
    spent = spent_by(plan(), GROUND, folder, PEAK, record, cost())
    assert spent is not None
    assert spent.requests == Range.of(Decimal(2000))
    assert spent.basis == "as this run measured it"
    assert spent.items["REST API request"].low == Decimal("0.002")
    assert spent.items["DynamoDB write unit"].low == Decimal("0.00396") + Decimal("0.000000396")
    answers = len(told())
    assert spent.items["GetMetricData metric"] == Range(
        low=Decimal(answers * 4) / 100_000, high=Decimal(answers * 5 + 90) / 100_000
    )


def test_what_was_not_measured_was_spent_as_it_is_assumed(folder: RunFolder) -> None:
    record = PhaseRecord(result=result(), reading=None, problem="it is invalid")
    spent = spent_by(plan(), GROUND, folder, PEAK, record, None)
    assert spent is not None
    assert spent.basis.startswith("assumed")
    part = spent_by(plan(), GROUND, folder, PEAK, record, cost(NumberOfMessagesSent=None))
    assert part is not None
    assert part.basis == "as this run measured it; SQS request assumed: a write and a read of each table, a message"
    nothing = PhaseRecord(result=None, reading=None, problem="refused")
    assert spent_by(plan(), GROUND, folder, PEAK, nothing, None) is None
    assert spent_of(folder, plan().phases) is None


def test_requests_and_questions_are_counted_once() -> None:
    assert sent(result(wire_requests=1900)) == Range.of(Decimal(1900))
    climbed = PhaseRecord(result=result(), reading=None, problem=None, series=(mock.Mock(),) * 10)
    assert asked(climbed) == Range(low=Decimal(20), high=Decimal(90 + 120))


def test_damaged_files_are_none(folder: RunFolder) -> None:
    checked(folder, plan())
    (folder.path / "estimate.json").write_text('{"requests": 5}', "utf-8")
    (folder.path / "peak.spent.json").write_text("{", "utf-8")
    assert (folder.estimate(), folder.spent("peak")) == (None, None)
