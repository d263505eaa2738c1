"""A climb as its user sees it, in the sandbox: a number, rows on it, and load that stops by a rule."""

from __future__ import annotations

import json

import pytest

from tests.shell.conftest import Project, outcomes


def test_a_climb_that_nothing_breaks_is_at_least_its_last_rate(project: Project) -> None:
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    text = text.replace("from: 300/s, step: 10 %", "from: 40/s, step: 50 %").replace("at_most: 1000/s", "at_most: 90/s")
    text = text.replace(
        'target: "> 300/s"}', 'target: "> 80/s"}\n      more: {metric: load.breaking_point, target: "> 90/s"}'
    )
    text += "      latency: {metric: apigateway.latency, statistic: p95, target: '< 5s', min_samples: 20}\n"
    file.write_text(text, "utf-8")
    result = project.run("-m", "stress", "-rA")
    assert outcomes(result) == {
        "slo.yaml::stress::load": "PASSED",
        "slo.yaml::stress::breaking-point": "PASSED",
        "slo.yaml::stress::more": "ERROR",
        "slo.yaml::stress::latency": "PASSED",
    }
    result.stdout.fnmatch_lines(["*held 90/s, at least (nothing broke up to at_most*"])
    result.stdout.fnmatch_lines(["*the breaking point is at least 90/s, and not known*"])
    recorded = json.loads((project.run_folder / "stress.result.json").read_text("utf-8"))["result"]
    rates = [(step["rate_per_s"], step["finding"]) for step in recorded["climb"]["steps"]]
    assert rates == [(40.0, "held"), (60.0, "held"), (90.0, "held")]
    assert (recorded["rate_per_s"], recorded["scheduled_in_hold"]) == (90.0, 90)
    # Rows on a metric look at the last step that held, and judging again finds it in the folder.
    again = project.run("-m", "stress", "-rA", "--syncload-run", "last")
    assert outcomes(again) == outcomes(result)


CLIMB = """\
service: syncwell
environments:
  sandbox: {{sandbox: {{speed: 60, capacity: {{{capacity}}}}}}}
load: {{timeout: 2s}}
request: {{method: POST, path: /v1/sync-jobs, json: {{source: drive}}, expect: {{status: 202}}}}
phases:
  stress:
    climb: {{{climb}, until: "failed > 30 %"}}
    slos:
      breaking-point: {{metric: load.breaking_point, target: "> 150/s"}}
      latency: {{metric: apigateway.latency, statistic: p95, target: "< 5s", min_samples: 20}}
"""
STEPS = "from: 120/s, step: 20 %, every: 1m, at_most: 600/s"
COLLAPSING = "from: 170/s, step: 30 %, every: 3m, at_most: 300/s, recovers_within: 12m"


@pytest.mark.parametrize(
    ("capacity", "climb", "point", "says"),
    [
        # Only a collapse, which takes two seconds of overload, fails so much: on a machine that counts them a little
        # later, in the next step.
        # It comes back two seconds after the load fell, and is whole at once.
        (
            "table: 200/s, recovers: after 2s",
            COLLAPSING,
            "PASSED",
            "*held ???/s, broke at 2??/s (the breaking point was found: * recovered * s after the load fell*",
        ),
        (
            "table: 40/s",
            STEPS,
            "FAILED",
            "*no step held, broke at 120/s (the first step did not hold: it was 120/s)*",
        ),
    ],
    ids=["recovers", "fails at once"],
)
def test_however_the_target_breaks_the_climb_ends_with_the_right_words(
    project: Project, capacity: str, climb: str, point: str, says: str
) -> None:
    (project.pytester.path / "slo.yaml").write_text(CLIMB.format(capacity=capacity, climb=climb), "utf-8")
    result = project.run("-m", "stress", "-rA")
    assert outcomes(result) == {
        "slo.yaml::stress::load": "PASSED",
        "slo.yaml::stress::breaking-point": point,
        # No step that held is no window to look at.
        "slo.yaml::stress::latency": "ERROR" if point == "FAILED" else "PASSED",
    }
    result.stdout.fnmatch_lines([says])
    result.stdout.fnmatch_lines(["stress: *broke at *first*"])
    # What broke first is told again when the run is judged again, without load.
    again = project.run("-m", "stress", "--syncload-run", "last")
    again.stdout.fnmatch_lines(["stress: *broke at *first*"])
    assert again.ret == result.ret


def test_an_abort_rule_stops_load_and_says_why(project: Project) -> None:
    project.write("{errors: 60 %}")
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    text = text.replace("hold: 3m", 'hold: 20m\n    abort: "failed > 20 % for 2s"')
    file.write_text(text, "utf-8")
    result = project.run("-m", "peak", "-rA")
    seen = outcomes(result)
    assert seen["slo.yaml::peak::load"] == "FAILED"
    assert {word for node, word in seen.items() if not node.endswith("::load")} == {"ERROR"}
    result.stdout.fnmatch_lines(["*the abort rule 'failed > 20 % for 2s' tripped*the load was stopped*"])
    assert result.ret == pytest.ExitCode.INTERRUPTED
    # In whole seconds it tripped when two were over, and within another the load stopped; the rest is a busy machine's.
    assert project.sent()["peak"]["count"] < 200 * 15, "the hold is twenty seconds"


def test_an_abort_rule_on_the_targets_own_metric_stops_load_and_says_why(project: Project) -> None:
    project.write("{request_cpu: 40 ms}")
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    rules = '["failed > 90 % for 9s", "ecs.cpu > 60 % for 2m"]'
    file.write_text(text.replace("hold: 3m", f"hold: 60m\n    abort: {rules}"), "utf-8")
    result = project.run("-m", "peak", "-rA")
    seen = outcomes(result)
    assert seen["slo.yaml::peak::load"] == "FAILED"
    assert {word for node, word in seen.items() if not node.endswith("::load")} == {"ERROR"}
    said = "*the abort rule 'ecs.cpu > 60 % for 2m' tripped in minutes *CloudWatch says of AWS/ECS CPUUtilization*"
    result.stdout.fnmatch_lines([said])
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert project.sent()["peak"]["count"] < 200 * 30, "an hour of service time is a minute here"
