"""The table of rows and the evidence of each."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.facts.observation import Before, Ruling
from pytest_syncload.report.html.rows import row_article, rows_table
from tests.report.html.parsed import parsed
from tests.report.reports import BREACH, PASS, UNREAD, observation, peak, run_report, stress
from tests.rows import ERRORS


def test_every_row_is_in_the_table_with_what_it_is_decided_by() -> None:
    found = parsed(rows_table(run_report(peak(), stress())))
    cells = [each.text for each in found.all("td")]
    assert cells[:5] == ["✗ breach", "612 ms", "< 500 ms", "-22.4 %", "slo.yaml:30"]
    assert cells[5:10] == ["✓ pass", "0.02 %", "< 0.1 %", "80 %", "slo.yaml:31"]
    assert cells[10:15] == ["? inconclusive", "–", "== 0", "–", "slo.yaml:32"]
    assert [each.text for each in found.all("a")] == [
        "peak::api-latency-p95", "peak::api-5xx-rate", "peak::dynamodb-throttles", "stress::breaking-point",
    ]  # fmt: skip
    assert [each.attributes["href"] for each in found.all("a")][-1] == "#phase-2-row-1"
    assert "612 ms is not < 500 ms" in found.all("th", scope="row")[0].text


def test_it_stays_a_table_where_a_phone_shows_cards() -> None:
    found = parsed(rows_table(run_report()))
    for name, role in (("table", "table"), ("thead", "rowgroup"), ("tbody", "rowgroup"), ("tr", "row"), ("td", "cell")):
        assert {each.attributes.get("role") for each in found.all(name)} == {role}
    assert {each.attributes.get("role") for each in found.all("th", scope="row")} == {"rowheader"}
    assert {each.attributes.get("role") for each in found.all("th", scope="col")} == {"columnheader"}


def test_no_row_is_said() -> None:
    assert parsed(rows_table(run_report(peak(verdicts=())))).one("p").text == "No row was judged."


def test_a_row_says_all_that_it_was_judged_from() -> None:
    seen = observation(notes=("but once",), parts={"CloudWatch": 612.0, "growth (a minute)": 2.5})
    verdict = replace(BREACH, observation=seen, before=Before(slo=ERRORS, ruling=Ruling.PASS, value=0.01))
    found = parsed(row_article(run_report(), verdict, "phase-1-row-1", None))
    facts = dict(zip((e.text for e in found.all("dt")), (e.text for e in found.all("dd")), strict=True))
    assert facts == {
        "value": "612 ms · target < 500 ms · headroom -22.4 %",
        "was": facts["was"],
        "samples": "1,800",
        "judged window": "2023-11-14 22:14–22:17 UTC (3m)",
        "judged from": "AWS/ApiGateway Latency p95 {ApiName=syncwell}",
        "of which": "CloudWatch: 612 msgrowth (a minute): 2.5",
        "notes": "but once",
        "asked at": "slo.yaml:30",
    }
    assert facts["was"].startswith("pass, 0.01 %")
    assert found.one("p", class_="reason").text == "612 ms is not < 500 ms"
    assert found.one("article", id="phase-1-row-1")


def test_a_row_that_nobody_could_ask_has_its_reason_and_no_source() -> None:
    found = parsed(row_article(run_report(), UNREAD, "row", None))
    assert [each.text for each in found.all("dt")] == ["value", "asked at"]
    assert found.one("p", class_="reason").text == "no data point for AWS/DynamoDB WriteThrottleEvents"
    own = replace(PASS, observation=observation(ERRORS, 0.02, sources=(), samples=None))
    words = [each.text for each in parsed(row_article(run_report(), own, "row", None)).all("dd")]
    assert "what the load itself recorded" in words
