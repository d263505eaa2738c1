"""boto3's own clients against a double, and what botocore's service model says an answer may hold."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from pytest_syncload.facts.capacity import Capacities
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Faults
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.getmetricdata import POINTS_A_CALL
from pytest_syncload.sandbox.http import Answer, Request
from pytest_syncload.sandbox.live import Live

KEY = "KEY"
#: Service time runs far ahead of wall time, as it does in a sandbox after a while.
CLOCK = ServiceClock.starting_now(offset_s=86_400, speed=60)
_NOTHING_OF_THE_USERS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


@cache
def client(service: str, url: str, *, region: str = "us-east-1", key: str = KEY) -> Any:
    """A client of ``service`` that tries once."""
    return _session().client(
        service,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key="s",
        config=Config(proxies={}, retries={"total_max_attempts": 1}),
    )


@cache
def model(service: str) -> Any:
    """botocore's public model of ``service``."""
    return botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS).get_service_model(service)


@cache  # reading the models of a service costs more than any call here
def _session() -> Any:
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS))


class Stage:
    """Serves the `Aws` that the test put here, and remembers its last answer."""

    def __init__(self) -> None:
        self.url = ""
        self.last = Answer(0, b"")
        self.touched: list[str] = []
        self.live = Live()
        self.put()

    def put(
        self,
        faults: Faults | None = None,
        *,
        capacities: Capacities | None = None,
        points_a_call: int = POINTS_A_CALL,
    ) -> None:
        """A fresh AWS, of which nothing is known yet."""
        self.live = Live()
        self.touched = []
        self.last = Answer(0, b"")
        self._aws = Aws(
            Store(),
            CLOCK,
            KEY,
            points_a_call,
            live=self.live,
            faults=faults,
            capacities=capacities,
            touched=self.touched.append,
        )

    def answer(self, request: Request) -> Answer:
        """The answer of what is on stage."""
        self.last = self._aws.answer(request)
        return self.last

    def client(self, service: str, *, region: str = "us-east-1", key: str = KEY) -> Any:
        """A client of ``service``."""
        return client(service, self.url, region=region, key=key)


def strangers(shape: Any, raw: Any, where: str = "") -> list[str]:
    """Members of a raw JSON answer that the model does not have, or whose value is of another kind."""
    kinds: dict[str, type | tuple[type, ...]] = {
        "string": str,
        "integer": int,
        "long": int,
        "boolean": bool,
        "double": float,
        "timestamp": (int, float),
        "map": dict,
    }
    match shape.type_name:
        case "structure":
            found = [f"{where}.{name}" for name in raw if name not in shape.members]
            for name, value in raw.items():
                if name in shape.members:
                    found += strangers(shape.members[name], value, f"{where}.{name}")
            return found
        case "list":
            return [one for n, value in enumerate(raw) for one in strangers(shape.member, value, f"{where}[{n}]")]
        case kind:
            right = isinstance(raw, kinds[kind]) and (kind == "boolean" or not isinstance(raw, bool))
            return [] if right and raw in (getattr(shape, "enum", None) or [raw]) else [f"{where} = {raw!r}"]
