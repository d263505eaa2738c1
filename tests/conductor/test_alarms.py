"""Abort rules on the target's metrics, poll by poll: with botocore's Stubber in CloudWatch's place."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from pytest_syncload.conductor import alarms
from pytest_syncload.conductor.alarms import AlarmPoll, Alarms
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Alarm, Slo, Target
from pytest_syncload.facts.units import Kind
from pytest_syncload.sources.aws import client
from tests.conductor.plans import REAL, phase
from tests.rows import RESOURCES
from tests.sources.stubs import NOWHERE

BEGAN = 1_700_000_040.0
CLIENT = client("cloudwatch", NOWHERE)


def rule(metric: str, limit: float, minutes: int) -> Alarm:
    target = Target(op="<=", value=limit, kind=Kind.SHARE, text=f"<= {limit:g}")
    row = Slo(name="abort", phase="peak", target=target, line=1, metric=metric)
    return Alarm(row=row, minutes=minutes, text=f"{metric} > {limit:g} % for {minutes}m")


CPU = rule("ecs.cpu", 95.0, 2)
THROTTLES = rule("dynamodb.throttles", 0.0, 1)


class Polled:
    """A poll whose clock stands where it is put, and whose CloudWatch says what it is told."""

    def __init__(self, *rules: Alarm) -> None:
        self.minute = 0.0
        #: What the siblings say that show traffic.
        self.traffic: tuple[float, ...] = ()
        self.stub = Stubber(CLIENT)
        self.poll = AlarmPoll(CLIENT, rules, RESOURCES, lambda: BEGAN + 60 * self.minute + 5, BEGAN)

    def says(self, *values: float | None, queries: int = 1, status: str = "Complete") -> None:
        """Of the first query; the second half of them show the traffic."""
        known = [(BEGAN + 60 * at, value) for at, value in enumerate(values) if value is not None]
        first = {
            "Id": "q0",
            "Label": "x",
            "StatusCode": status,
            "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in known],
            "Values": [value for _, value in known],
        }
        traffic = {
            "Timestamps": [datetime.fromtimestamp(BEGAN + 60 * at, UTC) for at in range(len(self.traffic))],
            "Values": list(self.traffic),
        }
        silent: dict[str, list[Any]] = {"Timestamps": [], "Values": []}
        rest = [{**first, "Id": f"q{at}", **(traffic if 2 * at >= queries else silent)} for at in range(1, queries)]
        asked = {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, "ScanBy": ANY}
        self.stub.add_response("get_metric_data", {"MetricDataResults": [first, *rest]}, asked)

    def at(self, minute: float) -> AlarmPoll:
        self.minute = minute
        self.poll.poll()
        return self.poll


@pytest.fixture
def polled() -> Iterator[Polled]:
    made = Polled(CPU)
    with made.stub:
        yield made
        made.stub.assert_no_pending_responses()


def test_it_asks_for_the_minutes_that_are_over_and_stops_once_a_stretch_is_known(polled: Polled) -> None:
    assert polled.at(0).stop is None, "no minute is over, so nobody is asked"
    assert list(polled.poll.never_known) == [CPU.text]
    polled.says(96.0)
    assert polled.at(1).stop is None
    assert not polled.poll.never_known
    polled.says(96.0, 97.0)
    assert "tripped in minutes 1 to 2 of the load: up to 97 %" in (polled.at(2).stop or "")
    polled.says(20.0, 20.0, 20.0)
    assert polled.at(3).tripped is not None, "it is not taken back"


def test_a_rule_that_is_not_answered_stops_the_load_after_a_quarter_of_an_hour(polled: Polled) -> None:
    polled.stub.add_client_error("get_metric_data", "AccessDeniedException", "not for you", http_status_code=403)
    assert polled.at(1).stop is None
    polled.minute = 14.9
    assert polled.poll.stop is None
    polled.minute = 15.0
    stop = polled.poll.stop or ""
    assert "the abort rule 'ecs.cpu > 95 % for 2m' could not be looked at for 15 minutes: " in stop
    assert "AccessDenied" in stop
    assert "mend that, or leave the rule out" in stop
    assert polled.poll.tripped is None, "it is not the target's doing"


def test_a_metric_that_falls_silent_is_not_looked_at(polled: Polled) -> None:
    polled.says(50.0, 50.0)
    assert polled.at(3).stop is None
    polled.says(50.0, 50.0)
    assert polled.at(16).stop is None, "known until minute 2"
    polled.says()  # those minutes are out of reach by now
    assert "CloudWatch has no value of AWS/ECS CPUUtilization Average" in (polled.at(20).stop or "")


def test_an_answer_of_no_known_shape_ends_no_poll(polled: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: Any) -> Any:
        raise KeyError("Values")

    monkeypatch.setattr(alarms, "fetch", odd)
    assert polled.at(1).stop is None
    polled.minute = 16.0
    assert "KeyError: 'Values'" in (polled.poll.stop or "")


def test_of_what_is_only_counted_traffic_without_a_value_is_known_and_silence_is_not() -> None:
    polled = Polled(THROTTLES)
    with polled.stub:
        polled.says(queries=4)
        assert polled.at(14).stop is None
        polled.minute = 15
        assert "CloudWatch has no value of AWS/DynamoDB" in (polled.poll.stop or "")
    seen = Polled(THROTTLES)
    with seen.stub:
        seen.traffic = (5.0,) * 14
        seen.says(queries=4)
        assert seen.at(14).stop is None
        seen.minute = 28.9
        assert seen.poll.stop is None
        assert not seen.poll.never_known
        seen.says(None, 1.0, queries=4)
        assert "tripped in minute 2 of the load: up to 1 %" in (seen.at(15).stop or "")


def test_a_resource_that_is_silent_is_not_looked_at_whatever_another_says() -> None:
    polled = Polled(rule("elasticache.engine_cpu", 90.0, 2))
    with polled.stub:
        polled.says(*(10.0,) * 14, queries=2)
        assert polled.at(14).stop is None
        polled.minute = 15
        assert "CacheClusterId=syncwell-002" in (polled.poll.stop or "")


def test_each_rule_is_looked_at_whatever_becomes_of_the_others() -> None:
    polled = Polled(CPU, THROTTLES)
    with polled.stub:
        polled.stub.add_client_error("get_metric_data", "InternalFailure", "later", http_status_code=400)
        polled.says(2.0, queries=4)
        assert "dynamodb.throttles" in (polled.at(1).tripped or "")


def test_a_phase_without_rules_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "client", None)
    with Alarms(phase("peak"), Ground(environment=REAL, clock=ServiceClock.starting_now())) as none:
        none.begin(time.monotonic())
        assert (none.stop, none.tripped, none.never_known) == (None, None, ())


def test_it_is_asked_every_minute_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Semaphore(0)
    monkeypatch.setattr(alarms, "client", lambda *_, **__: None)

    def counted(*_: Any) -> Any:
        asked.release()
        return {}

    monkeypatch.setattr(alarms, "fetch", counted)
    ground = Ground(environment=replace(REAL, aws=NOWHERE), clock=ServiceClock.starting_now(speed=6000))
    with Alarms(replace(phase("peak"), alarms=(CPU,)), ground) as mine:
        assert mine.stop is None, "the load has not begun"
        mine.begin(time.monotonic() - 1)
        assert asked.acquire(timeout=20)
        assert asked.acquire(timeout=20)
        assert mine.never_known == (CPU.text,)
    assert "syncload-alarms" not in [thread.name for thread in threading.enumerate()]
