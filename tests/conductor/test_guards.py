"""Which targets are refused before anybody signs in: a foreign host, a foreign network, a foreign account."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.conductor import guards
from pytest_syncload.conductor.guards import (
    account_check,
    before_anything,
    host_of,
    is_host,
    is_loopback,
    lists_accounts,
    outside,
    resolved,
)
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.guard import Guard
from pytest_syncload.facts.place import Place
from pytest_syncload.facts.plan import Environment
from pytest_syncload.sources import placement
from tests.conductor.plans import REAL, SANDBOX, spec


def guarded(base_url: str = "https://API.toy.example:8443/base", **lists: Sequence[str]) -> Environment:
    given: dict[str, Any] = {key: tuple(listed) for key, listed in lists.items()}
    return replace(REAL, base_url=base_url, guard=Guard(line=9, **given))


def looked(environment: Environment) -> dict[str, Check]:
    """What is looked at beside the region, which has tests of its own."""
    folder = mock.create_autospec(RunFolder, instance=True)
    near = replace(environment, generator_elsewhere="a test")
    checks = {each.name: each for each in before_anything(spec(), near, folder)}
    assert (checks.pop("generator's region", None) is None) is is_loopback(host_of(environment))
    return checks


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What every name resolves to; nothing to begin with."""
    addresses: list[str] = []

    def resolve(host: str) -> list[str]:
        assert host == "api.toy.example"
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return addresses

    monkeypatch.setattr(guards, "resolved", resolve)
    return addresses


def test_where_nothing_is_listed_nothing_is_looked_at() -> None:
    assert looked(REAL) == {}
    assert account_check("111122223333", REAL, "slo.yaml") == []
    assert not lists_accounts(REAL)
    assert looked(guarded(accounts=["111122223333"])) == {}


def test_a_listed_host_may_be_gone_to_and_no_other() -> None:
    fine = looked(guarded(hosts=["other.example", "api.toy.example"]))["host"]
    assert (fine.finding, fine.says) == (Finding.OK, "api.toy.example is listed")
    foreign = looked(guarded("https://api.prod.example", hosts=["api.toy.example", "*.lt.example"]))["host"]
    assert (foreign.finding, foreign.says) == (
        Finding.FAILED,
        "api.prod.example of base_url is not listed under guard.hosts (slo.yaml:9): api.toy.example, *.lt.example; is "
        "base_url that of load-testing?",
    )


@pytest.mark.parametrize(
    ("host", "listed", "fits"),
    [
        ("api.example", "api.example", True),
        ("api.example", "API.example.", True),
        ("api.example", "example", False),
        ("api.example", "*.example", True),
        ("a.b.example", "*.example", True),
        ("example", "*.example", False),
        (".example", "*.example", False),
        ("badexample", "*.example", False),
        ("api.example.evil", "*.example", False),
        ("::1", "[::1]", True),
        ("", "*.example", False),
    ],
)
def test_which_host_is_which(host: str, listed: str, fits: bool) -> None:
    assert is_host(host, listed) is fits


def test_every_address_must_be_in_a_listed_network(resolver: list[str]) -> None:
    environment = guarded(networks=["10.0.0.0/8", "fd00::/8"])
    resolver[:] = ["10.1.2.3", "fd00::1"]
    fine = looked(environment)["network"]
    assert (fine.finding, fine.says) == (Finding.OK, "api.toy.example resolves to 10.1.2.3, fd00::1, as listed")
    resolver.append("203.0.113.7")
    foreign = looked(environment)["network"]
    assert foreign.failed
    assert foreign.says == (
        "api.toy.example of base_url resolves to 203.0.113.7, outside of guard.networks (slo.yaml:9): 10.0.0.0/8, "
        "fd00::/8; does this machine ask the right name server?"
    )
    resolver[:] = [f"203.0.113.{number}" for number in range(7)]
    assert "203.0.113.3 and 3 more, outside" in looked(environment)["network"].says


def test_a_host_that_does_not_resolve_is_refused(resolver: list[str]) -> None:
    told = looked(guarded(networks=["10.0.0.0/8"]))["network"]
    assert told.failed
    assert told.says == (
        "api.toy.example of base_url cannot be resolved here: Name or service not known; guard.networks asks for that"
    )


def test_an_address_needs_no_name_server() -> None:
    assert resolved("127.0.0.1") == ["127.0.0.1"]
    assert looked(guarded("http://127.0.0.1:9", networks=["127.0.0.0/8"]))["network"].finding is Finding.OK
    assert looked(guarded("http://[::1]:9", networks=["127.0.0.0/8"]))["network"].failed


@given(st.ip_addresses().map(str), st.lists(st.ip_addresses(v=4).map(lambda ip: f"{ip}/32")))
def test_an_address_is_outside_of_what_does_not_hold_it(address: str, networks: list[str]) -> None:
    inside = f"{address}/32" in networks
    assert outside([address], networks) == ([] if inside else [address])
    assert outside([address], [*networks, "0.0.0.0/0", "::/0"]) == []


def test_a_listed_account_may_be_asked_and_no_other() -> None:
    environment = guarded(accounts=["111122223333", "444455556666"])
    assert lists_accounts(environment)
    (fine,) = account_check("444455556666", environment, "slo.yaml")
    assert (fine.finding, fine.says) == (Finding.OK, "444455556666 is listed")
    (foreign,) = account_check("999988887777", environment, "slo.yaml")
    assert foreign.failed
    assert foreign.says == (
        "the credentials are of account 999988887777, which is not listed under guard.accounts (slo.yaml:9): "
        "111122223333, 444455556666; choose those of load-testing (AWS_PROFILE, the role of the job)"
    )
    assert account_check(None, environment, "slo.yaml") == [], "that STS did not answer is a check of its own"


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("api.localhost", True),
        ("localhost.example.com", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, is_here: bool) -> None:
    assert is_loopback(host) is is_here


def region(environment: Environment, folder: Path, found: Place) -> Check | None:
    """The check of the region, on a machine that is there; where it is looked at, it is kept."""
    run = RunFolder(folder / "run")
    run.make()
    with mock.patch.object(placement, "placed", return_value=found):
        checks = {each.name: each for each in before_anything(spec(), environment, run)}
    kept = run.place()
    assert (kept is None) is (not checks)
    assert kept is None or kept.place == found
    return checks.get("generator's region")


HERE = Place(region="eu-central-1", known_by="EC2 instance metadata")
AWAY = Place(region="us-east-1", known_by="ECS task metadata")
UNKNOWN = Place(region=None, known_by="nobody says")
ACCEPTED = replace(REAL, generator_elsewhere="CloudWatch judges, and not the client")


def test_load_comes_from_the_targets_region(tmp_path: Path) -> None:
    told = region(REAL, tmp_path, HERE)
    assert told is not None
    assert (told.finding, told.says) == (Finding.OK, "eu-central-1, the target's (EC2 instance metadata)")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (
            AWAY,
            "us-east-1 (ECS task metadata), and the target is in eu-central-1; load from afar meets the way there too: "
            "run it in eu-central-1, or accept it with a reason (slo.yaml:7): generator_region: {accept: …}",
        ),
        (
            UNKNOWN,
            "unknown, and the target is in eu-central-1 (nobody says); load from afar meets the way there too: "
            "run it in eu-central-1, or accept it with a reason (slo.yaml:7): generator_region: {accept: …}",
        ),
    ],
)
def test_another_region_or_an_unknown_one_is_refused_unless_accepted(tmp_path: Path, place: Place, says: str) -> None:
    told = region(REAL, tmp_path, place)
    assert told is not None
    assert (told.finding, told.says) == (Finding.FAILED, says)
    taken = region(ACCEPTED, tmp_path, place)
    assert taken is not None
    assert taken.finding is Finding.NOTE
    assert taken.says.endswith("and the target is in eu-central-1; accepted: CloudWatch judges, and not the client")


@pytest.mark.parametrize(
    "environment", [replace(REAL, base_url="http://127.0.0.1:9"), SANDBOX], ids=["loopback", "sandbox"]
)
def test_what_is_on_this_machine_is_far_from_nobody(tmp_path: Path, environment: Environment) -> None:
    assert region(environment, tmp_path, UNKNOWN) is None
