"""What a sandbox process may see, and how it ends."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

from pytest_syncload.facts.capacity import Capacities, Recovery
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.processes import capacities_from, clean_environment, faults_from


def test_children_see_nothing_of_the_users_cloud_or_proxies() -> None:
    users = {
        "PATH": "/bin",
        "AWS_PROFILE": "prod",
        "AWS_ACCESS_KEY_ID": "x",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "no_proxy": "*",
        "PYTHONWARNINGS": "error",
        "COVERAGE_PROCESS_START": "x",
    }
    assert clean_environment(users) == {"PATH": "/bin", "COVERAGE_PROCESS_START": "x", "PYTHONUNBUFFERED": "1"}


def test_parents_side_imports_neither_boto3_nor_uvicorn() -> None:
    program = (
        "import sys, pytest_syncload.sandbox.launch\n"
        "print([name for name in ('boto3', 'botocore', 'uvicorn', 'jwt', 'httpx') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def child(program: str, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """A process that hears ``stdin`` to its end and would otherwise live for minutes."""
    whole = f"import time\nfrom pytest_syncload.sandbox.processes import *\n{program}\ntime.sleep(300)"
    return subprocess.run([sys.executable, "-c", whole], input=stdin, capture_output=True, timeout=60, check=False)


def test_lines_are_heard_whole_until_stdin_ends() -> None:
    long = b"x" * 200_000  # more than one read
    ended = child("end_with_stdin(lambda: say(b'end'), lambda line: say(b'%d' % len(line)))", long + b"\n\na\nrest")
    assert (ended.returncode, ended.stdout.split()) == (0, [b"200000", b"0", b"1", b"end"])


def test_line_that_was_read_first_is_not_heard_again() -> None:
    ended = child("first = read_line()\nend_with_stdin(lambda: say(first), say)", b"first\nsecond\n")
    assert (ended.returncode, ended.stdout.split()) == (0, [b"second", b"first"])


def test_without_a_listener_lines_are_dropped() -> None:
    ended = child("end_with_stdin()", b"one\ntwo\n")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_process_that_fails_at_a_line_ends_and_says_why() -> None:
    ended = child("end_with_stdin(on_line=lambda line: int(line))", b"no number\n")
    assert ended.returncode == 1
    assert b"invalid literal for int()" in ended.stderr


def test_reader_that_is_gone_is_no_error() -> None:
    program = "from pytest_syncload.sandbox.processes import say, read_line\nread_line()\nsay(b'a')\nsay(b'b')"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        # Its first line is cut short by the end of stdin, and is what there is.
        assert process.communicate(b"cut short", timeout=60)[1] == b""
    assert process.returncode == 0


def test_faults_travel_as_json() -> None:
    faults = Faults(error_share=1, missing_metrics=("Count",), partial_data=("Latency",), workers=3, deployment=True)
    assert faults_from(json.loads(json.dumps(dataclasses.asdict(faults)))) == faults
    assert faults_from({}) == Faults()


def test_capacities_travel_as_json() -> None:
    given = Capacities(table_per_s=500, concurrency=7, recovery=Recovery(after_s=None))
    for capacities in (given, Capacities()):
        assert capacities_from(json.loads(json.dumps(dataclasses.asdict(capacities)))) == capacities
    assert capacities_from({}) == Capacities()
