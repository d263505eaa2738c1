"""Publishes the service's minutes to the CloudWatch double as AWS would: by PutMetricData, at the minute's start.

What a minute looks like stands in `datums`. It must never read the user's own AWS configuration.
"""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from pytest_syncload.facts.clock import MINUTE, ServiceClock
from pytest_syncload.sandbox.cloudwatch import DATUMS_A_CALL
from pytest_syncload.sandbox.datums import datums

#: (name in the config file, variables, default, conversion). `set_config_variable("profile", None)` would not do: None
#: counts as not set, and AWS_PROFILE is read after all.
_NOTHING_OF_THE_USERS = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def client(*, endpoint_url: str, access_key_id: str, secret_access_key: str, region: str) -> Any:
    """A CloudWatch client that reads no profile, no file, no proxy of the user's."""
    session = botocore.session.Session(session_vars=_NOTHING_OF_THE_USERS)
    return boto3.session.Session(
        botocore_session=session,
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=region,
    ).client("cloudwatch", endpoint_url=endpoint_url, config=Config(proxies={}))


def publish(cloudwatch: Any, counts: Mapping[str, Any], missing: tuple[str, ...] = ()) -> None:
    """Put one minute's counts (`Minute.counts`), without the metrics named in ``missing``. A call has one namespace."""
    for namespace, data in datums(counts).items():
        kept = [datum for datum in data if datum["MetricName"] not in missing]
        for first in range(0, len(kept), DATUMS_A_CALL):
            cloudwatch.put_metric_data(Namespace=namespace, MetricData=kept[first : first + DATUMS_A_CALL])


class Publisher:
    """Publishes minutes in the order they are given, each not before it is ``late_s`` service seconds over."""

    def __init__(self, cloudwatch: Any, clock: ServiceClock, missing: tuple[str, ...], late_s: float) -> None:
        self._cloudwatch = cloudwatch
        self._clock = clock
        self._missing = missing
        self._late_s = late_s
        self._minutes: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def take(self, counts: dict[str, Any]) -> None:
        """One more minute to publish (`Minute.counts`). Returns at once."""
        self._minutes.put(counts)

    def run(self) -> None:
        """Publish what was taken, for ever. Whoever takes minutes must not wait for CloudWatch: run it in a thread."""
        while True:
            counts = self._minutes.get()
            due = self._clock.monotonic_at(counts["minute"] + MINUTE + self._late_s)
            time.sleep(max(due - time.monotonic(), 0.0))
            publish(self._cloudwatch, counts, self._missing)
