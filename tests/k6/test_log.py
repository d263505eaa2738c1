"""What k6 says is kept, masked, and not without end."""

from __future__ import annotations

from pathlib import Path

from pytest_syncload.k6.log import Log


def test_secrets_are_masked_and_the_file_is_private(tmp_path: Path) -> None:
    file = tmp_path / "peak.k6.log"
    with Log(file, ["s3cret", "s3cret-and-more", "no"]) as log:
        assert not file.exists()
        log.take("  \n")
        assert not file.exists(), "made with its first line"
        log.take(
            "level=warn Bearer abc.def key=k1&x s3cret-and-more s3cret no http://u:p@host/\x1b[31m eyJhbGci.eyJz.x\n"
        )
        said = "level=warn Bearer <hidden> key=<hidden>&x <hidden> <hidden> no http://<hidden>@host/ [31m <hidden>"
        assert log.last_words == said
    assert file.read_text() == f"{said}\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_of_thousands_of_lines_the_first_are_kept_and_the_last_is_said(tmp_path: Path) -> None:
    file = tmp_path / "peak.k6.log"
    with Log(file, []) as log:
        for number in range(1200):
            log.take(f"request {number} failed {'x' * 5000}")
        assert log.last_words.startswith("request 1199 failed")
        assert len(log.last_words) == 300
    lines = file.read_text().splitlines()
    assert len(lines) == 501
    assert lines[-1] == "… and 700 lines more"
    assert max(map(len, lines)) == 2000


def test_what_cannot_be_kept_is_left_out(tmp_path: Path) -> None:
    with Log(tmp_path / "nowhere" / "log", []) as log:
        log.take("hello")
        assert log.last_words == "hello"
