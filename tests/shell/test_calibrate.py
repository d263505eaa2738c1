"""`--syncload-calibrate`: what a generator carries here, and nothing else."""

from __future__ import annotations

import pytest

from pytest_syncload.conductor import calibrate as room
from tests.busy import calm

PLAN = """\
service: tiny
environments:
  sandbox: {sandbox: {speed: 60}}
request: {path: /, expect: {status: 202, json: {job_id: any}}}
phases:
  peak: {rate: 90/s, hold: 1m, slos: {latency: {metric: apigateway.latency, target: "< 500 ms"}}}
"""


def test_the_steps_and_what_they_mean_are_printed_and_no_test_is_run(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm(monkeypatch)
    monkeypatch.setattr(room, "_TIMEOUT_S", 10.0)
    monkeypatch.setattr(room, "_FIRST", 0.02)
    monkeypatch.setattr(room, "_DOUBLINGS", 1)
    monkeypatch.setattr(room, "_HOLD_S", 0.2)
    (pytester.path / "slo.yaml").write_text(PLAN, "utf-8")
    pytester.makepyfile(test_mine="raise SystemError('mine was imported')")
    result = pytester.runpytest_inprocess("--syncload-calibrate", "-m", "peak")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "syncload: POST of slo.yaml at a rising rate*",
            "  100/s  lag p99 * ms, * % of a core: carried",
            "one generator carried 100/s of this request*",
            "  peak  90/s: load.generators 2",
        ]
    )
    assert not any(word in result.stdout.str() for word in ("test session starts", "collected", "mine was imported"))
    assert [path.name for path in pytester.path.iterdir() if path.name.startswith(".syncload")] == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "*--syncload-calibrate was given, but there is no slo.yaml in*"),
        ("servce: x\n", "*did you mean*service*"),
    ],
)
def test_without_a_plan_it_says_so(pytester: pytest.Pytester, text: str | None, says: str) -> None:
    if text is not None:
        (pytester.path / "slo.yaml").write_text(text, "utf-8")
    result = pytester.runpytest_inprocess("--syncload-calibrate")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([says])
