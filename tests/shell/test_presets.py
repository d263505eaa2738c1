"""`--syncload-presets`: a table, and nothing else."""

from __future__ import annotations

import pytest

from pytest_syncload.facts.catalogue import PRESETS

LOADS_NOTHING = """
import atexit, sys

def at_the_end():
    loaded = {name.partition(".")[0] for name in sys.modules}
    heavy = sorted(loaded & {"boto3", "botocore", "httpx", "pydantic", "yaml"})
    sys.stdout.write(f"loaded: {heavy}\\n")
    sys.stdout.flush()

atexit.register(at_the_end)
"""


@pytest.mark.parametrize("slo_yaml", [None, "servce: broken\n"], ids=["no file", "a broken file"])
def test_the_table_is_printed_and_nothing_is_run_or_loaded(pytester: pytest.Pytester, slo_yaml: str | None) -> None:
    pytester.makeconftest(LOADS_NOTHING)
    pytester.makepyfile(test_mine="raise SystemError('mine was imported')")
    if slo_yaml is not None:
        (pytester.path / "slo.yaml").write_text(slo_yaml, "utf-8")
    # hypothesis's plugin, say, is not ours to speak for.
    result = pytester.runpytest_subprocess("--syncload-presets", "-n", "2", "-p", "no:hypothesispytest")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "* presets that a row of slo.yaml can name as its metric",
            "apigateway.latency  (time, ms)",
            "  metric      Latency {ApiName, Stage} of a REST API",
            "  statistic   p95 (default), *",
            "elasticache.throttled  (count)",
            "loaded: []",
        ]
    )
    assert all(name in result.stdout.str() for name in PRESETS)
    assert not any(word in result.stdout.str() for word in ("test session starts", "collected", "mine was imported"))
