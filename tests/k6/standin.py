"""Stands in for the k6 binary where none is: reads the script's options and private file, really offers the load over
sockets, and prints what k6 prints. It runs no JavaScript; it takes the request out of the script's own text.

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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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


class _Request:
    """The request, out of the script's text: its literals, and values of the private file."""

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

    def _value(self, expression: str) -> str:
        pieces = re.findall(r'VALUES\[(\d+)\]|("(?:[^"\\]|\\.)*")', expression)
        return "".join(self._private["values"][int(at)] if at else json.loads(text) for at, text in pieces)

    def wire(self, arrival: int) -> bytes:
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

    @property
    def address(self) -> tuple[str, int]:
        return self._origin.hostname or "", self._origin.port or 80


class _Run:
    def __init__(self, text: str, env: dict[str, str], settings: dict[str, Any]) -> None:
        self._settings = settings
        private = json.loads(Path(env["SYNCLOAD_PRIVATE"]).read_text("utf-8"))
        options = re.search(r"export const options = (\{.*?^\});", text, re.MULTILINE | re.DOTALL)
        assert options is not None
        self._load = json.loads(options[1])["scenarios"]["load"]
        self._request = _Request(text, private, env)
        self._gate = env["SYNCLOAD_GATE"]
        self._free = asyncio.Semaphore(self._load["maxVUs"])
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._timeout_s = int(re.search(r"timeout: '(\d+)ms',\n    redirects", text)[1]) / 1000  # type: ignore[index]
        ramp = re.search(r"const RAMP_MS = (\d+);", text)
        self._ramp_s = int(ramp[1]) / 1000 if ramp else 0.0
        self._checks = "check(answer" in text
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

    async def setup(self) -> float:
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
            task = asyncio.create_task(self._iterate(arrival, start))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            arrival += 1
        while under_way and not self.stop.is_set():
            await asyncio.wait(set(under_way), timeout=0.05)
        for task in under_way:
            task.cancel()

    async def _iterate(self, arrival: int, start: float) -> None:
        since = time.time() - start
        tags = {"part": "ramp" if since < self._ramp_s else "hold", "at": str(int(since // 1)), "scenario": "load"}
        status, code, body = 0, 0, b""
        began = time.time()
        try:
            status, body, began = await asyncio.wait_for(self._exchange(arrival), self._timeout_s)
        except TimeoutError:
            code = 1050
        except ConnectionRefusedError:
            code, began = 1212, time.time()
        except (OSError, asyncio.IncompleteReadError, ValueError):
            code = 1220
        finally:
            self._free.release()
        done = time.time()
        of_request = {**tags, "status": str(status)}
        if code or status >= 400:
            of_request["error_code"] = str(code or 1000 + status)
        took = 0.0 if code == 1212 else (done - began) * 1000
        self.requests += 1
        if arrival not in self._settings.get("loses", []):
            for metric, value in (("http_reqs", 1.0), ("http_req_duration", took), ("http_req_blocked", 0.0)):
                self.point(metric, done, value, of_request)
        if self._checks and status == 202:
            try:
                right = json.loads(body)["job_id"] is not None
            except (ValueError, KeyError, TypeError):
                right = False
            self.wrong += not right
            self.point("checks", time.time(), float(right), {**tags, "check": "answer"})
            if right and arrival % 5 == 0:
                value = int.from_bytes(str(json.loads(body)["job_id"]).encode()[-6:], "big")
                self.point("syncload_digest", time.time(), value, tags)
        for metric in ("data_sent", "data_received", "iteration_duration", "iterations"):
            self.point(metric, time.time(), 1.0, tags)

    async def _exchange(self, arrival: int) -> tuple[int, bytes, float]:
        pair = self._idle.pop() if self._idle else await asyncio.open_connection(*self._request.address)
        reader, writer = pair
        kept = False
        try:
            began = time.time()
            writer.write(self._request.wire(arrival))
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status = int(head.split(" ", 2)[1])
            length = re.search(r"(?i)content-length: *(\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            self._idle.append(pair)
            kept = True
            return status, body, began
        finally:
            if not kept:
                writer.close()


async def _run(run: _Run, settings: dict[str, Any]) -> int:
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, (lambda: None) if settings.get("deaf") else run.stop.set)

    async def keep_flushing() -> None:
        while True:
            await asyncio.sleep(0.2)
            run.flush()

    flushing = asyncio.create_task(keep_flushing())
    if settings.get("leaves_the_gate"):
        loop.call_later(0.3, os._exit, 0)
    start = await run.setup()
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
    run = _Run(Path(arguments[-1]).read_text("utf-8"), env, settings)
    code = asyncio.run(_run(run, settings))
    sys.stdout.write("\n  http_reqs......: as a person reads it\n")
    metrics: dict[str, Any] = {"http_reqs": {"count": run.requests}}
    if run._checks:
        metrics["checks"] = {"passes": 1, "fails": run.wrong}
    if run.dropped:
        metrics["dropped_iterations"] = {"count": run.dropped}
    if not settings.get("no_summary"):
        exported = Path(arguments[arguments.index("--summary-export") + 1])
        exported.write_text(json.dumps({"metrics": metrics}), "utf-8")
    sys.stdout.flush()
    os._exit(code)
