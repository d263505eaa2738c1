"""What a phase costs, from the folder: rows between bounds, gaps that are no pass, judging again without AWS."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from unittest import mock

import pytest

from pytest_syncload.conductor import costing
from pytest_syncload.conductor.conductor import Conductor
from pytest_syncload.conductor.costing import (
    billing_checks,
    cost_of_phase,
    is_costed,
    meters,
    observe_cost,
    prices_in_words,
)
from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE, environment_to_json, find_run
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.replay import Replay
from pytest_syncload.conductor.reporting import is_costed as is_costed_by
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.cost import Billing, Cost, Origin, Product, Sheet, Sold, Unpriced
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Resources, Scale, Slo, Spec, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.verdict import judge
from tests.conductor.plans import REAL, SANDBOX, keep_run, phase, spec
from tests.cost.bills import price
from tests.report.reports import peak
from tests.rows import LATENCY, result
from tests.rows import reading as read_of
from tests.sources.stubs import NOWHERE
from tests.sources.test_climbed import FOUND
from tests.sources.test_usage import LISTED, SIZES, told

SCALE = Scale(daily_users=1000, jobs_per_user=Fraction(10), line=3)
_USD = {
    Sold.REST_REQUEST: "0.000001",
    Sold.WRITE_UNIT: "0.000001",
    Sold.READ_UNIT: "0.000001",
    Sold.QUEUE_REQUEST: "0.000001",
    Sold.VCPU_HOUR: "0.04",
    Sold.GB_HOUR: "0.004",
}
SHEET = Sheet(
    prices=(
        *(price(Product(sold), (None, usd)) for sold, usd in _USD.items()),
        price(Product(Sold.NODE_HOUR, "cache.r7g.large valkey"), (None, "0.5")),
    )
)
BILLING = Billing(region="us-east-1", sizes=SIZES, sheet=SHEET)
REAL_LISTED = replace(REAL, resources=LISTED)


def row(limit: float, metric: str = "cost.per_million_jobs", op: str = "<", name: str = "cost") -> Slo:
    target = Target(op=op, value=limit, kind=Kind.MONEY, text=f"{op} {limit:g} USD")
    return Slo(name=name, phase="peak", target=target, line=40, metric=metric)


def plan(*rows: Slo, scale: Scale | None = SCALE) -> Spec:
    return replace(spec(phase("peak", *(rows or (LATENCY,))), environment=REAL_LISTED), scale=scale)


def cost(billing: Billing | None = BILLING, *, of: Spec | None = None, **changed: float | None) -> Cost:
    found = cost_of_phase(of or plan(), read_of(told(**changed)), billing, LISTED, result())
    assert found is not None
    return found


def ruled(slo: Slo, of: Cost | None, resources: Resources = LISTED) -> Verdict:
    return judge(observe_cost(slo, of, resources, result()), result(), None)


def test_a_phase_by_hand() -> None:
    """1,800 jobs: 1,818 requests, 3,600 writes, 901.5 reads, 551 to 5,397 of SQS, 0.1 vCPU and 0.4 GB hours."""
    found = cost()
    at_least = (1818 + 3600 + Decimal("901.5") + 551) * Decimal("0.000001") + Decimal("0.0056")
    at_most = at_least + (5397 - 551) * Decimal("0.000001")
    for seen, by_hand in ((found.per_million.low, at_least), (found.per_million.high, at_most)):
        assert abs(seen - by_hand / 1800 * 1_000_000) < Decimal("0.00001")
    assert found.jobs_a_month == 300_000
    assert found.fixed == 730 * (Decimal("0.5") * Decimal("0.04") + 2 * Decimal("0.004") + Decimal("0.5"))


@pytest.mark.parametrize(("limit", "ruling"), [(10, Ruling.PASS), (8, Ruling.INCONCLUSIVE), (5, Ruling.BREACH)])
def test_a_row_is_ruled_by_its_bounds(limit: float, ruling: Ruling) -> None:
    verdict = ruled(row(limit), cost())
    assert verdict.ruling is ruling
    seen = verdict.observation
    assert seen is not None
    assert seen.in_words == "6.93 USD to 9.62 USD"
    assert seen.parts["SQS request"] == pytest.approx(5397 / 1800)
    assert "fixed" not in seen.parts
    assert "AWS/ApiGateway Count Sum {ApiName=syncwell, Stage=v1}" in seen.sources
    assert seen.notes[-1].startswith("not in it: data transfer")


def test_a_month_has_what_is_fixed() -> None:
    verdict = ruled(row(1000, "cost.per_month"), cost())
    assert verdict.ruling is Ruling.PASS
    assert verdict.observation is not None
    assert verdict.observation.parts["fixed"] == pytest.approx(385.44)


def test_what_is_not_known_proves_a_breach_and_never_a_pass() -> None:
    part = cost(NumberOfMessagesSent=None)
    assert ruled(row(1), part).ruling is Ruling.BREACH
    verdict = ruled(row(1000), part)
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert verdict.reason.startswith("not all that it cost is known: no data point for AWS/SQS NumberOfMessagesSent")
    assert "so it is more" in (ruled(row(1), part).observation or mock.Mock()).notes[0]


@pytest.mark.parametrize("missing", [each.product for each in SHEET.prices], ids=str)
def test_an_item_without_a_price_never_makes_a_pass(missing: Product) -> None:
    sheet = Sheet(
        prices=tuple(each for each in SHEET.prices if each.product != missing),
        unpriced=(Unpriced(product=missing, why="the list has none"),),
    )
    verdict = ruled(row(1_000_000), cost(replace(BILLING, sheet=sheet)))
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert f"{missing} is not priced: the list has none" in verdict.reason


def test_many_gaps_are_counted_and_not_all_told() -> None:
    sizes = replace(SIZES, gaps=tuple(f"table t{number}: forbidden" for number in range(6)))
    assert ruled(row(1000), cost(replace(BILLING, sizes=sizes))).reason.endswith("table t3: forbidden; and 2 more")


def test_without_what_is_billed_or_a_scale_nothing_is_ruled() -> None:
    assert "was never looked up in this run" in ruled(row(9), None).reason
    bare = cost(of=plan(row(9), scale=None))
    assert "add scale: to the file" in ruled(row(9, "cost.per_month"), bare).reason
    assert ruled(row(10), bare).ruling is Ruling.PASS


def test_only_who_wants_to_know_is_told() -> None:
    silent = plan(LATENCY, scale=None)
    assert not is_costed(silent, silent.phase("peak"))
    assert cost_of_phase(silent, read_of(told()), BILLING, LISTED, result()) is None
    assert cost_of_phase(plan(), read_of(told()), None, LISTED, result()) is None
    assert (
        cost_of_phase(plan(), read_of(told()), BILLING, LISTED, result(climb=replace(FOUND, held_per_s=None))) is None
    )
    unread = cost_of_phase(plan(), None, BILLING, LISTED, result())
    assert unread is not None
    assert unread.gaps == ("CloudWatch was not read",)
    assert meters(Resources(), result().window) == ()


# The check before load.


def checks(billing: Billing, *rows: Slo, scale: Scale | None = SCALE, folder: RunFolder | None = None) -> list[Check]:
    of = plan(*rows, scale=scale)
    ground = Ground(environment=REAL_LISTED, clock=ServiceClock.starting_now())
    kept = folder or mock.Mock(billing=lambda: billing)
    return billing_checks(of, ground, kept, of.phases)


def test_what_has_no_price_is_told_before_load_and_stops_it_for_a_row() -> None:
    lacking = replace(BILLING, sheet=Sheet(unpriced=(Unpriced(product=Product(Sold.REST_REQUEST), why="denied"),)))
    (check,) = checks(lacking, row(9))
    assert (check.name, check.finding, check.rows) == ("costs", Finding.FAILED, ("peak::cost (slo.yaml:40)",))
    assert check.says == (
        "no price of REST API request: denied; a row that asks for a cost could not pass: mend that, or leave the row "
        "out"
    )
    (check,) = checks(lacking)
    assert (check.finding, check.rows) == (Finding.NOTE, ())
    assert check.says == "no price of REST API request: denied; costs are told without it"
    assert checks(lacking, scale=None) == []


def test_where_the_prices_are_from_is_told_before_load() -> None:
    (check,) = checks(BILLING, row(9))
    assert (check.finding, check.says) == (Finding.OK, "prices: 7 live of 2026-01-01")
    old = replace(SHEET.prices[0], origin=Origin.SHIPPED, as_of="2024-07")
    older = replace(SHEET.prices[1], origin=Origin.SHIPPED, as_of="2024-11")
    sheet = Sheet(prices=(old, older, *SHEET.prices[2:]), note="pricing may not be asked")
    (check,) = checks(replace(BILLING, sheet=sheet), row(9))
    assert check.finding is Finding.NOTE
    assert check.says == ("prices: 2 shipped of 2024-07 to 2024-11, 5 live of 2026-01-01 (pricing may not be asked)")


def test_a_price_without_a_date_is_told_so() -> None:
    undated = replace(SHEET.prices[0], origin=Origin.SHIPPED, as_of="undated")
    assert prices_in_words(Sheet(prices=(undated,))) == "prices: 1 shipped of undated"
    both = Sheet(prices=(undated, replace(undated, as_of="2024-07")))
    assert prices_in_words(both) == "prices: 2 shipped of 2024-07, some undated"


def test_aws_is_asked_once_a_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    with mock.patch.object(costing, "read_billing", side_effect=[BILLING]):
        first = checks(BILLING, row(9), folder=folder)
        assert checks(BILLING, row(9), folder=folder) == first
    assert folder.billing() == BILLING


def test_where_aws_answers_nobody_everything_is_a_gap_and_nothing_is_raised() -> None:
    """A service that refuses the connection; and a region that boto3 cannot make a client for."""
    ground = Ground(environment=replace(REAL_LISTED, aws=NOWHERE), clock=ServiceClock.starting_now())
    found = costing.read_billing(ground)
    assert found.region == "eu-west-1"
    assert len(found.sizes.gaps) == 3  # the table, the service, the node
    assert {price.origin for price in found.sheet.prices} == set()
    assert found.sheet.note is not None
    assert "GetProducts" in found.sheet.note
    with mock.patch.dict("os.environ", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}):
        refused = costing.read_billing(Ground(environment=REAL_LISTED, clock=ServiceClock.starting_now()))
    assert all("which is not AWS" in gap for gap in refused.sizes.gaps)
    assert "which is not AWS" in (refused.sheet.note or "")


def test_the_sandboxs_prices_are_called_its_own() -> None:
    ground = Ground(environment=replace(SANDBOX, aws=NOWHERE, resources=LISTED), clock=ServiceClock.starting_now())
    with (
        mock.patch.object(costing, "read_sizes", return_value=SIZES),
        mock.patch.object(costing, "read_prices", return_value=(list(SHEET.prices), [])),
    ):
        assert costing.read_billing(ground).sheet.note == "the sandbox's own list, which is none of AWS's"


# The folder.


def kept(tmp_path: Path, *rows: Slo, billing: Billing | None = BILLING) -> RunFolder:
    folder = RunFolder(tmp_path / ".syncload" / "20261124T090000Z-aaaaaa")
    keep_run(folder, plan(*rows), LATENCY)
    folder.keep("peak", PhaseRecord(result=result(), reading=read_of(told()), problem=None))
    ground = folder.read(ENVIRONMENT_FILE)
    folder.write(ENVIRONMENT_FILE, ground | {"as_run": environment_to_json(REAL_LISTED)})
    if billing is not None:
        folder.keep_billing(billing)
    return folder


def judged_again(run: RunFolder, of: Spec, slo: Slo) -> tuple[Verdict, RunFolder]:
    folder = RunFolder(run.path.with_name("again"))
    folder.make()
    earlier = find_run(run.path.parent.parent, run.run_id, run.path)
    mine = Conductor(
        replace(of, rejudged=earlier.rejudged), folder, lambda: ["peak"], lambda _: None, Replay(earlier, of)
    )
    return mine.verdict(slo), folder


def test_another_scale_is_judged_again_without_aws(tmp_path: Path) -> None:
    monthly = row(1000, "cost.per_month")
    run = kept(tmp_path, monthly)
    verdict, folder = judged_again(run, plan(monthly), monthly)
    assert verdict.ruling is Ruling.PASS
    assert folder.cost("peak") == cost(of=plan(monthly))
    grown = replace(SCALE, daily_users=1_000_000)
    (folder.path / "peak.cost.json").unlink()
    assert judged_again(run, plan(monthly, scale=grown), monthly)[0].ruling is Ruling.BREACH


def test_a_run_that_did_not_look_up_what_is_billed_says_so(tmp_path: Path) -> None:
    verdict, folder = judged_again(kept(tmp_path, row(10), billing=None), plan(row(10)), row(10))
    assert (verdict.ruling, folder.cost("peak")) == (Ruling.INCONCLUSIVE, None)
    assert "was never looked up in this run" in verdict.reason


def test_damaged_files_are_none(tmp_path: Path) -> None:
    run = kept(tmp_path, row(10))
    run.keep_cost(cost())
    assert (run.billing(), run.cost("peak")) == (BILLING, cost())
    for name in ("billing.json", "peak.cost.json"):
        (run.path / name).write_text('{"phase": 5}', "utf-8")
    assert (run.billing(), run.cost("peak")) == (None, None)


def test_a_cost_was_looked_at_where_every_phase_has_one() -> None:
    assert is_costed_by([peak(cost=cost())])
    assert not is_costed_by([peak(cost=cost()), peak()])
    assert not is_costed_by([])
