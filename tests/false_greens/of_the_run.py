"""The catalogue's half of load and run: from slo.yaml to the load's result, and from a verdict to the exit status."""

from __future__ import annotations

from tests.false_greens import of_the_load, of_the_phase, of_the_plan
from tests.false_greens.entry import Entry

ENTRIES: tuple[Entry, ...] = (*of_the_plan.ENTRIES, *of_the_load.ENTRIES, *of_the_phase.ENTRIES)
