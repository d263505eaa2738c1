"""The generated script without k6: its types by the TypeScript compiler, what it does by node with stubs for k6."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from pytest_syncload.facts.identities import Identity
from pytest_syncload.k6.script import Script

USERS = [Identity(index, f"user-{index}", f"token-of-{index}") for index in range(3)]
_LONGEST_S = 60


def without_types() -> str | None:
    """Why nothing can be type-checked here; None where it can."""
    folder = os.environ.get("SYNCLOAD_K6_TYPES")
    if folder and (Path(folder) / "node_modules/.bin/tsc").exists() and shutil.which("node"):
        return None
    return "no TypeScript compiler with k6's types: SYNCLOAD_K6_TYPES names no folder that .ci/k6-types has filled"


def without_node() -> str | None:
    """Why no JavaScript can be run here; None where it can."""
    return None if shutil.which("node") else "no node on PATH, so no JavaScript can be run"


def type_errors(script: Script, folder: Path) -> str:
    """What the compiler says of it, as strict as it can be; nothing where all is well."""
    types = Path(os.environ["SYNCLOAD_K6_TYPES"]) / "node_modules"
    (folder / "script.js").write_text(script.text, "utf-8")
    (folder / "node_modules").symlink_to(types)
    options = {
        "allowJs": True,
        "checkJs": True,
        "strict": True,
        "noEmit": True,
        "noUnusedLocals": True,
        "noUnusedParameters": True,
        "target": "es2020",
        "lib": ["es2020"],
        "module": "es2020",
        "moduleResolution": "bundler",
        "types": ["k6"],
        "skipLibCheck": True,
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["script.js"]}), "utf-8")
    said = subprocess.run(
        [types / ".bin/tsc", "-p", folder], capture_output=True, text=True, timeout=_LONGEST_S, check=False
    )
    return said.stdout + said.stderr if said.returncode else ""


_STUBS = """
const told = JSON.parse(process.argv[2]);
const __ENV = told.env;
const sent = [];
let arrival = 0;
let answer = {};
const exec = { scenario: { get iterationInTest() { return arrival; } } };
const http = {
  request: (method, url, body, params) => { sent.push({ method, url, body, params }); return answer; },
  get: (url, params) => { sent.push({ method: 'GET', url, body: null, params }); return told.gate; },
};
const checks = [];
const check = (value, sets, tags) => {
  const held = Object.entries(sets).map(([name, holds]) => [name, holds(value)]);
  checks.push({ held, tags });
  return held.every(([, each]) => each);
};
const slept = [];
const sleep = (seconds) => slept.push(seconds);
const digests_of = [];
class Gauge { constructor(name) { this.name = name; } add(value, tags) { digests_of.push([this.name, value, tags]); } }
class SharedArray { constructor(name, make) { return make(); } }
const open = () => told.private;
"""
_MAIN = """
const outcome = { options, sent, checks, digests: digests_of, slept };
if (told.set_up) {
  try { outcome.data = setup(); } catch (error) { outcome.threw = String(error.message); }
}
for (const each of told.arrivals) {
  arrival = each.arrival;
  answer = each.answer;
  main({ start: Date.now() - each.since_start_ms });
}
console.log(JSON.stringify(outcome));
"""


def run(script: Script, folder: Path, arrivals: list[dict[str, Any]] | None = None, **told: Any) -> Any:
    """What the script does for ``arrivals``: each its number, what is answered, and how long after the start."""
    text = re.sub(r"(?m)^import .*$", "", script.text)
    text = text.replace("export const options", "const options").replace("export function", "function")
    text = text.replace("export default function", "function main")
    (folder / "run.cjs").write_text(_STUBS + text + _MAIN, "utf-8")
    env = {"SYNCLOAD_PRIVATE": "there", "SYNCLOAD_BASE_URL": "http://target/", "SYNCLOAD_KEY_PREFIX": "run-peak"}
    whole = {
        "env": {**env, **told.pop("env", {})},
        "private": script.private(USERS),
        "arrivals": [{"since_start_ms": 0, "answer": {"status": 202}, **each} for each in arrivals or []],
        **told,
    }
    said = subprocess.run(
        ["node", folder / "run.cjs", json.dumps(whole)],
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)
