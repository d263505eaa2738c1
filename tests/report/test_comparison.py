"""A row beside an earlier run, in words, in the closing table and as data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.facts.comparison import Change, Compared, Regression
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Rejudged, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.report.comparison import beside_in_words, compared_in_words, format_compared
from pytest_syncload.report.github import annotations_of, commands
from pytest_syncload.report.github_summary import summary_of
from pytest_syncload.report.html.page import html_of
from pytest_syncload.report.table import closing_table
from tests.report.reports import BREACH, PASS, UNREAD, observation, peak, run_report
from tests.report.test_summary import SCHEMA, parsed
from tests.rows import LATENCY

RUN = Rejudged(run_id="20261123T090000Z-bbbbbb", begun_at=1_795_424_400.0)
TEN = Target(op="<", value=10.0, kind=Kind.SHARE, text="< 10 %")
CHANGE = Change(percent=48.54, low_percent=-0.04, high_percent=151.6, minutes_then=15, minutes_now=15)
UNCOMPARED = Compared(
    run_id=RUN.run_id, begun_at=RUN.begun_at, finding=Regression.CANNOT_TELL, problem="that run did not run it"
)
COMPARED = replace(UNCOMPARED, finding=Regression.CANNOT_TELL, value=412.0, change=CHANGE, problem=None)


@pytest.mark.parametrize(
    ("compared", "words"),
    [
        (COMPARED, "412 ms then; its minutes +48.5 % (95 % from -0.0 % to +152 %): no telling whether worse"),
        (
            replace(COMPARED, finding=Regression.WORSE, change=replace(CHANGE, low_percent=20.0, high_percent=1e300)),
            "412 ms then; its minutes +48.5 % (95 % from +20.0 % to more than +1000 %): worse",
        ),
        (
            replace(COMPARED, finding=Regression.NO_WORSE, value=None, change=CHANGE),
            "no value then; its minutes +48.5 %",
        ),
        (UNCOMPARED, "no value then; not compared: that run did not run it"),
    ],
)
def test_words(compared: Compared, words: str) -> None:
    assert compared_in_words(compared, Kind.TIME).startswith(words)


def test_a_run_is_named_with_its_time() -> None:
    assert format_compared(RUN) == "run 20261123T090000Z-bbbbbb of 2026-11-23 09:00 UTC"


def beside(*verdicts: Verdict) -> list[str]:
    return [line.strip() for line in closing_table(run_report(peak(*verdicts), compared=RUN))]


def test_the_table_has_each_row_beside_itself() -> None:
    lines = beside(replace(BREACH, compared=COMPARED), replace(PASS, compared=UNCOMPARED))
    assert lines[2].startswith("compared: 412 ms then; its minutes +48.5 %")
    assert lines[4] == "compared: no value then; not compared: that run did not run it"
    assert "compared with: run 20261123T090000Z-bbbbbb of 2026-11-23 09:00 UTC" in lines


def test_what_no_row_could_be_compared_by_is_said_once() -> None:
    lines = beside(replace(BREACH, compared=UNCOMPARED), replace(PASS, compared=UNCOMPARED))
    assert [line for line in lines if "did not run it" in line] == [
        "peak: no row was compared: that run did not run it"
    ]


def test_a_rule_that_held_and_a_row_without_a_value_say_nothing_twice() -> None:
    held = Verdict(
        slo=replace(LATENCY, regression=TEN),
        ruling=Ruling.PASS,
        reason="412 ms is < 500 ms; worse than in run X by less than 10 %",
        observation=observation(value=412.0),
        compared=COMPARED,
    )
    lines = beside(held, replace(UNREAD, compared=UNCOMPARED))
    assert [line for line in lines if line.startswith("compared: ")] == []
    assert "worse than in run X by less than 10 %" in lines


def test_as_data() -> None:
    ruled = replace(BREACH, slo=replace(LATENCY, regression=TEN), compared=COMPARED)
    data = parsed(run_report(peak(ruled, replace(PASS, compared=UNCOMPARED)), compared=RUN))
    assert list(SCHEMA.iter_errors(data)) == []
    assert data["run"]["compared"] == {"run_id": RUN.run_id, "begun_at": "2026-11-23T09:00:00Z"}
    latency, errors = data["rows"]
    assert latency["regression"] == {"text": "< 10 %", "op": "<", "value": 10.0}
    assert latency["compared"] == {
        "finding": "cannot tell",
        "value": 412.0,
        "change_percent": 48.54,
        "change_low_percent": -0.04,
        "change_high_percent": 151.6,
        "minutes_then": 15,
        "minutes_now": 15,
        "problem": None,
    }
    assert (errors["regression"], errors["compared"]["problem"]) == (None, "that run did not run it")
    assert errors["compared"]["change_percent"] is None
    assert parsed(run_report())["rows"][0]["compared"] is None


def test_every_other_surface_says_which_run_and_what() -> None:
    beside_it = replace(BREACH, compared=COMPARED)
    report = run_report(peak(beside_it), compared=RUN)
    words = "run 20261123T090000Z-bbbbbb: 412 ms then; its minutes +48.5 %"
    assert (beside_in_words(beside_it) or "").startswith(words)
    assert beside_in_words(BREACH) is None
    for text in (html_of(report), summary_of(report), "\n".join(commands(annotations_of(report, "slo.yaml")))):
        assert "20261123T090000Z-bbbbbb: 412 ms then" in text
