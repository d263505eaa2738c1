"""What this run itself costs: estimated before its first request, refused beyond `max_cost`, and told afterwards.

The estimate is of what the run adds to the bill: its requests, by what one used in an earlier run of the environment
where there is one, and its questions to CloudWatch. Not of what the environment costs while it stands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial, reduce
from operator import add
from pathlib import Path

from pytest_syncload.conductor.climbing import longest_s, way_of
from pytest_syncload.conductor.costing import billing_of, is_costed, meters
from pytest_syncload.conductor.damage import UNREADABLE
from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.cost.run import assumed, measured, over, run_price
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.cost import Billing, Cost, PerRequest, Range, RunPrice
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.idempotency import REQUESTS_A_CHECK
from pytest_syncload.facts.plan import Phase, Resources, Spec
from pytest_syncload.facts.result import PhaseResult, Window
from pytest_syncload.report.cost import usd
from pytest_syncload.report.run_price import run_price_in_words
from pytest_syncload.sources.alarm import alarm_asks
from pytest_syncload.sources.cloudwatch import Ask, asks_of, traffic_ask
from pytest_syncload.sources.settle import DEADLINE_MINUTES, EARLIEST_MINUTES

#: The check's name.
PRICE = "price of the run"
#: Earlier runs of the folder that are looked at, the newest first.
_RUNS = 20
#: Questions of single metrics while load waits for the first of them to be published: two a minute, of two or three.
_AWAKE = 6 * DEADLINE_MINUTES
#: The fewest polls that can settle: two that agree.
_POLLS = 2
_NOT_IN_IT = "what the environment costs while it stands is not in it"


def is_priced(spec: Spec, phases: Iterable[Phase]) -> bool:
    """Whether anybody wants to know: by a limit, or because costs are looked at anyway."""
    return spec.environment.max_cost is not None or any(is_costed(spec, phase) for phase in phases)


def price_checks(spec: Spec, ground: Ground, folder: RunFolder, phases: Sequence[Phase]) -> list[Check]:
    """The estimate of all that is planned, with what was spent by phases that have run; beyond `max_cost` it fails."""
    if not is_priced(spec, phases):
        return []
    billing = billing_of(ground, folder)
    ahead = estimate(spec, ground, billing, phases, per_request(ground, folder, billing))
    if folder.estimate() is None:
        folder.keep_estimate(ahead)
    spent = [found for phase in spec.phases if (found := folder.spent(phase.name)) is not None]
    whole = reduce(add, spent, ahead)
    says = f"about {run_price_in_words(whole)}"
    limit = spec.environment.max_cost
    if limit is None:
        finding = Finding.NOTE if whole.gaps else Finding.OK
        return [Check(name=PRICE, finding=finding, says="; ".join([says, _NOT_IN_IT, *whole.gaps]))]
    where = f"max_cost of {spec.environment.name!r} is {usd(Range.of(limit.usd))} USD ({spec.file.name}:{limit.line})"
    if not over(limit.usd, whole):
        return [Check(name=PRICE, finding=Finding.OK, says=f"{says}; {where}; {_NOT_IN_IT}")]
    todo = "ask for less (a lower rate, a shorter hold, fewer phases), or raise max_cost"
    if whole.gaps:
        todo = f"not all of it is known ({'; '.join(whole.gaps)}), so it may be more; mend that, or leave max_cost out"
    return [Check(name=PRICE, finding=Finding.FAILED, says=f"{says}, and {where}: {todo}; {_NOT_IN_IT}")]


def estimate(spec: Spec, ground: Ground, billing: Billing, phases: Iterable[Phase], each: PerRequest) -> RunPrice:
    """What these phases will cost, between what they need at least and what they may ask for at most."""
    prices = [
        run_price(
            planned_requests(spec, ground, phase),
            each,
            planned_metrics(spec, ground.resources, phase) + watched_metrics(spec, ground, phase),
            billing.sheet,
        )
        for phase in phases
    ]
    return reduce(add, prices)


def planned_requests(spec: Spec, ground: Ground, phase: Phase) -> Range:
    """Requests that the plan asks for. A climb may end at its first step, or last as long as it may."""
    checked = 1 + spec.request.idempotency.verify_percent / 100 * REQUESTS_A_CHECK
    if phase.climb is not None:
        way = way_of(spec, phase, ground)
        # On its way up each step has its own rate; what is repeated may be at the highest.
        up = sum(way.rates) * way.every_s
        rest = (way.longest_s - len(way.rates) * way.every_s) * way.at_most_per_s
        return Range(low=_whole(way.from_per_s * way.every_s), high=_whole((up + rest) * checked))
    # A ramp goes from nothing to the rate.
    arrivals = phase.rate_per_s * ground.rate_scale * ground.clock.wall_seconds(phase.ramp_s / 2 + phase.hold_s)
    return Range(low=_whole(arrivals), high=_whole(arrivals * checked))


def planned_metrics(spec: Spec, resources: Resources, phase: Phase) -> Range:
    """Metrics that CloudWatch will be asked for: by the check before load, and by each poll until it has settled."""
    judged_s = phase.climb.every_s if phase.climb is not None else phase.hold_s
    metrics = asked_of(spec, resources, phase, Window(start=0.0, end=judged_s))
    return Range(low=Decimal(metrics * _POLLS), high=Decimal(metrics * (DEADLINE_MINUTES + 2) + _AWAKE))


def watched_metrics(spec: Spec, ground: Ground, phase: Phase) -> Range:
    """Metrics that the phase's abort rules ask for, every minute of its load; one that was stopped asked for fewer."""
    asks = 0
    for alarm in phase.alarms:
        with suppress(Inconclusive):  # the check before load says what is not listed
            asks += len(alarm_asks(alarm.row, ground.resources, Window(start=0.0, end=MINUTE)))
    minutes = math.ceil(longest_s(spec, phase, ground) / ground.clock.wall_seconds(MINUTE)) + 1
    return Range(low=Decimal(0), high=Decimal(asks * minutes))


def asked_of(spec: Spec, resources: Resources, phase: Phase, window: Window) -> int:
    """Metrics of one poll: of the rows, of what is billed, and the request count."""
    asks: set[Ask] = set(meters(resources, window)) if is_costed(spec, phase) else set()
    questions: list[Callable[[], tuple[Ask, ...]]] = [lambda: (traffic_ask(resources, window),)]
    questions += [partial(asks_of, slo, resources, window) for slo in phase.slos]
    for question in questions:
        with suppress(Inconclusive):  # the row's own verdict says why
            asks.update(question())
    return len(asks)


def per_request(ground: Ground, folder: RunFolder, billing: Billing) -> PerRequest:
    """What a request of this environment uses: as the newest run beside this one measured it, else as assumed."""
    otherwise = assumed(ground.resources, billing.sizes)
    for run in _earlier_runs(folder, ground.environment.name):
        for cost in _costs(run):
            found = measured(cost, otherwise, f"as phase {cost.phase} of run {run.run_id} measured it")
            if found != otherwise:
                return found
    return otherwise


def _earlier_runs(folder: RunFolder, environment: str) -> Iterator[RunFolder]:
    siblings = sorted((path for path in folder.path.parent.glob("*") if path.is_dir()), reverse=True)
    for path in [path for path in siblings if path.name < folder.path.name][:_RUNS]:
        run = RunFolder(path)
        try:
            told = run.read(ENVIRONMENT_FILE)
        except UNREADABLE:
            continue
        if isinstance(told, dict) and told.get("environment") == environment:
            yield run


def _costs(run: RunFolder) -> Iterator[Cost]:
    for file in sorted(Path(run.path).glob("*.cost.json")):
        cost = run.cost(file.name.removesuffix(".cost.json"))
        if cost is not None:
            yield cost


def spent_by(
    spec: Spec, ground: Ground, folder: RunFolder, phase: Phase, record: PhaseRecord, cost: Cost | None
) -> RunPrice | None:
    """What a phase's requests and questions have cost; None where nobody wants to know, or nothing was sent.

    A request is what one of the window used, in ramps and other steps too.
    """
    result, billing = record.result, folder.billing()
    if result is None or billing is None or not is_priced(spec, [phase]):
        return None
    each = per_request(ground, folder, billing)
    if cost is not None:
        each = measured(cost, each, "as this run measured it", result.wire_requests)
    metrics = asked(record) + watched_metrics(spec, ground, phase)
    return run_price(sent(result), each, metrics, billing.sheet)


def sent(result: PhaseResult) -> Range:
    """Requests on the wire, ramp included. Of the checks of keys those outside the window are not counted."""
    window = max(result.wire_requests, result.hold.on_wire)
    return Range.of(Decimal(result.ramp.on_wire + window))


def asked(record: PhaseRecord) -> Range:
    """Metrics that CloudWatch was asked for. Those before load and of a climb's series are only bounded."""
    reading = record.reading
    polled = 0 if reading is None else len(reading.answers) * reading.attempts
    checks = 0 if reading is None else len(reading.answers)
    series = len(record.series)
    return Range(
        low=Decimal(polled + 2 * series),
        high=Decimal(polled + checks + _AWAKE + series * (DEADLINE_MINUTES - EARLIEST_MINUTES)),
    )


def _whole(requests: float) -> Decimal:
    return Decimal(round(requests))
