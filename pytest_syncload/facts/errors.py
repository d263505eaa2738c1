"""What can go wrong, as one small tree.

    SyncloadError                what happened, where, what to do
    ├── SpecError                slo.yaml cannot be used; carries every problem with its line
    ├── Refused                  the run may not start: environment, target, limits, credentials
    ├── Inconclusive             something could not be measured: a row's ERROR, never a pass
    │   └── PhaseInvalid         the load itself proves nothing, so none of its rows does
    └── Breach (AssertionError)  measured, and beyond its target: a row's FAILURE

Whatever is not in this tree is a defect of ours and may show a traceback.
"""

from __future__ import annotations

from dataclasses import dataclass


class SyncloadError(Exception):
    """Base of all. The message is for a person: what happened, where, what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with slo.yaml, at ``line`` (from 1) of ``file``."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class SpecError(SyncloadError):
    """slo.yaml cannot be used. ``problems`` holds all that is wrong with it, in order of line."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        count = "1 error" if len(self.problems) == 1 else f"{len(self.problems)} errors"
        super().__init__("\n".join([f"{count} in slo.yaml, nothing was run:", *map(str, self.problems)]))


class Refused(SyncloadError):
    """The run may not start. Nothing was sent."""


class Inconclusive(SyncloadError):
    """A value could not be measured. It is an error of its row; it is never a pass and never a breach."""


class PhaseInvalid(Inconclusive):
    """The phase's load proves nothing, so every row of the phase is inconclusive."""


class Breach(SyncloadError, AssertionError):
    """Measured, and beyond its target. Raised, not asserted: ``python -O`` strips nothing from it."""
