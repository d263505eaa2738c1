"""The parent's side with small children of a script: however one ends, the phase hears of it and none stays behind."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.load import fleet as fleet_module
from pytest_syncload.load.fleet import Fared, Fleet
from pytest_syncload.load.local import local_fleet

#: What every child does first: it says things as JSON lines and hears its job, its start and the end of its pipe.
PROLOGUE = """
import json, os, sys, time
def say(**message): print(json.dumps(message), flush=True)
hear = sys.stdin.readline
job = json.loads(hear())
"""
READY = PROLOGUE + "say(ready={'pid': os.getpid(), 'job': job})\nstart = json.loads(hear())\n"
GOOD = READY + "say(snapshot={'from': job})\nsay(report={'index': job, 'start_at': start['start_at']})\n"
UNTIL_HUNG_UP = READY + "say(snapshot={'from': job})\nhear()\nsay(report={'index': job})\n"


def fleet_of(*scripts: str) -> Fleet:
    """One child a script; its job is its index."""
    # All run the same command, so the command picks its script by the job, which `PROLOGUE` then reads again.
    chooser = (
        "import io, json, sys\nline = sys.stdin.readline()\nrest = sys.stdin\n"
        "class Again:\n    first = line\n    def readline(self):\n        now, self.first = self.first, None\n"
        "        return rest.readline() if now is None else now\n"
        "sys.stdin = Again()\nexec(json.loads(sys.argv[1])[json.loads(line)])"
    )
    return local_fleet(
        [sys.executable, "-c", chooser, json.dumps(scripts)], [json.dumps(index) for index in range(len(scripts))]
    )


def onwards() -> str | None:
    return None


def followed(
    *scripts: str, keep_going: Callable[[], str | None] = onwards, snapshots: list[dict[str, Any]] | None = None
) -> Fared:
    heard = [] if snapshots is None else snapshots
    with fleet_of(*scripts) as fleet:
        fleet.muster(onwards)
        return fleet.follow(time.monotonic(), heard.append, keep_going)


def refusal(*scripts: str, keep_going: Callable[[], str | None] = onwards) -> str:
    with fleet_of(*scripts) as fleet, pytest.raises(PhaseInvalid) as refused:
        fleet.muster(keep_going)
    return str(refused.value)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's child has the time that it needs; tests of a limit set their own."""
    monkeypatch.setattr(fleet_module, "FAREWELL_SECONDS", 60.0)
    monkeypatch.setattr(fleet_module, "SILENCE_SECONDS", 60.0)


class Clock:
    """In the place of `time`: it goes when it is told to."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_start_together_and_report_by_index() -> None:
    snapshots: list[dict[str, Any]] = []
    with fleet_of(GOOD, GOOD, GOOD) as fleet:
        muster = fleet.muster(onwards)
        fared = fleet.follow(7.5, snapshots.append, onwards)
    assert [message["ready"]["job"] for message in muster] == [0, 1, 2]
    assert fared == Fared(reports=tuple({"index": index, "start_at": 7.5} for index in range(3)), lost=(), stopped=None)
    assert sorted(snapshot["from"] for snapshot in snapshots) == [0, 1, 2]
    assert not any(is_running(message["ready"]["pid"]) for message in muster)


def test_an_error_before_ready_is_the_phases_in_the_childs_own_words() -> None:
    assert refusal(GOOD, PROLOGUE + "say(error='sign-in was refused')") == "sign-in was refused"


def test_a_child_that_ends_before_it_is_ready_is_named_with_its_last_words() -> None:
    said = refusal(GOOD, PROLOGUE + "sys.exit('no such module')")
    assert said == "generator 1 ended before it was ready: exit code 1, no such module"


def test_a_child_that_ends_without_a_word_says_so() -> None:
    assert refusal(PROLOGUE + "os._exit(3)").endswith("exit code 3, it said nothing")


def test_an_interrupt_before_all_are_ready_ends_the_wait() -> None:
    assert refusal(PROLOGUE + "hear()", keep_going=lambda: "the run was interrupted") == "the run was interrupted"


def test_a_child_that_is_never_ready_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "READY_SECONDS", 0.0)
    assert "was not ready within 0 s; nothing was sent" in refusal(PROLOGUE + "hear()")


def test_a_child_that_dies_in_the_middle_stops_the_others_and_keeps_what_they_measured() -> None:
    snapshots: list[dict[str, Any]] = []
    dying = READY + "say(snapshot={'from': job})\nsys.exit('out of memory')"
    fared = followed(UNTIL_HUNG_UP, dying, snapshots=snapshots)
    assert fared.reports == ({"index": 0},)
    assert fared.lost == ("generator 1 was lost: exit code 1, out of memory",)
    assert fared.stopped == fared.lost[0]
    assert {"from": 1} in snapshots


def test_a_child_that_gives_up_stops_the_others_and_is_not_lost() -> None:
    fared = followed(UNTIL_HUNG_UP, READY + "say(report={'index': job, 'gave_up': True})\nhear()")
    assert fared == Fared(reports=({"index": 0}, {"index": 1, "gave_up": True}), lost=(), stopped=None)


def test_a_child_that_has_ended_when_it_is_told_to_start_is_lost() -> None:
    with fleet_of(PROLOGUE + "say(ready={'pid': os.getpid()})") as fleet:
        (message,) = fleet.muster(onwards)
        os.waitid(os.P_PID, message["ready"]["pid"], os.WEXITED | os.WNOWAIT)
        fared = fleet.follow(time.monotonic(), print, onwards)
    assert fared.lost == ("generator 0 was lost: exit code 0, it said nothing",)


def test_a_child_that_reports_an_error_is_lost_with_its_words() -> None:
    fared = followed(READY + "say(error='no socket left')\nhear()")
    assert fared.lost == ("generator 0 failed: no socket left",)
    assert fared.reports == ()


def test_a_torn_line_and_an_unknown_message_are_no_loss() -> None:
    fared = followed(READY + "print('{\"snap', flush=True)\nsay(hello=1)\nsay(report={'index': job})")
    assert fared == Fared(reports=({"index": 0},), lost=(), stopped=None)


def test_a_word_from_the_parent_stops_all_and_they_still_report() -> None:
    snapshots: list[dict[str, Any]] = []
    fared = followed(
        UNTIL_HUNG_UP,
        UNTIL_HUNG_UP,
        snapshots=snapshots,
        keep_going=lambda: "the run was interrupted" if len(snapshots) == 2 else None,
    )
    assert fared == Fared(reports=({"index": 0}, {"index": 1}), lost=(), stopped="the run was interrupted")


def test_a_child_that_does_not_report_after_the_hang_up_is_lost_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "FAREWELL_SECONDS", 0.2)
    with fleet_of(READY + "while True: time.sleep(1)") as fleet:
        (message,) = fleet.muster(onwards)
        fared = fleet.follow(time.monotonic(), print, lambda: "the run was interrupted")
    assert fared.reports == ()
    assert fared.stopped == "the run was interrupted"
    assert fared.lost == ("generator 0 did not report within 0 s of being stopped",)
    assert not is_running(message["ready"]["pid"])


def test_a_silent_child_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "SILENCE_SECONDS", 0.3)
    fared = followed(READY + "while True: time.sleep(1)")
    assert fared.lost == ("generator 0 was silent for 0 s and is lost",)
    assert fared.stopped == fared.lost[0]


def test_silence_counts_from_the_start_and_not_from_the_order_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "SILENCE_SECONDS", 0.0)
    with fleet_of(READY + "time.sleep(0.5)\nsay(report={'index': job})") as fleet:
        fleet.muster(onwards)
        fared = fleet.follow(time.monotonic() + 3600, print, onwards)
    assert fared.lost == ()


def test_a_child_that_closed_its_output_and_lives_on_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "FAREWELL_SECONDS", 0.2)
    fared = followed(READY + "os.close(1)\nhear()\nhear()\ntime.sleep(60)")
    assert fared.lost == ("generator 0 was lost: it closed its output",)


def test_leaving_ends_every_child_even_where_nobody_followed_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_module, "FAREWELL_SECONDS", 0.2)
    with fleet_of(READY, READY + "time.sleep(60)") as fleet:
        pids = [message["ready"]["pid"] for message in fleet.muster(onwards)]
    assert not any(is_running(pid) for pid in pids)


def test_signing_in_may_take_long_as_long_as_it_is_told_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(fleet_module, "time", clock)
    warming = PROLOGUE + (
        "for done in range(6):\n    say(warming={'done': done, 'of': 6})\nsay(ready={'job': job})\nhear()\n"
    )
    heard: list[tuple[int, Any]] = []

    def hear(index: int, said: Any) -> None:
        heard.append((index, said))
        clock.now += 0.9 * fleet_module.READY_SECONDS

    with fleet_of(warming, READY) as fleet:
        messages = fleet.muster(onwards, hear)
    assert clock.now > 5 * fleet_module.READY_SECONDS
    assert [message["ready"]["job"] for message in messages] == [0, 1]
    assert heard == [(0, {"done": done, "of": 6}) for done in range(6)]
