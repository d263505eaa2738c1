"""What one generator carries on this machine: the plan's request at a rising rate, against a process that just answers.

Nothing leaves the machine: the target is on loopback and the identities are made up. What is found holds for this
machine, this request and an otherwise idle moment; a target further away costs a generator more.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from pytest_syncload.conductor.carrying import import_paths
from pytest_syncload.conductor.crews import RATE_A_GENERATOR
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.calibration import Calibration, Step
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import ANY, UNIQUE, Spec
from pytest_syncload.load.job import JOB, Job
from pytest_syncload.load.limits import in_flight_cap
from pytest_syncload.load.local import local_fleet
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.sameness import distinct_members
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from pytest_syncload.load.validity import CPU_PERCENT, invalidities
from pytest_syncload.sandbox.sink import Right

_RAMP_S = 0.3
_HOLD_S = 1.0
_LEAD_S = 0.1
#: What has not been answered in this time, by a process beside it, is beyond what is carried.
_TIMEOUT_S = 1.0
#: Of the rate that is trusted unmeasured, how much is offered first; then twice as much each time.
_FIRST = 0.4
_DOUBLINGS = 5


def calibrate(spec: Spec, folder: RunFolder, tell: Callable[[Step], None]) -> Calibration:
    """Double the rate until one generator no longer carries it, then try what its CPU says it should carry.

    ``tell`` hears of each step. Raises `PhaseInvalid` where a generator does not even start.
    """
    steps: list[Step] = []

    def tried(rate: float) -> Step:
        step = _step(spec, url, rate, folder)
        steps.append(step)
        tell(step)
        return step

    with _sink(spec) as url:
        rate = _FIRST * RATE_A_GENERATOR[spec.load.transport]
        while len(steps) < _DOUBLINGS and tried(rate).fell_short is None:
            rate *= 2
        between = _between(steps)
        if between is not None:
            tried(between)
    return Calibration(steps=tuple(steps))


def _between(steps: list[Step]) -> float | None:
    """The rate at which a generator's CPU would meet its limit, if that lies between what was carried and what not."""
    good = [step for step in steps if step.fell_short is None and step.cpu_percent > 0]
    if not good or steps[-1].fell_short is None:
        return None
    rate = round(good[-1].rate_per_s * 0.95 * CPU_PERCENT / good[-1].cpu_percent, -2)
    return rate if good[-1].rate_per_s < rate < steps[-1].rate_per_s else None


def _step(spec: Spec, url: str, rate: float, folder: RunFolder) -> Step:
    pacer = Pacer(rate_per_s=rate, ramp_s=_RAMP_S, hold_s=_HOLD_S)
    shard = Shard(
        base_url=url,
        request=spec.request,
        pacer=pacer,
        shard=0,
        shards=1,
        hold_from_s=_RAMP_S,
        hold_to_s=pacer.ends_s,
        timeout_s=_TIMEOUT_S,
        in_flight_cap=in_flight_cap(rate, _TIMEOUT_S, 1).value,
        key_prefix=f"calibrate-{rate:.0f}",
        transport=spec.load.transport,
    )
    command = [sys.executable, "-m", "pytest_syncload.generator", str(folder.controller_lock_path)]
    merged = Merged()
    job = Job(shard=shard, identities=None, paths=import_paths(spec), request_from=spec.request_from)
    with local_fleet(command, [JOB.dump_json(job).decode()]) as fleet:
        fleet.muster(lambda: None)
        fared = fleet.follow(
            time.monotonic() + _LEAD_S,
            lambda data: merged.add(Snapshot.from_json(data)),
            lambda: None,
        )
    reports = tuple(ShardReport(**report) for report in fared.reports)
    wrong = invalidities(
        scheduled_in_hold=pacer.scheduled(_RAMP_S, pacer.ends_s),
        hold=merged.hold,
        reports=reports,
        shards=1,
        lag_p99_ms=merged.lag.percentile(99),
        statuses=merged.statuses,
        examples=merged.examples,
    )
    reasons = [*fared.lost, *(each.what for each in wrong)]
    return Step(
        rate_per_s=rate,
        lag_p99_ms=merged.lag.percentile(99) or 0.0,
        cpu_percent=max((report.cpu_percent for report in reports), default=0.0),
        fell_short=reasons[0] if reasons else None,
    )


@contextmanager
def _sink(spec: Spec) -> Iterator[str]:
    """The address of a process that gives the answer that ``request.expect`` wants."""
    request = spec.request
    right = Right(
        status=request.statuses[0],
        headers={name: _there(value) for name, value in request.expect_headers},
        members=_there(dict(request.expect_json)),
        distinct=distinct_members(request),
    )
    command = [sys.executable, "-m", "pytest_syncload.sandbox.sink"]
    # In a session of its own: Ctrl-C goes to the terminal's process group, and this one ends with its stdin.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(asdict(right)) + "\n")
            process.stdin.flush()
            port = int(process.stdout.readline())
        except (OSError, ValueError):
            process.kill()
            raise Refused(f"the process to calibrate against did not start (exit code {process.wait()})") from None
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()


def _there(wanted: Any) -> Any:
    """A value that is right where this one is wanted."""
    if isinstance(wanted, dict):
        return {name: _there(value) for name, value in wanted.items()}
    if isinstance(wanted, list):
        return [_there(value) for value in wanted]
    return "there" if wanted in (ANY, UNIQUE) else wanted
