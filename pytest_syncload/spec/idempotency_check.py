"""Whether `request.idempotency` agrees with the request itself, and with the rows that judge what it finds.

Checks that nobody judges prove nothing, and a row for which nothing is checked is no proof: both are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from json import dumps
from typing import Any

from pytest_syncload.facts.idempotency import REQUESTS_A_CHECK
from pytest_syncload.facts.placeholder import OPENING, Parts, Slot, Unwritable, json_parts, written
from pytest_syncload.facts.plan import Phase, RequestTemplate
from pytest_syncload.facts.presets.idempotency import VIOLATIONS
from pytest_syncload.spec.nodes import Path
from pytest_syncload.spec.phase_schema import Limit

_VERIFY: Path = ("idempotency", "verify")
_CHANGED: Path = ("idempotency", "changed")


def of_the_request(template: RequestTemplate) -> Iterator[tuple[Path, str]]:
    """What does not fit in the request, each with its place below `request`."""
    key = template.idempotency
    if key.header.lower() in [name.lower() for name, _ in template.headers]:
        yield ("headers",), f"{key.header} is set by syncload for every request; leave it out"
    if not key.verify_percent:
        return
    if not key.job_id:
        yield _VERIFY, "add job_id, the member of the answer that names the job, or expect one member as unique"
    if not isinstance(template.json, dict):
        yield _VERIFY, "the check of another payload changes members of the JSON body, and request.json has none"
    elif not key.changed:
        yield _VERIFY, "add changed, members of request.json with other values that the target accepts too"
    elif {**template.json, **key.changed} == template.json:
        yield _CHANGED, "this changes nothing of request.json; give another value"
    elif _may_be_drawn(template):
        yield _CHANGED, "some arrivals draw just this, so their payload would be no other; give what no row has"
    if OPENING in dumps(key.changed, default=str):
        yield _CHANGED, f"nothing is drawn here; write a value in place of {OPENING}…}}}}"


def _may_be_drawn(template: RequestTemplate) -> bool:
    """Whether rows of feeders make all that is changed what it is already: then a target that keeps the rule is not
    asked for it. What a function makes is not known here."""
    rows = {feeder.name: feeder.rows for feeder in template.feeders}
    for name, value in template.idempotency.changed.items():
        if name not in template.json:
            return False
        try:
            wanted = json_parts(value)
            if not any(made == wanted for made in _made(json_parts(template.json[name]), rows)):
                return False
        except Unwritable:  # which is told elsewhere
            return False
    return True


def _made(parts: Parts, rows: Mapping[str, tuple[Any, ...]]) -> Iterator[Parts]:
    """What becomes of the parts: by each row of the feeder that they draw from, where it is one with rows."""
    slots = [part for part in parts if isinstance(part, Slot)]
    drawn_from = {slot.placeholder.feeder for slot in slots}
    if not slots:
        yield parts
    elif len(drawn_from) == 1:
        for row in rows.get(drawn_from.pop(), ()):
            filled = (written(at.placeholder.of(row), at.place) if isinstance(at, Slot) else at for at in parts)
            yield (b"".join(filled),)


def of_the_rows(
    template: RequestTemplate, phases: Iterable[Phase], written: Any, limit: Limit | None
) -> Iterator[tuple[Path, str]]:
    """What does not fit between the request and the rows, each with its place in slo.yaml.

    ``phases`` are those that were found right, of what is ``written`` under that key. ``limit`` is what may be offered,
    where that is known.
    """
    percent = template.idempotency.verify_percent
    judging = [(phase, row) for phase in phases for row in phase.slos if row.metric == VIOLATIONS]
    if not percent:
        for phase, row in judging:
            yield ("phases", phase.name, "slos", row.name, "metric"), unverified()
    elif nobody_judges(written):
        what = f"no row judges what is found; add one of metric {VIOLATIONS} to a phase, or leave verify out"
        yield ("request", *_VERIFY), what
    elif limit is not None:
        yield from _beyond_the_limit(percent, [phase for phase, _ in judging], limit)


def unverified() -> str:
    """What is wrong with a row where nothing is checked."""
    return f"{VIOLATIONS} is judged here and checked nowhere; add request.idempotency.verify, such as 0.1 %"


def nobody_judges(phases: Any) -> bool:
    """Whether no row names the metric; False also where rows are missing, which is told elsewhere."""
    rows = [phase.get("slos") if isinstance(phase, dict) else None for phase in _values(phases)]
    named = any(isinstance(row, dict) and row.get("metric") == VIOLATIONS for each in rows for row in _values(each))
    return not named and bool(rows) and all(map(_values, rows))


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
