"""The entry point pytest loads in every session. Where rootdir has no slo.yaml, it does nothing and loads nothing.

Must stay cheap: nothing of the project and no third party is imported here before slo.yaml was seen.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Few options: everything else is in slo.yaml."""
    group = parser.getgroup("syncload", "SLOs as tests (pytest-syncload)")
    group.addoption(
        "--syncload-env",
        metavar="NAME",
        default=None,
        help="environment of slo.yaml to offer load to (or SYNCLOAD_ENV). Default: its sandbox, never where CI is set",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Read slo.yaml, if there is one, and bring the shell in."""
    file = config.rootpath / "slo.yaml"
    if not file.is_file():
        if config.getoption("--syncload-env") is not None:
            raise pytest.UsageError(
                f"--syncload-env was given, but there is no slo.yaml in {config.rootpath}; "
                "write one, or run pytest where it is (or with --rootdir)"
            )
        return
    from pytest_syncload.shell.session import begin  # noqa: PLC0415  # only here: see the module's docstring

    begin(config, file)
