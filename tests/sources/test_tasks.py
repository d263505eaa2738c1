"""Which stops are application errors, and when a census is a measurement at all: by example and by law."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_syncload.facts.result import Window
from pytest_syncload.facts.tasks import Census, Container, Task
from pytest_syncload.sources.tasks import COUNTED, Stop, TaskErrors, classify, fold_tasks

START = 1_700_000_040.0 - 1_700_000_040.0 % 60
WINDOW = Window(start=START, end=START + 600)
POLLS = tuple(START + 60 * minute for minute in range(-1, 12))
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
SCALING = "Scaling activity initiated by (deployment ecs-svc/2)"


def container(exit_code: int | None = None, reason: str | None = None, **changes: Any) -> Container:
    return replace(Container(name="worker", essential=True, exit_code=exit_code, reason=reason), **changes)


def task(number: int = 0, **changes: Any) -> Task:
    """A task that runs since before the window."""
    alive = Task(
        arn=f"arn:aws:ecs:us-east-1:111122223333:task/syncwell/{number:032x}",
        definition="arn:aws:ecs:us-east-1:111122223333:task-definition/worker:1",
        deployment="ecs-svc/1",
        status="RUNNING",
        created_at=START - 3600,
        started_at=START - 3590,
        containers=(container(),),
    )
    return replace(alive, **changes)


def stopped(number: int = 0, *containers: Container, at: float = START + 100, **changes: Any) -> Task:
    """A task that ended ``at``: its essential container did, with exit code 1, unless it is told otherwise."""
    how: dict[str, Any] = {
        "stop_code": "EssentialContainerExited",
        "stopped_reason": "Essential container in task exited",
    }
    return task(number, status="STOPPED", ended_at=at, containers=containers or (container(1),), **(how | changes))


def census(*tasks: Task, **changes: Any) -> Census:
    return replace(Census(cluster="syncwell", service="worker", tasks=tasks, polls=POLLS), **changes)


# Which stop is what.


@pytest.mark.parametrize(
    ("one", "stop"),
    [
        (task(), Stop.ALIVE),
        (stopped(0, container(1)), Stop.APPLICATION),
        (stopped(0, container(137, OUT_OF_MEMORY)), Stop.APPLICATION),
        (stopped(0, container(None, OUT_OF_MEMORY)), Stop.APPLICATION),
        (stopped(0, container(0), container(139, name="second")), Stop.APPLICATION),
        (stopped(0, container(0)), Stop.EXPECTED_EXIT),
        # The essential container's own exit code decides, not that of a sidecar which went down with it.
        (stopped(0, container(0), container(143, name="log-router", essential=False)), Stop.EXPECTED_EXIT),
        (stopped(0, container(None)), Stop.UNKNOWN),
        (stopped(0, container(0), container(None, name="second")), Stop.UNKNOWN),
        (stopped(0, container(1, essential=False)), Stop.UNKNOWN),
        (stopped(stop_code="TaskFailedToStart"), Stop.FAILED_TO_START),
        (stopped(stop_code="UserInitiated"), Stop.USER),
        (stopped(stop_code="SpotInterruption"), Stop.SPOT_OR_INFRASTRUCTURE),
        (stopped(stop_code="TerminationNotice"), Stop.SPOT_OR_INFRASTRUCTURE),
        (stopped(stop_code="InfrastructureHealth"), Stop.SPOT_OR_INFRASTRUCTURE),
        (stopped(stop_code="ServiceSchedulerInitiated", stopped_reason=SCALING), Stop.DEPLOYMENT_OR_SCALING),
        (stopped(stop_code="ServiceSchedulerInitiated", stopped_reason=None), Stop.UNKNOWN),
        (stopped(stop_code="SomethingNew"), Stop.UNKNOWN),
        (stopped(stop_code=None), Stop.UNKNOWN),
        (task(status="STOPPED"), Stop.UNKNOWN),
        (task(status="STOPPING"), Stop.UNKNOWN),
        (task(stop_code="SpotInterruption"), Stop.SPOT_OR_INFRASTRUCTURE),
    ],
)
def test_a_stop_has_one_class(one: Task, stop: Stop) -> None:
    assert classify(one) is stop


@pytest.mark.parametrize(
    "reason",
    [
        "Task failed container health checks",
        "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:…)",
        "(service worker) (port 8080) is unhealthy in (target-group arn:…) due to (reason Request timed out)",
    ],
)
def test_a_task_that_the_scheduler_stops_for_its_health_failed(reason: str) -> None:
    assert classify(stopped(stop_code="ServiceSchedulerInitiated", stopped_reason=reason)) is Stop.APPLICATION


def test_no_error_and_no_silence_counts_as_a_good_stop() -> None:
    assert {Stop.APPLICATION, Stop.FAILED_TO_START} == COUNTED


# The share of a window.


def test_a_share_is_of_the_tasks_alive_in_the_window() -> None:
    found = fold_tasks(
        census(
            task(1),
            task(2),
            stopped(3),
            stopped(4, at=START - 1),  # before
            stopped(5, at=WINDOW.end),  # after: alive throughout
            stopped(6, at=START, stop_code="TaskFailedToStart", stopped_reason="CannotPullContainerError"),
            task(7, created_at=WINDOW.end),  # later
        ),
        WINDOW,
    )
    assert found.problem is None
    assert (found.value, found.n) == (40.0, 5)
    assert found.counts == {Stop.ALIVE: 3, Stop.APPLICATION: 1, Stop.FAILED_TO_START: 1}
    assert found.series.timestamps == WINDOW.minutes
    assert found.series.values == (20.0, 20.0, *[0.0] * 8)


def test_no_error_among_few_tasks_says_how_few() -> None:
    found = fold_tasks(census(*map(task, range(4))), WINDOW)
    assert (found.value, found.n) == (0.0, 4)
    assert found.notes == ("0 of 4 tasks; under 200 tasks 0.5 % means none at all",)
    many = fold_tasks(census(*map(task, range(400))), WINDOW)
    assert many.notes == ("0 of 400 tasks; one is 0.25 %",)


def test_what_stopped_the_tasks_is_written_out_with_their_ids() -> None:
    found = fold_tasks(census(task(0), *(stopped(n, container(137, OUT_OF_MEMORY)) for n in range(1, 7))), WINDOW)
    assert found.notes[1] == (
        f"6 tasks stopped by an application error: worker exit 137 ({OUT_OF_MEMORY}) (00000000, 00000000, 00000000, "
        "00000000 …)"
    )
    silent = fold_tasks(
        census(stopped(1, container(None, "killed")), stopped(2, stop_code="TaskFailedToStart")), WINDOW
    )
    assert silent.notes[1:] == (
        "1 task failed to start: Essential container in task exited (00000000)",
        "1 task stopped by an application error: worker exit unknown (killed) (00000000)",
    )


def test_many_different_reasons_are_counted_and_not_all_written_out() -> None:
    reasons = [stopped(n, stop_code="TaskFailedToStart", stopped_reason=f"reason {n}") for n in range(8)]
    notes = fold_tasks(census(*reasons), WINDOW).notes
    assert len(notes) == 7
    assert notes[-1] == "3 tasks for other reasons"
    mute = fold_tasks(census(stopped(1, stop_code="TaskFailedToStart", stopped_reason=None)), WINDOW)
    assert "no reason given" in mute.notes[1]


def test_a_deployment_is_named_and_no_error() -> None:
    old = [stopped(n, stop_code="ServiceSchedulerInitiated", stopped_reason=SCALING) for n in range(4)]
    new = [task(n, created_at=START + 50, deployment="ecs-svc/2") for n in range(4, 8)]
    found = fold_tasks(census(*old, *new), WINDOW)
    assert (found.value, found.n) == (0.0, 8)
    assert found.notes[1:] == ("a deployment replaced 4 tasks (ecs-svc/1 → ecs-svc/2): not an error",)
    # One that the old deployment still started itself does not hide the new one.
    late = replace(old[0], created_at=START + 60)
    assert fold_tasks(census(late, *old[1:], *new), WINDOW).notes == found.notes


def test_scaling_in_is_told_from_a_deployment() -> None:
    gone = stopped(1, stop_code="ServiceSchedulerInitiated", stopped_reason=SCALING)
    found = fold_tasks(census(gone, task(2)), WINDOW)
    assert found.notes[1:] == ("scaling stopped 1 task of ecs-svc/1: not an error",)
    unnamed = fold_tasks(census(replace(gone, deployment=""), task(2)), WINDOW)
    assert unnamed.notes[1:] == ("scaling stopped 1 task of no deployment: not an error",)


def test_other_stops_are_told_too() -> None:
    found = fold_tasks(
        census(
            stopped(1, container(0)), stopped(2, stop_code="UserInitiated"), stopped(3, stop_code="SpotInterruption")
        ),
        WINDOW,
    )
    assert found.value == 0.0
    assert found.notes[1:] == (
        "1 task ended by itself without an error: not an error",
        "1 task stopped by a user: not an error",
        "1 task stopped by Spot or the infrastructure: not an error",
    )


# When it is no measurement.


@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (None, "never asked for"),
        (census(task(), polls=()), "when the window began"),
        (census(task(), polls=POLLS[3:]), "when the window began"),
        (census(task(), polls=POLLS[:-1]), "a minute or more after the window's end"),
        (census(task(), undescribed=("arn:aws:ecs:x/abcdef0123",)), "does not describe 1 task: abcdef01"),
        (census(), "nothing to count"),
        (census(task(created_at=None)), "does not say when 1 task began or ended: 00000000"),
        (census(task(status="STOPPED")), "does not say when 1 task began or ended"),
        (census(stopped(1, stop_code="New"), task(2)), r"1 task with stop code New and reason 'Essential .*' \(0000"),
        (census(stopped(1, stop_code=None, stopped_reason=None)), "stop code None and reason None"),
    ],
)
def test_what_was_not_seen_is_no_measurement(what: Census | None, problem: str) -> None:
    found = fold_tasks(what, WINDOW)
    assert found.value is None
    assert found.series.values == ()
    assert found.problem is not None
    with pytest.raises(AssertionError, match=problem):
        raise AssertionError(found.problem)


def test_a_poll_a_minute_late_at_the_beginning_is_early_enough() -> None:
    assert fold_tasks(census(task(), polls=(START + 60, WINDOW.end + 60)), WINDOW).value == 0.0


def test_half_an_hour_unwatched_is_too_long() -> None:
    window = Window(start=START, end=START + 7200)

    def watched(*minutes: int) -> TaskErrors:
        return fold_tasks(census(task(), polls=tuple(START + 60 * minute for minute in minutes)), window)

    assert watched(0, 30, 60, 90, 120, 121).value == 0.0
    # What lies before the window's beginning or after its end does not matter.
    assert watched(-90, 0, 30, 60, 90, 120, 121, 300).value == 0.0
    late = watched(0, 30, 61, 90, 121)
    assert late.value is None
    assert "nothing was read of ECS for 31m" in (late.problem or "")


def test_why_polls_failed_is_said_beside_what_is_missing() -> None:
    problems = {"ListTasks: forbidden": 11}
    found = fold_tasks(census(task(), polls=POLLS[:2], problems=problems), WINDOW)
    assert (found.problem or "").endswith("; ListTasks: forbidden")
    assert found.notes[-1] == "11 polls of ECS failed: ListTasks: forbidden"
    single = fold_tasks(census(task(), problems={"DescribeTasks: throttled": 1}), WINDOW)
    assert single.value == 0.0
    assert single.notes[-1] == "1 poll of ECS failed: DescribeTasks: throttled"


def test_a_window_of_no_length_is_nothing_to_watch() -> None:
    found = fold_tasks(census(task(), polls=(START + 60,)), Window(start=START, end=START))
    assert found.value == 0.0


# Laws.

CODES = st.sampled_from(
    [
        None,
        "EssentialContainerExited",
        "ServiceSchedulerInitiated",
        "TaskFailedToStart",
        "UserInitiated",
        "SpotInterruption",
        "SomethingNew",
    ]
)
AT = st.none() | st.integers(-300, 900).map(lambda second: START + second)


@st.composite
def some_tasks(draw: st.DrawFn) -> list[Task]:
    count = draw(st.integers(0, 6))
    return [
        task(
            number,
            status=draw(st.sampled_from(["RUNNING", "STOPPED"])),
            created_at=draw(AT),
            ended_at=draw(AT),
            stop_code=draw(CODES),
            stopped_reason=draw(st.none() | st.just(SCALING) | st.just("Task failed container health checks")),
            deployment=draw(st.sampled_from(["ecs-svc/1", "ecs-svc/2"])),
            containers=(container(draw(st.none() | st.sampled_from([0, 1]))),),
        )
        for number in range(count)
    ]


@settings(deadline=None)
@given(some_tasks(), st.randoms(use_true_random=False))
def test_the_order_of_tasks_and_polls_changes_nothing(tasks: list[Task], random: Any) -> None:
    polls = list(POLLS)
    shuffled = tasks.copy()
    random.shuffle(shuffled)
    random.shuffle(polls)
    assert fold_tasks(census(*tasks), WINDOW) == fold_tasks(census(*shuffled, polls=tuple(polls)), WINDOW)


@settings(deadline=None)
@given(some_tasks(), st.sets(st.sampled_from(POLLS)))
def test_fewer_polls_never_make_a_measurement(tasks: list[Task], lost: set[float]) -> None:
    kept = tuple(poll for poll in POLLS if poll not in lost)
    found = fold_tasks(census(*tasks, polls=kept), WINDOW)
    whole = fold_tasks(census(*tasks), WINDOW)
    assert found.value in (None, whole.value)
    if not any(poll >= WINDOW.end + 60 for poll in kept) or not any(poll <= START + 60 for poll in kept):
        assert found.value is None


@settings(deadline=None)
@given(some_tasks())
def test_a_value_is_a_share_of_what_could_be_told_or_there_is_a_problem(tasks: list[Task]) -> None:
    found = fold_tasks(census(*tasks), WINDOW)
    assert (found.value is None) is (found.problem is not None)
    assert sum(found.counts.values()) == found.n
    if found.value is not None:
        counted = sum(found.counts.get(stop, 0) for stop in COUNTED)
        assert found.value == 100 * counted / found.n
        assert sum(found.series.values) == pytest.approx(found.value)
        assert Stop.UNKNOWN not in found.counts


def test_an_application_that_ends_well_beside_a_proxy_that_did_not_is_not_taken_for_fine() -> None:
    """AWS puts proxies in; when one is killed, the essential containers end with 0 because they are told to."""
    proxy = container(137, OUT_OF_MEMORY, name="ecs-service-connect", essential=False, defined=False)
    assert classify(stopped(0, container(0), proxy)) is Stop.UNKNOWN
    assert classify(stopped(0, container(0), replace(proxy, exit_code=0, reason=None))) is Stop.EXPECTED_EXIT
    assert classify(stopped(0, container(1), proxy)) is Stop.APPLICATION


def test_words_that_ecs_may_use_one_day_are_not_taken_for_a_deployment() -> None:
    odd = stopped(0, container(0), stop_code="ServiceSchedulerInitiated", stopped_reason="Something new")
    assert classify(odd) is Stop.UNKNOWN
    assert "Something new" in (fold_tasks(census(odd), WINDOW).problem or "")
