"""What a file of a run folder can do wrong when it is read again, and how that is said. Repairs nothing."""

from __future__ import annotations

import math

from pydantic import ValidationError

#: What a file that somebody has damaged, or that is of something else, can raise while it is read.
UNREADABLE = (
    OSError,
    ValidationError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
)
#: Characters of what a reader said of it; pydantic lists every member.
_LONGEST_REASON = 300
#: Beyond every count, moment and duration that a run can measure, and within what a float tells apart.
_LARGEST = 1e15
#: Texts that pydantic reads as a number which is none.
_READ_AS_NONE = frozenset({"nan", "inf", "infinity"})


def reason(error: BaseException) -> str:
    """What is wrong with the file, in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:_LONGEST_REASON]}"


def require_plain_numbers(data: object) -> None:
    """Raise ValueError where a number in a document is none that could have been measured or planned."""
    if isinstance(data, dict):
        for child in data.values():
            require_plain_numbers(child)
    elif isinstance(data, list | tuple):
        for child in data:
            require_plain_numbers(child)
    elif _is_no_number(data):
        raise ValueError("a number in it is none, or larger than anything that can be measured")


def _is_no_number(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lstrip("+-").lower() in _READ_AS_NONE
    return isinstance(value, int | float) and not (abs(value) <= _LARGEST and math.isfinite(value))
