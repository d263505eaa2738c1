"""The server of the throughput figures: nginx on a core of its own, which counts its requests itself.

It answers every POST with 202 and a job id of its own making, without disk, for plain HTTP and TLS alike.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_CONF = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
worker_rlimit_nofile 65536;
events {{ worker_connections 30000; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{plain} backlog=4096;
    listen 127.0.0.1:{tls} ssl backlog=4096;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    location / {{ return 202 '{{"job_id":"$request_id"}}'; }}
  }}
  server {{
    listen 127.0.0.1:{status};
    keepalive_timeout 0;
    location / {{ stub_status; }}
  }}
}}
"""


@dataclass(slots=True)
class Nginx:
    """A running server. ``certificate`` is what its clients must trust."""

    plain_port: int
    tls_port: int
    status_port: int
    certificate: Path
    _own: int = 0

    def url(self, *, tls: bool) -> str:
        """Where it listens."""
        return f"https://127.0.0.1:{self.tls_port}" if tls else f"http://127.0.0.1:{self.plain_port}"

    def served(self) -> int:
        """Requests it has had, less those that asked for this figure."""
        with socket.create_connection(("127.0.0.1", self.status_port), timeout=5) as asking:
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            said = b"".join(iter(lambda: asking.recv(4096), b""))
        self._own += 1
        return requests_of(said.decode("ascii")) - self._own


def requests_of(status: str) -> int:
    """The third counter of stub_status. Raises ValueError where there is none."""
    found = re.search(r"server accepts handled requests\s+\d+ \d+ (\d+)", status)
    if found is None:
        raise ValueError(f"this is no stub_status: {status[:200]!r}")
    return int(found[1])


@contextlib.contextmanager
def running(binary: str, folder: Path, core: int) -> Iterator[Nginx]:
    """Nginx on ``core`` while the block runs. Raises RuntimeError where it does not come up."""
    certify(folder)
    plain, tls, status = free_ports(3)
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, plain=plain, tls=tls, status=status), "utf-8")
    process = subprocess.Popen(
        ["taskset", "-c", str(core), binary, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(conf)],
        stdin=subprocess.DEVNULL,
    )
    try:
        server = Nginx(plain, tls, status, folder / "cert.pem")
        _await_up(process, server)
        yield server
    finally:
        process.terminate()
        process.wait(10)


def _await_up(process: subprocess.Popen[bytes], server: Nginx) -> None:
    deadline = time.monotonic() + 10
    while process.poll() is None and time.monotonic() < deadline:
        try:
            server.served()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("nginx did not come up")


def free_ports(count: int) -> list[int]:
    """Ports that the system gave and that are free again."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]


def certify(folder: Path) -> None:
    """A certificate for 127.0.0.1 for one day, its own authority, as cert.pem and key.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "benchmark")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
