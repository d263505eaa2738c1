"""What the workflow does with what comes home: what is of another run, cut or missing is red, and only told as text."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import home
import proof
import pytest

from tests.in_region.made import ASKED, RUN, files
from tests.in_region.stand_in import StandIn

ORDER = home.Order(asked=ASKED, minutes=45, nonce="0123456789abcdef0123456789abcdef")
PLACE = {"bucket": "runs-of-mine", "region": "us-east-1"}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    return StandIn(tmp_path / "cloud", monkeypatch).within()


def ended_of(archive: bytes, **changes: object) -> dict[str, Any]:
    """What the entry point says of its end."""
    return {
        "nonce": ORDER.nonce,
        "environment": "load-testing",
        "phases": ["peak"],
        "status": 0,
        "sha256": hashlib.sha256(archive).hexdigest(),
    } | changes


def uploaded(
    cloud: StandIn, folder: Path, change: Callable[[Any], None] = lambda said: None, **changes: object
) -> bytes:
    """A run's files as the entry point uploads them."""
    made = files(folder / "made", change)
    packed = folder / proof.ARCHIVE
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(made, arcname=".")
    body = packed.read_bytes()
    (folder / proof.ENDED).write_text(json.dumps(ended_of(body, **changes)), "utf-8")
    cloud.gives(proof.ARCHIVE, packed)
    cloud.gives(proof.ENDED, folder / proof.ENDED)
    return body


def settled(folder: Path, said: int | None, why: str | None = None, order: home.Order = ORDER) -> tuple[int, str, str]:
    """The status, GitHub's outputs, and its page."""
    environ = {name: str(folder / name) for name in ("FILES", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    status = home.settle(order, PLACE, said, why, environ)
    told = [Path(environ[name]) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")]
    outputs, page = (file.read_text("utf-8") if file.exists() else "" for file in told)
    return status, outputs, page


def test_a_proof_is_green_and_its_files_are_home(
    cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded(cloud, tmp_path)
    assert settled(tmp_path, 0) == (0, "", "## peak\n")
    assert f"proven: peak in load-testing, run {RUN}" in capsys.readouterr().out
    assert (tmp_path / "FILES" / proof.RUNS / RUN / "report.html").is_file()
    keys = [words[3] for _, _, words in cloud.asked()]
    assert keys == [f"runs/{ORDER.nonce}/{name}" for name in (proof.ENDED, proof.ARCHIVE)]


def test_what_pytest_said_is_text_and_only_what_tells_is_a_command(
    cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded(cloud, tmp_path)
    settled(tmp_path, 0)
    before, _, rest = capsys.readouterr().out.partition("::stop-commands::")
    token, _, rest = rest.partition("\n")
    quoted, _, after = rest.partition(f"::{token}::\n")
    assert "::set-env name=A::b" in quoted
    assert "set-env" not in before + after
    assert "::error title=x::y\n" in after
    assert len(token) == 32


@pytest.mark.parametrize("status", [1, 2, 137])
def test_it_ends_as_pytest_ended(
    cloud: StandIn, tmp_path: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded(cloud, tmp_path, status=status)
    assert settled(tmp_path, status)[0] == status
    assert f"pytest ended with {status}; its annotations and its page say why" in capsys.readouterr().out
    assert (tmp_path / "FILES" / proof.JUNIT).is_file()


def _write(name: str, text: str) -> Callable[[Path, StandIn], None]:
    def change(folder: Path, cloud: StandIn) -> None:
        (folder / name).write_text(text, "utf-8")

    return change


def _lost(name: str) -> Callable[[Path, StandIn], None]:
    return lambda folder, cloud: (cloud.folder / f"s3api.get-object.{name}").unlink()


def _said(**changes: object) -> Callable[[Path, StandIn], None]:
    def change(folder: Path, cloud: StandIn) -> None:
        file = folder / proof.ENDED
        file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")

    return change


MISTAKES: Mapping[str, tuple[str | None, Callable[[Path, StandIn], None], str]] = {
    "nothing was uploaded": (None, _lost(proof.ENDED), "the run brought no files home: aws s3api get-object"),
    "the archive is lost": (None, _lost(proof.ARCHIVE), "the run brought no files home: aws s3api get-object"),
    "an earlier run's end": ("require_ended", _said(nonce="f" * 32), "is of another run"),
    "another environment's": ("require_ended", _said(environment="sandbox"), "is of another run"),
    "another phase's": ("require_ended", _said(phases=["baseline"]), "is of another run"),
    "an archive cut or changed": ("require_archive", _said(sha256="0" * 64), "is not the one that the entry point"),
    "another status": ("require_same_status", _said(status=1), "it ended with 0, and its files say 1"),
    "a status that is none": ("require_ended", _said(status=False), "is of another run"),
    "no end": (None, _write(proof.ENDED, "{}"), "is not what the entry point writes"),
    "no JSON": (None, _write(proof.ENDED, "<html>"), "is not what the entry point writes"),
    "a list": (None, _write(proof.ENDED, "[]"), "is not what the entry point writes"),
}


@pytest.mark.parametrize(("guard", "change", "says"), MISTAKES.values(), ids=MISTAKES)
def test_what_is_not_this_runs_is_red_and_green_without_its_guard(
    guard: str | None,
    change: Callable[[Path, StandIn], None],
    says: str,
    cloud: StandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uploaded(cloud, tmp_path)
    change(tmp_path, cloud)
    assert settled(tmp_path, 0)[0] == 1
    (told,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("::error title=SLO gate::")]
    assert says in told
    if guard is not None:
        monkeypatch.setattr(home, guard, lambda file, order=None: ended_of(b"") if guard == "require_ended" else None)
        if guard == "require_ended":  # it also says what the archive's digest is
            monkeypatch.setattr(home, "require_archive", lambda *_: None)
        (tmp_path / "FILES").rename(tmp_path / "first")
        assert settled(tmp_path, 0)[0] == 0


def test_a_run_without_a_status_is_red_whatever_its_files_say(
    cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uploaded(cloud, tmp_path)
    assert settled(tmp_path, None, "the task has no exit status")[0] == 1
    assert "::error title=SLO gate::the task has no exit status" in capsys.readouterr().out
    assert (tmp_path / "FILES" / proof.JUNIT).is_file()


def test_both_reasons_are_told(cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert settled(tmp_path, None, "nothing ended within 60 s")[0] == 1
    assert "nothing ended within 60 s; the run brought no files home" in capsys.readouterr().out


def test_files_go_to_a_folder_of_their_own(cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uploaded(cloud, tmp_path)
    (tmp_path / "FILES").mkdir()
    assert settled(tmp_path, 0)[0] == 1
    assert "the folder FILES for the files cannot be made: FileExistsError" in capsys.readouterr().out


def test_files_that_prove_nothing_are_red(cloud: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uploaded(cloud, tmp_path, lambda said: said["rows"].clear())
    assert settled(tmp_path, 0)[0] == 1
    assert "no row was judged of peak" in capsys.readouterr().out


def test_the_sandbox_is_said_where_it_is_enough(cloud: StandIn, tmp_path: Path) -> None:
    uploaded(cloud, tmp_path, lambda said: said["run"].update(sandbox=True))
    status, outputs, _ = settled(tmp_path, 0, order=replace(ORDER, asked=replace(ASKED, sandbox=True)))
    assert (status, outputs) == (0, "sandbox=, the SANDBOX: nothing is proven about a real target\n")


def _packed(folder: Path, member: tarfile.TarInfo, data: bytes = b"") -> Path:
    file = folder / "odd.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(data))
    return file


def test_an_archive_stays_in_its_folder(tmp_path: Path) -> None:
    member = tarfile.TarInfo("../outside")
    member.size = 1
    with pytest.raises(proof.NotProven, match="cannot be unpacked: OutsideDestinationError"):
        home.unpack(_packed(tmp_path, member, b"x"), tmp_path / "folder")
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(proof.NotProven, match="cannot be unpacked: AbsoluteLinkError"):
        home.unpack(_packed(tmp_path, link), tmp_path / "folder")


def test_an_archive_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "MOST_BYTES", 1 << 20)
    member = tarfile.TarInfo("large")
    member.size = (1 << 20) + 1
    with pytest.raises(proof.NotProven, match="more than 1 MiB"):
        home.unpack(_packed(tmp_path, member, bytes(member.size)), tmp_path / "folder")


@pytest.mark.parametrize("cut", [0, 1, 20, 300])
def test_half_an_archive_is_none(cloud: StandIn, tmp_path: Path, cut: int) -> None:
    whole = uploaded(cloud, tmp_path)
    (tmp_path / "cut").write_bytes(whole[:cut])
    with pytest.raises(proof.NotProven, match="cannot be unpacked"):
        home.unpack(tmp_path / "cut", tmp_path / "folder")


def test_a_spoilt_archive_is_none(cloud: StandIn, tmp_path: Path) -> None:
    whole = uploaded(cloud, tmp_path)
    (tmp_path / "spoilt").write_bytes(whole[:200] + bytes(200) + whole[400:])
    with pytest.raises(proof.NotProven, match="cannot be unpacked"):
        home.unpack(tmp_path / "spoilt", tmp_path / "folder")


STEP = {"PLACE": json.dumps(PLACE), "ENVIRONMENT": "load-testing", "PHASES": "peak", "MINUTES": "45"}


def test_an_order_is_the_steps_environment_and_never_the_same_twice() -> None:
    order, place = home.order_of(STEP, ("bucket",))
    assert (order.asked, order.minutes, order.tests, place) == (ASKED, 45, ("slo.yaml",), PLACE)
    assert home.order_of(STEP, ())[0].nonce != order.nonce
    accepting = home.order_of(STEP | {"SANDBOX": "accept", "TESTS": "slo.yaml tests"}, ())[0]
    assert accepting.asked.sandbox
    assert accepting.words(place) == [
        *("--environment", "load-testing", "--phases", "peak", "--bucket", "runs-of-mine", "--region", "us-east-1"),
        *("--nonce", accepting.nonce, "--seconds", "2700", "--sandbox", "--", "slo.yaml", "tests"),
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"PLACE": ""}, "terraform output"),
        ({"PLACE": "{"}, "is not what `terraform output -json place` says"),
        ({"PLACE": '{"region": "us-east-1"}'}, "PLACE lacks bucket"),
        ({"ENVIRONMENT": ""}, "ENVIRONMENT is empty"),
        ({"SANDBOX": "yes"}, "neither `refuse` nor `accept`"),
        ({"PHASES": ""}, "PHASES or MINUTES: phases are names"),
        ({"PHASES": "not slow"}, "PHASES or MINUTES: phases are names"),
        ({"TESTS": "slo.yaml --collect-only"}, "TESTS are paths"),
        ({"MINUTES": ""}, "PHASES or MINUTES: invalid literal"),
        ({"MINUTES": "0"}, "MINUTES is 0"),
        ({"MINUTES": "1441"}, "MINUTES is 1441"),
    ],
)
def test_an_order_that_is_wrong_is_refused(change: dict[str, str], says: str) -> None:
    with pytest.raises(proof.NotProven, match=says):
        home.order_of(STEP | change, ("bucket",))


def test_an_annotation_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    home.say("error", "100 %\r\n::notice::x")
    assert capsys.readouterr().out == "::error title=SLO gate::100 %25%0D%0A::notice::x\n"


def test_what_the_cli_cannot_do_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud = StandIn(tmp_path / "cloud", monkeypatch)
    with pytest.raises(home.AwsFailed, match=r"aws ecs list-tasks ended with 1: An error occurred \(AccessDenied\)"):
        home.aws("ecs", "list-tasks", cluster="x")
    cloud.prints("ecs", "list-tasks", "no JSON")
    with pytest.raises(home.AwsFailed, match="aws ecs list-tasks answered what is no JSON"):
        home.aws("ecs", "list-tasks")
    monkeypatch.setenv("PATH", "/nothing")
    with pytest.raises(home.AwsFailed, match="aws ecs list-tasks: FileNotFoundError"):
        home.aws("ecs", "list-tasks")


def test_a_question_is_asked_again_until_its_time_is_over() -> None:
    answers = iter([home.AwsFailed("throttled"), None, "an answer"])

    def ask() -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert home.polled(ask, seconds=60, every_s=0) == "an answer"
    with pytest.raises(proof.NotProven, match=r"nothing ended within 0 s$"):
        home.polled(lambda: None, seconds=0, every_s=0)

    def fail() -> object:
        raise home.AwsFailed("expired")

    with pytest.raises(proof.NotProven, match=r"nothing ended within 0 s \(expired\)"):
        home.polled(fail, seconds=0, every_s=0)
