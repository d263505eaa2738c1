"""The page as a whole: nothing in it runs that is not ours, everything in it can be found without seeing it."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.observation import Ruling, Series, Verdict
from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.report import RunReport
from pytest_syncload.report.html.page import html_of
from tests.report.html.parsed import Parsed, parsed
from tests.report.reports import PASS, PEAK, TIMELINE, TOY, invalid, observation, peak, refused, run_report, stress
from tests.rows import LATENCY, MINUTES, START, result

WHOLE = run_report(peak(), stress(), refused(), where=TOY, rejudged=Rejudged(run_id="earlier", begun_at=START))
REPORTS = [WHOLE, run_report(peak(PASS)), run_report(refused()), replace(run_report(), phases=())]
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(1)>\"' onload=alert(1) \u202e\x00\ud800{{"


def hostile(words: str) -> RunReport:
    """A report that has the words wherever somebody else has a say."""
    slo = replace(LATENCY, name=words, phase=words, metric=words, target=replace(LATENCY.target, text=words))
    seen = observation(slo, sources=(words,), notes=(words,), parts={words: 1.0})
    verdict = Verdict(slo=slo, ruling=Ruling.BREACH, reason=words, observation=seen)
    measured = result(timeline=TIMELINE, examples=(words,))
    phase = peak(verdict, plan=replace(PEAK, name=words), problem=words, result=measured)
    where = replace(TOY, environment=words, target=words, region=words, account=words)
    return run_report(
        phase,
        where=where,
        service=words,
        run_id=words,
        file=words,
        folder=words,
        command=words,
        version=words,
        rejudged=Rejudged(run_id=words, begun_at=START),
        not_looked_at=(words,),
    )


def of(report: RunReport) -> Parsed:
    return parsed(html_of(report))


@pytest.mark.parametrize("report", REPORTS)
def test_it_is_well_formed_and_its_ids_are_unique(report: RunReport) -> None:
    found = of(report)
    ids = Counter(each.attributes["id"] for each in found.elements if "id" in each.attributes)
    assert {name for name, count in ids.items() if count > 1} == set()
    for each in found.elements:
        for key in ("aria-labelledby", "aria-describedby"):
            if key in each.attributes:
                assert each.attributes[key] in ids
        if each.name == "a":
            assert (each.attributes["href"] or "").removeprefix("#") in ids


@pytest.mark.parametrize("report", REPORTS)
def test_it_can_be_walked_through_without_seeing_it(report: RunReport) -> None:
    found = of(report)
    assert found.one("html").attributes["lang"] == "en"
    for landmark in ("header", "nav", "main", "footer", "h1", "title"):
        assert found.one(landmark).text
    levels = [int(each.name[1]) for each in found.elements if re.fullmatch("h[1-6]", each.name)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(each.attributes.get("scope") in ("row", "col") for each in found.all("th"))
    assert all("main" in each.inside for each in found.elements if each.name in ("table", "figure"))


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_points_out_of_it(report: RunReport) -> None:
    for each in of(report).elements:
        assert not {"src", "srcset", "action", "style", "ping"} & set(each.attributes)
        assert not [key for key in each.attributes if key.startswith("on")]
        assert each.name not in {"link", "iframe", "img", "object", "embed", "form", "base"}
        assert (each.attributes.get("href") or "#").startswith("#")


@pytest.mark.parametrize(
    ("report", "cause"),
    [
        (run_report(peak()), "612 ms is not < 500 ms"),
        (run_report(peak()), "no data point for AWS/DynamoDB WriteThrottleEvents"),
        (run_report(invalid()), "the generator's own lag was 250 ms at p99 (limit 100 ms)"),
        (run_report(refused()), "the target refused the request: 403 Forbidden"),
    ],
    ids=["breach", "missing metric", "invalid phase", "refused target"],
)
def test_the_cause_of_a_run_that_is_not_green_stands_before_all_charts(report: RunReport, cause: str) -> None:
    first, _, _ = html_of(report).partition('<section id="phase-1"')
    assert cause in html.unescape(re.sub(r"<[^>]*>", "", first))


def test_it_says_loudly_what_it_does_not_prove() -> None:
    loud = of(WHOLE).one("div", class_="loud").text
    assert loud.startswith("SANDBOX It proves nothing about a real target.REJUDGED No load was offered: run earlier of")
    assert not of(run_report()).all("div", class_="loud")
    assert of(run_report(peak(PASS))).one("h1").attributes["class"] == "proven"
    assert of(run_report(peak(PASS), where=TOY)).one("h1").attributes["class"] == "unproven"


def test_it_says_how_to_do_it_again() -> None:
    found = of(run_report(peak(), stress()))
    codes = [each.text for each in found.all("code")]
    assert codes == [
        "pytest -m peak --syncload-env load-testing",
        "pytest -m 'peak or stress' --syncload-run 20261124T090000Z-aaaaaa",
        ".syncload/20261124T090000Z-aaaaaa",
        "slo.yaml",
    ]
    nothing = [each.text for each in of(run_report(refused())).all("code")]
    assert not [code for code in nothing if "--syncload-run" in code]  # there is nothing that could be judged again
    assert len([each for each in of(WHOLE).all("code") if "--syncload-run" in each.text]) == 0


def test_every_chart_has_its_place_and_its_numbers() -> None:
    found = of(WHOLE)
    data = json.loads(found.one("script", id="chart-data").text)
    places = [each.attributes["data-chart"] for each in found.all("div", class_="plot")]
    assert sorted(chart["id"] for chart in data) == sorted(str(place) for place in places)
    assert len(places) == len(found.all("details")) > 5
    for chart in data:
        points = chart.get("n") or len(chart["xs"])
        assert {len(line["y"]) for line in chart["lines"]} == {points}


def test_hostile_words_stay_words() -> None:
    calm, found = of(hostile("calm")), of(hostile(HOSTILE))
    assert [(each.name, sorted(each.attributes)) for each in found.elements] == [
        (each.name, sorted(each.attributes)) for each in calm.elements
    ]
    assert len(found.comments) == len(calm.comments) == 1
    html_of(hostile(HOSTILE)).encode()
    # The data of the charts is one element to the end of it.
    assert json.loads(found.one("script", id="chart-data").text)


@settings(max_examples=40)
@given(st.text(st.characters(), max_size=30))
def test_no_words_make_an_element(words: str) -> None:
    assert [each.name for each in of(hostile(words)).elements] == [each.name for each in of(hostile("calm")).elements]


@settings(max_examples=40)
@given(st.lists(st.floats(), min_size=3, max_size=3))
def test_numbers_that_are_none_draw_a_gap(values: list[float]) -> None:
    seen = observation(series=Series(timestamps=MINUTES, values=tuple(values), period_s=60))
    row = Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="it is no number", observation=seen)
    text = of(run_report(peak(row))).one("script", id="chart-data").text
    assert json.loads(text, parse_constant=pytest.fail), "NaN and infinity are no JSON"


def test_the_same_report_is_the_same_page() -> None:
    assert html_of(WHOLE) == html_of(WHOLE)


def test_no_secret_of_the_command_or_a_path_of_this_machine_is_added() -> None:
    assert "/home/" not in html_of(WHOLE)
    assert "/tmp/" not in html_of(WHOLE)
