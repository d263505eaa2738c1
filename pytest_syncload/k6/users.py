"""How many virtual users k6 needs, and why: a bound with a name, as `load.limits` has for our own generators.

A virtual user has at most one request open, so their number is the cap of requests in flight. All are made before the
load and none during it: k6 drops the very iteration for which it makes another one, and no one could tell that drop
from the target's.
"""

from __future__ import annotations

from pytest_syncload.load.limits import Cap, in_flight_cap

#: Wall seconds of latency that virtual users have room for where slo.yaml leaves their number to us: twice the
#: strictest target of the plan. Each is a JavaScript runtime of 1 to 5 MB (k6's documentation, "Running large tests"),
#: so that room for answers until they time out, as our own generators have it, would be tens of gigabytes.
ROOM_S = 1.0


def virtual_users(rate_per_s: float, timeout_s: float, wanted: int = 0) -> Cap:
    """How many there are; ``wanted`` is what slo.yaml says, 0 where it leaves that to us."""
    most = in_flight_cap(rate_per_s, timeout_s, 1)
    if wanted:
        return Cap(wanted, "load.vus of slo.yaml")
    enough = Cap(int(rate_per_s * min(ROOM_S, timeout_s)) + 1, f"rate × {ROOM_S:g} s, as each takes some megabytes")
    return min(most, enough, key=lambda cap: cap.value)
