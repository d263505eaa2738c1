"""What slo.yaml lists beside what AWS has: botocore's Stubber for every shape, and moto, an AWS that is not ours."""

from __future__ import annotations

from typing import Any

import pytest
from moto import mock_aws

from pytest_syncload.facts.check import Check, Finding
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import AwsAccess, Environment, Resources, SandboxSettings
from pytest_syncload.sandbox.launch import launch
from pytest_syncload.sources.aws import client
from pytest_syncload.sources.inventory import Found, cache, everything, queue, service, tables, tasks
from tests.sources.stubs import CLIENTS, REGION, ROWS, only, scripted

REAL = AwsAccess(region=REGION)
RESOURCES = Resources(
    tables={"sync-jobs": ("by-user",)},
    queue="hot-path",
    ecs_cluster="syncwell",
    ecs_service="worker",
    cache=("syncwell-001", "syncwell-002"),
)


# Tables.


def table(*indexes: str, status: str = "ACTIVE") -> dict[str, Any]:
    described: dict[str, Any] = {"TableName": "sync-jobs", "TableStatus": status}
    if indexes:
        described["GlobalSecondaryIndexes"] = [{"IndexName": index} for index in indexes]
    return {"Table": described}


def look_at_table(answer: dict[str, Any], *listed: str) -> Found:
    with scripted("dynamodb") as stub:
        stub.add_response("describe_table", answer, {"TableName": "sync-jobs"})
        return tables(CLIENTS["dynamodb"], Resources(tables={"sync-jobs": listed}), REGION, ROWS)


def test_a_table_with_exactly_the_listed_indexes_is_right() -> None:
    found = look_at_table(table("by-user", "by-day"), "by-day", "by-user")
    assert (found.there, found.missing) == (1, ())
    check = only(found)
    assert (check.name, check.finding) == ("table sync-jobs", Finding.OK)
    assert check.says == "is ACTIVE with by-user, by-day"
    assert only(look_at_table(table())).says == "is ACTIVE"


def test_an_index_that_is_not_listed_is_named_with_where_to_list_it() -> None:
    found = look_at_table(table("by-user", "by-day"), "by-user")
    assert only(found).failed
    assert only(found).says == (
        "index 'by-day' is not listed, and its throttles would go unseen; list it under resources.tables.sync-jobs"
    )
    assert found.there == 1


def test_an_index_that_is_not_there_is_named_with_what_it_may_be_meant() -> None:
    check = only(look_at_table(table("by-user"), "by-user", "by-users"))
    assert check.failed
    assert check.says == (
        "there is no global index 'by-users' (did you mean 'by-user'?); correct resources.tables.sync-jobs"
    )
    both = only(look_at_table(table("by-user"), "zzz"))
    assert "'by-user' is not listed" in both.says
    assert "no global index 'zzz'; correct" in both.says


def test_a_table_that_is_not_active_is_not_ready() -> None:
    check = only(look_at_table(table(status="CREATING")))
    assert check.failed
    assert check.says == "it is CREATING; wait until it is ACTIVE"


def test_a_table_that_is_not_there_is_missing() -> None:
    with scripted("dynamodb") as stub:
        stub.add_client_error("describe_table", "ResourceNotFoundException", "no", 400)
        stub.add_response("list_tables", {"TableNames": ["sync-job", "users"]}, {})
        found = tables(CLIENTS["dynamodb"], RESOURCES, REGION, ROWS)
    assert (found.there, found.checks) == (0, ())
    assert only(found).says == (
        "eu-west-1 has no table 'sync-jobs' (did you mean 'sync-job'?); correct resources.tables"
    )


def test_a_table_that_may_not_be_described_is_a_failed_check_and_not_a_missing_one() -> None:
    with scripted("dynamodb") as stub:
        stub.add_client_error("describe_table", "AccessDeniedException", "no", 400)
        found = tables(CLIENTS["dynamodb"], RESOURCES, REGION, ROWS)
    assert (found.there, found.missing) == (0, ())
    assert "allow dynamodb:DescribeTable" in only(found).says


# The queue.

URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/hot-path"


def look_at_queue(**attributes: str) -> Check:
    with scripted("sqs") as stub:
        stub.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "hot-path"})
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        asked = {"QueueUrl": URL, "AttributeNames": names}
        stub.add_response("get_queue_attributes", {"Attributes": attributes}, asked)
        return only(queue(CLIENTS["sqs"], RESOURCES, REGION, ROWS))


def test_an_empty_queue_is_right_and_was_touched() -> None:
    check = look_at_queue(ApproximateNumberOfMessages="0", ApproximateNumberOfMessagesNotVisible="0")
    assert (check.name, check.finding) == ("queue hot-path", Finding.OK)


def test_a_queue_that_holds_messages_is_noted_with_their_number() -> None:
    check = look_at_queue(ApproximateNumberOfMessages="40", ApproximateNumberOfMessagesNotVisible="2")
    assert check.finding is Finding.NOTE
    assert "about 42 messages" in check.says


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"])
def test_a_queue_that_is_not_there_is_missing_and_the_nearest_is_named_if_allowed(code: str) -> None:
    with scripted("sqs") as stub:
        stub.add_client_error("get_queue_url", code, "no", 400)
        stub.add_response("list_queues", {"QueueUrls": [URL + "s", URL.replace("hot-path", "cold")]}, {})
        found = queue(CLIENTS["sqs"], RESOURCES, REGION, ROWS)
    assert only(found).says == (
        "eu-west-1 has no queue 'hot-path' (did you mean 'hot-paths'?); correct resources.queue"
    )
    with scripted("sqs") as stub:
        stub.add_client_error("get_queue_url", code, "no", 400)
        stub.add_client_error("list_queues", "AccessDenied", "no", 403)
        found = queue(CLIENTS["sqs"], RESOURCES, REGION, ROWS)
    assert only(found).says == "eu-west-1 has no queue 'hot-path'; correct resources.queue"
    assert found.missing


def test_a_queue_that_may_not_be_asked_is_a_failed_check() -> None:
    with scripted("sqs") as stub:
        stub.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": "hot-path"})
        stub.add_client_error("get_queue_attributes", "AccessDenied", "no", 403)
        found = queue(CLIENTS["sqs"], RESOURCES, REGION, ROWS)
    assert only(found).failed
    assert "allow sqs:GetQueueAttributes" in only(found).says


# The cache.


def group(*members: str, name: str = "syncwell", status: str = "available") -> dict[str, Any]:
    return {"ReplicationGroupId": name, "Status": status, "MemberClusters": list(members)}


def look_at_cache(*groups: dict[str, Any], alone: tuple[str, ...] | None = None) -> Found:
    with scripted("elasticache") as stub:
        stub.add_response("describe_replication_groups", {"ReplicationGroups": list(groups)}, {})
        if alone is not None:
            asked = {"ShowCacheClustersNotInReplicationGroups": True}
            answer = {"CacheClusters": [{"CacheClusterId": node} for node in alone]}
            stub.add_response("describe_cache_clusters", answer, asked)
        return cache(CLIENTS["elasticache"], RESOURCES, REGION, ROWS)


def test_a_group_whose_members_are_all_listed_is_right() -> None:
    found = look_at_cache(group("other-001", name="other"), group("syncwell-001", "syncwell-002"))
    assert only(found).finding is Finding.OK
    assert only(found).says == "is available with syncwell-001, syncwell-002"
    assert found.there == 1


def test_a_member_that_is_not_listed_is_named_with_where_to_list_it() -> None:
    check = only(look_at_cache(group("syncwell-001", "syncwell-002", "syncwell-003")))
    assert check.failed
    assert check.says == "syncwell-003 belongs to it and would go unseen; list it under resources.cache"


def test_a_group_that_is_being_changed_is_noted() -> None:
    check = only(look_at_cache(group("syncwell-001", "syncwell-002", status="modifying")))
    assert (check.finding, check.says) == (Finding.NOTE, "is modifying, which may show in its CPU")


def test_a_node_may_be_a_cluster_of_its_own() -> None:
    found = look_at_cache(group("syncwell-001"), alone=("syncwell-002", "third"))
    assert [check.name for check in found.checks] == ["cache syncwell", "cache node syncwell-002"]
    assert (found.there, found.missing) == (2, ())


def test_a_node_that_is_not_there_is_missing() -> None:
    found = look_at_cache(group("syncwell-001"), alone=())
    (check,) = found.missing
    assert check.name == "cache node syncwell-002"
    assert check.says == (
        "eu-west-1 has no cache node 'syncwell-002' (did you mean 'syncwell-001'?); correct resources.cache"
    )
    assert check.rows == ROWS


def test_all_pages_of_groups_are_read() -> None:
    with scripted("elasticache") as stub:
        first = {"ReplicationGroups": [group("other-001", name="other")], "Marker": "more"}
        stub.add_response("describe_replication_groups", first, {})
        rest = {"ReplicationGroups": [group("syncwell-001", "syncwell-002")]}
        stub.add_response("describe_replication_groups", rest, {"Marker": "more"})
        assert only(cache(CLIENTS["elasticache"], RESOURCES, REGION, ROWS)).finding is Finding.OK


def test_a_cache_that_may_not_be_described_is_a_failed_check() -> None:
    with scripted("elasticache") as stub:
        stub.add_client_error("describe_replication_groups", "AccessDenied", "no", 403)
        check = only(cache(CLIENTS["elasticache"], RESOURCES, REGION, ROWS))
    assert "allow elasticache:DescribeReplicationGroups" in check.says


# The service and its tasks.


def told(running: int = 2, desired: int = 2, status: str = "ACTIVE", deployments: int = 1) -> dict[str, Any]:
    return {
        "serviceName": "worker",
        "status": status,
        "runningCount": running,
        "desiredCount": desired,
        "deployments": [{"id": f"ecs-svc/{number}"} for number in range(deployments)],
    }


def look_at_service(one: dict[str, Any]) -> Check:
    with scripted("ecs") as stub:
        stub.add_response("describe_services", {"services": [one]}, {"cluster": "syncwell", "services": ["worker"]})
        found = service(CLIENTS["ecs"], RESOURCES, REGION, ROWS)
    assert found.there == 1
    return only(found)


@pytest.mark.parametrize(
    ("one", "finding", "says"),
    [
        (told(), Finding.OK, "runs 2 of 2 tasks"),
        (told(running=1), Finding.NOTE, "runs 1 of 2 tasks"),
        (told(deployments=2), Finding.NOTE, "runs 2 of 2 tasks while 2 deployments are under way"),
        (told(running=0), Finding.FAILED, "runs none of 2 tasks; start it, or look at its events"),
        (told(running=0, desired=0), Finding.FAILED, "runs none of 0 tasks; start it, or look at its events"),
        (told(status="DRAINING"), Finding.FAILED, "is DRAINING; a service that is going away cannot be judged"),
    ],
)
def test_a_service_must_run(one: dict[str, Any], finding: Finding, says: str) -> None:
    check = look_at_service(one)
    assert (check.name, check.finding, check.says) == ("service syncwell/worker", finding, says)


@pytest.mark.parametrize(
    "answer",
    [
        {"services": [], "failures": [{"arn": "arn:aws:ecs:x:service/worker", "reason": "MISSING"}]},
        {"services": [told(running=0, status="INACTIVE")]},
    ],
    ids=["missing", "deleted"],
)
def test_a_service_that_is_not_there_is_missing(answer: dict[str, Any]) -> None:
    with scripted("ecs") as stub:
        stub.add_response("describe_services", answer)
        arns = [f"arn:aws:ecs:x:service/syncwell/{name}" for name in ("worker", "workers")]
        stub.add_response("list_services", {"serviceArns": arns}, {"cluster": "syncwell"})
        found = service(CLIENTS["ecs"], RESOURCES, REGION, ROWS)
    assert found.missing
    assert only(found).says == (
        "the ECS cluster 'syncwell' in eu-west-1 has no service 'worker' (did you mean 'workers'?); correct "
        "resources.ecs.service"
    )


def test_a_cluster_that_is_not_there_is_missing() -> None:
    with scripted("ecs") as stub:
        stub.add_client_error("describe_services", "ClusterNotFoundException", "no", 400)
        stub.add_response("list_clusters", {"clusterArns": ["arn:aws:ecs:x:cluster/syncwell-2"]}, {})
        found = service(CLIENTS["ecs"], RESOURCES, REGION, ROWS)
    assert found.missing
    assert "no ECS cluster 'syncwell' (did you mean 'syncwell-2'?); correct resources.ecs.cluster" in only(found).says


def test_a_service_that_may_not_be_described_is_a_failed_check() -> None:
    with scripted("ecs") as stub:
        stub.add_client_error("describe_services", "AccessDeniedException", "no", 400)
        assert "allow ecs:DescribeServices" in only(service(CLIENTS["ecs"], RESOURCES, REGION, ROWS)).says


def test_the_tasks_must_be_readable_before_a_phase() -> None:
    with scripted("ecs") as stub:
        stub.add_response("list_tasks", {"taskArns": []})
        stub.add_response("list_tasks", {"taskArns": []})
        check = only(tasks(CLIENTS["ecs"], RESOURCES, REGION, ROWS))
    assert (check.finding, check.says) == (Finding.NOTE, "0 can be listed and described")
    with scripted("ecs") as stub:
        stub.add_client_error("list_tasks", "AccessDeniedException", "no", 400)
        check = only(tasks(CLIENTS["ecs"], RESOURCES, REGION, ROWS))
    assert check.failed
    assert "allow ecs:ListTasks" in check.says


def test_that_the_service_is_not_there_is_said_once() -> None:
    with scripted("ecs") as stub:
        stub.add_client_error("list_tasks", "ServiceNotFoundException", "no", 400)
        assert tasks(CLIENTS["ecs"], RESOURCES, REGION, ROWS) == Found()


# All of it.


def test_what_is_not_listed_is_not_asked_for() -> None:
    nothing = Resources()
    for look, name in ((tables, "dynamodb"), (queue, "sqs"), (cache, "elasticache"), (service, "ecs"), (tasks, "ecs")):
        with scripted(name):
            assert look(CLIENTS[name], nothing, REGION) == Found()


def missing(name: str, *rows: str) -> Found:
    return Found(missing=(Check(name=name, finding=Finding.FAILED, says=f"no {name}", rows=rows),))


def test_where_nothing_exists_the_region_is_asked_for_once() -> None:
    account = Found(checks=(Check(name="x", finding=Finding.OK, says="y"),))
    checks = everything([account, missing("queue q", "a", "b"), missing("table t", "b", "c")], "eu-west-1")
    assert [check.name for check in checks] == ["x", "region eu-west-1"]
    assert checks[1].failed
    assert checks[1].rows == ("a", "b", "c")
    assert checks[1].says.startswith("nothing of what slo.yaml lists exists in eu-west-1: queue q, table t; is the ")


def test_where_something_exists_every_missing_name_is_said() -> None:
    there = Found(checks=(Check(name="cache", finding=Finding.OK, says="y"),), there=1)
    checks = everything([missing("queue q"), there, missing("table t")], "eu-west-1")
    assert [check.name for check in checks] == ["cache", "queue q", "table t"]
    assert [check.name for check in everything([missing("queue q")], "eu-west-1")] == ["queue q"]
    assert everything([], "eu-west-1") == ()


# Over real sockets: the sandbox's doubles.


def test_the_sandbox_has_all_that_it_is_said_to_have() -> None:
    sandbox = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
    try:
        environment = sandbox.fill(Environment(name="sandbox", line=1))
        assert environment.aws is not None
        assert environment.resources is not None
        looks = ((tables, "dynamodb"), (queue, "sqs"), (cache, "elasticache"), (service, "ecs"), (tasks, "ecs"))
        found = [
            look(client(name, environment.aws), environment.resources, environment.aws.region) for look, name in looks
        ]
    finally:
        sandbox.close()
    checks = everything(found, environment.aws.region)
    assert [check.name for check in checks] == [
        "table sync-jobs",
        "queue hot-path",
        "cache syncwell",
        "service syncwell/worker",
        "tasks",
    ]
    assert [check.says for check in checks if check.failed] == []


# A second opinion: moto is not ours.


@mock_aws
def test_moto_has_what_was_made_and_nothing_else() -> None:
    made = {name: client(name, REAL) for name in CLIENTS}
    looks = ((tables, "dynamodb"), (queue, "sqs"), (cache, "elasticache"), (service, "ecs"))
    (check,) = everything([look(made[name], RESOURCES, REGION, ROWS) for look, name in looks], REGION)
    assert check.name == "region eu-west-1"

    made["dynamodb"].create_table(
        TableName="sync-jobs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "user")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-user",
                "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    url = made["sqs"].create_queue(QueueName="hot-path")["QueueUrl"]
    made["elasticache"].create_replication_group(
        ReplicationGroupId="syncwell", ReplicationGroupDescription="of two nodes", NumCacheClusters=1
    )
    made["elasticache"].create_cache_cluster(
        CacheClusterId="syncwell-002", Engine="redis", NumCacheNodes=1, CacheNodeType="cache.t3.micro"
    )
    made["ecs"].create_cluster(clusterName="syncwell")
    made["ecs"].register_task_definition(
        family="worker", containerDefinitions=[{"name": "worker", "image": "worker", "memory": 512}]
    )
    made["ecs"].create_service(cluster="syncwell", serviceName="worker", taskDefinition="worker", desiredCount=2)
    found = {name: look(made[name], RESOURCES, REGION, ROWS) for look, name in looks}
    assert not any(one.missing for one in found.values())
    assert only(found["dynamodb"]).says == "is ACTIVE with by-user"
    assert only(found["sqs"]).finding is Finding.OK
    assert [check.finding for check in found["elasticache"].checks] == [Finding.OK, Finding.OK]
    # Its services start no tasks.
    assert only(found["ecs"]).says.startswith("runs none of 2 tasks")

    made["sqs"].send_message(QueueUrl=url, MessageBody="left over")
    assert "about 1 message," in only(queue(made["sqs"], RESOURCES, REGION, ROWS)).says
