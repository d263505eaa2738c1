"""The generator's entry point, in the target's region: runs pytest, uploads its files, and ends as pytest ended.

    python in_region/entry.py --environment load-testing --phases peak --bucket B --nonce N --region R --seconds 3600

| exit status | what it means |
|---|---|
| pytest's own | see docs/running.md of pytest-syncload |
| 64 | the arguments are wrong, or a secret cannot be had; nothing was run |
| 65 | pytest ended with 0, and its files do not prove it |
| 74 | pytest ended with 0, and its files could not be uploaded |
| 128 + n | signal n ended pytest |

SIGTERM, which ECS and systemd send first, goes on to pytest: the load stops, and what was measured is uploaded still.
No secret is printed, written or given to anything but pytest's environment. Never tried on AWS.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent))
from proof import ARCHIVE, ENDED, JUNIT, LOG, PAGE, PATH, RUNS, SUMMARY, Asked, NotProven, phases_of, require_proof

#: Seconds that pytest gets from SIGTERM to its end. ECS kills after `stopTimeout`, 120 s at most, uploading included.
GRACE_S = 60
NONCE = re.compile(r"[0-9a-f]{32}")
SECRET = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=arn:[\w-]+:(?:secretsmanager|ssm):.+", re.ASCII)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """argparse would end with 2, which is pytest's word for a phase that was not carried out."""
        say(f"nothing was run: {message}")
        self.exit(os.EX_USAGE)


def say(text: str) -> None:
    """To the log, at once: what is buffered is lost where the container is killed."""
    print(f"in region: {text}", flush=True)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Every one is needed: a default would measure something that nobody asked for."""
    parser = _Parser(allow_abbrev=False)
    parser.add_argument("--environment", required=True)
    parser.add_argument("--phases", required=True, help="names, apart by blanks")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--nonce", required=True, help="names this run's files, and is of this run only")
    parser.add_argument("--region", required=True)
    parser.add_argument("--seconds", required=True, type=int, help="after which pytest is ended")
    parser.add_argument("--sandbox", action="store_true", help="the sandbox is enough: proves the wiring only")
    parser.add_argument("--secret", action="append", default=[], metavar="NAME=ARN", help="of Secrets Manager or SSM")
    parser.add_argument("tests", nargs="*", default=["slo.yaml"])
    given = parser.parse_args(words)
    try:
        given.phases = phases_of(given.phases)
    except ValueError as error:
        parser.error(str(error))
    if not NONCE.fullmatch(given.nonce):
        parser.error("--nonce is not 32 hexadecimal digits")
    if not given.environment or given.seconds <= 0:
        parser.error("--environment is empty, or --seconds is not above 0")
    if any(not PATH.fullmatch(test) for test in given.tests):
        parser.error("a test is no path")
    if any(not SECRET.fullmatch(each) for each in given.secret):
        parser.error("a --secret is not NAME=ARN of Secrets Manager or of the Parameter Store")
    return given


def client(service: str, region: str) -> Any:
    """Of boto3, which is there as pytest-syncload needs it; credentials are the task's or the instance's role."""
    import boto3  # noqa: PLC0415 - arguments are looked at before half a second goes into it
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        service, region_name=region, config=Config(retries={"mode": "standard", "total_max_attempts": 5})
    )


def secrets_of(given: argparse.Namespace) -> dict[str, str]:
    """Values by name. A reference stands in the configuration, and its value nowhere but here and in pytest."""
    values = {}
    for each in given.secret:
        name, _, arn = each.partition("=")
        try:
            if arn.split(":")[2] == "ssm":
                parameter = arn.split(":parameter", 1)[1]
                answer = client("ssm", given.region).get_parameter(Name=parameter, WithDecryption=True)
                values[name] = answer["Parameter"]["Value"]
            else:
                values[name] = client("secretsmanager", given.region).get_secret_value(SecretId=arn)["SecretString"]
        except Exception as error:  # noqa: BLE001 - botocore's errors have no common base, and none may be a traceback
            say(f"nothing was run: secret {name} cannot be had: {type(error).__name__}: {error}")
            sys.exit(os.EX_USAGE)
    return values


class Pytest:
    """One run of pytest, whose output goes to ours and to the log."""

    def __init__(self, given: argparse.Namespace, files: Path, secrets: Mapping[str, str]) -> None:
        command = [
            *(sys.executable, "-m", "pytest", *given.tests, "-m", " or ".join(given.phases)),
            f"--syncload-env={given.environment}",
            f"--junitxml={files / JUNIT}",
            f"--syncload-json={files / SUMMARY}",
        ]
        environ = {name: value for name, value in os.environ.items() if name != "SYNCLOAD_ENV"} | {
            "CI": "true",
            # So that annotations and the page for GitHub are written, which the workflow shows.
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(Path.cwd()),
            "GITHUB_STEP_SUMMARY": str(files / PAGE),
            "PYTHONUNBUFFERED": "1",
            **secrets,
        }
        self._log = files / LOG
        self._told = False
        self._child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def stop(self, why: str) -> None:
        """Once is enough: a second SIGTERM would not let pytest say what it has."""
        if self._told:
            return
        self._told = True
        say(f"{why}: pytest is ended")
        self._child.terminate()
        killer = threading.Timer(GRACE_S, self._child.kill)
        killer.daemon = True
        killer.start()

    def wait(self, seconds: float) -> int:
        """Its exit status; 128 + n where signal n ended it."""
        pump = threading.Thread(target=self._copy, daemon=True)
        pump.start()
        bound = threading.Timer(seconds, self.stop, [f"{seconds:.0f} seconds are over"])
        bound.daemon = True
        bound.start()
        status = self._child.wait()
        bound.cancel()
        pump.join(10)  # whoever inherited the pipe and lives on is not waited for
        return 128 - status if status < 0 else status

    def _copy(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as said, self._log.open("wb") as log:
            while chunk := os.read(said.fileno(), 65536):
                log.write(chunk)
                log.flush()
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()


def keep_runs(files: Path, before: frozenset[Path]) -> None:
    """The run folders that this run made. What was in the image before is not this run's."""
    for folder in sorted({*Path(".syncload").glob("*T*")} - before):
        if folder.is_dir() and not folder.is_symlink():
            shutil.copytree(folder, files / RUNS / folder.name, symlinks=True)


def upload(given: argparse.Namespace, files: Path, status: int) -> None:
    """The archive, then what says that it is whole. Neither ever overwrites: a name belongs to one run."""
    packed = files.parent / ARCHIVE
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(files, arcname=".", filter=lambda member: member if member.isreg() or member.isdir() else None)
    body = packed.read_bytes()
    ended = {
        "nonce": given.nonce,
        "environment": given.environment,
        "phases": list(given.phases),
        "status": status,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    s3 = client("s3", given.region)
    for name, data in ((ARCHIVE, body), (ENDED, json.dumps(ended).encode())):
        # S3 refuses where the name is taken (API reference of PutObject, If-None-Match).
        s3.put_object(Bucket=given.bucket, Key=f"runs/{given.nonce}/{name}", Body=data, IfNoneMatch="*")


def judged(status: int, files: Path, given: argparse.Namespace) -> int:
    """What pytest ended with, unless that is 0 without a proof."""
    if status == 0:
        try:
            require_proof(files, Asked(environment=given.environment, phases=given.phases, sandbox=given.sandbox))
        except NotProven as error:
            say(f"not green: {error}")
            return os.EX_DATAERR
    return status


def main(words: Sequence[str]) -> int:
    """The exit status."""
    given = arguments(words)
    secrets = secrets_of(given)
    before = frozenset(Path(".syncload").glob("*T*"))
    with tempfile.TemporaryDirectory() as scratch:
        files = Path(scratch, "files")
        files.mkdir()
        pytest = Pytest(given, files, secrets)
        signal.signal(signal.SIGTERM, lambda *_: pytest.stop("SIGTERM"))
        status = pytest.wait(given.seconds)
        keep_runs(files, before)
        status = judged(status, files, given)
        try:
            upload(given, files, status)
        except Exception as error:  # noqa: BLE001 - as above; whatever it is, the files are not there
            say(f"the files of this run could not be uploaded: {type(error).__name__}: {error}")
            status = status or os.EX_IOERR
    say(f"ends with {status}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
