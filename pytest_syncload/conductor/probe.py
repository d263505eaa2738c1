"""One sign-in and one request, by a generator process like those of a phase: what is refused here costs no phase.

The token's claims and signature are verified first (by `auth.verify`, in the generator: no token comes here). The
request goes the way that every arrival goes, template, token and key included; nothing of it is repeated.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any

from pytest_syncload.conductor.carrying import identities_of, import_paths
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.plan import HIDDEN, RequestTemplate, Spec
from pytest_syncload.facts.result import Outcome, Tally
from pytest_syncload.facts.units import format_number
from pytest_syncload.load.job import JOB, Job
from pytest_syncload.load.local import local_fleet
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard
from pytest_syncload.load.snapshot import Merged, Snapshot

NAME = "sign-in and request"
#: Wall seconds after which sign-in and request are given up: whoever waits wants to know in ten. They count from when
#: the generator begins to sign in; that a busy machine starts processes slowly is nothing against the target.
LONGEST_S = 8.0
#: An answer that takes longer than this is a finding by itself.
_TIMEOUT_S = 5.0
#: One arrival at its very start.
_PACER = Pacer(rate_per_s=10.0, ramp_s=0.0, hold_s=0.1)
_LEAD_S = 0.05


def probe(spec: Spec, ground: Ground, folder: RunFolder, keep_going: Callable[[], str | None]) -> Check:
    """Sign one user in and send one request as that user. ``keep_going`` says why to break off, None while not."""
    environment = ground.environment
    whence = identities_of(spec, environment)
    if environment.base_url is None or whence is None:
        missing = "base_url" if environment.base_url is None else "firebase"
        return _failed(f"environment {environment.name!r} has no {missing}; add it")
    job = Job(
        shard=Shard(
            base_url=environment.base_url,
            request=spec.request,
            pacer=_PACER,
            shard=0,
            shards=1,
            hold_from_s=0.0,
            hold_to_s=_PACER.hold_s,
            timeout_s=min(_TIMEOUT_S, spec.load.timeout_s),
            in_flight_cap=1,
            # A key of its own each time: the answer to a repeated one would come out of a store.
            key_prefix=f"{folder.run_id}-{time.monotonic_ns():x}-check",
            transport=spec.load.transport,
        ),
        identities=whence,
        only_one=True,
        paths=import_paths(spec),
        request_from=spec.request_from,
    )
    path = spec.request.path
    for secret in spec.request.hidden:
        path = path.replace(secret, HIDDEN)
    where = f"{spec.request.method} {environment.base_url}{path}"
    command = [sys.executable, "-m", "pytest_syncload.generator", str(folder.controller_lock_path)]
    merged = Merged()
    give_up_at = math.inf

    def begins(_: int, __: dict[str, Any]) -> None:
        nonlocal give_up_at
        give_up_at = min(give_up_at, time.monotonic() + LONGEST_S)

    def in_time() -> str | None:
        late = f"no sign-in and answer within {LONGEST_S:.0f} s" if time.monotonic() > give_up_at else None
        return keep_going() or late

    try:
        with local_fleet(command, [JOB.dump_json(job).decode()]) as fleet:
            (message,) = fleet.muster(in_time, begins)
            fared = fleet.follow(
                time.monotonic() + _LEAD_S,
                lambda data: merged.add(Snapshot.from_json(data)),
                in_time,
            )
    except PhaseInvalid as error:
        return _failed(f"{error}")
    if fared.lost or fared.stopped is not None:
        return _failed("; ".join(fared.lost) or f"{where}: {fared.stopped}")
    if merged.hold[Outcome.OK] == 1:
        took = merged.service_time.percentile(50)
        in_ms = "" if took is None else f" in {format_number(took)} ms"
        return Check(name=NAME, finding=Finding.OK, says=f"{where} was accepted{in_ms}; {message['ready']['token']}")
    became = ", ".join(outcome.value for outcome in Outcome if merged.hold[outcome]) or "lost"
    answers = "; ".join(example.removeprefix(f"{became}: ") for example in merged.examples) or "there was no answer"
    return _failed(f"{where} was not accepted ({became}): {answers}{_wanted(spec.request, merged.hold)}")


def _wanted(request: RequestTemplate, hold: Tally) -> str:
    """What request.expect of slo.yaml would have taken, and where to look."""
    if hold[Outcome.UNEXPECTED_STATUS]:
        statuses = " or ".join(map(str, request.statuses))
        return f"; request.expect of slo.yaml wants {statuses}: mend the request or its users, or what is expected"
    if hold[Outcome.WRONG_BODY]:
        wanted = [
            *(f"header {name}" for name, _ in request.expect_headers),
            *(f"json {name}" for name in request.expect_json),
        ]
        return f"; request.expect of slo.yaml wants {', '.join(wanted)}: mend the request, or what is expected"
    return ""


def _failed(says: str) -> Check:
    return Check(name=NAME, finding=Finding.FAILED, says=says)
