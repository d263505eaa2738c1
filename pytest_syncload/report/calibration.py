"""A calibration for a person: a line a rate that was tried, then what it means for the plan's phases."""

from __future__ import annotations

from pytest_syncload.facts.calibration import SPARE, Calibration, Step
from pytest_syncload.facts.plan import Phase
from pytest_syncload.facts.units import format_number


def step_line(step: Step) -> str:
    """One rate, as soon as it was tried."""
    became = "carried" if step.fell_short is None else f"not carried: {step.fell_short}"
    return (
        f"  {format_number(step.rate_per_s)}/s  lag p99 {format_number(step.lag_p99_ms)} ms, "
        f"{format_number(step.cpu_percent)} % of a core: {became}"
    )


def result_lines(found: Calibration, phases: tuple[Phase, ...], cores: int) -> list[str]:
    """How many generators each phase needs here."""
    carried = found.carried_per_s
    if carried is None:
        return ["one generator carried none of these rates; is something else using this machine?"]
    lines = [
        f"one generator carried {format_number(carried)}/s of this request, on a machine of {cores} cores; counting on "
        f"{format_number(100 * SPARE)} % of that:"
    ]
    for phase in phases:
        rate = phase.rate_per_s if phase.climb is None else phase.climb.at_most_per_s
        needed = found.generators_for(rate) or 1
        beyond = f", more than the {cores} cores here" if needed > cores else ""
        lines.append(f"  {phase.name}  {format_number(rate)}/s: load.generators {needed}{beyond}")
    return lines
