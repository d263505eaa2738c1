"""Where a run goes: the chosen environment made ready, its clock, and the refusals that come before any load."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pytest_syncload.conductor.earlier import ENVIRONMENT_FILE, PLAN_FILE, environment_to_json, plan_to_json
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import AwsAccess, Environment, Resources, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A ready environment and the run's clock."""

    environment: Environment
    clock: ServiceClock

    @property
    def rate_scale(self) -> float:
        """What rates are multiplied with: below 1 only in a sandbox."""
        sandbox = self.environment.sandbox
        return sandbox.rate_scale if sandbox is not None else 1.0

    @property
    def aws(self) -> AwsAccess:
        """How AWS is reached; a ready environment has it."""
        assert self.environment.aws is not None
        return self.environment.aws

    @property
    def resources(self) -> Resources:
        """What the rows look at."""
        return self.environment.resources or Resources()


def refuse_unnamed(spec: Spec, *, named: bool, environ: Mapping[str, str]) -> None:
    """A default is a convenience of laptops. Raises `Refused` where it would be a danger."""
    if named:
        return
    environment = spec.environment
    if environ.get("CI") and spec.rejudged is not None:
        raise Refused(
            f"CI is set, and run {spec.rejudged.run_id} would be judged again without being asked for by name: a "
            "required check would stay green on what was measured once; add --syncload-run last if that is what you "
            "want"
        )
    if spec.rejudged is not None:
        return  # nothing is offered to anybody
    if environ.get("CI"):
        raise Refused(
            f"CI is set and no environment is named: a required check would stay green against the default "
            f"{environment.name!r} for ever; add --syncload-env {environment.name} if that is what you want"
        )
    if environment.sandbox is None:
        raise Refused(f"{environment.name!r} is a real environment: name it with --syncload-env {environment.name}")


def refuse_production(spec: Spec, named: str | None, *, typed: bool = True) -> None:
    """Raise `Refused` where the run would go to production and is not told to by name, or told to by a wrong one.

    ``named`` is what ``--syncload-production`` names, ``typed`` whether that was typed for this run: what stands in
    addopts or PYTEST_ADDOPTS is there whoever runs what.
    """
    environment = spec.environment
    if spec.rejudged is not None:
        return  # nothing is offered to anybody
    mark = f"{environment.name!r} is marked as production ({spec.file.name}:{environment.line})"
    if named is not None and not typed:
        raise Refused(
            "--syncload-production is in addopts or PYTEST_ADDOPTS, where it is for every run; take it out there, and "
            "type it with the run that is meant"
        )
    if environment.production and named is None:
        raise Refused(
            f"{mark}: its users would share the load; if that is meant, add --syncload-production {environment.name}"
        )
    if environment.production and named != environment.name:
        raise Refused(f"{mark}, and --syncload-production names {named!r}; name what is meant")
    if named is not None and not environment.production:
        raise Refused(
            f"--syncload-production names {named!r}, and the run goes to {environment.name!r}, which is not marked as "
            "production; leave the option out, or name the right environment with --syncload-env"
        )


def prepare(spec: Spec, folder: RunFolder, stack: ExitStack) -> Ground:
    """Make the environment ready, in the controller: start the sandbox, or measure the real clock. Raises `Refused`.

    What was started ends with ``stack``, or with this process, however it ends.
    """
    settings = spec.environment.sandbox
    if settings is None:
        if spec.environment.max_rate_per_s is None:
            raise Refused(
                f"environment {spec.environment.name!r} has no max_rate: say what may be offered there at most "
                f"({spec.file.name}:{spec.environment.line})"
            )
        ground = Ground(environment=spec.environment, clock=_real_clock(spec.environment))
        _keep(spec, folder, ground, None)
        return ground
    from pytest_syncload.sandbox.launch import launch  # noqa: PLC0415  # the sandbox is loaded only where it is used

    clock = ServiceClock.starting_now(speed=settings.speed)
    sandbox = launch(settings, clock, folder.path / "sandbox.log")
    stack.callback(sandbox.close)
    announced = dict(sandbox.announcement)
    # The sandbox's keys are as dead as it is, but a run folder holds no secret at all: they stay in its own private
    # folder, which ends with it, and workers are told where.
    private = Path(announced["firebase"]["service_account"]).with_name("announcement.json")
    private.touch(mode=0o600)
    private.write_text(json.dumps(announced), "utf-8")
    public = {"base_url": announced["base_url"], "pids": announced["pids"], "announcement": str(private)}
    ground = Ground(environment=sandbox.fill(spec.environment), clock=clock)
    _keep(spec, folder, ground, public)
    return ground


def _keep(spec: Spec, folder: RunFolder, ground: Ground, sandbox: Mapping[str, Any] | None) -> None:
    """Keep where the run goes and what it is asked to do: for its workers, and for whoever judges it again."""
    folder.write(PLAN_FILE, plan_to_json(spec))
    folder.write(
        ENVIRONMENT_FILE,
        {
            "environment": spec.environment.name,
            "clock": asdict(ground.clock),
            # The wall time of the clock's origin, so that a report can say when a service moment was on the wall.
            "wall_origin": time.time() - (time.monotonic() - ground.clock.monotonic_origin),
            "sandbox": sandbox,
            "as_run": environment_to_json(ground.environment),
        },
    )


def find(spec: Spec, folder: RunFolder) -> Ground:
    """The ground that the controller has prepared. Raises `Refused` where it has not."""
    data: dict[str, Any] | None = folder.read(ENVIRONMENT_FILE)
    if data is None:
        raise Refused(f"no phase was prepared in {folder.path}: the controller started no environment for this run")
    clock = ServiceClock(**data["clock"])
    if data["sandbox"] is None:
        return Ground(environment=spec.environment, clock=clock)
    from pytest_syncload.sandbox.launch import fill_from  # noqa: PLC0415

    try:
        announced = json.loads(Path(data["sandbox"]["announcement"]).read_text("utf-8"))
    except FileNotFoundError:
        raise Refused("the sandbox of this run has ended, so nothing more can be asked of it") from None
    return Ground(environment=fill_from(spec.environment, announced), clock=clock)


#: Beyond this, service time is corrected by the measured offset; below it, the offset is the resolution of HTTP Date.
OFFSET_NOTICED_S = 2.0


def _real_clock(environment: Environment) -> ServiceClock:
    from pytest_syncload.sources.aws import FOR_CHECKS, client, measured_offset_s  # noqa: PLC0415

    assert environment.aws is not None
    offset = measured_offset_s(client("cloudwatch", environment.aws, patience=FOR_CHECKS), time.time)
    return ServiceClock.starting_now(offset_s=offset if abs(offset) > OFFSET_NOTICED_S else 0.0)
