"""Firebase's sign-in over REST, against the production endpoints or an emulator: a question, its answer or its error.

Sources: Identity Platform REST API, `accounts:signInWithCustomToken`, `accounts:signInWithPassword`; Firebase:
"Exchange a refresh token for an ID token". Nothing is asked twice here: that is `pace`. Must never print a secret.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import httpx

from pytest_syncload.auth.errors import NotUnderstood, Unavailable, masked, refusal
from pytest_syncload.auth.session import Session, sendable
from pytest_syncload.facts.plan import Firebase

#: Questions that are open at once, in one generator: at Firebase's some 150 ms, 200 sign-ins a second.
AT_ONCE = 32


#: Gives what carries questions to an origin, such as ``https://securetoken.googleapis.com``.
Carrier = Callable[[str], httpx.AsyncBaseTransport]


def straight_client(origins: Iterable[str] = (), carrier: Carrier | None = None) -> httpx.AsyncClient:
    """A client that goes where it is told: a proxy from the environment neither sees tokens nor makes them up.

    Questions to ``origins`` are carried by what ``carrier`` gives: httpx's own pool takes a millisecond of CPU for one,
    which is seen in latencies where users are refreshed beside the load.
    """
    return httpx.AsyncClient(
        trust_env=False,
        timeout=10,
        limits=httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE),
        mounts=None if carrier is None else {origin: carrier(origin) for origin in origins},
    )


class Rest:
    """The three questions of one Firebase project."""

    def __init__(self, firebase: Firebase, carrier: Carrier | None = None) -> None:
        self._api_key = firebase.api_key
        base = f"http://{firebase.emulator_host}/" if firebase.emulator_host else "https://"
        self._accounts = f"{base}identitytoolkit.googleapis.com/v1/accounts:"
        self._refresh = f"{base}securetoken.googleapis.com/v1/token"
        origins = dict.fromkeys("/".join(url.split("/")[:3]) for url in (self._accounts, self._refresh))
        self._client = straight_client(origins, carrier)

    async def sign_in_with_custom_token(self, subject: str, custom_token: str) -> Session:
        """The session that a custom token is exchanged for. Raises `SignInError`."""
        body = {"token": custom_token, "returnSecureToken": True}
        return await self._ask(subject, f"{self._accounts}signInWithCustomToken", (custom_token,), json=body)

    async def sign_in_with_password(self, email: str, password: str) -> Session:
        """The session of an e-mail address and its password. Raises `SignInError`."""
        body = {"email": email, "password": password, "returnSecureToken": True}
        return await self._ask(email, f"{self._accounts}signInWithPassword", (password,), json=body)

    async def refresh(self, session: Session) -> Session:
        """The session, with a fresh token. Raises `SignInError`."""
        secret = session.refresh_token or ""
        form = {"grant_type": "refresh_token", "refresh_token": secret}
        return await self._ask(session.subject, self._refresh, (secret, session.token), data=form)

    async def _ask(self, subject: str, url: str, secrets: tuple[str, ...], **body: Any) -> Session:
        asked_at = time.monotonic()
        try:
            answer = await self._client.post(url, params={"key": self._api_key}, **body)
        except httpx.RequestError as error:
            raise Unavailable(f"no answer from Firebase: {type(error).__name__} at {url}") from None
        if answer.status_code != 200:
            raise refusal(answer.status_code, masked(_message(answer), (self._api_key, *secrets)), url)
        try:
            return _session(answer.json(), subject, asked_at)
        except (ValueError, KeyError, TypeError):
            raise NotUnderstood(f"Firebase's answer holds no ID token and how long it is good for, at {url}") from None

    async def aclose(self) -> None:
        """Close the connections to Firebase."""
        await self._client.aclose()


def _session(data: Mapping[str, Any], subject: str, asked_at: float) -> Session:
    """Of an answer to a sign-in, which is in camelCase, or to a refresh, which is in snake_case. Raises ValueError."""
    token, seconds, refresh_token = (
        (data["idToken"], data["expiresIn"], data.get("refreshToken"))
        if "idToken" in data
        else (data["id_token"], data["expires_in"], data.get("refresh_token"))
    )
    lasts = float(seconds)  # it is a text
    if not sendable(token) or not 0 < lasts < math.inf or not isinstance(refresh_token, str | None):
        raise ValueError("no token")
    # Counted from before the question: never later than it really is.
    return Session.lasting(subject, token, lasts, since=asked_at, refresh_token=refresh_token)


def _message(answer: httpx.Response) -> str:
    """The answer's own reason; of anything else than Firebase's form of it, the text."""
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text
