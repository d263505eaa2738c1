"""In which AWS region this machine runs, by what an EC2 instance or an ECS task is told of itself, and by nothing else.

The ECS agent's task metadata (ECS developer guide, "Task metadata endpoint version 4": ``TaskARN``), then EC2's own,
version 2 (EC2 user guide, "Use IMDS": a token by PUT, then ``placement/region``). Both are on link-local addresses, so
no proxy is followed and a second is long. Variables such as AWS_REGION say what somebody set, which proves no place.
Not tried on a real instance or task yet.
"""

from __future__ import annotations

import http.client
import json
import os
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pytest_syncload.facts.place import Place

#: Set by the ECS agent in each container.
TASK_METADATA = "ECS_CONTAINER_METADATA_URI_V4"
#: As AWS's own SDKs read them.
DISABLED, ENDPOINT, MODE = (
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
)
_ADDRESSES = {"ipv4": "http://169.254.169.254", "ipv6": "http://[fd00:ec2::254]"}
#: Seconds for each step of one request, to a neighbour that answers in milliseconds or is not there.
_PATIENCE_S = 1.0
#: More than the metadata of a task with many containers.
_MOST_BYTES = 256 * 1024
_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+", re.ASCII)


class _Unread(Exception):
    """Why a place did not say. The text is for the reader and shows nothing of an answer."""


def placed(environ: Mapping[str, str]) -> Place:
    """The region that this machine is in, with who said so; else why it is not known. Never raises."""
    why = []
    for asked, ask in (("ECS task metadata", _of_task), ("EC2 instance metadata", _of_instance)):
        try:
            return Place(region=_region(ask(environ)), known_by=asked)
        except _Unread as error:
            why.append(f"{asked}: {error}")
    return Place(region=None, known_by="; ".join(why))


def placed_here() -> Place:
    """The same, by this process's own variables: what a worker of a fleet is asked too."""
    return placed(os.environ)


def _of_task(environ: Mapping[str, str]) -> str:
    base = environ.get(TASK_METADATA)
    if not base:
        raise _Unread(f"{TASK_METADATA} is not set")
    try:
        arn = str(json.loads(_fetch("GET", base.rstrip("/") + "/task", {}))["TaskARN"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _Unread("its answer has no TaskARN") from None
    # arn:partition:ecs:region:account:task/…
    return arn.split(":")[3] if arn.count(":") >= 5 else ""


def _of_instance(environ: Mapping[str, str]) -> str:
    if environ.get(DISABLED, "").lower() == "true":
        raise _Unread(f"{DISABLED} is true")
    mode = environ.get(MODE, "ipv4").lower()
    base = (environ.get(ENDPOINT) or _ADDRESSES.get(mode, _ADDRESSES["ipv4"])).rstrip("/")
    # In seconds; for one question, so that a token that leaks is soon worth nothing.
    token = _fetch("PUT", f"{base}/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    if not re.fullmatch(r"[!-~]{1,512}", token):
        raise _Unread("it gave no token, so it is not EC2's")
    return _fetch("GET", f"{base}/latest/meta-data/placement/region", {"X-aws-ec2-metadata-token": token})


def _region(said: str) -> str:
    if not _REGION.fullmatch(said):
        raise _Unread("it named no region")
    return said


def _fetch(method: str, url: str, headers: Mapping[str, str]) -> str:
    """The answer's text, from exactly this address."""
    connection = None
    try:
        address = urlsplit(url)
        if address.scheme != "http" or not address.hostname:
            raise _Unread("its address is no http:// address")
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=_PATIENCE_S)
        connection.request(method, address.path, headers=dict(headers))
        answer = connection.getresponse()
        if answer.status != 200:
            raise _Unread(f"it answered HTTP {answer.status}")
        return answer.read(_MOST_BYTES).decode("utf-8")
    except TimeoutError:
        raise _Unread("it does not answer (of a container, is the instance's hop limit 2?)") from None
    except OSError as error:
        raise _Unread(f"it cannot be reached ({error.strerror or type(error).__name__})") from None
    except (http.client.HTTPException, ValueError):
        raise _Unread("it does not speak as it should") from None
    finally:
        if connection is not None:
            connection.close()
