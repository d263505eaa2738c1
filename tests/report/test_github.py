"""Annotations: each cause of a red run at its line, escaped as GitHub's runner unescapes it, no more than it shows."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.errors import Problem
from pytest_syncload.facts.observation import Before, Ruling, Verdict
from pytest_syncload.facts.plan import Rejudged
from pytest_syncload.facts.report import RunReport
from pytest_syncload.facts.result import Invalidity, Side
from pytest_syncload.report.github import (
    MOST_OF_A_LEVEL,
    Annotation,
    Level,
    annotation_of_refusal,
    annotations_of,
    annotations_of_checks,
    annotations_of_problems,
    command,
    commands,
)
from tests.report.reports import BREACH, PASS, TOY, UNREAD, observation, peak, refused, run_report, stress
from tests.rows import LATENCY, result

_COMMAND = re.compile(r"::(?P<level>error|warning|notice)(?: (?P<properties>.*?))?::(?P<message>.*)")


def read(line: str) -> tuple[str, dict[str, str], str]:
    """As GitHub's runner reads a command (actions/runner, ActionCommand.TryParseV2): level, properties, message."""
    match = _COMMAND.fullmatch(line)
    assert match is not None, line
    properties = {}
    for pair in match["properties"].split(","):
        name, _, value = pair.partition("=")
        for said, means in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            value = value.replace(said, means)
        properties[name] = value
    message = match["message"].replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    return match["level"], properties, message


def told(report: RunReport) -> list[tuple[str, str | None, str]]:
    """Level, line and title of each."""
    lines = (read(line) for line in commands(annotations_of(report, "svc/slo.yaml")))
    return [(level, properties.get("line"), properties["title"]) for level, properties, _ in lines]


def test_breaches_come_before_what_could_not_be_measured_and_passes_are_not_told() -> None:
    assert told(run_report(peak(UNREAD, PASS, BREACH), stress())) == [
        ("error", "30", "peak::api-latency-p95 broke its target: 612 ms, target < 500 ms"),
        ("error", "61", "stress::breaking-point broke its target: 1150/s, target > 3000/s"),
        ("error", "32", "peak::dynamodb-throttles is not proven: it could not be measured, target == 0"),
    ]
    assert told(run_report(peak(PASS))) == [("warning", "20", "peak: 2 of its 3 rows were not asked for")]


def test_a_breach_says_where_its_value_came_from() -> None:
    noted = replace(BREACH, observation=observation(notes=("at 22:15 UTC moved too: worker CPUUtilization",)))
    (line,) = commands(annotations_of(run_report(peak(noted, PASS, PASS)), "svc/slo.yaml"))
    _, properties, message = read(line)
    assert properties["file"] == "svc/slo.yaml"
    assert message.split("\n") == [
        "peak::api-latency-p95: 612 ms is not < 500 ms",
        "window: 2023-11-14 22:14–22:17 UTC (3m)",
        "source: AWS/ApiGateway Latency p95 {ApiName=syncwell}",
        "at 22:15 UTC moved too: worker CPUUtilization",
        "where: load-testing, https://api.toy.example, eu-central-1, account 123456789012",
    ]


def test_a_phase_that_proves_nothing_is_told_once_with_every_cause() -> None:
    invalid = (
        Invalidity(side=Side.GENERATOR, what="lag p99 was 80 ms"),
        Invalidity(side=Side.TARGET, what="2 % wrong_body"),
    )
    unread = tuple(replace(UNREAD, reason="the phase is invalid") for _ in range(3))
    broken = peak(*unread, result=result(invalid=invalid), problem="the phase is invalid")
    for phase, causes in (
        (
            broken,
            [
                "peak: lag p99 was 80 ms (the generator's doing)",
                "2 % wrong_body (the target's doing)",
                "the phase is invalid",
            ],
        ),
        (refused(), ["peak: the target refused the request: 403 Forbidden; nothing was sent"]),
    ):
        (line,) = commands(annotations_of(run_report(phase), "slo.yaml"))
        _, properties, message = read(line)
        assert (properties["line"], properties["title"]) == (
            "20",
            "peak proves nothing, so none of its 3 rows is judged",
        )
        assert message.split("\n") == causes


def test_a_phase_of_which_no_row_was_judged_is_an_error() -> None:
    nothing = replace(peak(), verdicts=())
    assert told(run_report(nothing))[0] == ("error", "20", "peak proves nothing")


def test_rows_that_one_reason_keeps_from_a_proof_are_told_together() -> None:
    (line,) = commands(
        annotations_of(run_report(peak(*(replace(UNREAD, slo=each.slo) for each in (BREACH, PASS, UNREAD)))), None)
    )
    _, properties, message = read(line)
    assert properties == {"title": "peak::api-latency-p95 and 2 more rows are not proven, for one reason"}
    assert "rows: peak::api-latency-p95, peak::api-5xx-rate, peak::dynamodb-throttles" in message


def test_the_sandbox_is_a_notice_and_no_load_a_warning() -> None:
    again = Rejudged(run_id="20261124T090000Z-1a2b3c", begun_at=1_764_000_000.0)
    before = Before(slo=LATENCY, ruling=Ruling.PASS, value=400.0)
    report = run_report(peak(replace(BREACH, before=before), PASS, PASS), where=TOY, rejudged=again)
    assert [(level, title) for level, _, title in told(report)][1:] == [
        ("warning", "syncload: no load was offered"),
        ("notice", "syncload: SANDBOX: proves nothing about a real target"),
    ]
    _, _, message = read(commands(annotations_of(report, None))[0])
    assert "was: pass, 400 ms, target < 500 ms" in message


def test_every_problem_of_a_file_is_at_its_line() -> None:
    problems = [Problem("slo.yaml", 7, "unknown key 'rat'"), Problem("data/users.csv", 17, "3 fields, not 2")]
    found = [read(line)[1] for line in commands(annotations_of_problems(problems, "svc"))]
    assert [(each["file"], each["line"]) for each in found] == [("svc/slo.yaml", "7"), ("svc/data/users.csv", "17")]
    at_root = [read(line)[1]["file"] for line in commands(annotations_of_problems(problems, "."))]
    assert at_root == ["slo.yaml", "data/users.csv"]
    elsewhere = read(commands(annotations_of_problems(problems, None))[0])
    assert elsewhere[1] == {"title": "slo.yaml:7: nothing was run"}


def test_a_check_that_failed_is_an_error_and_a_note_a_warning() -> None:
    checks = [
        Check(name="sign-in", finding=Finding.OK, says="50 users"),
        Check(name="clock", finding=Finding.NOTE, says="2 s ahead"),
        Check(name="tables", finding=Finding.FAILED, says="by-user is not listed", rows=("peak::x (slo.yaml:9)",)),
    ]
    found = [read(line) for line in commands(annotations_of_checks(checks))]
    assert found == [
        (
            "error",
            {"title": "syncload: tables: a run would be refused"},
            "by-user is not listed\nneeded by peak::x (slo.yaml:9)",
        ),
        ("warning", {"title": "syncload: clock"}, "2 s ahead"),
    ]


def test_a_refusal_keeps_its_lines() -> None:
    _, properties, message = read(command(annotation_of_refusal("one\ntwo: 100 %")))
    assert properties == {"title": "syncload: nothing was proven"}
    assert message == "one\ntwo: 100 %"


def test_a_long_message_ends_with_how_much_is_left() -> None:
    message = read(command(annotation_of_refusal("\n".join(map(str, range(100))))))[2].split("\n")
    assert message == [*map(str, range(20)), "… and 80 lines more, in the log"]


def test_of_a_level_no_more_than_github_shows_and_the_last_names_the_rest() -> None:
    def row(number: int) -> Verdict:
        return replace(BREACH, slo=replace(LATENCY, name=f"row-{number}", line=30 + number))

    exactly = run_report(peak(*map(row, range(MOST_OF_A_LEVEL))), where=TOY)
    assert [title for level, _, title in told(exactly) if level == "error"][-1].startswith("peak::row-9 ")
    many = commands(annotations_of(run_report(peak(*map(row, range(100))), where=TOY), "slo.yaml"))
    errors = [line for line in many if line.startswith("::error")]
    assert len(errors) == MOST_OF_A_LEVEL
    _, properties, message = read(errors[-1])
    assert properties == {"title": "syncload: 91 more, which GitHub does not show here"}
    assert message.startswith("peak::row-9, peak::row-10, ")
    assert [line for line in many if line.startswith("::notice")]


texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs"]), max_size=150)


@given(texts, st.lists(texts.filter(bool), min_size=1, max_size=20), texts.filter(bool), st.integers(1, 10_000))
def test_what_is_written_is_what_the_runner_reads(title: str, message: list[str], file: str, line: int) -> None:
    annotation = Annotation(level=Level.WARNING, about="x", title=title, message=tuple(message), file=file, line=line)
    written = command(annotation)
    assert "\n" not in written
    assert read(written) == ("warning", {"file": file, "line": str(line), "title": title}, "\n".join(message))


@pytest.mark.parametrize("text", ["a\n::error::forged", "a\r::stop-commands::x", "%0A::error::x", "\x1b[31m"])
def test_nobody_else_can_write_a_command(text: str) -> None:
    report = run_report(peak(replace(BREACH, reason=text, slo=replace(LATENCY, name=text)), PASS, PASS))
    (line,) = commands(annotations_of(report, "slo.yaml"))
    assert not re.search(r"[\x00-\x1f]", line)
    assert "forged" not in read(line)[2] or "::error::forged" not in read(line)[2].split("\n")
