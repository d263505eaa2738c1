"""A Dask cluster as a crew: scheduler and workers are processes, and the load goes over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed", reason="the extra dask is not installed")

import dask

from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load import dask_crew, dask_link
from pytest_syncload.load.courier import About
from pytest_syncload.load.crew import Crew, LocalCrew
from pytest_syncload.load.dask_crew import DaskCrew
from pytest_syncload.load.dask_link import DaskLink
from pytest_syncload.load.dask_rules import (
    is_loopback,
    made,
    parted,
    require_alike,
    require_known,
    require_tls,
)
from pytest_syncload.load.fleet import Fared
from pytest_syncload.load.job import JOB, REPORT, Job
from pytest_syncload.load.limits import Machine
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.shard import Shard, ShardReport
from pytest_syncload.load.snapshot import Merged, Snapshot
from tests.load.authority import Authority
from tests.load.cluster import Processes
from tests.load.counting import Counting

REQUEST = RequestTemplate(path="/v1/sync-jobs", json={"a": 1}, expect_status=202)
#: A quarter of a second of ramp, and a hold.
PACER = Pacer(rate_per_s=400.0, ramp_s=0.25, hold_s=2.0)
LONG = Pacer(rate_per_s=100.0, ramp_s=0.0, hold_s=120.0)
MINE = About(
    python=platform.python_version(),
    plugin=version("pytest-syncload"),
    digest="d1",
    host="here",
    machine=Machine(files=None, ports=9),
)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    """A scheduler with four workers that nobody harms."""
    with Processes(tmp_path_factory.mktemp("cluster"), 4) as cluster:
        yield cluster


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Processes]:
    """A scheduler with two workers, to be harmed."""
    with Processes(tmp_path, 2) as cluster:
        yield cluster


@pytest.fixture
def target() -> Iterator[Counting]:
    with Counting() as counting:
        yield counting


def jobs(target: Counting, shards: int, pacer: Pacer, prefix: str) -> list[str]:
    plain = Shard(
        base_url=target.url,
        request=REQUEST,
        pacer=pacer,
        shard=0,
        shards=shards,
        hold_from_s=pacer.ramp_s,
        hold_to_s=pacer.ends_s,
        timeout_s=10.0,
        in_flight_cap=1000,
        key_prefix=prefix,
    )
    return [JOB.dump_json(Job(shard=replace(plain, shard=shard), identities=None)).decode() for shard in range(shards)]


def offered(
    crew: Crew, target: Counting, pacer: Pacer, prefix: str, keep_going: Callable[[Merged], str | None] = lambda _: None
) -> tuple[Merged, Fared]:
    """The schedule, offered by this crew."""
    merged = Merged()
    with crew as there, there.fleet(jobs(target, there.generators, pacer, prefix)) as fleet:
        fleet.muster(lambda: None)
        fared = fleet.follow(
            time.monotonic() + there.lead_s,
            lambda data: merged.add(Snapshot.from_json(data)),
            lambda: keep_going(merged),
        )
    return merged, fared


def reports(fared: Fared) -> list[ShardReport]:
    return [REPORT.validate_python(report) for report in fared.reports]


def crew_of(cluster: Processes, workers: int) -> DaskCrew:
    return DaskCrew(DaskCluster(address=cluster.address, workers=workers))


def test_four_workers_offer_exactly_the_schedule_as_one_machine_does(
    four: Processes, target: Counting, tmp_path: Path
) -> None:
    merged, fared = offered(crew_of(four, 4), target, PACER, "fleet")
    assert (fared.lost, fared.stopped) == ((), None)
    due = PACER.scheduled(0.0, PACER.ends_s)
    assert [target.keys[key] for key in target.keys if key.startswith("fleet")] == [1] * due
    assert merged.all_arrivals.arrivals == due == sum(report.sent for report in reports(fared))
    assert not any(report.interrupted or report.late_turns for report in reports(fared))
    with (tmp_path / "controller.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "pytest_syncload.generator", lock.name]
        alone, one = offered(LocalCrew(1, command, lock.fileno()), target, PACER, "local")
    assert one.lost == ()
    # The same arrivals, by index: only what the keys begin with differs.
    of = {name: {key.removeprefix(name) for key in target.keys if key.startswith(name)} for name in ("fleet", "local")}
    assert of["fleet"] == of["local"]
    assert (merged.hold.outcomes, merged.ramp.outcomes) == (alone.hold.outcomes, alone.ramp.outcomes)
    assert [second.tally.arrivals for second in merged.timeline()] == [
        second.tally.arrivals for second in alone.timeline()
    ]


def test_a_stop_is_heard_by_all(four: Processes, target: Counting) -> None:
    merged, fared = offered(
        crew_of(four, 2), target, LONG, "stop", lambda seen: "enough" if seen.all_arrivals.arrivals > 50 else None
    )
    assert (fared.stopped, fared.lost) == ("enough", ())
    assert [report.interrupted for report in reports(fared)] == [True, True]
    assert merged.all_arrivals.arrivals < 0.2 * LONG.scheduled(0.0, LONG.ends_s)


def test_what_the_workers_are_is_told_and_their_clocks_are_known(four: Processes) -> None:
    with crew_of(four, 3) as crew:
        assert crew.in_words.startswith(f"3 workers of {four.address}, machines: 1, Python {sys.version_info.major}.")
        assert crew.hosts == ("127.0.0.1",) * 3
        assert crew.everywhere(platform.system) == (platform.system(),) * 3
        assert crew.parted() == (), "of one machine all clocks are one"
        assert crew.cap(300.0, 1.0).value == 101


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_lost_worker_stops_all_and_is_named(two: Processes, target: Counting, how: str) -> None:
    harmed = False

    def harm(merged: Merged) -> str | None:
        nonlocal harmed
        if not harmed and merged.all_arrivals.arrivals > 20:
            harmed = True
            if how == "killed":
                two.workers[0].kill()
            else:
                two.freeze(0)
        return None

    try:
        _, fared = offered(crew_of(two, 2), target, LONG, how, harm)
        (lost,) = fared.lost
        assert ("is gone" if how == "killed" else "was silent for 3 s and is lost: its worker ") in lost
        assert fared.stopped == lost
        assert len(fared.reports) == 1, "the other one has been told to stop, and reports"
        settle(target)
    finally:
        if how == "frozen":
            two.thaw(0)


def test_a_scheduler_that_is_started_again_loses_all(two: Processes, target: Counting) -> None:
    harmed = False

    def harm(merged: Merged) -> str | None:
        nonlocal harmed
        if not harmed and merged.all_arrivals.arrivals > 20:
            harmed = True
            two.scheduler.kill()
            two.scheduler.wait(10)
            two.start_scheduler(int(two.address.rpartition(":")[2]))
        return None

    _, fared = offered(crew_of(two, 2), target, LONG, "restarted", harm)
    assert len(fared.lost) == 2
    assert fared.reports == ()
    settle(target)


def test_a_frozen_scheduler_stops_all_and_keeps_nobody_waiting(two: Processes, target: Counting) -> None:
    harmed = False

    def harm(merged: Merged) -> str | None:
        nonlocal harmed
        if not harmed and merged.all_arrivals.arrivals > 20:
            harmed = True
            two.scheduler.send_signal(signal.SIGSTOP)
        return None

    try:
        _, fared = offered(crew_of(two, 2), target, LONG, "frozen-scheduler", harm)
        assert len(fared.lost) == 2
        settle(target)
    finally:
        two.scheduler.send_signal(signal.SIGCONT)


def settle(target: Counting) -> None:
    """Nobody goes on, though nobody can tell a lost one to stop."""
    until = time.monotonic() + 30
    before = -1
    while (now := target.keys.total()) != before:
        assert time.monotonic() < until, "the load goes on"
        before = now
        time.sleep(1.5)


def test_over_tls_as_over_any_way_and_without_the_authority_not_at_all(target: Counting, tmp_path: Path) -> None:
    own = Authority(tmp_path)
    pair = str(own.signed())
    names = {"ca-file": str(own.bundle)}
    names |= {f"{who}.{what}": pair for who in ("scheduler", "worker", "client") for what in ("cert", "key")}
    variables = {
        f"DASK_DISTRIBUTED__COMM__TLS__{name.replace('.', '__').replace('-', '_').upper()}": value
        for name, value in names.items()
    }
    settings = {f"distributed.comm.tls.{name}": value for name, value in names.items()}
    with Processes(tmp_path, 2, tls=variables) as cluster:
        assert cluster.address.startswith("tls://127.0.0.1:")
        with dask.config.set(settings):
            merged, fared = offered(crew_of(cluster, 2), target, PACER, "tls")
        assert (fared.lost, merged.all_arrivals.arrivals) == ((), target.keys.total())
        said = refused(DaskCluster(address=cluster.address, workers=2))
        assert "nothing was sent" in said
        assert target.keys.total() == merged.all_arrivals.arrivals


def refused(cluster: DaskCluster) -> str:
    with pytest.raises(PhaseInvalid) as error, DaskCrew(cluster):
        pass
    return str(error.value)


def test_a_cluster_with_fewer_workers_is_told(four: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    with crew_of(four, 4):
        pass  # all of them are there
    monkeypatch.setattr(dask_crew, "CONNECT_SECONDS", 2.0)
    said = refused(DaskCluster(address=four.address, workers=5))
    assert said == f"{four.address} has 4 workers, and load.generators.dask wants 5; nothing was sent"


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_crew, "CONNECT_SECONDS", 1.0)
    said = refused(DaskCluster(address="tcp://127.0.0.1:9", workers=1))
    assert said.startswith("tcp://127.0.0.1:9")
    assert "nothing was sent" in said


def test_whoever_waits_for_a_cluster_may_be_interrupted(four: Processes) -> None:
    crew = DaskCrew(DaskCluster(address=four.address, workers=9), keep_going=lambda: "the run was interrupted")
    with pytest.raises(PhaseInvalid, match="the run was interrupted"), crew:
        pass


def test_who_looks_may_refuse_before_any_job_is_told(four: Processes) -> None:
    def look(crew: DaskCrew) -> None:
        raise PhaseInvalid(f"not at {crew.hosts[0]}")

    crew = DaskCrew(DaskCluster(address=four.address, workers=1), look)
    with pytest.raises(PhaseInvalid, match=r"not at 127\.0\.0\.1"), crew:
        pass


def nowhere() -> None:
    raise ModuleNotFoundError("No module named 'toy'")


def test_what_a_worker_cannot_do_is_told_with_its_name(four: Processes) -> None:
    with crew_of(four, 1) as crew, pytest.raises(PhaseInvalid, match="cannot do its part: ModuleNotFoundError"):
        crew.everywhere(nowhere)


def test_a_cluster_is_made_and_ends_with_the_crew(target: Counting) -> None:
    kwargs: dict[str, Any] = {"n_workers": 0, "threads_per_worker": 1, "dashboard_address": ":0"}
    cluster = DaskCluster(cluster_class="distributed.LocalCluster", cluster_kwargs=kwargs, workers=1)
    merged, fared = offered(DaskCrew(cluster), target, Pacer(rate_per_s=50.0, ramp_s=0.0, hold_s=1.0), "made")
    assert fared.lost == ()
    assert merged.hold.arrivals == 50 == target.keys.total()


@pytest.mark.parametrize(
    ("path", "kwargs", "said"),
    [
        ("nowhere.Cluster", {}, "cluster_class 'nowhere.Cluster' cannot be imported: No module named 'nowhere'"),
        ("distributed.Toy", {}, "cluster_class 'distributed.Toy' cannot be imported"),
        ("builtins.int", {"toy": "https://key:hunter2@toy.example"}, "builtins.int could not be made: TypeError"),
    ],
)
def test_a_cluster_that_cannot_be_made_is_told(path: str, kwargs: dict[str, Any], said: str) -> None:
    with pytest.raises(PhaseInvalid) as error:
        made(DaskCluster(cluster_class=path, cluster_kwargs=kwargs, workers=1))
    assert said in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "hunter2" not in repr(DaskCluster(cluster_class=path, cluster_kwargs=kwargs, workers=1))


class Grudging:
    """A cluster that cannot grow."""

    closed = 0

    def scale(self, _: int) -> None:
        raise RuntimeError("no capacity")

    def close(self) -> None:
        Grudging.closed += 1


def test_a_cluster_that_cannot_have_its_workers_is_not_left_standing() -> None:
    with pytest.raises(PhaseInvalid, match="Grudging could not be made: RuntimeError: no capacity"):
        made(DaskCluster(cluster_class=f"{__name__}.Grudging", workers=2))
    assert Grudging.closed == 1


@pytest.mark.parametrize(
    ("address", "fine"),
    [
        ("tls://10.0.0.5:8786", True),
        ("tcp://127.0.0.1:8786", True),
        ("tcp://[::1]:8786", True),
        ("tcp://localhost:8786", True),
        ("tcp://10.0.0.5:8786", False),
        ("ws://10.0.0.5:8786", False),
        ("tcp://scheduler:8786", False),
    ],
)
def test_in_clear_nothing_leaves_this_machine(address: str, fine: bool) -> None:
    if fine:
        require_tls(["tls://somewhere:1", address])
        return
    with pytest.raises(PhaseInvalid, match="is no tls:// address, and what a generator is told holds secrets"):
        require_tls(["tls://somewhere:1", address])


def test_workers_must_be_like_this_process() -> None:
    require_alike(["a"], [MINE], "d1")
    with pytest.raises(PhaseInvalid, match=r"worker b has Python 3\.1\.0, and here is .*; make them alike"):
        require_alike(["a", "b"], [MINE, replace(MINE, python="3.1.0")], "d1")
    with pytest.raises(PhaseInvalid, match=r"worker a has pytest-syncload 0\.0, and here is "):
        require_alike(["a"], [replace(MINE, plugin="0.0")], "d1")
    with pytest.raises(PhaseInvalid, match="worker a has other files in its pytest-syncload"):
        require_alike(["a"], [MINE], "d2")


def test_a_clock_that_parted_or_was_not_told_says_so() -> None:
    before = [(100.0, 0.01), (5.0, 0.01), (0.0, 0.01)]
    assert parted(["a", "b", "c"], before, [(100.4, 0.01), (5.0, 0.2), (0.0, 0.0)]) == ()
    found = parted(["a", "b", "c"], before, [(107.0, 0.01), None, (0.0, 4.0)])
    assert "generator 0: the clock of its worker a parted by 7.0 s" in found[0]
    assert "generator 1: its worker b did not tell its time" in found[1]
    assert "generator 2: its worker c did not tell its time" in found[2]


class Told:
    """Who reaches a worker, or does not."""

    def __init__(self, *, reaches: bool = True) -> None:
        self.heard: list[list[str] | None] = []
        self.lost: list[str] = []
        self._reaches = reaches

    async def tell(self, worker: str, key: str, lines: Sequence[str] | None) -> None:
        assert (worker, key) == ("w", "k")
        if not self._reaches:
            raise OSError("no way")
        self.heard.append(None if lines is None else list(lines))

    def lose(self, index: int, why: str) -> None:
        self.lost.append(f"{index}: {why}")

    def whereabouts(self, worker: str) -> str:
        return worker


def test_a_start_is_told_in_the_workers_own_time_and_in_order() -> None:
    told = Told()
    link = DaskLink(told, 3, "w", "k", offset_s=1000.0)
    link.start(5.0)
    link.say({"turn": 1})
    link.hang_up()
    link.hang_up()
    asyncio.run(link.talk())
    assert told.heard == [['{"start_at": 1005.0}', '{"turn": 1}'], None]


def test_who_cannot_be_told_anything_is_lost_with_the_reason() -> None:
    told = Told(reaches=False)
    link = DaskLink(told, 3, "w", "k", offset_s=0.0)
    link.start(5.0)
    asyncio.run(link.talk())
    assert told.lost == ["3: it cannot be told anything any more: OSError: no way"]


def test_that_somebody_is_there_is_said_only_while_somebody_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_link, "_ATTENDED_SECONDS", -1.0)
    told = Told()
    link = DaskLink(told, 3, "w", "k", offset_s=0.0)

    async def talked() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(link.talk(), 0.2)

    asyncio.run(talked())
    assert told.heard == []
    monkeypatch.setattr(dask_link, "_ATTENDED_SECONDS", 60.0)
    link.attend()
    asyncio.run(talked())
    assert told.heard == [[""]]


def test_a_clock_must_be_known() -> None:
    require_known(["a"], [(1e9, 0.25)])
    with pytest.raises(PhaseInvalid, match=r"worker b answers in 600 ms at best, .* within 300 ms only"):
        require_known(["a", "b"], [(0.0, 0.0), (0.0, 0.3)])


def test_what_is_on_this_machine() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "10.0.0.1", "toy")] == [True] * 3 + [
        False
    ] * 2
