"""A request that cannot be written is told before anything runs: where, what, all at once, and no value of it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.idempotency import Idempotency
from pytest_syncload.facts.plan import RequestTemplate
from pytest_syncload.spec.request_check import refusals
from tests.spec.plans import SMALL, problems, read_text


def plan(request: str) -> str:
    """A small slo.yaml with this `request:`, which begins on line 3."""
    indented = "".join(f"  {line}\n" for line in request.strip().splitlines())
    return SMALL.replace("request: {path: /}\n", f"request:\n{indented}")


FEEDERS = """
path: /v1/{{users.id}}
headers: {X-Tenant: "t-{{users.tenant}}"}
json: {user: "{{rows}}", mode: "{{modes}}", made: "{{made.n}}"}
feeders:
  users: {csv: users.csv, order: random, seed: 7}
  rows: {jsonl: data/rows.jsonl}
  modes: {list: [incremental, full]}
  made: {function: "values:row"}
"""
USERS = b"id,tenant\n1,a\n2,b\n"
ROWS = b'{"n": 1}\n{"n": 2}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the files of `FEEDERS`."""
    (tmp_path / "users.csv").write_bytes(USERS)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.jsonl").write_bytes(ROWS)
    return tmp_path


def test_every_kind_of_feeder_arrives(folder: Path) -> None:
    users, rows, modes, made = read_text(folder, plan(FEEDERS)).request.feeders
    assert replace(users, digest="") == Feeder(
        name="users", rows=({"id": "1", "tenant": "a"}, {"id": "2", "tenant": "b"}), order=Order.RANDOM, seed=7
    )
    assert replace(rows, digest="") == Feeder(name="rows", rows=({"n": 1}, {"n": 2}))
    assert replace(modes, digest="") == Feeder(name="modes", rows=("incremental", "full"))
    assert replace(made, digest="") == Feeder(name="made", function="values:row")
    assert users.digest == hashlib.sha256(USERS).hexdigest()
    assert len({users.digest, rows.digest, modes.digest, made.digest}) == 4


@pytest.mark.parametrize(
    ("name", "text"), [("users.csv", b"id,tenant\n1,a\n3,b\n"), ("values.py", b"def row(): ...\n")]
)
def test_what_a_feeder_is_made_of_is_part_of_the_plan(folder: Path, name: str, text: bytes) -> None:
    before = read_text(folder, plan(FEEDERS)).request_digest
    assert read_text(folder, plan(FEEDERS)).request_digest == before
    (folder / name).write_bytes(text)
    assert read_text(folder, plan(FEEDERS)).request_digest != before


def test_all_that_is_wrong_is_told_at_once_with_its_line(folder: Path) -> None:
    (folder / "users.csv").write_bytes(b"id,tenant\n1\n2,b\n")
    wrong = """
path: /v1/{{user.id}}
headers: {X-Tenant: "{{modes.name}}"}
json:
  a: ["{{rows.m}}"]
  b: "{{rows.n}"
  "{{modes}}": 1
  c: "{{users.nothing}}"
feeders:
  users: {csv: users.csv}
  rows: {jsonl: data/rows.jsonl}
  modes: {list: [a, b]}
  gone: {csv: gone.csv}
  two: {csv: a, jsonl: b}
  none: {order: cycle}
  both: {function: "a:b", order: random}
  form: {function: "a.b"}
  void: {list: []}
  Bad: {list: [1]}
expect: {status: 200, headers: {X: "{{modes}}"}, json: {id: ["{{modes}}"]}}
"""
    assert problems(folder, plan(wrong)) == [
        "3: request.path: {{user.id}}: no feeder 'user' in request.feeders; did you mean 'users'?",
        "4: request.headers.X-Tenant: {{modes.name}}: its rows have no fields; write {{modes}} (item 1 of the list, "
        "and 1 more)",
        "6: request.json.a[0]: {{rows.m}}: feeder 'rows' has no field 'm'; known: n",
        "7: request.json.b: {{ begins no placeholder; write {{feeder.field}}, or {{{{ for {{ itself",
        "8: request.json.{{modes}}: no placeholder can stand in the name of a member: '{{modes}}'",
        "14: request.feeders.gone.csv: gone.csv cannot be read: No such file or directory; it is looked for beside "
        "slo.yaml",
        "15: request.feeders.two: a feeder has one of list, csv, jsonl, function, and there is csv and jsonl",
        "16: request.feeders.none: a feeder has one of list, csv, jsonl, function, and there is none of them",
        "17: request.feeders.both: order chooses among rows, and a function makes each; leave it out",
        "18: request.feeders.form.function: 'a.b' is not a module and a function such as 'loadtest.values:row'",
        "19: request.feeders.void: list has no row; add one",
        "20: feeder name 'Bad' must be of lower-case letters, digits, - and _, and begin with a letter or digit",
        "21: request.expect.headers.X: no placeholder can stand here: what is expected is the same for every answer",
        "21: request.expect.json.id[0]: no placeholder can stand here: what is expected is the same for every answer",
        "2: feeder 'users': has 1 values where line 1 names 2 fields",
    ]


def test_a_bad_line_of_a_file_is_told_by_the_file_s_own_name(folder: Path) -> None:
    (folder / "data" / "rows.jsonl").write_bytes(b'{"n": 1}\n{"n": }\n')
    with pytest.raises(SpecError, match=r"data/rows\.jsonl:2: feeder 'rows': is no JSON: Expecting value at column 7"):
        read_text(folder, plan(FEEDERS))


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"3,c\x01c\n", r"a line break, a control character or what is beyond ASCII cannot stand in a header"),
        ("3,secret ü\n".encode(), r"cannot stand in a header"),
        (b'3,"secret\r\nX: y"\n', r"cannot stand in a header"),
    ],
)
def test_a_value_that_does_not_fit_its_place_is_told_by_its_line_and_never_shown(
    folder: Path, value: bytes, what: str
) -> None:
    (folder / "users.csv").write_bytes(USERS + value)
    (problem,) = problems(folder, plan(FEEDERS))
    assert problem.startswith("4: request.headers.X-Tenant: {{users.tenant}}: ")
    assert what in problem
    assert problem.endswith("(users.csv:4)")
    assert "secret" not in problem


def test_a_row_of_an_object_stands_alone_and_not_within_text(folder: Path) -> None:
    (problem,) = problems(folder, plan(FEEDERS.replace('"{{rows}}"', '"x {{rows}}"')))
    assert (
        "{{rows}}: an object or a list cannot stand in a text of the JSON body (data/rows.jsonl:1, and 1 more)"
        in problem
    )


def test_no_variable_makes_a_placeholder_and_none_is_shown(folder: Path) -> None:
    text = plan(FEEDERS.replace("mode:", 'more: "${MORE}", mode:'))
    for secret in ("{{users.id}}", "pass{{word", "s3cret}}"):
        (problem,) = problems(folder, text, environ={"MORE": secret})
        assert problem.startswith("5: request.json.more: a variable here holds {{ or }}")
        assert secret not in problem
    assert read_text(folder, text, environ={"MORE": "{plain}"}).request.json["more"] == "{plain}"


def test_a_variable_may_choose_a_field_and_a_wrong_one_is_not_shown(folder: Path) -> None:
    text = plan(FEEDERS.replace("users.id", "users.${FIELD}"))
    assert read_text(folder, text, environ={"FIELD": "id"}).request.path == "/v1/{{users.id}}"
    (problem,) = problems(folder, text, environ={"FIELD": "s3cret"})
    assert "with its variables filled in, a placeholder here names no value that fits" in problem
    assert "s3cret" not in problem


def test_a_file_of_a_variable_is_found(folder: Path) -> None:
    text = plan(FEEDERS.replace("csv: users.csv", 'csv: "${USERS}.csv"'))
    assert read_text(folder, text, environ={"USERS": "users"}).request.feeders[0].rows[0] == {"id": "1", "tenant": "a"}
    (problem,) = problems(folder, text, environ={"USERS": "gone"})
    assert "${USERS}.csv cannot be read" in problem


def test_a_value_of_a_variable_in_a_list_is_a_secret(tmp_path: Path) -> None:
    text = plan('path: /\njson: "{{keys}}"\nfeeders: {keys: {list: ["${KEY}"]}}')
    request = read_text(tmp_path, text, environ={"KEY": "s3cret{{"}).request
    assert request.feeders[0].rows == ("s3cret{{",)
    assert "s3cret{{" in request.hidden
    assert "s3cret" not in repr(request)


def test_what_rows_put_into_headers_is_hidden_where_answers_are_shown(folder: Path) -> None:
    (folder / "users.csv").write_bytes(b"id,tenant\n1,tenant-one\n")
    assert "tenant-one" in read_text(folder, plan(FEEDERS)).request.hidden


def test_the_longest_is_hidden_first() -> None:
    assert RequestTemplate(secrets=("begin", "begin-and-end")).hidden == ("begin-and-end", "begin")


RIGHT = RequestTemplate(
    path="/v1/{{users.id}}", feeders=(Feeder(name="users", rows=({"id": 1},)),), expect_status=(200, 202)
)


def test_a_request_that_python_made_is_held_to_the_same_rules() -> None:
    assert list(refusals(RIGHT)) == []


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"method": "post"}, "method: one of 'GET'"),
        ({"path": "v1"}, "path: a path such as '/v1/jobs'"),
        ({"path": "/{{users.name}}"}, "path: {{users.name}}: feeder 'users' has no field 'name'"),
        ({"path": "/{{user.id}}"}, "no feeder 'user'"),
        ({"headers": (("Authorization", "x"),)}, "headers.Authorization"),
        ({"headers": (("A", "a\nb"),)}, "headers.A: a header's value: one line"),
        ({"expect_status": 503}, "expect.status: a status from 200 to 499 other than 429"),
        ({"expect_status": ()}, "expect.status: a status, or a list of them"),
        ({"expect_json": {"a": "unique", "b": "unique"}}, "expect.json: one unique member"),
        ({"expect_json": {"a": "{{users.id}}"}}, "expect.json.a: no placeholder can stand here"),
        ({"json": "{{users"}, "json: {{ begins no placeholder"),
        ({"feeders": (Feeder(name="users"),)}, "'users' has no rows"),
        ({"idempotency": Idempotency(verify_percent=10.1)}, "idempotency.verify: a share of 10 % or less"),
        ({"idempotency": Idempotency(verify_percent=float("nan"))}, "idempotency.verify: "),
        ({"idempotency": Idempotency(header="a b")}, "idempotency.header: "),
    ],
)
def test_a_request_that_python_made_wrong_is_refused(changes: dict[str, Any], what: str) -> None:
    found = list(refusals(replace(RIGHT, **changes)))
    assert any(what in refusal for refusal in found), found
