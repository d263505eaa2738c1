"""The catalogue's part about a gate that is far from its load: what comes home, and what is taken for its end.

The guards are those of examples/fargate and examples/ec2; each is asked as they ask it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.false_greens.entry import Entry, Seen, Through
from tests.in_region.made import ASKED, RUN, files, junit

# After tests.in_region, which says where they are.
import ec2  # isort: skip
import fargate  # isort: skip
import home  # isort: skip
import proof  # isort: skip

_IMAGE = "repository@sha256:" + "ab" * 32
_ORDER = home.Order(asked=ASKED, minutes=45, nonce="0123456789abcdef0123456789abcdef")
_ENDED = {"nonce": _ORDER.nonce, "environment": "load-testing", "phases": ["peak"], "status": 0, "sha256": "0" * 64}


def _seen(ask: Callable[[], object]) -> Seen:
    """A status of 0, or none that is anything, is green."""
    try:
        return Seen.ERROR if ask() else Seen.GREEN
    except proof.NotProven:
        return Seen.ERROR


def of_a_task(**changes: object) -> Callable[[], Seen]:
    """A task that ended with 0 and is proven, but for the changes."""
    container = {"name": "generator", "image": _IMAGE, "exitCode": 0}
    task = {"stopCode": "EssentialContainerExited", "containers": [container], **changes}
    return lambda: _seen(lambda: fargate.status_of(task, _IMAGE))


def of_a_command(**changes: object) -> Callable[[], Seen]:
    """A command that ended with 0, but for the changes."""
    said = {"CommandId": "c", "InstanceId": "i", "Status": "Success", "ResponseCode": 0, **changes}
    return lambda: _seen(lambda: ec2.status_of(said, {"instance": "i"}, "c"))


def of_files(
    change: Callable[[Any], object] = lambda said: None, beside: Callable[[Path], object] = lambda folder: None
) -> Callable[[Path], Seen]:
    """A run's files that prove it, but for what is changed in its summary, or beside it."""

    def scenario(tmp_path: Path) -> Seen:
        folder = tmp_path / str(len([*tmp_path.iterdir()]))
        folder.mkdir()
        beside(files(folder, change))
        return _seen(lambda: not proof.require_proof(folder, ASKED))

    return scenario


def of_an_end(tmp_path: Path) -> Seen:
    """What lies in the bucket is of yesterday's run."""
    file = tmp_path / "ended.json"
    file.write_text(json.dumps(_ENDED | {"nonce": "f" * 32}), "utf-8")
    return _seen(lambda: home.require_ended(file, _ORDER)["status"])


def of_an_archive(tmp_path: Path) -> Seen:
    """The upload broke off."""
    file = tmp_path / "files.tar.gz"
    file.write_bytes(b"half")
    return _seen(lambda: home.require_archive(file, _ENDED))


def of_two_words() -> Seen:
    """The task says 0, and its files say that pytest ended with 1."""
    return _seen(lambda: home.require_same_status(0, _ENDED | {"status": 1}))


def _entry(name: str, mistake: str, scenario: Callable[..., Seen], guard: str, instead: Callable[..., Any]) -> Entry:
    needs = ("tmp_path",) if scenario.__code__.co_argcount else ()
    return Entry(
        name=name, mistake=mistake, guards={guard: instead}, through=Through.PURE, scenario=scenario, needs=needs
    )


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "a task that never started",
        "Its image could not be pulled, so its container has no exit code, and none is read as 0.",
        of_a_task(stopCode="EssentialContainerExited", containers=[{"name": "generator", "image": _IMAGE}]),
        "fargate:require_status",
        lambda container, where: container.get("exitCode") or 0,
    ),
    _entry(
        "a task that somebody stopped",
        "It was told to stop, and what it ran ends with 0 when it is.",
        of_a_task(stopCode="UserInitiated"),
        "fargate:require_own_end",
        lambda *_: None,
    ),
    _entry(
        "a task of another image",
        "A tag had moved, or the newest revision was another branch's, so another slo.yaml was proven.",
        of_a_task(containers=[{"name": "generator", "image": "repository:latest", "exitCode": 0}]),
        "fargate:require_image",
        lambda *_: None,
    ),
    _entry(
        "a command that timed out",
        "Systems Manager gave up waiting, and what is no failure is taken for a success.",
        of_a_command(Status="TimedOut", ResponseCode=-1),
        "ec2:require_status",
        lambda invocation, where: int(invocation["Status"] == "Failed"),
    ),
    _entry(
        "the last run's files in the bucket",
        "The run wrote nothing, and what lies there is of the run before it, which was green.",
        of_an_end,
        "home:require_ended",
        lambda file, order: json.loads(file.read_text("utf-8")),
    ),
    _entry(
        "half of the files",
        "The upload broke off, and what arrived can be read.",
        of_an_archive,
        "home:require_archive",
        lambda *_: None,
    ),
    _entry(
        "two words about one end",
        "A wrapper lost pytest's status, so the container ended with 0.",
        of_two_words,
        "home:require_same_status",
        lambda *_: None,
    ),
    _entry(
        "the sandbox by a wrong name",
        "The environment that was named is the embedded sandbox, which is green by nature.",
        of_files(lambda said: said["run"].update(sandbox=True)),
        "proof:require_environment",
        lambda *_: None,
    ),
    _entry(
        "a phase that slo.yaml does not know",
        '-m "baseline or peek" runs the baseline, and nobody misses the peak.',
        of_files(lambda said: said["phases"][0].update(name="baseline")),
        "proof:require_phases",
        lambda *_: None,
    ),
    _entry(
        "a row that the image leaves out",
        "PYTEST_ADDOPTS of the image has a -k, and the row that broke is not among what is left.",
        of_files(lambda said: said["phases"][0]["plan"].update(rows=3)),
        "proof:require_all_rows",
        lambda _: None,
    ),
    _entry(
        "an earlier run judged again, far away",
        "PYTEST_ADDOPTS of the image says --syncload-run, and no load is offered.",
        of_files(lambda said: said["run"].update(rejudged={"run_id": RUN, "begun_at": None})),
        "proof:require_load",
        lambda *_: None,
    ),
    _entry(
        "a JUnit file of the last run",
        "The dashboard reads what lay at that path before.",
        of_files(
            beside=lambda folder: (folder / proof.JUNIT).write_text(junit(run="20260101T000000Z-bbbbbb"), "utf-8")
        ),
        "proof:require_junit",
        lambda *_: None,
    ),
)
