"""False greens of the generator processes: ended too early, lost, too busy, or with tokens that end before them."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import jwt

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.phase import offer_hold, run_phase
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.plan import RequestTemplate, TokenFile
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.local import local_fleet
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import ShardReport
from pytest_syncload.load.snapshot import Held, Merged, Slice, Snapshot
from tests.auth.scripted import scripted
from tests.conductor.plans import REAL, phase, spec
from tests.false_greens.entry import Entry, Seen, Through
from tests.false_greens.of_the_load import nothing
from tests.false_greens.offering import judged, shard_of, summed
from tests.rows import THROTTLES

_PHASE = "pytest_syncload.conductor.phase"
_VALIDITY = "pytest_syncload.load.validity"

#: Says the lines of its job once it was told to start.
CHILD = """
import json, sys
lines = json.loads(sys.stdin.readline())
print('{"ready": {}}', flush=True)
sys.stdin.readline()
for line in lines: print(line, flush=True)
"""


def snapshot(ok: int) -> str:
    hold = Slice(outcomes=Counter({Outcome.OK: ok}))
    return json.dumps({"snapshot": Snapshot(held={0: Held(part=hold)}).to_json()})


def report(sent: int, **changes: Any) -> str:
    plain = ShardReport(index=0, sent=sent, interrupted=False, cpu_percent=9.0, lag_p99_ms=1.0, peak_in_flight=9)
    return json.dumps({"report": asdict(replace(plain, **changes))})


def followed(*scripts: list[str], jump_s: float = 0.0) -> Seen:
    """A phase of 1,000 arrivals whose generators say this."""
    shard = shard_of("http://nowhere", pacer=Pacer(rate_per_s=1000.0, ramp_s=0.0, hold_s=1.0), shards=len(scripts))
    merged = Merged()
    with local_fleet([sys.executable, "-S", "-c", CHILD], [json.dumps(script) for script in scripts]) as fleet:
        fleet.muster(lambda: None)
        fared = fleet.follow(time.monotonic(), lambda data: merged.add(Snapshot.from_json(data)), lambda: None)
    return judged(summed(shard, merged, [], fared, jump_s))


def offered_by_a_generator(
    folder: Path, target: str, *, lasts_s: float, hold_s: float, until: Callable[[], object] | None = None
) -> Seen:
    """A phase of a real generator, its token from a file. ``until`` returns when the controller goes, None: never."""
    with ExitStack() as stack:
        file = folder / "tokens.txt"
        file.write_text(jwt.encode({"exp": time.time() + lasts_s}, "as long as HS256 wants it to be, at least"))
        environment = replace(REAL, base_url=f"http://{target}", tokens=TokenFile(path=str(file)))
        plan = replace(spec(), request=RequestTemplate(json={"token": ""}))
        run = RunFolder.named_now(folder)
        run.make()
        controller = stack.enter_context(ExitStack())
        controller.enter_context(run.controller_lock())
        if until is not None:
            wait = until

            def go() -> None:
                wait()
                controller.close()

            leaving = threading.Thread(target=go)
            leaving.start()
            stack.callback(leaving.join)
        lock = stack.enter_context(run.phase_lock())
        # No sandbox is there that would have to keep up.
        ground = Ground(environment=environment, clock=ServiceClock.starting_now(speed=600.0))
        try:
            ended = run_phase(plan, phase("peak", hold_s=hold_s), ground, run, lock, lambda _: None, offer_hold)
        except PhaseInvalid:
            return Seen.ERROR
    return judged(ended, THROTTLES)


def interrupted(tmp_path: Path) -> Seen:
    """By the time that the target has its first request, which it never answers."""
    with socket.create_server(("127.0.0.1", 0)) as target, ExitStack() as open_things:
        target.settimeout(30)

        def first_request() -> None:
            open_things.enter_context(target.accept()[0]).recv(1)

        host = f"127.0.0.1:{target.getsockname()[1]}"
        return offered_by_a_generator(tmp_path, host, lasts_s=9999, hold_s=36_000.0, until=first_request)


def short_tokens(tmp_path: Path) -> Seen:
    with scripted((200, {})) as target:
        return offered_by_a_generator(tmp_path, target.host, lasts_s=9, hold_s=60.0)


def _entry(name: str, mistake: str, through: Through, scenario: Any, guards: dict[str, Any], *needs: str) -> Entry:
    return Entry(name=name, mistake=mistake, through=through, scenario=scenario, guards=guards, needs=needs)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "a phase that was interrupted",
        "The controller goes in the middle of the hold, and what was measured until then is judged.",
        Through.SOCKETS,
        interrupted,
        {
            f"{_PHASE}:broken_off": lambda *_: [],
            f"{_PHASE}:sent_but_not_counted": nothing,
            f"{_VALIDITY}:hold_cut_short": nothing,
            f"{_VALIDITY}:offered_too_little": nothing,
        },
        "tmp_path",
    ),
    _entry(
        "tokens that end before the hold does",
        "The tokens of a file expire during the hold; the rest is refused, or runs on a cache of verified tokens.",
        Through.SOCKETS,
        short_tokens,
        {"pytest_syncload.conductor.carrying:refuse_short_tokens": nothing},
        "tmp_path",
    ),
    _entry(
        "a generator that was lost",
        "A generator dies with its last second's failures uncounted; the others were all right.",
        Through.PROCESSES,
        lambda: followed([snapshot(500), report(500)], [snapshot(495)]),
        {
            f"{_PHASE}:lost_generators": lambda _: [],
            f"{_PHASE}:sent_but_not_counted": nothing,
            f"{_VALIDITY}:generators_without_report": nothing,
        },
    ),
    _entry(
        "a snapshot that was lost",
        "The one second in which requests failed does not reach the parent.",
        Through.PROCESSES,
        lambda: followed([snapshot(995), snapshot(5)[:-9], report(1000)]),
        {f"{_PHASE}:sent_but_not_counted": nothing},
    ),
    _entry(
        "a generator without a core to spare",
        "The generator is at the end of its CPU, and what it reports is its own slowness, or nothing of it.",
        Through.PROCESSES,
        lambda: followed([snapshot(1000), report(1000, cpu_percent=9700.0)]),
        {f"{_VALIDITY}:too_busy": nothing},
    ),
    _entry(
        "a clock that jumped",
        "NTP sets the clock during the hold, and CloudWatch is asked for minutes that were not under load.",
        Through.PROCESSES,
        lambda: followed([snapshot(1000), report(1000)], jump_s=3.0),
        {f"{_PHASE}:clock_jumped": lambda _: []},
    ),
)
