"""Quantities as people write them in slo.yaml: `500 ms`, `0.1 %`, `10m`, `3000/s`. A bare number is never guessed at.

A metric has a `Kind`, and every kind one canonical unit in which values are compared: time in milliseconds, shares in
percent, rates per second, counts as they are, money in US dollars. Conversion goes through `Decimal`, so `0.1 %` is 0.1
and nothing near it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a number measures. The values are the words that error messages use."""

    TIME = "time"
    SHARE = "share"
    RATE = "rate"
    COUNT = "count"
    MONEY = "cost"


#: The unit in which values of a kind are kept and compared.
CANONICAL = {Kind.TIME: "ms", Kind.SHARE: "%", Kind.RATE: "/s", Kind.COUNT: "", Kind.MONEY: "USD"}

#: An example of every kind, for error messages.
EXAMPLE = {
    Kind.TIME: "500 ms",
    Kind.SHARE: "0.1 %",
    Kind.RATE: "3000/s",
    Kind.COUNT: "1000",
    Kind.MONEY: "4 USD",
}

_TO_CANONICAL: dict[str, tuple[Kind, Decimal]] = {
    "us": (Kind.TIME, Decimal("0.001")),
    "ms": (Kind.TIME, Decimal(1)),
    "s": (Kind.TIME, Decimal(1000)),
    "m": (Kind.TIME, Decimal(60_000)),
    "h": (Kind.TIME, Decimal(3_600_000)),
    "%": (Kind.SHARE, Decimal(1)),
    "/s": (Kind.RATE, Decimal(1)),
    "": (Kind.COUNT, Decimal(1)),
    "USD": (Kind.MONEY, Decimal(1)),
}

_QUANTITY = re.compile(r"\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[^\s\d.,].*?)?\s*", re.ASCII)
_TARGET = re.compile(r"\s*(?P<op><=|>=|==|<|>)\s*(?P<rest>.*)", re.DOTALL)


class UnitError(ValueError):
    """The text is not a quantity of the kind that belongs here. The message says what would be."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """``value`` in the canonical unit of ``kind``; ``text`` as it was written."""

    value: float
    kind: Kind
    text: str


def parse_quantity(text: str, kind: Kind) -> Quantity:
    """Read ``text`` as a quantity of ``kind``.

    Raises:
        UnitError: no number, no unit where one is needed, an unknown unit, or a unit of another kind.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a {kind} such as {EXAMPLE[kind]!r}")
    unit = match["unit"] or ""
    if unit not in _TO_CANONICAL:
        known = ", ".join(f"{name!r}" for name, (of, _) in _TO_CANONICAL.items() if of is kind and name)
        raise UnitError(
            f"{unit!r} in {text!r} is no unit of a {kind}" + (f"; known: {known}" if known else "; write a bare number")
        )
    found, factor = _TO_CANONICAL[unit]
    if found is not kind:
        if not unit:
            raise UnitError(f"{text.strip()!r} has no unit; write a {kind} such as {EXAMPLE[kind]!r}")
        raise UnitError(f"{text.strip()!r} is a {found}, and this takes a {kind} such as {EXAMPLE[kind]!r}")
    return Quantity(float(Decimal(match["number"]) * factor), kind, text.strip())


def parse_duration_s(text: str) -> float:
    """A duration in seconds: ``10m`` is 600.0. Raises `UnitError`."""
    return float(Decimal(str(parse_quantity(text, Kind.TIME).value)) / 1000)


def parse_rate_per_s(text: str) -> float:
    """A rate per second: ``3000/s`` is 3000.0. Raises `UnitError`."""
    return parse_quantity(text, Kind.RATE).value


def parse_percent(text: str) -> float:
    """A share in percent: ``0.1 %`` is 0.1. Raises `UnitError`."""
    return parse_quantity(text, Kind.SHARE).value


def split_target(text: str) -> tuple[str, str]:
    """The comparison sign and the rest of a target: ``< 500 ms`` gives ``("<", "500 ms")``. Raises `UnitError`."""
    match = _TARGET.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a target; it starts with one of <, <=, ==, >=, > as in '< 500 ms'")
    return match["op"], match["rest"].strip()


def format_quantity(value: float, kind: Kind) -> str:
    """``value`` (canonical unit) for a person: ``612 ms``, ``0.04 %``, ``3000/s``, ``17``, ``4.19 USD``."""
    match kind:
        case Kind.TIME:
            return f"{format_number(value)} ms" if value < 10_000 else f"{format_number(value / 1000)} s"
        case Kind.SHARE:
            return f"{format_number(value)} %"
        case Kind.RATE:
            return f"{format_number(value)}/s"
        case Kind.COUNT:
            return format_number(value)
        case Kind.MONEY:
            return f"{format_money(value)} USD"


def format_range(low: float, high: float, kind: Kind) -> str:
    """``4.19 USD to 5.27 USD``; one quantity where both bounds read the same."""
    both = format_quantity(low, kind), format_quantity(high, kind)
    return both[0] if both[0] == both[1] else " to ".join(both)


def format_money(dollars: float) -> str:
    """``4.19``, ``11,400``: cents below a thousand dollars, whole dollars from there; of less than ten cents, three
    digits."""
    if abs(dollars) >= 1000:
        return f"{dollars:,.0f}"
    return f"{dollars:.2f}" if abs(dollars) >= 0.1 or not dollars else format_number(dollars)


def format_number(value: float) -> str:
    """Three significant digits where that loses nothing a reader decides by; whole numbers whole."""
    if value != value or value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}".rstrip("0").rstrip(".")
    return f"{value:.3g}" if abs(value) >= 1e-4 else f"{value:.2e}"


def format_duration(seconds: float) -> str:
    """``90`` is ``1m30s``, ``0.25`` is ``250ms``."""
    if seconds < 1:
        return f"{format_number(seconds * 1000)}ms"
    whole = round(seconds)
    if whole < 60:
        return f"{format_number(seconds)}s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return "".join(f"{n}{u}" for n, u in ((hours, "h"), (minutes, "m"), (left, "s")) if n)
