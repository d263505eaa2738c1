"""Whether load must stop at once, pure: the rule that a phase carries, on what the client itself sees."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_syncload.facts.plan import Abort
from pytest_syncload.facts.result import Tally
from pytest_syncload.facts.units import format_number


def tripped(rule: Abort, seconds: Mapping[int, Tally], now_s: float) -> str | None:
    """Why load must stop at ``now_s`` (wall seconds from the start), None while it may go on.

    ``seconds`` has what is known of each second's arrivals. One in which nothing has ended yet says nothing: where all
    hang, they fail when they time out.
    """
    last = int(now_s) - 1  # the one under way is not over
    stretch = range(last - rule.for_s + 1, last + 1)
    if stretch.start < 0:
        return None
    shares = [seconds[at].failed_percent if at in seconds else None for at in stretch]
    if any(share is None or share <= rule.failed_percent for share in shares):
        return None
    most = max(share for share in shares if share is not None)
    return (
        f"the abort rule {rule.text!r} tripped {last + 1} s after the start: in each of {rule.for_s} s in a row more "
        f"than {format_number(rule.failed_percent)} % failed, up to {format_number(most)} %; the load was stopped"
    )
