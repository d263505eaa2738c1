"""What one rule of a row comes to, before all of them are joined into the row's verdict. Decides nothing itself."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_syncload.facts.observation import Ruling


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One rule's ruling, and in words what was shown, what is broken, or what is missing."""

    ruling: Ruling
    says: str
