"""Files beside the terminal: in the run's folder always, elsewhere where asked for, and never in the verdicts' way."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_syncload.shell import surfaces
from pytest_syncload.shell.surfaces import Surface, leave, not_left
from tests.report.reports import run_report


@pytest.fixture(autouse=True)
def one(monkeypatch: pytest.MonkeyPatch) -> None:
    surface = Surface(option="--syncload-toy", name="toy.txt", text_of=lambda report: f"{report.service}\n")
    monkeypatch.setattr(surfaces, "SURFACES", (surface,))


def test_a_surface_is_in_the_folder_and_where_it_was_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert list(leave(run_report(), folder, lambda _: None, tmp_path)) == []
    assert (folder / "toy.txt").read_text("utf-8") == "syncwell\n"
    (said,) = leave(run_report(), folder, {"--syncload-toy": "out/toy.txt"}.get, tmp_path)
    assert said == f"syncload: --syncload-toy {tmp_path / 'out/toy.txt'}"
    assert (tmp_path / "out" / "toy.txt").read_text("utf-8") == "syncwell\n"


def test_a_file_that_is_not_written_is_not_taken_for_this_run_s() -> None:
    assert list(not_left(lambda _: None)) == []
    assert list(not_left({"--syncload-toy": "out/toy.txt"}.get)) == [
        "syncload: --syncload-toy is not written: no phase was run; select one by -m or by node id"
    ]


def test_one_that_fails_takes_no_other_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(_: object) -> str:
        raise ZeroDivisionError("division by zero")

    bad = Surface(option="--syncload-bad", name="bad.txt", text_of=wrong)
    monkeypatch.setattr(surfaces, "SURFACES", (bad, *surfaces.SURFACES))
    (said,) = leave(run_report(), tmp_path / "run", lambda _: None, tmp_path)
    assert said == "syncload: bad.txt was not made: ZeroDivisionError, a defect of pytest-syncload: division by zero"
    assert (tmp_path / "run" / "toy.txt").exists()


def test_what_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    (said,) = leave(run_report(), tmp_path / "run", {"--syncload-toy": "file/toy.txt"}.get, tmp_path)
    assert said.startswith(f"syncload: {tmp_path / 'file/toy.txt'} cannot be written: ")
    assert (tmp_path / "run" / "toy.txt").exists()
