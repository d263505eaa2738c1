"""What AWS says of what stands there → sizes; what it does not say, or says of something else, is a gap."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from pytest_syncload.facts.cost import NodeSize, Sizes, TableSize, TaskSize
from pytest_syncload.facts.plan import Resources
from pytest_syncload.sources.sizes import read_sizes
from tests.sources.stubs import CLIENTS, scripted

TABLE = Resources(tables={"sync-jobs": ("by-user",)})
SERVICE = Resources(ecs_cluster="syncwell", ecs_service="worker")
NODE = Resources(cache=("syncwell-001",))
DEFINITION = "arn:aws:ecs:eu-west-1:111122223333:task-definition/worker:3"


def look_at_table(*, scaled: list[dict[str, Any]] | str | None = None, **told: Any) -> Sizes:
    """``scaled``: what Application Auto Scaling says, an error's code, or that it is not asked."""
    plain: dict[str, Any] = {"TableName": "sync-jobs", "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
    with scripted("dynamodb") as stub, scripted("application-autoscaling") as scaling:
        stub.add_response("describe_table", {"Table": plain | told}, {"TableName": "sync-jobs"})
        if isinstance(scaled, str):
            scaling.add_client_error("describe_scalable_targets", scaled, "no", 400)
        elif scaled is not None:
            names = ["table/sync-jobs", "table/sync-jobs/index/by-user"]
            asked = {"ServiceNamespace": "dynamodb", "ResourceIds": names}
            scaling.add_response("describe_scalable_targets", {"ScalableTargets": scaled}, asked)
        return read_sizes(CLIENTS.__getitem__, TABLE)


def test_a_table_on_demand_has_no_size() -> None:
    assert look_at_table() == Sizes(tables={"sync-jobs": TableSize(on_demand=True)})


UNITS = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 20}
PROVISIONED: dict[str, Any] = {
    "BillingModeSummary": {},
    "ProvisionedThroughput": UNITS,
    "GlobalSecondaryIndexes": [{"IndexName": "by-user", "ProvisionedThroughput": UNITS | {"WriteCapacityUnits": 7}}],
}


def test_a_provisioned_table_has_the_units_of_its_indexes_too() -> None:
    found = look_at_table(scaled=[], **PROVISIONED)
    assert found.tables == {"sync-jobs": TableSize(on_demand=False, write_units=27, read_units=10)}
    assert found.gaps == ()


def test_units_that_may_be_others_under_load_are_a_gap() -> None:
    scaled = look_at_table(scaled=[target(5)], **PROVISIONED)
    assert scaled.gaps == (
        "table sync-jobs: its provisioned units are scaled, and how many they are under load is not looked at",
    )
    (gap,) = look_at_table(scaled="AccessDeniedException", **PROVISIONED).gaps
    assert gap.startswith("table sync-jobs: whether its provisioned units are scaled cannot be asked")
    assert gap.endswith("allow application-autoscaling:DescribeScalableTargets")


def test_what_is_billed_by_other_prices_is_a_gap() -> None:
    found = look_at_table(
        TableClassSummary={"TableClass": "STANDARD_INFREQUENT_ACCESS"},
        Replicas=[{"RegionName": "us-east-1"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-user"}, {"IndexName": "by-day"}],
    )
    assert found.gaps == (
        "table sync-jobs: its class is not STANDARD, whose prices are the only ones known here",
        "table sync-jobs: it is a global table, and what its replicas write is not looked at",
        "table sync-jobs: its index by-day is not listed, so its units are not counted; list it under resources.tables",
    )


def test_a_table_that_may_not_be_described_is_a_gap_with_the_permission() -> None:
    with scripted("dynamodb") as stub:
        stub.add_client_error("describe_table", "AccessDeniedException", "no", 400)
        found = read_sizes(CLIENTS.__getitem__, TABLE)
    assert found.tables == {}
    (gap,) = found.gaps
    assert gap.startswith("table sync-jobs: DescribeTable at ")
    assert gap.endswith("allow dynamodb:DescribeTable")


def test_a_description_that_cannot_be_read_is_a_gap() -> None:
    found = look_at_table(scaled="AccessDeniedException", BillingModeSummary={}, GlobalSecondaryIndexes=[])
    assert found.gaps[-1] == (
        "table sync-jobs: AWS's description of it cannot be read (KeyError: 'ProvisionedThroughput')"
    )


def look_at_service(
    *, definition: dict[str, Any] | None = None, targets: list[dict[str, Any]] | None = None, **told: Any
) -> Sizes:
    service: dict[str, Any] = {"launchType": "FARGATE", "desiredCount": 4, "taskDefinition": DEFINITION}
    with ExitStack() as stack:
        ecs, scaling = (stack.enter_context(scripted(name)) for name in ("ecs", "application-autoscaling"))
        ecs.add_response(
            "describe_services", {"services": [service | told]}, {"cluster": "syncwell", "services": ["worker"]}
        )
        size = {"cpu": "512", "memory": "1024"} if definition is None else definition
        ecs.add_response("describe_task_definition", {"taskDefinition": size}, {"taskDefinition": DEFINITION})
        asked = {
            "ServiceNamespace": "ecs",
            "ResourceIds": ["service/syncwell/worker"],
            "ScalableDimension": "ecs:service:DesiredCount",
        }
        if targets is None:
            scaling.add_client_error("describe_scalable_targets", "AccessDeniedException", "no", 400)
        else:
            scaling.add_response("describe_scalable_targets", {"ScalableTargets": targets}, asked)
        return read_sizes(CLIENTS.__getitem__, SERVICE)


def target(least: int) -> dict[str, Any]:
    return {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/syncwell/worker",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": least,
        "MaxCapacity": 20,
        "RoleARN": "arn:aws:iam::111122223333:role/scaling",
        "CreationTime": 0,
    }


def test_a_service_that_is_scaled_keeps_its_least() -> None:
    found = look_at_service(targets=[target(2)])
    assert found == Sizes(task=TaskSize(vcpu=Decimal("0.5"), gb=Decimal(1), least=2))


def test_a_service_that_nothing_scales_keeps_all_that_is_desired() -> None:
    found = look_at_service(
        targets=[], definition={"cpu": "1024", "memory": "2048", "runtimePlatform": {"cpuArchitecture": "ARM64"}}
    )
    assert found == Sizes(task=TaskSize(vcpu=Decimal(1), gb=Decimal(2), arm=True, least=4))


def test_where_scaling_may_not_be_asked_nobody_knows_the_least() -> None:
    found = look_at_service()
    assert found.task is not None
    assert found.task.least is None
    assert found.gaps == ()


def test_tasks_of_other_prices_are_gaps() -> None:
    found = look_at_service(
        targets=[],
        launchType="EC2",
        deployments=[{"id": "a"}, {"id": "b"}],
        definition={
            "cpu": "512",
            "memory": "1024",
            "runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"},
            "ephemeralStorage": {"sizeInGiB": 40},
        },
    )
    assert [gap.partition(": ")[2][:24] for gap in found.gaps] == [
        "deployments are under wa",
        "not all its tasks run on",
        "its tasks run Windows, w",
        "its tasks have more stor",
    ]


def test_spot_tasks_are_not_priced_as_plain_ones() -> None:
    def strategy(*names: str) -> list[dict[str, Any]]:
        return [{"capacityProvider": name} for name in names]

    assert look_at_service(targets=[], capacityProviderStrategy=strategy("FARGATE")).gaps == ()
    assert look_at_service(targets=[], capacityProviderStrategy=strategy("FARGATE", "FARGATE_SPOT")).gaps != ()


def test_a_service_that_is_not_there_is_a_gap() -> None:
    with scripted("ecs") as stub:
        stub.add_response("describe_services", {"services": []})
        assert read_sizes(CLIENTS.__getitem__, SERVICE).gaps == ("service syncwell/worker: ECS knows no such service",)


def test_cache_nodes_have_their_type_and_engine() -> None:
    with scripted("elasticache") as stub:
        node = {"CacheNodeType": "cache.r7g.large", "Engine": "valkey", "NumCacheNodes": 1}
        stub.add_response("describe_cache_clusters", {"CacheClusters": [node]}, {"CacheClusterId": "syncwell-001"})
        found = read_sizes(CLIENTS.__getitem__, NODE)
    assert found == Sizes(nodes={"syncwell-001": NodeSize(kind="cache.r7g.large", engine="valkey")})
    with scripted("elasticache") as stub:
        stub.add_response("describe_cache_clusters", {"CacheClusters": []})
        assert "cannot be read" in read_sizes(CLIENTS.__getitem__, NODE).gaps[0]


def test_nodes_of_a_group_that_nobody_lists_are_a_gap() -> None:
    node = {"CacheNodeType": "a", "Engine": "valkey", "NumCacheNodes": 1, "ReplicationGroupId": "jobs"}
    group = {"MemberClusters": ["jobs-001", "jobs-002", "jobs-003"]}
    listed = Resources(cache=("jobs-001", "jobs-003"))
    with scripted("elasticache") as stub:
        stub.add_response("describe_cache_clusters", {"CacheClusters": [node]}, {"CacheClusterId": "jobs-001"})
        stub.add_response("describe_replication_groups", {"ReplicationGroups": [group]}, {"ReplicationGroupId": "jobs"})
        stub.add_response("describe_cache_clusters", {"CacheClusters": [node]}, {"CacheClusterId": "jobs-003"})
        found = read_sizes(CLIENTS.__getitem__, listed)
    assert found.gaps == (
        "cache group jobs: its node jobs-002 is not listed, so it is not counted; list it under resources.cache",
    )
    with scripted("elasticache") as stub:
        stub.add_response("describe_cache_clusters", {"CacheClusters": [node]})
        stub.add_client_error("describe_replication_groups", "AccessDenied", "not authorized")
        (gap,) = read_sizes(CLIENTS.__getitem__, Resources(cache=("jobs-001",))).gaps
    assert gap.startswith("cache group jobs: whether all its nodes are listed cannot be asked: ")


def test_a_serverless_cache_is_never_priced() -> None:
    (gap,) = read_sizes(CLIENTS.__getitem__, Resources(serverless_cache=("jobs",))).gaps
    assert gap == "serverless cache jobs: what ElastiCache Serverless bills is not looked at"
