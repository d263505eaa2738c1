"""Which earlier run this session judges again, if any: by `--syncload-run`, or because of `--lf` or `--ff`.

A session that only repeats failed unit tests must not fail because there is no run: what stands against a judging again
that nobody asked for by name is kept until a phase is selected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_syncload.facts.errors import Refused
from pytest_syncload.shell.settings import Settings

if TYPE_CHECKING:
    from pytest_syncload.conductor.earlier import EarlierRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudging:
    """``earlier`` is the run that is judged again, None where none is; ``refusal`` why not, where it was asked for."""

    earlier: EarlierRun | None = None
    refusal: Refused | None = None


def rejudging(settings: Settings) -> Rejudging:
    """What this session was asked for. Raises `pytest.UsageError` where it was asked for by name and cannot be done."""
    if not settings.judges_again:
        return Rejudging()
    if settings.check_only:
        raise pytest.UsageError(
            "--syncload-check looks at what a run needs, and --syncload-run needs none of it; leave one out"
        )
    from pytest_syncload.conductor.earlier import LAST, find_run  # noqa: PLC0415  # pydantic, only where it is used

    try:
        earlier = find_run(settings.root, settings.named_run or LAST, settings.here)
        if settings.named_environment not in (None, earlier.environment.name):
            raise Refused(
                f"run {earlier.path.name} went to {earlier.environment.name!r}, and {settings.named_environment!r} is "
                "asked for (--syncload-env or SYNCLOAD_ENV): what was measured in one proves nothing about another; "
                "leave it out, or name a run of that environment"
            )
    except Refused as error:
        if settings.named_run is not None:
            raise pytest.UsageError(f"syncload: {error}") from None
        because = f"{settings.repeats} judges the last run again and offers no load, but {error}, or leave it out"
        return Rejudging(refusal=Refused(because))
    return Rejudging(earlier=earlier)
