"""SQS as the sandbox has it: one standard queue, whose counts are those of the stand-in's own back end.

Error names and attributes: Amazon SQS API Reference, GetQueueAttributes and GetQueueUrl. Messages cannot be sent or
received here; the back end has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_syncload.sandbox.awserror import AwsError, known_members, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.live import Live
from pytest_syncload.sandbox.names import ACCOUNT, QUEUE, REGION

_URL = re.compile(r"https?://[^/]+/(\d{12})/([\w-]{1,80}(?:\.fifo)?)")
_NAME = re.compile(r"[\w-]{1,80}")
_MOST_QUEUES = 1000
#: Attributes that SQS knows and that this queue has not set; they are left out of an answer.
_UNSET = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"})


class Sqs:
    """The queue of a region, or none of it (``live`` None). ``touched`` hears of each question that wakes a queue."""

    def __init__(self, live: Live | None, created: float, touched: Callable[[str], None]) -> None:
        self._live = live
        self._created = str(int(created))
        self._touched = touched

    def service(self, host: str) -> JsonService:
        """The service as asked at ``host``, which queue URLs name: a client may call the URL it was given."""
        return JsonService(
            target="AmazonSQS.",
            version="1.0",
            namespace="com.amazonaws.sqs#",
            query_compatible=True,
            operations={
                "GetQueueUrl": lambda request: self._get_queue_url(request, host),
                "GetQueueAttributes": self._get_queue_attributes,
                "ListQueues": lambda request: self._list_queues(request, host),
            },
        )

    def _get_queue_url(self, request: Mapping[str, Any], host: str) -> dict[str, Any]:
        known_members(request, {"QueueName", "QueueOwnerAWSAccountId"}, "GetQueueUrl", _unsupported)
        name = request.get("QueueName")
        if not isinstance(name, str) or not _NAME.fullmatch(name.removesuffix(".fifo")):
            message = "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
            raise AwsError("InvalidParameterValueException", "InvalidParameterValue", message)
        self._known(name, request.get("QueueOwnerAWSAccountId", ACCOUNT))
        return {"QueueUrl": _url(host)}

    def _get_queue_attributes(self, request: Mapping[str, Any]) -> dict[str, Any]:
        known_members(request, {"QueueUrl", "AttributeNames"}, "GetQueueAttributes", _unsupported)
        url = request.get("QueueUrl")
        parts = _URL.fullmatch(url) if isinstance(url, str) else None
        if parts is None:
            raise refusal("InvalidAddress", f"The address {url} is not valid for this endpoint.", 404)
        live = self._known(parts[2], parts[1])
        there = self._attributes(live)
        wanted: dict[str, str] = {}
        for name in request.get("AttributeNames") or []:
            if name == "All":
                wanted |= there
            elif name in there:
                wanted[name] = there[name]
            elif name not in _UNSET:
                raise refusal("InvalidAttributeName", f"Unknown Attribute {name}.")
        return {"Attributes": wanted} if wanted else {}

    def _list_queues(self, request: Mapping[str, Any], host: str) -> dict[str, Any]:
        known_members(request, {"QueueNamePrefix", "MaxResults"}, "ListQueues", _unsupported)
        most = request.get("MaxResults", _MOST_QUEUES)
        if not isinstance(most, int) or not 1 <= most <= _MOST_QUEUES:
            message = f"Value for parameter MaxResults is invalid. Reason: must be from 1 to {_MOST_QUEUES}"
            raise AwsError("InvalidParameterValueException", "InvalidParameterValue", message)
        if self._live is None or not QUEUE.startswith(request.get("QueueNamePrefix") or ""):
            return {}
        return {"QueueUrls": [_url(host)]}

    def _known(self, name: str, account: str) -> Live:
        if self._live is None or name != QUEUE or account != ACCOUNT:
            message = "The specified queue does not exist."
            raise AwsError("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", message)
        self._touched(name)
        return self._live

    def _attributes(self, live: Live) -> dict[str, str]:
        return {
            "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{QUEUE}",
            "ApproximateNumberOfMessages": str(live.queue["visible"]),
            "ApproximateNumberOfMessagesNotVisible": str(live.queue["not_visible"]),
            "ApproximateNumberOfMessagesDelayed": "0",
            "CreatedTimestamp": self._created,
            "LastModifiedTimestamp": self._created,
            "VisibilityTimeout": "30",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
        }


def _url(host: str) -> str:
    return f"http://{host}/{ACCOUNT}/{QUEUE}"


def _unsupported(message: str) -> AwsError:
    return AwsError("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", message)
