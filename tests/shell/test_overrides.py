"""`syncload_identities` in a conftest.py: who signs in by the team's own code, and what is refused with its reason."""

from __future__ import annotations

import pytest

from tests.shell.conftest import Project, outcomes

pytestmark = pytest.mark.usefixtures("unmeasured")

#: Signs in at the sandbox as a team's own code would, by what the sandbox announces to the run's workers.
OWN_SIGN_IN = """
import json, pathlib, time, urllib.request
from pytest_syncload.auth.account import ServiceAccount

ROOT = pathlib.Path(__file__).parent

def sign_in(user):
    [file] = ROOT.glob(".syncload/*/environment.json")
    told = json.loads(pathlib.Path(json.loads(file.read_text())["sandbox"]["announcement"]).read_text())["firebase"]
    url = f"http://{told['emulator_host']}/identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken"
    custom = ServiceAccount.read(told["service_account"]).custom_token(f"ours-{user}")
    body = json.dumps({"token": custom, "returnSecureToken": True}).encode()
    request = urllib.request.Request(f"{url}?key={told['api_key']}", body, {"Content-Type": "application/json"})
    with (ROOT / "signed-in.txt").open("a") as file:
        file.write(f"{user}\\n")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        data = json.load(answer)
    return data["idToken"], int(data["expiresIn"])

sign_in.users = 3
"""


@pytest.mark.parametrize("decorator", ["", "@pytest.fixture(scope='session')"], ids=["plain", "fixture"])
def test_the_teams_own_code_signs_users_in(project: Project, decorator: str) -> None:
    project.pytester.makepyfile(our_tokens=OWN_SIGN_IN)
    project.pytester.makeconftest(
        f"import pytest\n{decorator}\ndef syncload_identities():\n    return 'our_tokens:sign_in'\n"
    )
    result = project.run("-m", "baseline", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}, result.stdout.str()
    signed_in = (project.pytester.path / "signed-in.txt").read_text().split()
    assert sorted(signed_in) == ["0", "0", "1", "2"], "the check's one user, and the phase's three"


#: What a conftest.py's function does, and what is said of it.
USELESS = [
    ("return lambda user: 'token'", "gave what cannot be pickled (*a lambda): each generator is a process of its"),
    (
        "\n    def closure(user):\n        return 'token'\n    return closure",
        "*a closure, as it was made inside another function): each generator is a process of its own*",
    ),
    ("return 'our_tokens'", "gave 'our_tokens', which names no function; write it as 'module:function'"),
    ("raise ValueError('s3cret')", "raised ValueError; call it by itself to see why"),
    ("yield 'a:b'", "must return what it gives"),
]


@pytest.mark.parametrize(
    ("body", "says", "args"), [*((*case, ()) for case in USELESS), (*USELESS[0], ("-n", "1"))], ids=str
)
def test_what_a_generator_cannot_have_is_a_usage_error(
    project: Project, body: str, says: str, args: tuple[str, ...]
) -> None:
    project.pytester.makeconftest(f"def syncload_identities():\n    {body}\n")
    result = project.run("-m", "baseline", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: syncload: syncload_identities (conftest.py:1) *{says.lstrip('*')}*"])
    result.stderr.no_fnmatch_line("*Traceback*")
    result.stderr.no_fnmatch_line("*s3cret*")
    assert not project.started_load()


def test_it_takes_no_fixtures(project: Project) -> None:
    project.pytester.makeconftest("def syncload_identities(tmp_path):\n    return 'a:b'\n")
    result = project.run("-m", "baseline")
    result.stderr.fnmatch_lines(["*syncload_identities (conftest.py:1) takes arguments, but is called before*"])


def test_what_cannot_be_imported_stops_the_run_before_load(project: Project) -> None:
    project.pytester.makeconftest("def syncload_identities():\n    return 'nowhere:sign_in'\n")
    result = project.run("-m", "baseline", "-rA")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*syncload_identities (conftest.py:1): a generator cannot import nowhere:sign_in*"])
    assert not project.sent()
