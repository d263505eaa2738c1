"""What this pytest session is and was asked for, read once from `pytest.Config`; pytest stops here."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: Options of pytest that repeat tests which failed before, by their name in its configuration. A repeated row is judged
#: from the same load, or a run would be green in which no load was ever good in all rows. `--stepwise` comes last, as
#: pytest sets it beside those that imply it.
REPEATING = {
    "lf": "--lf",
    "failedfirst": "--ff",
    "stepwise_skip": "--stepwise-skip",
    "stepwise_reset": "--stepwise-reset",
    "stepwise": "--stepwise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``named_environment`` is None where the default applies. ``worker_folder`` is set in an xdist worker only.

    ``named_run`` is the earlier run that was asked for by name, ``compared_run`` the one that rows are shown beside;
    ``repeats`` the option that repeats failed tests, empty where there is none; ``here`` is where pytest was called.
    ``production`` is the environment that ``--syncload-production`` names, ``production_typed`` whether it was typed.
    """

    root: Path
    here: Path
    file: Path
    named_environment: str | None
    collect_only: bool
    check_only: bool
    script_only: bool
    named_run: str | None
    compared_run: str | None
    repeats: str
    worker_folder: Path | None
    production: str | None = None
    production_typed: bool = False

    @classmethod
    def from_pytest_config(cls, config: pytest.Config, file: Path, environ: Mapping[str, str]) -> Settings:
        """Read the options."""
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        return cls(
            root=config.rootpath,
            here=config.invocation_params.dir,
            file=file,
            named_environment=config.getoption("--syncload-env") or environ.get("SYNCLOAD_ENV") or None,
            collect_only=bool(config.getoption("collectonly", False) or config.getoption("setupplan", False)),
            check_only=bool(config.getoption("--syncload-check")),
            script_only=bool(config.getoption("--syncload-k6-script")),
            # "last" must mean one run for all workers, so they are told which by their controller.
            named_run=config.getoption("--syncload-run") if worker is None else worker["syncload_rejudged"],
            compared_run=config.getoption("--syncload-compare") if worker is None else worker["syncload_compared"],
            repeats="" if worker is not None else repeats(config),
            worker_folder=None if worker is None else Path(worker["syncload_folder"]),
            production=config.getoption("--syncload-production"),
            production_typed=is_typed("--syncload-production", config.invocation_params.args),
        )

    @property
    def judges_again(self) -> bool:
        """Whether an earlier run takes the place of load. `--lf` does not change what a check looks at."""
        return self.named_run is not None or (bool(self.repeats) and not self.offers_nothing)

    @property
    def offers_nothing(self) -> bool:
        """Whether the phases are only looked at: no test is run, and no load offered."""
        return self.check_only or self.script_only

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return self.worker_folder is not None


def is_typed(option: str, args: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether the option is among what was typed; what addopts and PYTEST_ADDOPTS add is not."""
    return any(str(each).partition("=")[0] == option for each in args)


def repeats(config: pytest.Config) -> str:
    """The option given that repeats failed tests, empty where there is none."""
    return next((option for name, option in REPEATING.items() if config.getoption(name, False)), "")
