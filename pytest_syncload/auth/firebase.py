"""Firebase sign-in by custom token, against the production endpoints or an emulator.

A custom token is minted with the project's service account and exchanged for an ID token
(Firebase: "Create Custom Tokens"; Identity Platform REST: `accounts:signInWithCustomToken`). Must never print a secret:
whatever an answer is quoted for, the API key and tokens are not in it.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import jwt
import tenacity
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pytest_syncload.facts.errors import Refused
from pytest_syncload.facts.plan import Firebase

_AUDIENCE = "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit"
#: Google's limit for a custom token's life.
_CUSTOM_TOKEN_SECONDS = 3600
#: Quota refusals can come as HTTP 400; these are worth another try, other 400s are final.
_QUOTA = ("QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS_TRY_LATER")
#: Characters of an answer that are quoted.
_QUOTED = 200
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")


@dataclass(frozen=True, slots=True)
class Token:
    """An ID token and the monotonic time at which it expires."""

    value: str = field(repr=False)
    expires_at: float


class _WorthAnotherTry(Exception):
    """A transport error, 5xx, 429 or a quota refusal."""


class ServiceAccount:
    """A service account's key, parsed once: signing with PEM bytes costs 30 ms a token, with the object 0.25 ms."""

    def __init__(self, client_email: str, key: RSAPrivateKey) -> None:
        self.client_email = client_email
        self._key = key

    @classmethod
    def read(cls, source: str) -> ServiceAccount:
        """From a file's path, or from the JSON text itself. Raises `Refused`, never quoting what it read."""
        named = "the given JSON" if source.lstrip().startswith("{") else source
        try:
            text = source if source.lstrip().startswith("{") else Path(source).read_text("utf-8")
            data = json.loads(text)
            key = load_pem_private_key(data["private_key"].encode(), password=None)
            email = str(data["client_email"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(
                f"firebase.service_account: {named} is not a readable service-account JSON file "
                f"({type(error).__name__}); download one in the Firebase console under Service accounts"
            ) from None
        if not isinstance(key, RSAPrivateKey):
            raise Refused(f"firebase.service_account: the key in {named} is not an RSA key; Firebase signs with RS256")
        return cls(email, key)

    def custom_token(self, uid: str) -> str:
        """A custom token for user ``uid`` (at most 128 characters), in wall time."""
        now = int(time.time())
        claims = {
            "iss": self.client_email,
            "sub": self.client_email,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": now + _CUSTOM_TOKEN_SECONDS,
            "uid": uid,
        }
        return jwt.encode(claims, self._key, algorithm="RS256")


def straight_client() -> httpx.AsyncClient:
    """A client that goes where it is told: a proxy from the environment neither sees tokens nor makes them up."""
    return httpx.AsyncClient(trust_env=False, timeout=10)


class SignIn:
    """Signs users of one Firebase project in."""

    def __init__(self, firebase: Firebase) -> None:
        if firebase.sign_in != "custom-token":
            raise Refused(f"firebase.sign_in: {firebase.sign_in} is known but not built yet; use custom-token")
        if not firebase.service_account:
            raise Refused("firebase.service_account is missing: custom-token sign-in needs the service account's file")
        self._firebase = firebase
        self._account = ServiceAccount.read(firebase.service_account)
        base = f"http://{firebase.emulator_host}/" if firebase.emulator_host else "https://"
        self._url = f"{base}identitytoolkit.googleapis.com/v1/accounts:signInWithCustomToken"
        self._client = straight_client()

    async def token_for(self, uid: str) -> Token:
        """An ID token for user ``uid``. Raises `Refused` with Firebase's own reason."""
        retrying = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(_WorthAnotherTry),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=5),
            stop=tenacity.stop_after_attempt(5),
            reraise=True,
        )
        try:
            return await retrying(self._exchange, uid)
        except _WorthAnotherTry as error:
            raise Refused(f"Firebase sign-in failed five times: {error}; was {self.where} reachable?") from None

    async def _exchange(self, uid: str) -> Token:
        asked_at = time.monotonic()
        body = {"token": self._account.custom_token(uid), "returnSecureToken": True}
        try:
            answer = await self._client.post(self._url, params={"key": self._firebase.api_key}, json=body)
        except httpx.RequestError as error:
            raise _WorthAnotherTry(f"{type(error).__name__} at {self.where}") from None
        if answer.status_code != 200:
            reason = self._reason(answer)
            if answer.status_code >= 500 or answer.status_code == 429 or reason.startswith(_QUOTA):
                raise _WorthAnotherTry(f"HTTP {answer.status_code} {reason}")
            raise Refused(f"Firebase refused the sign-in at {self.where}: HTTP {answer.status_code} {reason}")
        try:
            data = answer.json()
            # `expiresIn` is a string of seconds; counted from before the request, so never too late.
            value, expires_at = data["idToken"], asked_at + float(data["expiresIn"])
        except (ValueError, KeyError, TypeError):
            value, expires_at = None, 0.0
        if not isinstance(value, str) or not value or not math.isfinite(expires_at):
            raise Refused(f"Firebase's answer at {self.where} holds no idToken and expiresIn")
        return Token(value, expires_at)

    @property
    def where(self) -> str:
        """The address that users sign in at, without the key."""
        return self._url

    def _reason(self, answer: httpx.Response) -> str:
        try:
            reason = str(answer.json()["error"]["message"])
        except (ValueError, KeyError, TypeError):
            reason = answer.text
        if self._firebase.api_key:
            reason = reason.replace(self._firebase.api_key, "<api key>")
        # Masked before it is cut: half a secret is not found again.
        return _JWT.sub("<token>", reason)[:_QUOTED]

    async def aclose(self) -> None:
        """Close the connections to Firebase."""
        await self._client.aclose()


async def sign_in_all(firebase: Firebase, uids: list[str], *, at_once: int = 8) -> list[Token]:
    """Tokens for all ``uids``, in their order, at most ``at_once`` sign-ins in flight. Raises `Refused`."""
    sign_in = SignIn(firebase)
    gate = asyncio.Semaphore(at_once)

    async def one(uid: str) -> Token:
        async with gate:
            return await sign_in.token_for(uid)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(uid)) for uid in uids]
    except* Refused as refused:
        raise refused.exceptions[0] from None
    finally:
        await sign_in.aclose()
    return [task.result() for task in tasks]
