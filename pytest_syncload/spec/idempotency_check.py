"""Whether `request.idempotency` agrees with the request itself, and with the rows that judge what it finds.

Checks that nobody judges prove nothing, and a row for which nothing is checked is no proof: both are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pytest_syncload.facts.idempotency import REQUESTS_A_CHECK, Idempotency, KeyForm
from pytest_syncload.facts.plan import UNIQUE, Phase
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.spec.nodes import Path
from pytest_syncload.spec.phase_schema import Limit
from pytest_syncload.spec.request_schema import RequestModel

_VERIFY: Path = ("request", "idempotency", "verify")


def idempotency(model: RequestModel) -> Idempotency:
    """`request.idempotency` as a fact."""
    own = model.idempotency
    unique = next((name for name, wanted in model.expect.json_members.items() if wanted == UNIQUE), "")
    return Idempotency(
        header=own.header,
        key=KeyForm(own.key),
        verify_percent=own.verify,
        job_id=own.job_id or unique,
        changed=own.changed,
    )


def contradictions(
    model: RequestModel, phases: Iterable[Phase], written: Any, limit: Limit | None
) -> Iterator[tuple[Path, str]]:
    """What does not fit together, each with its place in slo.yaml.

    ``phases`` are those that were found right, of what is ``written`` under that key. ``limit`` is what may be offered,
    where that is known.
    """
    key, own = idempotency(model), model.idempotency
    if key.header.lower() in map(str.lower, model.headers):
        yield ("request", "headers"), f"{key.header} is set by syncload for every request; leave it out"
    judging = [(phase, row) for phase in phases for row in phase.slos if row.metric == VIOLATIONS]
    if not own.verify:
        for phase, row in judging:
            what = f"{VIOLATIONS} is judged here and checked nowhere; add request.idempotency.verify, such as 0.1 %"
            yield ("phases", phase.name, "slos", row.name, "metric"), what
        return
    if not named_in(written):
        yield _VERIFY, f"no row judges what is found; add one of metric {VIOLATIONS} to a phase, or leave verify out"
    if not key.job_id:
        yield _VERIFY, "add job_id, the member of the answer that names the job, or expect one member as unique"
    if not isinstance(model.json_body, dict):
        yield _VERIFY, "the check of another payload changes members of the JSON body, and request.json has none"
    elif not key.changed:
        yield _VERIFY, "add changed, members of request.json with other values that the target accepts too"
    elif {**model.json_body, **key.changed} == model.json_body:
        yield ("request", "idempotency", "changed"), "this changes nothing of request.json; give another value"
    if limit is not None:
        yield from _beyond_the_limit(own.verify, [phase for phase, _ in judging], limit)


def named_in(phases: Any) -> bool:
    """Whether a row names the metric, whatever else may be wrong with the phases as they are written."""
    rows = [phase.get("slos") for phase in _values(phases) if isinstance(phase, dict)]
    return any(isinstance(row, dict) and row.get("metric") == VIOLATIONS for each in rows for row in _values(each))


def _values(mapping: Any) -> list[Any]:
    return list(mapping.values()) if isinstance(mapping, dict) else []


def _beyond_the_limit(percent: float, phases: Iterable[Phase], limit: Limit) -> Iterator[tuple[Path, str]]:
    for phase in phases:
        path: Path = ("phases", phase.name, "rate")
        rate = phase.rate_per_s
        if phase.climb is not None:
            path, rate = ("phases", phase.name, "climb", "at_most"), phase.climb.at_most_per_s
        above = rate * percent / 100 * REQUESTS_A_CHECK
        if rate * limit.rate_scale <= limit.max_rate < (rate + above) * limit.rate_scale:
            yield (
                path,
                f"{rate:g}/s and {above:.3g}/s of checks beside them are more than environment {limit.environment!r} "
                f"may be offered (max_rate {limit.shown}); lower the rate",
            )
