"""One RSA key for all tests of a session: making one takes up to half a second."""

from __future__ import annotations

import base64
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from pytest_syncload.sandbox.signing import Signer
from pytest_syncload.sandbox.tokens import Verifier

PROJECT = "toy"
KEY_ID = "the-key"


@cache
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65_537, key_size=2048)


@cache
def other_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65_537, key_size=2048)


@cache
def signer() -> Signer:
    """Signs with `key`."""
    return Signer(key(), other_key())


def verifier() -> Verifier:
    """Believes `id_token`."""
    return Verifier({KEY_ID: key().public_key()}, PROJECT)


def id_token(
    user: str = "ann", *, signed_by: RSAPrivateKey | None = None, key_id: str | None = KEY_ID, **claims: Any
) -> str:
    """An ID token of `PROJECT`; a claim, or the key's id, given as None is left out."""
    now = int(time.time())
    all_claims = {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "auth_time": now,
        "sub": user,
        "iat": now,
        "exp": now + 3600,
    } | claims
    kept = {name: value for name, value in all_claims.items() if value is not None}
    headers = {} if key_id is None else {"kid": key_id}
    return jwt.encode(kept, signed_by or key(), algorithm="RS256", headers=headers)


def part(header: dict[str, Any]) -> str:
    """A JWT's header, encoded."""
    return base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")


def unsigned(good: str) -> str:
    """A token with the claims of ``good``, signed by nobody."""
    return f"{part({'alg': 'none', 'kid': KEY_ID})}.{good.split('.')[1]}."


def with_hmac(good: str, secret: bytes) -> str:
    """A token with the claims of ``good``, HS256 with any secret; PyJWT refuses to make one with a PEM text."""
    start = f"{part({'alg': 'HS256', 'kid': KEY_ID})}.{good.split('.')[1]}"
    seal = base64.urlsafe_b64encode(hmac.digest(secret, start.encode(), "sha256")).decode().rstrip("=")
    return f"{start}.{seal}"
