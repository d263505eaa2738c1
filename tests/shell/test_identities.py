"""A phase whose tokens live shorter than it: they are refreshed beside it, or the phase is invalid and says why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.shell.conftest import Project, outcomes

pytestmark = pytest.mark.usefixtures("unmeasured")


def with_users(project: Project, faults: str) -> None:
    """A baseline of sixteen seconds with sixty users."""
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8").replace("faults: {}", f"users: 60\n      faults: {faults}")
    file.write_text(text.replace("hold: 1m", "hold: 16m"), "utf-8")


def recorded(project: Project) -> Any:
    return json.loads((project.run_folder / "baseline.result.json").read_text("utf-8"))["result"]


def test_refreshes_of_all_users_beside_the_load_leave_no_request_without_a_good_token(project: Project) -> None:
    with_users(project, "{token_life: 20s}")
    result = project.run("-m", "baseline", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}, result.stdout.str()
    (generator,) = recorded(project)["generators"]
    # A token is renewed in the third quarter of its life, and a busy machine has the last one to do so.
    assert generator["refreshes"]["count"] >= 60
    assert generator["refreshes"]["failed"] == 0
    # The sandbox checks the expiry of every token, and answers 401 to one that has expired.
    assert recorded(project)["statuses"] == {"202": 800}
    result.stdout.fnmatch_lines(["*60 of 60 users signed in*", "*tokens refreshed*"])


def test_where_refreshing_falls_behind_the_phase_is_invalid_and_says_why(project: Project) -> None:
    with_users(project, "{token_life: 12s, failed_refreshes: 100 %}")
    result = project.run("-m", "baseline", "-rA")
    assert set(outcomes(result).values()) == {"ERROR"}
    result.stdout.fnmatch_lines(["*refreshing fell behind: * arrivals had only an expired token and were not sent*"])
    assert set(recorded(project)["statuses"]) == {"202"}, "none was sent with an expired token"
