"""A client: aiohttp's own, as a careful user would use it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from benchmarks.engine.drive import Call, main
from benchmarks.engine.request import BODY_TEXT, KEY_HEADER, MEMBER, PATH, STATUS, Job


@contextlib.asynccontextmanager
async def opened(job: Job) -> AsyncIterator[Call]:
    """A session without a limit of its own on connections."""
    headers, body, url = job.headers(), BODY_TEXT.encode(), job.url + PATH
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def call(key: str) -> bool:
            async with session.post(url, data=body, headers=headers | {KEY_HEADER: key}) as response:
                return response.status == STATUS and MEMBER in await response.json()

        yield call


if __name__ == "__main__":
    main(opened)
