"""What a custom token proves, and to whom it does not (Firebase: "Create Custom Tokens").

It must never accept one that Google would refuse for its algorithm, signature, issuer, audience, life, uid or claims.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pytest_syncload.sandbox.signinerror import SignInError

_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
_ACCOUNTS = ".iam.gserviceaccount.com"
_LIFE_S = 3600
_UID_LIMIT = 128
#: Of the developer's claims, as JSON.
_CLAIMS_LIMIT = 1000
_REGISTERED = {"aud", "exp", "iat", "iss", "jti", "nbf", "sub"}
#: Names that a developer's claim may not have (Firebase: "Control access with custom claims").
_RESERVED = _REGISTERED | {"acr", "amr", "at_hash", "auth_time", "azp", "c_hash", "cnf", "firebase", "nonce"}


class CustomTokens:
    """Those of the service account ``client_email``, whose public key is ``account``."""

    def __init__(self, account: RSAPublicKey, client_email: str) -> None:
        self._account = account
        self._client_email = client_email

    def read(self, token: str) -> tuple[str, Mapping[str, Any]]:
        """The uid and the developer's claims of a token that proves them. Raises `SignInError`."""
        try:
            claims = jwt.decode(
                token,
                self._account,
                algorithms=["RS256"],
                audience=_AUDIENCE,
                options={"require": ["iss", "sub", "aud", "iat", "exp"]},
            )
        except jwt.InvalidSignatureError as error:
            raise self._foreign(token) or SignInError(f"INVALID_CUSTOM_TOKEN : {error}") from None
        except jwt.PyJWTError as error:
            raise SignInError(f"INVALID_CUSTOM_TOKEN : {error}") from None
        if claims["iss"] != self._client_email or claims["sub"] != self._client_email:
            raise SignInError("INVALID_CUSTOM_TOKEN : iss and sub are not both the service account")
        if claims["exp"] > claims["iat"] + _LIFE_S:
            raise SignInError("INVALID_CUSTOM_TOKEN : it lives longer than an hour")
        uid = claims.get("uid")
        if uid is None or uid == "":
            raise SignInError("MISSING_IDENTIFIER")
        if not isinstance(uid, str) or len(uid) > _UID_LIMIT:
            raise SignInError(f"INVALID_CUSTOM_TOKEN : uid must be a text of 1 to {_UID_LIMIT} characters")
        return uid, _developers(claims.get("claims", {}))

    def _foreign(self, token: str) -> SignInError | None:
        """That another project's service account signed it, where it says so."""
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        if not isinstance(issuer, str) or not issuer.endswith(_ACCOUNTS):
            return None
        if issuer.partition("@")[2] == self._client_email.partition("@")[2]:
            return None
        return SignInError("CREDENTIAL_MISMATCH : the service account is of another project")


def _developers(claims: object) -> Mapping[str, Any]:
    if not isinstance(claims, dict):
        raise SignInError("INVALID_CLAIMS")
    for name in claims:
        if name in _RESERVED:
            raise SignInError(f"FORBIDDEN_CLAIM : {name}")
    if len(json.dumps(claims)) > _CLAIMS_LIMIT:
        raise SignInError("CLAIMS_TOO_LARGE")
    return claims
