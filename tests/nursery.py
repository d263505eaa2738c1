"""Processes of a run that are forked from one which has imported what they need: imports are most of what one costs.

For runs whose subject is what they say in the end. That generators and the sandbox are started from nothing and found
by their command line, and what becomes of them, is shown where they are started as ever: by the tests of the generator,
of the sandbox's launch, of the conductor, of broken-off load, of the example and of the pages.

``python -m tests.nursery SOCKET`` is that one process. A request is one packet: the child's command and surroundings as
JSON, with its file descriptors. Answered are the child's pid and, once it has ended, its exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

import pytest

ROOT = Path(__file__).parents[1]
#: What may be born, and what else is imported before.
MODULES = (
    "pytest_syncload.generator",
    "pytest_syncload.sandbox.__main__",
    "pytest_syncload.sandbox.doubles",
    "pytest_syncload.sandbox.service",
)
_BESIDE = ("uvloop", "pytest_syncload.sandbox.publisher")
#: Who starts such processes.
_STARTING = ("pytest_syncload.load.local", "pytest_syncload.sandbox.processes")
#: Largest request: a command, and the environment.
_PACKET = 1 << 17
_AS_EVER = subprocess.Popen


class Born:
    """A child, as `subprocess.Popen` would have it. Its pipes are those that were asked for."""

    def __init__(self, nursery: str, module: str, args: Sequence[str], asked: dict[str, Any]) -> None:
        self.returncode: int | None = None
        self._conn = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._conn.connect(nursery)
        mine: list[IO[Any] | None] = []
        theirs: list[int] = []
        opened: list[int] = []
        for number, name in enumerate(("stdin", "stdout", "stderr")):
            if asked.get(name) == subprocess.PIPE:
                read, write = os.pipe()
                kept, given = (write, read) if number == 0 else (read, write)
                mode = "w" if number == 0 else "r"
                if asked.get("text"):
                    mine.append(os.fdopen(kept, mode, encoding=asked.get("encoding"), errors=asked.get("errors")))
                else:
                    mine.append(os.fdopen(kept, f"{mode}b"))
                theirs.append(given)
                opened.append(given)
            else:
                mine.append(None)
                theirs.append(asked[name].fileno() if hasattr(asked.get(name), "fileno") else number)
        self.stdin, self.stdout, self.stderr = mine
        environ = os.environ if asked.get("env") is None else asked["env"]
        wanted = {"module": module, "args": list(args), "environ": dict(environ), "cwd": str(Path.cwd())}
        socket.send_fds(self._conn, [json.dumps(wanted).encode()], [*theirs, *asked.get("pass_fds", ())])
        for descriptor in opened:
            os.close(descriptor)
        self.pid = int(self._conn.recv(64))

    def poll(self) -> int | None:
        """Its exit code, None while it lives."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            if not select.select([self._conn], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a child of the nursery", timeout or 0)
            self.returncode = int(self._conn.recv(64))
            self._conn.close()
        return self.returncode

    def kill(self) -> None:
        """End it by force, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)


def stand_in(nursery: str) -> Any:
    """A module `subprocess` whose `Popen` has a known module's process born there, and starts any other as ever."""

    def start(command: Sequence[str], **asked: Any) -> Any:
        if "-m" in command:
            module, *args = command[command.index("-m") + 1 :]
            for known in (module, f"{module}.__main__"):
                if known in MODULES:
                    return Born(nursery, known, args, asked)
        return _AS_EVER(command, **asked)

    return SimpleNamespace(**{**vars(subprocess), "Popen": start})


@contextmanager
def born_in(nursery: str | None) -> Iterator[None]:
    """What this process starts meanwhile is born there; None: it is started as ever."""
    with pytest.MonkeyPatch.context() as patch:
        for name in _STARTING if nursery is not None else ():
            patch.setattr(importlib.import_module(name), "subprocess", stand_in(nursery or ""))
        yield


def nursery_plugin(folder: Path, nursery: str) -> tuple[str, str]:
    """The same for a pytest that is started in ``folder``, and for its workers: the options that load it."""
    lines = [
        "import sys",
        f"sys.path.append({str(ROOT)!r})",
        "from tests.nursery import born_in",
        f"born = born_in({nursery!r})",
        "born.__enter__()",
    ]
    (folder / "nursery_of_this_test.py").write_text("\n".join([*lines, ""]), "utf-8")
    return "-p", "nursery_of_this_test"


@contextmanager
def opened() -> Iterator[str]:
    """A nursery, for as long as the context: where its socket is."""
    with tempfile.TemporaryDirectory(prefix="nursery-") as folder:
        path = f"{folder}/socket"
        # It ends with its stdin, however this process ends. Nothing of it is measured, and only one thread forks.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.nursery", path]
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield path
            process.stdin.close()


def _serve(path: str) -> None:
    for name in (*MODULES, *_BESIDE):
        importlib.import_module(name)
    for name in _STARTING:
        importlib.import_module(name).subprocess = stand_in(path)  # type: ignore[attr-defined]
    for name in MODULES:
        del sys.modules[name]  # run as if it had never been imported; what it imports has
    # A child's collector need not look through what all have.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(64)
        os.write(1, b"ready\n")
        while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
            conn, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                _attend(conn)
            conn.close()


def _attend(conn: socket.socket) -> NoReturn:
    """A birth, and the wait for the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    data, descriptors, _, _ = socket.recv_fds(conn, _PACKET, 32)
    pid = os.fork()
    if pid == 0:
        conn.close()
        _live(json.loads(data), descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    try:
        conn.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        conn.send(str(os.waitstatus_to_exitcode(status)).encode())
    except OSError:
        pass  # nobody wants to know any more
    os._exit(0)


def _live(wanted: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be what `python -m module` would be, in a session of its own."""
    os.setsid()
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(wanted["cwd"])
    os.environ.clear()
    os.environ.update(wanted["environ"])
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115  # descriptors
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = [wanted["module"], *wanted["args"]]
    code: Any = 0
    try:
        runpy.run_module(wanted["module"], run_name="__main__", alter_sys=False)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  # as the interpreter does
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    _serve(sys.argv[1])
