"""What the page says before anybody scrolls."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.report import RunReport
from pytest_syncload.report.html.words import SIGN, headline, limits_of, plan_words, title, utc
from tests.report.reports import PASS, PEAK, STRESS, TOY, peak, refused, run_report, stress
from tests.rows import START

GREEN = peak(PASS)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (run_report(GREEN), "Proven: the row passed"),
        (run_report(peak(PASS, PASS)), "Proven: all 2 rows passed"),
        (run_report(GREEN, where=TOY), "The row passed in the sandbox, which proves nothing about a real target"),
        (run_report(), "Broken: 1 row broke its target, 1 row could not be judged, 1 row passed"),
        (run_report(refused()), "Not proven: 3 rows could not be judged"),
        (
            run_report(GREEN, replace(stress(), verdicts=())),
            "Not proven: 1 row passed, no row of stress was judged",
        ),
        (replace(run_report(), phases=()), "Not proven: nothing was judged"),
    ],
)
def test_the_headline_is_the_verdict(report: RunReport, said: str) -> None:
    assert headline(report) == said


@pytest.mark.parametrize("report", [run_report(), run_report(refused()), run_report(GREEN, where=TOY)])
def test_only_a_proof_is_called_one(report: RunReport) -> None:
    assert "Proven" not in headline(report)
    assert not title(report).startswith("proven")


def test_the_title_tells_it_in_a_tab() -> None:
    assert title(run_report()).startswith("BROKEN · syncwell · load-testing · ")
    assert title(run_report(GREEN)).startswith("proven · ")
    assert title(run_report(GREEN, where=TOY)).startswith("passed · syncwell · SANDBOX · ")


def test_what_green_would_not_mean() -> None:
    report = run_report(
        GREEN, replace(stress(), verdicts=()), where=TOY, rejudged=Rejudged(run_id="earlier", begun_at=START)
    )
    assert limits_of(report) == [
        "It was the embedded sandbox: this proves that the test works, and nothing about a real target.",
        "Rates were offered × 0.4, not the rates of the plan.",
        "No load was offered: measurements of an earlier run were judged again.",
        "Of peak 2 rows were not asked for.",
        "Of stress no row was judged, so nothing was proven of it.",
        "Not looked at: parity.",
        "Not looked at: cost.",
        "Not looked at: generator's region.",
    ]
    assert limits_of(run_report(peak(PASS, PASS)))[0] == "Of peak 1 row was not asked for."


def test_plans() -> None:
    assert plan_words(PEAK) == "3000/s, ramp 3m, hold 3m"
    assert plan_words(replace(PEAK, ramp_s=0.0)) == "3000/s, hold 3m"
    assert plan_words(STRESS) == ("a climb from 500/s in steps of 10 %, every 1m, until failed > 1 %, at most 20000/s")


def test_a_run_whose_beginning_was_lost_says_so() -> None:
    assert utc(0.0) == utc(1e20) == utc(float("nan")) == "unknown"
    assert utc(START) == "2023-11-14 22:14 UTC"


def test_no_verdict_is_told_by_colour_alone() -> None:
    assert set(SIGN) == set(Ruling)
    assert len(set(SIGN.values())) == len(Ruling)
