"""A client for scale: one blocking socket, one request after the other at the open loop's rate, nothing else.

What it sees of the service time is as near to the server's truth as a client comes: no queue, no event loop, no parser.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time
from urllib.parse import urlsplit

from benchmarks.engine.request import BODY_TEXT, KEY_HEADER, PATH, STATUS, Job
from benchmarks.engine.told import of_samples


def main() -> None:
    """The process: the job named on the command line."""
    job = Job.read(sys.argv[1])
    parts = urlsplit(job.url)
    body = BODY_TEXT.encode()
    lines = [f"POST {PATH} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in job.headers().items()]
    before = "\r\n".join([*lines, f"{KEY_HEADER}: bench-"]).encode()
    connected = socket.create_connection((parts.hostname, parts.port))
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if parts.scheme == "https":
        connected = ssl.create_default_context().wrap_socket(connected, server_hostname=parts.hostname)
    start = time.perf_counter()
    latencies: list[float] = []
    lags: list[float] = []
    failed = 0
    assert job.rate_per_s is not None
    for index in range(round(job.rate_per_s * job.seconds)):
        due = start + index / job.rate_per_s
        while (now := time.perf_counter()) < due:
            time.sleep(due - now)
        connected.sendall(before + b"%d\r\n\r\n" % index + body)
        answer = connected.recv(65536)
        latencies.append((time.perf_counter() - now) * 1000)
        lags.append((now - due) * 1000)
        failed += not answer.startswith(b"HTTP/1.1 %d" % STATUS)
    sys.stdout.write(of_samples(latencies, lags, dropped=0, failed=failed).line() + "\n")


if __name__ == "__main__":
    main()
