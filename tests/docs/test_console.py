"""What a page says that a command prints, it prints: the console blocks that are marked for it are run, in the sandbox.

``<!-- file: slo.yaml -->`` before a block writes it, ``<!-- replace: this | that -->`` edits that file, and
``<!-- run: 1 -->`` before a console block runs its commands, of which the last ends with that status. Every line that
the page shows must be printed, in that order; numbers, names of runs and the width of lines may be others. ``…`` stands
for what the page leaves out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.busy import calm_environment
from tests.docs.blocks import PAGES, Block, blocks
from tests.docs.test_verdicts import unexplained

#: What may differ from run to run, and what stands for it.
_LOOSE = (
    (re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}"), "<run>"),
    (re.compile(r"-?\d[\d.,:]*"), "#"),
    (re.compile(r"[▁-█]+"), "▇"),
    (re.compile(r"[╌━]+"), "━"),
    (re.compile(r"([=_])\1+"), r"\1"),
    (re.compile(r"(/private)?/(tmp|var)/\S+"), "<path>"),
    (re.compile(r"\s+"), " "),
)
RUN = [page for page in PAGES if any(said.startswith("run: ") for block in blocks(page) for said in block.says)]


def loosely(line: str) -> str:
    """The line without what differs from run to run."""
    for what, stands_for in _LOOSE:
        line = what.sub(stands_for, line)
    return line.strip()


def unprinted(shown: list[str], printed: list[str]) -> str | None:
    """The first line that is shown and was not printed behind those before it, None where all were."""
    rest = iter(map(loosely, printed))
    for line in shown:
        if line.strip() not in ("", "…") and loosely(line) not in rest:
            return line
    return None


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_commands_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    calm = tmp_path / "calm"
    calm.mkdir()
    environ = calm_environment(calm)
    for block in blocks(page):
        for comment in block.says:
            key, _, said = comment.partition(": ")
            if key == "file":
                (tmp_path / said).write_text(block.text, "utf-8")
            elif key == "replace":
                _edit(tmp_path / "slo.yaml", *said.split(" | "))
            elif key == "run":
                _run(block, int(said), tmp_path, environ)
    for run in (tmp_path / ".syncload").glob("*T*"):
        there = [file.relative_to(run) for file in run.rglob("*") if file.is_file()]
        assert unexplained(there, "smoke") == []


def _edit(file: Path, this: str, that: str) -> None:
    text = file.read_text("utf-8")
    assert this in text
    file.write_text(text.replace(this, that), "utf-8")


def _run(block: Block, status: int, folder: Path, more: dict[str, str]) -> None:
    lines = block.text.splitlines()
    commands = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    shown = [line for line in lines if not line.startswith("$ ")]
    ran = _ran("\n".join(commands), folder, more)
    printed = ran.stdout + ran.stderr
    assert ran.returncode == status, f"{block}: {printed}"
    line = unprinted(shown, printed.splitlines())
    assert line is None, f"{block} shows {line!r}, and printed was: {printed}"


def _ran(commands: str, folder: Path, more: dict[str, str]) -> subprocess.CompletedProcess[str]:
    of_ci = ("CI", "GITHUB_", "SYNCLOAD_", "PYTEST_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(of_ci)} | more
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", commands],
        cwd=folder,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_line_that_is_not_printed_is_found() -> None:
    printed = ["=== x ===", "p::a  12 ms  target < 5 s  breach", "run folder: .syncload/20261201T131217Z-9b0729"]
    assert (
        unprinted(["p::a  7 ms   target < 9 s  breach", "…", "run folder: .syncload/20250101T000000Z-abcdef"], printed)
        is None
    )
    assert unprinted(["p::a  7 ms  target < 9 s  pass"], printed) == "p::a  7 ms  target < 9 s  pass"
    assert unprinted(["run folder: .syncload/20250101T000000Z-abcdef", "= x ="], printed) == "= x ="


def test_there_is_something_to_run() -> None:
    assert "first-verdict.md" in [page.name for page in RUN]
