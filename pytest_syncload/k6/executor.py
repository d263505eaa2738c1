"""The phase's schedule as options of k6, pure: which executor, at which rate, for how long, by how many users."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Arrivals
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.pacer import Pacer

#: k6 refuses a shorter `duration` of `constant-arrival-rate`.
LEAST_HOLD_S = 1.0
#: k6 takes whole arrivals in a whole unit of time; of longer units than this the rate would not be even.
_LONGEST_UNIT_S = 1000
#: How long k6 waits for the last answers beyond their timeout, so that it is never k6 that breaks one off.
_GRACE_S = 2.0


def scenario(pacer: Pacer, vus: int, timeout_s: float) -> dict[str, Any]:
    """The one scenario, so that ramp and hold share their users. Raises `Refused` for what k6 cannot offer."""
    if pacer.arrivals is not Arrivals.CONSTANT:
        raise Refused(
            "k6 spaces arrivals evenly and knows no arrivals: poisson; take that out, or use engine: built-in"
        )
    if pacer.hold_s < LEAST_HOLD_S:
        raise Refused(
            f"k6 holds a rate for {LEAST_HOLD_S:g} s of wall time at least, and this hold is "
            f"{format_number(pacer.hold_s)} s; make it longer, or the sandbox's speed lower"
        )
    rate = even(pacer.rate_per_s)
    shared = {
        "timeUnit": f"{rate.denominator}s",
        "preAllocatedVUs": vus,
        "maxVUs": vus,
        "gracefulStop": _ms(timeout_s + _GRACE_S),
    }
    if not pacer.ramp_s:
        of_hold = {"rate": rate.numerator, "duration": _ms(pacer.hold_s)}
        return {"executor": "constant-arrival-rate", **of_hold, **shared}
    stages = [{"target": rate.numerator, "duration": _ms(seconds)} for seconds in (pacer.ramp_s, pacer.hold_s)]
    return {"executor": "ramping-arrival-rate", "startRate": 0, "stages": stages, **shared}


def even(rate_per_s: float) -> Fraction:
    """The rate as whole arrivals in whole seconds. Raises `Refused` where it is none."""
    rate = Fraction(rate_per_s).limit_denominator(_LONGEST_UNIT_S)
    if rate <= 0 or abs(float(rate) - rate_per_s) > 1e-9 * rate_per_s:
        raise Refused(
            f"k6 takes whole arrivals in a whole number of seconds, and {rate_per_s!r}/s is none; write a rate like "
            "1500/s, or use engine: built-in"
        )
    return rate


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
