"""`load.generators` with a Dask cluster: read, kept without what makes it, and refused beside k6."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_syncload.conductor.earlier import plan_to_json
from pytest_syncload.facts.dask import DaskCluster
from pytest_syncload.facts.errors import SpecError
from tests.spec.plans import SMALL, read_text

MADE = """\
load:
  generators:
    dask: {cluster_class: dask_cloudprovider.aws.FargateCluster, cluster_kwargs: {token: "${TOKEN}"}, workers: 8}
"""


def test_a_cluster_that_is_there_is_its_address(tmp_path: Path) -> None:
    load = read_text(tmp_path, SMALL + "load: {generators: {dask: {address: tls://10.0.0.5:8786, workers: 4}}}\n").load
    assert load.dask == DaskCluster(address="tls://10.0.0.5:8786", workers=4)
    assert load.generators == 0
    assert load.dask.name == "tls://10.0.0.5:8786"


def test_what_makes_a_cluster_is_kept_nowhere(tmp_path: Path) -> None:
    plan = read_text(tmp_path, SMALL + MADE, environ={"TOKEN": "hunter2"})
    assert plan.load.dask is not None
    assert plan.load.dask.cluster_kwargs == {"token": "hunter2"}
    assert plan.load.dask.name == "dask_cloudprovider.aws.FargateCluster"
    assert "hunter2" not in repr(plan)
    kept = plan_to_json(plan)
    assert "hunter2" not in str(kept)
    assert kept["load"]["dask"]["workers"] == 8


def test_k6_has_no_fleet(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"load\.generators: k6 is one process, .*leave generators out"):
        read_text(tmp_path, SMALL + MADE + "  engine: k6\n", environ={"TOKEN": "x"})
