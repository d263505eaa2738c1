"""Exactly one outcome, the first that matches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.plan import ANY, UNIQUE, RequestTemplate
from pytest_syncload.facts.result import Outcome
from pytest_syncload.load.outcome import expectation, parsed
from pytest_syncload.load.transport import Answer, Failure


def no_json(name: str) -> None:
    raise ValueError(name)


def answer(status: int, body: bytes = b"") -> Answer:
    return Answer(sent_at=0.0, done_at=1.0, status=status, body=body)


@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        (Failure.CONNECT, Outcome.CONNECT_ERROR),
        (Failure.TIMEOUT, Outcome.TIMEOUT),
        (Failure.PROTOCOL, Outcome.PROTOCOL_ERROR),
    ],
)
def test_a_failure_comes_before_any_status(failure: Failure, outcome: Outcome) -> None:
    assert expectation(RequestTemplate())(Answer(sent_at=0.0, done_at=1.0, failure=failure, status=500)) is outcome


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        (200, 200, Outcome.OK),
        (500, 200, Outcome.SERVER_ERROR),
        (599, 200, Outcome.SERVER_ERROR),
        (503, 503, Outcome.SERVER_ERROR),
        (429, 200, Outcome.UNEXPECTED_STATUS),
        (401, 200, Outcome.UNEXPECTED_STATUS),
        (200, 202, Outcome.UNEXPECTED_STATUS),
        (499, 200, Outcome.UNEXPECTED_STATUS),
    ],
)
def test_the_status(status: int, expected: int, outcome: Outcome) -> None:
    template = RequestTemplate(expect_status=expected, expect_json={"a": 1} if outcome is not Outcome.OK else {})
    assert expectation(template)(answer(status, b"not json")) is outcome


@pytest.mark.parametrize(
    ("wanted", "body", "fits"),
    [
        ({"id": ANY}, {"id": "x", "more": 1}, True),
        ({"id": ANY}, {"id": 0}, True),
        ({"id": ANY}, {"id": False}, True),
        ({"id": ANY}, {"id": None}, False),
        ({"id": ANY}, {}, False),
        ({"id": UNIQUE}, {"id": "x"}, True),
        ({"id": UNIQUE}, {"id": None}, False),
        ({"id": None}, {"id": None}, True),
        ({"id": None}, {}, False),
        ({"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {"c": [1]}}, True),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, False),
        ({"id": ANY}, ["id"], False),
        ({"ok": True}, {"ok": 1}, False),
        ({"ok": 1}, {"ok": True}, False),
        ({"left": 0}, {"left": False}, False),
        ({"left": 0}, {"left": 0.0}, True),
        ({"all": [{"ok": True}]}, {"all": [{"ok": 1}]}, False),
        ({"all": [{"ok": True}]}, {"all": [{"ok": True}]}, True),
        ({"id": ANY}, "id", False),
        # Below the top, any and unique stand for one value; what they stand in is as strict as ever.
        ({"job": {"id": ANY}}, {"job": {"id": "x"}}, True),
        ({"job": {"id": ANY}}, {"job": {"id": None}}, False),
        ({"job": {"id": ANY}}, {"job": {"id": "x", "more": 1}}, False),
        ({"job": {"id": ANY}}, {"job": {}}, False),
        ({"job": {"id": ANY}}, {"job": None}, False),
        ({"job": {"id": ANY}}, {"job": ["id"]}, False),
        ({"job": {"id": UNIQUE, "ok": True}}, {"job": {"id": 1, "ok": True}}, True),
        ({"job": {"id": UNIQUE, "ok": True}}, {"job": {"id": 1, "ok": 1}}, False),
        ({"jobs": [{"id": ANY}, 2]}, {"jobs": [{"id": "x"}, 2]}, True),
        ({"jobs": [{"id": ANY}, 2]}, {"jobs": [{"id": "x"}, 3]}, False),
        ({"jobs": [{"id": ANY}]}, {"jobs": [{"id": "x"}, {"id": "y"}]}, False),
        ({"jobs": [{"id": ANY}]}, {"jobs": {"0": {"id": "x"}}}, False),
        ({"jobs": [ANY]}, {"jobs": []}, False),
        ({"job": {}}, {"job": {"id": 1}}, False),
    ],
)
def test_every_expected_member_must_fit(wanted: Mapping[str, Any], body: object, fits: bool) -> None:
    template = RequestTemplate(expect_json=wanted)
    expected = Outcome.OK if fits else Outcome.WRONG_BODY
    assert expectation(template)(answer(200, json.dumps(body).encode())) is expected


@pytest.mark.parametrize(
    ("wanted", "fields", "fits"),
    [
        ((("Content-Type", "application/json"),), [(b"content-type", b" application/json \t")], True),
        ((("Content-Type", "application/json"),), [(b"Content-Type", b"application/json; charset=utf-8")], False),
        ((("Content-Type", "application/json"),), [(b"Content-Type", b"Application/JSON")], False),
        ((("Content-Type", "application/json"),), [(b"Date", b"x")], False),
        ((("X-A", ANY),), [(b"x-a", b"")], True),
        ((("X-A", ANY),), [], False),
        ((("X-A", "1, 2"),), [(b"X-A", b"1"), (b"x-a", b" 2")], True),
        ((("X-A", "1"),), [(b"X-A", b"1"), (b"x-a", b"2")], False),
        ((("X-A", "1"), ("X-B", ANY)), [(b"X-A", b"1"), (b"X-B", b"2")], True),
        ((("X-A", "1"), ("X-B", ANY)), [(b"X-A", b"1")], False),
    ],
)
def test_every_expected_header_must_be_there_with_its_value(
    wanted: tuple[tuple[str, str], ...], fields: list[tuple[bytes, bytes]], fits: bool
) -> None:
    became = expectation(RequestTemplate(expect_headers=wanted))
    for _ in range(2):  # and again, once their places are known
        said = Answer(sent_at=0.0, done_at=1.0, status=200, fields=fields)
        assert became(said) is (Outcome.OK if fits else Outcome.WRONG_BODY)
        # Another order, or another answer in between, changes nothing.
        assert became(answer(200)) is Outcome.WRONG_BODY


def test_one_of_several_statuses_is_enough_and_failures_stay_failures() -> None:
    became = expectation(RequestTemplate(expect_status=(200, 202)))
    assert [became(answer(status)) for status in (200, 202)] == [Outcome.OK] * 2
    assert [became(answer(status)) for status in (201, 204, 429)] == [Outcome.UNEXPECTED_STATUS] * 3
    assert became(answer(500)) is Outcome.SERVER_ERROR


@given(
    text=st.text(max_size=40)
    | st.recursive(st.none() | st.floats() | st.text() | st.integers(), st.lists).map(json.dumps)
)
def test_the_parser_says_what_the_standard_library_says(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    try:
        wanted = json.loads(body, parse_constant=no_json)
    except ValueError:
        wanted = None
    assert repr(parsed(body)) == repr(wanted)  # NaN is not equal to itself


@pytest.mark.parametrize("body", [b'{"id": NaN}', b'{"id": Infinity}', b'{"id": -Infinity}', b"\xef\xbb\xbf[NaN]"])
def test_what_is_no_number_is_no_json(body: bytes) -> None:
    assert parsed(body) is None


def test_a_byte_order_mark_is_no_error() -> None:
    assert parsed(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 1', b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_not_json_is_a_wrong_body(body: bytes) -> None:
    assert expectation(RequestTemplate(expect_json={"id": ANY}))(answer(200, body)) is Outcome.WRONG_BODY
    assert expectation(RequestTemplate())(answer(200, body)) is Outcome.OK
