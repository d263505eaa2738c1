"""How fast an issuer is asked, and how often: a rate, one pause for all where a quota is used up, and retries.

A quota is the project's, not a user's: who meets it makes everybody wait, or each would use up the next moment's quota
only to be refused again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import tenacity

from pytest_syncload.auth.errors import QuotaExceeded, SignInError, Unavailable
from pytest_syncload.auth.session import Session

#: Tries where nobody answers: some seconds in all.
TRIES = 5
#: Tries where the quota is used up. Quotas are a minute's, so the waits together are longer than one.
QUOTA_TRIES = 8
_LONGEST_PAUSE_S = 30.0
_SLOWEST_PER_S = 1.0

_briefly = tenacity.wait_random_exponential(multiplier=0.2, max=5)
_for_quota = tenacity.wait_exponential_jitter(initial=1, max=_LONGEST_PAUSE_S, jitter=1)


class Pace:
    """At most ``rate_per_s`` questions a second, and none during a pause. Seconds are the running loop's."""

    def __init__(self, rate_per_s: float) -> None:
        self._gap_s = 1 / rate_per_s
        self._next = 0.0
        self._paused_until = 0.0

    @property
    def rate_per_s(self) -> float:
        """What is asked a second at most, by now."""
        return 1 / self._gap_s

    async def turn(self) -> None:
        """Wait until one more may be asked."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            at = max(now, self._next, self._paused_until)
            self._next = at + self._gap_s
            if at > now:
                await asyncio.sleep(at - now)
            # A pause may have begun meanwhile.
            if loop.time() >= self._paused_until:
                return

    def pause(self, seconds: float) -> None:
        """Let nobody ask for so long, and then at half the rate: what was refused is more than the quota allows."""
        now = asyncio.get_running_loop().time()
        if now >= self._paused_until:  # those who were under way meet the same refusal, which slows down once
            self._gap_s = min(2 * self._gap_s, max(self._gap_s, 1 / _SLOWEST_PER_S))
        self._paused_until = max(self._paused_until, now + seconds)


async def patiently(ask: Callable[[], Awaitable[Session]], pace: Pace) -> Session:
    """The answer, asked for again where that can help. Raises `SignInError`: the last one."""

    def wait(state: tenacity.RetryCallState) -> float:
        return (_for_quota if isinstance(_error(state), QuotaExceeded) else _briefly)(state)

    def pause(state: tenacity.RetryCallState) -> None:
        if isinstance(_error(state), QuotaExceeded) and state.next_action is not None:
            pace.pause(state.next_action.sleep)

    def enough(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= (QUOTA_TRIES if isinstance(_error(state), QuotaExceeded) else TRIES)

    async def in_turn() -> Session:
        await pace.turn()
        return await ask()

    retrying = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type((Unavailable, QuotaExceeded)),
        wait=wait,
        stop=enough,
        before_sleep=pause,
        reraise=True,
    )
    try:
        return await retrying(in_turn)
    except (Unavailable, QuotaExceeded) as error:
        tries = retrying.statistics["attempt_number"]
        raise type(error)(f"{error}; asked {tries} times") from None


def _error(state: tenacity.RetryCallState) -> SignInError | None:
    error = None if state.outcome is None else state.outcome.exception()
    return error if isinstance(error, SignInError) else None
