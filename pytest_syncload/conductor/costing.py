"""What a phase costs: what is billed is looked up before the load, what was used is read with the phase's rows.

Kept in the run's folder, so that a run is judged again without AWS. Where slo.yaml has neither a scale nor a row that
asks for a cost, nothing of it is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.cost.month import cost_of
from pytest_syncload.cost.products import needed_of, products_of
from pytest_syncload.cost.sheet import sheet_of
from pytest_syncload.facts.catalogue import Fold, metered, preset_of
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.cost import UNDATED, Billing, Cost, Origin, Product, Range, Sheet
from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.facts.observation import Observation, Series
from pytest_syncload.facts.plan import Phase, Resources, Slo, Spec
from pytest_syncload.facts.presets.cost import PER_MONTH
from pytest_syncload.facts.result import PhaseResult, Window
from pytest_syncload.sources.aws import FOR_CHECKS, client
from pytest_syncload.sources.climbed import last_step_held
from pytest_syncload.sources.cloudwatch import MINUTE_S, Ask
from pytest_syncload.sources.observe import require_a_step
from pytest_syncload.sources.prices import ENDPOINT_REGION, read_prices
from pytest_syncload.sources.settle import Reading
from pytest_syncload.sources.sizes import read_sizes
from pytest_syncload.sources.usage import consumed

_SANDBOX_NOTE = "the sandbox's own list, which is none of AWS's"
#: Gaps and other parts that one sentence names.
_NAMED = 4


def is_costed(spec: Spec, phase: Phase) -> bool:
    """Whether anybody wants to know what the phase costs."""
    return spec.scale is not None or bool(cost_rows(phase))


def cost_rows(phase: Phase) -> list[Slo]:
    """The phase's rows that ask for a cost."""
    return [slo for slo in phase.slos if preset_of(slo).fold is Fold.COST]


def meters(resources: Resources, window: Window) -> tuple[Ask, ...]:
    """What must be asked of CloudWatch to say what a window used; none where no API is listed."""
    try:
        return tuple(Ask(query, MINUTE_S, window) for query in metered(resources))
    except Inconclusive:
        return ()


def read_billing(ground: Ground) -> Billing:
    """Ask AWS what is billed, and for how much. Never raises: what is missing is said where it is needed."""

    def of(service: str) -> Any:
        try:
            return client(service, ground.aws, patience=FOR_CHECKS)
        except Refused as error:
            raise Inconclusive(str(error)) from None

    region = ground.aws.region
    sizes = read_sizes(of, ground.resources)
    products = products_of(ground.resources, sizes)
    return Billing(region=region, sizes=sizes, sheet=_sheet(ground, products, region))


def _sheet(ground: Ground, products: Sequence[Product], region: str) -> Sheet:
    try:
        pricing = client("pricing", replace(ground.aws, region=ENDPOINT_REGION), patience=FOR_CHECKS)
        live, unpriced = read_prices(pricing, products, region)
        sheet = sheet_of(products, live, unpriced, region, None)
    except (Inconclusive, Refused) as error:
        sheet = sheet_of(products, (), (), region, str(error))
    is_sandbox = ground.environment.sandbox is not None
    return replace(sheet, note=_SANDBOX_NOTE) if is_sandbox and sheet.note is None else sheet


def billing_of(ground: Ground, folder: RunFolder) -> Billing:
    """The run's billing, asked once: prices and sizes do not change while a run goes on."""
    known = folder.billing()
    if known is None:
        known = read_billing(ground)
        folder.keep_billing(known)
    return known


def billing_checks(spec: Spec, ground: Ground, folder: RunFolder, phases: Iterable[Phase]) -> list[Check]:
    """Whether everything that costs has a price and a size. A row that asks for a cost could not be proven else."""
    wanting = [phase for phase in phases if is_costed(spec, phase)]
    if not wanting:
        return []
    billing = billing_of(ground, folder)
    rows = tuple(f"{slo.id} ({spec.file.name}:{slo.line})" for phase in wanting for slo in cost_rows(phase))
    missing = [*billing.sizes.gaps, *_without_price(billing, ground.resources)]
    if missing:
        says = "; ".join(missing)
        if not rows:
            return [Check(name="costs", finding=Finding.NOTE, says=f"{says}; costs are told without it")]
        says += "; a row that asks for a cost could not pass: mend that, or leave the row out"
        return [Check(name="costs", finding=Finding.FAILED, says=says, rows=rows)]
    return [Check(name="costs", finding=_finding(billing.sheet), says=prices_in_words(billing.sheet), rows=rows)]


def _without_price(billing: Billing, resources: Resources) -> list[str]:
    """The products that a cost needs and nobody has a price for, once for each reason."""
    needed = set(needed_of(resources, billing.sizes))
    by_reason: dict[str, list[str]] = {}
    for each in billing.sheet.unpriced:
        if each.product in needed:
            by_reason.setdefault(each.why, []).append(str(each.product))
    return [f"no price of {', '.join(products)}: {why}" for why, products in by_reason.items()]


def _finding(sheet: Sheet) -> Finding:
    return Finding.OK if all(price.origin is Origin.LIVE for price in sheet.prices) else Finding.NOTE


def prices_in_words(sheet: Sheet) -> str:
    """``prices: 9 live of 2026-11-30``, and why some are not live."""
    dates: dict[Origin, list[str]] = {}
    for price in sheet.prices:
        dates.setdefault(price.origin, []).append(price.as_of)
    said = [f"{len(of)} {origin} of {_from_to(of)}" for origin, of in dates.items()]
    return f"prices: {', '.join(said)}" + ("" if sheet.note is None else f" ({sheet.note})")


def _from_to(dates: Sequence[str]) -> str:
    dated = sorted({date for date in dates if date != UNDATED})
    span = " to ".join(dict.fromkeys((dated[0], dated[-1]))) if dated else UNDATED
    return f"{span}, some undated" if dated and UNDATED in dates else span


def cost_of_phase(
    spec: Spec, reading: Reading | None, billing: Billing | None, resources: Resources, result: PhaseResult
) -> Cost | None:
    """What the phase cost; None where nobody asked for it, what is billed was never looked up, or no step held."""
    if billing is None or not is_costed(spec, spec.phase(result.phase)) or last_step_held(result) is not None:
        return None
    read = reading or Reading(answers={}, problem="CloudWatch was not read", attempts=0)
    speed = 1.0 if spec.environment.sandbox is None else spec.environment.sandbox.speed
    used = consumed(read, resources, billing.sizes, result, speed)
    jobs_a_month = None if spec.scale is None else spec.scale.jobs_a_month
    return cost_of(used, billing.sheet, jobs_a_month)


def observe_cost(slo: Slo, cost: Cost | None, resources: Resources, result: PhaseResult) -> Observation:
    """The row's value, between its bounds. Never raises: what is missing is the observation's ``problem``."""
    bounds: tuple[float, float] | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()
    try:
        require_a_step(result)
        known = _known(cost)
        bounds = _bounds(slo, known)
        notes = _notes(known)
    except Inconclusive as error:
        problem = str(error)
    value = None if bounds is None else bounds[1] if slo.target.met_by(bounds[0]) else bounds[0]
    return Observation(
        slo=slo,
        window=result.window,
        kind=slo.target.kind,
        value=value,
        samples=None,
        series=Series(timestamps=(), values=(), period_s=MINUTE_S),
        sources=tuple(dict.fromkeys(str(ask.query) for ask in meters(resources, result.window))),
        parts={} if bounds is None or cost is None else _of_which(slo, cost),
        problem=problem,
        notes=notes,
        bounds=bounds,
    )


def _known(cost: Cost | None) -> Cost:
    if cost is None:
        raise Inconclusive("what is billed was never looked up in this run; run the phase again")
    return cost


def _bounds(slo: Slo, cost: Cost) -> tuple[float, float]:
    found = cost.per_month if slo.metric == PER_MONTH else cost.per_million
    if found is None:
        raise Inconclusive(f"{PER_MONTH} needs to know how many jobs a month has; add scale: to the file")
    require_all_known(slo, cost, found)
    return float(found.low), float(found.high)


def require_all_known(slo: Slo, cost: Cost, found: Range) -> None:
    """Raise `Inconclusive` where something has no price or was not measured: it could only add to the cost, so that
    what is known proves a breach and never a pass."""
    if cost.gaps and slo.target.met_by(float(found.low)):
        first = "; ".join(cost.gaps[:_NAMED])
        more = f"; and {len(cost.gaps) - _NAMED} more" if len(cost.gaps) > _NAMED else ""
        raise Inconclusive(f"not all that it cost is known: {first}{more}")


def _notes(cost: Cost) -> tuple[str, ...]:
    beside = [f"not all that it cost is known, so it is more: {cost.gaps[0]}"] if cost.gaps else []
    return (*beside, f"not in it: {'; '.join(cost.left_out)}")


def _of_which(slo: Slo, cost: Cost) -> dict[str, float]:
    """Each product's high bound, and what is fixed of a month."""
    monthly = slo.metric == PER_MONTH
    parts = {
        str(line.product): float(found.high)
        for line in cost.lines
        if (found := line.variable if monthly else line.per_million) is not None and found.high
    }
    return parts | ({"fixed": float(cost.fixed)} if monthly and cost.fixed else {})
