"""Requests belong to the service minute in which they arrived."""

from __future__ import annotations

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.sandbox.minutes import Minutes

CLOCK = ServiceClock(origin=6_000.0, monotonic_origin=100.0, speed=60.0)


def test_minute_is_handed_out_once_it_is_over_and_complete() -> None:
    minutes = Minutes(CLOCK, 0.25)
    minute = minutes.at(100.5)
    minute.requests += 1
    minute.in_flight += 1
    assert minute.start == 6_000
    assert minutes.at(100.9) is minute
    assert minutes.at(101.0).start == 6_060
    assert list(minutes.over(100.99)) == []
    assert list(minutes.over(101.1)) == []  # one is in flight
    minutes.late(minute).end(202, 0.0204)
    assert list(minutes.over(101.1)) == [minute]
    assert minute.counts()["latency"] == {20: 1}
    assert list(minutes.over(101.1)) == []


def test_request_that_outlives_the_grace_adds_to_its_minute() -> None:
    minutes = Minutes(CLOCK, 0.25)
    minute = minutes.at(100.5)
    minute.requests += 1
    minute.in_flight += 1
    assert list(minutes.over(101.25)) == [minute]
    minutes.late(minute).end(500, 1.0)
    (addition,) = minutes.over(101.6)
    assert addition.counts() == {
        "minute": 6_000,
        "requests": 0,
        "latency": {1000: 1},
        "statuses": {500: 1},
        "accepted": 0,
        "foreign": 0,
        "calls": {},
        "failed_calls": 0,
        "table": {"consumed": 0, "throttles": 0},
        "index": {"consumed": 0, "throttles": 0},
        "gauges": None,
    }


def test_keys_are_logged_by_prefix_and_bounded() -> None:
    minutes = Minutes(CLOCK, 0.25)
    minute = minutes.at(100.5)
    for number in range(3):
        minute.saw_key(b"run-peak-%d" % number)
    for number in range(1_100):
        minute.saw_key(b"%d-x" % number)
    (rest,) = minutes.rest()
    keys = rest.log_line()["keys"]
    assert keys["run-peak"]["count"] == 3
    assert keys["run-peak"]["first"] <= keys["run-peak"]["last"]
    assert len(keys) == 1_001
    assert keys["(others)"]["count"] == 101
    assert list(minutes.rest()) == []
