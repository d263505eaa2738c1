"""False greens of a load that k6 offered: arrivals that it did not begin, or late, and words of it that were lost."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial

from pytest_syncload.conductor.phase import sum_up
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.points import Points
from pytest_syncload.k6.process import Totals
from pytest_syncload.k6.validity import NOT_MEASURED, Offered, k6_invalidities
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Merged
from tests.conductor.plans import phase
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_load import nothing
from tests.false_greens.offering import REQUEST, judged
from tests.k6.lines import START, drop, request
from tests.rows import WINDOW

_VALIDITY = "pytest_syncload.k6.validity"
_MAIN = "pytest_syncload.k6.__main__"
PACER = Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=10.0)
#: When each arrival is due.
DUE = [due for _, due in PACER.arrivals_of(0, 1)]


def told(
    lines: Iterable[bytes], *, cpu_percent: float = 20.0, checked: Callable[[Points], object] = lambda _: None
) -> Seen:
    """The row's verdict on what k6 has printed. ``checked`` is asked at its end."""
    points = Points(start_at=START, hold_s=(0.0, 10.0), expected=REQUEST.statuses, timeout_s=2.0)
    for line in lines:
        points.take(line)
    try:
        checked(points)
    except Refused:
        return Seen.ERROR
    merged = Merged(NOT_MEASURED)
    merged.add(points.drain())
    report = ShardReport(
        index=0,
        sent=points.requests,
        interrupted=False,
        cpu_percent=cpu_percent,
        lag_p99_ms=0.0,
        peak_in_flight=0,
        engine="k6 v2.2.0",
    )
    result = sum_up(
        phase("peak"),
        REQUEST,
        PACER,
        WINDOW,
        merged,
        Fared(reports=(asdict(report),), lost=(), stopped=None),
        0.0,
        1,
        judge=partial(k6_invalidities, Offered(pacer=PACER, vus=100, cores=2)),
        not_measured=NOT_MEASURED,
    )
    return judged(replace(result, wire_requests=1800))


def sent(dues: Sequence[float], **changes: int) -> list[bytes]:
    plain: dict[str, int] = {"status": REQUEST.statuses[0]}
    return [request(due, **plain | changes) for due in dues]  # type: ignore[arg-type]


def dropped() -> Seen:
    return told([*sent(DUE[:-5]), *(drop(due) for due in DUE[-5:])])


def begun_too_few() -> Seen:
    return told(sent([due for number, due in enumerate(DUE) if number % 10]))


def stood_still() -> Seen:
    return told(sent([5.2 if 4.5 <= due < 5.2 else due for due in DUE]))


def at_its_end() -> Seen:
    return told(sent(DUE), cpu_percent=195.0)


def failures_lost() -> Seen:
    totals = Totals(requests=1000, dropped=0, wrong=0)
    main = importlib.import_module(_MAIN)
    # Of 1,000 requests eight failed, and these lines never came.
    return told(sent(DUE[:-8]), checked=lambda points: main.refuse_another_count(totals, points, 0))


def timeouts() -> Seen:
    return told([*sent(DUE[:-20]), *sent(DUE[-20:], status=0, error_code=1050)])


def answered(status: int, error_code: int, expected: object) -> Outcome:
    return Outcome.OK


def _k6(
    name: str, mistake: str, scenario: Callable[[], Seen], *guards: str, **stand_ins: Callable[..., object]
) -> Entry:
    instead = dict.fromkeys(guards, nothing) | {f"pytest_syncload.k6.points:{k}": v for k, v in stand_ins.items()}
    return Entry(name=name, mistake=mistake, scenario=scenario, guards=instead, through=Through.PURE)


ENTRIES: tuple[Entry, ...] = (
    _k6(
        "k6 dropped iterations",
        "k6 had no virtual user free, so that fewer requests met the target than the plan says; it ends with 0",
        dropped,
        f"{_VALIDITY}:ran_out_of_users",
    ),
    _k6(
        "k6 began fewer arrivals",
        "k6 could not begin one arrival in ten, and says so nowhere",
        begun_too_few,
        f"{_VALIDITY}:began_too_little",
        f"{_VALIDITY}:fell_behind",
    ),
    _k6(
        "k6 stood still and caught up",
        "k6 began nothing for most of a second, and then all of it at once: its count is right, its rate was not",
        stood_still,
        f"{_VALIDITY}:fell_behind",
    ),
    _k6(
        "k6 at the end of its machine",
        "k6 used all cores, so what it measured tells of itself",
        at_its_end,
        f"{_VALIDITY}:too_busy",
    ),
    _k6(
        "points of k6 lost",
        "a part of what k6 printed was not read, and the failures were in it",
        failures_lost,
        f"{_MAIN}:refuse_another_count",
    ),
    _k6(
        "a timeout of k6 taken for an answer",
        "k6 gives a request that timed out the status 0, which is none of those that count as failures",
        timeouts,
        outcome_of=answered,
    ),
)
