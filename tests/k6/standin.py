"""Stands in for the k6 binary where none is: reads the script's options and private file, really offers the load over
sockets, and prints what k6 prints. Without a ``node`` it runs no JavaScript, and looks into the script's text instead.

A test writes it as an executable `k6` with `install`; what `settings` say makes it misbehave.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.k6.by_node import ByNode

#: A point: its metric, its value, its tags.
Said = tuple[str, float, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered; status 0 where nothing was."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


VERSION = "k6 v2.2.0 (commit/0000000000, go1.25, linux/amd64)"


def install(folder: Path, **settings: Any) -> str:
    """Make it `k6` in this folder; gives a PATH that has it first."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")
    executable = folder / "k6"
    root = Path(__file__).parents[2]
    executable.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        "from tests.k6.standin import main\nmain()\n",
        "utf-8",
    )
    executable.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


class _ByText:
    """What the script would do, out of its text: its literals, and values of the private file."""

    def __init__(self, text: str, private: dict[str, Any], env: dict[str, str]) -> None:
        self._private = private
        self._env = env
        call = re.search(r'http\.request\((".*?"), BASE_URL \+ (.*?), (null|".*"), \{$', text, re.MULTILINE)
        assert call is not None, "the stand-in knows no placeholders"
        self._method, self._path = json.loads(call[1]), self._value(call[2])
        self._body = b"" if call[3] == "null" else self._value(call[3]).encode()
        fields = re.findall(r'^      (".*?"): (.*),$', text, re.MULTILINE)
        self._fields = [(json.loads(name), value) for name, value in fields]
        self._origin = urlsplit(env["SYNCLOAD_BASE_URL"])
        ramp = re.search(r"const RAMP_MS = (\d+);", text)
        self._ramp_s = int(ramp[1]) / 1000 if ramp else 0.0
        self._checks = "check(answer" in text
        self._start = 0.0

    async def begin(self, start_ms: int) -> None:
        self._start = start_ms / 1000

    async def request(self, arrival: int) -> tuple[bytes, dict[str, str]]:
        """What goes on the wire, and the request's tags."""
        since = time.time() - self._start
        return self._wire(arrival), {"part": "ramp" if since < self._ramp_s else "hold", "at": str(int(since // 1))}

    async def judged(self, arrival: int, answer: Answer, tags: dict[str, str]) -> list[Said]:
        """The points that the script makes of an answer: metric, value and tags."""
        if not self._checks or answer.status != 202:
            return []
        try:
            job = json.loads(answer.body)["job_id"]
        except (ValueError, KeyError, TypeError):
            job = None
        said: list[Said] = [("checks", float(job is not None), {**tags, "check": "answer"})]
        if job is not None and arrival % 5 == 0:
            said.append(("syncload_digest", float(int.from_bytes(str(job).encode()[-6:], "big")), tags))
        return said

    def _value(self, expression: str) -> str:
        pieces = re.findall(r'VALUES\[(\d+)\]|("(?:[^"\\]|\\.)*")', expression)
        return "".join(self._private["values"][int(at)] if at else json.loads(text) for at, text in pieces)

    def _wire(self, arrival: int) -> bytes:
        token = self._private["users"][arrival % len(self._private["users"])]["token"]
        lines = [f"{self._method} {self._path} HTTP/1.1", f"Host: {self._origin.netloc}"]
        for name, value in self._fields:
            if value.startswith("`"):
                said = f"Bearer {token}" if name == "Authorization" else f"{self._env['SYNCLOAD_KEY_PREFIX']}-{arrival}"
            else:
                said = self._value(value)
            lines.append(f"{name}: {said}")
        lines.append(f"Content-Length: {len(self._body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self._body


class _ByScript:
    """What the script does, run by node."""

    def __init__(self, script: ByNode) -> None:
        self._script = script
        self._now: dict[int, float] = {}

    async def begin(self, start_ms: int) -> None:
        said = await self._script.ask("setup", start_ms - 250, answer={"status": 200, "body": str(start_ms)})
        assert said["request"]["params"]["tags"] == {"part": "setup"}
        assert said["slept"] == 0.25

    async def request(self, arrival: int) -> tuple[bytes, dict[str, str]]:
        self._now[arrival] = time.time() * 1000
        asked = (await self._script.ask("main", self._now[arrival], arrival))["request"]
        where, body = urlsplit(asked["url"]), (asked["body"] or "").encode()
        path = where.path + (f"?{where.query}" if where.query else "")
        lines = [f"{asked['method']} {path} HTTP/1.1", f"Host: {where.netloc}"]
        lines += [f"{name}: {value}" for name, value in asked["params"]["headers"].items()]
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body, asked["params"]["tags"]

    async def judged(self, arrival: int, answer: Answer, tags: dict[str, str]) -> list[Said]:
        given = {"status": answer.status, "headers": answer.headers, "body": answer.body.decode()}
        said = await self._script.ask("main", self._now.pop(arrival), arrival, given)
        checks = [("checks", float(each["held"]), {**each["tags"], "check": each["name"]}) for each in said["checks"]]
        return [*checks, *((each["name"], float(each["value"]), each["tags"]) for each in said["gauges"])]


class _Run:
    def __init__(self, text: str, env: dict[str, str], settings: dict[str, Any], script: _ByText | _ByScript) -> None:
        self._script = script
        self._settings = settings
        options = re.search(r"export const options = (\{.*?^\});", text, re.MULTILINE | re.DOTALL)
        assert options is not None
        self._load = json.loads(options[1])["scenarios"]["load"]
        target = urlsplit(env["SYNCLOAD_BASE_URL"])
        self._address = target.hostname or "", target.port or 80
        self._gate = env["SYNCLOAD_GATE"]
        self._free = asyncio.Semaphore(self._load["maxVUs"])
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._timeout_s = int(re.search(r"timeout: '(\d+)ms',\n    redirects", text)[1]) / 1000  # type: ignore[index]
        self._lines: list[str] = []
        self.requests = self.dropped = self.wrong = 0
        self.stop = asyncio.Event()

    def point(self, metric: str, at: float, value: float, tags: dict[str, str]) -> None:
        moment = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
        data = {"time": moment, "value": value, "tags": tags}
        self._lines.append(json.dumps({"metric": metric, "type": "Point", "data": data}, separators=(",", ":")))

    def flush(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()

    async def set_up(self) -> float:
        """Ask the gate; gives the start, epoch seconds."""
        where = urlsplit(self._gate)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        writer.write(f"GET {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
        said = await reader.read()
        writer.close()
        began = time.time()
        self.requests += 1
        self.point("http_req_duration", began, 1.0, {"status": "200", "part": "setup"})
        start_ms = int(said.rpartition(b"\r\n\r\n")[2])
        await self._script.begin(start_ms)
        await asyncio.sleep(max(0.0, start_ms / 1000 - time.time()))
        return start_ms / 1000

    def _dues(self) -> Any:
        """Seconds from the start at which arrivals are due, as k6 counts them."""
        unit = float(self._load["timeUnit"][:-1])
        if self._load["executor"] == "constant-arrival-rate":
            rate, lasts = self._load["rate"] / unit, int(self._load["duration"][:-2]) / 1000
            ramp = 0.0
        else:
            (first, second) = self._load["stages"]
            rate, ramp = first["target"] / unit, int(first["duration"][:-2]) / 1000
            lasts = ramp + int(second["duration"][:-2]) / 1000
        number = 0
        while True:
            area = float(number + 1 if ramp else number)
            due = (2 * ramp * area / rate) ** 0.5 if area < rate * ramp / 2 else ramp / 2 + area / rate
            if due >= lasts:
                return
            yield due
            number += 1

    async def offer(self, start: float) -> None:
        under_way: set[asyncio.Task[None]] = set()
        arrival = 0
        for due in self._dues():
            if self.stop.is_set():
                break
            stall = self._settings.get("stalls")
            if stall and due > stall["after_s"]:
                await asyncio.sleep(stall["for_s"])
                self._settings["stalls"] = None
            await asyncio.sleep(max(0.0, start + due - time.time()))
            if self._free.locked():
                self.dropped += 1
                self.point("dropped_iterations", time.time(), 1, {"scenario": "load"})
                continue
            await self._free.acquire()
            task = asyncio.create_task(self._iterate(arrival))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            arrival += 1
        while under_way and not self.stop.is_set():
            await asyncio.wait(set(under_way), timeout=0.05)
        for task in under_way:
            task.cancel()

    async def _iterate(self, arrival: int) -> None:
        wire, tags = await self._script.request(arrival)
        tags = {**tags, "scenario": "load"}
        code, answer = 0, Answer(status=0)
        began = time.time()
        try:
            answer, began = await asyncio.wait_for(self._exchange(wire), self._timeout_s)
        except TimeoutError:
            code = 1050
        except ConnectionRefusedError:
            code, began = 1212, time.time()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            code = 1220
        finally:
            self._free.release()
        done = time.time()
        of_request = {**tags, "status": str(answer.status)}
        if code or answer.status >= 400:
            of_request["error_code"] = str(code or 1000 + answer.status)
        took = 0.0 if code == 1212 else (done - began) * 1000
        self.requests += 1
        if arrival not in self._settings.get("loses", []):
            for metric, value in (("http_reqs", 1.0), ("http_req_duration", took), ("http_req_blocked", 0.0)):
                self.point(metric, done, value, of_request)
        for metric, value, of_answer in await self._script.judged(arrival, answer, tags):
            self.wrong += metric == "checks" and not value
            self.point(metric, time.time(), value, of_answer)
        for metric in ("data_sent", "data_received", "iteration_duration", "iterations"):
            self.point(metric, time.time(), 1.0, tags)

    async def _exchange(self, wire: bytes) -> tuple[Answer, float]:
        pair = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address)
        reader, writer = pair
        kept = False
        try:
            began = time.time()
            writer.write(wire)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            length = re.search(r"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            self._idle.append(pair)
            kept = True
            fields = (line.partition(": ") for line in head.split("\r\n")[1:-2])
            return Answer(status=status, headers={name: value for name, _, value in fields}, body=body), began
        finally:
            if not kept:
                writer.close()


async def _offer(text: str, env: dict[str, str], settings: dict[str, Any]) -> tuple[int, _Run]:
    if "node" in settings:
        async with ByNode(text, env, settings["node"]) as script:
            run = _Run(text, env, settings, _ByScript(script))
            return await _follow(run, settings), run
    private = json.loads(Path(env["SYNCLOAD_PRIVATE"]).read_text("utf-8"))  # noqa: ASYNC240  # before anything runs
    run = _Run(text, env, settings, _ByText(text, private, env))
    return await _follow(run, settings), run


async def _follow(run: _Run, settings: dict[str, Any]) -> int:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, (lambda: None) if settings.get("deaf") else run.stop.set)

    async def keep_flushing() -> None:
        while True:
            await asyncio.sleep(0.2)
            run.flush()

    flushing = asyncio.create_task(keep_flushing())
    if settings.get("leaves_the_gate"):
        loop.call_later(0.3, os._exit, 0)
    start = await run.set_up()
    if "dies_after_s" in settings:
        loop.call_later(settings["dies_after_s"], os._exit, settings.get("code", 109))
    await run.offer(start)
    if settings.get("hangs"):
        await asyncio.sleep(60)
    flushing.cancel()
    run.flush()
    return 105 if run.stop.is_set() else int(settings.get("code", 0))


def main() -> None:
    """What `k6` does."""
    settings = json.loads((Path(sys.argv[0]).parent / "settings.json").read_text("utf-8"))
    if sys.argv[1] == "version":
        sys.stdout.write(settings.get("version", VERSION) + "\n")
        return
    arguments = sys.argv[1:]
    if "raises" in settings:
        sys.stderr.write(f"{settings['raises']}\n")
        sys.exit(int(settings.get("code", 107)))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as Go has it for what is written to stdout
    env = dict(each.split("=", 1) for at, each in enumerate(arguments) if arguments[at - 1] == "--env")
    token = json.loads(Path(env["SYNCLOAD_PRIVATE"]).read_text("utf-8"))["users"][0]["token"]
    if "says" in settings:
        sys.stderr.write(settings["says"].format(token=token) + "\n")
    if "tells" in settings:
        told = {"argv": sys.argv, "environ": dict(os.environ), "pid": os.getpid()}
        Path(settings["tells"]).write_text(json.dumps(told), "utf-8")
    code, run = asyncio.run(_offer(Path(arguments[-1]).read_text("utf-8"), env, settings))
    sys.stdout.write("\n  http_reqs......: as a person reads it\n")
    metrics: dict[str, Any] = {"http_reqs": {"count": run.requests}}
    if run.wrong:
        metrics["checks"] = {"passes": 1, "fails": run.wrong}
    if run.dropped:
        metrics["dropped_iterations"] = {"count": run.dropped}
    if not settings.get("no_summary"):
        exported = Path(arguments[arguments.index("--summary-export") + 1])
        exported.write_text(json.dumps({"metrics": metrics}), "utf-8")
    sys.stdout.flush()
    os._exit(code)
