"""The phase as a script for k6, in JavaScript: the plan's own request, users, keys and expectations, and nothing more.

No secret stands in it. Tokens, headers' values, values of variables and what feeders draw are in a file of JSON that
the script reads as k6 starts, see `Script.private`; so it can be shown to anybody.

It counts arrivals as our own generators do, so that arrival i has the same user, key and drawn values by either engine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.feeder import Feeder, Order
from pytest_syncload.facts.idempotency import KeyForm
from pytest_syncload.facts.identities import Identity
from pytest_syncload.facts.placeholder import (
    Parts,
    Slot,
    Unwritable,
    header_parts,
    json_parts,
    path_parts,
    written,
)
from pytest_syncload.facts.plan import ANY, RequestTemplate
from pytest_syncload.k6.executor import scenario
from pytest_syncload.k6.points import AT, CHECK, DIGEST, HOLD, PART, RAMP, SETUP
from pytest_syncload.load.pacer import Pacer
from pytest_syncload.load.sameness import SAMPLE, distinct_members

#: Variables of its environment: the private file, where requests go, what keys begin with, and who says when to start.
PRIVATE = "SYNCLOAD_PRIVATE"
BASE_URL = "SYNCLOAD_BASE_URL"
KEY_PREFIX = "SYNCLOAD_KEY_PREFIX"
GATE = "SYNCLOAD_GATE"

#: How long the script waits to be told when to start; its parent waits for more users to sign in than that takes.
GATE_S = 600
#: The largest whole number that JavaScript tells from its neighbours.
_SAFE_INTEGER = 2**53 - 1
#: What a JavaScript source may not hold as it is in a text, though JSON may.
_LINE_ENDS = {"\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """``text`` is the script; ``values`` and ``columns`` are what it reads from its private file."""

    text: str
    values: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]

    def private(self, identities: Sequence[Identity]) -> str:
        """What the private file holds, for these users."""
        users = [{"user": each.subject, "token": each.token} for each in identities]
        return json.dumps({"users": users, "values": self.values, "columns": self.columns})


def script_of(*, about: str, request: RequestTemplate, pacer: Pacer, vus: int, timeout_s: float) -> Script:
    """The phase's script. ``about`` says in a line what it is. Raises `Refused` for what k6 cannot do."""
    writer = _Writer(request)
    try:
        path, body, headers = writer.request()
    except ValueError as error:
        raise Refused(f"the request cannot be written: {error}; look at request of slo.yaml") from None
    refuse_large_numbers(request.expect_json)
    members = [_steps(member) for member in distinct_members(request)]
    looks_at_body = bool(request.expect_json)
    expected = list(_expectations(request, members, writer))
    declared = list(writer.declarations())  # once all that it declares was asked for
    options = {
        "scenarios": {"load": scenario(pacer, vus, timeout_s)},
        "setupTimeout": f"{GATE_S + 60}s",
        "maxRedirects": 0,
        "discardResponseBodies": not looks_at_body,
        # k6 writes a dozen points a request, each with all tags; these are the ones that are read.
        "systemTags": ["status", "error_code", "check", "scenario"],
        "throw": False,
        "insecureSkipTLSVerify": False,
        "noConnectionReuse": False,
        "noVUConnectionReuse": False,
    }
    lines = [
        f"// {_comment(about)}",
        "// Made by pytest-syncload from slo.yaml. Whatever may be secret is in the file that SYNCLOAD_PRIVATE names.",
        "import exec from 'k6/execution';",
        "import http from 'k6/http';",
        "import { SharedArray } from 'k6/data';",
        *(["import { Gauge } from 'k6/metrics';"] if members else []),
        f"import {{ {'check, ' if looks_closer(request) else ''}sleep }} from 'k6';",
        "",
        f"export const options = {_pretty(options)};",
        "",
        *_PRIVATELY,
        *declared,
        f"const RAMP_MS = {round(pacer.ramp_s * 1000)};",
        *([f"const STATUSES = {_js(list(request.statuses))};"] if looks_closer(request) else []),
        *expected,
        *_setup(),
        *_default(request, path, body, headers, round(timeout_s * 1000), members, pacer.rate_per_s),
    ]
    return Script(
        text="\n".join(lines) + "\n",
        values=tuple(writer.values),
        columns=tuple(writer.columns.values()),
    )


def looks_closer(request: RequestTemplate) -> bool:
    """Whether more than the status of an answer must be right, so that the script has something to check."""
    return bool(request.expect_json or request.expect_headers)


def refuse_large_numbers(expected: Any) -> None:
    """Raise `Refused` where a whole number is expected that JavaScript takes for its neighbours too."""
    values = expected.values() if isinstance(expected, dict) else expected if isinstance(expected, list) else ()
    for value in values:
        refuse_large_numbers(value)
    if isinstance(expected, int) and abs(expected) > _SAFE_INTEGER:
        raise Refused(
            f"request.expect.json of slo.yaml wants {expected}, which k6's JavaScript does not tell from the numbers "
            f"beside it; expect {ANY}, or use engine: built-in"
        )


def refuse_functions(feeders: Sequence[Feeder]) -> None:
    """Raise `Refused` where a Python function makes what arrivals draw: k6 runs none."""
    named = [each.name for each in feeders if each.function is not None]
    if named:
        raise Refused(
            f"feeder {named[0]!r} is a Python function, and k6 runs none; write its rows to a file (jsonl), or use "
            "engine: built-in"
        )


class _Writer:
    """Puts the request into JavaScript. ``values`` are texts that stand in the private file, ``columns`` what slots
    draw, a text for each row."""

    def __init__(self, request: RequestTemplate) -> None:
        refuse_functions(request.feeders)
        self._request = request
        self._feeders = {feeder.name: feeder for feeder in request.feeders}
        self._secrets = tuple(_forms(request.secrets))
        self.values: list[str] = []
        self.columns: dict[Slot, tuple[str, ...]] = {}

    def request(self) -> tuple[str, str, list[tuple[str, str]]]:
        """Path, body and headers, as expressions of ``arrival``. Raises `Unwritable`."""
        request = self._request
        headers = [(name, self._expression(header_parts(value), hidden=True)) for name, value in request.headers]
        if request.json is not None and "content-type" not in {name.lower() for name, _ in request.headers}:
            headers.append(("Content-Type", _js("application/json")))
        body = "null" if request.json is None else self._expression(json_parts(request.json))
        return self._expression(path_parts(request.path)), body, headers

    def declarations(self) -> Iterator[str]:
        """The shared arrays that the expressions read, and how an arrival draws."""
        if self.values:
            yield "const VALUES = new SharedArray('values', () => privately().values);"
        for number, (slot, column) in enumerate(self.columns.items()):
            feeder = self._feeders[slot.placeholder.feeder]
            which = f"arrival % {len(column)}"
            if feeder.order is Order.RANDOM:
                which = f"atRandom({_begin(feeder)}, arrival, {len(column)})"
            yield f"// {_comment(str(slot.placeholder))} in {slot.place.value}"
            yield (f"const COLUMN_{number} = new SharedArray('column {number}', () => privately().columns[{number}]);")
            yield "/** @param {number} arrival */"
            yield f"const column{number} = (arrival) => COLUMN_{number}[{which}];"
        if any(self._feeders[slot.placeholder.feeder].order is Order.RANDOM for slot in self.columns):
            yield from _AT_RANDOM

    def _expression(self, parts: Parts, *, hidden: bool = False) -> str:
        pieces = [self._drawn(part) if isinstance(part, Slot) else self.text(part.decode(), hidden) for part in parts]
        return " + ".join(pieces) or _js("")

    def _drawn(self, slot: Slot) -> str:
        if slot not in self.columns:
            feeder = self._feeders.get(slot.placeholder.feeder)
            if feeder is None or not feeder.rows:
                raise Unwritable(f"{slot.placeholder}: there is no such feeder, or it has no rows")
            rows = (written(slot.placeholder.of(row), slot.place).decode() for row in feeder.rows)
            self.columns[slot] = tuple(rows)
        return f"column{list(self.columns).index(slot)}(arrival)"

    def text(self, text: str, hidden: bool = False) -> str:
        """The text as an expression; ``hidden``, or with a secret in it, it stands in the private file."""
        if not hidden and not any(secret in text for secret in self._secrets):
            return _js(text)
        if text not in self.values:
            self.values.append(text)
        return f"VALUES[{self.values.index(text)}]"


def _forms(secrets: Sequence[str]) -> Iterator[str]:
    """Every form in which a secret may stand in a path, a header or a JSON text. What is too short hides nothing."""
    for secret in secrets:
        if len(secret) > 3:
            yield from {secret, json.dumps(secret)[1:-1], quote(secret, safe="/?%:@!$&'()*+,;=~-._"), quote(secret)}


def _begin(feeder: Feeder) -> int:
    """Where a feeder's hash begins, as `load.feeding.drawing` has it."""
    return int.from_bytes(hashlib.sha256(f"{feeder.seed}:{feeder.name}".encode()).digest()[:4], "big")


def _steps(member: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in member.split("/")]


def _js(value: Any) -> str:
    """A JSON value as JavaScript: a text by the same escapes, which are more than JavaScript asks for."""
    text = json.dumps(value, allow_nan=False)
    for end, escaped in _LINE_ENDS.items():
        text = text.replace(end, escaped)
    return text


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, allow_nan=False)


def _comment(text: str) -> str:
    """What can stand in a comment: one line."""
    return "".join(character if character.isprintable() else " " for character in text)


_PRIVATELY = f"""\
/**
 * The private file. Each shared array reads it once, and all virtual users share what is in it.
 * @returns {{{{ users: {{ user: string, token: string }}[], values: string[], columns: string[][] }}}}
 */
function privately() {{
  if (!__ENV.{PRIVATE}) {{
    throw new Error('{PRIVATE} names no file with users, values and columns');
  }}
  return JSON.parse(open(__ENV.{PRIVATE}));
}}

const USERS = new SharedArray('users', () => privately().users);
const BASE_URL = (__ENV.{BASE_URL} || '').replace(/\\/+$/, '');
const KEY_PREFIX = __ENV.{KEY_PREFIX} || `by-hand-${{Date.now()}}`;""".splitlines()

#: C. Wellons' `lowbias32`, as in `load.feeding`.
_AT_RANDOM = """\
/** @param {number} begin @param {number} arrival @param {number} count */
function atRandom(begin, arrival, count) {
  let mixed = (begin + arrival) >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) % count;
}""".splitlines()

_FITS = """\
/** Whether a value of the answer is the wanted one: an object has the wanted members and no others.
 * @param {any} value @param {any} wanted @returns {boolean} */
function fits(value, wanted) {
  if (wanted === 'any' || wanted === 'unique') {
    return value !== null && value !== undefined;
  }
  if (Array.isArray(wanted)) {
    return Array.isArray(value) && value.length === wanted.length && wanted.every((each, n) => fits(value[n], each));
  }
  if (wanted !== null && typeof wanted === 'object') {
    return isObject(value) && Object.keys(value).length === Object.keys(wanted).length && hasAll(value, wanted);
  }
  return value === wanted;
}

/** @param {any} value */
function isObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** @param {any} value @param {any} wanted */
function hasAll(value, wanted) {
  return Object.keys(wanted).every(
    (name) => Object.prototype.hasOwnProperty.call(value, name) && fits(value[name], wanted[name]),
  );
}""".splitlines()

_DIGEST = """\
/** 53 bits that tell one text from another: two FNV-1a hashes, as many bits as a number holds exactly.
 * @param {string} text */
function digest(text) {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let n = 0; n < text.length; n += 1) {
    low = Math.imul(low ^ text.charCodeAt(n), 0x01000193);
    high = Math.imul(high ^ text.charCodeAt(n), 0x85ebca6b) ^ (high >>> 13);
  }
  return (low >>> 0) + (high & 0x1fffff) * 0x100000000;
}""".splitlines()


def _expectations(request: RequestTemplate, members: list[list[str]], writer: _Writer) -> Iterator[str]:
    if request.expect_headers:
        wanted = (
            f"[{_js(name.lower())}, {'null' if value == ANY else writer.text(value)}]"
            for name, value in request.expect_headers
        )
        yield "/** @type {[string, string | null][]} */"
        yield f"const HEADERS = [{', '.join(wanted)}];"
        yield from _HEADERS
    if request.expect_json:
        # By JSON.parse: a member of the name __proto__ is a member then.
        yield f"const WANTED = JSON.parse({writer.text(_js(dict(request.expect_json)))});"
        yield from _FITS
        yield from _PARSED
    if members:
        yield f"const MEMBERS = {_js(members)};"
        yield f"const digests = new Gauge('{DIGEST}');"
        yield from _DIGEST


_HEADERS = """\

/** Whether all of them are there, in whatever case; one that is there several times has all its values, as a list.
 * @param {{ [name: string]: string }} headers */
function hasHeaders(headers) {
  /** @type {{ [name: string]: string }} */
  const found = {};
  Object.keys(headers).forEach((name) => {
    found[name.toLowerCase()] = headers[name];
  });
  return HEADERS.every(
    ([name, value]) =>
      Object.prototype.hasOwnProperty.call(found, name) && (value === null || found[name].trim() === value),
  );
}
""".splitlines()

_PARSED = """\

/** The body as JSON, null where it is none.
 * @param {any} body */
function parsed(body) {
  try {
    return JSON.parse(body);
  } catch (_) {
    return null;
  }
}
""".splitlines()


def _setup() -> Iterator[str]:
    yield from f"""\

// k6 makes its virtual users before this, and begins with the first arrival behind it.
export function setup() {{
  const gate = __ENV.{GATE};
  if (!gate) {{
    return {{ start: Date.now() }};
  }}
  const said = http.get(gate, {{ timeout: '{GATE_S}s', responseType: 'text', tags: {{ {PART}: '{SETUP}' }} }});
  const start = Number(said.body);
  if (said.status !== 200 || !(start > 0)) {{
    throw new Error('nobody said when to start');
  }}
  if (start < Date.now()) {{
    throw new Error(`the start was ${{Date.now() - start}} ms ago when k6 heard of it`);
  }}
  sleep((start - Date.now()) / 1000);
  return {{ start }};
}}
""".splitlines()


def _default(
    request: RequestTemplate,
    path: str,
    body: str,
    headers: list[tuple[str, str]],
    timeout_ms: int,
    members: list[list[str]],
    rate_per_s: float,
) -> Iterator[str]:
    key = "`${KEY_PREFIX}-${arrival}`"
    if request.idempotency.key is KeyForm.SF_STRING:
        key = '`"${KEY_PREFIX}-${arrival}"`'
    sent = [
        ("Authorization", "`Bearer ${USERS[arrival % USERS.length].token}`"),
        *headers,
        (request.idempotency.header, key),
    ]
    yield "/** @param {{ start: number }} data */"
    yield "export default function (data) {"
    yield "  const arrival = exec.scenario.iterationInTest;"
    yield "  const sinceStart = Date.now() - data.start;"
    yield (
        f"  const tags = {{ {PART}: sinceStart < RAMP_MS ? '{RAMP}' : '{HOLD}', {AT}: "
        "String(Math.floor(sinceStart / 1000)) };"
    )
    if not looks_closer(request):
        yield f"  // Right is {' or '.join(map(str, request.statuses))}, which the tags of k6's own metrics tell."
    kept = "const answer = " if looks_closer(request) else ""
    yield f"  {kept}http.request({_js(request.method)}, BASE_URL + {path}, {body}, {{"
    yield "    headers: {"
    yield from (f"      {_js(name)}: {value}," for name, value in sent)
    yield "    },"
    yield f"    timeout: '{timeout_ms}ms',"
    yield "    redirects: 0,"
    yield "    tags,"
    yield "  });"
    if looks_closer(request):
        yield "  if (STATUSES.includes(answer.status)) {"
        if request.expect_json:
            yield "    const said = parsed(answer.body);"
        conditions = [
            *(["hasHeaders(answer.headers)"] if request.expect_headers else []),
            *(["isObject(said)", "hasAll(said, WANTED)"] if request.expect_json else []),
        ]
        checked = f"check(answer, {{ {CHECK}: () => {' && '.join(conditions)} }}, tags)"
        if members:
            yield f"    const isRight = {checked};"
            yield f"    if (isRight && arrival % {max(1, round(rate_per_s / SAMPLE))} === 0) {{"
            yield (
                "      const values = MEMBERS.map((way) => way.reduce((/** @type {any} */ value, step) => value[step], "
                "said));"
            )
            yield "      digests.add(digest(JSON.stringify(values)), tags);"
            yield "    }"
        else:
            yield f"    {checked};"
        yield "  }"
    yield "}"
