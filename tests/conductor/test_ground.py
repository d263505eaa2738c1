"""Where a run goes: what is refused before anything is sent, and that a worker finds what the controller prepared."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_syncload.conductor.earlier import find_run
from pytest_syncload.conductor.ground import Ground, find, prepare, refuse_production, refuse_unnamed
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import AwsAccess, Environment, Rejudged, SandboxSettings
from tests.conductor.plans import REAL, SANDBOX, spec


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / ".syncload" / "run")
    made.make()
    return made


def refusal(environment: Environment, *, named: bool, environ: Mapping[str, str]) -> str:
    """What is said against going there; empty where nothing is."""
    try:
        refuse_unnamed(spec(environment=environment), named=named, environ=environ)
    except Refused as refused:
        return str(refused)
    return ""


@pytest.mark.parametrize("environ", [{}, {"CI": ""}, {"CI": "true"}])
@pytest.mark.parametrize("environment", [REAL, SANDBOX], ids=lambda environment: environment.name)
def test_a_named_environment_is_gone_to_everywhere(environment: Environment, environ: Mapping[str, str]) -> None:
    assert refusal(environment, named=True, environ=environ) == ""


@pytest.mark.parametrize("environ", [{}, {"CI": ""}])
def test_a_laptop_may_take_the_sandbox_unnamed_and_no_real_environment(environ: Mapping[str, str]) -> None:
    assert refusal(SANDBOX, named=False, environ=environ) == ""
    real = refusal(REAL, named=False, environ=environ)
    assert real == "'load-testing' is a real environment: name it with --syncload-env load-testing"


@pytest.mark.parametrize("environment", [REAL, SANDBOX], ids=lambda environment: environment.name)
def test_ci_names_its_environment_whichever_it_is(environment: Environment) -> None:
    said = refusal(environment, named=False, environ={"CI": "1"})
    assert said.startswith("CI is set and no environment is named")
    assert f"--syncload-env {environment.name}" in said


def test_a_real_environment_says_what_may_be_offered_there(folder: RunFolder) -> None:
    unlimited = spec(environment=replace(REAL, max_rate_per_s=None))
    with ExitStack() as stack, pytest.raises(Refused, match=r"no max_rate.*slo\.yaml:7"):
        prepare(unlimited, folder, stack)
    with pytest.raises(Refused, match="no phase was prepared"):
        find(unlimited, folder)


def test_only_a_sandbox_scales_rates() -> None:
    clock = ServiceClock.starting_now()
    scaled = replace(SANDBOX, sandbox=SandboxSettings(rate_scale=0.4))
    assert Ground(environment=scaled, clock=clock).rate_scale == 0.4
    assert Ground(environment=REAL, clock=clock).rate_scale == 1.0


def test_a_worker_finds_the_sandbox_and_the_clock_of_the_controller(folder: RunFolder) -> None:
    plan = spec(environment=replace(SANDBOX, sandbox=SandboxSettings(speed=60.0)))
    with ExitStack() as stack:
        prepared = prepare(plan, folder, stack)
        assert find(plan, folder) == prepared
        # What the sandbox had is known when it is gone: whoever judges the run again asks the folder.
        kept = find_run(folder.path, str(folder.path), folder.path)
        assert kept.environment == replace(prepared.environment, aws=None, firebase=None)
        assert kept.environment.resources is not None
        assert kept.phases == plan.phases
        assert prepared.environment.base_url is not None
        assert prepared.clock.speed == 60.0
        assert prepared.environment.firebase is not None
        assert prepared.environment.aws is not None
        secrets = (prepared.environment.firebase.api_key, prepared.environment.aws.secret_access_key or "?")
        for file in folder.path.rglob("*"):
            if file.is_file():
                assert not [secret for secret in secrets if secret in file.read_text("utf-8")], file.name
        # The double stands for a real CloudWatch whose clock runs elsewhere: only the offset is taken from it.
        real = spec(environment=replace(REAL, aws=prepared.environment.aws))
        measured = prepare(real, folder, stack)
        assert measured.clock.speed == 1.0
        assert abs(measured.clock.origin - prepared.clock.origin) < 60
        assert find(real, folder) == measured
        prepare(plan, folder, stack)
    with pytest.raises(Refused, match="the sandbox of this run has ended"):
        find(plan, folder)


def test_an_emulators_endpoint_is_refused_for_a_real_environment(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    real = spec(environment=replace(REAL, aws=AwsAccess(region="eu-central-1")))
    with ExitStack() as stack, pytest.raises(Refused, match="which is not AWS"):
        prepare(real, folder, stack)


@pytest.mark.parametrize("environment", [REAL, SANDBOX], ids=lambda environment: environment.name)
def test_judging_again_offers_nothing_and_is_asked_for_by_name_in_ci_only(environment: Environment) -> None:
    again = replace(spec(environment=environment), rejudged=Rejudged(run_id="r1", begun_at=1.0))
    refuse_unnamed(again, named=False, environ={})
    refuse_unnamed(again, named=True, environ={"CI": "1"})
    with pytest.raises(Refused, match=r"run r1 would be judged again.*--syncload-run last"):
        refuse_unnamed(again, named=False, environ={"CI": "1"})


PRODUCTION = replace(REAL, name="live", production=True)


@pytest.mark.parametrize(
    ("environment", "named", "says"),
    [
        (PRODUCTION, None, r"'live' is marked as production \(slo\.yaml:7\).*add --syncload-production live"),
        (PRODUCTION, "production", "and --syncload-production names 'production'; name what is meant"),
        (REAL, "live", "names 'live', and the run goes to 'load-testing', which is not marked as production"),
        (SANDBOX, "live", "names 'live', and the run goes to 'sandbox'"),
    ],
)
def test_production_is_gone_to_only_where_it_is_named_as_such(
    environment: Environment, named: str | None, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        refuse_production(spec(environment=environment), named)


def test_production_is_named_for_one_run_and_not_for_all() -> None:
    refuse_production(spec(environment=PRODUCTION), "live")
    refuse_production(spec(environment=REAL), None)
    with pytest.raises(Refused, match="is in addopts or PYTEST_ADDOPTS, where it is for every run"):
        refuse_production(spec(environment=PRODUCTION), "live", typed=False)


def test_judging_production_again_offers_nothing() -> None:
    offering = spec(environment=PRODUCTION)
    with pytest.raises(Refused, match="is marked as production"):
        refuse_production(offering, None)
    refuse_production(replace(offering, rejudged=Rejudged(run_id="r1", begun_at=1.0)), None)
