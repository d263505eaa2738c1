"""What was looked at before load, and what was found. One `Check` is one line for a person."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """How a check ended. NOTE is worth reading and stops nothing."""

    OK = "ok"
    NOTE = "note"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. ``name`` says what was looked at; ``says`` what was found and, where it failed, what to do.

    ``rows`` are the ids of the rows that would be unproven, each with its place in slo.yaml, where it concerns rows.
    ``unlooked``: it could not look, which stops nothing, and reports say so.
    """

    name: str
    finding: Finding
    says: str
    rows: tuple[str, ...] = ()
    unlooked: bool = False

    @property
    def failed(self) -> bool:
        """Whether no load may be offered because of it."""
        return self.finding is Finding.FAILED
