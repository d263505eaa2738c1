"""The run folder: what is written is read back the same, each file whole, and the locks hold between processes."""

from __future__ import annotations

import json
import math
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_syncload.bottleneck.ranking import rank
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.bottleneck import Estimate, NoFit, Usl
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid, Refused
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.observation import Ruling, Verdict
from pytest_syncload.facts.result import Invalidity, Outcome, Second, Side, Tally
from pytest_syncload.load.snapshot import Held, Merged, Slice, Snapshot
from pytest_syncload.sources.observe import observe
from pytest_syncload.sources.settle import Reading
from tests.bottleneck.seen import climbing, track
from tests.rows import ERRORS, LATENCY, RESOURCES, THROTTLES, answers, reading, result


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / ".syncload" / "run")
    made.make()
    return made


RICH = result(
    ramp=Tally(outcomes={Outcome.OK: 5, Outcome.TIMEOUT: 1}, throttled=2, dropped_late=1),
    statuses={202: 1799, 503: 1},
    timeline=(
        Second(at_s=0, tally=Tally(), in_flight=0, p50_ms=None, p95_ms=None, p99_ms=None, max_ms=None),
        Second(
            at_s=1,
            tally=Tally(outcomes={Outcome.SERVER_ERROR: 3}),
            in_flight=4,
            p50_ms=1.0,
            p95_ms=2.5,
            p99_ms=3.0,
            max_ms=4.0,
        ),
    ),
    examples=("503: busy",),
    invalid=(Invalidity(side=Side.TARGET, what="wrong"), Invalidity(side=Side.GENERATOR, what="late")),
)


@pytest.mark.parametrize(
    "record",
    [
        PhaseRecord(result=RICH, reading=None, problem="the phase is invalid"),
        PhaseRecord(result=None, reading=None, problem="nothing was sent"),
        PhaseRecord(
            result=result(),
            reading=Reading(answers=answers(LATENCY, ERRORS, THROTTLES), problem=None, attempts=4),
            problem=None,
        ),
        PhaseRecord(result=result(), reading=Reading(answers={}, problem="forbidden", attempts=1), problem=None),
    ],
)
def test_a_record_is_read_back_the_same(folder: RunFolder, record: PhaseRecord) -> None:
    assert folder.record("peak") is None
    folder.keep("peak", record)
    found = RunFolder(folder.path).record("peak")
    assert found == record
    if record.reading is not None and found is not None and found.reading is not None:
        assert list(found.reading.answers) == list(record.reading.answers), "asks are found again by what they ask"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(values=st.lists(st.floats(0, 1e6), max_size=50))
def test_histograms_lose_nothing(folder: RunFolder, values: list[float]) -> None:
    measured = result(latency=Histogram.of(values))
    folder.keep("peak", PhaseRecord(result=measured, reading=None, problem=None))
    found = folder.record("peak")
    assert found is not None
    assert found.result is not None
    assert found.result.latency == measured.latency
    assert found.result.latency.count == len(values)


def test_an_hour_is_less_than_a_megabyte(folder: RunFolder) -> None:
    """At 3,000/s, with some of each failure in every second and latencies from 1 ms to the timeout."""
    merged = Merged()
    outcomes = (Outcome.OK, Outcome.OK, Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.PROTOCOL_ERROR)
    for second in range(3600):
        part = Slice(outcomes=Counter(dict.fromkeys(outcomes, 123)), in_flight=12_345)
        for number in range(20):
            part.latency.record(1.0123 * 1.5874 ** (number % 20) + second / 1000)
        seconds, hold = {second: part}, Slice()
        hold.add(part)
        merged.add(Snapshot(seconds=seconds, held={0: Held(part=hold, service_time=part.latency, lag=part.latency)}))
    long = result(timeline=merged.timeline(), latency=merged.latency, service_time=merged.service_time, lag=merged.lag)
    folder.keep("peak", PhaseRecord(result=long, reading=None, problem=None))
    assert (folder.path / "peak.result.json").stat().st_size < 1_000_000


def test_seconds_are_added_as_they_pass(folder: RunFolder) -> None:
    for second in RICH.timeline:
        folder.keep_seconds("peak", [second])
    lines = (folder.path / "peak.timeline.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["at_s"] for line in lines] == [0, 1]
    assert json.loads(lines[1])["tally"]["outcomes"] == {"5xx": 3}
    (folder.path / "soak.timeline.jsonl").mkdir()
    with pytest.raises(Refused, match=r"soak\.timeline\.jsonl cannot be written: Is a directory"):
        folder.keep_seconds("soak", RICH.timeline)


def test_a_verdict_is_read_back_the_same(folder: RunFolder) -> None:
    seen = observe(LATENCY, reading(answers(LATENCY)), RESOURCES, result())
    for verdict in (
        Verdict(slo=LATENCY, ruling=Ruling.PASS, reason="120 ms is < 500 ms", observation=seen),
        Verdict(slo=ERRORS, ruling=Ruling.INCONCLUSIVE, reason="not selected"),
    ):
        assert folder.verdict(verdict.slo.phase, verdict.slo.name) is None
        folder.keep_verdict(verdict)
        assert folder.verdict(verdict.slo.phase, verdict.slo.name) == verdict


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"slo": 1}', b"\xff", b"[" * 100_000])
def test_a_verdict_that_cannot_be_read_is_none(folder: RunFolder, content: bytes) -> None:
    folder.keep_verdict(Verdict(slo=LATENCY, ruling=Ruling.PASS, reason="120 ms is < 500 ms"))
    (folder.path / "verdicts" / f"peak--{LATENCY.name}.json").write_bytes(content)
    assert folder.verdict("peak", LATENCY.name) is None


RANKED = ClimbRanked(
    phase="stress",
    climbed=climbing(12),
    ranking=rank(climbing(12), [track([0.0] * 8 + [5.0] * 4, "table events"), track([1.0], "short")]),
    law=NoFit(why="too few steps"),
    speed=60.0,
)


def test_what_broke_first_is_read_back_the_same(folder: RunFolder) -> None:
    assert folder.ranking("stress") is None
    folder.keep_ranking(RANKED)
    assert RANKED.ranking.first is not None
    assert folder.ranking("stress") == RANKED
    a = Estimate(value=1.0, low=0.5, high=2.0)
    fitted = replace(RANKED, law=Usl(rate_per_s=a, contention=a, coherency=a, ceiling_per_s=a))
    folder.keep_ranking(fitted)
    assert folder.ranking("stress") == fitted


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"phase": 1}', b"\xff", b"[" * 100_000])
def test_a_ranking_that_cannot_be_read_is_none(folder: RunFolder, content: bytes) -> None:
    (folder.path / "stress.ranking.json").write_bytes(content)
    assert folder.ranking("stress") is None


def test_a_value_that_is_no_number_survives_the_folder(folder: RunFolder) -> None:
    seen = replace(observe(LATENCY, reading(answers(LATENCY)), RESOURCES, result()), value=math.nan)
    folder.keep_verdict(Verdict(slo=LATENCY, ruling=Ruling.INCONCLUSIVE, reason="no value", observation=seen))
    found = folder.verdict("peak", LATENCY.name)
    assert found is not None
    assert found.observation is not None
    assert found.observation.value is not None
    assert math.isnan(found.observation.value)


def shorten(text: str) -> str:
    return text[: len(text) // 2]


def without_histogram(text: str) -> str:
    data = json.loads(text)
    del data["result"]["latency"]
    return json.dumps(data)


def with_negative_bucket(text: str) -> str:
    data = json.loads(text)
    data["result"]["latency"]["buckets"] = {"1": -1}
    return json.dumps(data)


@pytest.mark.parametrize(
    "damage",
    [shorten, without_histogram, with_negative_bucket, lambda _: "[]", lambda _: "{}", lambda _: '{"result": null}'],
)
def test_a_record_that_cannot_be_read_proves_nothing(folder: RunFolder, damage: Callable[[str], str]) -> None:
    folder.keep("peak", PhaseRecord(result=result(), reading=None, problem=None))
    file = folder.path / "peak.result.json"
    file.write_text(damage(file.read_text("utf-8")), "utf-8")
    with pytest.raises(PhaseInvalid, match="the recorded result cannot be read"):
        folder.record("peak")


def test_damaged_answers_prove_nothing_either(folder: RunFolder) -> None:
    reading = Reading(answers=answers(LATENCY), problem=None, attempts=2)
    folder.keep("peak", PhaseRecord(result=result(), reading=reading, problem=None))
    (folder.path / "peak.answers.json").write_text('{"answers": [{}]}', "utf-8")
    with pytest.raises(PhaseInvalid, match="cannot be read"):
        folder.record("peak")


def test_where_the_result_is_all_is(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    write = folder.write

    def noted(name: str, data: object, **how: Any) -> None:
        order.append(name)
        write(name, data, **how)

    monkeypatch.setattr(folder, "write", noted)
    reading = Reading(answers={}, problem=None, attempts=2)
    folder.keep("peak", PhaseRecord(result=result(), reading=reading, problem=None))
    assert order == ["peak.answers.json", "peak.result.json"]


def test_a_file_is_whole_or_as_it_was(folder: RunFolder) -> None:
    folder.write("a.json", {"x": 1})
    with pytest.raises(TypeError):
        folder.write("a.json", {"x": object()})
    assert folder.read("a.json") == {"x": 1}
    assert folder.read("b.json") is None


def test_a_reader_never_sees_half_a_file(folder: RunFolder) -> None:
    small, large = {"x": 0}, {"x": list(range(20_000))}
    folder.write("a.json", small)
    done = threading.Event()
    seen: list[object] = []

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(folder.read("a.json") in (small, large))
            except ValueError:
                seen.append(False)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for turn in range(40):
            folder.write("a.json", large if turn % 2 else small)
    finally:
        done.set()
        reader.join()
    assert seen
    assert all(seen)
    assert [file.name for file in folder.path.iterdir() if file.is_file()] == ["a.json"], "no draft is left"


def test_the_folder_is_named_by_its_time_and_git_ignores_it(tmp_path: Path) -> None:
    first, second = RunFolder.named_now(tmp_path), RunFolder.named_now(tmp_path)
    assert first.run_id != second.run_id
    assert not first.path.exists()
    first.make()
    first.make()
    assert first.path.parent == tmp_path / ".syncload"
    ignore = tmp_path / ".syncload" / ".gitignore"
    assert ignore.read_text("utf-8") == "*\n"
    ignore.write_text("mine\n", "utf-8")
    second.make()
    assert ignore.read_text("utf-8") == "mine\n"


def test_a_phase_is_started_once_it_is_marked(folder: RunFolder) -> None:
    assert not folder.was_started("peak")
    folder.mark_started("peak")
    assert RunFolder(folder.path).was_started("peak")
    assert not folder.was_started("soak")


def test_the_controller_is_there_while_it_holds_its_lock(folder: RunFolder) -> None:
    assert folder.controller_is_gone(), "nobody has held it yet"
    with folder.controller_lock():
        assert not folder.controller_is_gone()
        assert not RunFolder(folder.path).controller_is_gone(), "asking does not take the lock"
    assert folder.controller_is_gone()


def test_only_one_holds_the_phase_lock_and_the_next_waits(folder: RunFolder) -> None:
    entered, order = threading.Event(), []

    def second() -> None:
        entered.set()
        with RunFolder(folder.path).phase_lock():
            order.append("second")

    with folder.controller_lock():
        waiting = threading.Thread(target=second)
        with folder.phase_lock():
            waiting.start()
            assert entered.wait(60)
            # Long enough for a lock that does not hold to show; one that holds passes on any machine.
            waiting.join(0.2)
            order.append("first")
        waiting.join(60)
    assert order == ["first", "second"]


def test_who_waits_for_a_phase_of_a_run_that_ended_is_told(folder: RunFolder) -> None:
    with (
        folder.phase_lock(),
        pytest.raises(Inconclusive, match="interrupted before this phase began"),
        RunFolder(folder.path).phase_lock(),
    ):
        pytest.fail("two held the lock at once")
    with folder.phase_lock():
        """Free again: a failed wait leaves nothing behind."""


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path: Path) -> None:
    (tmp_path / ".syncload").write_text("a file", "utf-8")
    with pytest.raises(Refused, match=r"the run folder .*\.syncload/.* cannot be made: .*make its place writable"):
        RunFolder.named_now(tmp_path).make()


def test_the_account_that_was_asked_is_known_to_other_processes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    assert folder.account() is None
    folder.keep_account("111122223333")
    assert RunFolder(folder.path).account() == "111122223333"


def test_what_cannot_be_written_is_refused_and_leaves_nothing_half_written(folder: RunFolder) -> None:
    (folder.path / "plan.json").mkdir()  # a name that no file can replace
    before = sorted(path.name for path in folder.path.iterdir())
    with pytest.raises(Refused, match=r"plan.json cannot be written: .*so make room"):
        folder.write("plan.json", {})
    assert sorted(path.name for path in folder.path.iterdir()) == before
    (folder.path / "controller.lock").mkdir()
    with pytest.raises(Refused, match=r"controller.lock cannot be written"), folder.controller_lock():
        pass
    (folder.path / "phase.lock").mkdir()
    with pytest.raises(Refused, match=r"phase.lock cannot be written"), folder.phase_lock():
        pass
