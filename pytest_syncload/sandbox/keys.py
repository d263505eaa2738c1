"""The stand-in service's store of Idempotency-Keys, and each of the ways in which it can be told to break its promises.

Counted state and no socket. It must never invent an answer.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from pytest_syncload.facts.idempotency import KeyRule

#: Keys remembered. More than a sandbox phase offers; beyond it the oldest is forgotten.
KEY_LIMIT = 500_000


class Known(Enum):
    """What the store says of a key (draft-ietf-httpapi-idempotency-key-header, section 2.6)."""

    NEW = "new"
    IN_PROGRESS = "in progress"
    OTHER_PAYLOAD = "other payload"


class Keys:
    """Idempotency keys by user: the first payload's digest, and the answer once there is one. Bounded.

    The rule that is ``broken`` is not kept, and every other one is.
    """

    __slots__ = ("_broken", "_entries", "_limit", "_refused")

    def __init__(self, limit: int = KEY_LIMIT, broken: KeyRule | None = None) -> None:
        self._limit = limit
        self._broken = broken
        self._refused: set[bytes] = set()
        self._entries: OrderedDict[tuple[str, bytes], tuple[int, bytes | None]] = OrderedDict()

    def begin(self, user: str, key: bytes, digest: int) -> Known | bytes:
        """Claim ``key`` for ``user``: `Known.NEW`, or why not, or the stored answer."""
        if self._broken is not None:
            user, digest = self._mistaken(user, digest)
        entry = self._entries.get((user, key))
        if entry is None:
            self._entries[user, key] = (digest, None)
            if len(self._entries) > self._limit:
                self._entries.popitem(last=False)
            return Known.NEW
        stored_digest, answer = entry
        if self._broken is (KeyRule.CONCURRENT if answer is None else KeyRule.REPLAY) and stored_digest == digest:
            return Known.NEW
        if stored_digest != digest:
            return Known.OTHER_PAYLOAD
        return Known.IN_PROGRESS if answer is None else answer

    def finish(self, user: str, key: bytes, digest: int, answer: bytes) -> None:
        """Keep the answer of a key that was begun, unless it was already forgotten."""
        if self._broken is not None:
            user, digest = self._mistaken(user, digest)
        if (user, key) in self._entries:
            self._entries[user, key] = (digest, answer)

    def forget(self, user: str, key: bytes) -> None:
        """The request failed before anything was done: whoever tries again with its key is the first."""
        if self._broken is not None:
            user, _ = self._mistaken(user, 0)
        self._entries.pop((user, key), None)

    def refuse(self, key: bytes) -> None:
        """A request with ``key`` was answered 401, which a store has no business to know."""
        if self._broken is KeyRule.UNAUTHORIZED and key and len(self._refused) < self._limit:
            self._refused.add(key)

    def is_refused(self, key: bytes) -> bool:
        """Whether the store answers 401 for ``key``, whoever sends it."""
        return key in self._refused

    @property
    def is_needed(self) -> bool:
        """Whether a request without a key is refused."""
        return self._broken is not KeyRule.MISSING_KEY

    def _mistaken(self, user: str, digest: int) -> tuple[str, int]:
        """Who and what the broken store takes a request for."""
        return "" if self._broken is KeyRule.USER else user, 0 if self._broken is KeyRule.PAYLOAD else digest

    def __len__(self) -> int:
        return len(self._entries)
