"""Every operation of the AWS doubles through boto3's own client, over a socket, and against botocore's own model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import botocore.exceptions
import pytest
from botocore import xform_name

from pytest_syncload.facts.plan import Faults
from tests.sandbox.awsclients import CLOCK, Stage, client, model, strangers
from tests.sandbox.lines import line, task

QUEUE_URL = "http://127.0.0.1/111122223333/hot-path"
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("sts", "GetCallerIdentity", {}),
    ("sqs", "GetQueueUrl", {"QueueName": "hot-path"}),
    ("sqs", "GetQueueAttributes", {"QueueUrl": QUEUE_URL, "AttributeNames": ["All"]}),
    ("sqs", "ListQueues", {}),
    ("dynamodb", "DescribeTable", {"TableName": "sync-jobs"}),
    ("dynamodb", "ListTables", {}),
    ("elasticache", "DescribeReplicationGroups", {}),
    ("elasticache", "DescribeCacheClusters", {"ShowCacheNodeInfo": True}),
    ("ecs", "ListTasks", {"cluster": "syncwell", "serviceName": "worker"}),
    ("ecs", "DescribeTasks", {"cluster": "syncwell", "tasks": [task(1)["id"], task(2)["id"], "f" * 32]}),
    ("ecs", "DescribeTaskDefinition", {"taskDefinition": "worker:2"}),
    ("ecs", "ListServices", {"cluster": "syncwell"}),
    ("ecs", "DescribeServices", {"cluster": "syncwell", "services": ["worker", "other"]}),
    ("cloudwatch", "ListMetrics", {}),
    ("service-quotas", "GetAWSDefaultServiceQuota", {"ServiceCode": "fargate", "QuotaCode": "L-3032A538"}),
    ("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "ecs"}),
    ("service-quotas", "ListServiceQuotas", {"ServiceCode": "apigateway"}),
    ("pricing", "GetProducts", {"ServiceCode": "AmazonApiGateway", "MaxResults": 1}),
]


def method(operation: str) -> str:
    return str(xform_name(operation))


@pytest.fixture
def alive(stage: Stage) -> Stage:
    stage.put(Faults(index_capacity_per_s=5, table_capacity_per_s=9))
    crashed = task(2, desired_status="STOPPED", status="STOPPED", stopped=CLOCK.now(), exit_code=1, revision=2)
    stage.live.hear(line(tasks=[task(1), crashed], visible=7, not_visible=3))
    return stage


@pytest.mark.parametrize(("service", "operation", "members"), CALLS)
def test_answer_has_only_members_of_the_model(
    alive: Stage, service: str, operation: str, members: dict[str, Any]
) -> None:
    parsed = getattr(alive.client(service), method(operation))(**members)
    metadata = parsed.pop("ResponseMetadata")
    assert metadata["HTTPStatusCode"] == 200
    assert metadata["RequestId"]
    shape = model(service).operation_model(operation).output_shape
    if alive.last.content_type == b"text/xml":
        # Whatever botocore could not place is missing from what it parsed.
        assert sorted(leaves(parsed)) == sorted(texts(alive.last.body, f"{operation}Result"))
    else:
        assert strangers(shape, json.loads(alive.last.body)) == []
        assert set(parsed) >= set(json.loads(alive.last.body))


@pytest.mark.parametrize(("service", "operation", "members"), CALLS)
def test_expired_credentials_are_refused_as_the_protocol_has_it(
    stage: Stage, service: str, operation: str, members: dict[str, Any]
) -> None:
    stage.put(Faults(expired_credentials=True))
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(stage.client(service), method(operation))(**members)
    query = service in ("sts", "elasticache")
    assert refused.value.response["Error"]["Code"] == ("ExpiredToken" if query else "ExpiredTokenException")
    assert status(refused) == (400 if service in ("dynamodb", "service-quotas", "application-autoscaling") else 403)


@pytest.mark.parametrize(("service", "operation", "members"), CALLS)
def test_access_key_of_somebody_else_is_refused(
    alive: Stage, service: str, operation: str, members: dict[str, Any]
) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(alive.client(service, key="AKIAUSER"), method(operation))(**members)
    query = service in ("sts", "elasticache")
    code = "InvalidClientTokenId" if query else "UnrecognizedClientException"
    assert refused.value.response["Error"]["Code"] == code


@pytest.mark.parametrize(("service", "operation", "members"), CALLS)
def test_what_is_denied_is_refused_by_its_iam_action_and_nothing_else_is(
    stage: Stage, service: str, operation: str, members: dict[str, Any]
) -> None:
    action = f"{service.replace('service-quotas', 'servicequotas')}:{operation}"
    stage.put(Faults(denied=(action, "else:Else")))
    with pytest.raises(botocore.exceptions.ClientError, match=f"perform: {action}") as refused:
        getattr(stage.client(service), method(operation))(**members)
    code = "AccessDenied" if service in ("sts", "elasticache") else "AccessDeniedException"
    assert refused.value.response["Error"]["Code"] == code
    other = "cloudwatch" if service != "cloudwatch" else "sts"
    assert getattr(stage.client(other), "list_metrics" if other == "cloudwatch" else "get_caller_identity")()


ELSEWHERE: list[tuple[str, str, dict[str, Any], str]] = [
    ("sqs", "GetQueueUrl", {"QueueName": "hot-path"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("sqs", "GetQueueAttributes", {"QueueUrl": QUEUE_URL}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("dynamodb", "DescribeTable", {"TableName": "sync-jobs"}, "ResourceNotFoundException"),
    ("elasticache", "DescribeReplicationGroups", {"ReplicationGroupId": "syncwell"}, "ReplicationGroupNotFoundFault"),
    ("elasticache", "DescribeCacheClusters", {"CacheClusterId": "syncwell-001"}, "CacheClusterNotFound"),
    ("ecs", "ListTasks", {"cluster": "syncwell"}, "ClusterNotFoundException"),
    ("ecs", "DescribeTaskDefinition", {"taskDefinition": "worker"}, "ClientException"),
]


@pytest.mark.parametrize(("service", "operation", "members", "code"), ELSEWHERE)
def test_elsewhere_there_is_nothing(
    alive: Stage, service: str, operation: str, members: dict[str, Any], code: str
) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(alive.client(service, region="eu-west-1"), method(operation))(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert code in (one.__name__ for one in errors(service)) or service not in ("dynamodb", "ecs")


def test_lists_are_empty_elsewhere_but_the_account_is_the_same(alive: Stage) -> None:
    def there(service: str) -> Any:
        return alive.client(service, region="eu-west-1")

    assert "QueueUrls" not in there("sqs").list_queues()
    assert there("dynamodb").list_tables()["TableNames"] == []
    assert there("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert there("elasticache").describe_cache_clusters()["CacheClusters"] == []
    assert there("cloudwatch").list_metrics()["Metrics"] == []
    assert there("sts").get_caller_identity()["Account"] == "111122223333"


def errors(service: str) -> list[Any]:
    exceptions = client(service, "http://127.0.0.1:1").exceptions
    return [getattr(exceptions, shape.name) for shape in model(service).error_shapes]


def status(refused: pytest.ExceptionInfo[botocore.exceptions.ClientError]) -> int:
    return int(refused.value.response["ResponseMetadata"]["HTTPStatusCode"])


def leaves(parsed: Any) -> list[str]:
    if isinstance(parsed, Mapping):
        return [leaf for value in parsed.values() for leaf in leaves(value)]
    if isinstance(parsed, list):
        return [leaf for value in parsed for leaf in leaves(value)]
    if hasattr(parsed, "timestamp"):
        return [parsed.strftime("%Y-%m-%dT%H:%M:%S.000Z")]
    return [str(parsed).lower() if isinstance(parsed, bool) else str(parsed)]


def texts(xml: bytes, root: str) -> list[str]:
    tree = ElementTree.fromstring(xml)
    return [
        element.text or ""
        for result in tree
        if result.tag.endswith(root)
        for element in result.iter()
        if not len(element) and element is not result and (element.text or not element.tag.endswith("s"))
    ]
