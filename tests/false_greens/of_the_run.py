"""The catalogue's half of load and run: from slo.yaml to the load's result, and from a verdict to the exit status."""

from __future__ import annotations

from tests.false_greens import of_the_conductor, of_the_generators, of_the_load, of_the_plan, of_the_session
from tests.false_greens.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *of_the_plan.ENTRIES,
    *of_the_load.ENTRIES,
    *of_the_generators.ENTRIES,
    *of_the_conductor.ENTRIES,
    *of_the_session.ENTRIES,
)

#: Every guard that stands between these mistakes and green.
GUARDS: tuple[str, ...] = (
    "pytest_syncload.auth.firebase:straight_client",
    "pytest_syncload.conductor.conductor:begun_and_lost",
    "pytest_syncload.conductor.conductor:failures",
    "pytest_syncload.conductor.conductor:measured_before",
    "pytest_syncload.conductor.earlier:refuse_in_its_place",
    "pytest_syncload.conductor.ground:refuse_unnamed",
    "pytest_syncload.conductor.phase:broken_off",
    "pytest_syncload.conductor.phase:clock_jumped",
    "pytest_syncload.conductor.phase:key_prefix",
    "pytest_syncload.conductor.phase:lost_generators",
    "pytest_syncload.conductor.phase:refuse_short_tokens",
    "pytest_syncload.conductor.phase:sent_but_not_counted",
    "pytest_syncload.conductor.run_folder:new_run_id",
    "pytest_syncload.facts.plan:Target.met_by",
    "pytest_syncload.facts.result:Tally.failed",
    "pytest_syncload.facts.units:parse_quantity",
    "pytest_syncload.load.connection:Connection._is_whole",
    "pytest_syncload.load.engine:wait_for_answers",
    "pytest_syncload.load.outcome:body_fits",
    "pytest_syncload.load.outcome:equal",
    "pytest_syncload.load.outcome:is_expected_status",
    "pytest_syncload.load.recorder:latency_from_due_ms",
    "pytest_syncload.load.validity:dropped_while_late",
    "pytest_syncload.load.validity:generators_without_report",
    "pytest_syncload.load.validity:hold_cut_short",
    "pytest_syncload.load.validity:lagged",
    "pytest_syncload.load.validity:not_reached",
    "pytest_syncload.load.validity:nothing_was_due",
    "pytest_syncload.load.validity:offered_too_little",
    "pytest_syncload.load.validity:same_answers",
    "pytest_syncload.load.validity:too_busy",
    "pytest_syncload.load.validity:wrong_answers",
    "pytest_syncload.shell.rows:Judge.broken",
    "pytest_syncload.shell.select:Selection.asked",
    "pytest_syncload.shell.select:Selection.true_without_marks",
    "pytest_syncload.shell.session:unjudged_phases",
    "pytest_syncload.shell.session:unproven_rows",
    "pytest_syncload.sources.aws:require_aws",
    "pytest_syncload.sources.aws:straight",
    "pytest_syncload.sources.inventory:unlisted",
    "pytest_syncload.spec.breakable:unbreakable",
    "pytest_syncload.spec.fields:amount",
    "pytest_syncload.spec.nodes:said_twice",
    "pytest_syncload.spec.reader:_Reading._choose",
    "pytest_syncload.spec.reader:strictly",
    "pytest_syncload.spec.reader:without_rows",
    "pytest_syncload.spec.row_schema:refuse_other_unit",
    "pytest_syncload.spec.row_schema:refuse_rate_of_a_sum",
    "pytest_syncload.spec.schema:can_be_right",
)
