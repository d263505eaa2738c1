"""The process of the doubles: CloudWatch and Firebase sign-in on one port. Makes the keys; ends with its stdin.

Reads one JSON line {"clock", "access_key_id", "api_key", "project"}, prints one with its port, the service account
and the public key that ID tokens are verified with.
"""

from __future__ import annotations

import json

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.sandbox.aws import Aws
from pytest_syncload.sandbox.cloudwatch import Store
from pytest_syncload.sandbox.http import Answer, Request, asgi
from pytest_syncload.sandbox.issuer import Issuer
from pytest_syncload.sandbox.listener import Listener
from pytest_syncload.sandbox.processes import end_with_stdin, read_line, say

_EXPONENT = 65_537
_BITS = 2048


def main() -> None:
    """Serve until stdin ends."""
    config = json.loads(read_line())
    end_with_stdin()
    signing = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    account = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)
    project = config["project"]
    email = f"syncload@{project}.iam.gserviceaccount.com"
    issuer = Issuer(
        key=signing, project=project, api_key=config["api_key"], account=account.public_key(), client_email=email
    )
    aws = Aws(Store(), ServiceClock(**config["clock"]), config["access_key_id"])

    def answer(request: Request) -> Answer:
        return aws.answer(request) if request.path == "/" else issuer.answer(request)

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


if __name__ == "__main__":
    main()
