"""The supervisor: starts the service and the doubles, carries what they say to each other, ends with its stdin.

The service's minutes go to CloudWatch, by boto3; what changed behind the service goes to the doubles' stdin as it is;
that the queue was asked for, or tokens revoked, goes from the doubles to the service.

Its stdin and stdout are described in `launch`. It must leave nothing behind: both children end with pipes that only it
holds, and the service account's private key lives in a directory that goes with it.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, cast

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.sandbox.names import API, CLUSTER, INDEX, NODES, QUEUE, REGION, SERVICE, STAGE, TABLE
from pytest_syncload.sandbox.processes import read_line, say, start

_PROJECT = "syncwell-sandbox"
_ENDED_WITHIN_S = 0.4
#: What a write to a child says that has ended, or whose stdin was closed just now to end it.
_GONE = (BrokenPipeError, ValueError)


def main() -> int:
    """Run until stdin ends (0), or until a child dies (1)."""
    config = json.loads(read_line())
    ended: queue.SimpleQueue[int] = queue.SimpleQueue()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: ended.put(0))
    directory = Path(tempfile.mkdtemp(prefix="syncload-"))  # 0700
    threading.Thread(target=_watch_stdin, args=(ended, directory), daemon=True).start()
    children: list[subprocess.Popen[bytes]] = []
    try:
        return _run(config, directory, children, ended)
    finally:
        for child in children:
            _end(child)
        shutil.rmtree(directory, ignore_errors=True)


def _run(
    config: dict[str, Any], directory: Path, children: list[subprocess.Popen[bytes]], ended: queue.SimpleQueue[int]
) -> int:
    keys = {"access_key_id": f"SANDBOX{secrets.token_hex(6).upper()}", "secret_access_key": secrets.token_hex(20)}
    api_key = f"sandbox-{secrets.token_hex(16)}"
    # Both import while the doubles make their keys, and this process imports boto3 meanwhile.
    doubles = start("pytest_syncload.sandbox.doubles")
    service = start("pytest_syncload.sandbox.service")
    children += [doubles, service]
    asked = {name: config[name] for name in ("clock", "faults", "capacities")}
    _tell(doubles, asked | {"project": _PROJECT, "api_key": api_key, "access_key_id": keys["access_key_id"]})
    with ThreadPoolExecutor(1) as importing:
        imported = importing.submit(_publisher)
        made = _hear(doubles)
        asked = {name: config[name] for name in ("clock", "faults", "capacities", "log")}
        _tell(service, asked | {"project": _PROJECT, "keys": made["keys"]})
        account = directory / "service-account.json"
        account.touch(mode=0o600)
        account.write_text(json.dumps(made["service_account"]), "utf-8")
        serving = _hear(service)
        # The first news, before anybody can ask the doubles.
        _tell(doubles, _hear(service))
        publisher = imported.result()
    endpoint = f"http://127.0.0.1:{made['port']}"
    minutes = publisher.Publisher(
        publisher.client(endpoint_url=endpoint, region=REGION, **keys),
        ServiceClock(**config["clock"]),
        tuple(config["faults"].get("missing_metrics", ())),
        config["faults"].get("late_s", 0.0),
    )

    def carry() -> None:
        for line in _lines(service):
            said = json.loads(line)
            if "minute" in said:
                minutes.take(said)
            else:
                _pass_on(doubles, line)

    def carry_back() -> None:
        for line in _lines(doubles):
            _pass_on(service, line)

    def end_of(work: Callable[[], None]) -> None:
        try:
            work()
        finally:  # whatever the reason, with its traceback on stderr: a sandbox that lost a part is no sandbox
            ended.put(1)

    for work in (carry, carry_back, minutes.run):
        threading.Thread(target=end_of, args=(work,), daemon=True).start()
    announcement = _announcement(serving["port"], endpoint, keys, api_key, account)
    announcement["pids"] = [os.getpid(), *(child.pid for child in children)]
    say(json.dumps(announcement).encode())
    return ended.get()


def _announcement(port: int, endpoint: str, keys: dict[str, str], api_key: str, account: Path) -> dict[str, Any]:
    return {
        "base_url": f"http://127.0.0.1:{port}",
        "aws": {"endpoint_url": endpoint, "region": REGION, **keys},
        "firebase": {
            "api_key": api_key,
            "project": _PROJECT,
            "service_account": str(account),
            "emulator_host": endpoint.removeprefix("http://"),
        },
        "resources": {
            "rest_api": API,
            "stage": STAGE,
            "tables": {TABLE: [INDEX]},
            "queue": QUEUE,
            "ecs": {"cluster": CLUSTER, "service": SERVICE},
            "cache": list(NODES),
        },
    }


def _publisher() -> Any:
    """The publisher's module, imported late: boto3 takes longest, and the children can start meanwhile."""
    return importlib.import_module("pytest_syncload.sandbox.publisher")


def _tell(child: subprocess.Popen[bytes], what: dict[str, Any]) -> None:
    _pass_on(child, json.dumps(what).encode() + b"\n")


def _pass_on(child: subprocess.Popen[bytes], line: bytes) -> None:
    """Write ``line`` on the child's stdin, past any buffer: a child that does not read can still be let go."""
    assert child.stdin is not None
    try:
        os.write(child.stdin.fileno(), line)
    except _GONE:
        pass  # the end is near


def _lines(child: subprocess.Popen[bytes]) -> IO[bytes]:
    assert child.stdout is not None
    return child.stdout


def _hear(child: subprocess.Popen[bytes]) -> dict[str, Any]:
    line = _lines(child).readline()
    if not line:
        raise SystemExit(f"{cast(list[str], child.args)[-1]} ended before it was ready; its reason stands above")
    return cast(dict[str, Any], json.loads(line))


def _end(child: subprocess.Popen[bytes]) -> None:
    """Let the child end by its stdin, as it would if this process were killed; by force if it does not."""
    assert child.stdin is not None
    child.stdin.close()
    try:
        child.wait(_ENDED_WITHIN_S)
    except subprocess.TimeoutExpired:
        child.kill()


def _watch_stdin(ended: queue.SimpleQueue[int], directory: Path) -> None:
    while os.read(0, 4096):
        pass
    ended.put(0)
    # The main thread may still be starting things up, and be stuck: the children's pipes end with this process.
    time.sleep(2 * _ENDED_WITHIN_S)
    shutil.rmtree(directory, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
