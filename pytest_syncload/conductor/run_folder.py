"""`.syncload/<run id>/`: everything a run measured, written as it happens, each file whole or not there. No secrets.

controller.lock   held while pytest lives; generators stop when it is free
phase.lock        held while a phase runs, by the worker and its generators
environment.json  where the run goes, and its clock
plan.json         the phases and rows as they are run (see `earlier`)
account.json      the AWS account that is asked
place.json        from where the load came, beside where its target is
unlooked.json     checks before load that could not look
parity.json       in what the environment differs from what it stands for, where that was compared
billing.json      what is billed of what stands there, by its sizes and prices
rejudged_from.json   in a folder of its own: the run whose measurements were judged again
<phase>.started   a phase has begun; without a result beside it, it was lost
<phase>.timeline.jsonl   its seconds, as known when each was over; what is left where pytest itself was killed
<phase>.series.json   of a climb: every minute of what may say what broke first
<phase>.ranking.json   of a climb: what broke first, and how throughput scales
<phase>.cost.json   what its jobs cost
estimate.json, <phase>.spent.json   what the run itself was thought to cost, and did
<phase>.result.json, <phase>.answers.json, <phase>.tasks.json, verdicts/<phase>--<row>.json
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter

from pytest_syncload.conductor.damage import UNREADABLE, reason, require_plain_numbers
from pytest_syncload.facts.check import Check
from pytest_syncload.facts.climb import ClimbFound
from pytest_syncload.facts.clock import MINUTE
from pytest_syncload.facts.cost import Billing, Cost, RunPrice
from pytest_syncload.facts.errors import Inconclusive, PhaseInvalid, Refused
from pytest_syncload.facts.events import ClimbRanked
from pytest_syncload.facts.histogram import Histogram
from pytest_syncload.facts.observation import Verdict
from pytest_syncload.facts.parity import ParityFound
from pytest_syncload.facts.place import Placed
from pytest_syncload.facts.result import PhaseResult, Second, Window
from pytest_syncload.facts.tasks import Census
from pytest_syncload.sources.cloudwatch import Answer, Ask
from pytest_syncload.sources.settle import Reading

_ACCOUNT = "account.json"
_PARITY = "parity.json"
_PLACE = "place.json"
_UNLOOKED = "unlooked.json"
#: No hold lasts as long; the minutes of a damaged window would fill the memory.
_LONGEST_WINDOW_S = 31 * 86_400
_VERDICT = TypeAdapter(Verdict)
_ANSWERS = TypeAdapter(list[Answer])
_CENSUS = TypeAdapter(Census)
_RANKED = TypeAdapter(ClimbRanked)
_SECOND = TypeAdapter(Second)
_CHECKS = TypeAdapter(tuple[Check, ...])
_FOUND = TypeAdapter(ParityFound)
_PLACED = TypeAdapter(Placed)
_SAID: TypeAdapter[str | None] = TypeAdapter(str | None)
_DOUBTS = TypeAdapter(dict[str, str])
_BILLING = TypeAdapter(Billing)
_COST = TypeAdapter(Cost)
_RUN_PRICE = TypeAdapter(RunPrice)
_ESTIMATE_FILE = "estimate.json"
_BILLING_FILE = "billing.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRecord:
    """What is known of a phase that was asked for: its result and what CloudWatch and ECS said, or why there is none.

    ``failed_checks`` are those before the load that failed: nothing was sent then. ``series`` are a climb's, for what
    broke first.
    """

    result: PhaseResult | None
    reading: Reading | None
    problem: str | None
    census: Census | None = None
    failed_checks: tuple[Check, ...] = ()
    series: tuple[Answer, ...] = ()

    @property
    def refused(self) -> bool:
        """Whether a check before the load failed."""
        return bool(self.failed_checks)


def new_run_id() -> str:
    """A run's name, by its second and at random: never an earlier run's, whose results would pass for this one's."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + "-" + secrets.token_hex(3)


class RunFolder:
    """One run's folder. Several processes use it at once; every file is written by one of them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def named_now(cls, root: Path) -> RunFolder:
        """A folder below ``root``/.syncload for a run that may begin now. Nothing is written yet."""
        return cls(root / ".syncload" / new_run_id())

    def make(self) -> None:
        """Make the folder, if it is not there, and tell git to ignore it. Raises `Refused` where that cannot be."""
        try:
            (self.path / "verdicts").mkdir(parents=True, exist_ok=True)
            ignore = self.path.parent / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", "utf-8")
        except OSError as error:
            raise Refused(
                f"the run folder {self.path} cannot be made: {error.strerror or error}; what is measured must be kept, "
                "so make its place writable"
            ) from None

    @property
    def run_id(self) -> str:
        """The folder's name, which names the run."""
        return self.path.name

    def write(self, name: str, data: object, *, indent: int | None = 1) -> None:
        """Write a JSON file atomically; without an indent, one that is too long to be read by eye.

        Raises:
            Refused: it cannot be written, as on a full disk.
        """
        target = self.path / name
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        separators = (",", ":") if indent is None else None
        text = json.dumps(data, indent=indent, separators=separators, allow_nan=True) + "\n"
        try:
            draft.write_text(text, "utf-8")
            draft.replace(target)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)  # half a file would take the room that the next one needs
            raise Refused(_unwritable(target, error)) from None

    def read(self, name: str) -> Any:
        """A JSON file's content, None where it is not there."""
        try:
            return json.loads((self.path / name).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def was_started(self, phase: str) -> bool:
        """Whether the phase has begun, in whatever process."""
        return (self.path / f"{phase}.started").exists()

    def was_run(self, phase: str) -> bool:
        """Whether the phase has begun or anything was recorded of it."""
        return self.was_started(phase) or (self.path / f"{phase}.result.json").exists()

    def mark_started(self, phase: str) -> None:
        """From now on, the phase without a result is a lost one."""
        self.write(f"{phase}.started", {"pid": os.getpid(), "at": time.time()})

    def record(self, phase: str) -> PhaseRecord | None:
        """What was recorded of a phase, None where nothing was. Raises `PhaseInvalid` where it cannot be read."""
        try:
            data = self.read(f"{phase}.result.json")
            if data is None:
                return None
            answers = self.read(f"{phase}.answers.json")
            tasks = self.read(f"{phase}.tasks.json")
            require_plain_numbers([data, tasks])
            return PhaseRecord(
                result=None if data["result"] is None else _result_from_json(data["result"]),
                reading=None if answers is None else _reading_from_json(answers),
                problem=_SAID.validate_python(data["problem"]),
                census=None if tasks is None else _CENSUS.validate_python(tasks),
                failed_checks=_CHECKS.validate_python(data["failed_checks"]),
                series=_answers_from_json(self.read(f"{phase}.series.json") or []),
            )
        except UNREADABLE as error:
            what = f"the recorded result cannot be read ({reason(error)}); run the phase again"
            raise PhaseInvalid(f"{self.path / phase}: {what}") from None

    def keep(self, phase: str, record: PhaseRecord) -> None:
        """Record a phase. The result's file comes last: where it is, all is."""
        if record.reading is not None:
            reading = record.reading
            self.write(
                f"{phase}.answers.json",
                {
                    "problem": reading.problem,
                    "attempts": reading.attempts,
                    "doubts": dict(reading.doubts),
                    "answers": _ANSWERS.dump_python(list(reading.answers.values()), mode="json"),
                },
            )
        if record.census is not None:
            self.write(f"{phase}.tasks.json", _CENSUS.dump_python(record.census, mode="json"))
        if record.series:
            self.write(f"{phase}.series.json", _ANSWERS.dump_python(list(record.series), mode="json"), indent=None)
        result = None if record.result is None else _result_to_json(record.result)
        failed = _CHECKS.dump_python(record.failed_checks, mode="json")
        said = {"problem": record.problem, "failed_checks": failed, "result": result}
        self.write(f"{phase}.result.json", said, indent=None)

    def keep_ranking(self, ranked: ClimbRanked) -> None:
        """Record what broke first in a climb."""
        self.write(f"{ranked.phase}.ranking.json", _RANKED.dump_python(ranked, mode="json"), indent=None)

    def ranking(self, phase: str) -> ClimbRanked | None:
        """What broke first in a climb, None where nobody has looked yet or what is kept cannot be read."""
        try:
            data = self.read(f"{phase}.ranking.json")
            return None if data is None else _RANKED.validate_python(data)
        except UNREADABLE:
            return None

    def keep_billing(self, billing: Billing) -> None:
        """Record what is billed, and for how much."""
        self.write(_BILLING_FILE, _BILLING.dump_python(billing, mode="json"))

    def billing(self) -> Billing | None:
        """What is billed, None where nobody has asked for it yet or what is kept cannot be read."""
        try:
            data = self.read(_BILLING_FILE)
            return None if data is None else _BILLING.validate_python(data)
        except UNREADABLE:
            return None

    def keep_cost(self, cost: Cost) -> None:
        """Record what a phase's jobs cost."""
        self.write(f"{cost.phase}.cost.json", _COST.dump_python(cost, mode="json"))

    def cost(self, phase: str) -> Cost | None:
        """What a phase's jobs cost, None where nobody has worked it out or what is kept cannot be read."""
        try:
            data = self.read(f"{phase}.cost.json")
            return None if data is None else _COST.validate_python(data)
        except UNREADABLE:
            return None

    def keep_estimate(self, price: RunPrice) -> None:
        """Record what the run is thought to cost, before its first request."""
        self.write(_ESTIMATE_FILE, _RUN_PRICE.dump_python(price, mode="json"))

    def estimate(self) -> RunPrice | None:
        """What the run was thought to cost, None where nobody asked or what is kept cannot be read."""
        return self._run_price(_ESTIMATE_FILE)

    def keep_spent(self, phase: str, price: RunPrice) -> None:
        """Record what a phase's load has cost."""
        self.write(f"{phase}.spent.json", _RUN_PRICE.dump_python(price, mode="json"))

    def spent(self, phase: str) -> RunPrice | None:
        """What a phase's load has cost, None where nobody asked or what is kept cannot be read."""
        return self._run_price(f"{phase}.spent.json")

    def _run_price(self, name: str) -> RunPrice | None:
        try:
            data = self.read(name)
            return None if data is None else _RUN_PRICE.validate_python(data)
        except UNREADABLE:
            return None

    def keep_seconds(self, phase: str, seconds: Sequence[Second]) -> None:
        """Add to the phase's seconds, a line of JSON each. Raises `Refused` where the file cannot grow."""
        target = self.path / f"{phase}.timeline.jsonl"
        lines = [json.dumps(_SECOND.dump_python(second, mode="json"), separators=(",", ":")) for second in seconds]
        try:
            with target.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise Refused(_unwritable(target, error)) from None

    def keep_verdict(self, verdict: Verdict) -> None:
        """Record a row's verdict."""
        name = f"verdicts/{verdict.slo.phase}--{verdict.slo.name}.json"
        self.write(name, _VERDICT.dump_python(verdict, mode="json"))

    def verdict(self, phase: str, row: str) -> Verdict | None:
        """A row's verdict, None where there is none yet. One that cannot be read is none."""
        try:
            data = self.read(f"verdicts/{phase}--{row}.json")
            return None if data is None else _VERDICT.validate_python(data)
        except UNREADABLE:
            return None

    def keep_account(self, account: str) -> None:
        """Record the AWS account that the run's questions go to."""
        self.write(_ACCOUNT, account)

    def account(self) -> str | None:
        """The AWS account, None where nobody has asked for it yet or what is kept cannot be read."""
        try:
            data = self.read(_ACCOUNT)
        except UNREADABLE:
            return None
        return data if isinstance(data, str) else None

    def keep_parity(self, found: ParityFound) -> None:
        """Record in what the environment differs from what it stands for."""
        self.write(_PARITY, _FOUND.dump_python(found, mode="json"))

    def parity(self) -> ParityFound | None:
        """The same, None where nobody has compared it yet or what is kept cannot be read."""
        try:
            data = self.read(_PARITY)
            return None if data is None else _FOUND.validate_python(data)
        except UNREADABLE:
            return None

    def keep_place(self, placed: Placed) -> None:
        """Record from where the load comes."""
        self.write(_PLACE, _PLACED.dump_python(placed, mode="json"))

    def place(self) -> Placed | None:
        """The same, None where it was not looked at or what is kept cannot be read."""
        try:
            data = self.read(_PLACE)
            return None if data is None else _PLACED.validate_python(data)
        except UNREADABLE:
            return None

    def keep_unlooked(self, checks: Iterable[str]) -> None:
        """Record the names of checks that could not look, of this phase and those before."""
        known = self.unlooked()
        if new := [each for each in dict.fromkeys(checks) if each not in known]:
            self.write(_UNLOOKED, [*known, *new])

    def unlooked(self) -> tuple[str, ...]:
        """The same; none where what is kept cannot be read."""
        try:
            data = self.read(_UNLOOKED)
        except UNREADABLE:
            return ()
        return tuple(str(each) for each in data) if isinstance(data, list) else ()

    @contextmanager
    def controller_lock(self) -> Iterator[int]:
        """Held by pytest's controller as long as the run may go on. Raises `Refused` where its file cannot be made."""
        descriptor = _open_lock(self.controller_lock_path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    @property
    def controller_lock_path(self) -> Path:
        """The file whose lock says that the controller lives."""
        return self.path / "controller.lock"

    def controller_is_gone(self) -> bool:
        """Whether the controller has let go, by ending or because the run was interrupted."""
        descriptor = os.open(self.controller_lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            return True
        finally:
            os.close(descriptor)

    @contextmanager
    def phase_lock(self) -> Iterator[int]:
        """Only one phase runs at a time, over all processes. Raises `Inconclusive` when the controller goes meanwhile.

        The descriptor is handed on to the generators, so the lock is free only when they are gone too.
        """
        descriptor = _open_lock(self.path / "phase.lock")
        try:
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if self.controller_is_gone():
                        raise Inconclusive("the run was interrupted before this phase began") from None
                    time.sleep(0.05)
            yield descriptor
        finally:
            os.close(descriptor)


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Refused(_unwritable(path, error)) from None


def _unwritable(path: Path, error: OSError) -> str:
    return (
        f"{path} cannot be written: {error.strerror or error}; what is measured must be kept, so make room or make its "
        "place writable, and run the phase again"
    )


def _result_to_json(result: PhaseResult) -> dict[str, Any]:
    hints = get_type_hints(PhaseResult)
    data: dict[str, Any] = {}
    for field in fields(result):
        value = getattr(result, field.name)
        if isinstance(value, Histogram):
            data[field.name] = value.to_json()
        else:
            data[field.name] = TypeAdapter(hints[field.name]).dump_python(value, mode="json")
    return data


def _result_from_json(data: Mapping[str, Any]) -> PhaseResult:
    hints = get_type_hints(PhaseResult)
    values: dict[str, Any] = {}
    for field in fields(PhaseResult):
        if hints[field.name] is Histogram:
            values[field.name] = Histogram.from_json(data[field.name])
        else:
            values[field.name] = TypeAdapter(hints[field.name]).validate_python(data[field.name])
    _require_a_window(values["window"])
    if values["climb"] is not None:
        _require_steps(values["climb"])
    return PhaseResult(**values)


def _require_a_window(window: Window) -> None:
    whole = window.start % MINUTE == window.end % MINUTE == 0
    if not whole or not 0 < window.seconds <= _LONGEST_WINDOW_S:
        raise ValueError(f"its window, {window.start} to {window.end}, is no hold")


def _require_steps(what: ClimbFound) -> None:
    """A climb has steps, one after the other, one of which is judged."""
    if what.judged not in {step.number for step in what.steps}:
        raise ValueError(f"it has no step {what.judged}, and looks at it")
    moments = [moment for step in what.steps for moment in (step.starts_at, step.ends_at)]
    if moments != sorted(moments) or moments[-1] - moments[0] > _LONGEST_WINDOW_S:
        raise ValueError("its steps do not follow each other")


def _answers_from_json(data: Any) -> tuple[Answer, ...]:
    answers = _ANSWERS.validate_python(data)
    for answer in answers:
        if len(answer.timestamps) != len(answer.values):
            raise ValueError(f"{answer.ask.query} has {len(answer.timestamps)} moments and {len(answer.values)} values")
    return tuple(answers)


def _reading_from_json(data: Mapping[str, Any]) -> Reading:
    answers = _answers_from_json(data["answers"])
    by_ask: dict[Ask, Answer] = {answer.ask: answer for answer in answers}
    return Reading(
        answers=by_ask,
        problem=_SAID.validate_python(data["problem"]),
        attempts=int(data["attempts"]),
        doubts=_DOUBTS.validate_python(data["doubts"]),
    )
