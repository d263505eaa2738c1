"""Runs pytest as a user would, in a process of its own, in a folder with nothing but what the test writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

# A run in this process forgets what it imported, and what is compiled can be imported only once.
import numpy.fft  # noqa: F401
import pytest
import ruptures  # noqa: F401
import scipy.optimize
import scipy.special
import scipy.stats  # noqa: F401

from tests.busy import calm, calm_plugin
from tests.nursery import born_in, nursery_plugin

SLO_YAML = """\
service: syncwell
environments:
  sandbox:
    sandbox:
      speed: 60
      faults: {faults}
load: {{timeout: 2s}}
request:
  method: POST
  path: /v1/sync-jobs
  json: {{source: drive, destination: vault}}
  expect: {{status: 202, json: {{job_id: any}}}}
phases:
  baseline:
    rate: 50/s
    hold: 1m
    slos: &rows
      api-latency-p95: {{metric: apigateway.latency, statistic: p95, target: "< 500 ms", min_samples: 20}}
      api-5xx-rate: {{metric: apigateway.5xx, target: "< 0.1 %", min_samples: 20}}
      dynamodb-throttles: {{metric: dynamodb.throttles, target: "== 0"}}
  peak:
    rate: 200/s
    hold: 3m
    slos: *rows
  stress:
    climb: {{from: 300/s, step: 10 %, every: 1m, until: "failed > 1 %", at_most: 1000/s}}
    slos:
      breaking-point: {{metric: load.breaking_point, target: "> 300/s"}}
"""


#: Plugins of this repository's tests, of which a user need have none; anyio's loads a second event loop.
_PLUGINS = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:anyio")


class Project:
    """A folder with a slo.yaml, and pytest run in it."""

    def __init__(self, pytester: pytest.Pytester, nursery: str | None = None) -> None:
        self.pytester = pytester
        #: Where generators and the sandbox are born; None: they are started as a user's are.
        self.nursery = nursery
        #: Whether every run is a process of its own: what a conftest.py does to libraries would last.
        self.apart = False
        self.write()

    def write(self, faults: str = "{}") -> None:
        """slo.yaml, with the sandbox's faults."""
        (self.pytester.path / "slo.yaml").write_text(SLO_YAML.format(faults=faults), "utf-8")

    def run(self, *args: str) -> pytest.RunResult:
        """pytest, in this process where it starts no workers: most of what one of its own costs are its imports."""
        if self.apart or "-n" in args:
            return self.run_apart(*args)
        with born_in(self.nursery):
            return self.pytester.runpytest_inprocess(*_PLUGINS, "-p", "no:xdist", *args)

    def run_apart(self, *args: str) -> pytest.RunResult:
        """pytest, in its own process."""
        return self.pytester.runpytest_subprocess(*_PLUGINS, *self.plugins, *args)

    @property
    def plugins(self) -> tuple[str, ...]:
        """The options that load, in a pytest of its own, calm limits and the nursery."""
        calm = calm_plugin(self.pytester.path)
        return calm if self.nursery is None else (*calm, *nursery_plugin(self.pytester.path, self.nursery))

    @property
    def run_folder(self) -> Path:
        """The newest run's folder."""
        # Not by name, which tells seconds: runs that judge again may begin in the same one.
        runs = [path for path in (self.pytester.path / ".syncload").iterdir() if path.is_dir()]
        return max(runs, key=lambda path: path.stat().st_mtime_ns)

    def started_load(self) -> bool:
        """Whether any run folder was made."""
        runs = self.pytester.path / ".syncload"
        return runs.exists() and any(path.is_dir() for path in runs.iterdir())

    def sent(self) -> dict[str, dict[str, float]]:
        """What the sandbox's own log says of each phase: count, first and last wall time."""
        phases: dict[str, dict[str, float]] = {}
        for line in (self.run_folder / "sandbox.log").read_text("utf-8").split("\n")[:-1]:
            for prefix, seen in json.loads(line).get("keys", {}).items():
                phase = phases.setdefault(
                    prefix.rpartition("-")[2], {"count": 0, "first": seen["first"], "last": seen["last"]}
                )
                phase["count"] += seen["count"]
                phase["first"] = min(phase["first"], seen["first"])
                phase["last"] = max(phase["last"], seen["last"])
        return phases

    def verdict(self, row: str, phase: str = "peak") -> Any:
        """A row's recorded ruling."""
        file = self.run_folder / "verdicts" / f"{phase}--{row}.json"
        return json.loads(file.read_text("utf-8"))["ruling"]


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, nursery: str | None) -> Project:
    """A fresh project, as on a laptop: no CI, no environment named."""
    # Without bytecode, each of the many processes of a run would compile all it imports, every time.
    for name in ("CI", "SYNCLOAD_ENV", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)
    calm(monkeypatch)
    return Project(pytester, nursery)


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Node id → word, from the lines of `-rA`."""
    found = {}
    for line in result.outlines:
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED", "ERROR") and "::" in rest:
            found[rest.split(" ")[0]] = word
    return found
