"""The entry point pytest loads in every session. Where rootdir has no slo.yaml, it does nothing and loads nothing.

Must stay cheap: nothing of the project and no third party is imported here before slo.yaml was seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Mapping

import pytest

#: What names something.
NAMED = ("--syncload-env", "--syncload-production", "--syncload-run", "--syncload-compare")
#: Where a run is written to beside its folder.
WRITTEN = ("--syncload-html", "--syncload-json", "--syncload-metrics")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Few options: everything else is in slo.yaml."""
    if os.environ.get("GITHUB_ACTIONS") == "true" and not pluginmanager.has_plugin("syncload-github"):
        pluginmanager.register(_OnGitHub(), "syncload-github")
    group = parser.getgroup("syncload", "SLOs as tests (pytest-syncload)")
    group.addoption(
        "--syncload-env",
        metavar="NAME",
        default=None,
        help="environment of slo.yaml to offer load to (or SYNCLOAD_ENV). Default: its sandbox, never where CI is set",
    )
    group.addoption(
        "--syncload-production",
        metavar="NAME",
        default=None,
        help="allow load on the environment of this name, which slo.yaml marks as production; only where it is typed "
        "for the run, not in addopts",
    )
    group.addoption(
        "--syncload-run",
        metavar="RUN",
        default=None,
        help="judge slo.yaml as it is now from an earlier run, without load and without AWS: `last`, a run id, or the "
        "path of a run folder",
    )
    group.addoption(
        "--syncload-compare",
        metavar="RUN",
        default=None,
        help="show every row beside an earlier run (`last`, a run id, or the path of a run folder), and judge the rows "
        "that have a regression",
    )
    group.addoption(
        "--syncload-check",
        action="store_true",
        help="look at everything that a run needs (of the phases that -m or node ids select, else of all), offer no "
        "load, run no test; exit status 1 where something is missing",
    )
    group.addoption(
        "--syncload-json",
        metavar="PATH",
        default=None,
        help="write the run as JSON there too; in the run folder it always is, as summary.json",
    )
    group.addoption(
        "--syncload-metrics",
        metavar="PATH",
        default=None,
        help="write the run's seconds and verdicts as OpenMetrics text there too; in the run folder: metrics.txt",
    )
    group.addoption(
        "--syncload-presets",
        action="store_true",
        help="print what a row's metric can be: its unit, CloudWatch metrics, statistics, and what missing data means",
    )
    group.addoption(
        "--syncload-html",
        metavar="PATH",
        default=None,
        help="write the run as one HTML page there too; in the run folder it always is, as report.html",
    )
    group.addoption(
        "--syncload-k6-script",
        action="store_true",
        help="print the script that k6 would be given (of the phases that -m or node ids select, else of all), offer "
        "no load, run no test; exit status 1 where k6 cannot offer one of them",
    )
    group.addoption(
        "--syncload-calibrate",
        action="store_true",
        help="measure in some ten seconds what one generator carries on this machine, against a process beside it, and "
        "print how many each phase of slo.yaml needs; run no test",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """The presets are printed and that is all. A check or a script is for once: `-n` in addopts, say, starts no workers
    for it."""
    if config.getoption("--syncload-presets"):
        from pytest_syncload.facts.catalogue import PRESETS  # noqa: PLC0415  # only here: see the module's docstring
        from pytest_syncload.report.presets import preset_lines  # noqa: PLC0415

        sys.stdout.write("\n".join(preset_lines(PRESETS.values())) + "\n")
        return int(pytest.ExitCode.OK)
    if config.getoption("--syncload-calibrate"):
        from pytest_syncload.shell.calibrate import calibrate_and_say  # noqa: PLC0415  # only here: see the docstring

        refuse_empty(config)
        file = config.rootpath / "slo.yaml"
        if not file.is_file():
            refuse_without_file(config, os.environ)
        return calibrate_and_say(config, file)
    if config.getoption("--syncload-check") or config.getoption("--syncload-k6-script"):
        config.option.numprocesses = 0
        config.option.dist = "no"
        config.option.tx = []
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Read slo.yaml, if there is one, and bring the shell in."""
    refuse_empty(config)
    file = config.rootpath / "slo.yaml"
    if not file.is_file():
        refuse_without_file(config, os.environ)
        config.pluginmanager.register(_WithoutFile(), "syncload-without-file")
        return
    from pytest_syncload.shell.session import begin  # noqa: PLC0415  # only here: see the module's docstring

    begin(config, file)


def refuse_empty(config: pytest.Config) -> None:
    """An empty name is no name: the variable of a CI job that nobody set must not mean the default."""
    for option in (*NAMED, *WRITTEN):
        if config.getoption(option) == "":
            raise pytest.UsageError(f"{option} is empty (an unset variable?); name one, or leave the option out")


def refuse_without_file(config: pytest.Config, environ: Mapping[str, str]) -> None:
    """Whoever asks for a phase by an option, or by SYNCLOAD_ENV where tests are selected too, needs a slo.yaml.

    The variable alone says nothing where there is none: it may be set for all repositories of a machine.
    """
    root = config.rootpath
    above = next((folder for folder in root.parents if (folder / "slo.yaml").is_file()), None)
    where = "write one, or run pytest where it is (or with --rootdir)"
    if above is not None:
        where = f"there is one in {above}: run pytest there (or with --rootdir={above})"
    for option in (*NAMED, "--syncload-check", "--syncload-k6-script", "--syncload-calibrate", *WRITTEN):
        if config.getoption(option):
            raise pytest.UsageError(f"{option} was given, but there is no slo.yaml in {root}; {where}")
    if environ.get("SYNCLOAD_ENV") and (above is not None or config.option.markexpr):
        raise pytest.UsageError(
            f"SYNCLOAD_ENV is set, but there is no slo.yaml in {root}, so no phase can be selected; {where}, or unset "
            "the variable"
        )


class _WithoutFile:
    """What `slo` is where there is nothing to judge. A user's own fixture of that name hides it, as any does."""

    @pytest.fixture
    def slo(self, pytestconfig: pytest.Config) -> None:
        """A row of slo.yaml, which is not there."""
        pytest.fail(
            f"the fixture slo gives the rows of slo.yaml, and there is none in {pytestconfig.rootpath}; write one "
            "(service, environments, request, phases: see the README of pytest-syncload), run pytest where it is (or "
            "with --rootdir), or define a fixture slo of your own",
            pytrace=False,
        )


class _OnGitHub:
    """In GitHub Actions, around all of pytest: whatever became of it is told there, by what is loaded only then."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Tell what became of it. A worker of pytest-xdist is told of by its controller."""
        if hasattr(config, "workerinput"):
            return (yield)
        try:
            status = yield
        except pytest.UsageError as error:
            # Of a repository without a slo.yaml, only what this plugin itself refused.
            if (config.rootpath / "slo.yaml").is_file() or "syncload" in str(error).lower():
                self._tell_refusal(config, error)
            raise
        except Exception as error:
            # A defect, of a plugin or of ours. Its traceback is in the log; the page would say nothing.
            if config.pluginmanager.has_plugin("syncload-ending"):
                self._tell_refusal(
                    config, pytest.UsageError(f"pytest ended by {type(error).__name__}; its log says why")
                )
            raise
        ending = config.pluginmanager.get_plugin("syncload-ending")
        if ending is not None:
            from pytest_syncload.shell.github import tell_end  # noqa: PLC0415  # only here: see the module's docstring

            tell_end(config, ending, status)
        only = config.pluginmanager.get_plugin("syncload-check")
        if only is not None:
            from pytest_syncload.shell.github import tell_checks  # noqa: PLC0415  # only here: see the module's docstring

            tell_checks(only.checks)
        return status

    def _tell_refusal(self, config: pytest.Config, error: pytest.UsageError) -> None:
        from pytest_syncload.shell.github import tell_refusal  # noqa: PLC0415  # only here: see the module's docstring

        tell_refusal(config, error)
