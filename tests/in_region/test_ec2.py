"""The step that runs a phase on the instance, and what runs there: an end without a proof is red, and it is stopped."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ec2
import proof
import pytest

from tests.in_region.places import EC2
from tests.in_region.stand_in import StandIn
from tests.in_region.test_home import ORDER, uploaded

INSTANCE, COMMAND = "i-0123456789abcdef0", "01234567-0123-0123-0123-0123456789ab"
PLACE = {"region": "us-east-1", "instance": INSTANCE, "document": "syncload-load", "bucket": "runs-of-mine"}
STEP = {
    "PLACE": json.dumps(PLACE),
    "ENVIRONMENT": "load-testing",
    "PHASES": "peak",
    "MINUTES": "45",
    "SANDBOX": "refuse",
}


def instance(name: str) -> dict[str, Any]:
    """As DescribeInstances has it."""
    return {"Reservations": [{"Instances": [{"InstanceId": INSTANCE, "State": {"Name": name}}]}]}


def invocation(status: str = "Success", code: int | None = 0, **changes: Any) -> dict[str, Any]:
    """As GetCommandInvocation has it."""
    said = {"CommandId": COMMAND, "InstanceId": INSTANCE, "Status": status, "StatusDetails": status} | changes
    return said | ({} if code is None else {"ResponseCode": code})


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With one commit, and a file beside it that is in none."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "slo.yaml").write_text("service: orders\n", "utf-8")
    for words in (["init", "-q"], ["add", "slo.yaml"], ["commit", "-qm", "one"]):
        named = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *named, *words], check=True, cwd=folder)
    (folder / "key.json").write_text("s3cret", "utf-8")
    return folder


@pytest.fixture
def cloud(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """An account in which everything goes well and at once, and the run is proven."""
    made = StandIn(tmp_path / "cloud", monkeypatch).within()
    monkeypatch.setattr(ec2, "EVERY_S", 0.0)
    monkeypatch.setattr("home.secrets.token_hex", lambda size: ORDER.nonce)
    made.says("ec2", "describe-instances", instance("stopped"))
    made.says("ec2", "start-instances", {})
    made.says("ec2", "stop-instances", {})
    made.says("ssm", "describe-instance-information", {"InstanceInformationList": [{"PingStatus": "Online"}]})
    made.says("ssm", "send-command", {"Command": {"CommandId": COMMAND}})
    made.says("ssm", "get-command-invocation", invocation())
    made.prints("s3api", "put-object", "{}")
    uploaded(made, tmp_path)
    monkeypatch.chdir(repository)
    return made


def run(folder: Path, **changes: str) -> int:
    """The step's exit status."""
    return ec2.run(STEP | {"FILES": str(folder / "files")} | changes)


def test_a_phase_that_is_proven_is_green(cloud: StandIn, tmp_path: Path) -> None:
    cloud.says("ec2", "describe-instances", instance("stopping"), instance("stopped"))
    cloud.says(
        "ssm",
        "describe-instance-information",
        {"InstanceInformationList": []},
        {"InstanceInformationList": [{"PingStatus": "ConnectionLost"}]},
        {"InstanceInformationList": [{"PingStatus": "Online"}]},
    )
    known = [invocation("Pending", -1), invocation("InProgress", -1), invocation()]
    cloud.fails("ssm", "get-command-invocation", "An error occurred (InvocationDoesNotExist)", then=known)
    assert run(tmp_path, SANDBOX="accept", TESTS="slo.yaml tests") == 0
    assert cloud.names() == [
        *("put-object", "describe-instances", "describe-instances", "start-instances"),
        *("describe-instance-information",) * 3,
        *("send-command", *("get-command-invocation",) * 4, "stop-instances", "get-object", "get-object"),
    ]
    asked = {operation: given for _, operation, given in cloud.asked()}
    assert asked["put-object"][:4] == ["--bucket", "runs-of-mine", "--key", f"sources/{ORDER.nonce}.tar.gz"]
    assert asked["put-object"][-4:] == ["--if-none-match", "*", "--output", "json"]
    sent = asked["send-command"]
    assert (sent["DocumentName"], sent["InstanceIds"]) == ("syncload-load", [INSTANCE])
    digest = sent["Parameters"].pop("Sha256")
    assert len(digest[0]) == 64
    assert sent["Parameters"] == {
        "Nonce": [ORDER.nonce],
        "Environment": ["load-testing"],
        "Phases": ["peak"],
        "Seconds": ["2700"],
        "Sandbox": ["accept"],
        "Tests": ["slo.yaml tests"],
    }


def test_the_commits_files_are_taken_and_no_others(cloud: StandIn, tmp_path: Path) -> None:
    file, digest = ec2.packed(tmp_path)
    with tarfile.open(file) as archive:
        assert archive.getnames() == ["slo.yaml"]
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()


def test_an_instance_that_runs_is_not_started_again(cloud: StandIn, tmp_path: Path) -> None:
    cloud.says("ec2", "describe-instances", instance("running"))
    assert run(tmp_path) == 0
    assert "start-instances" not in cloud.names()


ENDS = {
    "timed out": (invocation("TimedOut", -1), "the command has no exit status (TimedOut, TimedOut)"),
    "cancelled": (invocation("Cancelled", 137), "the command has no exit status (Cancelled"),
    "never begun": (invocation("Failed", -1, StatusDetails="Undeliverable"), "no exit status (Failed, Undeliverable)"),
    "no code": (invocation("Success", None), "the command has no exit status (Success"),
    "a success with another code": (invocation("Success", 1), "ended with 1, and is said to be a Success"),
    "a failure with 0": (invocation("Failed", 0), "ended with 0, and is said to be a Failed"),
    "another command": (invocation(CommandId=COMMAND[::-1]), "Systems Manager told of another command"),
    "another instance": (invocation(InstanceId="i-0"), "Systems Manager told of another command"),
    "no status": ({"CommandId": COMMAND, "InstanceId": INSTANCE}, "the command has no exit status (None"),
}


@pytest.mark.parametrize(("last", "says"), ENDS.values(), ids=ENDS)
def test_an_end_that_is_none_of_pytest_is_red_and_the_instance_stopped(
    last: dict[str, Any], says: str, cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.says("ssm", "get-command-invocation", last | {"StandardOutputContent": "::error::what it said"})
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert says in said
    assert cloud.names().count("stop-instances") == 1
    assert (tmp_path / "files" / proof.JUNIT).is_file()
    assert "::stop-commands::" in said[: said.index("::error::what it said")]


@pytest.mark.parametrize("code", [1, 2, 137])
def test_it_ends_as_the_command_ended(cloud: StandIn, tmp_path: Path, code: int) -> None:
    cloud.says("ssm", "get-command-invocation", invocation("Failed", code))
    (tmp_path / "made").rename(tmp_path / "first")
    uploaded(cloud, tmp_path, status=code)
    assert run(tmp_path) == code


def test_a_zero_without_files_is_red(cloud: StandIn, tmp_path: Path) -> None:
    (cloud.folder / f"s3api.get-object.{proof.ENDED}").unlink()
    assert run(tmp_path) == 1


def test_a_command_that_does_not_end_is_red_and_the_instance_stopped(
    cloud: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ec2, "AROUND_S", -45 * 60.0)
    cloud.says("ssm", "get-command-invocation", invocation("InProgress", -1))
    cloud.fails("ec2", "stop-instances", "An error occurred (ExpiredToken)")
    assert run(tmp_path) == 1
    said = capsys.readouterr().out
    assert "nothing ended within 0 s" in said
    assert "::warning title=SLO gate::the instance may run until it powers itself off: aws ec2 stop-instances" in said


BEFORE: dict[str, tuple[Callable[[StandIn], object], dict[str, str], str]] = {
    "the instance is gone": (
        lambda cloud: cloud.says("ec2", "describe-instances", instance("terminated")),
        {},
        f"instance {INSTANCE} is terminated: apply Terraform again",
    ),
    "the instance is not known": (
        lambda cloud: cloud.says("ec2", "describe-instances", {"Reservations": []}),
        {},
        f"nothing ended within 0 s (EC2 does not know instance {INSTANCE})",
    ),
    "it cannot be started": (
        lambda cloud: cloud.fails("ec2", "start-instances", "An error occurred (InsufficientInstanceCapacity)"),
        {},
        "InsufficientInstanceCapacity",
    ),
    "it does not tell of itself": (
        lambda cloud: cloud.says("ssm", "describe-instance-information", {"InstanceInformationList": []}),
        {},
        "nothing ended within 0 s",
    ),
    "the command is refused": (
        lambda cloud: cloud.fails("ssm", "send-command", "An error occurred (InvalidParameters)"),
        {},
        "aws ssm send-command ended with 1: An error occurred (InvalidParameters)",
    ),
    "the project cannot be uploaded": (
        lambda cloud: cloud.fails("s3api", "put-object", "An error occurred (AccessDenied)"),
        {},
        "aws s3api put-object ended with 1",
    ),
    "no environment": (lambda cloud: None, {"ENVIRONMENT": ""}, "ENVIRONMENT is empty"),
}


@pytest.mark.parametrize(("change", "step", "says"), BEFORE.values(), ids=BEFORE)
def test_what_was_not_started_is_red(
    change: Callable[[StandIn], object],
    step: dict[str, str],
    says: str,
    cloud: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(ec2, "STARTING_S", 0.0)
    change(cloud)
    assert run(tmp_path, **step) == 1
    said = capsys.readouterr().out
    assert said.startswith("::error title=SLO gate::no load was offered: ")
    assert says in said
    assert "get-object" not in cloud.names()
    assert step or cloud.names()[-1] == "stop-instances"


def test_without_a_commit_nothing_is_started(
    cloud: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert run(tmp_path) == 1
    assert "no load was offered: git archive ended with 128" in capsys.readouterr().out
    monkeypatch.setenv("PATH", "/nothing")
    with pytest.raises(proof.NotProven, match="git archive: FileNotFoundError"):
        ec2.packed(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_job_stops_the_instance(cloud: StandIn, tmp_path: Path, number: int) -> None:
    cloud.says("ssm", "get-command-invocation", invocation("InProgress", -1))
    process = subprocess.Popen(
        [sys.executable, str(EC2 / "in_region" / "ec2.py")],
        env=os.environ | STEP | {"FILES": str(tmp_path / "files")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    while "get-command-invocation" not in cloud.names():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number, said
    assert cloud.names().count("stop-instances") == 1


#: In place of the programs of the instance: what they were called with is kept, and what they would do is done.
_PROGRAMS = {
    "cloud-init": "",
    "aws": 'for last; do :; done; cp "$BASE/project.tar.gz" "$last"',
    "install": 'for last; do :; done; mkdir "$last"',
    "runuser": 'shift 3; [ "${1##*/}" = tar ] && exec "$@"; exit "${PIP:-0}"',
    "systemd-run": 'exit "${LOAD:-0}"',
}


class Instance:
    """Where `run.sh` runs: programs of a test in place of those that change the machine, or ask another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        for name, body in _PROGRAMS.items():
            program = folder / "bin" / name
            program.write_text(f'#!/bin/sh\nprintf "%s\\n" "{name} $*" >>"$BASE/calls"\n{body}\n', "utf-8")
            program.chmod(0o755)
        with tarfile.open(folder / "project.tar.gz", "w:gz") as archive:
            member = tarfile.TarInfo("slo.yaml")
            archive.addfile(member, io.BytesIO())

    def run(self, **changes: str) -> int:
        """Its exit status."""
        words = {
            "BASE": str(self.folder),
            "NONCE": ORDER.nonce,
            "SHA256": hashlib.sha256((self.folder / "project.tar.gz").read_bytes()).hexdigest(),
            "ENVIRONMENT": "load-testing",
            "PHASES": "baseline peak",
            "SECONDS_AT_MOST": "2700",
            "SANDBOX": "refuse",
            "TESTS": "slo.yaml tests",
            "BUCKET": "runs-of-mine",
            "REGION": "us-east-1",
            "SECRETS": "",
        }
        environ = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"} | words | changes
        return subprocess.run(["sh", str(EC2 / "terraform" / "run.sh")], env=environ, check=False).returncode

    def calls(self) -> list[str]:
        """Each program with its words."""
        return (self.folder / "calls").read_text("utf-8").splitlines()


@pytest.fixture
def there(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def test_on_the_instance_the_load_has_no_rights_and_an_end(there: Instance) -> None:
    assert there.run(SECRETS="KEY=arn:a OTHER=arn:b", SANDBOX="accept") == 0
    *_, load = there.calls()
    unit, _, command = load.partition(" -- ")
    assert "--unit=syncload-load --uid=syncload" in unit
    for each in ("NoNewPrivileges=yes", "KillMode=mixed", "RuntimeMaxSec=2880", "LimitNOFILE=65535"):
        assert f"--property={each}" in unit
    _, _, words = command.partition("/bin/python in_region/entry.py ")
    assert words == (
        "--environment load-testing --phases baseline peak --bucket runs-of-mine --region us-east-1"
        f" --nonce {ORDER.nonce} --seconds 2700 --sandbox --secret KEY=arn:a --secret OTHER=arn:b -- slo.yaml tests"
    )
    assert not [*there.folder.glob("run.*")]
    # Of the project's own code nothing ran as root.
    own = [call for call in there.calls() if "/.venv/bin/" in call]
    assert all(call.startswith(("runuser -u syncload -- ", "systemd-run ")) for call in own)


@pytest.mark.parametrize("status", [1, 2, 137])
def test_on_the_instance_it_ends_as_the_load_ended(there: Instance, status: int) -> None:
    assert there.run(LOAD=str(status)) == status
    assert not [*there.folder.glob("run.*")]


def test_another_project_is_not_run(there: Instance) -> None:
    assert there.run(SHA256="0" * 64) != 0
    assert not [call for call in there.calls() if call.startswith(("runuser", "systemd-run"))]


def test_what_cannot_be_installed_is_not_run(there: Instance) -> None:
    assert there.run(PIP="1") == 1
    assert not [call for call in there.calls() if call.startswith("systemd-run")]


def test_without_its_words_nothing_runs(there: Instance) -> None:
    program = ["env", "-i", "sh", str(EC2 / "terraform" / "run.sh")]
    environ = {"BASE": str(there.folder), "PATH": f"{there.folder / 'bin'}:{os.environ['PATH']}"}
    command = [*program[:2], *(f"{name}={value}" for name, value in environ.items()), *program[2:]]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "REGION" in done.stderr
