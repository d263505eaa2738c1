"""Which crew offers a load, and what is looked at before a fleet is told anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_syncload.conductor import crews
from pytest_syncload.conductor.crews import (
    crew_for,
    dask_crew,
    fleet_checks,
    generators_for,
    most_per_s,
    one_process,
    portable,
    require_reachable,
    require_region,
)
from pytest_syncload.conductor.ground import Ground
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.override import Override
from pytest_syncload.facts.place import Place
from pytest_syncload.facts.plan import Environment, Firebase, Spec, TokenFile
from pytest_syncload.load.crew import LocalCrew
from pytest_syncload.load.limits import Cap
from tests.conductor.plans import REAL, SANDBOX, phase, spec
from tests.conductor.test_climbing import CLIMB

CLUSTER = DaskCluster(address="tls://10.0.0.5:8786", workers=4)
HERE, THERE = Place(region="eu-central-1", known_by="EC2"), Place(region="us-east-1", known_by="EC2")
FIREBASE = Firebase(api_key="k3y", project="toy", service_account='{"private_key": "x"}')


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.make()
    return made


def onwards() -> None:
    """Go on."""


def ground(environment: Environment = REAL) -> Ground:
    return Ground(environment=environment, clock=ServiceClock.starting_now())


def fleet(cluster: DaskCluster = CLUSTER) -> Spec:
    plan = spec()
    return replace(plan, load=replace(plan.load, dask=cluster))


def test_without_a_cluster_processes_of_this_machine_offer_the_load(folder: RunFolder) -> None:
    crew = crew_for(replace(spec(), load=replace(spec().load, generators=3)), ground(), folder, 100.0, 7, onwards)
    assert isinstance(crew, LocalCrew)
    assert (crew.generators, crew.parted()) == (3, ())
    assert one_process("toy", ("a",), folder, 7).generators == 1


def test_a_cluster_has_as_many_generators_as_workers(folder: RunFolder) -> None:
    assert generators_for(fleet(), 1e6) == 4
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    assert crew_for(fleet(), ground(), folder, 1e6, 7, onwards).generators == 4


def test_without_the_extra_it_says_what_to_install(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pytest_syncload.load.dask_crew", raising=False)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PhaseInvalid, match=r"distributed is not installed; install pytest-syncload\[dask\]"):
        dask_crew(fleet(), CLUSTER, ground(), folder, onwards)
    (check,) = fleet_checks(fleet(), ground(), folder, [phase("peak")], onwards)
    assert check.failed
    assert "nothing was sent" not in check.says, "a check sends nothing"


def test_a_cluster_that_is_made_is_looked_at_when_it_is_there(folder: RunFolder) -> None:
    assert fleet_checks(spec(), ground(), folder, [phase("peak")], onwards) == []
    made = DaskCluster(cluster_class="distributed.LocalCluster", workers=2)
    (check,) = fleet_checks(fleet(made), ground(), folder, [phase("peak")], onwards)
    assert (check.finding, "is made when a phase begins" in check.says) == (Finding.NOTE, True)


def test_a_cluster_that_is_there_is_asked_for_what_its_workers_can_carry(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def there(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(cap=lambda rate, timeout: Cap(int(rate / 10), "ports"), generators=4, in_words="four")

    monkeypatch.setattr(crews, "dask_crew", there)
    phases = [phase("peak"), phase("stress", climb=replace(CLIMB, at_most_per_s=900.0))]
    checks = fleet_checks(fleet(), ground(), folder, phases, onwards)
    assert [(check.name, check.finding) for check in checks] == [
        ("fleet", Finding.OK),
        ("limits of peak", Finding.FAILED),
        ("limits of stress", Finding.FAILED),
    ]
    assert "360 requests in flight at most" in checks[2].says
    assert [most_per_s(each, ground(SANDBOX)) for each in phases] == [60.0, 900.0]


@pytest.mark.parametrize(
    ("target", "hosts", "fine"),
    [
        ("http://127.0.0.1:8000", ("127.0.0.1", "127.0.0.1"), True),
        ("http://127.0.0.1:8000", ("127.0.0.1", "10.0.0.7"), False),
        ("https://api.toy.example", ("127.0.0.1", "10.0.0.7"), True),
    ],
)
def test_a_target_of_this_machine_is_another_one_for_each_other(
    target: str, hosts: tuple[str, ...], fine: bool
) -> None:
    environment = replace(REAL, base_url=target)
    if fine:
        require_reachable(environment, hosts)
        return
    with pytest.raises(PhaseInvalid, match=r"workers at 10\.0\.0\.7 it would be theirs"):
        require_reachable(environment, hosts)


def test_every_worker_must_be_where_the_target_is(folder: RunFolder) -> None:
    require_region(spec(), REAL, folder, [HERE, HERE])
    placed = folder.place()
    assert placed is not None
    assert placed.is_there
    with pytest.raises(PhaseInvalid, match=r"of 3 workers 1 are elsewhere: .*run it in eu-central-1, or accept it"):
        require_region(spec(), REAL, folder, [HERE, THERE, HERE])
    placed = folder.place()
    assert placed is not None
    assert placed.place == THERE, "what the report tells is the one that is elsewhere"
    require_region(spec(), replace(REAL, generator_elsewhere="a trial"), folder, [HERE, THERE])


def test_what_only_this_machine_has_is_handed_over_or_refused(tmp_path: Path) -> None:
    account = tmp_path / "account.json"
    account.write_text('{"private_key": "y"}', "utf-8")
    assert portable(None) is None
    assert portable(FIREBASE) == FIREBASE
    bare = replace(FIREBASE, service_account=None)
    assert portable(bare) == bare
    function = Override(name="syncload_identities", reference="toy:users")
    assert portable(function) == function
    handed = portable(replace(FIREBASE, service_account=str(account)))
    assert isinstance(handed, Firebase)
    assert handed.service_account == '{"private_key": "y"}'
    with pytest.raises(PhaseInvalid, match="service_account cannot be read here"):
        portable(replace(FIREBASE, service_account=str(tmp_path / "none")))
    with pytest.raises(PhaseInvalid, match="names a file of this machine, and a fleet signs in by itself"):
        portable(TokenFile(path="tokens.txt"))
