"""From where the load came, in words."""

from __future__ import annotations

from pytest_syncload.facts.place import Placed


def placed_in_words(placed: Placed) -> str:
    """``us-east-1, the target's (EC2 instance metadata)``, or where else and why that is accepted."""
    place = placed.place
    if placed.is_there:
        return f"{place.region}, the target's ({place.known_by})"
    where = f"{place.region} ({place.known_by})" if place.region else "unknown"
    accepted = "" if placed.accepted is None else f"; accepted: {placed.accepted}"
    return f"{where}, and the target is in {placed.target}{accepted}"
