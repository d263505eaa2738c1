"""Where a run is told beside the terminal: files that were asked for by an option, and those of its own folder.

Each surface is one function of the report; what it shows, all others show too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_syncload.facts.report import RunReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A file of its own. ``option`` asks for a copy elsewhere, ``name`` is the file in the run folder."""

    option: str
    name: str
    text_of: Callable[[RunReport], str]


def _summary(report: RunReport) -> str:
    from pytest_syncload.report.summary import summary_text  # noqa: PLC0415  # only where a phase was asked for

    return summary_text(report)


def _metrics(report: RunReport) -> str:
    from pytest_syncload.report.metrics import metrics_text  # noqa: PLC0415  # only where a phase was asked for

    return metrics_text(report)


def _page(report: RunReport) -> str:
    from pytest_syncload.report.html.page import html_of  # noqa: PLC0415  # only where a phase was asked for

    return html_of(report)


SURFACES: tuple[Surface, ...] = (
    Surface(option="--syncload-html", name="report.html", text_of=_page),
    Surface(option="--syncload-json", name="summary.json", text_of=_summary),
    Surface(option="--syncload-metrics", name="metrics.txt", text_of=_metrics),
)


def not_left(asked: Callable[[str], str | None]) -> Iterator[str]:
    """What is said where no phase was begun: a file of an earlier run may lie where a new one was asked for."""
    for surface in SURFACES:
        if asked(surface.option):
            yield f"syncload: {surface.option} is not written: no phase was run; select one by -m or by node id"


def leave(report: RunReport, folder: Path, asked: Callable[[str], str | None], here: Path) -> Iterator[str]:
    """Write every surface; gives what a person should know: where a file that was asked for lies, or why it does not.

    ``asked`` gives an option's value, a path from ``here``. Nothing here may raise: the verdicts stand without it.
    """
    for surface in SURFACES:
        wanted = asked(surface.option)
        try:
            text = surface.text_of(report)
        except Exception as error:  # noqa: BLE001  # a mistake of ours here must not take the other surfaces with it
            yield f"syncload: {surface.name} was not made: {type(error).__name__}, a defect of pytest-syncload: {error}"
            continue
        for path, is_asked in ((folder / surface.name, False), *([(here / wanted, True)] if wanted else [])):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
            except OSError as error:
                yield f"syncload: {path} cannot be written: {error.strerror or error}; the verdicts are not in it"
            else:
                if is_asked:
                    yield f"syncload: {surface.option} {path}"
