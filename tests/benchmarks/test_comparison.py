"""The simulation behind docs/comparison.md says what it says of itself."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.comparison import bootstrap, holds, judged, main, ours, student, wrong


def test_holds_have_the_scatter_and_the_correlation_that_was_asked_for() -> None:
    seen = holds(4000, 20, 0.6, 5.0, np.random.default_rng(3))
    assert seen.mean() == pytest.approx(100, abs=0.2)
    assert seen.std() == pytest.approx(5, rel=0.03)
    assert np.corrcoef(seen[:, 9], seen[:, 10])[0, 1] == pytest.approx(0.6, abs=0.05)


def test_correlation_fools_the_usual_intervals_and_not_this_one() -> None:
    assert wrong(ours, 15, 0.5, 300) < 10 < 17 < min(wrong(student, 15, 0.5, 300), wrong(bootstrap, 15, 0.5, 300))


def test_shares_add_up_and_a_large_change_is_found() -> None:
    share = judged(ours, 30, 0.0, 2.0, 30.0, 50)
    assert (share.passed, share.breached, share.unknown) == (0, 100, 0)


def test_it_prints_both_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["comparison", "--holds", "2"])
    main()
    out = capsys.readouterr().out
    assert "| 15 | this one |" in out
    assert "| 15 | 5 % | 0.5 |" in out
