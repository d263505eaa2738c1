"""`--syncload-html` and `report.html` of a run folder: the same page, and the same run that the terminal tells."""

from __future__ import annotations

import pytest

from tests.report.html.parsed import parsed
from tests.shell.conftest import Project
from tests.shell.test_rejudge import RUN, measured


def test_a_run_leaves_its_page_in_its_folder_and_where_it_was_asked_for(project: Project) -> None:
    measured(project)
    result = project.run("-m", "peak", "--syncload-html", "out/report.html", "--syncload-run", RUN)
    assert result.ret == pytest.ExitCode.OK
    asked = project.pytester.path / "out" / "report.html"
    result.stdout.fnmatch_lines([f"syncload: --syncload-html {asked}"])
    text = asked.read_text("utf-8")
    assert text == (project.run_folder / "report.html").read_text("utf-8")
    page = parsed(text)
    assert page.one("h1").text.startswith("All 3 rows passed in the sandbox")
    assert page.one("div", class_="loud").text.startswith("SANDBOX")
    told = {each.text for each in page.all("a")}
    assert {"peak::api-latency-p95", "peak::api-5xx-rate", "peak::dynamodb-throttles"} <= told
    assert f"pytest -m peak --syncload-run {RUN}" in {each.text for each in page.all("code")}
    assert str(project.pytester.path) not in text


def test_an_empty_path_is_refused(project: Project) -> None:
    result = project.run("-m", "peak", "--syncload-html", "")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--syncload-html is empty*"])
    assert not project.started_load()


def test_where_no_phase_is_run_an_earlier_page_is_not_taken_for_its(project: Project) -> None:
    project.pytester.makepyfile("def test_of_the_user(): pass")
    earlier = project.pytester.path / "report.html"
    earlier.write_text("proven", "utf-8")
    result = project.run("--syncload-html", "report.html")
    result.stdout.fnmatch_lines(["syncload: --syncload-html is not written: no phase was run; *"])
    assert earlier.read_text("utf-8") == "proven"


def test_without_a_slo_yaml_there_is_no_page_to_write(project: Project) -> None:
    (project.pytester.path / "slo.yaml").unlink()
    result = project.run("--syncload-html", "report.html")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--syncload-html was given, but there is no slo.yaml in*"])
