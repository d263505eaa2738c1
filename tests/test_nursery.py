"""What is born in the nursery is, to who starts it, what any process is."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_syncload.sandbox.processes import start
from tests.nursery import Born, born_in, stand_in

DOUBLES = "pytest_syncload.sandbox.doubles"


@pytest.fixture(autouse=True)
def there(nursery: str | None) -> str:
    if nursery is None:
        pytest.skip("processes are started as ever on this system")
    return nursery


def test_its_end_and_its_last_words_are_its_own(there: str, tmp_path: Path) -> None:
    with (tmp_path / "said").open("w+b") as said, born_in(there):
        child = start(DOUBLES, stderr=said)
        assert isinstance(child, Born)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"no json\n")
        child.stdin.close()
        assert child.stdout.read() == b""
        assert child.wait(60) == child.poll() == child.returncode == 1
        said.seek(0)
        assert b"JSONDecodeError" in said.read()
        child.stdout.close()


def test_it_can_be_waited_for_in_vain_and_killed(there: str) -> None:
    with born_in(there):
        child = start(DOUBLES)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0)
    assert child.poll() is None
    child.kill()
    assert child.wait() == -signal.SIGKILL
    child.kill()
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        pipe.close()


def test_any_other_command_is_started_as_ever(there: str) -> None:
    with stand_in(there).Popen([sys.executable, "-m", "this"], stdout=subprocess.DEVNULL) as child:
        assert isinstance(child, subprocess.Popen)
    with born_in(None):
        started = start(DOUBLES)
    assert isinstance(started, subprocess.Popen)
    started.kill()
    started.communicate()
