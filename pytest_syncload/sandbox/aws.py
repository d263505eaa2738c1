"""AWS as boto3 meets it: one address for all services, told apart by the credential scope of the signature.

Signatures are not verified; the access key must be the one the sandbox gave out, so that a client that took the user's
own credentials is found out. What the sandbox has stands in one region: in any other there is nothing, as with AWS.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.awserror import AwsError, refusal
from pytest_syncload.sandbox.awsjson import JsonService
from pytest_syncload.sandbox.awsquery import QueryService
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.dynamodb import DynamoDb
from pytest_syncload.sandbox.ecs import Ecs
from pytest_syncload.sandbox.elasticache import ElastiCache
from pytest_syncload.sandbox.getmetricdata import POINTS_A_CALL
from pytest_syncload.sandbox.http import Answer, Request
from pytest_syncload.sandbox.live import Live
from pytest_syncload.sandbox.monitoring import CloudWatch
from pytest_syncload.sandbox.names import REGION
from pytest_syncload.sandbox.pricing import PriceList
from pytest_syncload.sandbox.scaling import scaling
from pytest_syncload.sandbox.servicequotas import ServiceQuotas
from pytest_syncload.sandbox.sqs import Sqs
from pytest_syncload.sandbox.sts import sts

#: AWS General Reference, "Create a signed AWS API request": access key/date/region/service/aws4_request.
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([\w-]+)/([\w-]+)/aws4_request")
#: What AWS has was made a day before the sandbox began.
_OLDER_S = 86_400.0
#: The supervisor publishes with the keys that a fault lets expire for everybody else.
_NEVER_EXPIRED = "PutMetricData"
#: What IAM calls a service where the signature has another name.
_IAM = {"monitoring": "cloudwatch"}


class Aws:
    """Answers POST / in the clock's service time: CloudWatch from ``store``, the back end's services from ``live``.

    ``touched`` is told a queue's name when a question wakes it.
    """

    def __init__(
        self,
        store: Store,
        clock: ServiceClock,
        access_key_id: str,
        points_a_call: int = POINTS_A_CALL,
        *,
        live: Live | None = None,
        faults: Faults | None = None,
        capacities: Capacities | None = None,
        touched: Callable[[str], None] = lambda queue: None,
    ) -> None:
        self._access_key_id = access_key_id
        self._faults = faults or Faults()
        back_end = live or Live()
        created = clock.origin - _OLDER_S

        @cache  # each region has metrics of its own, and they stay
        def region(name: str) -> dict[str, Callable[[str], JsonService | QueryService]]:
            here = name == REGION
            world = back_end if here else None
            metrics = store if here else Store()
            cloudwatch = CloudWatch(metrics, clock, self._faults, points_a_call).service()
            ecs = Ecs(world, clock, created).service()
            dynamodb = DynamoDb(here, created, self._faults, capacities).service()
            elasticache = ElastiCache(here, created).service()
            identity, quotas, scaled = sts(), ServiceQuotas(name, self._faults).service(), scaling()
            prices = PriceList().service()
            return {
                "monitoring": lambda host: cloudwatch,
                "ecs": lambda host: ecs,
                "sqs": Sqs(world, created, touched).service,
                "dynamodb": lambda host: dynamodb,
                "elasticache": lambda host: elasticache,
                "sts": lambda host: identity,
                "servicequotas": lambda host: quotas,
                "application-autoscaling": lambda host: scaled,
                "pricing": lambda host: prices,
            }

        self._region = region

    def answer(self, request: Request) -> Answer:
        """The answer to one request, errors included."""
        signed = _CREDENTIAL.match(request.header("authorization"))
        if signed is None:
            error = refusal("MissingAuthenticationToken", "Request is missing a Signature Version 4 Authorization", 403)
            return _of_no_service(request, error)
        key, region, name = signed.groups()
        made = self._region(region).get(name)
        if made is None:
            message = f"the sandbox does not implement the service {name}"
            return _of_no_service(request, AwsError("UnknownOperationException", "InvalidAction", message, 404))
        service = made(request.header("host"))

        def admit(operation: str) -> None:
            if key != self._access_key_id:
                raise service.unknown_key()
            if self._faults.expired_credentials and operation != _NEVER_EXPIRED:
                raise service.expired()
            if (action := f"{_IAM.get(name, name)}:{operation}") in self._faults.denied:
                raise service.denied(action)

        return service.answer(request, admit)


def _of_no_service(request: Request, error: AwsError) -> Answer:
    """An error in the protocol that the request seems to be in."""
    if request.header("x-amz-target"):
        return JsonService(target="", version="1.0", namespace="", operations={}).refused(error)
    return QueryService(version="", namespace="", operations={}).refused(error)
