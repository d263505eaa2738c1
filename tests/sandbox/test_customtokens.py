"""Custom tokens that Google would refuse, and why."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pytest_syncload.sandbox.customtokens import CustomTokens
from pytest_syncload.sandbox.signinerror import SignInError
from tests.sandbox.keys import id_token, key, other_key, unsigned, with_hmac

EMAIL = "robot@toy.iam.gserviceaccount.com"
SECOND = timedelta(seconds=1)
AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"


def custom_token(signed_by: RSAPrivateKey | None = None, **claims: Any) -> str:
    """A claim given as None is left out; a time span counts from now, not from when tests were collected."""
    now = int(time.time())
    whole = {"iss": EMAIL, "sub": EMAIL, "aud": AUDIENCE, "iat": now, "exp": now + 3600, "uid": "ann"} | claims
    kept = {
        name: now + value // SECOND if isinstance(value, timedelta) else value
        for name, value in whole.items()
        if value is not None
    }
    # Not jwt.encode, which refuses to make some of what we want refused.
    return jwt.PyJWS().encode(json.dumps(kept).encode(), signed_by or key(), algorithm="RS256")


def read(token: str) -> tuple[str, Any]:
    return CustomTokens(key().public_key(), EMAIL).read(token)


def test_good_token_tells_its_uid_and_the_developer_s_claims() -> None:
    assert read(custom_token()) == ("ann", {})
    assert read(custom_token(uid="x" * 128, claims={"admin": True})) == ("x" * 128, {"admin": True})


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"signed_by": other_key()}, "INVALID_CUSTOM_TOKEN"),
        ({"signed_by": other_key(), "iss": "x@other.iam.gserviceaccount.com"}, "CREDENTIAL_MISMATCH"),
        ({"signed_by": other_key(), "iss": "x@toy.iam.gserviceaccount.com"}, "INVALID_CUSTOM_TOKEN"),
        ({"signed_by": other_key(), "iss": 7}, "INVALID_CUSTOM_TOKEN"),
        ({"iss": "other"}, "INVALID_CUSTOM_TOKEN"),
        ({"iss": None}, "INVALID_CUSTOM_TOKEN"),
        ({"sub": "other"}, "INVALID_CUSTOM_TOKEN"),
        ({"aud": "toy"}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": -SECOND}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": 7200 * SECOND}, "INVALID_CUSTOM_TOKEN"),
        ({"exp": None}, "INVALID_CUSTOM_TOKEN"),
        ({"iat": 600 * SECOND, "exp": 1200 * SECOND}, "INVALID_CUSTOM_TOKEN"),
        ({"uid": None}, "MISSING_IDENTIFIER"),
        ({"uid": ""}, "MISSING_IDENTIFIER"),
        ({"uid": 7}, "INVALID_CUSTOM_TOKEN"),
        ({"uid": "x" * 129}, "INVALID_CUSTOM_TOKEN"),
        ({"claims": [1]}, "INVALID_CLAIMS"),
        ({"claims": {"sub": "eve"}}, "FORBIDDEN_CLAIM"),
        ({"claims": {"firebase": {}}}, "FORBIDDEN_CLAIM"),
        ({"claims": {"x": "y" * 1000}}, "CLAIMS_TOO_LARGE"),
    ],
)
def test_bad_token_is_refused_for_its_reason(claims: dict[str, Any], reason: str) -> None:
    with pytest.raises(SignInError) as refused:
        read(custom_token(**claims))
    assert str(refused.value).partition(" : ")[0] == reason


def test_only_the_service_account_s_own_signature_counts() -> None:
    good = custom_token()
    pem = key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forged = [unsigned(good), with_hmac(good, pem), good[:-4], good.rpartition(".")[0] + ".", "", "x", "a.b.c"]
    for token in (*forged, id_token()):
        with pytest.raises(SignInError, match="INVALID_CUSTOM_TOKEN"):
            read(token)
