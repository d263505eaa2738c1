"""What this pytest session is and was asked for, read once from `pytest.Config`; pytest stops here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """``named_environment`` is None where the default applies. ``worker_folder`` is set in an xdist worker only."""

    root: Path
    file: Path
    named_environment: str | None
    collect_only: bool
    check_only: bool
    last_failed: bool
    worker_folder: Path | None

    @classmethod
    def from_pytest_config(cls, config: pytest.Config, file: Path, environ: Mapping[str, str]) -> Settings:
        """Read the options."""
        worker: dict[str, Any] | None = getattr(config, "workerinput", None)
        return cls(
            root=config.rootpath,
            file=file,
            named_environment=config.getoption("--syncload-env") or environ.get("SYNCLOAD_ENV") or None,
            collect_only=bool(config.getoption("collectonly", False) or config.getoption("setupplan", False)),
            check_only=bool(config.getoption("--syncload-check")),
            last_failed=bool(config.getoption("lf", False)),
            worker_folder=None if worker is None else Path(worker["syncload_folder"]),
        )

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return self.worker_folder is not None
