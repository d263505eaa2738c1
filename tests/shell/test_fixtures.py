"""The phases' fixtures: what gives no result is an error for a person to read."""

from __future__ import annotations

import pytest

REGISTERS = """
from pytest_syncload.facts.errors import Inconclusive, Refused
from pytest_syncload.shell.fixtures import phase_fixtures

def result(phase):
    raise {"peak": Refused, "soak": Inconclusive}[phase](f"{phase}: the run folder is full")

def pytest_configure(config):
    config.pluginmanager.register(phase_fixtures(["peak", "soak"], result))
"""


def test_a_phase_without_a_result_is_an_error_without_a_traceback(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(REGISTERS)
    pytester.makepyfile(test_mine="def test_peak(peak): pass\n\ndef test_soak(soak): pass\n")
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["peak: the run folder is full", "soak: the run folder is full"])
    assert "conftest.py:" not in result.stdout.str()
