"""What each arrival draws from the feeders: a pure function of the feeder, its seed and the arrival's number.

So a run is the same however many generators share it: generator k of N sends the arrivals i with i mod N = k, and each
draws what it would have drawn from a single one. Every generator holds all rows; nothing is handed out, and nothing
runs out: after its last row a feeder begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.placeholder import Parts, Slot, Unwritable, written

_32_BITS = (1 << 32) - 1

#: Of an arrival's number, what is written.
Column = Callable[[int], bytes]


def drawing(feeder: Feeder, values: Sequence[bytes]) -> Column:
    """Of ``values``, one for each of the feeder's rows, the one that an arrival draws.

    At random means by a hash of the arrival's number, so that it depends on nothing else: C. Wellons' `lowbias32`
    ("Prospecting for Hash Functions", 2018), which costs a third of a generator of 64 bits here.
    """
    count = len(values)
    if feeder.order is Order.CYCLE:
        return lambda arrival: values[arrival % count]
    # By name too: two feeders of one seed draw independently.
    begin = int.from_bytes(hashlib.sha256(f"{feeder.seed}:{feeder.name}".encode()).digest()[:4], "big")

    def at_random(arrival: int) -> bytes:
        mixed = begin + arrival & _32_BITS
        mixed = (mixed ^ mixed >> 16) * 0x7FEB352D & _32_BITS
        mixed = (mixed ^ mixed >> 15) * 0x846CA68B & _32_BITS
        return values[(mixed ^ mixed >> 16) % count]

    return at_random


class Feeding:
    """Gives columns: for a slot, what each arrival has there. Every row is written once, here, and never again.

    Raises:
        Refused: a slot names no feeder, or a row cannot be written there; the message names them and no value.
    """

    def __init__(self, feeders: Sequence[Feeder]) -> None:
        self._feeders = {feeder.name: feeder for feeder in feeders}
        self._functions = {
            feeder.name: _called(feeder.function, feeder) for feeder in feeders if feeder.function is not None
        }

    def column(self, slot: Slot) -> Column:
        """What arrivals have in this slot."""
        name = slot.placeholder.feeder
        feeder = self._feeders.get(name)
        if feeder is None:
            raise Refused(f"{slot.placeholder}: there is no feeder {name!r} in request.feeders of slo.yaml")
        if feeder.function is not None:
            return _of_function(slot, self._functions[name], feeder.function)
        if not feeder.rows:
            raise Refused(f"feeder {name!r} has no rows; add one")
        values = [_written(slot, row, f"row {number}") for number, row in enumerate(feeder.rows, 1)]
        return drawing(feeder, values)


def rendering(parts: Parts, feeding: Feeding) -> Column:
    """The parts as one, with each slot's value of the arrival."""
    if not any(isinstance(part, Slot) for part in parts):
        whole = b"".join(part for part in parts if isinstance(part, bytes))
        return lambda _: whole
    columns = [(at, feeding.column(part)) for at, part in enumerate(parts) if isinstance(part, Slot)]
    constant = [part if isinstance(part, bytes) else b"" for part in parts]
    if len(columns) == 1:
        ((at, only),) = columns
        before, behind = b"".join(constant[:at]), b"".join(constant[at:])
        return lambda arrival: b"%b%b%b" % (before, only(arrival), behind)

    def rendered(arrival: int) -> bytes:
        filled = constant.copy()
        for at, column in columns:
            filled[at] = column(arrival)
        return b"".join(filled)

    return rendered


def _written(slot: Slot, row: Any, which: str) -> bytes:
    try:
        return written(slot.placeholder.of(row), slot.place)
    except Unwritable as error:
        raise Refused(f"{slot.placeholder}: {error} ({which} of feeder {slot.placeholder.feeder!r})") from None


def _of_function(slot: Slot, row: Callable[[int], Any], name: str) -> Column:
    return lambda arrival: _written(slot, row(arrival), f"what {name} gave for arrival {arrival}")


def _called(name: str, feeder: Feeder) -> Callable[[int], Any]:
    """The user's function, asked once for each arrival however many slots it fills."""
    function = Override(name=f"feeder {feeder.name!r}", reference=name).load()
    last: tuple[int, Any] = (-1, None)

    def row(arrival: int) -> Any:
        nonlocal last
        if last[0] != arrival:
            try:
                last = (arrival, function(arrival, feeder.seed))
            except Exception as error:  # noqa: BLE001  # it is the user's, and the phase must say whose doing it was
                raise Refused(
                    f"{name} of feeder {feeder.name!r} raised {type(error).__name__} for arrival {arrival}"
                ) from None
        return last[1]

    return row
