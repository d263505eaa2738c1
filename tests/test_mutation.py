"""The mutation of answers finds a client that is wrong, and finds nothing wrong with ours."""

from __future__ import annotations

import asyncio
import math

import pytest

from benchmarks import mutation
from pytest_syncload.load.reading import Reading


def test_a_case_is_always_the_same() -> None:
    first, second = (mutation.made("tests", 7) for _ in range(2))
    assert (first.pieces, first.end) == (second.pieces, second.end)
    assert first.wire != mutation.made("tests", 8).wire


@pytest.mark.parametrize(("sound", "status"), [(True, 0), (False, 1)])
def test_bytes_behind_an_answer_are_a_broken_rule_where_they_are_overlooked(
    sound: bool, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    behind = [mutation.OK + b"\r\n"]
    monkeypatch.setattr(mutation, "made", lambda _, number: mutation.Case(number, behind, "hold"))
    if not sound:
        monkeypatch.setattr(Reading, "_over", lambda *_: True)
    assert asyncio.run(mutation.main("tests", math.inf, 1)) == status
    said = capsys.readouterr().out
    assert f"1 cases of seed tests, {status} broke" in said if sound else "used again with b'\\r\\n' behind" in said
