"""The entry point as the container runs it: another program in pytest's place, S3 over a socket.

Most of it is called in this process, as a start of Python with boto3 costs a second; signals need one of its own.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import entry
import proof
import pytest

from tests.in_region.made import RUN, files
from tests.in_region.places import FARGATE

NONCE = "0123456789abcdef0123456789abcdef"
WORDS = (
    *("--environment", "load-testing", "--phases", "peak", "--bucket", "runs-of-mine", "--nonce", NONCE),
    *("--region", "us-east-1", "--seconds", "60"),
)
#: In pytest's place: what it was given goes to `seen.json`, and the files that a test made to where they belong.
PROGRAM = """
import json, os, pathlib, shutil, sys
pathlib.Path("seen.json").write_text(json.dumps([sys.argv[1:], dict(os.environ)]))
told = {a.partition("=")[0]: a.partition("=")[2] for a in sys.argv if a.startswith("--")}
made = pathlib.Path("made")
for option, name in (("--syncload-json", "summary.json"), ("--junitxml", "junit.xml")):
    if (made / name).exists():
        shutil.copy(made / name, told[option])
if (made / "syncload").exists():
    shutil.copytree(made / "syncload", ".syncload", dirs_exist_ok=True)
pathlib.Path(os.environ["GITHUB_STEP_SUMMARY"]).write_text("## peak\\n")
print("slo.yaml::peak::load PASSED")
"""


@dataclass
class Bucket:
    """What was put where. ``refuses`` are the names below a run that S3 does not take."""

    url: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    refuses: tuple[str, ...] = ()

    def ended(self) -> Any:
        """What the entry point says of its end."""
        return json.loads(self.objects[f"/runs-of-mine/runs/{NONCE}/{proof.ENDED}"])

    def archive(self) -> bytes:
        """As it was uploaded."""
        return self.objects[f"/runs-of-mine/runs/{NONCE}/{proof.ARCHIVE}"]

    def names(self) -> set[str]:
        """Of the archive's files."""
        with tarfile.open(fileobj=io.BytesIO(self.archive())) as packed:
            return {member.name for member in packed if member.isfile()}


#: A client of boto3 takes longer to make than all the rest of a test.
_CLIENT = functools.cache(entry.client)


@pytest.fixture(scope="module")
def served() -> Iterator[Bucket]:
    kept = Bucket()
    _CLIENT.cache_clear()  # a client goes on talking to the server that it knows, even one that is gone

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # else nobody says 100 Continue, for which botocore waits a second

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken = self.path in kept.objects and self.headers["If-None-Match"] == "*"
            status = 403 if self.path.endswith(kept.refuses or "\0") else 412 if taken else 200
            if status == 200:
                kept.objects[self.path] = body
            self._answer(status, b"")

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name = asked.get("SecretId") or asked["Name"]
            if name not in kept.secrets:
                self._answer(400, b'{"__type": "ResourceNotFoundException", "message": "no such secret"}')
            elif "SecretId" in asked:
                self._answer(200, json.dumps({"SecretString": kept.secrets[name]}).encode())
            else:
                self._answer(200, json.dumps({"Parameter": {"Value": kept.secrets[name]}}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield kept
        server.shutdown()
        thread.join()


@pytest.fixture
def bucket(served: Bucket) -> Bucket:
    served.objects.clear()
    served.secrets.clear()
    served.refuses = ()
    return served


@dataclass
class Container:
    """A folder as the image has it, with another program in pytest's place."""

    folder: Path
    bucket: Bucket
    patch: pytest.MonkeyPatch
    captured: pytest.CaptureFixture[str]

    def program(self, text: str) -> None:
        """`python -m pytest` runs this."""
        (self.folder / "pytest.py").write_text(text, "utf-8")

    def begin(self) -> subprocess.Popen[str]:
        """The container's process."""
        command = [sys.executable, str(FARGATE / "in_region" / "entry.py"), *WORDS]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, words: Sequence[str] = WORDS) -> tuple[int, str]:
        """How it ended, and what it said."""
        try:
            status = entry.main(words)
        except SystemExit as end:
            status = int(end.code or 0)
        out, err = self.captured.readouterr()
        return status, out + err

    def seen(self) -> tuple[list[str], dict[str, str]]:
        """What pytest was given: words and environment."""
        words, environ = json.loads((self.folder / "seen.json").read_text("utf-8"))
        return words, environ


@pytest.fixture
def container(
    tmp_path: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Container]:
    folder = tmp_path / "work"
    (folder / "made").mkdir(parents=True)
    files(folder / "made")
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("AWS_", "SYNCLOAD_"))]:
        monkeypatch.delenv(name)
    of_aws = {"ACCESS_KEY_ID": "AKIAEXAMPLE", "SECRET_ACCESS_KEY": "made-up", "ENDPOINT_URL": bucket.url}
    for name, value in (of_aws | {"CONFIG_FILE": "/nothing", "SHARED_CREDENTIALS_FILE": "/nothing"}).items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setattr(entry, "client", _CLIENT)
    before = signal.getsignal(signal.SIGTERM)
    made = Container(folder, bucket, monkeypatch, capsys)
    made.program(PROGRAM)
    yield made
    signal.signal(signal.SIGTERM, before)


def test_a_proof_ends_with_0_and_all_files_are_uploaded(container: Container) -> None:
    old = container.folder / ".syncload" / "20200101T000000Z-000000"
    old.mkdir(parents=True)
    (old / "summary.json").write_text("{}", "utf-8")
    container.patch.setenv("SYNCLOAD_ENV", "sandbox")
    status, said = container.run()
    assert status == 0, said
    assert "slo.yaml::peak::load PASSED" in said
    ended = container.bucket.ended()
    assert ended == {
        "nonce": NONCE,
        "environment": "load-testing",
        "phases": ["peak"],
        "status": 0,
        "sha256": hashlib.sha256(container.bucket.archive()).hexdigest(),
    }
    run = f"./{proof.RUNS}/{RUN}/"
    plain = {f"./{name}" for name in (proof.SUMMARY, proof.JUNIT, proof.LOG, proof.PAGE)}
    assert container.bucket.names() == plain | {run + "summary.json", run + "report.html"}
    words, environ = container.seen()
    assert words[:4] == ["slo.yaml", "-m", "peak", "--syncload-env=load-testing"]
    assert environ["CI"] == environ["GITHUB_ACTIONS"] == "true"
    assert environ["GITHUB_WORKSPACE"] == str(container.folder)
    assert "SYNCLOAD_ENV" not in environ


def test_phases_and_tests_reach_pytest(container: Container) -> None:
    status, _ = container.run([*WORDS[:2], "--phases", "baseline peak", *WORDS[4:], "--", "slo.yaml", "tests"])
    assert status == os.EX_DATAERR  # no baseline was measured
    assert container.seen()[0][:4] == ["slo.yaml", "tests", "-m", "baseline or peak"]


@pytest.mark.parametrize("status", [1, 2, 4, 5])
def test_it_ends_as_pytest_ended(container: Container, status: int) -> None:
    container.program(PROGRAM + f"sys.exit({status})")
    assert container.run()[0] == status
    assert container.bucket.ended()["status"] == status


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("", "there is no summary.json: no phase was run"),
        (PROGRAM.replace('"junit.xml"', '"nothing"'), "there is no junit.xml"),
        (PROGRAM.replace('"syncload"', '"nothing"'), "has no summary.json"),
    ],
    ids=["another program", "no JUnit", "no run folder"],
)
def test_a_zero_without_a_proof_is_not_green(container: Container, program: str, says: str) -> None:
    container.program(program)
    status, said = container.run()
    assert status == os.EX_DATAERR
    assert says in said
    assert container.bucket.ended()["status"] == os.EX_DATAERR


def test_an_earlier_run_in_the_image_is_not_this_one(container: Container) -> None:
    (container.folder / "made" / "syncload").rename(container.folder / ".syncload")
    status, said = container.run()
    assert status == os.EX_DATAERR
    assert f"the folder of run {RUN} has no summary.json" in said


def test_the_sandbox_is_refused_unless_it_is_enough(container: Container) -> None:
    for file in (container.folder / "made").rglob("summary.json"):
        file.write_text(file.read_text("utf-8").replace('"sandbox": false', '"sandbox": true'), "utf-8")
    status, said = container.run()
    assert status == os.EX_DATAERR
    assert "load-testing is the SANDBOX" in said
    container.bucket.objects.clear()
    (container.folder / ".syncload").rename(container.folder / "earlier")
    assert container.run([*WORDS, "--sandbox"])[0] == 0


@pytest.mark.parametrize("name", [proof.ARCHIVE, proof.ENDED])
@pytest.mark.parametrize(("pytests", "ends"), [(0, os.EX_IOERR), (1, 1)])
def test_files_that_are_lost_are_never_green(container: Container, name: str, pytests: int, ends: int) -> None:
    container.bucket.refuses = (name,)
    container.program(PROGRAM + f"sys.exit({pytests})")
    status, said = container.run()
    assert status == ends
    assert "could not be uploaded: ClientError" in said
    assert "Traceback" not in said
    assert f"/runs-of-mine/runs/{NONCE}/{proof.ENDED}" not in container.bucket.objects


def test_a_name_that_is_taken_is_not_overwritten(container: Container) -> None:
    taken = f"/runs-of-mine/runs/{NONCE}/{proof.ARCHIVE}"
    container.bucket.objects[taken] = b"another's"
    assert container.run()[0] == os.EX_IOERR
    assert container.bucket.objects == {taken: b"another's"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "required: --environment"),
        (["--env", "x", *WORDS[2:]], "required: --environment"),
        ([*WORDS[:2], "--phases", "baseline or peak", *WORDS[4:]], "apart by blanks"),
        ([*WORDS, "--nonce", "mine"], "--nonce is not 32"),
        ([*WORDS, "--seconds", "0"], "--seconds is not above 0"),
        ([*WORDS, "--seconds", "x"], "invalid int value"),
        ([*WORDS, "--environment", ""], "--environment is empty"),
        ([*WORDS, "--", "--collect-only"], "a test is no path"),
        ([*WORDS, "--", "slo.yaml::peak::api-latency-p95"], "a test is no path"),
        ([*WORDS, "--secret", "KEY=a value"], "a --secret is not NAME=ARN"),
        ([*WORDS, "--secret", "KEY=arn:aws:secretsmanager:us-east-1:1:secret:gone"], "secret KEY cannot be had"),
    ],
)
def test_what_is_wrong_runs_nothing(container: Container, words: Sequence[str], says: str) -> None:
    status, said = container.run(words)
    assert status == os.EX_USAGE
    assert f"nothing was run: {says}" in said or says in said
    assert "Traceback" not in said
    assert not (container.folder / "seen.json").exists()
    assert container.bucket.objects == {}


def test_secrets_are_had_by_reference_and_are_in_pytests_environment_only(container: Container) -> None:
    one = "arn:aws:secretsmanager:us-east-1:111122223333:secret:key-AbCdEf"
    two = "arn:aws:ssm:us-east-1:111122223333:parameter/orders/account"
    container.bucket.secrets.update({one: "s3cret", "/orders/account": "als0"})
    status, said = container.run([*WORDS, "--secret", f"API_KEY={one}", "--secret", f"ACCOUNT={two}"])
    assert status == 0, said
    environ = container.seen()[1]
    assert (environ["API_KEY"], environ["ACCOUNT"]) == ("s3cret", "als0")
    everything = said.encode() + container.bucket.archive() + json.dumps(container.bucket.ended()).encode()
    with tarfile.open(fileobj=io.BytesIO(container.bucket.archive())) as packed:
        for member in packed:
            everything += b"" if (file := packed.extractfile(member)) is None else file.read()
    assert b"s3cret" not in everything
    assert b"als0" not in everything


#: Ends as pytest does where it is interrupted: says what it has, and ends with 2.
_INTERRUPTED = """
import pathlib, signal, sys, time
def end(*_):
    print("interrupted")
    sys.exit(2)
signal.signal(signal.SIGTERM, end)
pathlib.Path("begun").touch()
time.sleep(60)
"""


def _begun(container: Container, process: subprocess.Popen[str]) -> None:
    while not (container.folder / "begun").exists():
        assert process.poll() is None
        time.sleep(0.01)


def test_sigterm_goes_on_to_pytest_and_its_files_are_uploaded(container: Container) -> None:
    container.program(_INTERRUPTED)
    process = container.begin()
    _begun(container, process)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2, said
    assert "SIGTERM: pytest is ended" in said
    assert container.bucket.ended()["status"] == 2
    assert "./pytest.log" in container.bucket.names()


def test_a_load_without_end_is_ended(container: Container) -> None:
    container.program(_INTERRUPTED)
    status, said = container.run([*WORDS, "--seconds", "1"])
    assert status == 2
    assert "1 seconds are over: pytest is ended" in said


def test_what_does_not_end_is_killed(container: Container) -> None:
    container.patch.setattr(entry, "GRACE_S", 0.1)
    container.program(_INTERRUPTED.replace("sys.exit(2)", "pass"))
    scratch = container.folder / "scratch"
    scratch.mkdir()
    child = entry.Pytest(entry.arguments(WORDS), scratch, {})
    while not (container.folder / "begun").exists():
        time.sleep(0.01)
    child.stop("the test")
    assert child.wait(60) == 128 + signal.SIGKILL


def test_it_needs_nothing_that_the_image_lacks() -> None:
    needs = set()
    for name in ("entry.py", "proof.py"):
        for node in ast.walk(ast.parse((FARGATE / "in_region" / name).read_text("utf-8"))):
            if isinstance(node, ast.Import):
                needs |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                needs.add((node.module or "").partition(".")[0])
    assert needs - sys.stdlib_module_names == {"boto3", "botocore", "proof"}
