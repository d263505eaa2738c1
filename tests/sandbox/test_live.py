"""What is live: the last whole line."""

from __future__ import annotations

import json

import pytest

from pytest_syncload.sandbox.live import Live
from tests.sandbox.lines import line, task


def test_last_line_counts() -> None:
    live = Live()
    assert (live.queue, live.tasks) == ({"visible": 0, "not_visible": 0}, [])
    live.hear(line(visible=5, tasks=[task(1)]))
    live.hear(line(visible=6, not_visible=2))
    assert live.queue == {"visible": 6, "not_visible": 2}
    assert live.tasks == []
    assert live.service["running"] == 4


@pytest.mark.parametrize("said", [b"", b"{", json.dumps({"queue": {"visible": 1}}).encode()])
def test_line_that_is_none_is_an_error_and_changes_nothing(said: bytes) -> None:
    live = Live()
    with pytest.raises((ValueError, KeyError)):
        live.hear(said)
    assert live.queue == {"visible": 0, "not_visible": 0}
