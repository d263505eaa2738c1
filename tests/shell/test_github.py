"""On GitHub Actions: what a run fails for is on the first screen of its summary and in an annotation at its line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.plan import Slo
from pytest_syncload.shell.github import in_repository, keep
from pytest_syncload.spec import read
from tests.conductor.plans import keep_run
from tests.shell.conftest import Project, outcomes
from tests.shell.test_rejudge import RUN, rewrite

#: Lines of a summary that are seen without scrolling.
FIRST_SCREEN = 15


class Step:
    """A step of GitHub Actions whose repository has the project in a folder of its own."""

    def __init__(self, project: Project, summary: Path) -> None:
        self.project = project
        self._summary = summary

    def run(self, *args: str) -> pytest.RunResult:
        """pytest in it."""
        return self.project.run(*args)

    @property
    def summary(self) -> str:
        """What it wrote for GitHub's page."""
        return self._summary.read_text("utf-8") if self._summary.exists() else ""

    @property
    def first_screen(self) -> str:
        """The part of it that is seen at once."""
        return "\n".join(self.summary.strip().splitlines()[:FIRST_SCREEN])

    @property
    def rows(self) -> tuple[Slo, ...]:
        """Of phase peak."""
        return read(self.project.pytester.path / "slo.yaml", environment="sandbox", environ={}).phase("peak").slos

    def line_of(self, text: str) -> int:
        """Where slo.yaml says it, from 1."""
        lines = (self.project.pytester.path / "slo.yaml").read_text("utf-8").splitlines()
        return next(number for number, line in enumerate(lines, 1) if text in line)


def again(step: Step, **changed: float | None) -> None:
    """A run of phase peak to be judged again: healthy, but for the metrics that are changed (None: no data point)."""
    project = step.project.pytester.path
    plan = read(project / "slo.yaml", environment="sandbox", environ={})
    keep_run(RunFolder(project / ".syncload" / RUN), plan, *step.rows, **changed)


def commands_of(result: pytest.RunResult, level: str = "error") -> list[str]:
    """The workflow commands of that level that it printed, each on a line of its own."""
    return [line for line in result.outlines if line.startswith(f"::{level} ")]


@pytest.fixture
def step(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Step:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("SYNCLOAD_ENV", "sandbox")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project.pytester.path.parent))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return Step(project, tmp_path / "summary.md")


def told_at(step: Step, result: pytest.RunResult, text: str, title: str) -> str:
    """The message of the one error that is annotated with this title, at the line of slo.yaml that says ``text``."""
    where = f"file={step.project.pytester.path.name}/slo.yaml,line={step.line_of(text)},title={title}"
    (line,) = [line for line in commands_of(result) if where in line]
    return line.partition("::")[2].partition("::")[2]


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    ("faults", "says"),
    [("{wrong_body: 4 %}", "(the target's doing)"), ("{rejected_tokens: 100 %}", "no load was offered")],
    ids=["invalid phase", "refused target"],
)
def test_a_phase_that_proves_nothing_says_why_at_its_line(step: Step, faults: str, says: str) -> None:
    step.project.write(faults)
    result = step.run("-m", "baseline", "-rA")
    words = outcomes(result)
    assert words.pop("slo.yaml::baseline::load") == ("FAILED" if "target" in says else "ERROR")
    assert set(words.values()) == {"ERROR"}
    assert result.ret not in (pytest.ExitCode.OK, pytest.ExitCode.USAGE_ERROR)
    assert (step.project.sent().get("baseline") is None) == ("no load" in says)
    assert says in told_at(step, result, "baseline:", "baseline proves nothing%2C so none of its 3 rows is judged")
    assert says in step.first_screen
    assert "SANDBOX" in step.first_screen
    (notice,) = commands_of(result, "notice")
    assert "SANDBOX" in notice


@pytest.mark.parametrize(
    ("target", "changed", "title", "head"),
    [
        ("100 ms", {}, "broke its target%3A 120 ms%2C target < 100 ms", "1 of 3 rows broke the target"),
        (
            "500 ms",
            {"Latency": None},
            "is not proven%3A it could not be measured%2C target < 500 ms",
            "1 of 3 rows could not be measured",
        ),
    ],
    ids=["breach", "missing metric"],
)
def test_a_row_that_is_not_green_says_why_at_its_line(
    step: Step, target: str, changed: dict[str, None], title: str, head: str
) -> None:
    again(step, **changed)
    rewrite(step.project, "< 500 ms", f"< {target}")
    result = step.run("-m", "peak", "--syncload-run", RUN)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (row,) = [each for each in step.rows if each.name == "api-latency-p95"]
    assert told_at(step, result, "api-latency-p95:", f"peak%3A%3Aapi-latency-p95 {title}")
    assert len(commands_of(result)) == 1
    assert head in step.first_screen
    assert f"<code>{row.id}</code>" in step.first_screen


def test_a_slo_yaml_that_cannot_be_used_is_annotated_line_by_line(step: Step) -> None:
    file = step.project.pytester.path / "slo.yaml"
    file.write_text(
        file.read_text("utf-8").replace("rate: 50/s", "rate: 50").replace("dynamodb.throttles", "dynamo.throttles"),
        "utf-8",
    )
    result = step.run("-m", "baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    name = step.project.pytester.path.name
    assert [line.partition(",title=")[0] for line in commands_of(result)] == [
        f"::error file={name}/slo.yaml,line={step.line_of('rate: 50')}",
        f"::error file={name}/slo.yaml,line={step.line_of('dynamo.throttles')}",
    ]
    assert "nothing was proven" in step.first_screen
    assert "slo.yaml:" in step.first_screen
    assert "dynamo.throttles" in step.first_screen


def test_a_run_that_may_not_begin_says_why(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCLOAD_ENV")
    result = step.run("-m", "baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (told,) = commands_of(result)
    assert "--syncload-env" in told
    assert "--syncload-env" in step.first_screen


def test_a_phase_of_which_nothing_is_heard_is_told(step: Step) -> None:
    result = step.run("-m", "baseline", "-k", "nothing")
    assert result.ret != pytest.ExitCode.OK
    (told,) = commands_of(result)
    assert "before any load" in told
    assert "before any load" in step.first_screen


def test_a_phase_whose_rows_nobody_collected_is_told(step: Step) -> None:
    step.project.pytester.makepyfile(test_mine="def test_mine(): pass\n")
    result = step.run("-m", "baseline", "test_mine.py")
    assert result.ret != pytest.ExitCode.OK
    (told,) = commands_of(result)
    assert "phase baseline" in told
    assert "phase baseline" in step.first_screen


def test_a_conftest_that_breaks_the_collection_is_told(step: Step) -> None:
    step.project.pytester.makepyfile(test_broken="1 / 0")
    result = step.run("-m", "baseline", "test_broken.py", "slo.yaml")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    (told,) = commands_of(result)
    assert "and 2 more rows are not proven" in told
    assert "the run ended before this row was judged" in told
    assert "the run ended before this row was judged" in step.first_screen


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_green_run_is_told_once_and_annotates_no_error(step: Step, workers: tuple[str, ...]) -> None:
    again(step)
    result = step.run("-m", "peak", "--syncload-run", RUN, *workers)
    assert result.ret == pytest.ExitCode.OK
    assert commands_of(result) == []
    assert len(commands_of(result, "notice")) == 1
    (warning,) = commands_of(result, "warning")
    assert "no load was offered" in warning
    assert step.summary.count("\n## ") == 1
    assert "all 3 rows passed in the SANDBOX" in step.first_screen
    assert "NO LOAD was offered" in step.first_screen


def test_a_defect_that_ends_pytest_is_told(step: Step) -> None:
    step.project.pytester.makeconftest("def pytest_unconfigure():\n    raise RuntimeError('broken')\n")
    result = step.run("-m", "baseline", "-k", "nothing")
    assert result.ret != pytest.ExitCode.OK
    (told,) = commands_of(result)
    assert "pytest ended by RuntimeError" in told
    assert "pytest ended by RuntimeError" in step.first_screen


@pytest.mark.usefixtures("unmeasured")
def test_checks_without_load_are_told_and_prove_nothing(step: Step) -> None:
    file = step.project.pytester.path / "slo.yaml"
    resources = "  sandbox:\n    resources: {api: {rest: syncwell, stage: v1}, tables: {sync-jobs: []}}\n    sandbox:\n"
    file.write_text(file.read_text("utf-8").replace("  sandbox:\n    sandbox:\n", resources), "utf-8")
    result = step.run("--syncload-check", "-m", "baseline")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    (told,) = commands_of(result)
    assert "a run would be refused" in told
    assert "needed by baseline::dynamodb-throttles" in told
    assert "failed: a run would be refused" in step.first_screen
    assert "nothing is proven" in step.first_screen


def test_where_no_slo_yaml_is_nothing_is_loaded_for_it(step: Step) -> None:
    (step.project.pytester.path / "slo.yaml").unlink()
    (step.project.pytester.path / "test_mine.py").write_text("def test_mine(): pass\n", "utf-8")
    loaded = "sorted(name for name in sys.modules if name.startswith('pytest_syncload.'))"
    script = f"import pytest, sys; pytest.main(['-q', 'test_mine.py']); print({loaded})"
    result = step.project.pytester.run(sys.executable, "-c", script)
    assert result.outlines[-1] == "['pytest_syncload.plugin']"


def test_without_a_phase_nothing_is_said(step: Step) -> None:
    step.project.pytester.makepyfile(test_mine="def test_mine(): assert False\n")
    result = step.run("test_mine.py")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert not [line for line in result.outlines if line.startswith("::")]
    assert step.summary == ""


def test_elsewhere_nothing_is_said(step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    result = step.run("-m", "baseline", "-k", "nothing")
    assert not [line for line in result.outlines if line.startswith("::")]
    assert step.summary == ""


def test_a_path_is_given_as_the_repository_has_it(tmp_path: Path) -> None:
    file = tmp_path / "service" / "slo.yaml"
    assert in_repository(file, {"GITHUB_WORKSPACE": str(tmp_path)}) == "service/slo.yaml"
    assert in_repository(file, {"GITHUB_WORKSPACE": str(tmp_path / "other")}) is None
    assert in_repository(file, {}) is None


def test_the_summary_is_added_to_what_is_there_and_gets_what_room_is_left(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    rooms: list[int] = []

    def text_of(room: int) -> str:
        rooms.append(room)
        return "ours\n"

    said: Callable[[], None] = lambda: keep(text_of, {"GITHUB_STEP_SUMMARY": str(file)})  # noqa: E731
    file.write_text("theirs\n", "utf-8")
    said()
    assert file.read_text("utf-8") == "theirs\nours\n"
    file.write_bytes(b"x" * (1024 * 1024 - 100))
    said()
    assert rooms == [256 * 1024, 100]


def test_a_summary_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(lambda room: "", {"GITHUB_STEP_SUMMARY": str(tmp_path)})
    assert f"the summary {tmp_path} cannot be written" in capsys.readouterr().err
    keep(lambda room: pytest.fail("nobody asked"), {})
