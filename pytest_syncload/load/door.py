"""The way of an arrival to the target: what the engine sees of it, and which of the two it is.

`Direct` writes the request's bytes itself and is what a phase's rate needs; `plain.Plain` is httpx's own stack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_syncload.facts.idempotency import Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import Passage, RequestTemplate
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.plain import Plain
from pytest_syncload.load.transport import Transport
from pytest_syncload.load.wire import RequestWriter, check_writers

OnAnswer = Callable[[Answer], None]


class Door(Protocol):
    """Takes arrivals. How many are open is the caller's to bound."""

    def start(
        self,
        identity: Identity,
        key: str,
        arrival: int,
        on_answer: OnAnswer,
        *,
        timeout_s: float,
        variant: Variant = Variant.WHOLE,
    ) -> object:
        """Send the request of arrival number ``arrival``, or, for a check of its key, a ``variant`` of it.

        ``on_answer`` is called exactly once, later, within ``timeout_s`` (wall).
        """

    def flush(self) -> None:
        """Put what was started on its way: the engine's lag ends here."""

    async def aclose(self) -> None:
        """Close every connection; what is under way ends as a failure."""


class Direct:
    """The pool at httpx's seam, by its first door: no task, no Request, no Response an arrival."""

    def __init__(self, template: RequestTemplate, base_url: str) -> None:
        self._writer = RequestWriter(template, base_url)
        self._of_checks = check_writers(template, base_url)
        self._head = template.method == "HEAD"
        self._transport = Transport(base_url)

    def start(
        self,
        identity: Identity,
        key: str,
        arrival: int,
        on_answer: OnAnswer,
        *,
        timeout_s: float,
        variant: Variant = Variant.WHOLE,
    ) -> object:
        """See `Door`."""
        writer = self._writer if variant is Variant.WHOLE else self._of_checks[variant]
        wire = writer.wire(identity, key, arrival)
        return self._transport.start(wire, on_answer, timeout_s=timeout_s, head=self._head)

    def flush(self) -> None:
        """See `Door`."""
        self._transport.flush()

    async def aclose(self) -> None:
        """See `Door`."""
        await self._transport.aclose()


def open_door(passage: Passage, template: RequestTemplate, base_url: str) -> Door:
    """The door that slo.yaml names. Raises `Refused` where the request cannot be written."""
    if passage is Passage.HTTPX:
        return Plain(template, base_url)
    return Direct(template, base_url)
