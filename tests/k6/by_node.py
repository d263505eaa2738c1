"""The generated script itself, run by node: the stand-in for k6 asks it what to send, and what it says of each answer.

k6's `http.request` waits for the answer, and node knows no such call. So the script's function is run twice an arrival:
to its request, and, with the answer there, to its end; the clock stands still in between.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any, Self

_BEFORE = """
const readline = require('readline');
const __ENV = JSON.parse(process.argv[process.argv.length - 1]);
const open = (path) => require('fs').readFileSync(path, 'utf8');
const told = { arrival: 0, answer: null };
const said = {};
const ASKED = Symbol('asked');
Date.now = () => told.now;
const exec = { scenario: { get iterationInTest() { return told.arrival; } } };
const http = {
  request: (method, url, body, params) => {
    said.request = { method, url, body, params };
    if (told.answer === null) throw ASKED;
    return told.answer;
  },
  get: (url, params) => { said.request = { method: 'GET', url, body: null, params }; return told.answer; },
};
const check = (value, sets, tags) => {
  const held = Object.entries(sets).map(([name, holds]) => ({ name, held: Boolean(holds(value)), tags }));
  said.checks.push(...held);
  return held.every((each) => each.held);
};
const sleep = (seconds) => { said.slept = seconds; };
class Gauge {
  constructor(name) { this.name = name; }
  add(value, tags) { said.gauges.push({ name: this.name, value, tags }); }
}
class SharedArray { constructor(name, make) { return make(); } }
let data = null;
"""
_BEHIND = """
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  Object.assign(told, JSON.parse(line));
  Object.assign(said, { checks: [], gauges: [], request: null });
  try {
    if (told.what === 'setup') data = setup();
    else main(data);
  } catch (error) {
    if (error !== ASKED) said.threw = String(error);
  }
  console.log(JSON.stringify(said));
});
console.log('made');
"""


class ByNode:
    """The script's functions, as a context. They are asked one at a time."""

    def __init__(self, text: str, env: dict[str, str], node: str) -> None:
        body = re.sub(r"(?m)^import .*$", "", text).replace("export const options", "const options")
        body = body.replace("export default function", "function main").replace("export function", "function")
        self._text = _BEFORE + body + _BEHIND
        self._env = env
        self._node = node
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            self._node, "-e", self._text, "--", json.dumps(self._env), stdin=pipe, stdout=pipe
        )
        assert self._process.stdout is not None
        # As k6 makes its virtual users before anything runs, and reads the private file only then.
        assert await self._process.stdout.readline() == b"made\n"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def ask(self, what: str, now_ms: float, arrival: int = 0, answer: dict[str, Any] | None = None) -> Any:
        """What the script says: its request, its checks and gauges, how long it slept."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = {"what": what, "now": now_ms, "arrival": arrival, "answer": answer}
        async with self._turn:
            self._process.stdin.write(json.dumps(told).encode() + b"\n")
            said = json.loads(await self._process.stdout.readline())
        assert "threw" not in said, said["threw"]
        return said
