"""The in-flight cap: the smallest of its bounds, with the reason that made it so."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from pytest_syncload.load import limits

UNLIMITED = (1024, resource.RLIM_INFINITY)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[pytest.MonkeyPatch, Path]:
    ports = tmp_path / "ip_local_port_range"
    ports.write_text("32768\t60999\n", "ascii")
    monkeypatch.setattr(limits, "_PORT_RANGE", ports)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1_048_576))
    return monkeypatch, ports


@pytest.mark.parametrize(
    ("rate", "timeout_s", "shards", "files", "value", "reason"),
    [
        (100, 10, 1, (1024, 1 << 20), 1001, "rate × timeout"),
        (100, 10, 4, (1024, 1 << 20), 251, "rate × timeout"),
        (20_000, 10, 1, (1024, 1 << 20), 28_232, "ephemeral ports"),
        (20_000, 10, 4, (1024, 1 << 20), 7058, "ephemeral ports"),
        (20_000, 10, 1, UNLIMITED, 28_232, "ephemeral ports"),
        (20_000, 10, 1, (1024, 4096), 4032, "open files (RLIMIT_NOFILE 4096 less 64)"),
        (20_000, 10, 4, (1024, 4096), 4032, "open files"),
        (0.1, 0.1, 1, (1024, 1 << 20), 1, "rate × timeout"),
        (100, 10, 1, (32, 32), 1, "open files"),
    ],
)
def test_the_smallest_bound_is_the_cap(
    machine: tuple[pytest.MonkeyPatch, Path],
    rate: float,
    timeout_s: float,
    shards: int,
    files: tuple[int, int],
    value: int,
    reason: str,
) -> None:
    machine[0].setattr(resource, "getrlimit", lambda _: files)
    cap = limits.in_flight_cap(rate, timeout_s, shards)
    assert cap.value == value
    assert cap.reason.startswith(reason)


@pytest.mark.parametrize("text", [None, "", "one two", "1 2 3"])
def test_ports_where_the_system_does_not_say(machine: tuple[pytest.MonkeyPatch, Path], text: str | None) -> None:
    ports = machine[1]
    assert limits.ephemeral_ports() == 28_232
    if text is None:
        ports.unlink()
    else:
        ports.write_text(text, "ascii")
    assert limits.ephemeral_ports() == 28_000


def test_the_file_limit_is_raised_as_far_as_it_may() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        assert limits.raise_file_limit() == hard
        assert limits.raise_file_limit() == hard, "already raised"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_system_that_refuses_keeps_its_soft_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 9999))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert limits.raise_file_limit() == 256
