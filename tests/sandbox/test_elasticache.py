"""ElastiCache through boto3: the group and its nodes, and what AWS says to a wrong name."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import pytest

from pytest_syncload.sandbox.elasticache import ElastiCache
from pytest_syncload.sandbox.http import Request
from tests.sandbox.awsclients import Stage

NODES = ["syncwell-001", "syncwell-002"]


@pytest.fixture
def elasticache(stage: Stage) -> Any:
    stage.put()
    return stage.client("elasticache")


@pytest.mark.parametrize("asked", [{}, {"ReplicationGroupId": "SyncWell"}, {"MaxRecords": 20}])
def test_group_has_a_primary_and_a_replica(elasticache: Any, asked: dict[str, Any]) -> None:
    (group,) = elasticache.describe_replication_groups(**asked)["ReplicationGroups"]
    assert group["MemberClusters"] == NODES
    (nodes,) = group["NodeGroups"]
    roles = {member["CacheClusterId"]: member["CurrentRole"] for member in nodes["NodeGroupMembers"]}
    assert roles == dict(zip(NODES, ("primary", "replica"), strict=True))
    assert group["ClusterEnabled"] is False


def test_nodes_by_name_and_all(elasticache: Any) -> None:
    told = elasticache.describe_cache_clusters()["CacheClusters"]
    assert [node["CacheClusterId"] for node in told] == NODES
    assert {node["ReplicationGroupId"] for node in told} == {"syncwell"}
    assert "CacheNodes" not in told[0]
    (node,) = elasticache.describe_cache_clusters(CacheClusterId=NODES[1], ShowCacheNodeInfo=True)["CacheClusters"]
    assert node["CacheNodes"][0]["Endpoint"]["Port"] == 6379


def test_no_node_stands_outside_the_group(elasticache: Any) -> None:
    alone = elasticache.describe_cache_clusters(ShowCacheClustersNotInReplicationGroups=True)
    assert alone["CacheClusters"] == []


def test_flag_is_true_or_false() -> None:
    """boto3 sends nothing else; another client might."""
    body = b"Action=DescribeCacheClusters&Version=2015-02-02&ShowCacheNodeInfo=1"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    request = Request(method="POST", path="/", body=body, headers=headers)
    answer = ElastiCache(here=True, created=0).service().answer(request, lambda operation: None)
    assert (answer.status, b"InvalidParameterValue" in answer.body) == (400, True)


WRONG: list[tuple[str, dict[str, Any], str, int]] = [
    ("describe_replication_groups", {"ReplicationGroupId": "sincwell"}, "ReplicationGroupNotFoundFault", 404),
    ("describe_cache_clusters", {"CacheClusterId": "sincwell-001"}, "CacheClusterNotFound", 404),
    ("describe_cache_clusters", {"MaxRecords": 19}, "InvalidParameterValue", 400),
    ("describe_replication_groups", {"MaxRecords": 101}, "InvalidParameterValue", 400),
    ("describe_replication_groups", {"Marker": "x"}, "InvalidParameterValue", 400),
    ("describe_snapshots", {}, "InvalidAction", 400),
]


@pytest.mark.parametrize(("operation", "members", "code", "status"), WRONG)
def test_wrong_question_is_an_error(
    elasticache: Any, operation: str, members: dict[str, Any], code: str, status: int
) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(elasticache, operation)(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
