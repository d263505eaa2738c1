"""The process of the doubles: AWS and Firebase sign-in on one port. Makes the keys; ends with its stdin.

Reads one JSON line {"clock", "access_key_id", "api_key", "project", "faults", "capacities"}, prints one with its port,
the service account and the public key that ID tokens are verified with. Each later line on stdin is the back end's
state (`live.Live`); each later line on stdout, {"touched": queue}, says that somebody asked for the queue, which wakes
it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_syncload.facts.clock import ServiceClock, minute_floor
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.http import Answer, Request, asgi
from pytest_syncload.sandbox.issuer import Issuer
from pytest_syncload.sandbox.listener import Listener
from pytest_syncload.sandbox.live import Live
from pytest_syncload.sandbox.processes import capacities_from, end_with_stdin, faults_from, read_line, say

_EXPONENT = 65_537
_BITS = 2048
_GOOGLE = ("/identitytoolkit.googleapis.com/", "/securetoken.googleapis.com/")


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(read_line())
    live = Live()
    end_with_stdin(on_line=live.hear)
    signing = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    account = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    project = config["project"]
    email = f"syncload@{project}.iam.gserviceaccount.com"
    issuer = Issuer(
        key=signing, project=project, api_key=config["api_key"], account=account.public_key(), client_email=email
    )
    clock = ServiceClock(**config["clock"])
    aws = Aws(
        Store(),
        clock,
        config["access_key_id"],
        live=live,
        faults=faults_from(config["faults"]),
        capacities=capacities_from(config["capacities"]),
        touched=once_a_minute(clock, lambda queue: say(json.dumps({"touched": queue}).encode())),
    )

    def answer(request: Request) -> Answer:
        return issuer.answer(request) if request.path.startswith(_GOOGLE) else aws.answer(request)

    def ready() -> None:
        public = signing.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        private = account.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        said = {
            "port": server.port,
            "public_key": public.decode(),
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
