"""A small HTTP server on loopback that answers sign-ins by a script; the last answer repeats."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pytest_syncload.facts.plan import Firebase

API_KEY = "AIzaSyNotARealKey-0123456789"
SIGNED_IN: tuple[int, Any] = (200, {"idToken": "the-id-token", "refreshToken": "again", "expiresIn": "3600"})
REFRESHED: tuple[int, Any] = (200, {"id_token": "the-next-token", "refresh_token": "and-again", "expires_in": "3600"})


@dataclass
class Script:
    """``bodies`` are the requests that came, in order; ``paths`` their request targets."""

    host: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def scripted(*answers: tuple[int, Any], headers: tuple[tuple[str, str], ...] = ()) -> Iterator[Script]:
    """Request k gets ``answers[k]``: a status and JSON, or text as it is; `{token}` in it is what was sent as that."""
    script = Script()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer({})

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            self.answer(dict(parse_qsl(text)) if is_form else json.loads(text))

        def answer(self, body: dict[str, Any]) -> None:
            with lock:
                status, said = answers[min(len(script.bodies), len(answers) - 1)]
                script.bodies.append(body)
                script.paths.append(self.path)
            text = said if isinstance(said, str) else json.dumps(said)
            for name in ("token", "password", "refresh_token"):
                text = text.replace(f"{{{name}}}", body.get(name, ""))
            content = text.encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script.host = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


def refusal(message: str) -> dict[str, Any]:
    """An error as Google writes it."""
    return {"error": {"code": 400, "message": message}}


@cache
def private_key(kind: str = "rsa") -> str:
    """A PEM text; made once, as an RSA key takes up to half a second."""
    key = rsa.generate_private_key(65_537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def account(folder: Path, kind: str = "rsa") -> Path:
    """A service account's file."""
    file = folder / "service-account.json"
    file.write_text(json.dumps({"client_email": "robot@toy.example", "private_key": private_key(kind)}), "utf-8")
    return file


def project(folder: Path, host: str | None, **changes: Any) -> Firebase:
    """A project that signs in at ``host``."""
    plain: dict[str, Any] = {
        "api_key": API_KEY,
        "project": "toy",
        "service_account": str(account(folder)),
        "emulator_host": host,
        "users": 3,
    }
    return Firebase(**plain | changes)
