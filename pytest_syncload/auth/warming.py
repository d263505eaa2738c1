"""Signs a pool's users in before the load, some at once, and says how far it is. How fast is the source's own pace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from pytest_syncload.auth.errors import SignInError
from pytest_syncload.auth.firebase import AT_ONCE
from pytest_syncload.auth.session import Session, Source

#: How often it is said how far it is, seconds.
SAY_EVERY_S = 1.0


async def warm(
    source: Source,
    users: Sequence[int],
    take: Callable[[int, Session], None],
    say: Callable[[int, int], None],
    stop: asyncio.Event,
) -> None:
    """Sign ``users`` in, or until ``stop`` is set; ``take`` gets each place among them and its session.

    ``say`` hears at once, every second, and in the end, how many are done, of how many.

    Raises `SignInError`: of the first user who cannot be signed in. The others are then let be.
    """
    waiting = iter(enumerate(users))
    done = 0

    async def sign_in_the_next() -> None:
        nonlocal done
        for place, user in waiting:
            take(place, await source.sign_in(user))
            done += 1

    async def sign_in_all() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(users))):
                group.create_task(sign_in_the_next())

    async def keep_saying() -> None:
        while True:
            say(done, len(users))
            await asyncio.sleep(SAY_EVERY_S)

    signing, saying, stopping = (asyncio.create_task(each) for each in (sign_in_all(), keep_saying(), _until(stop)))
    refused: BaseException | None = None
    try:
        await asyncio.wait({signing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if signing.done():
            signing.result()
    except* SignInError as group:
        # Not raised here: Python 3.11.2, which Debian 12 has, would wrap it in a group again.
        refused = group.exceptions[0]
    finally:
        for task in (signing, saying, stopping):
            task.cancel()
        await asyncio.wait({signing})
    if refused is not None:
        raise refused from None
    say(done, len(users))


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
