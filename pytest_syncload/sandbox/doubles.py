"""The process of the doubles: AWS and Firebase sign-in on one port. Makes the keys; ends with its stdin.

Reads one JSON line {"clock", "access_key_id", "api_key", "project", "faults", "capacities"}, prints one with its port,
the service account and the public keys that ID tokens are verified with, by their ids. Each later line on stdin is the
back end's state (`live.Live`). A later line on stdout says that somebody asked for the queue, which wakes it,
{"touched": queue}, or that what was issued to a user before then is revoked, {"revoked": uid, "before": wall time, null
for all of it}.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_syncload.facts.clock import ServiceClock, minute_floor
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.http import Answer, Request, asgi
from pytest_syncload.sandbox.issuer import Issuer
from pytest_syncload.sandbox.listener import Listener
from pytest_syncload.sandbox.live import Live
from pytest_syncload.sandbox.processes import capacities_from, end_with_stdin, faults_from, read_line, say
from pytest_syncload.sandbox.signing import Signer, new_key

_GOOGLE = (
    "/identitytoolkit.googleapis.com/",
    "/securetoken.googleapis.com/",
    "/www.googleapis.com/",
    "/emulator/",
)


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(read_line())
    live = Live()
    end_with_stdin(on_line=live.hear)
    signer, account = Signer(new_key(), new_key()), new_key()
    faults = faults_from(config["faults"])
    project = config["project"]
    email = f"syncload@{project}.iam.gserviceaccount.com"
    issuer = Issuer(
        signer=signer,
        project=project,
        api_key=config["api_key"],
        account=account.public_key(),
        client_email=email,
        faults=faults,
        on_revoked=lambda uid, before: say(json.dumps(revoked(uid, before)).encode()),
    )
    clock = ServiceClock(**config["clock"])
    aws = Aws(
        Store(),
        clock,
        config["access_key_id"],
        live=live,
        faults=faults,
        capacities=capacities_from(config["capacities"]),
        touched=once_a_minute(clock, lambda queue: say(json.dumps({"touched": queue}).encode())),
    )

    def answer(request: Request) -> Answer:
        return issuer.answer(request) if request.path.startswith(_GOOGLE) else aws.answer(request)

    def ready() -> None:
        private = account.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        said = {
            "port": server.port,
            "keys": {
                kid: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
                for kid, key in signer.keys.items()
            },
            "service_account": {
                "type": "service_account",
                "project_id": project,
                "client_email": email,
                "private_key": private.decode(),
            },
        }
        say(json.dumps(said).encode())

    server = Listener(asgi(answer), ready)
    server.run()


def revoked(uid: str, before: float) -> dict[str, str | float | None]:
    """The line that says so; JSON has no infinity."""
    return {"revoked": uid, "before": None if before == math.inf else before}


def once_a_minute(clock: ServiceClock, tell: Callable[[str], None]) -> Callable[[str], None]:
    """``tell``, but at most once in a service minute for each name."""
    told: dict[str, float] = {}

    def hear(name: str) -> None:
        minute = minute_floor(clock.now())
        if told.get(name) != minute:
            told[name] = minute
            tell(name)

    return hear


if __name__ == "__main__":
    main()
