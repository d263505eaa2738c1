"""Where this machine is, over real sockets and by doubles of EC2's and ECS's metadata; an odd answer is "unknown"."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pytest_syncload.facts.place import Place
from pytest_syncload.sources import placement
from pytest_syncload.sources.placement import DISABLED, ENDPOINT, MODE, TASK_METADATA, placed

TOKEN = "AQAEAtoken=="
TASK = {"Cluster": "syncwell", "TaskARN": "arn:aws:ecs:eu-west-1:111122223333:task/syncwell/0123"}


class Metadata(ThreadingHTTPServer):
    """Both kinds of metadata on loopback, as version 2 of EC2's has it: without the token nothing is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, bytes]] = {
            "PUT /latest/api/token": (200, TOKEN.encode()),
            "GET /latest/meta-data/placement/region": (200, b"us-east-1"),
            "GET /v4/abc/task": (200, json.dumps(TASK).encode()),
        }
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Metadata

    def _answer(self) -> None:
        asked = f"{self.command} {self.path}"
        self.server.asked.append(asked)
        status, body = self.server.answers.get(asked, (404, b""))
        if asked.startswith("PUT") and "X-aws-ec2-metadata-token-ttl-seconds" not in self.headers:
            status = 400
        if "meta-data" in asked and self.headers["X-aws-ec2-metadata-token"] != TOKEN:
            status = 401
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = _answer  # noqa: N815  # the names that http.server calls

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@pytest.fixture
def metadata() -> Iterator[Metadata]:
    with Metadata() as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_an_instance_is_asked_with_a_token(metadata: Metadata) -> None:
    assert placed({ENDPOINT: metadata.url + "/"}) == Place(region="us-east-1", known_by="EC2 instance metadata")
    assert metadata.asked == ["PUT /latest/api/token", "GET /latest/meta-data/placement/region"]


def test_a_task_is_asked_first(metadata: Metadata) -> None:
    environ = {TASK_METADATA: f"{metadata.url}/v4/abc", ENDPOINT: metadata.url}
    assert placed(environ) == Place(region="eu-west-1", known_by="ECS task metadata")
    assert metadata.asked == ["GET /v4/abc/task"]


def test_a_task_that_does_not_say_leaves_it_to_the_instance(metadata: Metadata) -> None:
    metadata.answers["GET /v4/abc/task"] = (200, b"{}")
    environ = {TASK_METADATA: f"{metadata.url}/v4/abc", ENDPOINT: metadata.url}
    assert placed(environ) == Place(region="us-east-1", known_by="EC2 instance metadata")


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1", "ap-southeast-5", "us-iso-east-1"])
def test_regions_of_every_partition_are_regions(metadata: Metadata, region: str) -> None:
    metadata.answers["GET /latest/meta-data/placement/region"] = (200, region.encode())
    assert placed({ENDPOINT: metadata.url}).region == region


@pytest.mark.parametrize(
    ("path", "answer", "why"),
    [
        ("PUT /latest/api/token", (403, b""), "it answered HTTP 403"),
        ("PUT /latest/api/token", (200, b""), "it gave no token, so it is not EC2's"),
        ("PUT /latest/api/token", (200, b"<html>sign in</html> please"), "it gave no token, so it is not EC2's"),
        ("PUT /latest/api/token", (200, b"another"), "it answered HTTP 401"),
        ("GET /latest/meta-data/placement/region", (404, b""), "it answered HTTP 404"),
        ("GET /latest/meta-data/placement/region", (200, b"<html>"), "it named no region"),
        ("GET /latest/meta-data/placement/region", (200, b"us-east-1\nX"), "it named no region"),
        ("GET /latest/meta-data/placement/region", (200, b"\xff"), "it does not speak as it should"),
    ],
)
def test_what_an_instance_does_not_say_is_unknown(
    metadata: Metadata, path: str, answer: tuple[int, bytes], why: str
) -> None:
    metadata.answers[path] = answer
    place = placed({ENDPOINT: metadata.url})
    assert place.region is None
    assert place.known_by == f"ECS task metadata: {TASK_METADATA} is not set; EC2 instance metadata: {why}"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"[]", "its answer has no TaskARN"),
        (b"{", "its answer has no TaskARN"),
        (b'{"TaskARN": "worker"}', "it named no region"),
        (b'{"TaskARN": null}', "it named no region"),
    ],
)
def test_what_a_task_does_not_say_is_unknown(metadata: Metadata, answer: bytes, why: str) -> None:
    metadata.answers["GET /v4/abc/task"] = (200, answer)
    place = placed({TASK_METADATA: f"{metadata.url}/v4/abc", DISABLED: "True"})
    assert place.known_by == f"ECS task metadata: {why}; EC2 instance metadata: {DISABLED} is true"
    assert place.region is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:1", "it cannot be reached (Connection refused)"),
        ("https://127.0.0.1:1", "its address is no http:// address"),
        ("http://[", "it does not speak as it should"),
        ("http://127.0.0.1:x", "it does not speak as it should"),
        ("nothing", "its address is no http:// address"),
    ],
)
def test_an_address_where_nobody_is_says_why(url: str, why: str) -> None:
    assert placed({ENDPOINT: url}).known_by.endswith(f"EC2 instance metadata: {why}")


def test_who_says_nothing_or_something_else_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "_PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert "it does not answer (of a container, is the instance's hop limit 2?)" in placed({ENDPOINT: url}).known_by

    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            connection, _ = other.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-x\r\n")

        speaking = threading.Thread(target=answer)
        speaking.start()
        url = f"http://127.0.0.1:{other.getsockname()[1]}"
        assert "it does not speak as it should" in placed({ENDPOINT: url}).known_by
        speaking.join()


def test_where_instances_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetch(method: str, url: str, headers: object) -> str:
        asked.append(url)
        return "token" if method == "PUT" else "us-east-1"

    monkeypatch.setattr(placement, "_fetch", fetch)
    for environ in ({}, {MODE: "IPv6"}, {MODE: "odd"}, {ENDPOINT: "http://other"}):
        placed(environ)
    assert [url for url in asked if url.endswith("token")] == [
        "http://169.254.169.254/latest/api/token",
        "http://[fd00:ec2::254]/latest/api/token",
        "http://169.254.169.254/latest/api/token",
        "http://other/latest/api/token",
    ]
