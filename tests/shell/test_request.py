"""What is sent: drawn from a file, or made by a conftest.py's `syncload_request`; what is refused, with its reason."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.shell.conftest import SLO_YAML, Project, outcomes

pytestmark = pytest.mark.usefixtures("unmeasured")

PLAIN = "  json: {source: drive, destination: vault}\n"
DRAWN = """\
  headers: {X-Tenant: "{{users.tenant}}"}
  json: {source: "{{users.folder}}", destination: vault, size: "{{sizes}}"}
  feeders:
    users: {csv: users.csv, order: random}
    sizes: {function: "values_of_ours:size"}
"""
USERS = "tenant,folder\na,photos\nb,docs\n"
VALUES = "def size(arrival, seed):\n    return arrival % 7\n"


def write(project: Project, request: str = PLAIN, answers: str = "status: 202", users: str = USERS) -> None:
    """A plan that draws, with its files."""
    text = SLO_YAML.format(faults="{}").replace(
        "/v1/sync-jobs", "/v1/sync-jobs" + "?user={{users.tenant}}" * (request == DRAWN)
    )
    text = text.replace(PLAIN, request).replace("status: 202", answers)
    (project.pytester.path / "slo.yaml").write_text(text, "utf-8")
    (project.pytester.path / "users.csv").write_text(users, "utf-8")
    project.pytester.makepyfile(values_of_ours=VALUES)


def plan(project: Project) -> Any:
    """What the run's folder keeps of it."""
    return json.loads((project.run_folder / "plan.json").read_text("utf-8"))


def test_a_request_that_draws_is_accepted_and_judged_again_only_with_the_same_file(project: Project) -> None:
    write(project, DRAWN, "headers: {content-type: application/json, Date: any}, status: [200, 202]")
    result = project.run("-m", "baseline", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}, result.stdout.str()
    assert plan(project)["feeders"]["users"] == hashlib.sha256(USERS.encode()).hexdigest()
    again = project.run("-m", "baseline", "-rA", "--syncload-run", "last")
    assert set(outcomes(again).values()) == {"PASSED"}
    (project.pytester.path / "users.csv").write_text(USERS + "c,music\n", "utf-8")
    other = project.run("-m", "baseline", "-rA", "--syncload-run", first_run(project))
    assert set(outcomes(other).values()) == {"ERROR"}
    other.stdout.fnmatch_lines(["*is no longer what run * offered: it had request of digest*"])


def first_run(project: Project) -> str:
    """The run that offered load."""
    return min(path.name for path in (project.pytester.path / ".syncload").iterdir() if path.is_dir())


def test_an_answer_without_an_expected_header_makes_the_phase_invalid(project: Project) -> None:
    write(project, answers="status: 202, headers: {X-Cache: MISS}")
    result = project.run("-m", "baseline", "-rA")
    assert result.ret != pytest.ExitCode.OK
    assert "PASSED" not in outcomes(result).values()
    result.stdout.fnmatch_lines(["*was not accepted (wrong_body)*"])


def test_a_bad_line_of_a_file_stops_everything_with_its_place(project: Project) -> None:
    write(project, DRAWN, users="tenant,folder\na\n")
    result = project.run("-m", "baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*users.csv:2: feeder 'users': has 1 values where line 1 names 2 fields"])
    assert not project.started_load()


def test_a_function_that_fails_is_told_before_load(project: Project) -> None:
    write(project, DRAWN)
    project.pytester.makepyfile(values_of_ours="def size(arrival, seed):\n    raise LookupError('s3cret')\n")
    result = project.run("-m", "baseline", "-rA")
    assert "PASSED" not in outcomes(result).values()
    result.stdout.fnmatch_lines(["*values_of_ours:size of feeder 'sizes' raised LookupError for arrival 0*"])
    assert "s3cret" not in result.stdout.str() + result.stderr.str()


MADE = """
from pytest_syncload.facts.feeder import Feeder
from pytest_syncload.facts.plan import RequestTemplate

def request():
    return RequestTemplate(
        path="/v1/sync-jobs", json={"source": "{{rows.a}}"}, feeders=(Feeder(name="rows", rows=({"a": 1}, {"a": 2})),),
        expect_status=202, expect_json={"job_id": "unique"},
    )
"""


@pytest.mark.parametrize(
    ("conftest", "args"),
    [
        ("from made_by_us import request\ndef syncload_request():\n    return request()\n", ()),
        ("def syncload_request():\n    return 'made_by_us:request'\n", ("-n", "1")),
    ],
    ids=["pickled", "by name"],
)
def test_a_conftest_makes_the_request(project: Project, conftest: str, args: tuple[str, ...]) -> None:
    # The file's own request would be refused by the sandbox: it knows no such path.
    (project.pytester.path / "slo.yaml").write_text(
        SLO_YAML.format(faults="{}").replace("/v1/sync-jobs", "/v1/nothing"), "utf-8"
    )
    project.pytester.makepyfile(made_by_us=MADE)
    project.pytester.makeconftest(conftest)
    result = project.run("-m", "baseline", "-rA", *args)
    assert set(outcomes(result).values()) == {"PASSED"}, result.stdout.str()
    result.stdout.fnmatch_lines(["syncload: the request is syncload_request (conftest.py:*)'s, not that of slo.yaml"])
    assert len(plan(project)["request_digest"]) == 64


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("return lambda: RequestTemplate()", "gave what cannot be pickled (*a lambda): each generator is a process*"),
        (
            "\n    def closure():\n        return RequestTemplate()\n    return closure",
            "*a closure, as it was made inside another function): each generator is a process of its own*",
        ),
        ("return 'nowhere:request'", "*cannot import nowhere:request*"),
        ("return {'path': '/'}", "*gave an object of type dict, and no RequestTemplate"),
        (
            "return RequestTemplate(expect_status=503)",
            "*cannot be sent: expect.status: a status from 200 to 499 other*",
        ),
        ("return RequestTemplate(path='/{{users.id}}')", "*cannot be sent: path: {{users.id}}: no feeder 'users'*"),
        ("return RequestTemplate(json={'a': float('nan')})", "*that no generator can be handed, as JSON (ValueError)*"),
        ("return RequestTemplate(headers={'s3cret': 1})", "*that no generator can be handed, as JSON (*"),
        ("return RequestTemplate(json='\\ud800')", "*that no generator can be handed, as JSON (*"),
        ("raise ValueError('s3cret')", "*raised ValueError; call it by itself to see why"),
        ("raise SystemExit('s3cret')", "*raised SystemExit; call it by itself to see why"),
    ],
)
def test_what_is_no_request_is_a_usage_error(project: Project, body: str, says: str) -> None:
    project.pytester.makeconftest(
        f"from pytest_syncload.facts.plan import RequestTemplate\ndef syncload_request():\n    {body}\n"
    )
    result = project.run("-m", "baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: syncload: syncload_request (conftest.py:2)*{says.lstrip('*')}"])
    result.stderr.no_fnmatch_line("*Traceback*")
    result.stderr.no_fnmatch_line("*s3cret*")
    assert not project.started_load()


def test_a_function_that_makes_another_request_in_each_process_is_refused(project: Project) -> None:
    project.pytester.makepyfile(made_by_us=MADE.replace("/v1/sync-jobs", "/v1/sync-jobs?") + "import os\n")
    file = project.pytester.path / "made_by_us.py"
    file.write_text(file.read_text("utf-8").replace('"/v1/sync-jobs?"', 'f"/v1/sync-jobs?{os.getpid()}"'), "utf-8")
    project.pytester.makeconftest("def syncload_request():\n    return 'made_by_us:request'\n")
    result = project.run("-m", "baseline", "-rA")
    assert "PASSED" not in outcomes(result).values()
    result.stdout.fnmatch_lines(["*made_by_us:request makes another request in a generator than in pytest*"])


IN_A_WORKER = """
import os
from pytest_syncload.facts.plan import RequestTemplate

def syncload_request():
    where = os.environ.get("PYTEST_XDIST_WORKER", "")
    return RequestTemplate(path=f"/v1/sync-jobs?{where}", json={"source": "a"}, expect_status=202)
"""


def test_a_worker_that_makes_another_request_than_its_controller_is_refused(project: Project) -> None:
    project.pytester.makeconftest(IN_A_WORKER)
    result = project.run("-m", "baseline", "-rA", "-n", "1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: syncload: the request is another in a worker of pytest-xdist than in its*"])
    assert not list(project.pytester.path.rglob("*.started"))


@pytest.mark.parametrize(
    ("name", "args"), [("syncload_request", ()), ("syncload_identities", ("-n", "1"))], ids=["alone", "xdist"]
)
def test_what_a_conftest_says_too_late_is_not_left_out_without_a_word(
    project: Project, name: str, args: tuple[str, ...]
) -> None:
    below = project.pytester.mkdir("below")
    (below / "conftest.py").write_text(f"def {name}():\n    return 'ours:made'\n", "utf-8")
    (below / "test_ours.py").write_text("def test_ours(): pass\n", "utf-8")
    result = project.run("-m", "baseline", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: syncload: *conftest.py defines {name}, and was found when tests were*"])
    assert not project.started_load()
