"""The keys that Firebase signs ID tokens with: an x509 map, key id → certificate (Firebase: "Verify ID tokens")."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from pytest_syncload.auth.errors import Unavailable
from pytest_syncload.auth.firebase import straight_client
from pytest_syncload.facts.plan import Firebase

#: A network that lets nobody out shall not cost the checks before load their time.
_PATIENCE_S = 3.0
_ADDRESS = "www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"


def address(firebase: Firebase) -> str:
    """Where the keys are: at Google, or below the host of what stands for it, as its other services are."""
    base = f"http://{firebase.emulator_host}/" if firebase.emulator_host else "https://"
    return f"{base}{_ADDRESS}"


async def keys_of(firebase: Firebase) -> Mapping[str, RSAPublicKey]:
    """The keys as they are now, by key id. Raises `Unavailable` where they cannot be had."""
    url = address(firebase)
    async with straight_client() as client:
        try:
            answer = await client.get(url, timeout=_PATIENCE_S)
            answer.raise_for_status()
            certificates = {str(name): str(text).encode() for name, text in answer.json().items()}
            keys = {name: load_pem_x509_certificate(text).public_key() for name, text in certificates.items()}
        except (httpx.HTTPError, ValueError, AttributeError) as error:
            raise Unavailable(f"no keys at {url} ({type(error).__name__})") from None
    return {name: key for name, key in keys.items() if isinstance(key, RSAPublicKey)}
