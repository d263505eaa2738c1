"""A token is looked at as a back end will: claims, and the signature by the issuer's keys where they can be had."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from pytest_syncload.auth.errors import Rejected, Unavailable
from pytest_syncload.auth.keys import address, keys_of
from pytest_syncload.auth.users import FirebaseUsers
from pytest_syncload.auth.verify import verified
from pytest_syncload.facts.clock import ServiceClock
from pytest_syncload.facts.plan import Environment, Firebase, SandboxSettings
from pytest_syncload.sandbox.launch import launch
from tests.auth.scripted import private_key, project, scripted

HMAC = "a secret that is long enough for HS256"
#: Computed when the tests are collected; it must not be over when they run.
TOMORROW = int(time.time()) + 86_400


@pytest.fixture(scope="module")
def sandbox(unmeasured_module: None) -> Iterator[Firebase]:
    running = launch(SandboxSettings(), ServiceClock.starting_now(speed=60), None)
    try:
        firebase = running.fill(Environment(name="sandbox", line=1)).firebase
        assert firebase is not None
        yield firebase
    finally:
        running.close()


@cache
def key() -> RSAPrivateKey:
    made = load_pem_private_key(private_key().encode(), password=None)
    assert isinstance(made, RSAPrivateKey)
    return made


@cache
def certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "toy")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key().public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key(), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def token(kid: str = "k1", algorithm: str = "RS256", signer: Any = None, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": "https://securetoken.google.com/toy",
        "aud": "toy",
        "sub": "ann",
        "iat": now,
        "auth_time": now,
        "exp": now + 3600,
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key() if signer is None else signer, algorithm=algorithm, headers={"kid": kid})


def unsigned(**changes: Any) -> str:
    return token(algorithm="none", signer="", **changes)


def found(given: str, firebase: Firebase | None) -> str:
    return asyncio.run(verified(given, firebase))


def wrong(given: str, firebase: Firebase | None) -> str:
    with pytest.raises(Rejected) as caught:
        found(given, firebase)
    assert given not in str(caught.value)
    return str(caught.value)


def test_the_sandboxs_tokens_are_verified_with_its_keys(sandbox: Firebase) -> None:
    async def scenario() -> str:
        users = FirebaseUsers(sandbox)
        session = await users.sign_in(0)
        await users.aclose()
        return session.token

    signed = asyncio.run(scenario())
    assert found(signed, sandbox) == "claims and signature verified"
    head, claims, _ = signed.split(".")
    assert "signature is wrong" in wrong(f"{head}.{claims}.c2lnbmF0dXJl", sandbox)
    assert "not for firebase.project 'other'" in wrong(signed, replace(sandbox, project="other"))


def test_a_key_of_the_issuers_must_have_signed(tmp_path: Path) -> None:
    with scripted((200, {"k1": certificate()})) as issuer:
        firebase = project(tmp_path, issuer.host)
        assert found(token(), firebase) == "claims and signature verified"
        assert "none of the issuer's keys" in wrong(token(kid="k2"), firebase)
        assert issuer.paths[0].startswith("/www.googleapis.com/robot/v1/metadata/x509/")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aud": "other"}, "is for 'other' (aud), not for firebase.project 'toy'"),
        ({"aud": None}, "is for None (aud)"),
        ({"aud": ["toy"]}, "is for ['toy'] (aud)"),
        ({"iss": "https://evil.example"}, "was issued by 'https://evil.example' (iss)"),
        ({"sub": ""}, "names no user"),
        ({"sub": None}, "names no user"),
        ({"exp": int(time.time()) - 100}, "the ID token expired "),
        ({"exp": None}, "does not say its exp"),
        ({"iat": TOMORROW}, "iat is "),
        ({"auth_time": TOMORROW}, "auth_time is "),
        ({"auth_time": "then"}, "does not say its auth_time"),
    ],
)
@pytest.mark.parametrize("make", [token, unsigned], ids=["signed", "unsigned"])
def test_a_claim_that_the_target_will_refuse_is_named(tmp_path: Path, make: Any, changes: Any, says: str) -> None:
    assert says in wrong(make(**changes), project(tmp_path, "127.0.0.1:1"))


def test_an_unsigned_token_is_an_emulators_and_nobody_elses(tmp_path: Path) -> None:
    assert found(unsigned(), project(tmp_path, "127.0.0.1:1")) == (
        "claims verified; the token is unsigned, as an emulator's are"
    )
    assert "is unsigned, as only an emulator's are" in wrong(unsigned(), project(tmp_path, None))


def test_other_algorithms_and_what_is_no_jwt_are_refused(tmp_path: Path) -> None:
    firebase = project(tmp_path, "127.0.0.1:1")
    assert "signed by 'HS256'" in wrong(token(algorithm="HS256", signer=HMAC), firebase)
    assert "is no JWT" in wrong("opaque", firebase)


def test_where_the_keys_cannot_be_had_it_is_said_and_no_more_is_claimed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    said = found(token(), project(tmp_path, host))
    assert said.startswith("claims verified; the signature was not: no keys at http://127.0.0.1:")
    assert "ConnectError" in said


@pytest.mark.parametrize("answer", [(404, {}), (200, "html"), (200, []), (200, {"k1": "no certificate"})])
def test_an_answer_without_keys_is_none(tmp_path: Path, answer: tuple[int, Any]) -> None:
    with scripted(answer) as issuer, pytest.raises(Unavailable, match="no keys at "):
        asyncio.run(keys_of(project(tmp_path, issuer.host)))


def test_googles_keys_are_asked_for_over_https(tmp_path: Path) -> None:
    url = address(project(tmp_path, None))
    assert url == "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"


def test_of_another_issuers_token_only_the_expiry_is_looked_at() -> None:
    assert "of another issuer" in found("opaque", None)
    assert "of another issuer" in found(token(aud="whoever"), None)
    assert "the token expired 1" in wrong(token(exp=int(time.time()) - 100), None)


def test_no_token_is_in_what_is_said() -> None:
    assert json.dumps(found(token(), None)).count("eyJ") == 0
