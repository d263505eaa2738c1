"""The life of tasks: who runs, who stops and why, in service time."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.fleet import DESIRED, SHOWN_S, Fleet

T0 = 1_800_000_000.0


def begun(**faults: Any) -> Fleet:
    fleet = Fleet(Faults(**faults), T0)
    fleet.begin(T0)
    return fleet


def stopped(fleet: Fleet) -> list[dict[str, Any]]:
    return [task for task in fleet.described()["tasks"] if task["status"] == "STOPPED"]


def test_sound_tasks_run_on_and_on() -> None:
    fleet = begun()
    changes = fleet.changes
    seconds, memory = fleet.minute(T0 + 60)
    assert seconds == DESIRED * 60
    assert sum(memory) / DESIRED == 35
    assert len(set(memory)) == DESIRED
    fleet.advance(T0 + 86_400)
    assert (fleet.running, fleet.changes) == (DESIRED, changes)
    described = fleet.described()
    (deployment,) = described["service"].pop("deployments")
    assert described["service"] == {"desired": 4, "running": 4, "pending": 0}
    assert re.fullmatch(r"ecs-svc/\d{19}", deployment["id"])
    assert (deployment["status"], deployment["running"], deployment["desired"]) == ("PRIMARY", 4, 4)
    for task in described["tasks"]:
        assert re.fullmatch(r"[0-9a-f]{32}", task["id"])
        assert (task["status"], task["desired_status"], task["revision"]) == ("RUNNING", "RUNNING", 1)
        assert task["deployment"] == deployment["id"]
        assert task["created"] < task["started"] < T0
        assert task["stop_code"] is task["stopped"] is None
        assert task["containers"] == [
            {"name": "worker", "exit_code": None, "reason": None},
            {"name": "log-router", "exit_code": None, "reason": None},
        ]


def test_nothing_crashes_before_the_first_request() -> None:
    fleet = Fleet(Faults(crashing_tasks=2, out_of_memory_tasks=2), T0)
    fleet.advance(T0 + 3_000)
    assert fleet.running == DESIRED
    assert sum(fleet.minute(T0 + 3_000)[1]) / DESIRED == 35


def test_crashing_task_exits_with_1_again_and_again() -> None:
    fleet = begun(crashing_tasks=1)
    fleet.advance(T0 + 180)
    first, second = stopped(fleet)
    for task in (first, second):
        assert task["stop_code"] == "EssentialContainerExited"
        assert task["stopped_reason"] == "Essential container in task exited"
        assert task["desired_status"] == "STOPPED"
        assert [container["exit_code"] for container in task["containers"]] == [1, 0]
        assert task["execution_stopped"] == task["stopping"] < task["stopped"]
    assert second["created"] == first["stopping"]
    assert second["started"] == second["created"] + 20
    assert T0 + 45 <= first["execution_stopped"] <= T0 + 65
    assert 45 <= second["execution_stopped"] - second["started"] <= 65
    assert fleet.running >= DESIRED - 1


def test_replacement_passes_through_the_states_of_a_start() -> None:
    fleet = begun(crashing_tasks=1)
    seen = []
    for second in range(90):
        fleet.advance(T0 + second)
        described = fleet.described()
        states = [task["status"] for task in described["tasks"] if task["created"] >= T0]
        if states and states[0] not in seen:
            seen.append(states[0])
        starting = sum(state in ("PROVISIONING", "PENDING") for state in states)
        assert described["service"]["pending"] == starting == described["service"]["deployments"][0]["pending"]
        assert described["service"]["running"] == DESIRED - starting
    assert seen == ["PROVISIONING", "PENDING", "RUNNING"]


def test_task_out_of_memory_fills_up_and_is_killed() -> None:
    fleet = begun(out_of_memory_tasks=1)
    levels = [max(fleet.minute(T0 + second)[1]) for second in (10, 50, 99)]
    assert levels == sorted(levels)
    assert levels[0] < 50 < levels[1] < levels[2] <= 100
    fleet.advance(T0 + 120)
    (task,) = stopped(fleet)
    assert task["stop_code"] == "EssentialContainerExited"
    worker = {
        "name": "worker",
        "exit_code": 137,
        "reason": "OutOfMemoryError: Container killed due to memory usage",
    }
    assert task["containers"][0] == worker


@pytest.mark.parametrize("leaking", [1, 2])
def test_service_average_of_memory_stays_low_while_tasks_leak(leaking: int) -> None:
    fleet = begun(out_of_memory_tasks=leaking)
    averages = [sum(memory) / len(memory) for n in range(1, 60) if (memory := fleet.minute(T0 + 10 * n)[1])]
    assert max(averages) < 75


def test_deployment_replaces_all_tasks_one_after_the_other() -> None:
    fleet = begun()
    fleet.deploy(T0)
    running = []
    for second in range(120):
        fleet.advance(T0 + second)
        running.append(fleet.running)
        deployments = fleet.described()["service"]["deployments"]
        assert deployments[0]["revision"] == 2
        assert deployments[0]["status"] == "PRIMARY"
        for old in deployments[1:]:
            assert (old["revision"], old["status"], old["desired"]) == (1, "ACTIVE", 0)
    assert set(running) <= {DESIRED, DESIRED + 1}
    (deployment,) = fleet.described()["service"]["deployments"]
    assert (deployment["running"], deployment["pending"]) == (DESIRED, 0)
    gone = stopped(fleet)
    assert len(gone) == DESIRED
    for task in gone:
        assert task["revision"] == 1
        assert task["deployment"] != deployment["id"]
        assert task["stop_code"] == "ServiceSchedulerInitiated"
        assert task["stopped_reason"] == f"Scaling activity initiated by (deployment {deployment['id']})"
        assert [container["exit_code"] for container in task["containers"]] == [0, 0]
        assert task["stopping"] < task["execution_stopped"] < task["stopped"]
    assert len({task["stopping"] for task in gone}) == DESIRED


def test_stopped_task_is_shown_for_an_hour() -> None:
    fleet = begun()
    fleet.deploy(T0)
    fleet.advance(T0 + 200)
    last = max(task["stopped"] for task in stopped(fleet))
    fleet.advance(last + SHOWN_S - 1)
    assert len(stopped(fleet)) >= 1
    fleet.advance(last + SHOWN_S + 1)
    assert stopped(fleet) == []
    assert len(fleet.described()["tasks"]) == DESIRED


def test_memory_fault_sets_the_base_and_ends_at_all_of_it() -> None:
    assert sum(begun(task_memory_share=85).minute(T0 + 1)[1]) / DESIRED == 85
    assert max(begun(task_memory_share=100).minute(T0 + 1)[1]) == 100


@given(
    crashing=st.integers(0, 6),
    leaking=st.integers(0, 6),
    deployment=st.booleans(),
    gaps=st.lists(st.floats(0, 100), max_size=20),
)
def test_service_heals_and_how_often_it_is_looked_at_changes_nothing(
    crashing: int, leaking: int, deployment: bool, gaps: list[float]
) -> None:
    faults = {"crashing_tasks": crashing, "out_of_memory_tasks": leaking}
    often, once, now = begun(**faults), begun(**faults), T0
    if deployment:
        often.deploy(now)
        once.deploy(now)
    for gap in gaps:
        now += gap
        often.advance(now)
        service = often.described()["service"]
        places = service["running"] + service["pending"]
        assert DESIRED <= places <= DESIRED + 1
        assert service["running"] >= 0
    once.advance(now)

    def told(fleet: Fleet) -> list[tuple[Any, ...]]:
        return [
            (task["created"], task["started"], task["status"], task["stopped"]) for task in fleet.described()["tasks"]
        ]

    assert told(often) == told(once)
    assert often.minute(now)[0] == pytest.approx(once.minute(now)[0])
