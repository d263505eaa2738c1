"""How much k6 used over the hold."""

from __future__ import annotations

import math
import os
import sys
import time

import pytest

from pytest_syncload.k6.cpu import Usage, cores, cpu_seconds


def test_only_what_lies_in_the_hold_counts() -> None:
    usage = Usage(1.0, 3.0)
    for at_s, used_s in ((0.5, 9.0), (1.0, 10.0), (2.0, math.nan), (3.0, 13.0), (3.5, 99.0)):
        usage.look(at_s, used_s)
    assert usage.percent == 150.0


@pytest.mark.parametrize("looks", [[], [1.5]])
def test_without_two_looks_it_is_not_known(looks: list[float]) -> None:
    usage = Usage(1.0, 3.0)
    for at_s in looks:
        usage.look(at_s, 1.0)
    assert math.isnan(usage.percent)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says it while a process runs")
def test_this_process_has_used_some() -> None:
    before = cpu_seconds(os.getpid())
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    assert cpu_seconds(os.getpid()) > before


def test_nobody_knows_of_a_process_that_is_not_there() -> None:
    assert math.isnan(cpu_seconds(2**22 + 1))


def test_there_is_a_core() -> None:
    assert cores() >= 1
