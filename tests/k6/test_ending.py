"""Every exit code of k6's documentation has words of its own."""

from __future__ import annotations

import pytest

from pytest_syncload.k6.ending import why_it_ended


def test_the_end_of_its_script_is_none() -> None:
    assert why_it_ended(0, "whatever it said") is None


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (99, "k6 ended with exit code 99: thresholds were not met"),
        (100, "nobody said when to start"),
        (104, "exit code 104: it cannot start with the script's options"),
        (105, "somebody stopped it from outside"),
        (107, "exit code 107: the script raised an exception (--syncload-k6-script shows it)"),
        (108, "the script aborted the test"),
        (109, "a defect of k6"),
        (1, "exit code 1: its documentation does not list that"),
        (-9, "a signal: it was killed, as where memory runs out; fewer virtual users (load.vus)"),
        (-13, "a signal: nobody read what it printed"),
        (-11, "a signal: signal 11 ended it"),
    ],
)
def test_any_other_has_its_meaning(code: int, says: str) -> None:
    assert says in (why_it_ended(code, "") or "")
    assert (why_it_ended(code, "boom") or "").endswith("; it said: boom")
