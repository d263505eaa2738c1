"""Firebase's own Auth emulator, where this machine has one: by FIREBASE_AUTH_EMULATOR_HOST, or started from `firebase`.

The emulator is part of firebase-tools (`npm install -g firebase-tools`), needs neither Java nor a login, and runs
without the network. One that is started here ends with the test session, and writes nothing outside its own folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.plainly import PLAINLY

PROJECT = "demo-syncload"
#: On a loaded machine without a network it took 49 s: it waits for news that do not come.
_READY_WITHIN_S = 180.0
_ENDED_WITHIN_S = 10.0


def absent() -> str | None:
    """Why there is no emulator here; None where there is one."""
    if os.environ.get("FIREBASE_AUTH_EMULATOR_HOST") or shutil.which("firebase"):
        return None
    return (
        "no Firebase emulator: neither is `firebase` on PATH (npm firebase-tools), nor FIREBASE_AUTH_EMULATOR_HOST set"
    )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    """Host and port of an emulator that answers. ``folder`` is for one that must be started."""
    given = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST")
    if given:
        yield given
        return
    command = shutil.which("firebase")
    assert command is not None, absent()
    port, hub, logging = _free_ports(3)
    emulators = {
        "auth": {"host": "127.0.0.1", "port": port},
        "hub": {"host": "127.0.0.1", "port": hub},
        "logging": {"host": "127.0.0.1", "port": logging},
        "ui": {"enabled": False},
    }
    (folder / "firebase.json").write_text(json.dumps({"emulators": emulators}), "utf-8")
    # It keeps settings and a log in the home directory, and asks the network for news.
    environment = os.environ | {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "CI": "1"}
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [command, "emulators:start", "--only", "auth", "--project", PROJECT],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        _wait_for(f"http://127.0.0.1:{port}/", process, folder / "said.txt")
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_ENDED_WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in socks]


def _wait_for(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url, **PLAINLY).json()["authEmulator"]["ready"]:
                return
        time.sleep(0.2)
    pytest.fail(f"the Firebase emulator did not start; it said:\n{said.read_text('utf-8', 'replace')[-2000:]}")
