"""Which earlier run this session's rows are shown beside, if any: by `--syncload-compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_syncload.facts.errors import Refused
from pytest_syncload.shell.settings import Settings

if TYPE_CHECKING:
    from pytest_syncload.conductor.earlier import EarlierRun


def compared_run(settings: Settings, judged_again: EarlierRun | None) -> EarlierRun | None:
    """The run that was named, None where none was. Raises `pytest.UsageError` where it cannot be read.

    ``judged_again`` is the run that takes the place of load.
    """
    if settings.compared_run is None:
        return None
    from pytest_syncload.conductor.earlier import find_run  # noqa: PLC0415  # pydantic, only where it is used

    try:
        earlier = find_run(settings.root, settings.compared_run, settings.here, option="--syncload-compare")
    except Refused as error:
        raise pytest.UsageError(f"syncload: --syncload-compare: {error}") from None
    if judged_again is not None and judged_again.path == earlier.path:
        raise pytest.UsageError(
            f"syncload: run {earlier.path.name} is judged again and would be compared with itself; "
            "name another run in --syncload-compare"
        )
    return earlier
