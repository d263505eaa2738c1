"""A breach is shown with what else moved in its worst minute, of what was read for the phase's other rows."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.conductor.beside import beside_the_breach
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import Reading
from pytest_syncload.verdict import judge
from tests.conductor.plans import phase
from tests.rows import LATENCY, MINUTES, RESOURCES, THROTTLES, answers, reading, result

PEAK = phase("peak", LATENCY, THROTTLES)


def read(*, latency: tuple[float, ...], throttles: tuple[float, ...]) -> Reading:
    told = answers(LATENCY, THROTTLES)
    for ask, answer in told.items():
        if ask.query.name == "Latency" and ask.query.statistic == "p95" and ask.period_s == 60:
            told[ask] = replace(answer, timestamps=MINUTES, values=latency)
        if ask.query.name == "WriteThrottleEvents":
            told[ask] = replace(answer, timestamps=MINUTES, values=throttles)
        if ask.query.name == "Latency" and ask.period_s > 60:
            told[ask] = replace(answer, values=(max(latency),))
    return reading(told)


def judged(seen: Reading) -> Verdict:
    verdict = judge(observe(LATENCY, seen, RESOURCES, result(), None), result(), None)
    return beside_the_breach(verdict, PEAK, seen, RESOURCES)


def test_what_moved_with_a_breach_is_a_note_on_it() -> None:
    verdict = judged(read(latency=(120.0, 900.0, 130.0), throttles=(0.0, 84.0, 0.0)))
    assert verdict.ruling is Ruling.BREACH
    assert verdict.observation is not None
    (note,) = [note for note in verdict.observation.notes if "moved too" in note]
    assert note.startswith("at 22:15 UTC moved too: ")
    assert "sync-jobs WriteThrottleEvents 84 (usually 0)" in note
    # Its own series is no news.
    assert "Latency" not in note


def test_a_pass_and_a_breach_in_which_nothing_moved_have_no_note() -> None:
    for latency, throttles in (((120.0, 121.0, 130.0), (0.0, 84.0, 0.0)), ((900.0, 900.0, 901.0), (0.0, 0.0, 0.0))):
        verdict = judged(read(latency=latency, throttles=throttles))
        assert verdict.observation is not None
        assert not [note for note in verdict.observation.notes if "moved" in note]
