"""Runs a phase on the instance, waits for its end, and ends as pytest ended there: a step of the workflow.

    PLACE=… ENVIRONMENT=load-testing PHASES=peak MINUTES=45 python in_region/ec2.py

The instance is started, told one command by Systems Manager, and stopped, whatever happened; it also powers itself off
after a bound. Green needs all of it: the command is the one that was sent, it ended as `Success` with 0, and its files
prove it. How Systems Manager says so is read in its API reference (SendCommand, GetCommandInvocation) and in its user
guide ("Understanding command statuses"). Never tried on AWS.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from home import AwsFailed, Order, aws, held_back, order_of, polled, put, quote, say, settle, stopped_by
from proof import NotProven

PLACE = ("region", "instance", "document", "bucket")
#: Seconds between questions.
EVERY_S = 15.0
#: Seconds until an instance that stops has stopped, and until one that starts has told Systems Manager of itself.
STARTING_S = 600.0
#: Seconds beyond the load's own bound for what the entry point does not time: installing, stopping, uploading.
AROUND_S = 900.0
#: Of a command; the others are ends.
_UNDER_WAY = ("Pending", "InProgress", "Delayed", "Cancelling")


def packed(folder: Path) -> tuple[Path, str]:
    """This commit's files, as git has them, and their SHA-256: what lies about beside them is not taken along."""
    file = folder / "source.tar.gz"
    command = ["git", "archive", "--format=tar.gz", f"--output={file}", "HEAD"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise NotProven(f"git archive: {type(error).__name__}") from None
    if done.returncode != 0:
        raise NotProven(f"git archive ended with {done.returncode}: {' '.join(done.stderr.split())[-600:]}")
    return file, hashlib.sha256(file.read_bytes()).hexdigest()


def state(instance: str) -> str:
    """As EC2 has it: pending, running, stopping, stopped, shutting-down or terminated."""
    answer = aws("ec2", "describe-instances", InstanceIds=[instance])
    for reservation in answer.get("Reservations", []):
        for each in reservation.get("Instances", []):
            if each.get("InstanceId") == instance:
                return str(each.get("State", {}).get("Name"))
    raise AwsFailed(f"EC2 does not know instance {instance}")


def start(instance: str) -> None:
    """Until Systems Manager can reach it. Raises NotProven. One that runs is not started again."""

    def settled() -> str | None:
        found = state(instance)
        if found in ("terminated", "shutting-down"):
            raise NotProven(f"instance {instance} is {found}: apply Terraform again")
        return found if found in ("stopped", "running") else None

    def online() -> bool | None:
        asked = [{"Key": "InstanceIds", "Values": [instance]}]
        answer = aws("ssm", "describe-instance-information", Filters=asked)
        known = answer.get("InstanceInformationList", [])
        return any(each.get("PingStatus") == "Online" for each in known) or None

    if polled(settled, seconds=STARTING_S, every_s=EVERY_S) == "stopped":
        aws("ec2", "start-instances", InstanceIds=[instance])
    polled(online, seconds=STARTING_S, every_s=EVERY_S)


def stop(instance: str) -> None:
    """Best effort: it powers itself off after its bound. A stop ends the load too, by SIGTERM."""
    try:
        aws("ec2", "stop-instances", InstanceIds=[instance])
    except AwsFailed as error:
        say("warning", f"the instance may run until it powers itself off: {error}")


def send(order: Order, place: Mapping[str, Any], digest: str) -> str:
    """The command's id. The document is Terraform's, and takes nothing but these words."""
    answer = aws(
        "ssm",
        "send-command",
        DocumentName=place["document"],
        InstanceIds=[place["instance"]],
        TimeoutSeconds=600,  # until it begins, after which it is not begun any more
        Comment=f"syncload {order.nonce}",
        Parameters={
            "Nonce": [order.nonce],
            "Sha256": [digest],
            "Environment": [order.asked.environment],
            "Phases": [" ".join(order.asked.phases)],
            "Seconds": [str(order.minutes * 60)],
            "Sandbox": ["accept" if order.asked.sandbox else "refuse"],
            "Tests": [" ".join(order.tests)],
        },
    )
    command: str = answer["Command"]["CommandId"]
    return command


def ended(place: Mapping[str, Any], command: str) -> Any:
    """What became of the command, None while it is under way. Raises AwsFailed where it is not known, as at first."""
    answer = aws("ssm", "get-command-invocation", CommandId=command, InstanceId=place["instance"])
    return None if answer.get("Status") in _UNDER_WAY else answer


def status_of(invocation: Mapping[str, Any], place: Mapping[str, Any], command: str) -> int:
    """What the command ended with. Raises NotProven where that says nothing of the load."""
    where = f"{invocation.get('Status')}, {invocation.get('StatusDetails')}"
    if (invocation.get("CommandId"), invocation.get("InstanceId")) != (command, place["instance"]):
        raise NotProven(f"Systems Manager told of another command ({where})")
    return require_status(invocation, where)


def require_status(invocation: Mapping[str, Any], where: str) -> int:
    """What was cancelled, timed out or not delivered has none; -1 never began (GetCommandInvocation)."""
    said, status = invocation.get("Status"), invocation.get("ResponseCode")
    if said not in ("Success", "Failed") or type(status) is not int or status < 0:
        raise NotProven(f"the command has no exit status ({where})")
    if (said == "Success") != (status == 0):
        raise NotProven(f"the command ended with {status}, and is said to be a {said}")
    return status


def run(environ: Mapping[str, str]) -> int:
    """The step's exit status."""
    try:
        order, place = order_of(environ, PLACE)
    except NotProven as error:
        say("error", f"no load was offered: {error}")
        return 1
    said, why, seen = None, None, None
    with stopped_by(lambda: stop(place["instance"])):
        try:
            with tempfile.TemporaryDirectory() as scratch:
                file, digest = packed(Path(scratch))
                put(place["bucket"], f"sources/{order.nonce}.tar.gz", file)
            start(place["instance"])
            command = send(order, place, digest)
        except (NotProven, AwsFailed) as error:
            say("error", f"no load was offered: {error}")
            stop(place["instance"])
            return 1
        print(f"command {command}, files below s3://{place['bucket']}/runs/{order.nonce}/", flush=True)
        try:
            seen = polled(lambda: ended(place, command), seconds=order.minutes * 60 + AROUND_S, every_s=EVERY_S)
            said = status_of(seen, place, command)
        except NotProven as error:
            why = str(error)
        with held_back():
            stop(place["instance"])
    status = settle(order, place, said, why, environ)
    if status != 0 and seen is not None:
        # The first 24,000 characters of the one, and 8,000 of the other; all of it is in the files, if there are any.
        parts = ("StandardOutputContent", "StandardErrorContent")
        quote("what the command said", "\n".join(str(seen.get(part, "")) for part in parts))
    return status


if __name__ == "__main__":
    sys.exit(run(os.environ))
