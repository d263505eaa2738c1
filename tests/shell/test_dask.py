"""A phase whose load is a Dask cluster's: its workers are processes of this machine, and the rest is as ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("distributed", reason="the extra dask is not installed")

from tests.load.cluster import Processes
from tests.shell.conftest import Project, outcomes


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with Processes(tmp_path_factory.mktemp("cluster"), 2) as there:
        yield there


def change(project: Project, old: str, new: str) -> None:
    file = project.pytester.path / "slo.yaml"
    text = file.read_text("utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), "utf-8")


def test_a_clusters_workers_offer_the_phase_and_its_rows_are_judged(project: Project, cluster: Processes) -> None:
    dask = f"{{dask: {{address: '{cluster.address}', workers: 2}}}}"
    change(project, "load: {timeout: 2s}", f"load: {{timeout: 2s, generators: {dask}}}")
    result = project.run("-m", "peak", "-rA")
    assert set(outcomes(result).values()) == {"PASSED"}
    result.stdout.fnmatch_lines(["*peak: offering 200/s for 3s from 2 generators*"])
    assert project.sent()["peak"]["count"] == 600


def test_a_cluster_that_is_not_there_is_one_reason_before_any_load(project: Project, tmp_path: Path) -> None:
    del tmp_path
    dask = "{dask: {address: 'tcp://10.9.8.7:8786', workers: 2}}"
    change(project, "load: {timeout: 2s}", f"load: {{timeout: 2s, generators: {dask}}}")
    result = project.run("-m", "peak", "-rA")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert set(outcomes(result).values()) == {"ERROR"}
    result.stdout.fnmatch_lines(
        ["*1 check before the load failed, so no load was offered; fleet: tcp://10.9.8.7:8786 is no tls:// address*"]
    )
