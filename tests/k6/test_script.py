"""The script for k6: its types, and that it sends what our own engine would send and expects what it would expect."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.idempotency import Idempotency, KeyForm
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.facts.result import Outcome
from pytest_syncload.k6.script import Script, refuse_large_numbers, script_of
from pytest_syncload.load.connection import Answer
from pytest_syncload.load.outcome import expectation
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.wire import RequestWriter
from tests.k6.javascript import USERS, run, type_errors, without_node, without_types

needs_types = pytest.mark.skipif(without_types() is not None, reason=str(without_types()))
needs_node = pytest.mark.skipif(without_node() is not None, reason=str(without_node()))

PACER = Pacer(rate_per_s=100.0, ramp_s=2.0, hold_s=10.0)
PLAIN = RequestTemplate(path="/v1/sync-jobs", json={"source": "drive"}, expect_status=202)
SECRET = 'k"3y-of-the-api'
FULL = RequestTemplate(
    method="PUT",
    path="/v1/jobs/{{people.id}}/ü?of={{region}}",
    headers=(("X-Api-Key", SECRET), ("X-Name", "{{people.name}}"), ("Content-Type", "application/json; v=1")),
    json={
        "who": "{{people.name}} <{{{{>",
        "size": "{{sizes}}",
        "line": "a\u2028b\n",
        "key": SECRET,
        "list": [1, 2.5, None, True],
    },
    feeders=(
        Feeder(
            name="people", rows=({"id": "a/b", "name": 'An "A"'}, {"id": "ß", "name": "Bo"}, {"id": 3, "name": "C"})
        ),
        Feeder(name="region", rows=("eu west", "us"), order=Order.RANDOM, seed=7),
        Feeder(name="sizes", rows=(1, {"w": [1, "x"]}, "two"), order=Order.RANDOM),
    ),
    expect_status=(200, 202),
    expect_headers=(("X-Trace", "any"), ("content-type", "application/json")),
    expect_json={"job_id": "unique", "by": SECRET, "deep": {"list": [1, "any"], "__proto__": {"is": True}}},
    secrets=(SECRET,),
    idempotency=Idempotency(header="X-Idempotency-Key", key=KeyForm.SF_STRING),
)


def script(request: RequestTemplate = PLAIN, pacer: Pacer = PACER) -> Script:
    return script_of(about="peak: 100/s", request=request, pacer=pacer, vus=40, timeout_s=2.5)


@needs_types
@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(PLAIN, id="plain"),
        pytest.param(FULL, id="full"),
        pytest.param(replace(FULL, expect_headers=()), id="json alone"),
        pytest.param(replace(FULL, expect_json={}), id="headers alone"),
        pytest.param(replace(PLAIN, method="GET", json=None, expect_json={"a": "any"}), id="no body, nothing unique"),
    ],
)
@pytest.mark.parametrize("ramp_s", [0.0, 5.0])
def test_it_passes_the_typescript_compiler(request_: RequestTemplate, ramp_s: float, tmp_path: Path) -> None:
    assert type_errors(script(request_, replace(PACER, ramp_s=ramp_s)), tmp_path) == ""


@needs_types
def test_the_compiler_would_see_a_mistake(tmp_path: Path) -> None:
    made = script()
    wrong = replace(made, text=made.text.replace("iterationInTest", "iterationInTests"))
    assert "iterationInTests" in type_errors(wrong, tmp_path)


@needs_node
@pytest.mark.parametrize("template", [PLAIN, FULL], ids=["plain", "full"])
def test_every_arrival_is_the_request_that_our_own_engine_sends(template: RequestTemplate, tmp_path: Path) -> None:
    did = run(script(template), tmp_path, [{"arrival": arrival, "answer": {"status": 404}} for arrival in range(40)])
    writer = RequestWriter(template, "http://target/")
    for arrival, sent in enumerate(did["sent"]):
        user = USERS[arrival % len(USERS)]
        theirs = {
            name.decode().lower(): value.decode()
            for name, value in writer.headers(user, f"run-peak-{arrival}", arrival)
        }
        del theirs["host"], theirs["content-length"]  # k6's own to write
        assert sent["method"] == template.method
        assert sent["url"] == "http://target" + writer.target(arrival).decode()
        assert sent["body"].encode() == writer.body(arrival)
        assert {name.lower(): value for name, value in sent["params"]["headers"].items()} == theirs
        assert (sent["params"]["timeout"], sent["params"]["redirects"]) == ("2500ms", 0)
    assert len(did["sent"]) == 40


_RIGHT: dict[str, Any] = {"job_id": 1, "by": SECRET, "deep": {"list": [1, 0], "__proto__": {"is": True}}}


@needs_node
def test_it_expects_what_our_own_engine_expects(tmp_path: Path) -> None:
    headers = {"X-Trace": "1", "Content-Type": "application/json"}
    answers: list[tuple[int, dict[str, str], str]] = [
        (202, headers, json.dumps(_RIGHT)),
        (200, headers, json.dumps({**_RIGHT, "more": None})),
        (202, {"x-trace": "", "content-type": "application/json "}, json.dumps(_RIGHT)),
        (202, {"X-Trace": "1"}, json.dumps(_RIGHT)),
        (202, {"Content-Type": "application/json"}, json.dumps(_RIGHT)),
        (202, {**headers, "Content-Type": "text/html"}, json.dumps(_RIGHT)),
        (202, headers, json.dumps({**_RIGHT, "job_id": None})),
        (202, headers, json.dumps({**_RIGHT, "by": "another"})),
        (202, headers, json.dumps({**_RIGHT, "deep": {"list": [1, 0]}})),
        (202, headers, json.dumps({**_RIGHT, "deep": {"list": [1, 0, 2], "__proto__": {"is": True}}})),
        (202, headers, json.dumps({**_RIGHT, "deep": {"list": [True, 0], "__proto__": {"is": True}}})),
        (202, headers, json.dumps({**_RIGHT, "deep": {"list": [1, 0], "__proto__": {"is": True}, "x": 1}})),
        (202, headers, json.dumps({**_RIGHT, "deep": [1]})),
        (202, headers, json.dumps([_RIGHT])),
        (202, headers, "null"),
        (202, headers, "{"),
        (202, headers, ""),
        (404, headers, json.dumps(_RIGHT)),
    ]
    arrivals = [
        {"arrival": 5 * at, "answer": {"status": status, "headers": fields, "body": body}}
        for at, (status, fields, body) in enumerate(answers)
    ]
    did = run(script(FULL), tmp_path, arrivals)
    outcome_of = expectation(FULL)
    wanted = []
    for status, fields, body in answers:
        named = [(name.encode(), value.encode()) for name, value in fields.items()]
        outcome = outcome_of(Answer(0.0, 1.0, status, named, body.encode()))
        if outcome is not Outcome.UNEXPECTED_STATUS:
            wanted.append(outcome is Outcome.OK)
    assert [held for ((_, held),) in (each["held"] for each in did["checks"])] == wanted
    assert wanted.count(True) == 3
    assert {name for ((name, _),) in (each["held"] for each in did["checks"])} == {"answer"}
    assert [name for name, *_ in did["digests"]] == ["syncload_digest"] * 3, "of what is right alone"


@needs_node
def test_equal_answers_have_equal_digests_and_others_have_others(tmp_path: Path) -> None:
    template = replace(PLAIN, expect_json={"job": {"id": "unique"}})
    ids = [f"job-{number}" for number in range(300)]
    arrivals = [
        {"arrival": 5 * at, "answer": {"status": 202, "body": json.dumps({"job": {"id": name}})}}
        for at, name in enumerate([*ids, "job-7"])
    ]
    values = [value for _, value, _ in run(script(template), tmp_path, arrivals)["digests"]]
    assert len(set(values)) == 300
    assert values[-1] == values[7]
    assert all(float(value) == value and 0 <= value < 2**53 for value in values)


@needs_node
def test_where_no_body_is_looked_at_none_is_kept_and_nothing_checked(tmp_path: Path) -> None:
    did = run(script(), tmp_path, [{"arrival": 0}])
    assert did["options"]["discardResponseBodies"] is True
    assert did["checks"] == []


@needs_node
def test_tags_tell_the_ramp_from_the_hold_and_the_second(tmp_path: Path) -> None:
    arrivals = [{"arrival": n, "since_start_ms": at} for n, at in enumerate((0, 1_900, 2_100, 9_500))]
    tags = [sent["params"]["tags"] for sent in run(script(), tmp_path, arrivals)["sent"]]
    assert [(each["part"], each["at"]) for each in tags] == [("ramp", "0"), ("ramp", "1"), ("hold", "2"), ("hold", "9")]


@needs_node
def test_it_begins_when_it_is_told_to(tmp_path: Path) -> None:
    start = int(time.time() * 1000) + 60_000
    env = {"SYNCLOAD_GATE": "http://127.0.0.1:1/gate"}
    did = run(script(), tmp_path, set_up=True, gate={"status": 200, "body": str(start)}, env=env)
    assert did["data"] == {"start": start}
    assert 0 < did["slept"][0] <= 60
    assert did["sent"][0]["params"]["tags"] == {"part": "setup"}


@needs_node
@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ({"status": 0, "body": ""}, "nobody said when to start"),
        ({"status": 200, "body": "soon"}, "nobody said when to start"),
        ({"status": 200, "body": "1000"}, "ms ago when k6 heard of it"),
    ],
)
def test_it_does_not_begin_otherwise(gate: dict[str, Any], says: str, tmp_path: Path) -> None:
    did = run(script(), tmp_path, set_up=True, gate=gate, env={"SYNCLOAD_GATE": "http://127.0.0.1:1/gate"})
    assert says in did["threw"]


@needs_node
def test_by_hand_it_begins_at_once(tmp_path: Path) -> None:
    did = run(script(), tmp_path, [{"arrival": 4}], set_up=True, env={"SYNCLOAD_KEY_PREFIX": ""})
    assert did["data"]["start"] > 0
    assert did["sent"][0]["params"]["headers"]["Idempotency-Key"].startswith("by-hand-")


def test_no_secret_stands_in_it() -> None:
    made = script(FULL)
    for secret in (SECRET, 'k\\"3y', "3y-of-the-api", "An ", "eu west", "eu%20west"):
        assert secret not in made.text
    assert any("3y-of-the-api" in value for value in made.values)
    assert 'An \\"A\\"' in made.columns[-1] or any('An \\"A\\"' in column for column in made.columns)
    private = made.private(USERS)
    assert "token-of-2" in private
    assert "token-of" not in made.text
    assert "token-of" not in repr(USERS)


def test_a_function_of_python_is_refused() -> None:
    template = replace(PLAIN, feeders=(Feeder(name="made", function="feeders:rows"),))
    with pytest.raises(Refused, match="feeder 'made' is a Python function, and k6 runs none"):
        script(template)


def test_numbers_that_javascript_cannot_tell_apart_are_refused() -> None:
    refuse_large_numbers({"a": [2**53 - 1, -(2**53 - 1), True, 0.1, "9007199254740993"]})
    for value in (2**53, [{"b": -(2**53)}]):
        with pytest.raises(Refused, match="does not tell from the numbers"):
            refuse_large_numbers({"a": value})


@pytest.mark.parametrize("path", ["/{{nobody}}", "/{{x"])
def test_what_cannot_be_written_is_refused_in_words(path: str) -> None:
    with pytest.raises(Refused, match=r"cannot be written: .*; look at request of slo\.yaml"):
        script(replace(PLAIN, path=path))
