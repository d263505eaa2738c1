"""A row that broke, and what else moved in its worst minute, from what was read for the phase's other rows."""

from __future__ import annotations

from dataclasses import replace

from pytest_syncload.facts.catalogue import queries_for
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.plan import Phase, Resources
from pytest_syncload.sources.cloudwatch import MINUTE_S
from pytest_syncload.sources.settle import Reading
from pytest_syncload.sources.tracks import looked_at, tracks
from pytest_syncload.verdict.moved import moved_at, moved_in_words, worst_minute


def beside_the_breach(verdict: Verdict, phase: Phase, reading: Reading, resources: Resources) -> Verdict:
    """The verdict with a note more, where it is a breach and something moved."""
    seen = verdict.observation
    at = None if seen is None or verdict.ruling is not Ruling.BREACH else worst_minute(seen)
    if seen is None or at is None:
        return verdict
    try:
        own = {str(query) for query in queries_for(verdict.slo, resources)}
    except Inconclusive:
        own = set()
    others = [each for each in looked_at(phase.slos, resources) if str(each.query) not in own]
    answers = {
        ask: answer for ask, answer in reading.answers.items() if ask.period_s == MINUTE_S and ask.window == seen.window
    }
    said = moved_in_words(moved_at(tracks(others, answers, seen.window), at), at)
    return verdict if said is None else replace(verdict, observation=replace(seen, notes=(*seen.notes, said)))
