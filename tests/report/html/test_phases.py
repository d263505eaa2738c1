"""A phase's section: its problems before all else, then rows, climb and load."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_syncload.bottleneck import fit_usl, rank
from pytest_syncload.facts.bottleneck import Climbed
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.idempotency import KeyRule, RuleCount
from pytest_syncload.facts.report import PhaseReport
from pytest_syncload.facts.result import Invalidity, Side
from pytest_syncload.report.html.phases import phase_section
from tests.bottleneck.seen import climbing
from tests.report.html.parsed import Parsed, parsed
from tests.report.reports import TOY, peak, refused, run_report, stress
from tests.rows import result


def section(phase: PhaseReport, **changes: object) -> Parsed:
    return parsed(phase_section(run_report(phase, **changes), 1).markup)


def test_a_phase_that_went_well_has_no_problem() -> None:
    assert not section(peak()).all("div", class_="problem")


INVALID = (Invalidity(side=Side.GENERATOR, what="the generator was late"),)


@pytest.mark.parametrize(
    ("phase", "said"),
    [
        (refused(), "Nothing was measured.the target refused the request: 403 Forbidden; nothing was sent"),
        (peak(result=None), "Nothing was measured."),
        (peak(problem="it was edited"), "What was measured proves nothing.it was edited"),
        (
            peak(result=result(invalid=INVALID), problem="the phase is invalid"),
            "The phase is invalid, so none of its rows is judged.the generator was late",
        ),
        (peak(result=result(aborted="failed > 5 % for 3 s")), "Its own rule stopped the load.failed > 5 % for 3 s"),
        (peak(verdicts=()), "No row was judged, so nothing was proven."),
    ],
)
def test_what_is_wrong_is_said_before_anything_else(phase: PhaseReport, said: str) -> None:
    found = section(phase)
    assert found.one("div", class_="problem").text == said
    names = [each.name for each in found.elements]
    order = [each.attributes.get("class") for each in found.elements]
    assert order.index("problem") < (names.index("h3") if "h3" in names else len(names))


def test_nothing_measured_draws_nothing() -> None:
    drawn = phase_section(run_report(refused()), 1)
    assert drawn.charts == []
    assert not parsed(drawn.markup).all("figure")


def test_the_load_says_what_it_was() -> None:
    found = section(peak(), where=TOY)
    facts = dict(zip((e.text for e in found.all("dt")), (e.text for e in found.all("dd")), strict=False))
    words = [each.text for each in found.all("dd")]
    assert facts["value"]
    assert "1,800 of 1,800 that were scheduled in the hold" in words
    assert "22:11 UTC, service time runs × 60: a second of load is drawn as 1m of service time" in words
    assert "10 % of a core, lag p99 0.5 ms, at most 3 in flight" in words
    assert [each.text for each in found.all("caption")] == ["Outcomes", "By status", "Over the hold"]
    assert "service time runs as wall time does" in " ".join(each.text for each in section(peak()).all("dd"))


def test_a_broken_promise_of_a_key_has_the_key_to_look_for() -> None:
    counts = (
        RuleCount(rule=KeyRule.REPLAY, begun=9, finished=8, broken=1, key="run-peak-7", says="202 with another job"),
        RuleCount(rule=KeyRule.PAYLOAD, begun=4, finished=3, unfinished_because="503"),
    )
    found = section(peak(result=result(idempotency=counts)))
    (table,) = [each.text for each in found.all("table") if "Checks of Idempotency-Keys" in each.text]
    assert "replay981run-peak-7202 with another job–" in table
    assert "430––503" in table


def test_answers_that_were_not_expected_are_shown_as_text() -> None:
    body = 'unexpected_status: 418 <img src=x onerror="alert(1)">'
    found = section(peak(result=result(examples=(body,))))
    assert found.one("code").text == body
    assert not found.all("img")


def test_a_climb_says_its_interval_steps_first_and_law() -> None:
    drawn = phase_section(run_report(stress()), 1)
    found = parsed(drawn.markup)
    assert found.one("p", class_="sentence").text.startswith("held 1,150/s, broke at 1,200/s; first: sync-jobs")
    captions = [each.text for each in found.all("caption")]
    assert captions[:2] == ["Steps", "In order of time"]
    assert "1,200/s" in [each.text for each in found.all("th", scope="row")]
    assert "judged" in [each.text for each in found.all("td")]
    assert [each.text for each in found.all("h4")][1:3] == ["What broke first", "How it scales"]
    ids = [chart.id for chart in drawn.charts]
    assert ids[0] == "phase-1-series-0"
    assert [each.attributes["data-chart"] for each in found.all("div", class_="plot")] == ids
    text = " ".join(each.text for each in found.all("p"))
    assert "the target held again after 3.5 s" in text
    assert "the universal scalability law was not fitted: throughput still grew" in text


def test_a_climb_too_short_for_a_picture_has_its_law_in_words() -> None:
    short = stress()
    assert short.climb is not None
    climbed = replace(short.climb.climbed, steps=short.climb.climbed.steps[:2])
    found = section(replace(short, climb=replace(short.climb, climbed=climbed)))
    assert "universal scalability law: no fit: " in " ".join(each.text for each in found.all("p"))


def test_what_broke_first_is_never_guessed() -> None:
    def first(climbed: Climbed) -> str:
        climb = ClimbRanked(
            phase="stress", climbed=climbed, ranking=rank(climbed, ()), law=fit_usl(climbed), speed=60.0
        )
        found = section(replace(stress(), climb=climb))
        facts = dict(zip((e.text for e in found.all("dt")), (e.text for e in found.all("dd")), strict=False))
        return facts["first"]

    assert first(climbing(8, breaks=False)) == "nothing broke"
    tired = replace(climbing(8, breaks=False), generator_fault="it was late")
    assert first(tired) == "not determined: the generator was the limit: it was late"


def test_a_climb_that_nobody_could_rank_still_has_its_steps() -> None:
    found = section(replace(stress(), climb=None))
    assert "Steps" in [each.text for each in found.all("caption")]
    assert "What broke first" not in [each.text for each in found.all("h4")]
