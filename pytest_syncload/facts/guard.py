"""Which hosts, networks and AWS accounts an environment may be: a list each, None where slo.yaml has none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What of a target is allowed, from ``line`` of slo.yaml.

    ``hosts`` are names, or ``*.example.com`` for all below one; ``networks`` are in CIDR's way of writing.
    """

    hosts: tuple[str, ...] | None = None
    networks: tuple[str, ...] | None = None
    accounts: tuple[str, ...] | None = None
    line: int = 0
