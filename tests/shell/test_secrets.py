"""No secret stays behind: not in the output, reports, logs and run folder, nor in what `ps` shows of any process.

Each run fails, at another place, with all that pytest can be made to say about it. What is looked for are the sandbox's
own secrets, read where they are kept, and everything that has the form of a token.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.shell.conftest import Project

pytestmark = pytest.mark.usefixtures("unmeasured")

#: An ID or custom token, and a refresh token; and a piece of each that would do no harm but show that it is not masked.
TOKEN = re.compile(r"eyJ[\w-]{20,}|AMf-[\w-]{20,}")
LOUD = ("-vv", "--tb=long", "--showlocals", "--log-level=DEBUG", "--log-file=log.txt", "--log-file-level=DEBUG", "-rA")

#: Keeps what must not be seen in a file that is not looked into.
KEEPER = """
import json, pathlib, pytest

@pytest.fixture(autouse=True)
def _copy_of_the_secrets(pytestconfig):
    for file in pytestconfig.rootpath.glob(".syncload/*/environment.json"):
        told = pathlib.Path(json.loads(file.read_text())["sandbox"]["announcement"])
        account = told.with_name("service-account.json")
        (pytestconfig.rootpath / "secrets.txt").write_text(told.read_text() + "\\n" + account.read_text())
    yield
"""

#: A user's test that fails with a phase's result, and all else that pytest hands out, among its locals.
USERS = """
def test_of_the_user(baseline, request, pytestconfig):
    settings = vars(pytestconfig)
    node = vars(request.node)
    everything = vars(request)
    assert baseline is None
"""

#: Where a run fails: in a row, in the generators' sign-in while load runs, or in the probe before it.
ROW, REFRESH, PROBE = (
    "{latency: 700 ms, errors: 5 %}",
    "{latency: 700 ms, token_life: 2s, failed_refreshes: 20 %}",
    "{rejected_tokens: 100 %}",
)
XDIST = ("-n", "1")


#: A process of its own: beside a busy test, a thread of this one sees a process only if that lives for seconds.
_LOOKING = """
import json, os, select, sys
seen = set()
while not select.select([sys.stdin], [], [], 0.02)[0]:
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                seen.add(file.read().decode("utf-8", "replace"))
        except OSError:  # it has ended
            continue
print(json.dumps(sorted(seen)))
"""


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """What `ps` shows meanwhile, of every process. Where there is no /proc, nothing."""
    seen: set[str] = set()
    if not Path("/proc").exists():
        yield seen
        return
    with subprocess.Popen([sys.executable, "-c", _LOOKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as looking:
        try:
            yield seen
        finally:
            seen |= set(json.loads(looking.communicate()[0]))


def hidden(root: Path) -> list[str]:
    """The sandbox's secrets."""
    told, account = map(json.loads, (root / "secrets.txt").read_text("utf-8").split("\n"))
    key_lines = account["private_key"].split("\n")[1:-2]
    assert len(key_lines) > 20
    return [told["aws"]["secret_access_key"], told["firebase"]["api_key"], "PRIVATE KEY", *key_lines]


@pytest.mark.parametrize(("faults", "workers"), [(ROW, XDIST), (REFRESH, ()), (PROBE, ())], ids=str)
def test_a_failing_run_shows_no_secret(project: Project, faults: str, workers: tuple[str, ...]) -> None:
    # In a process of its own, from which all is started as ever: so it is seen.
    project.apart, project.nursery = True, None
    project.write(faults)
    project.pytester.makeconftest(KEEPER)
    project.pytester.makepyfile(test_users=USERS)
    with command_lines() as commands:
        result = project.run(".", "-m", "baseline", "--junitxml=out.xml", *LOUD, *workers)
    assert result.ret in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED)
    root = project.pytester.path
    secrets = hidden(root)
    said = {str(file.relative_to(root)): file.read_text("utf-8", "replace") for file in files(root)}
    said |= {"stdout": result.stdout.str(), "stderr": result.stderr.str()}
    assert {"out.xml", "log.txt"} <= said.keys()
    assert any(".syncload" in name for name in said)
    if sys.platform == "linux":
        assert any("pytest_syncload.sandbox.service" in command for command in commands)
        assert faults != ROW or any("pytest_syncload.generator" in command for command in commands)
    for name, text in (*said.items(), *((f"the command line {command!r}", command) for command in commands)):
        assert not any(secret in text for secret in secrets), name
        assert not TOKEN.search(text), name


def files(root: Path) -> list[Path]:
    """All that the run wrote, and nothing that only the test did."""
    return [path for path in root.rglob("*") if path.is_file() and path.name != "secrets.txt"]


def test_secrets_of_a_real_environment_are_not_shown_where_it_cannot_be_used(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIREBASE_API_KEY", "AIzaSy-the-key-of-this-test")
    monkeypatch.setenv(
        "FIREBASE_SERVICE_ACCOUNT", '{"client_email": "x", "private_key": "the-private-key-of-this-test"}'
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")  # which is no secret: it stands beside each signature
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, f"the-{name}-of-this-test")
    # Nothing listens there: the first question to AWS fails at once.
    monkeypatch.setenv("HTTPS_PROXY", "http://name:password-of-this-test@127.0.0.1:1")
    plan = (project.pytester.path / "slo.yaml").read_text("utf-8")
    real = """\
environments:
  real:
    base_url: http://127.0.0.1:1
    region: us-east-1
    max_rate: 9000/s
    firebase: {api_key: "${FIREBASE_API_KEY}", project: toy, service_account: "${FIREBASE_SERVICE_ACCOUNT}"}
"""
    (project.pytester.path / "slo.yaml").write_text(plan.replace("environments:\n", real), "utf-8")
    project.pytester.makepyfile(test_users=USERS)
    with command_lines() as commands:
        result = project.run(".", "-m", "baseline", "--syncload-env", "real", "--junitxml=out.xml", *LOUD)
    assert result.ret != pytest.ExitCode.OK
    said = [file.read_text("utf-8", "replace") for file in files(project.pytester.path)]
    for text in (result.stdout.str(), result.stderr.str(), *commands, *said):
        assert not re.search(r"(key|KEY|TOKEN|password)-of-this-test", text)
