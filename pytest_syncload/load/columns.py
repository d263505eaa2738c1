"""Rows of numbers, noted one at a time on the hot path and summed many at a time, by columns.

Noting a row is one `list.extend`. Measured, an arrival noted and summed costs 1.0 µs, where counting each at once in
dictionaries and histograms costs 2.3: some 8 % of a request's CPU in the closed loop of benchmarks/engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from pytest_syncload.facts.histogram import FLOOR_BUCKET, FLOOR_MS, PER_LOG, Histogram

Column = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Rows that are summed at once: some 100 µs of work, a tenth of the engine's tick.
ROWS = 1000


class Columns:
    """Rows of ``width`` numbers. ``take`` is given them as columns, shape (width, rows), each row exactly once."""

    def __init__(self, width: int, take: Callable[[Column], None]) -> None:
        self._width = width
        self._full = width * ROWS
        self._take = take
        self._numbers: list[float] = []

    def note(self, row: tuple[float, ...]) -> None:
        """Keep one row of ``width`` numbers; every so many are handed over."""
        numbers = self._numbers
        numbers.extend(row)
        if len(numbers) >= self._full:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over what is kept."""
        if numbers := self._numbers:
            self._numbers = []
            self._take(np.fromiter(numbers, np.float64, len(numbers)).reshape(-1, self._width).T)


def record(values_ms: Column, into: Histogram) -> None:
    """Count the values, in ms, as `Histogram.record` would one by one, but for the logarithm's last bit at a border.

    Raises ValueError for NaN and infinities.
    """
    if not values_ms.size:
        return
    require_finite(values_ms)
    floored = np.maximum(values_ms, FLOOR_MS)
    logs = np.ceil(np.log(floored) * PER_LOG)
    into.count_in_buckets(
        counted(np.where(values_ms <= FLOOR_MS, FLOOR_BUCKET, logs)),
        sum_ms=float(values_ms.sum()),
        max_ms=float(values_ms.max()),
    )


def require_finite(numbers: Column) -> None:
    """Raise ValueError for NaN and infinities."""
    if not np.isfinite(numbers).all():
        raise ValueError("a duration is not a finite number")


def counted(whole_numbers: Column) -> Iterator[tuple[int, int]]:
    """Each different one, with how often it occurs."""
    values, counts = np.unique(whole_numbers, return_counts=True)
    return zip(values.astype(np.int64).tolist(), counts.tolist(), strict=True)
