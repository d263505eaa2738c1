"""The catalogue of false greens between CloudWatch, ECS and the verdict: its entries, and the guards they show."""

from __future__ import annotations

from tests.false_greens import (
    of_absence,
    of_contradictions,
    of_costs,
    of_folding,
    of_rules,
    of_settling,
    of_tasks,
    of_traffic,
)
from tests.false_greens.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    *of_absence.ENTRIES,
    *of_settling.ENTRIES,
    *of_traffic.ENTRIES,
    *of_folding.ENTRIES,
    *of_rules.ENTRIES,
    *of_tasks.ENTRIES,
    *of_contradictions.ENTRIES,
    *of_costs.ENTRIES,
)

#: Every guard of this half, by where it stands.
GUARDS: tuple[str, ...] = (
    "pytest_syncload.conductor.costing:require_all_known",
    "pytest_syncload.cost.shipped:shipped",
    "pytest_syncload.cost.tiers:well_formed",
    "pytest_syncload.cost.tiers:without_free_tier",
    "pytest_syncload.facts.catalogue:queries_for",
    "pytest_syncload.sources.usage:jobs_of_the_window",
    "pytest_syncload.sources.usage:require_use_of_the_table",
    "pytest_syncload.verdict.bounds:all_met",
    *(
        f"pytest_syncload.sources.cloudwatch:{name}"
        for name in ("next_page", "number", "pages_allowed", "status_after", "told_minutes", "whole")
    ),
    "pytest_syncload.sources.case:siblings_of",
    "pytest_syncload.sources.ecs:first_sign_of_the_end",
    "pytest_syncload.sources.fold:worse_view",
    "pytest_syncload.sources.fold:worst_of",
    "pytest_syncload.sources.inventory:unlisted",
    *(
        f"pytest_syncload.sources.required:{name}"
        for name in (
            "client_failures",
            "require_all_minutes_or_none",
            "require_answers",
            "require_complete",
            "require_every_minute",
            "require_fetched",
            "require_inside_window",
            "require_numbers",
            "require_possible",
            "require_sampled",
            "require_samples_of_this_load",
            "require_settled",
            "require_use",
            "require_within_its_minutes",
            "runs_of_minutes",
            "share_of_requests",
            "value_of_the_window",
        )
    ),
    *(
        f"pytest_syncload.sources.settle:{name}"
        for name in (
            "allowed_difference",
            "fallen",
            "incomplete",
            "missing_minutes",
            "moving",
            "remarked",
            "too_early",
            "uncounted_minutes",
            "unreconciled",
        )
    ),
    *(
        f"pytest_syncload.sources.tasks:{name}"
        for name in (
            "alive_in",
            "counts",
            "deciding",
            "guilty",
            "share_of",
            "unclear",
            "undescribed",
            "unhealthy",
            "unread_behind_its_end",
            "unread_when_it_began",
            "unwatched_for_long",
            "without_times",
        )
    ),
    *(f"pytest_syncload.verdict.drain:{name}" for name in ("drained_for_good", "judge_drain", "unknown_minutes")),
    *(
        f"pytest_syncload.verdict.growth:{name}"
        for name in ("judge_growth", "minutes_missing", "not_numbers", "stepped_late", "too_short")
    ),
    *(f"pytest_syncload.verdict.regression:{name}" for name in ("_finding", "_not_whole", "judge_regression", "level")),
    *(
        f"pytest_syncload.verdict.ruling:{name}"
        for name in ("another_window", "invalid_phase", "no_number", "not_final", "too_few_samples")
    ),
)
