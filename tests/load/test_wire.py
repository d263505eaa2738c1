"""A request as bytes: exact, never with a smuggled header, never with an old token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.wire import RequestWriter, serialise

USER = Identity(0, "u", "t0ken")


def test_by_hand() -> None:
    template = RequestTemplate(path="/v1/jobs", headers=(("Accept", "*/*"),), json={"a": [1, "ü"]})
    assert RequestWriter(template, "https://user@api.example:8443/base/").wire(USER, "run-peak-17") == (
        b"POST /base/v1/jobs HTTP/1.1\r\nHost: api.example:8443\r\nAuthorization: Bearer t0ken\r\nAccept: */*\r\n"
        b"Content-Type: application/json\r\nContent-Length: 18\r\nIdempotency-Key: run-peak-17\r\n\r\n"
        b'{"a":[1,"\\u00fc"]}'
    )


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", b"0"), ("PUT", b"0")])
def test_without_a_body(method: str, length: bytes | None) -> None:
    wire = RequestWriter(RequestTemplate(method=method), "http://h").wire(USER, "k")
    assert wire.startswith(method.encode() + b" / HTTP/1.1\r\nHost: h\r\n")
    assert wire.endswith(b"Idempotency-Key: k\r\n\r\n")
    assert b"Content-Type" not in wire
    assert (b"Content-Length" in wire) == (length is not None)
    if length is not None:
        assert b"\r\nContent-Length: " + length + b"\r\n" in wire


@given(
    path=st.text(max_size=20).map(lambda text: "/" + text),
    json=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
    key=st.from_regex(r"[\w-]{1,40}", fullmatch=True),
)
def test_prepared_bytes_are_what_the_serialiser_writes(path: str, json: object, key: str) -> None:
    template = RequestTemplate(path=path, json=json)
    writer = RequestWriter(template, "http://h:1")
    head, _, body = writer.wire(USER, key).partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].split(b" ")
    assert serialise(method, target, writer.headers(USER, key), body) == writer.wire(USER, key)
    assert target.isascii()


def test_what_is_quoted_already_stays_so() -> None:
    template = RequestTemplate(path="/a%20b/c d?q=ü&r=1+2")
    assert RequestWriter(template, "http://h").wire(USER, "k").startswith(b"POST /a%20b/c%20d?q=%C3%BC&r=1+2 HTTP/1.1")


def test_constant_bytes_are_made_once_for_an_identity_and_again_for_a_new_token() -> None:
    writer = RequestWriter(RequestTemplate(), "http://h")
    first = writer.prepared(USER)
    assert writer.prepared(USER) is first
    assert b"Bearer t0ken\r\n" in writer.wire(USER, "k")
    assert b"Bearer fresh\r\n" in writer.wire(Identity(0, "u", "fresh"), "k")
    assert b"Bearer other\r\n" in writer.wire(Identity(1, "v", "other"), "k")
    assert "t0ken" not in repr(first)


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        (b"GET", b"/\r\nX: y", (b"A", b"1")),
        (b"GET", b"/a b", (b"A", b"1")),
        (b"GET", b"", (b"A", b"1")),
        (b"GET /x", b"/", (b"A", b"1")),
        (b"GET", b"/", (b"A", b"1\r\nB: 2")),
        (b"GET", b"/", (b"A", b"1\n")),
        (b"GET", b"/", (b"A", b"1\0")),
        (b"GET", b"/", (b"A\r\nB", b"1")),
        (b"GET", b"/", (b"A: b", b"1")),
        (b"GET", b"/", (b"", b"1")),
    ],
)
def test_nothing_is_smuggled_in(method: bytes, target: bytes, header: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError):
        serialise(method, target, [header], b"")


def test_a_key_or_token_or_header_with_a_line_break_is_refused() -> None:
    writer = RequestWriter(RequestTemplate(), "http://h")
    with pytest.raises(ValueError, match="Idempotency-Key"):
        writer.wire(USER, "k\r\nX: y")
    with pytest.raises(Refused, match=r"line break.*slo\.yaml"):
        writer.wire(Identity(1, "u", "t\r\nX: y"), "k")
    with pytest.raises(Refused, match="line break"):
        RequestWriter(RequestTemplate(headers=(("A", "1\n2"),)), "http://h").wire(USER, "k")


@pytest.mark.parametrize("name", ["Authorization", "content-length", "Transfer-Encoding", "IDEMPOTENCY-KEY"])
def test_headers_that_contradict_ours_are_refused(name: str) -> None:
    with pytest.raises(Refused, match=name):
        RequestWriter(RequestTemplate(headers=((name, "x"),)), "http://h")


def test_a_given_host_or_content_type_stands_instead_of_ours() -> None:
    template = RequestTemplate(headers=(("host", "other"), ("content-type", "application/x+json")), json={})
    wire = RequestWriter(template, "http://h").wire(USER, "k").lower()
    assert wire.count(b"host:") == wire.count(b"content-type:") == 1
    assert b"host: other\r\n" in wire
