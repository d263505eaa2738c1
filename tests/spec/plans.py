"""Plans that the tests of spec/ start from, and the one way they read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_syncload.facts.errors import SpecError
from pytest_syncload.facts.plan import Environment, Spec
from pytest_syncload.spec import read

SMALL = """\
service: tiny
request: {path: /}
phases:
  peak: {rate: 10/s, hold: 1m, slos: {latency: {metric: apigateway.latency, target: "< 500 ms"}}}
"""

#: Every key that exists, once.
FULL: dict[str, Any] = {
    "service": "full",
    "items": False,
    "scale": {"daily_users": 1000000, "jobs_per_user": 72},
    "environments": {
        "sandbox": {
            "sandbox": {
                "speed": 30,
                "rate_scale": 0.5,
                "users": 10000,
                "faults": {
                    "latency": "700 ms",
                    "errors": "0.5 %",
                    "rejected_tokens": "100 %",
                    "wrong_body": "2 %",
                    "refused_connections": "1 %",
                    "foreign_traffic": "20/s",
                    "idempotency": "missing-key",
                    "table_capacity": "50/s",
                    "index_capacity": "40/s",
                    "workers": 2,
                    "request_cpu": "3 ms",
                    "memory": "91 %",
                    "crashing_tasks": 1,
                    "out_of_memory_tasks": 4,
                    "deployment": True,
                    "hot_cache_node": "85 %",
                    "late": "3m",
                    "missing": ["Latency"],
                    "partial_data": ["Count"],
                    "lost_page": True,
                    "throttled_queries": "30 %",
                    "expired_credentials": True,
                    "api_quota": "70/s",
                    "unreadable_quotas": True,
                    "denied": ["pricing:GetProducts"],
                    "token_life": "5s",
                    "sign_in_quota": "500/s",
                    "failed_refreshes": "10 %",
                },
                "capacity": {
                    "table": "900/s",
                    "index": "800/s",
                    "workers": "700/s",
                    "cache": "600/s",
                    "concurrency": 12,
                    "third_party": "500/s",
                    "recovers": "after 5s",
                },
            },
            "region": "eu-west-1",
            "resources": {"queue": "hot-path", "cache": ["syncwell-001"]},
            "max_rate": "9000/s",
            "parity": {"terraform": "toy.json", "reference": "other.json"},
            "guard": {"accounts": ["111122223333"]},
            "max_cost": "3.5 USD",
        },
        "real": {
            "base_url": "https://api.example.com:8443/base/",
            "region": "eu-central-1",
            "max_rate": "8000/s",
            "max_cost": "20 USD",
            "firebase": {
                "api_key": "key",
                "project": "p",
                "sign_in": "custom-token",
                "service_account": "/sa.json",
                "users": 7,
                "sign_in_rate": "20/s",
                "emulator_host": "127.0.0.1:9099",
            },
            "resources": {
                "api": {"rest": "api", "stage": "v1", "route": "POST /v1/jobs"},
                "tables": {"jobs": ["by-user"], "logs": []},
                "operations": {"jobs": ["PutItem", "GetItem"]},
                "queue": "q.fifo",
                "dead_letter_queue": "q-dead.fifo",
                "ecs": {"cluster": "c", "service": "s"},
                "cache": ["n-1", "n-2"],
                "serverless_cache": ["sessions"],
            },
            "production": True,
            "generator_region": {"accept": "a laptop"},
            "guard": {
                "hosts": ["api.example.com", "*.load.example.com"],
                "networks": ["10.0.0.0/8", "fd00::/8"],
                "accounts": ["012345678901"],
            },
            "parity": {
                "terraform": "terraform/real.json",
                "reference": "/production.json",
                "names": {"real": "live"},
                "accept": [
                    {
                        "address": "aws_nat_gateway",
                        "attribute": "count",
                        "why": "w",
                        "here": 1,
                        "reference": True,
                    }
                ],
            },
        },
    },
    "load": {"arrivals": "poisson", "timeout": "2500 ms", "generators": 3, "transport": "httpx", "seed": 0},
    "request": {
        "method": "PUT",
        "path": "/v1/jobs?x=1",
        "headers": {"X-Api-Key": "abc"},
        "json": {"a": [1, None, True], "day": "2026-01-01"},
        "feeders": {
            "modes": {"list": ["full", "incremental"], "order": "random", "seed": 3},
            "made": {"function": "values:row"},
        },
        "expect": {"status": 201, "headers": {"Content-Type": "any"}, "json": {"id": "any", "n": None}},
        "idempotency": {
            "header": "X-Request-Key",
            "key": "sf-string",
            "verify": "0.5 %",
            "job_id": "id",
            "changed": {"day": "2026-01-02"},
        },
    },
    "phases": {
        "peak": {
            "rate": "3000/s",
            "ramp": "5m",
            "hold": "15m",
            "slos": {
                "keys": {"metric": "idempotency.violations", "target": "== 0"},
                "preset": {
                    "metric": "sqs.visible",
                    "statistic": "Average",
                    "target": "<= 1000",
                    "sustained": "3m",
                    "growth": "none",
                    "drains_within": "5m",
                    "regression": "< 10 %",
                    "min_samples": 10,
                },
                "sum": {
                    "query": {"namespace": "AWS/SQS", "name": "Lost", "dimensions": {"QueueName": "q"}},
                    "statistic": "Sum",
                    "kind": "count",
                    "missing": {"zero_while": {"namespace": "AWS/SQS", "name": "Sent", "dimensions": {"Q": "q"}}},
                    "target": "== 0",
                },
                "raw": {
                    "query": {"namespace": "AWS/SQS", "name": "Age", "dimensions": {"QueueName": "q"}},
                    "statistic": "p99.9",
                    "kind": "time",
                    "unit": "seconds",
                    "missing": "inconclusive",
                    "target": "< 2s",
                    "sustained": "120s",
                    "growth": "none",
                    "regression": "<= 7.5 %",
                    "min_samples": 5,
                },
            },
        },
        "stress": {
            "climb": {"from": "3000/s", "step": "10 %", "every": "1m", "until": "failed > 1 %", "at_most": "8000/s"},
            "slos": {"breaking": {"metric": "load.breaking_point", "target": "> 3000/s"}},
        },
    },
}


def read_text(
    folder: Path,
    text: str | bytes,
    environment: str | Environment | None = None,
    environ: Mapping[str, str] | None = None,
) -> Spec:
    """Read ``text`` as a slo.yaml in ``folder``."""
    path = folder / "slo.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, environment=environment, environ=environ or {})


def read_plan(
    folder: Path, plan: Any, environment: str | Environment | None = None, environ: Mapping[str, str] | None = None
) -> Spec:
    """Read a plan given as Python values; JSON is YAML."""
    return read_text(folder, json.dumps(plan), environment, environ)


def problems(
    folder: Path, plan: Any, environment: str | Environment | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """What is wrong with a plan (Python values, or text), each as ``line: what``."""
    with pytest.raises(SpecError) as caught:
        (read_text if isinstance(plan, (str, bytes)) else read_plan)(folder, plan, environment, environ)
    return [f"{problem.line}: {problem.what}" for problem in caught.value.problems]


def changed(path: tuple[str | int, ...], value: Any, plan: Any = FULL) -> Any:
    """A copy of the plan with ``value`` at ``path``."""
    if not path:
        return value
    copy = list(plan) if isinstance(plan, list) else dict(plan)
    old = copy[path[0]] if isinstance(copy, list) or path[0] in copy else {}  # type: ignore[index]
    copy[path[0]] = changed(path[1:], value, old)  # type: ignore[index]
    return copy


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all scalars."""
    if isinstance(value, dict):
        return [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
    if isinstance(value, list):
        return [leaf for index, child in enumerate(value) for leaf in leaves(child, (*path, index))]
    return [path]
