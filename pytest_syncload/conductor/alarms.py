"""A phase's abort rules on the target's own metrics, asked of CloudWatch every service minute while its load runs.

A rule that nobody can look at guards nothing: then the load is stopped too, and that is the run's failure and not the
target's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pytest_syncload.conductor.ground import Ground
from pytest_syncload.facts.clock import MINUTE, minute_ceil, minute_floor
from pytest_syncload.facts.errors import Inconclusive
from pytest_syncload.facts.plan import Alarm, Phase, Resources
from pytest_syncload.facts.result import Window
from pytest_syncload.sources.alarm import alarm_asks, alarm_minutes, known_until
from pytest_syncload.sources.aws import FOR_POLLS, client
from pytest_syncload.sources.cloudwatch import fetch
from pytest_syncload.sources.each_minute import EachMinute
from pytest_syncload.sources.settle import DEADLINE_MINUTES
from pytest_syncload.verdict.alarm import tripped


class AlarmPoll:
    """What CloudWatch says of the rules' minutes, one poll after another.

    ``client`` is a boto3 CloudWatch client, ``now`` the service time (epoch seconds), ``began_at`` that of the load's
    first whole minute. Polls are for one thread at a time; what they came to may be read from another.
    """

    def __init__(
        self, client: Any, alarms: Sequence[Alarm], resources: Resources, now: Callable[[], float], began_at: float
    ) -> None:
        #: Why load must stop by the target's metric: for good, once it is there.
        self.tripped: str | None = None
        self._client = client
        self._alarms = alarms
        self._resources = resources
        self._now = now
        self._began_at = began_at
        #: Until when it is known of each rule whether it was met, service time; and why not for longer.
        self._known_until = {alarm.text: began_at for alarm in alarms}
        self._problem: dict[str, str] = {}
        self._silent: dict[str, str] = {}

    def poll(self) -> None:
        """Ask for the minutes that are over. Never raises: a rule that is not answered for long stops the load."""
        for alarm in self._alarms:
            try:
                self._look_at(alarm)
                self._problem.pop(alarm.text, None)
            except Inconclusive as error:
                self._problem[alarm.text] = str(error)
            except Exception as error:  # noqa: BLE001 - a thread's border: an answer of no known shape must not end the polls unseen
                self._problem[alarm.text] = f"{type(error).__name__}: {error}"

    @property
    def stop(self) -> str | None:
        """Why load must not go on, None while it may."""
        return self.tripped or self._blind()

    @property
    def never_known(self) -> tuple[str, ...]:
        """The rules of which no minute was known: nobody has guarded the target by them."""
        return tuple(text for text, until in self._known_until.items() if until <= self._began_at)

    def _blind(self) -> str | None:
        now = self._now()
        for text, until in self._known_until.items():
            if now - until > DEADLINE_MINUTES * MINUTE:
                unseen = self._silent.get(text)
                of_it = "it" if unseen is None else unseen
                why = self._problem.get(text, f"CloudWatch has no value of {of_it}")
                return (
                    f"the abort rule {text!r} could not be looked at for {DEADLINE_MINUTES} minutes: {why}; nobody "
                    "would have stopped the load by it, so it was stopped; mend that, or leave the rule out"
                )
        return None

    def _look_at(self, alarm: Alarm) -> None:
        now = minute_floor(self._now())
        reach = (alarm.minutes + DEADLINE_MINUTES) * MINUTE
        window = Window(start=max(self._began_at, now - reach), end=now)
        if window.end <= window.start:
            return
        answers = fetch(self._client, alarm_asks(alarm.row, self._resources, window))
        series = alarm_minutes(alarm.row, self._resources, window, answers)
        known = known_until(alarm.row, self._resources, window, answers)
        # Of the one that says least: an unseen one may be the one that burns.
        silent, until = min(known.items(), key=lambda each: each[1] or 0.0)
        self._silent[alarm.text] = silent
        self._known_until[alarm.text] = max(until or self._began_at, self._known_until[alarm.text])
        if self.tripped is None:
            self.tripped = tripped(alarm, series, self._began_at)


class Alarms:
    """The rules of one phase, polled in a thread of their own from `begin` on. A phase without rules asks nobody.

    Raises `Refused` where CloudWatch cannot be asked at all.
    """

    def __init__(self, phase: Phase, ground: Ground) -> None:
        self._alarms = phase.alarms
        self._ground = ground
        # Made before the load: it takes a tenth of a second of a core.
        self._client: Any = client("cloudwatch", ground.aws, patience=FOR_POLLS) if phase.alarms else None
        self._poll: AlarmPoll | None = None
        self._beat: EachMinute | None = None

    def __enter__(self) -> Alarms:
        return self

    def __exit__(self, *_: object) -> None:
        if self._beat is not None:
            self._beat.__exit__(None, None, None)

    def begin(self, start_at: float) -> None:
        """The load starts at ``start_at`` (monotonic): from its first whole service minute on it is looked at."""
        if self._alarms:
            clock = self._ground.clock
            began_at = minute_ceil(clock.at(start_at))
            self._poll = AlarmPoll(self._client, self._alarms, self._ground.resources, clock.now, began_at)
            self._beat = EachMinute(self._poll.poll, clock, "syncload-alarms")
            self._beat.__enter__()

    @property
    def tripped(self) -> str | None:
        """Why load must stop by the target's metric."""
        return None if self._poll is None else self._poll.tripped

    @property
    def stop(self) -> str | None:
        """Why load must not go on, None while it may."""
        return None if self._poll is None else self._poll.stop

    @property
    def never_known(self) -> tuple[str, ...]:
        """The rules of which no minute was known."""
        return () if self._poll is None else self._poll.never_known
