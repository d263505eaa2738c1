"""Which earlier run this session judges again, if any: by `--syncload-run`, or because of `--lf` or `--ff`.

A session that only repeats failed unit tests must not fail because there is no run: what stands against a judging again
that nobody asked for by name is kept until a phase is selected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Spec
from pytest_syncload.shell.settings import Settings
from pytest_syncload.spec import read

if TYPE_CHECKING:
    from pytest_syncload.conductor.earlier import EarlierRun
    from pytest_syncload.conductor.replay import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudging:
    """``earlier`` is the run that is judged again, None where none is; ``refusal`` why not, where it was asked for."""

    earlier: EarlierRun | None = None
    refusal: Refused | None = None

    def read(self, file: Path, named_environment: str | None, environ: Mapping[str, str]) -> Spec:
        """slo.yaml, for the environment that the earlier run went to, where there is one. Raises `SpecError`."""
        if self.earlier is None:
            return read(file, environment=named_environment, environ=environ)
        spec = read(file, environment=self.earlier.environment, environ=environ)
        return replace(spec, rejudged=self.earlier.rejudged)

    def replay(self, spec: Spec) -> Replay | None:
        """What takes the place of load, None where load is offered."""
        if self.earlier is None:
            return None
        from pytest_syncload.conductor.replay import Replay  # noqa: PLC0415  # with boto3: only where a phase is judged

        return Replay(self.earlier, spec)


def rejudging(settings: Settings) -> Rejudging:
    """What this session was asked for. Raises `pytest.UsageError` where it was asked for by name and cannot be done."""
    if not settings.judges_again:
        return Rejudging()
    if settings.offers_nothing:
        option = "--syncload-check" if settings.check_only else "--syncload-k6-script"
        raise pytest.UsageError(
            f"{option} looks at what a run needs, and --syncload-run needs none of it; leave one out"
        )
    from pytest_syncload.conductor.earlier import LAST, find_run  # noqa: PLC0415  # pydantic, only where it is used

    try:
        earlier = find_run(settings.root, LAST if settings.named_run is None else settings.named_run, settings.here)
        if settings.named_environment not in (None, earlier.environment.name):
            raise Refused(
                f"run {earlier.path.name} went to {earlier.environment.name!r}, and {settings.named_environment!r} is "
                "asked for (--syncload-env or SYNCLOAD_ENV): what was measured in one proves nothing about another; "
                "leave it out, or name a run of that environment"
            )
    except Refused as error:
        if settings.named_run is not None:
            raise pytest.UsageError(f"syncload: {error}") from None
        option = settings.repeats
        return Rejudging(
            refusal=Refused(f"{option} judges the last run again and offers no load: {error}; without {option} load is")
        )
    return Rejudging(earlier=earlier)
