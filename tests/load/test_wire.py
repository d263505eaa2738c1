"""A request as bytes: exact, never with a smuggled header, never with an old token."""

from __future__ import annotations

from json import dumps, loads
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.idempotency import Idempotency, KeyForm, Variant
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.load.wire import RequestWriter, check_writers, serialise

USER = Identity(0, "u", "t0ken")


def test_by_hand() -> None:
    template = RequestTemplate(path="/v1/jobs", headers=(("Accept", "*/*"),), json={"a": [1, "ü"]})
    assert RequestWriter(template, "https://user@api.example:8443/base/").wire(USER, "run-peak-17", 0) == (
        b"POST /base/v1/jobs HTTP/1.1\r\nHost: api.example:8443\r\nAuthorization: Bearer t0ken\r\nAccept: */*\r\n"
        b"Content-Type: application/json\r\nContent-Length: 18\r\nIdempotency-Key: run-peak-17\r\n\r\n"
        b'{"a":[1,"\\u00fc"]}'
    )


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("DELETE", None), ("POST", b"0"), ("PUT", b"0")])
def test_without_a_body(method: str, length: bytes | None) -> None:
    wire = RequestWriter(RequestTemplate(method=method), "http://h").wire(USER, "k", 0)
    assert wire.startswith(method.encode() + b" / HTTP/1.1\r\nHost: h\r\n")
    assert wire.endswith(b"Idempotency-Key: k\r\n\r\n")
    assert b"Content-Type" not in wire
    assert (b"Content-Length" in wire) == (length is not None)
    if length is not None:
        assert b"\r\nContent-Length: " + length + b"\r\n" in wire


def whole(writer: RequestWriter, key: str, arrival: int, user: Identity = USER) -> bytes:
    """What the serialiser makes of the parts that the other door takes."""
    headers = writer.headers(user, key, arrival)
    return serialise(b"POST", writer.target(arrival), headers, writer.body(arrival))


@given(
    path=st.text(max_size=20).map(lambda text: "/" + text.replace("{", "")),
    json=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=9).filter(lambda text: "{{" not in text)),
    key=st.from_regex(r"[\w-]{1,40}", fullmatch=True),
)
def test_prepared_bytes_are_what_the_serialiser_writes(path: str, json: object, key: str) -> None:
    template = RequestTemplate(path=path, json=json)
    writer = RequestWriter(template, "http://h:1")
    assert writer.wire(USER, key, 0) == whole(writer, key, 0)
    assert writer.target(0).isascii()
    assert writer.body(0) == (b"" if json is None else dumps(json, separators=(",", ":")).encode())


#: Where a request can draw; every subset of them is a template.
DRAWN: dict[str, Any] = {
    "path": "/v1/{{users.id}}/jobs?q={{users.id}}",
    "headers": (("A", "1"), ("X-Tenant", "t-{{users.n}}"), ("B", "2")),
    "json": {"user": "{{users}}", "n": "{{users.n}}", "text": "{{users.id}}: {{other}}", "more": [None, "{{other}}"]},
}


@given(
    places=st.sets(st.sampled_from(sorted(DRAWN))),
    users=st.lists(
        st.fixed_dictionaries(
            {
                "id": st.text(st.characters(codec="utf-8"), max_size=9).filter(lambda text: text not in (".", "..")),
                "n": st.integers(),
            }
        ),
        min_size=1,
    ),
    other=st.lists(st.text(), min_size=1),
    order=st.sampled_from(Order),
    seed=st.integers(0, 2**63 - 1),
    arrival=st.integers(0, 10**9),
    variant=st.sampled_from([Variant.WHOLE, Variant.KEYLESS]),
)
def test_drawn_values_are_what_the_serialiser_writes(
    places: set[str], users: list[Any], other: list[str], order: Order, seed: int, arrival: int, variant: Variant
) -> None:
    feeders = (
        Feeder(name="users", rows=tuple(users), order=order, seed=seed),
        Feeder(name="other", rows=tuple(other), order=order, seed=seed),
    )
    template = RequestTemplate(**{name: DRAWN[name] for name in sorted(places)}, feeders=feeders)
    writer = RequestWriter(template, "http://h:1/base", variant)
    wire = writer.wire(USER, "k-1", arrival)
    assert wire == whole(writer, "k-1", arrival)
    head, _, body = wire.partition(b"\r\n\r\n")
    assert head.count(b"\r\n") == len(writer.headers(USER, "k-1", arrival)) == head.count(b"\n")
    if "json" in places:
        said = loads(body)
        assert said["user"] in users
        assert said["n"] == said["user"]["n"]
        assert said["more"][1] in other
        assert said["text"] == f"{said['user']['id']}: {said['more'][1]}"


def test_the_first_arrival_that_an_identity_is_seen_with_leaves_nothing_behind() -> None:
    feeders = (Feeder(name="n", rows=("one", "twenty")),)
    template = RequestTemplate(path="/{{n}}", headers=(("X-N", "{{n}}"),), json={"n": "{{n}}"}, feeders=feeders)
    writer = RequestWriter(template, "http://h")
    assert writer.wire(USER, "k", 1) == (
        b"POST /twenty HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t0ken\r\nX-N: twenty\r\n"
        b'Content-Type: application/json\r\nContent-Length: 14\r\nIdempotency-Key: k\r\n\r\n{"n":"twenty"}'
    )
    assert writer.wire(USER, "k", 0) == (
        b"POST /one HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer t0ken\r\nX-N: one\r\n"
        b'Content-Type: application/json\r\nContent-Length: 11\r\nIdempotency-Key: k\r\n\r\n{"n":"one"}'
    )


@pytest.mark.parametrize("json", [None, {"a": 1}, {"a": "{{n}}"}])
def test_without_a_key_there_is_no_header_of_its_name(json: object) -> None:
    template = RequestTemplate(json=json, feeders=(Feeder(name="n", rows=(1, 2)),))
    with_key = RequestWriter(template, "http://h").wire(USER, "k", 1)
    without = RequestWriter(template, "http://h", Variant.KEYLESS).wire(USER, "k", 1)
    assert without == with_key.replace(b"\r\nIdempotency-Key: k", b"")
    assert with_key != without


def test_what_is_quoted_already_stays_so() -> None:
    template = RequestTemplate(path="/a%20b/c d?q=ü&r=1+2")
    assert (
        RequestWriter(template, "http://h").wire(USER, "k", 0).startswith(b"POST /a%20b/c%20d?q=%C3%BC&r=1+2 HTTP/1.1")
    )


def test_a_new_token_of_an_identity_is_sent_from_then_on() -> None:
    writer = RequestWriter(RequestTemplate(), "http://h")
    for user, token in ((USER, b"t0ken"), (Identity(0, "u", "fresh"), b"fresh"), (Identity(1, "v", "other"), b"other")):
        for _ in range(2):
            assert b"\r\nAuthorization: Bearer " + token + b"\r\n" in writer.wire(user, "k", 0)


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
        writer.wire(USER, "k\r\nX: y", 0)
    with pytest.raises(Refused, match="a token holds a line break"):
        writer.wire(Identity(1, "u", "t\r\nX: y"), "k", 0)
    with pytest.raises(Refused, match="line break"):
        RequestWriter(RequestTemplate(headers=(("A", "1\n2"),)), "http://h").wire(USER, "k", 0)


@pytest.mark.parametrize("name", ["Authorization", "content-length", "Transfer-Encoding", "IDEMPOTENCY-KEY"])
def test_headers_that_contradict_ours_are_refused(name: str) -> None:
    with pytest.raises(Refused, match=name):
        RequestWriter(RequestTemplate(headers=((name, "x"),)), "http://h")


def test_a_given_host_or_content_type_stands_instead_of_ours() -> None:
    template = RequestTemplate(headers=(("host", "other"), ("content-type", "application/x+json")), json={})
    wire = RequestWriter(template, "http://h").wire(USER, "k", 0).lower()
    assert wire.count(b"host:") == wire.count(b"content-type:") == 1
    assert b"host: other\r\n" in wire


@pytest.mark.parametrize("drawn", [False, True], ids=["constant", "drawn"])
def test_a_key_stands_as_its_setting_says_on_both_ways_to_write_it(drawn: bool) -> None:
    """In quotes it is a structured-field string (RFC 8941, section 3.3.3), and its header may have another name."""
    setting = Idempotency(header="X-Request-Key", key=KeyForm.SF_STRING)
    json = {"n": "{{n}}"} if drawn else {"n": "1"}
    template = RequestTemplate(json=json, feeders=(Feeder(name="n", rows=("1",)),), idempotency=setting)
    writer = RequestWriter(template, "http://h")
    wire = writer.wire(USER, "run-7", 0)
    assert wire.endswith(b'X-Request-Key: "run-7"\r\n\r\n{"n":"1"}')
    assert b"Idempotency-Key" not in wire
    assert wire == whole(writer, "run-7", 0)
    for key in ('a"b', "a\\b"):
        with pytest.raises(ValueError, match="Idempotency-Key"):
            writer.wire(USER, key, 0)


@pytest.mark.parametrize("drawn", [False, True], ids=["constant", "drawn"])
def test_a_check_of_another_payload_changes_members_of_the_body_and_nothing_else(drawn: bool) -> None:
    template = RequestTemplate(
        json={"n": "{{n}}" if drawn else 1, "mode": "some"},
        feeders=(Feeder(name="n", rows=(1, 2)),),
        idempotency=Idempotency(verify_percent=0.1, changed={"mode": "full"}),
    )
    plain, changed = RequestWriter(template, "http://h"), check_writers(template, "http://h")[Variant.CHANGED]
    assert loads(changed.body(0)) == {"n": 1, "mode": "full"}
    assert changed.wire(USER, "k", 0) == plain.wire(USER, "k", 0).replace(b"some", b"full")
    assert changed.wire(USER, "k", 0) == whole(changed, "k", 0)


def test_nothing_is_made_for_checks_that_nobody_wants() -> None:
    assert check_writers(RequestTemplate(), "http://h") == {}


def test_a_header_of_the_keys_own_name_is_refused() -> None:
    template = RequestTemplate(headers=(("x-request-key", "1"),), idempotency=Idempotency(header="X-Request-Key"))
    with pytest.raises(Refused, match="x-request-key"):
        RequestWriter(template, "http://h")
