"""ElastiCache as the sandbox has it: one replication group (cluster mode disabled) of a primary and its replicas.

Source: Amazon ElastiCache API Reference, DescribeReplicationGroups and DescribeCacheClusters. Nothing is cached here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_syncload.sandbox.awserror import bad_value, known_members, refusal
from pytest_syncload.sandbox.awsquery import QueryService
from pytest_syncload.sandbox.names import ACCOUNT, NODES, REGION, REPLICATION_GROUP
from pytest_syncload.sandbox.paging import ForeignToken, page

_ARN = f"arn:aws:elasticache:{REGION}:{ACCOUNT}"
_HOST = f"sandbox.cache.{REGION}.amazonaws.com"
_PORT = 6379
#: Two vCPU: the engine's one full core shows as 50 % of the host.
_NODE_TYPE = "cache.r7g.large"
_FEWEST, _MOST = 20, 100


class ElastiCache:
    """The replication group of a region, or none of it (``here`` False)."""

    def __init__(self, here: bool, created: float) -> None:
        self._groups = [REPLICATION_GROUP] if here else []
        self._nodes = list(NODES) if here else []
        self._created = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def service(self) -> QueryService:
        """The service."""
        return QueryService(
            version="2015-02-02",
            namespace="http://elasticache.amazonaws.com/doc/2015-02-02/",
            operations={
                "DescribeReplicationGroups": self._describe_replication_groups,
                "DescribeCacheClusters": self._describe_cache_clusters,
            },
        )

    def _describe_replication_groups(self, request: Mapping[str, str]) -> dict[str, Any]:
        known_members(request, {"ReplicationGroupId", "MaxRecords", "Marker"}, "DescribeReplicationGroups")
        wanted = request.get("ReplicationGroupId")
        groups = [group for group in self._groups if wanted is None or group == wanted.lower()]
        if wanted is not None and not groups:
            raise refusal("ReplicationGroupNotFoundFault", f"ReplicationGroup {wanted} not found.", 404)
        kept, marker = _page(groups, request)
        return {"ReplicationGroups": {"ReplicationGroup": [self._group() for _ in kept]}} | marker

    def _describe_cache_clusters(self, request: Mapping[str, str]) -> dict[str, Any]:
        flags = {"ShowCacheNodeInfo", "ShowCacheClustersNotInReplicationGroups"}
        known_members(request, flags | {"CacheClusterId", "MaxRecords", "Marker"}, "DescribeCacheClusters")
        with_nodes, alone = (
            _flag(request, f) for f in ("ShowCacheNodeInfo", "ShowCacheClustersNotInReplicationGroups")
        )
        wanted = request.get("CacheClusterId")
        nodes = [node for node in self._nodes if wanted is None or node == wanted.lower()]
        if wanted is not None and not nodes:
            message = f"CacheCluster not found: {wanted}"
            # AWS's own code lacks the shape's "Fault".
            raise refusal("CacheClusterNotFound", message, 404)
        # Every node here belongs to the replication group.
        kept, marker = _page([] if alone else nodes, request)
        return {"CacheClusters": {"CacheCluster": [self._node(node, with_nodes) for node in kept]}} | marker

    def _group(self) -> dict[str, Any]:
        members = [
            {
                "CacheClusterId": node,
                "CacheNodeId": "0001",
                "ReadEndpoint": _endpoint(node),
                "PreferredAvailabilityZone": _zone(node),
                "CurrentRole": "primary" if node == NODES[0] else "replica",
            }
            for node in NODES
        ]
        only = {
            "NodeGroupId": "0001",
            "Status": "available",
            "PrimaryEndpoint": _endpoint(f"master.{REPLICATION_GROUP}"),
            "ReaderEndpoint": _endpoint(f"replica.{REPLICATION_GROUP}"),
            "NodeGroupMembers": {"NodeGroupMember": members},
        }
        return {
            "ReplicationGroupId": REPLICATION_GROUP,
            "Description": "the sandbox's cache",
            "Status": "available",
            "MemberClusters": {"ClusterId": list(NODES)},
            "NodeGroups": {"NodeGroup": [only]},
            "AutomaticFailover": "enabled",
            "MultiAZ": "enabled",
            "SnapshotRetentionLimit": 0,
            "ClusterEnabled": False,
            "ClusterMode": "disabled",
            "CacheNodeType": _NODE_TYPE,
            "AuthTokenEnabled": False,
            "TransitEncryptionEnabled": True,
            "AtRestEncryptionEnabled": True,
            "ARN": f"{_ARN}:replicationgroup:{REPLICATION_GROUP}",
            "ReplicationGroupCreateTime": self._created,
            "Engine": "valkey",
        }

    def _node(self, node: str, with_nodes: bool) -> dict[str, Any]:
        described = {
            "CacheClusterId": node,
            "CacheNodeType": _NODE_TYPE,
            "Engine": "valkey",
            "EngineVersion": "8.0.1",
            "CacheClusterStatus": "available",
            "NumCacheNodes": 1,
            "PreferredAvailabilityZone": _zone(node),
            "CacheClusterCreateTime": self._created,
            "ReplicationGroupId": REPLICATION_GROUP,
            "SnapshotRetentionLimit": 0,
            "AuthTokenEnabled": False,
            "TransitEncryptionEnabled": True,
            "AtRestEncryptionEnabled": True,
            "ARN": f"{_ARN}:cluster:{node}",
        }
        if not with_nodes:
            return described
        only = {
            "CacheNodeId": "0001",
            "CacheNodeStatus": "available",
            "CacheNodeCreateTime": self._created,
            "Endpoint": _endpoint(node),
            "ParameterGroupStatus": "in-sync",
            "CustomerAvailabilityZone": _zone(node),
        }
        return described | {"CacheNodes": {"CacheNode": [only]}}


def _page(names: Sequence[str], request: Mapping[str, str]) -> tuple[Sequence[str], dict[str, str]]:
    most = request.get("MaxRecords", str(_MOST))
    if not most.isdecimal() or not _FEWEST <= int(most) <= _MOST:
        raise bad_value(f"The parameter MaxRecords must be from {_FEWEST} to {_MOST}.")
    asked = {member: value for member, value in request.items() if member not in ("Marker", "MaxRecords")}
    try:
        kept, token = page(names, int(most), request.get("Marker"), asked)
    except ForeignToken:
        raise bad_value("The parameter Marker does not belong to this request.") from None
    return kept, {} if token is None else {"Marker": token}


def _flag(request: Mapping[str, str], member: str) -> bool:
    value = request.get(member, "false")
    if value not in ("true", "false"):
        raise bad_value(f"The parameter {member} must be true or false.")
    return value == "true"


def _endpoint(name: str) -> dict[str, Any]:
    return {"Address": f"{name}.{_HOST}", "Port": _PORT}


def _zone(node: str) -> str:
    return f"{REGION}{'ab'[NODES.index(node) % 2]}"
