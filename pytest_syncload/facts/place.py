"""Where the generators run, beside where the target is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The AWS region of this machine, None where it is not known. ``known_by`` is who said so, or why nobody did."""

    region: str | None
    known_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A run's place beside its target's region. ``accepted`` is why it may be another or unknown, None where no reason
    was given."""

    place: Place
    target: str
    accepted: str | None = None

    @property
    def is_there(self) -> bool:
        """Whether load comes from the target's own region. What is unknown is not."""
        return self.place.region == self.target
