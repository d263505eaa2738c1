"""Observation and target → verdict, pure. Green is said only where every doubt was looked at and found empty.

`ruling` joins what a row's rules come to: its value against the target, `growth` over the hold, `drain` behind it,
`regression` beside an earlier run.
"""

from pytest_syncload.verdict.regression import compare
from pytest_syncload.verdict.ruling import judge
from pytest_syncload.verdict.samples import min_samples

__all__ = ["compare", "judge", "min_samples"]
