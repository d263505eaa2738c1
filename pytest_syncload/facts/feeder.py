"""What values a request draws, arrival by arrival: rows from slo.yaml or a file, or a function that makes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Order(StrEnum):
    """Which row an arrival draws: each in turn, or one at random, the same in every run."""

    CYCLE = "cycle"
    RANDOM = "random"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeder:
    """Rows by a name. A row is a JSON value: an object, whose members are its fields, or a value without fields.

    Instead of ``rows``, ``function`` may name ``"module:function"``, which every generator imports and calls as
    ``function(arrival, seed)``: the row of that arrival, the same for the same two numbers.
    ``digest`` tells what it was made of, for the plan: a file's bytes, the rows, or the function's module.
    """

    name: str
    rows: tuple[Any, ...] = field(default=(), repr=False)
    function: str | None = None
    order: Order = Order.CYCLE
    seed: int = 1
    digest: str = ""
