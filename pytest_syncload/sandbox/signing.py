"""The keys that sign ID tokens, and the certificates that verify them, as Google publishes them.

Google has the coming key beside the present one (Firebase: "Verify ID tokens using a third-party JWT library"), so the
first certificate here is never the right one: whoever does not choose by ``kid`` is found out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pytest_syncload.sandbox.http import Answer

#: Where Google publishes them, below the host's name as everything else of sign-in is here.
CERTIFICATES = "/www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
_OWNER = "securetoken.system.gserviceaccount.com"
_EXPONENT = 65_537
_BITS = 2048
#: How long a certificate may be kept; Google says some hours.
_MAX_AGE_S = 6 * 3600
#: Google's are good for some two weeks, and from a little before they are published.
_GOOD_FOR = timedelta(days=16)
_GOOD_FROM = timedelta(days=1)


def new_key() -> RSAPrivateKey:
    """A key as Google's are: 2048 bits."""
    return rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_BITS)


class Signer:
    """Signs with ``key``; ``coming`` is published and signs nothing."""

    def __init__(self, key: RSAPrivateKey, coming: RSAPrivateKey) -> None:
        self._key = key
        self._key_id = secrets.token_hex(20)
        self._published = {secrets.token_hex(20): coming, self._key_id: key}
        self._certificates = json.dumps({kid: _certificate(key) for kid, key in self._published.items()}).encode()

    @property
    def keys(self) -> Mapping[str, RSAPublicKey]:
        """The public keys, by their ids."""
        return {kid: key.public_key() for kid, key in self._published.items()}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The JWT of ``claims``: RS256, with its key's id."""
        return jwt.encode(dict(claims), self._key, algorithm="RS256", headers={"kid": self._key_id})

    def certificates(self) -> Answer:
        """The certificates, by key id."""
        cache = f"public, max-age={_MAX_AGE_S}, must-revalidate, no-transform".encode()
        return Answer(200, self._certificates, b"application/json; charset=UTF-8", ((b"cache-control", cache),))


def _certificate(key: RSAPrivateKey) -> str:
    """A self-signed certificate, PEM. Its times are wall time."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _OWNER)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _GOOD_FROM)
        .not_valid_after(now + _GOOD_FOR)
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()
