"""What a CloudWatch may answer, byte for byte, over real sockets: each ends in the right value or in an error.

The server answers by a script, so that it can be as odd as no double should be: boto3's own client reads it.
"""

from __future__ import annotations

import gzip
import json
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pytest_syncload.facts.catalogue import Query, Role
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import AwsAccess
from pytest_syncload.sources.aws import Passing, Patience, pages
from pytest_syncload.sources.aws import client as client_for
from pytest_syncload.sources.cloudwatch import Answer, Ask, fetch, pages_allowed
from pytest_syncload.sources.observe import observe
from pytest_syncload.verdict import judge
from tests.rows import DEPTH, LATENCY, MINUTES, RESOURCES, START, WINDOW, reading, result
from tests.rows import answers as healthy

ASK = Ask(Query(role=Role.VALUE, namespace="N", name="M", statistic="Sum", dimensions=(("D", "v"),)), 60, WINDOW)
TRIES = 2


class Script(ThreadingHTTPServer):
    """Answers request k by ``steps[k]``, the last one again and again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Told)
        self.steps: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.requests = 0

    def next(self) -> Callable[[BaseHTTPRequestHandler], None]:
        step = self.steps[min(self.requests, len(self.steps) - 1)]
        self.requests += 1
        return step

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that a step reset cannot be read on; that is what the step is for."""


class Told(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Script

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.next()(self)

    def log_message(self, *_: Any) -> None:
        """Keep stderr quiet."""


def body(said: Any, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer of this JSON, or of these bytes."""
    raw = said if isinstance(said, bytes) else json.dumps(said).encode()

    def step(told: BaseHTTPRequestHandler) -> None:
        told.send_response(status)
        told.send_header("Content-Type", "application/x-amz-json-1.0")
        for name, value in headers.items():
            told.send_header(name.replace("_", "-"), value)
        told.send_header("Content-Length", str(len(raw)))
        told.end_headers()
        told.wfile.write(raw)

    return step


def reset(told: BaseHTTPRequestHandler) -> None:
    told.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    told.connection.close()
    told.close_connection = True


def cut(told: BaseHTTPRequestHandler) -> None:
    told.send_response(200)
    told.send_header("Content-Length", "1000")
    told.end_headers()
    told.wfile.write(b'{"MetricDataResults": [')
    told.close_connection = True


def points(stamps: Any, values: Any, **more: Any) -> dict[str, Any]:
    return {
        "MetricDataResults": [{"Id": "q0", "StatusCode": "Complete", "Timestamps": stamps, "Values": values} | more]
    }


GOOD = points(MINUTES, [1.0, 2.0, 3.0])
PACKED = gzip.compress(json.dumps(GOOD).encode())


@pytest.fixture(scope="module")
def served() -> Iterator[Script]:
    with Script() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join(60)


@pytest.fixture(scope="module")
def client(served: Script) -> Any:
    access = AwsAccess(
        region="us-east-1",
        endpoint_url=f"http://127.0.0.1:{served.server_address[1]}",
        access_key_id="id",
        secret_access_key="not-a-secret",
    )
    return client_for("cloudwatch", access, patience=Patience(attempts=TRIES, connect_s=5, read_s=10))


@pytest.fixture
def script(served: Script) -> Script:
    served.steps, served.requests = [], 0
    return served


def told(script: Script, client: Any, *steps: Callable[[BaseHTTPRequestHandler], None]) -> Answer:
    script.steps = list(steps)
    return fetch(client, [ASK])[ASK]


def said_twice(status: str) -> dict[str, Any]:
    """Two results of the one query, of which the second is whole."""
    failed = {"Id": "q0", "StatusCode": status, "Timestamps": [], "Values": []}
    return {"MetricDataResults": [failed, *GOOD["MetricDataResults"]]}


RIGHT = {
    "plain": [body(GOOD)],
    "unsorted": [body(points([MINUTES[2], MINUTES[0], MINUTES[1]], [3.0, 1.0, 2.0]))],
    "repeated": [body(points([*MINUTES, MINUTES[1]], [1.0, 2.0, 3.0, 2.0]))],
    "whole-number epochs": [body(points([int(stamp) for stamp in MINUTES], [1, 2, 3]))],
    "epochs as texts": [body(points(["2023-11-14T22:14:00Z", *MINUTES[1:]], [1, 2, 3]))],
    "unknown members": [body(GOOD | {"Novelty": {"a": 1}})],
    "a page without results": [body({"MetricDataResults": [], "NextToken": "t"}), body(GOOD)],
    "in two parts": [body(said_twice("PartialData"))],
    "503 once": [body(b"<html>busy</html>", 503), body(GOOD)],
    "500 once": [body({"__type": "InternalServiceFault"}, 500), body(GOOD)],
    "a reset once": [reset, body(GOOD)],
}


@pytest.mark.parametrize("steps", RIGHT.values(), ids=RIGHT)
def test_ends_in_the_right_value(steps: Any, script: Script, client: Any) -> None:
    found = told(script, client, *steps)
    assert (found.status, found.timestamps, found.values) == ("Complete", MINUTES, (1.0, 2.0, 3.0))
    assert script.requests == len(steps)


MARKED = {
    "two values of one moment": (points([*MINUTES, MINUTES[1]], [1.0, 2.0, 3.0, 9.0]), "contradictory"),
    "a moment without a value": (points(MINUTES, [1.0, 2.0]), "contradictory"),
    "a value without a moment": (points(MINUTES[:2], [1.0, 2.0, 3.0]), "contradictory"),
    "a moment that is null": (points([None, *MINUTES[1:]], [1.0, 2.0, 3.0]), "contradictory"),
    "no status": (
        {"MetricDataResults": [{"Id": "q0", "Timestamps": MINUTES, "Values": [1, 2, 3]}]},
        "missing",
    ),
    "a failure, then Complete": (said_twice("InternalError"), "InternalError"),
    "forbidden, then Complete": (said_twice("Forbidden"), "Forbidden"),
    "an unknown status, then Complete": (said_twice("Almost"), "Almost"),
    "another status": (points(MINUTES, [1.0, 2.0, 3.0], StatusCode="Almost"), "Almost"),
    "no result": ({"MetricDataResults": []}, "missing"),
}


@pytest.mark.parametrize(("said", "status"), MARKED.values(), ids=MARKED)
def test_is_marked_as_not_complete(said: Any, status: str, script: Script, client: Any) -> None:
    assert told(script, client, body(said)).status == status


@pytest.mark.parametrize("value", [None, "7", "NaN", math.nan, {}, True, False, 10**400, -(10**400)], ids=repr)
def test_what_is_no_number_is_not_taken_for_one(value: Any, script: Script, client: Any) -> None:
    found = told(script, client, body(points(MINUTES, [1.0, value, 3.0])))
    assert math.isnan(found.values[1])


REFUSED = {
    "epochs in microseconds": [body(points([stamp * 1e6 for stamp in MINUTES], [1, 2, 3]))],
    "a moment that no calendar has": [body(points([1e300, *MINUTES[1:]], [1, 2, 3]))],
    "no time at all": [body(points(["soon", *MINUTES[1:]], [1, 2, 3]))],
    "a query that was not asked": [body(points(MINUTES, [1, 2, 3], Id="q7"))],
    "a result that is null": [body({"MetricDataResults": [None]})],
    "another answer": [body({"hello": "world"})],
    "a page of HTML": [body(b"<html>sign in to the Wi-Fi</html>")],
    "a list": [body([1, 2])],
    "nothing": [body(b"")],
    "403 of HTML": [body(b"<html>no</html>", 403)],
    # botocore asks for bodies as they are, and does not unpack.
    "gzip": [body(PACKED, Content_Encoding="gzip")],
    "cut short": [cut],
}


@pytest.mark.parametrize("steps", REFUSED.values(), ids=REFUSED)
def test_ends_in_an_error(steps: Any, script: Script, client: Any) -> None:
    with pytest.raises(Inconclusive, match="GetMetricData"):
        told(script, client, *steps)


def test_a_moment_that_no_calendar_has_is_no_matter_of_credentials(script: Script, client: Any) -> None:
    with pytest.raises(Passing, match=r"the answer cannot be read .*timezone offset"):
        told(script, client, body(points([1e300, *MINUTES[1:]], [1, 2, 3])))


SAID = {"Code": "MaxMetricsExceeded", "Value": "too many"}


@pytest.mark.parametrize(
    ("odd", "messages"),
    [
        (GOOD | {"Messages": [SAID, SAID]}, ("MaxMetricsExceeded: too many",)),
        (points(MINUTES, [1, 2, 3], Messages=[{"Code": "Forbidden"}]), ("Forbidden: ?",)),
        (GOOD | {"Messages": [None]}, ("?: ?",)),
        (GOOD | {"Messages": None}, ()),
        (GOOD | {"Messages": []}, ()),
    ],
)
def test_what_cloudwatch_says_besides_is_kept(odd: Any, messages: tuple[str, ...], script: Script, client: Any) -> None:
    assert told(script, client, body(odd)).messages == messages


def test_pages_without_an_end_are_not_read_for_ever(script: Script, client: Any) -> None:
    script.steps = [body({"MetricDataResults": [], "NextToken": str(number)}) for number in range(200)]
    with pytest.raises(Inconclusive, match=r"GetMetricData gave \d+ pages, more than what was asked can fill"):
        fetch(client, [ASK])
    assert script.requests == pages_allowed([ASK], WINDOW)


def test_as_many_pages_as_are_allowed_are_read(script: Script, client: Any) -> None:
    allowed = pages_allowed([ASK], WINDOW)
    empty = [body({"MetricDataResults": [], "NextToken": str(number)}) for number in range(allowed - 1)]
    assert told(script, client, *empty, body(GOOD)).values == (1.0, 2.0, 3.0)


def test_no_further_page_is_read_when_there_is_no_time_left(script: Script, client: Any) -> None:
    script.steps = [body(GOOD | {"NextToken": "more"}), body({"MetricDataResults": []})]
    with pytest.raises(Passing, match="had not come to its last page"):
        fetch(client, [ASK], lambda: True)
    assert script.requests == 1
    script.steps = [body(GOOD)]
    assert fetch(client, [ASK], lambda: True)[ASK].values == (1.0, 2.0, 3.0)


PASSING = {"503": [body(b"<html>busy</html>", 503)], "resets": [reset]}


@pytest.mark.parametrize("steps", PASSING.values(), ids=PASSING)
def test_ends_in_an_error_that_may_pass(steps: Any, script: Script, client: Any) -> None:
    with pytest.raises(Passing, match="GetMetricData at "):
        told(script, client, *steps)
    assert script.requests == TRIES


def test_a_listing_that_cannot_be_read_is_an_error_that_may_pass(script: Script, client: Any) -> None:
    script.steps = [body({"Metrics": [], "NextToken": "t"}), body([1, 2])]
    with pytest.raises(Passing, match=r"ListMetrics at .*cannot be read .*does a proxy"):
        pages(client, "ListMetrics", "Metrics")


def test_moments_between_minutes_are_no_minutes(script: Script, client: Any) -> None:
    """Microseconds beside the minute, and a period that is coarser than asked, are not what was asked for."""
    beside = told(script, client, body(points([stamp + 0.000125 for stamp in MINUTES], [1, 2, 3])))
    coarser = told(script, client, body(points([START], [6.0])))
    for slo, period in ((LATENCY, 60), (DEPTH, 60)):
        for odd in (beside, coarser):
            odder = {
                ask: Answer(ask=ask, status=odd.status, timestamps=odd.timestamps, values=odd.values)
                if ask.period_s == period
                else answer
                for ask, answer in healthy(slo).items()
            }
            verdict = judge(observe(slo, reading(odder), RESOURCES, result()), result(), None)
            assert "of the window's 3 minutes" in verdict.reason
            assert verdict.ruling == "inconclusive"
