"""A locustfile: Locust's two HTTP clients, 64 users, a closed loop or Locust's own constant throughput.

BENCHMARK_JOB names the job, BENCHMARK_USER the class. Locust's own figures are printed at the end.
"""

from __future__ import annotations

import itertools
import os
import sys
from typing import Any

from locust import FastHttpUser, HttpUser, constant, constant_throughput, events

from benchmarks.engine.request import BODY_TEXT, KEY_HEADER, MEMBER, PATH, STATUS, Job
from benchmarks.engine.told import Told

JOB = Job.read(os.environ["BENCHMARK_JOB"])
HEADERS = JOB.headers()
KEYS = itertools.count()
FAST = os.environ["BENCHMARK_USER"] == "fast"
#: An open loop is what Locust's documentation has for one: each user paces itself.
WAIT = constant(0) if JOB.rate_per_s is None else constant_throughput(JOB.rate_per_s / JOB.in_flight)


def sync(user: Any) -> None:
    """One sync job, its answer checked."""
    headers = HEADERS | {KEY_HEADER: f"bench-{next(KEYS)}"}
    with user.client.post(PATH, data=BODY_TEXT, headers=headers, catch_response=True) as response:
        if response.status_code != STATUS or MEMBER not in response.json():
            response.failure("not as expected")


class Fast(FastHttpUser):  # type: ignore[misc]  # not in the environment that checks types
    """Locust's fast client."""

    abstract = not FAST
    host, wait_time, tasks = JOB.url, WAIT, [sync]  # Locust's own way


class Slow(HttpUser):  # type: ignore[misc]
    """Locust's default client."""

    abstract = FAST
    host, wait_time, tasks = JOB.url, WAIT, [sync]

    def on_start(self) -> None:
        """Locust's session does not look at the environment for whom to trust."""
        self.client.verify = os.environ["SSL_CERT_FILE"]


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _tell(environment: Any, **_: Any) -> None:
    total = environment.stats.total
    told = Told(
        requests=total.num_requests,
        p50_ms=total.get_response_time_percentile(0.5),
        p95_ms=total.get_response_time_percentile(0.95),
        p99_ms=total.get_response_time_percentile(0.99),
        max_ms=total.max_response_time,
        failed=total.num_failures,
    )
    sys.stdout.write(told.line() + "\n")
    sys.stdout.flush()
