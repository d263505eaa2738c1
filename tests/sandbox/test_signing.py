"""The published certificates verify what was signed, by key id only."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from pytest_syncload.sandbox.signing import Signer, new_key
from tests.sandbox.keys import key, other_key, signer


def test_certificates_are_of_the_keys_and_the_first_is_not_the_one_that_signs() -> None:
    answer = signer().certificates()
    certificates = {kid: load_pem_x509_certificate(pem.encode()) for kid, pem in json.loads(answer.body).items()}

    def pem(of: object) -> bytes:
        return of.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]

    assert {kid: pem(one.public_key()) for kid, one in certificates.items()} == {
        kid: pem(one) for kid, one in signer().keys.items()
    }
    token = signer().sign({"sub": "ann"})
    first, second = certificates
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": second}
    assert jwt.decode(token, certificates[second].public_key(), algorithms=["RS256"]) == {"sub": "ann"}  # type: ignore[arg-type]
    assert pem(certificates[first].public_key()) == pem(other_key().public_key())
    for one in certificates.values():
        assert one.not_valid_before_utc < datetime.now(UTC) < one.not_valid_after_utc


def test_clients_are_told_how_long_to_keep_them() -> None:
    (name, value), *rest = signer().certificates().extra
    assert (name, rest) == (b"cache-control", [])
    assert b"max-age=21600" in value


def test_each_issuer_has_key_ids_of_its_own() -> None:
    assert not signer().keys.keys() & Signer(key(), other_key()).keys.keys()
    assert new_key().key_size == 2048
