"""Polling a service's tasks: with botocore's Stubber, which checks every request and answer, and against moto."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.facts.tasks import Container, Task
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.ecs import TASKS_A_CALL, TaskPoll, Watch
from pytest_syncload.sources.tasks import Stop, classify

SANDBOX = AwsAccess(
    region="us-east-1", endpoint_url="http://127.0.0.1:1", access_key_id="id", secret_access_key="not-a-secret"
)
CREATED = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
STOPPING = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
EXECUTION = datetime(2026, 1, 31, 12, 5, 30, tzinfo=UTC)
STOPPED = datetime(2026, 1, 31, 12, 6, tzinfo=UTC)
DEFINITION = "arn:aws:ecs:us-east-1:111122223333:task-definition/worker:1"


def arn(number: int) -> str:
    return f"arn:aws:ecs:us-east-1:111122223333:task/syncwell/{number:032x}"


def told(number: int, status: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    """A task as DescribeTasks tells it."""
    plain = {
        "taskArn": arn(number),
        "taskDefinitionArn": DEFINITION,
        "lastStatus": status,
        "startedBy": "ecs-svc/1",
        "createdAt": CREATED,
        "containers": [{"name": "worker"}],
    }
    return plain | changes


#: Making one costs a tenth of a second; each `Ecs` has a Stubber of its own.
CLIENT = client("ecs", SANDBOX)


class Ecs:
    """Scripts the calls of a poll in order; botocore refuses any other call, order or shape."""

    def __init__(self) -> None:
        self.client = CLIENT
        self.stub = Stubber(self.client)

    def lists(self, running: list[int], stopped: list[int]) -> Ecs:
        for status, numbers in (("RUNNING", running), ("STOPPED", stopped)):
            self.stub.add_response("list_tasks", {"taskArns": [arn(number) for number in numbers]}, listing(status))
        return self

    def describes(self, *tasks: dict[str, Any], asked: list[int] | None = None, missing: tuple[int, ...] = ()) -> Ecs:
        numbers = [arn(number) for number in asked] if asked is not None else sorted(one["taskArn"] for one in tasks)
        answer = {
            "tasks": list(tasks),
            "failures": [{"arn": arn(number), "reason": "MISSING"} for number in missing],
        }
        self.stub.add_response("describe_tasks", answer, {"cluster": "syncwell", "tasks": numbers})
        return self

    def defines(self, *containers: dict[str, Any]) -> Ecs:
        answer = {"taskDefinition": {"containerDefinitions": list(containers)}}
        self.stub.add_response("describe_task_definition", answer, {"taskDefinition": DEFINITION})
        return self

    def refuses(self, operation: str, code: str = "AccessDeniedException") -> Ecs:
        self.stub.add_client_error(operation, code, "no", 400)
        return self


def listing(status: str, **more: str) -> dict[str, str]:
    return {"cluster": "syncwell", "serviceName": "worker", "desiredStatus": status} | more


@pytest.fixture
def ecs() -> Iterator[Ecs]:
    scripted = Ecs()
    with scripted.stub:
        yield scripted
        scripted.stub.assert_no_pending_responses()


#: When the polls of these tests happen: after all that is told.
LATER = STOPPED.timestamp() + 60


def poll_of(ecs: Ecs, now: Callable[[], float] = lambda: LATER) -> TaskPoll:
    return TaskPoll(ecs.client, "syncwell", "worker", now)


WORKER = {"name": "worker", "essential": True}


def test_a_poll_tells_what_became_of_each_task(ecs: Ecs) -> None:
    gone = told(
        2,
        "STOPPED",
        stopCode="EssentialContainerExited",
        stoppedReason="Essential container in task exited",
        startedAt=CREATED,
        stoppingAt=STOPPING,
        executionStoppedAt=EXECUTION,
        stoppedAt=STOPPED,
        containers=[
            {"name": "worker", "exitCode": 137, "reason": "OutOfMemoryError"},
            {"name": "log-router", "exitCode": 0},
            {"name": "put-in-by-aws"},
        ],
    )
    ecs.lists([1], [2]).describes(told(1), gone).defines({"name": "worker"}, {"name": "log-router", "essential": False})
    poll = poll_of(ecs)
    poll.poll()
    census = poll.census()
    assert (census.cluster, census.service, census.polls, census.problems) == ("syncwell", "worker", (LATER,), {})
    alive, stopped = census.tasks
    assert alive == Task(
        arn=arn(1),
        definition=DEFINITION,
        deployment="ecs-svc/1",
        status="RUNNING",
        created_at=CREATED.timestamp(),
        containers=(Container(name="worker", essential=True),),
    )
    assert stopped == Task(
        arn=arn(2),
        definition=DEFINITION,
        deployment="ecs-svc/1",
        status="STOPPED",
        created_at=CREATED.timestamp(),
        started_at=CREATED.timestamp(),
        ended_at=STOPPING.timestamp(),
        stop_code="EssentialContainerExited",
        stopped_reason="Essential container in task exited",
        containers=(
            Container(name="worker", essential=True, exit_code=137, reason="OutOfMemoryError"),
            Container(name="log-router", essential=False, exit_code=0),
            Container(name="put-in-by-aws", essential=False, defined=False),
        ),
    )


@pytest.mark.parametrize(
    ("stamps", "ended"),
    [
        ({"stoppingAt": STOPPING, "stoppedAt": STOPPED}, STOPPING.timestamp()),
        ({"executionStoppedAt": EXECUTION, "stoppedAt": STOPPED}, EXECUTION.timestamp()),
        ({"stoppedAt": STOPPED}, STOPPED.timestamp()),
        ({}, LATER),
    ],
)
def test_a_task_ends_at_the_earliest_that_is_known_of_its_end(
    ecs: Ecs, stamps: dict[str, datetime], ended: float
) -> None:
    ecs.lists([], [1]).describes(told(1, "STOPPED", **stamps)).defines(WORKER)
    poll = poll_of(ecs)
    poll.poll()
    assert poll.census().tasks[0].ended_at == ended


def test_a_task_that_is_deregistered_for_minutes_ends_when_it_was_first_on_its_way_out(ecs: Ecs) -> None:
    """A failed health check within the hold, whose containers end behind it."""
    seen = STOPPING.timestamp() - 200
    now = [seen]
    poll = poll_of(ecs, lambda: now[0])
    ecs.lists([], [1]).describes(told(1, "DEACTIVATING")).defines(WORKER)
    poll.poll()
    now[0] = LATER
    ecs.lists([], [1]).describes(told(1, "STOPPED", stoppingAt=STOPPING, executionStoppedAt=EXECUTION))
    poll.poll()
    assert poll.census().tasks[0].ended_at == seen


def test_the_last_word_wins_and_a_stopped_task_is_not_asked_for_again(ecs: Ecs) -> None:
    now = [100.0]
    poll = poll_of(ecs, lambda: now[0])
    ecs.lists([1, 2], []).describes(told(1), told(2)).defines(WORKER)
    poll.poll()
    now[0] = 160.0
    # Told to stop, but not stopped: its exit code is still to come.
    ecs.lists([1], [2]).describes(told(1), told(2, "STOPPING", stopCode="EssentialContainerExited"))
    poll.poll()
    now[0] = 220.0
    ecs.lists([1], [2]).describes(told(1), told(2, "STOPPED", stoppedAt=STOPPED, stopCode="EssentialContainerExited"))
    poll.poll()
    assert [task.status for task in poll.census().tasks] == ["RUNNING", "STOPPED"]
    assert poll.census().polls == (100.0, 160.0, 220.0)
    poll = poll_of(ecs, lambda: 280.0)
    ecs.lists([], [2]).describes(told(2, "STOPPED")).defines(WORKER)
    poll.poll()
    ecs.lists([], [2])
    poll.poll()
    assert len(poll.census().polls) == 2


def test_a_task_in_both_lists_is_one_task(ecs: Ecs) -> None:
    ecs.lists([1], [1]).describes(told(1)).defines(WORKER)
    poll = poll_of(ecs)
    poll.poll()
    assert len(poll.census().tasks) == 1


def test_lists_and_descriptions_are_read_to_their_end(ecs: Ecs) -> None:
    numbers = list(range(TASKS_A_CALL + 1))
    first = {"taskArns": [arn(number) for number in numbers[:TASKS_A_CALL]], "nextToken": "more"}
    ecs.stub.add_response("list_tasks", first, listing("RUNNING"))
    rest = {"taskArns": [arn(number) for number in numbers[TASKS_A_CALL:]]}
    ecs.stub.add_response("list_tasks", rest, listing("RUNNING", nextToken="more"))
    ecs.stub.add_response("list_tasks", {"taskArns": []}, listing("STOPPED"))
    ecs.describes(*map(told, numbers[:TASKS_A_CALL])).defines(WORKER).describes(told(TASKS_A_CALL))
    poll = poll_of(ecs)
    poll.poll()
    assert len(poll.census().tasks) == len(numbers)


def test_a_task_that_is_listed_and_not_described_is_asked_for_until_it_is(ecs: Ecs) -> None:
    poll = poll_of(ecs)
    ecs.lists([1, 2], []).describes(told(1), asked=[1, 2], missing=(2,)).defines(WORKER)
    poll.poll()
    assert poll.census().undescribed == (arn(2),)
    # Not even listed any more, it is still asked for.
    ecs.lists([1], []).describes(told(1), told(2))
    poll.poll()
    assert poll.census().undescribed == ()
    assert len(poll.census().tasks) == 2


def test_a_task_that_vanished_while_alive_has_an_end_that_nobody_knows(ecs: Ecs) -> None:
    poll = poll_of(ecs)
    ecs.lists([1], []).describes(told(1)).defines(WORKER)
    poll.poll()
    ecs.lists([], []).describes(asked=[1], missing=(1,))
    poll.poll()
    assert poll.census().undescribed == (arn(1),)


def test_a_poll_that_failed_is_counted_with_its_reason_and_is_no_poll(ecs: Ecs) -> None:
    poll = poll_of(ecs)
    for _ in range(2):
        ecs.refuses("list_tasks")
        poll.poll()
    ecs.lists([1], []).refuses("describe_tasks", "ThrottlingException")
    poll.poll()
    ecs.lists([1], []).describes(told(1)).refuses("describe_task_definition")
    poll.poll()
    census = poll.census()
    assert census.polls == ()
    assert census.tasks == ()
    assert census.undescribed == (arn(1),)
    assert sorted(census.problems.values()) == [1, 1, 2]
    assert any("allow ecs:ListTasks" in problem for problem in census.problems)
    assert any("allow ecs:DescribeTaskDefinition" in problem for problem in census.problems)
    assert any("DescribeTasks" in problem and "throttled" in problem for problem in census.problems)


def test_whoever_reads_once_is_told_the_reason(ecs: Ecs) -> None:
    ecs.refuses("list_tasks")
    with pytest.raises(Inconclusive, match="allow ecs:ListTasks"):
        poll_of(ecs).read()


@settings(deadline=None)
@given(st.lists(st.sampled_from(["polled", "refused", "missing"]), max_size=6))
def test_what_is_known_in_the_end_does_not_depend_on_the_polls_before(history: list[str]) -> None:
    ecs = Ecs()
    poll = poll_of(ecs)
    tasks = [told(1), told(2, "STOPPED", stoppedAt=STOPPED, stopCode="UserInitiated")]
    defined = False
    with ecs.stub:
        for what in [*history, "polled"]:
            if what == "refused":
                ecs.refuses("list_tasks")
            else:
                asked = [1] if defined else [1, 2]
                ecs.lists([1], [2])
                if what == "missing":
                    ecs.describes(asked=asked, missing=tuple(asked))
                else:
                    ecs.describes(*tasks[: len(asked)], asked=asked)
                    if not defined:
                        ecs.defines(WORKER)
                    defined = True
            poll.poll()
            ecs.stub.assert_no_pending_responses()
    census = poll.census()
    assert [task.status for task in census.tasks] == ["RUNNING", "STOPPED"]
    assert census.undescribed == ()
    assert len(census.polls) == 1 + sum(what != "refused" for what in history)


# In a thread.

#: A service minute is 10 ms on the wall.
SPEED = 6000.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)


def endless(ecs: Ecs, polls: int) -> None:
    for _ in range(polls):
        ecs.lists([], [])


def test_a_watch_polls_at_once_and_then_every_service_minute_until_it_is_closed() -> None:
    ecs = Ecs()
    endless(ecs, 1_000)
    clock = ServiceClock.starting_now(speed=SPEED)
    with ecs.stub, Watch(ecs.client, "syncwell", "worker", clock) as watch:
        until(lambda: len(watch.census().polls) >= 4)
    polls = watch.census().polls
    assert all(later - earlier >= 60 for earlier, later in pairwise(polls))
    assert not any(thread.name == "syncload-ecs-watch" for thread in threading.enumerate())


def test_a_last_poll_is_made_when_it_is_told_and_the_pause_does_not_delay_the_end() -> None:
    ecs = Ecs()
    endless(ecs, 3)
    began = time.monotonic()
    with ecs.stub, Watch(ecs.client, "syncwell", "worker", ServiceClock.starting_now()) as watch:
        until(lambda: len(watch.census().polls) == 1)
        assert len(watch.final().polls) == 2
        assert len(watch.final().polls) == 3
        ecs.stub.assert_no_pending_responses()
    # At this speed the next poll of its own would come after a minute.
    assert time.monotonic() - began < 30


def test_an_answer_of_no_known_shape_ends_no_watch() -> None:
    ecs = Ecs()
    ecs.lists([1], []).describes(told(1))
    # Stubber lets an answer without its one member pass, as ECS's model requires none.
    ecs.stub.add_response("describe_task_definition", {}, {"taskDefinition": ANY})
    ecs.lists([1], []).describes(told(1)).defines(WORKER)
    with ecs.stub, Watch(ecs.client, "syncwell", "worker", ServiceClock.starting_now()) as watch:
        until(lambda: bool(watch.census().problems))
        census = watch.final()
    assert census.problems == {"KeyError: 'taskDefinition'": 1}
    assert len(census.polls) == 1


def test_a_watch_that_is_closed_polls_no_more() -> None:
    ecs = Ecs()
    endless(ecs, 1_000)
    with ecs.stub, Watch(ecs.client, "syncwell", "worker", ServiceClock.starting_now(speed=SPEED)) as watch:
        until(lambda: len(watch.census().polls) >= 1)
    seen = len(watch.census().polls)
    assert not any(thread.name == "syncload-ecs-watch" for thread in threading.enumerate())
    assert len(watch.census().polls) == seen


# A second opinion: moto is not ours.


@mock_aws
def test_moto_answers_the_same_calls() -> None:
    subnet = boto3.client("ec2", region_name="us-east-1").describe_subnets()["Subnets"][0]["SubnetId"]
    ecs = client("ecs", AwsAccess(region="us-east-1"))
    ecs.create_cluster(clusterName="syncwell")
    ecs.register_task_definition(
        family="worker",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "worker", "image": "worker", "memory": 512, "essential": True}],
    )
    ecs.create_service(cluster="syncwell", serviceName="worker", taskDefinition="worker", desiredCount=2)
    started = ecs.run_task(
        cluster="syncwell",
        taskDefinition="worker",
        launchType="FARGATE",
        count=2,
        startedBy="ecs-svc/1",
        group="service:worker",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}},
    )["tasks"]
    poll = TaskPoll(ecs, "syncwell", "worker", time.time)
    poll.read()
    ecs.stop_task(cluster="syncwell", task=started[0]["taskArn"], reason="by hand")
    poll.read()
    census = poll.census()
    assert [task.arn for task in census.tasks] == sorted(one["taskArn"] for one in started)
    assert {task.deployment for task in census.tasks} == {"ecs-svc/1"}
    assert all(task.containers[0].essential for task in census.tasks)
    # Its stop has neither a code nor a time, as ECS's own has: it ended when it was seen to, and nobody knows how.
    (stopped,) = (task for task in census.tasks if task.arn == started[0]["taskArn"])
    assert (stopped.status, stopped.stop_code) == ("STOPPED", None)
    assert stopped.ended_at is not None
    assert classify(stopped) is Stop.UNKNOWN
