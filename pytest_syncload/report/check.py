"""What was looked at before load, as lines for a person: one a check; below it, where it is not well, its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.report import REGION

#: Stands out among many lines.
_WORDS = {Finding.OK: "ok", Finding.NOTE: "note", Finding.FAILED: "FAILED"}
#: The check that says it, as `sources.credentials` names it.
_ACCOUNT = "account"
#: The same of what the run will cost, as `conductor.own_price` names it.
_PRICE = "price of the run"
_WORD_WIDTH = max(len(word) for word in _WORDS.values())


def check_lines(checks: Sequence[Check]) -> list[str]:
    """A line a check: how it ended, its name, what was found or what to do. Its rows only where it is not well."""
    width = max((len(check.name) for check in checks), default=0)
    below = " " * (_WORD_WIDTH + width + 4)
    lines = []
    for check in checks:
        first, *rest = check.says.splitlines() or [""]
        lines.append(f"{_WORDS[check.finding]:<{_WORD_WIDTH}}  {check.name:<{width}}  {first}".rstrip())
        lines += [below + line for line in rest]
        if check.finding is not Finding.OK:
            lines += [f"{below}needed by {row}" for row in check.rows]
    return lines


def closing_line(checks: Sequence[Check]) -> str:
    """How many of each, and what that means."""
    found = Counter(check.finding for check in checks)
    counts = ", ".join(f"{found[finding]} {_WORDS[finding]}" for finding in Finding if found[finding])
    if not checks:
        return "syncload: nothing was checked"
    end = "a run would be refused" if found[Finding.FAILED] else "a run may start"
    return f"syncload: {counts}; no load was offered; {end}"


def progress_lines(phase: str, checks: Sequence[Check]) -> list[str]:
    """What is said of them before a phase: how many were well, whose account, where we are, what the run will cost; and
    each of the others."""
    notable = [check for check in checks if check.finding is not Finding.OK]
    well = len(checks) - len(notable)
    head = f"{phase}: 1 check ok" if well == 1 else f"{phase}: {well} checks ok"
    account = next((check.says for check in checks if check.name == _ACCOUNT and check.finding is Finding.OK), None)
    if account is not None:
        head += f" · account {account}"
    place = next((check.says for check in checks if check.name == REGION and check.finding is Finding.OK), None)
    if place is not None:
        head += f" · generator in {place}"
    price = next((check.says for check in checks if check.name == _PRICE and check.finding is Finding.OK), None)
    if price is not None:
        head += f" · {price.partition(';')[0]}"
    return [head, *(f"  {line}" for line in check_lines(notable))]
