"""What the workflow does wherever the load runs: asks the AWS CLI, brings a run's files home, shows and judges them.

Needs Python 3.11 and the AWS CLI, which GitHub's runners have. Nothing here raises a status to green: `settle` ends
with 0 only where every guard of this file and of `proof` let it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from proof import ARCHIVE, ENDED, LOG, PAGE, PATH, Asked, NotProven, phases_of, require_proof

#: Bytes that an archive may unpack to: a hundred times the largest run seen here.
MOST_BYTES = 1 << 30
#: Of GitHub's workflow commands, those that say something to a reader and change nothing.
_TELLING = re.compile(r"^::(?:error|warning|notice) ", re.M)


class AwsFailed(Exception):
    """The AWS CLI did not do what it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be run, and how long it may take from its start. ``nonce`` names this run and no other."""

    asked: Asked
    minutes: int
    nonce: str
    tests: tuple[str, ...] = ("slo.yaml",)

    def words(self, place: Mapping[str, Any]) -> list[str]:
        """The arguments of `entry.py`."""
        words = ["--environment", self.asked.environment, "--phases", " ".join(self.asked.phases)]
        words += ["--bucket", place["bucket"], "--region", place["region"], "--nonce", self.nonce]
        words += ["--seconds", str(self.minutes * 60)]
        return [*words, *(["--sandbox"] if self.asked.sandbox else []), "--", *self.tests]


def say(level: str, text: str) -> None:
    """An annotation (GitHub's "Workflow commands": per cent and line ends are escaped)."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    print(f"::{level} title=SLO gate::{escaped}", flush=True)


def aws(service: str, operation: str, **members: Any) -> Any:
    """The answer of the AWS CLI, with the request's members as the API names them. Raises AwsFailed."""
    return _cli(service, operation, "--cli-input-json", json.dumps(members))


def fetch(bucket: str, key: str, file: Path) -> None:
    """One object into ``file``. Raises AwsFailed."""
    _cli("s3api", "get-object", "--bucket", bucket, "--key", key, str(file))


def put(bucket: str, key: str, file: Path) -> None:
    """``file`` as an object that was not there before. Raises AwsFailed."""
    _cli("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", str(file), "--if-none-match", "*")


def _cli(*words: str) -> Any:
    named = f"aws {words[0]} {words[1]}"
    environ = {**os.environ, "AWS_PAGER": ""}
    try:
        done = subprocess.run(
            ["aws", *words, "--output", "json"],
            env=environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,  # a cancelled job signals us, and not the question that is under way
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AwsFailed(f"{named}: {type(error).__name__}") from None
    if done.returncode != 0:
        raise AwsFailed(f"{named} ended with {done.returncode}: {' '.join(done.stderr.split())[-600:]}")
    try:
        return json.loads(done.stdout) if done.stdout.strip() else {}
    except ValueError:
        raise AwsFailed(f"{named} answered what is no JSON") from None


def order_of(environ: Mapping[str, str], place_keys: Sequence[str]) -> tuple[Order, dict[str, Any]]:
    """From the step's environment; raises NotProven on what is missing or wrong, before anything is started."""
    try:
        place = json.loads(environ.get("PLACE") or "null")
        missing = [key for key in place_keys if not place.get(key)]
    except (ValueError, AttributeError):
        raise NotProven("PLACE is not what `terraform output -json place` says") from None
    if missing:
        raise NotProven(f"PLACE lacks {', '.join(missing)}: is it of `terraform output -json place`?")
    if not environ.get("ENVIRONMENT"):
        raise NotProven("ENVIRONMENT is empty: name the environment of slo.yaml that load is offered to")
    if environ.get("SANDBOX", "refuse") not in ("refuse", "accept"):
        raise NotProven("SANDBOX is neither `refuse` nor `accept`")
    try:
        phases = phases_of(environ.get("PHASES", ""))
        minutes = int(environ.get("MINUTES", ""))
    except ValueError as error:
        raise NotProven(f"PHASES or MINUTES: {error}") from None
    if not 1 <= minutes <= 24 * 60:
        raise NotProven(f"MINUTES is {minutes}, and not 1 to 1440")
    asked = Asked(environment=environ["ENVIRONMENT"], phases=phases, sandbox=environ.get("SANDBOX") == "accept")
    tests = tuple(environ.get("TESTS", "slo.yaml").split()) or ("slo.yaml",)
    if any(not PATH.fullmatch(test) for test in tests):
        raise NotProven("TESTS are paths apart by blanks, and no options")
    return Order(asked=asked, minutes=minutes, nonce=secrets.token_hex(16), tests=tests), place


@contextmanager
def stopped_by(stop: Callable[[], None]) -> Iterator[None]:
    """On SIGINT or SIGTERM, which a cancelled job gets, ``stop`` is called, and this process ends with 130 or 143.

    The runner kills 10 s after the first (docs of GitHub Actions, "Workflow cancellation reference").
    """

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say("error", "cancelled: the load is being stopped")
        stop()
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """A signal waits until what is under way is known: a load that was started and has no name could not be stopped."""
    both = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)


def polled(ask: Callable[[], Any], *, seconds: float, every_s: float) -> Any:
    """The first answer that is not None. Raises NotProven after ``seconds``, with what went wrong last.

    A question that fails is asked again: ECS and SSM do not know at once what they were just told, and are throttled.
    """
    end, last = time.monotonic() + seconds, ""
    while True:
        try:
            if (answer := ask()) is not None:
                return answer
        except AwsFailed as error:
            last = f" ({error})"
        if time.monotonic() >= end:
            raise NotProven(f"nothing ended within {seconds:.0f} s{last}")
        time.sleep(every_s)


def bring(order: Order, bucket: str, folder: Path) -> dict[str, Any]:
    """What the entry point says of its end, once its files are in ``folder`` and are those. Raises NotProven."""
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise NotProven(f"the folder {folder.name} for the files cannot be made: {type(error).__name__}") from None
    key = f"runs/{order.nonce}/"
    try:
        fetch(bucket, key + ENDED, folder / ENDED)
        fetch(bucket, key + ARCHIVE, folder / ARCHIVE)
    except AwsFailed as error:
        raise NotProven(f"the run brought no files home: {error}") from None
    ended = require_ended(folder / ENDED, order)
    require_archive(folder / ARCHIVE, ended)
    unpack(folder / ARCHIVE, folder)
    (folder / ARCHIVE).unlink()
    return ended


def require_ended(file: Path, order: Order) -> dict[str, Any]:
    """What lies in the bucket may be of an earlier run, or of one that was asked for something else."""
    try:
        ended = json.loads(file.read_text("utf-8"))
        same = (ended["nonce"], ended["environment"], tuple(ended["phases"])) == (
            order.nonce,
            order.asked.environment,
            order.asked.phases,
        )
        status, digest = ended["status"], ended["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise NotProven(f"{ENDED} is not what the entry point writes") from None
    if not same or type(status) is not int or not isinstance(digest, str):
        raise NotProven(f"{ENDED} is of another run")
    found: dict[str, Any] = ended
    return found


def require_archive(file: Path, ended: Mapping[str, Any]) -> None:
    """Half an archive can be unpacked too."""
    if hashlib.sha256(file.read_bytes()).hexdigest() != ended["sha256"]:
        raise NotProven(f"{ARCHIVE} is not the one that the entry point uploaded")


def require_to_its_end(file: Path) -> None:
    """gzip's own sum stands behind the last byte, where tar does not look."""
    left = 2 * MOST_BYTES
    with gzip.open(file) as whole:
        while chunk := whole.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise NotProven(f"{ARCHIVE} unpacks to more than {MOST_BYTES >> 20} MiB")


def unpack(file: Path, folder: Path) -> None:
    """Plain files below ``folder`` and nothing else, whatever a name says (PEP 706)."""
    try:
        require_to_its_end(file)
        with tarfile.open(file) as archive:
            if sum(member.size for member in archive) > MOST_BYTES:
                raise NotProven(f"{ARCHIVE} unpacks to more than {MOST_BYTES >> 20} MiB")
            archive.extractall(folder, filter="data")
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise NotProven(f"{ARCHIVE} cannot be unpacked: {type(error).__name__}") from None


def require_same_status(said: int | None, ended: Mapping[str, Any]) -> None:
    """Who ran the entry point and the entry point itself must agree on how it ended."""
    if said != ended["status"]:
        raise NotProven(f"it ended with {said}, and its files say {ended['status']}")


def show(folder: Path, environ: Mapping[str, str]) -> None:
    """pytest's output, its annotations and its page, where GitHub shows them.

    Between the markers GitHub takes no line for a command; of those in the log only what tells a reader is repeated.
    """
    log = _text(folder / LOG)
    quote("pytest, in region", log)
    for line in log.splitlines():
        if _TELLING.match(line):
            print(line)
    sys.stdout.flush()
    page = _text(folder / PAGE)
    if page and environ.get("GITHUB_STEP_SUMMARY"):
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
            summary.write(page)


def quote(title: str, text: str) -> None:
    """What others wrote, as text only."""
    token = secrets.token_hex(16)
    print(f"::group::{title}\n::stop-commands::{token}\n{text}\n::{token}::\n::endgroup::", flush=True)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def settle(
    order: Order, place: Mapping[str, Any], said: int | None, why: str | None, environ: Mapping[str, str]
) -> int:
    """The step's exit status, once the load has ended with ``said``, or with none for the reason ``why``.

    What can be brought home is, green or not; the folder is ``FILES``.
    """
    folder = Path(environ.get("FILES", "syncload-files"))
    problem, run = why, None
    try:
        ended = bring(order, place["bucket"], folder)
        show(folder, environ)
        if problem is None:
            require_same_status(said, ended)
            if said == 0:
                run = require_proof(folder, order.asked)
    except NotProven as error:
        problem = f"{problem}; {error}" if problem else str(error)
    if problem is None and said == 0 and run is not None:
        if run["sandbox"]:
            _output(environ, "sandbox=, the SANDBOX: nothing is proven about a real target")
        print(f"proven: {', '.join(order.asked.phases)} in {order.asked.environment}, run {run['id']}")
        return 0
    say("error", problem or f"pytest ended with {said}; its annotations and its page say why")
    return said or 1


def _output(environ: Mapping[str, str], line: str) -> None:
    if environ.get("GITHUB_OUTPUT"):
        with Path(environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as outputs:
            print(line, file=outputs)
