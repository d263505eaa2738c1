"""Each selected phase runs once and in order; what ends badly is recorded, never repeated, and never proves a row."""

from __future__ import annotations

import json
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.conductor import conductor as conducting
from pytest_syncload.conductor.comparing import Comparing
from pytest_syncload.conductor.conductor import Conductor, unjudged
from pytest_syncload.conductor.earlier import EarlierRun
from pytest_syncload.conductor.ground import prepare
from pytest_syncload.conductor.phase import Interrupted
from pytest_syncload.conductor.run_folder import PhaseRecord, RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid, Refused
from pytest_syncload.facts.events import Checked, Event, PhaseMeasured, PhaseStarted, Settled
from pytest_syncload.facts.observation import Ruling
from pytest_syncload.facts.plan import Resources, SandboxSettings, Slo, Spec
from pytest_syncload.facts.result import Invalidity, PhaseResult, Side
from pytest_syncload.sources.cloudwatch import traffic_query
from pytest_syncload.sources.settle import Reading
from tests.busy import calm
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.rows import ERRORS, LATENCY, RESOURCES, THROTTLES, answers, result

ROWS = (LATENCY, ERRORS, THROTTLES)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / ".syncload" / "run")
    made.make()
    return made


@pytest.fixture
def ready(folder: RunFolder) -> RunFolder:
    """A folder that the controller has prepared for the real environment, as far as a worker can tell."""
    clock = asdict(ServiceClock.starting_now())
    folder.write("environment.json", {"environment": REAL.name, "clock": clock, "sandbox": None})
    return folder


def conductor(
    folder: RunFolder, plan: Spec | None = None, selected: Collection[str] = ("peak",), heard: list[Event] | None = None
) -> Conductor:
    events: list[Event] = [] if heard is None else heard
    return Conductor(plan or spec(), folder, lambda: selected, events.append)


def measured(folder: RunFolder, changed: dict[str, float | None] | None = None, problem: str | None = None) -> None:
    reading = Reading(answers=answers(*ROWS, **(changed or {})), problem=problem, attempts=2)
    folder.keep("peak", PhaseRecord(result=result(), reading=reading, problem=None))


def refuse_to_run(monkeypatch: pytest.MonkeyPatch, ending: BaseException | None = None) -> list[str]:
    """From here on load is not offered; the names of the phases that would have been."""
    asked: list[str] = []

    def run_phase(_: Spec, asked_for: Any, *__: object) -> PhaseResult:
        asked.append(asked_for.name)
        if ending is not None:
            raise ending
        return result(phase=asked_for.name, invalid=(Invalidity(side=Side.TARGET, what="no answer was right"),))

    monkeypatch.setattr(conducting, "run_phase", run_phase)
    monkeypatch.setattr(conducting, "check", lambda *_: ())
    monkeypatch.setattr(conducting, "wait_until_published", lambda *_, **__: ())
    return asked


# What is run, and how often.


def test_a_phase_that_was_not_selected_is_not_run(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refuse_to_run(monkeypatch)
    mine = conductor(folder, selected=())
    with pytest.raises(Inconclusive, match=r"'peak' was not selected.*-m peak"):
        mine.record("peak")
    assert mine.verdict(LATENCY).ruling is Ruling.INCONCLUSIVE
    assert (asked, folder.was_started("peak"), folder.record("peak")) == ([], False, None)


def test_the_earlier_selected_phases_run_first_and_each_once(ready: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refuse_to_run(monkeypatch)
    plan = spec(*[phase(name) for name in ("baseline", "soak", "peak", "stress")])
    mine = conductor(ready, plan, {"stress", "peak", "baseline"})
    mine.record("peak")
    assert asked == ["baseline", "peak"]
    mine.record("baseline")
    other = conductor(ready, plan, {"stress", "peak", "baseline"})
    assert other.record("peak").result == mine.record("peak").result, "another process finds what was measured"
    other.record("stress")
    assert asked == ["baseline", "peak", "stress"]


def test_a_phase_that_a_dead_process_began_is_invalid_and_never_run_again(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse_to_run(monkeypatch)
    ready.mark_started("peak")
    for mine in (conductor(ready), conductor(ready)):
        record = mine.record("peak")
        assert record.result is None
        assert "begun by a process that is gone" in (record.problem or "")
        with pytest.raises(PhaseInvalid, match="begun by a process that is gone"):
            mine.result("peak")
        verdict = mine.verdict(LATENCY)
        assert (verdict.ruling, "process that is gone" in verdict.reason) == (Ruling.INCONCLUSIVE, True)
    assert asked == []


def test_without_a_prepared_environment_nothing_is_sent(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = refuse_to_run(monkeypatch)
    assert "no phase was prepared" in (conductor(folder).record("peak").problem or "")
    assert asked == []


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Check:
    place = f"{THROTTLES.id} (slo.yaml:9): AWS/DynamoDB ReadThrottleEvents Sum {{TableName=jobs}}"
    failed = Check(name="table jobs", finding=Finding.FAILED, says="there is none; correct it", rows=(place,))
    note = Check(name="account", finding=Finding.NOTE, says="it is yours")
    monkeypatch.setattr(conducting, "check", lambda *_: (note, failed))
    return failed


def test_where_a_check_fails_no_load_is_offered_and_every_row_says_why(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch, failing: Check
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(conducting, "run_phase", lambda *given: asked.append(given))
    heard: list[Event] = []
    nothing = "1 check before the load failed, so no load was offered"
    for mine in (conductor(ready, heard=heard), conductor(ready)):
        record = mine.record("peak")
        assert (record.refused, record.failed_checks, record.result) == (True, (failing,), None)
        assert record.problem == f"{nothing}:\n  table jobs: there is none; correct it\n    needed by {failing.rows[0]}"
        own, other = mine.verdict(THROTTLES), mine.verdict(LATENCY)
        assert own.ruling is other.ruling is Ruling.INCONCLUSIVE
        assert own.reason == f"{nothing}; table jobs: there is none; correct it (needed by {failing.rows[0]})"
        assert other.reason == f"{nothing}; table jobs: there is none; correct it"
    assert asked == []
    assert [type(event) for event in heard] == [Checked]


def test_that_nothing_can_be_compared_is_told_before_load_and_stops_nothing(
    ready: RunFolder, failing: Check, tmp_path: Path
) -> None:
    heard: list[Event] = []
    earlier = EarlierRun(path=tmp_path, begun_at=0.0, load=spec().load, request_digest="", phases=(), environment=REAL)
    beside = Comparing(earlier, spec())
    mine = Conductor(spec(), ready, lambda: ["peak"], heard.append, comparing=beside)
    assert mine.record("peak").failed_checks == (failing,)
    (checked,) = [event for event in heard if isinstance(event, Checked)]
    (told,) = [check for check in checked.checks if check.name == "comparison"]
    assert (told.finding, told.failed) == (Finding.NOTE, False)
    assert told.says == "no row will be compared: that run did not run phase 'peak'"


def test_where_the_request_of_the_checks_shows_in_no_count_no_load_is_offered(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count is another API's then, and load would prove nothing."""
    asked = refuse_to_run(monkeypatch)
    traffic = traffic_query(RESOURCES)
    monkeypatch.setattr(conducting, "wait_until_published", lambda *_, **__: (traffic,))
    heard: list[Event] = []
    verdict = conductor(ready, heard=heard).verdict(LATENCY)
    assert verdict.ruling is Ruling.INCONCLUSIVE
    assert f"{traffic} shows nothing of a request that was accepted 15 minutes ago" in verdict.reason
    assert ready.record("peak") is not None
    assert conductor(ready).record("peak").refused
    assert asked == []
    assert [type(event) for event in heard] == [Checked, Checked]


# How a phase can end.


@pytest.mark.parametrize("ending", [PhaseInvalid("no generator came up"), Refused("the sign-in failed")])
def test_a_load_that_never_began_is_recorded_with_its_reason(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch, ending: Exception
) -> None:
    asked = refuse_to_run(monkeypatch, ending)
    for mine in (conductor(ready), conductor(ready)):
        assert mine.record("peak").problem == str(ending)
    assert asked == ["peak"]


def test_an_invalid_phase_is_kept_but_gives_no_result_and_no_verdict(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_to_run(monkeypatch)
    mine = conductor(ready)
    assert mine.record("peak").result is not None
    with pytest.raises(PhaseInvalid, match="no answer was right"):
        mine.result("peak")
    for slo in ROWS:
        verdict = mine.verdict(slo)
        assert verdict.ruling is Ruling.INCONCLUSIVE
        assert "no answer was right" in verdict.reason


def test_a_defect_of_ours_keeps_its_traceback_and_is_not_tried_again(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse_to_run(monkeypatch, ZeroDivisionError("oops"))
    with pytest.raises(ZeroDivisionError):
        conductor(ready).record("peak")
    assert "ended by ZeroDivisionError, a defect of pytest-syncload: oops" in (conductor(ready).verdict(LATENCY).reason)
    assert asked == ["peak"]


def where_there_is_no_room(ready: RunFolder, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    refuse_to_run(monkeypatch)
    full = iter([Refused("peak.result.json cannot be written: No space left on device")] * times)
    keep = ready.keep

    def keep_when_there_is_room(phase: str, record: PhaseRecord) -> None:
        for error in full:
            raise error
        keep(phase, record)

    monkeypatch.setattr(conducting, "run_phase", lambda *_: result(phase="peak"))
    monkeypatch.setattr(ready, "keep", keep_when_there_is_room)


def test_a_result_that_does_not_fit_into_the_folder_is_told_to_every_row(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    where_there_is_no_room(ready, monkeypatch, 1)
    assert "No space left" in (conductor(ready).record("peak").problem or "")
    assert "No space left" in conductor(ready).verdict(LATENCY).reason


def test_a_folder_that_cannot_be_written_is_no_defect_of_ours(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    where_there_is_no_room(ready, monkeypatch, 3)
    with pytest.raises(Refused, match="No space left"):
        conductor(ready).record("peak")
    assert ready.record("peak") is None


def test_ctrl_c_keeps_what_was_measured(ready: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off = result(invalid=(Invalidity(side=Side.GENERATOR, what="the run was interrupted"),))
    refuse_to_run(monkeypatch, Interrupted(broken_off))
    with pytest.raises(KeyboardInterrupt):
        conductor(ready).record("peak")
    assert conductor(ready).record("peak").result == broken_off
    assert conductor(ready).verdict(LATENCY).ruling is Ruling.INCONCLUSIVE


def test_ctrl_c_before_the_load_says_that_nothing_was_sent(ready: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_run(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        conductor(ready).record("peak")
    assert "interrupted before the load began" in (conductor(ready).record("peak").problem or "")


# What is judged from a record, without load and without AWS.


@pytest.mark.parametrize(
    ("slo", "changed", "ruling"),
    [
        (LATENCY, {}, Ruling.PASS),
        (ERRORS, {}, Ruling.PASS),
        (THROTTLES, {}, Ruling.PASS),
        (LATENCY, {"Latency": 612.0}, Ruling.INCONCLUSIVE),  # its sample count is then not this load's
        (ERRORS, {"_5XXError": 60.0}, Ruling.BREACH),
        (THROTTLES, {"WriteThrottleEvents": 3.0}, Ruling.BREACH),
        (THROTTLES, {"ConsumedReadCapacityUnits": None, "ConsumedWriteCapacityUnits": None}, Ruling.INCONCLUSIVE),
    ],
)
def test_a_recorded_measurement_is_judged_and_the_verdict_kept(
    ready: RunFolder, slo: Slo, changed: dict[str, float | None], ruling: Ruling
) -> None:
    measured(ready, changed)
    mine = conductor(ready)
    assert mine.result("peak") == result()
    verdict = mine.verdict(slo)
    assert verdict.ruling is ruling
    assert ready.verdict("peak", slo.name) == verdict == conductor(ready).verdict(slo)


def test_what_did_not_settle_is_not_judged(ready: RunFolder) -> None:
    measured(ready, problem="CloudWatch did not settle")
    for slo in ROWS:
        verdict = conductor(ready).verdict(slo)
        assert (verdict.ruling, verdict.reason) == (Ruling.INCONCLUSIVE, "CloudWatch did not settle")


def test_where_nothing_could_be_read_every_row_says_why(ready: RunFolder) -> None:
    """The cause, such as credentials that have expired, and not that a query has no answer."""
    cause = "GetMetricData: the AWS credentials are expired; sign in again"
    unread = PhaseRecord(result=result(), reading=None, problem=cause)
    empty = PhaseRecord(result=result(), reading=Reading(answers={}, problem=cause, attempts=1), problem=None)
    of_a_climb = replace(LATENCY, name="headroom", metric="load.headroom", statistic=None)
    for record in (unread, empty):
        ready.keep("peak", record)
        for slo in ROWS:
            verdict = conductor(ready).verdict(slo)
            assert (verdict.ruling, verdict.reason) == (Ruling.INCONCLUSIVE, cause)
        assert "phase 'peak' does not climb" in conductor(ready).verdict(of_a_climb).reason


def test_a_record_that_cannot_be_read_is_inconclusive_and_not_measured_again(
    ready: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = refuse_to_run(monkeypatch)
    measured(ready)
    (ready.path / "peak.result.json").write_text("{", "utf-8")
    verdict = conductor(ready).verdict(LATENCY)
    assert (verdict.ruling, "cannot be read" in verdict.reason) == (Ruling.INCONCLUSIVE, True)
    assert asked == []


def test_a_measurement_without_its_environment_is_not_judged(folder: RunFolder) -> None:
    measured(folder)
    verdict = conductor(folder).verdict(LATENCY)
    assert (verdict.ruling, "no phase was prepared" in verdict.reason) == (Ruling.INCONCLUSIVE, True)


def test_rows_without_a_verdict_are_inconclusive_and_no_verdict_is_overwritten(ready: RunFolder) -> None:
    measured(ready)
    judged = conductor(ready).verdict(LATENCY)
    rows = {slo.id: slo for slo in ROWS}
    assert unjudged(ready, rows, "the run was interrupted") == 2
    assert ready.verdict("peak", LATENCY.name) == judged
    found = ready.verdict("peak", ERRORS.name)
    assert found is not None
    assert (found.ruling, found.reason) == (Ruling.INCONCLUSIVE, "the run was interrupted")
    assert unjudged(ready, rows, "again") == 0


# All of it, over real sockets.


def test_a_phase_against_the_sandbox_is_measured_settled_and_proven(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm(monkeypatch)
    heard: list[Event] = []
    plan = spec(environment=replace(SANDBOX, sandbox=SandboxSettings(speed=60.0)))
    with ExitStack() as stack:
        prepare(plan, folder, stack)
        stack.enter_context(folder.controller_lock())
        mine = conductor(folder, plan, heard=heard)
        measured_now = mine.result("peak")
        verdicts = [mine.verdict(slo) for slo in (replace(ERRORS, min_samples=100), THROTTLES)]
    assert measured_now.scheduled_in_hold == measured_now.hold.arrivals == 120
    assert [(verdict.ruling, verdict.reason) for verdict in verdicts] == [
        (Ruling.PASS, "0 % is < 0.1 %"),
        (Ruling.PASS, "0 is == 0"),
    ]
    kinds = [type(event) for event in heard]
    assert (kinds[0], kinds[-1]) == (Checked, Settled)
    assert kinds.count(PhaseStarted) == 1
    assert kinds.count(PhaseMeasured) == 1
    assert json.loads((folder.path / "peak.result.json").read_text("utf-8"))["problem"] is None


def test_an_environment_without_an_api_cannot_be_read(ready: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_run(monkeypatch)
    monkeypatch.setattr(conducting, "run_phase", lambda *_: result())
    heard: list[Event] = []
    plan = spec(environment=replace(REAL, resources=Resources()))
    mine = conductor(ready, plan, heard=heard)
    assert "resources.api.rest" in (mine.record("peak").problem or "")
    assert mine.verdict(LATENCY).ruling is Ruling.INCONCLUSIVE
