"""An earlier run, found by its name and read: what it was asked to do, where it went, and when.

Never writes to an earlier run's folder, and reads nothing from it that was not measured: that is `replay`. Imports
neither boto3 nor the run folder, because `--lf` asks for the last run in sessions that need no load at all.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pytest_syncload.conductor.damage import UNREADABLE, reason, require_plain_numbers
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Environment, LoadSettings, Phase, Rejudged, Spec

#: The run that `--syncload-run last` and `--lf` mean: the newest that began a phase.
LAST = "last"
PLAN_FILE = "plan.json"
ENVIRONMENT_FILE = "environment.json"
#: In a folder of a judging again: which run was judged.
POINTER_FILE = "rejudged_from.json"
#: Raised when what stands in these files changes its meaning.
_FORMAT = 1
_RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
#: What a run id begins with, and how much of it that is.
_STAMPED = "%Y%m%dT%H%M%SZ"
_STAMP = 16
#: A folder that was copied from a machine whose clock is ahead of ours.
_AHEAD_S = 86_400.0
_PHASES = TypeAdapter(tuple[Phase, ...])
_LOAD = TypeAdapter(LoadSettings)
_ENVIRONMENT = TypeAdapter(Environment)
#: Of the year 9999, beyond which a moment cannot be shown.
_LAST_MOMENT = 253_402_300_799.0
#: How many runs a message names.
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """A run as it was asked for. ``environment`` has its resources and addresses, and no secret."""

    path: Path
    begun_at: float
    load: LoadSettings
    request_digest: str
    phases: tuple[Phase, ...]
    environment: Environment

    @property
    def rejudged(self) -> Rejudged:
        """How a judging again names it."""
        return Rejudged(run_id=self.path.name, begun_at=self.begun_at)

    def phase(self, name: str) -> Phase | None:
        """The phase as it was in slo.yaml then, None where there was none of that name."""
        return next((phase for phase in self.phases if phase.name == name), None)


def plan_to_json(spec: Spec) -> dict[str, Any]:
    """What plan.json holds. Of the request and its feeders only digests: there may be secrets in them."""
    return {
        "format": _FORMAT,
        "begun_at": time.time(),
        "file": spec.file.name,
        "service": spec.service,
        "load": _LOAD.dump_python(_without_secrets(spec.load), mode="json"),
        "request_digest": spec.request_digest,
        "feeders": {feeder.name: feeder.digest for feeder in spec.request.feeders},
        "phases": _PHASES.dump_python(spec.phases, mode="json"),
    }


def _without_secrets(load: LoadSettings) -> LoadSettings:
    """What a cluster is made with may be anything."""
    return load if load.dask is None else replace(load, dask=replace(load.dask, cluster_kwargs={}))


def environment_to_json(environment: Environment) -> dict[str, Any]:
    """A ready environment without its secrets: who signs in and by which keys AWS is asked is left out."""
    # What a sandbox is asked by ends with it; of a real environment the region says where.
    aws = None if environment.sandbox is not None or environment.aws is None else environment.aws
    bare = replace(
        environment,
        firebase=None,
        tokens=None,
        aws=None if aws is None else replace(aws, access_key_id=None, secret_access_key=None),
    )
    data: dict[str, Any] = _ENVIRONMENT.dump_python(bare, mode="json")
    return data


def find_run(root: Path, wanted: str, here: Path, option: str = "--syncload-run") -> EarlierRun:
    """The run that ``wanted`` names: ``last``, a run id below ``root``/.syncload, or a folder's path from ``here``.

    ``option`` is where it stands, for messages.

    Raises:
        Refused: there is none, it is itself a judging again, it is still going on, or its folder cannot be read.
    """
    runs = root / ".syncload"
    if wanted == LAST:
        path = _last(runs, option)
    elif (runs / wanted).is_dir():
        path = runs / wanted
    else:
        path = here / wanted
        if not path.is_dir():
            raise Refused(f"there is no run {wanted!r}: neither in {runs} nor as a folder; {_known(runs)}")
    return _read(path.resolve())


def _last(runs: Path, option: str) -> Path:
    began = [path for path in _newest_first(runs) if not (path / POINTER_FILE).exists() and _offered(path)]
    measured = [path for path in began if any(_measured(file) for file in path.glob("*.result.json"))]
    if not measured:
        raise Refused(f"there is no earlier run: none in {runs} measured anything; run a phase first")
    refuse_in_its_place(measured[0], began[0], option)
    if measured[0].name[:_STAMP] > time.strftime(_STAMPED, time.gmtime(time.time() + _AHEAD_S)):
        raise Refused(
            f"{measured[0]} is named after a moment that is still to come, and would be the last run until then; "
            "remove it, or name the run"
        )
    return measured[0]


def refuse_in_its_place(found: Path, newest: Path, option: str = "--syncload-run") -> None:
    """An older run must not be taken for the last one without a word: it may have been green."""
    if found != newest:
        raise Refused(
            f"the last run, {newest.name}, measured nothing; mend what its checks or its load failed by and run the "
            f"phase again, or name the run: {option} {found.name}"
        )


def _offered(path: Path) -> bool:
    """Whether a phase was begun or refused there; `--syncload-check` leaves a folder in which none was."""
    return any(True for pattern in ("*.started", "*.result.json") for _ in path.glob(pattern))


def _measured(file: Path) -> bool:
    """Whether the phase has a result. A damaged file counts: an older run in its place would go unnoticed."""
    try:
        data = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return True
    return not isinstance(data, dict) or data.get("result", "?") is not None


def _newest_first(runs: Path) -> list[Path]:
    try:
        found = [path for path in runs.iterdir() if _RUN_ID.fullmatch(path.name) and path.is_dir()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name, reverse=True)


def _known(runs: Path) -> str:
    names = [path.name for path in _newest_first(runs)[:_NAMED]]
    return f"the newest are {', '.join(names)}" if names else "no run is there"


def _read(path: Path) -> EarlierRun:
    if (pointer := _json(path / POINTER_FILE)) is not None:
        of = pointer.get("run_id") if isinstance(pointer, dict) else None
        raise Refused(f"{path} is itself a judging again, of run {of}; name that run")
    _refuse_unfinished(path)
    plan, ground = _json(path / PLAN_FILE), _json(path / ENVIRONMENT_FILE)
    if plan is None or ground is None:
        lacking = PLAN_FILE if plan is None else ENVIRONMENT_FILE
        raise Refused(
            f"{path} has no {lacking}: it is no folder of a run, or of a run that an older version made; "
            "name another run, or run the phase again"
        )
    try:
        if plan["format"] != _FORMAT:
            raise ValueError(f"format {plan['format']!r}, where this version reads {_FORMAT}")
        phases = _PHASES.validate_python(plan["phases"])
        # Again as numbers: a text such as "NaN" was read as one.
        require_plain_numbers([plan, ground, _PHASES.dump_python(phases)])
        begun_at = float(plan["begun_at"])
        if not 0 < begun_at < _LAST_MOMENT:
            raise ValueError(f"begun_at is {begun_at}, which is no moment")
        return EarlierRun(
            path=path,
            begun_at=begun_at,
            load=_LOAD.validate_python(plan["load"]),
            request_digest=str(plan["request_digest"]),
            phases=phases,
            environment=_ENVIRONMENT.validate_python(ground["as_run"]),
        )
    except UNREADABLE as error:
        raise Refused(
            f"{path} cannot be judged again: its {PLAN_FILE} or {ENVIRONMENT_FILE} is damaged "
            f"({reason(error)}); name another run, or run the phase again"
        ) from None


def _json(file: Path) -> Any:
    """The file's content, None where it is not there. Raises `Refused` where it cannot be read."""
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise Refused(f"{file} cannot be read: {error}; name another run, or run the phase again") from None


def _refuse_unfinished(path: Path) -> None:
    """A run that is still going on has not said its last word."""
    try:
        descriptor = os.open(path / "controller.lock", os.O_RDONLY)
    except OSError:
        return  # copied from elsewhere, say, without its lock
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refused(f"run {path.name} is still going on; wait until it has ended, or name another run") from None
    finally:
        os.close(descriptor)
