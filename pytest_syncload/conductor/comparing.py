"""Puts each row beside what an earlier run saw of it, where both were asked the same of the same under the same load.

Never writes to the earlier run's folder. What may not be compared says why: a row whose rule needs it is inconclusive.
"""

from __future__ import annotations

from pytest_syncload.conductor.earlier import EarlierRun
from pytest_syncload.conductor.replay import looked_at, offered_otherwise
from pytest_syncload.conductor.run_folder import RunFolder
from pytest_syncload.facts.comparison import Compared
from pytest_syncload.facts.errors import PhaseInvalid
from pytest_syncload.facts.observation import Observation
from pytest_syncload.facts.plan import Phase, Resources, Slo, Spec
from pytest_syncload.facts.units import format_number
from pytest_syncload.verdict import compare


class Comparing:
    """The run that ``spec``'s rows are compared with."""

    def __init__(self, earlier: EarlierRun, spec: Spec) -> None:
        self._earlier = earlier
        self._spec = spec
        self._folder = RunFolder(earlier.path)

    def compared(self, now: Observation, resources: Resources) -> Compared:
        """The row beside the earlier run. ``resources`` are what ``now`` was asked of."""
        slo = now.slo
        problem = self.unlike(self._spec.phase(slo.phase)) or self._other_row(slo, resources)
        then = None
        if problem is None:
            old = self._folder.verdict(slo.phase, slo.name)
            then = None if old is None else old.observation
            if old is None:
                problem = "that run did not judge the row"
            elif then is None:
                problem = f"that run saw nothing of it: {old.reason}"
        return compare(now, then, self._earlier.rejudged, problem)

    def unlike(self, phase: Phase) -> str | None:
        """Why no row of the phase can be compared, whatever this run measures; None where they may be."""
        return self._elsewhere() or self._other_load(phase)

    def _elsewhere(self) -> str | None:
        """Whether the load of the two runs went to different places."""
        then, now = self._earlier.environment, self._spec.environment
        if then.name != now.name:
            return f"that run went to environment {then.name!r}, this one to {now.name!r}"
        if (then.sandbox is None) != (now.sandbox is None):
            return f"environment {now.name!r} was a sandbox in one of the two runs only"
        if now.sandbox is None or then.sandbox is None:
            was, is_now = (f"{each.base_url} in {each.aws.region if each.aws else '?'}" for each in (then, now))
            return None if was == is_now else f"that run went to {was}, this one to {is_now}"
        for what in ("speed", "rate_scale"):
            was, is_now = getattr(then.sandbox, what), getattr(now.sandbox, what)
            if was != is_now:
                return f"the sandbox had {what} {format_number(was)}, now {format_number(is_now)}"
        return None

    def _other_load(self, now: Phase) -> str | None:
        """Whether the phase was another then, or what was measured of it proves nothing."""
        if now.climb is not None:
            return "a climb's rows are of the last step that held, whose rate is another each time"
        then = self._earlier.phase(now.name)
        if then is None or not self._folder.was_run(now.name):
            return f"that run did not run phase {now.name!r}"
        if changed := offered_otherwise(then, self._earlier, now, self._spec):
            return f"that run offered another load: {'; '.join(changed)}"
        try:
            record = self._folder.record(now.name)
        except PhaseInvalid as error:
            return str(error)
        if record is None or record.result is None:
            why = "" if record is None or record.problem is None else f": {record.problem}"
            return f"that run has no result of phase {now.name!r}{why}"
        if record.result.invalid:
            return "the phase was invalid in that run: " + "; ".join(reason.what for reason in record.result.invalid)
        problem = record.problem or (None if record.reading is None else record.reading.problem)
        return None if problem is None else f"what that run measured of phase {now.name!r} proves nothing: {problem}"

    def _other_row(self, slo: Slo, resources: Resources) -> str | None:
        """Whether a row of that name asked something else, or asked it of something else."""
        phase = self._earlier.phase(slo.phase)
        was = next((row for row in phase.slos if row.name == slo.name), None) if phase is not None else None
        if was is None:
            return "that run had no row of that name"
        asked = [(row.metric, row.query, row.alive, row.target.kind) for row in (was, slo)]
        if asked[0] != asked[1]:
            return "the row of that name asked for another metric"
        listed = self._earlier.environment.resources or Resources()
        if looked_at(was, listed) != looked_at(slo, resources):
            return "the row of that name asked for another statistic, or of other resources"
        return None
