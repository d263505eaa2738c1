"""SQS through boto3: the counted depth, what wakes a queue, and what AWS says to a wrong name."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import pytest

from tests.sandbox.awsclients import Stage
from tests.sandbox.lines import line

DEPTH = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


@pytest.fixture
def sqs(stage: Stage) -> Any:
    stage.put()
    return stage.client("sqs")


def test_depth_is_the_counted_one(stage: Stage, sqs: Any) -> None:
    url = sqs.get_queue_url(QueueName="hot-path")["QueueUrl"]
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=DEPTH)["Attributes"] == dict.fromkeys(DEPTH, "0")
    stage.live.hear(line(visible=1_234, not_visible=9))
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=DEPTH)["Attributes"]
    assert told == dict(zip(DEPTH, ("1234", "9"), strict=True))


def test_url_names_the_address_that_was_asked(stage: Stage, sqs: Any) -> None:
    url = sqs.get_queue_url(QueueName="hot-path", QueueOwnerAWSAccountId="111122223333")["QueueUrl"]
    assert url == f"{stage.url}/111122223333/hot-path"
    assert sqs.list_queues()["QueueUrls"] == [url]
    assert sqs.list_queues(QueueNamePrefix="hot", MaxResults=5)["QueueUrls"] == [url]
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix="cold")


def test_attributes_that_nobody_set_are_left_out(stage: Stage, sqs: Any) -> None:
    url = f"{stage.url}/111122223333/hot-path"
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url)
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All", "Policy"])["Attributes"]
    assert told["QueueArn"] == "arn:aws:sqs:us-east-1:111122223333:hot-path"
    assert "Policy" not in told


def test_only_a_question_about_the_queue_itself_wakes_it(stage: Stage, sqs: Any) -> None:
    sqs.list_queues()
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="cold-path")
    assert stage.touched == []
    url = sqs.get_queue_url(QueueName="hot-path")["QueueUrl"]
    sqs.get_queue_attributes(QueueUrl=url)
    assert stage.touched == ["hot-path", "hot-path"]


NONE = "AWS.SimpleQueueService.NonExistentQueue"
HERE = "http://127.0.0.1/111122223333/hot-path"
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("get_queue_url", {"QueueName": "hot-paht"}, NONE),
    ("get_queue_url", {"QueueName": "hot-path", "QueueOwnerAWSAccountId": "999999999999"}, NONE),
    ("get_queue_url", {"QueueName": "hot path"}, "InvalidParameterValue"),
    ("get_queue_attributes", {"QueueUrl": HERE.replace("hot", "cold")}, NONE),
    ("get_queue_attributes", {"QueueUrl": "hot-path"}, "InvalidAddress"),
    ("get_queue_attributes", {"QueueUrl": HERE, "AttributeNames": ["Depth"]}, "InvalidAttributeName"),
    ("get_queue_attributes", {"QueueUrl": HERE, "AttributeNames": ["FifoQueue"]}, "InvalidAttributeName"),
    ("list_queues", {"MaxResults": 1_001}, "InvalidParameterValue"),
    ("list_queues", {"NextToken": "x"}, "AWS.SimpleQueueService.UnsupportedOperation"),
    ("send_message", {"QueueUrl": HERE, "MessageBody": "x"}, "InvalidAction"),
]


@pytest.mark.parametrize(("operation", "members", "code"), WRONG)
def test_wrong_question_is_an_error(sqs: Any, operation: str, members: dict[str, Any], code: str) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        getattr(sqs, operation)(**members)
    assert refused.value.response["Error"]["Code"] == code
    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-query-error"] == f"{code};Sender"
