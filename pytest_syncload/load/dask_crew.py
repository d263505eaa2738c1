"""A Dask cluster's workers as a crew: one generator a worker, started at one moment by each worker's own clock.

A generator's lines come as Dask's events and go by functions that its worker runs, one after the other. What Dask does
not tell is not waited for: a task whose worker died stays pending for ever, so a generator is lost by its silence.

Only TLS leaves this machine: a job names the users' API key and carries a service account.
API: distributed's documentation of Client, "Events", "Security".
"""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Any, Self, TypeVar

import distributed

from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.load import courier
from pytest_syncload.load.courier import About
from pytest_syncload.load.crew import LEAD_SECONDS
from pytest_syncload.load.dask_link import DaskLink
from pytest_syncload.load.dask_rules import host_of, made, parted, require_alike, require_known, require_tls, said
from pytest_syncload.load.fleet import Fleet, Inbox
from pytest_syncload.load.limits import Cap, in_flight_cap

#: A generator of a cluster that is silent for this long is lost.
SILENCE_SECONDS = 3.0
#: How long a scheduler may take to be connected with, and a worker to answer a question, seconds.
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
#: How long a cluster that is made may take to have its workers.
MADE_SECONDS = 600.0
_TICK_SECONDS = 0.5
#: How often a worker's clock is asked: the quickest answer counts, because least of it is the way.
_ROUNDS = 9
_T = TypeVar("_T")


class DaskCrew:
    """The workers of ``cluster``. A context manager: a cluster that it made ends with it.

    ``look`` may raise once they are known, before any of them is told anything. ``keep_going`` says why to wait no
    longer, None while not; what a cluster's own class waits for is not broken off, so that it is ended rightly.

    Raises:
        PhaseInvalid: the cluster cannot be reached or made, has fewer workers, would be talked to in clear, or its
            workers are not like this process.
    """

    def __init__(
        self,
        cluster: DaskCluster,
        look: Callable[[DaskCrew], None] = lambda _: None,
        keep_going: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._plan = cluster
        self._look = look
        self._keep_going = keep_going
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._made: Any = None
        self._client: Any = None
        self._gone: set[str] = set()
        self._links: list[DaskLink] = []
        self._inbox: Inbox = Inbox()
        self._tasks: set[asyncio.Future[Any]] = set()
        self._workers: tuple[str, ...] = ()
        self._about: tuple[About, ...] = ()
        #: Of each worker: how far its monotonic clock is ahead of this one's, and how well that is known.
        self._offsets: tuple[tuple[float, float], ...] = ()

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="syncload-dask", daemon=True)
        self._thread.start()
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._keep_going = lambda: None  # the end is not broken off
        with suppress(Exception):
            self._wait(self._close(), ANSWER_SECONDS)
        if self._made is not None:
            with suppress(Exception):
                self._made.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    @property
    def generators(self) -> int:
        """One a worker."""
        return self._plan.workers

    @property
    def lead_s(self) -> float:
        """Beyond the time that a word needs to the worker that is furthest away, twice over."""
        return LEAD_SECONDS + 4 * max((within for _, within in self._offsets), default=0.0)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where the workers are, one for each."""
        return tuple(host_of(worker) for worker in self._workers)

    @property
    def in_words(self) -> str:
        """What the workers are, for a person."""
        pythons = ", ".join(sorted({about.python for about in self._about}))
        within_ms = 1000 * max(within for _, within in self._offsets)
        machines = len({about.host for about in self._about})
        return (
            f"{self.generators} workers of {self._plan.name}, machines: {machines}, "
            f"Python {pythons}, their clocks known within {within_ms:.2g} ms"
        )

    def everywhere(self, function: Callable[..., _T], *args: Any) -> tuple[_T, ...]:
        """What ``function``, which workers can import, gives on each worker. Raises `PhaseInvalid`."""
        return self._wait(self._everywhere(function, *args), 2 * ANSWER_SECONDS)

    def cap(self, rate_per_s: float, timeout_s: float) -> Cap:
        """The least of the workers' caps, of which some may share a machine."""
        sharing = Counter(about.host for about in self._about)
        caps = (
            in_flight_cap(rate_per_s, timeout_s, self.generators, on=about.machine, sharing=sharing[about.host])
            for about in self._about
        )
        return min(caps, key=lambda cap: cap.value)

    def fleet(self, jobs: Sequence[str]) -> Fleet:
        """A pinned task for each."""
        topic = f"syncload-{uuid.uuid4().hex}"
        self._links = [
            DaskLink(self, index, worker, f"{topic}-{index}", self._offsets[index][0])
            for index, worker in enumerate(self._workers)
        ]
        self._wait(self._submit(topic, jobs), 2 * ANSWER_SECONDS)
        return Fleet(self._links, self._inbox, silence_s=SILENCE_SECONDS)

    def ready(self) -> None:
        """Minutes may have passed since the clocks were asked."""
        self._measure()
        for link, (offset_s, _) in zip(self._links, self._offsets, strict=True):
            link.offset_s = offset_s

    def parted(self) -> tuple[str, ...]:
        """By the clocks as they are now; each worker is asked by itself."""

        async def asked() -> list[tuple[float, float] | None]:
            told = (asyncio.wait_for(self._offset_of(worker), ANSWER_SECONDS) for worker in self._workers)
            found = await asyncio.gather(*told, return_exceptions=True)
            return [None if isinstance(each, BaseException) else each for each in found]

        try:
            now = self._wait(asked(), 2 * ANSWER_SECONDS)
        except PhaseInvalid:
            now = [None] * len(self._workers)
        return parted(self._workers, self._offsets, now)

    def lose(self, index: int, why: str) -> None:
        """As if its output had ended."""
        link = self._links[index]
        if link.ended is None:
            link.ended = why
            self._inbox.put((index, None))

    def whereabouts(self, worker: str) -> str:
        """What is known of a worker that is silent."""
        # Nothing is asked: whoever wants to know is to stop the others meanwhile.
        if self._client is None or self._client.status != "running":
            return f"the scheduler of {self._plan.name} is gone"
        if worker in self._gone:
            return f"its worker {worker} is gone"
        return f"its worker {worker} does not answer, or its scheduler was frozen or started again"

    # What follows is for the loop's thread, but for `_wait` and `later`.

    def later(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Do this in the loop, whatever becomes of it."""

        def begin() -> None:
            task = asyncio.ensure_future(coroutine)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

        self._loop.call_soon_threadsafe(begin)

    async def tell(self, worker: str, key: str, lines: Sequence[str] | None) -> None:
        """Have a generator hear this."""
        if self._client is not None:
            await self._client.run(courier.hear, key, lines, workers=[worker])

    def _wait(self, awaitable: Awaitable[_T], seconds: float) -> _T:
        """The outcome, from another thread. Raises `PhaseInvalid` with what Dask said, or that it said nothing."""

        async def in_time() -> _T:
            return await asyncio.wait_for(awaitable, seconds)

        going_on = asyncio.run_coroutine_threadsafe(in_time(), self._loop)
        give_up_at = time.monotonic() + seconds + _TICK_SECONDS
        try:
            while True:
                try:
                    return going_on.result(_TICK_SECONDS)
                except TimeoutError:
                    if going_on.done() or time.monotonic() > give_up_at:
                        raise
                    if (reason := self._keep_going()) is not None:
                        going_on.cancel()
                        raise PhaseInvalid(reason) from None
        except PhaseInvalid:
            raise
        except (TimeoutError, asyncio.CancelledError):
            raise PhaseInvalid(f"{self._plan.name} did not answer within {seconds:.0f} s; nothing was sent") from None
        except Exception as error:  # noqa: BLE001 - a cluster's class and its workers may raise anything
            raise PhaseInvalid(f"{self._plan.name}: {said(error)}; nothing was sent") from None

    def _open(self) -> None:
        address, security, wait_s = self._plan.address, None, CONNECT_SECONDS
        if self._plan.cluster_class is not None:
            self._made = made(self._plan)
            # Not every kind of cluster has one; then Dask's own settings hold.
            security, wait_s = getattr(self._made, "security", None), MADE_SECONDS
            address = str(self._made.scheduler_address)
        assert address is not None
        require_tls([address])
        self._wait(self._connect(address, security), wait_s + CONNECT_SECONDS)
        require_tls(self._workers)
        self._about = self.everywhere(courier.about)
        require_tls([about.scheduler for about in self._about])
        require_alike(self._workers, self._about, courier.digest_of_the_plugin())
        self._measure()
        self._look(self)

    def _measure(self) -> None:
        self._offsets = self._wait(self._measured_offsets(), _ROUNDS * ANSWER_SECONDS)
        require_known(self._workers, self._offsets)

    async def _connect(self, address: str, security: Any) -> None:
        security = {} if security is None else {"security": security}
        kind: Any = distributed.Client
        self._client = kind(address, asynchronous=True, set_as_default=False, timeout=CONNECT_SECONDS, **security)
        await self._client
        self._client.subscribe_topic("all", self._notice)
        wanted = self._plan.workers
        wait_s = CONNECT_SECONDS if self._made is None else MADE_SECONDS
        with suppress(TimeoutError):
            await self._client.wait_for_workers(wanted, timeout=wait_s)
        there = sorted(await self._client.nthreads())
        if len(there) < wanted:
            raise PhaseInvalid(
                f"{self._plan.name} has {len(there)} workers, and load.generators.dask wants {wanted}; nothing was sent"
            )
        self._workers = tuple(there[:wanted])

    def _notice(self, event: tuple[float, Any]) -> None:
        said = event[1]
        if not isinstance(said, dict) or said.get("action") != "remove-worker":
            return
        self._gone.add(str(said.get("worker")))
        for link in self._links:
            if link.worker in self._gone:
                self.lose(link.index, f"its worker {link.worker} is gone")
                # One that comes back at its address would begin again.
                self.later(self._client.cancel([link.future], force=True))

    async def _everywhere(self, function: Callable[..., _T], *args: Any) -> tuple[_T, ...]:
        assert self._client is not None
        told = await self._client.run(function, *args, workers=list(self._workers), on_error="return")
        for worker in self._workers:
            if isinstance(told[worker], BaseException):
                raise PhaseInvalid(
                    f"worker {worker} cannot do its part: {said(told[worker])}; install pytest-syncload "
                    f"{version('pytest-syncload')} with the extra dask there, and what slo.yaml and conftest.py import"
                )
        return tuple(told[worker] for worker in self._workers)

    async def _measured_offsets(self) -> tuple[tuple[float, float], ...]:
        return tuple(await asyncio.gather(*map(self._offset_of, self._workers)))

    async def _offset_of(self, worker: str) -> tuple[float, float]:
        """How far this worker's monotonic clock is ahead, and within how many seconds that is known."""
        best = (0.0, float("inf"))
        for _ in range(_ROUNDS):
            asked = time.monotonic()
            told = (await self._client.run(time.monotonic, workers=[worker]))[worker]
            answered = time.monotonic()
            if (half := (answered - asked) / 2) < best[1]:
                best = (told - (asked + half), half)
        return best

    async def _submit(self, topic: str, jobs: Sequence[str]) -> None:
        assert self._client is not None

        def take(event: tuple[float, Any]) -> None:
            index, message = event[1]
            if "ended" in message:
                self.lose(index, str(message["ended"]))
            else:
                self._inbox.put((index, message))

        self._client.subscribe_topic(topic, take)
        for link, job in zip(self._links, jobs, strict=True):
            link.future = self._client.submit(
                courier.carry,
                topic,
                link.key,
                link.index,
                job,
                key=link.key,
                workers=[link.worker],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )
            link.future.add_done_callback(partial(self._task_ended, link.index))
            self.later(link.talk())

    def _task_ended(self, index: int, future: Any) -> None:
        if future.status == "error":
            self.lose(index, "its task failed before it could say why; look into its worker's log")

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._client is not None:
            with suppress(Exception):
                await self._client.cancel([link.future for link in self._links if link.future is not None], force=True)
            with suppress(Exception):
                await self._client.close(timeout=2)
        # What the client has left to do goes with it.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
