"""Whether a token is what the target will want, before any load: its claims, and its signature by the issuer's keys.

What a back end checks (Firebase: "Verify ID tokens"): RS256, audience, issuer, subject, expiry, moments in the past. An
emulator's tokens are unsigned, which is accepted of an emulator only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pytest_syncload.auth.errors import Rejected, Unavailable
from pytest_syncload.auth.keys import keys_of
from pytest_syncload.auth.session import seconds_left
from pytest_syncload.facts.plan import Firebase

#: This machine's clock and the issuer's may differ by so much, seconds, before it is said that they do.
LEEWAY_S = 10.0


async def verified(token: str, firebase: Firebase | None) -> str:
    """What was found out about a token; ``firebase`` None: of another issuer. Raises `Rejected` where it is wrong."""
    if firebase is None:
        left = seconds_left(token)
        if left <= 0:
            raise Rejected(f"the token expired {-left:.0f} s ago")
        return "a token of another issuer, of which only the expiry was looked at"
    algorithm = _algorithm(token)
    if algorithm == "none":
        if firebase.emulator_host is None:
            raise Rejected("the ID token is unsigned, as only an emulator's are; is this Firebase?")
        check_claims(token, firebase.project)
        return "claims verified; the token is unsigned, as an emulator's are"
    check_claims(token, firebase.project)
    try:
        keys = await keys_of(firebase)
    except Unavailable as error:
        return f"claims verified; the signature was not: {error}"
    check_signature(token, keys)
    return "claims and signature verified"


def _algorithm(token: str) -> str:
    try:
        algorithm = str(jwt.get_unverified_header(token).get("alg"))
    except jwt.PyJWTError:
        raise Rejected("the ID token is no JWT") from None
    if algorithm not in ("RS256", "none"):
        raise Rejected(f"the ID token is signed by {algorithm[:20]!r}, and Firebase's by RS256")
    return algorithm


def check_claims(token: str, project: str) -> None:
    """Whether the token is one of this project, good now. Raises `Rejected`."""
    try:
        claims: Mapping[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise Rejected("the ID token is no JWT") from None
    issuer = f"https://securetoken.google.com/{project}"
    if claims.get("aud") != project:
        raise Rejected(f"the ID token is for {_shown(claims.get('aud'))} (aud), not for firebase.project {project!r}")
    if claims.get("iss") != issuer:
        raise Rejected(f"the ID token was issued by {_shown(claims.get('iss'))} (iss), not by {issuer!r}")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Rejected("the ID token names no user (sub)")
    now = time.time()
    for name in ("iat", "auth_time"):
        if _moment(claims, name) > now + LEEWAY_S:
            raise Rejected(
                f"the ID token's {name} is {_moment(claims, name) - now:.0f} s ahead of this machine's clock"
            )
    if _moment(claims, "exp") <= now:
        raise Rejected(f"the ID token expired {now - _moment(claims, 'exp'):.0f} s ago by this machine's clock")


def check_signature(token: str, keys: Mapping[str, RSAPublicKey]) -> None:
    """Whether one of the issuer's keys signed it. Raises `Rejected`."""
    kid = jwt.get_unverified_header(token).get("kid")
    key = keys.get(str(kid))
    if key is None:
        raise Rejected("the ID token is signed by none of the issuer's keys (kid)")
    try:
        only_signature = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
        jwt.decode(token, key, algorithms=["RS256"], options=only_signature)  # type: ignore[arg-type]
    except jwt.PyJWTError:
        raise Rejected("the ID token's signature is wrong") from None


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Rejected(f"the ID token does not say its {name}")
    return float(value)


def _shown(value: object) -> str:
    return repr(value)[:80]
