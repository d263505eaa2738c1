"""Why a user has no token, as one small tree, and which answer of Firebase means which.

    SignInError (Refused)
    ├── Rejected        asking again cannot help: the key, the project, the account or the user is wrong
    ├── SessionEnded    the refresh token is no longer good; signing in again may help
    ├── QuotaExceeded   too much was asked for; later is fine
    ├── Unavailable     no answer, or a 5xx; later may be fine
    └── NotUnderstood   an answer without a token

No message holds a secret: an answer is quoted without the keys and tokens of its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_syncload.facts.errors import Refused

#: Characters of an answer that are quoted.
_QUOTED = 200
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
#: Quota refusals come as HTTP 400 too (Identity Platform: "Quotas and limits").
_QUOTA = ("QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS_TRY_LATER", "RESOURCE_EXHAUSTED")
#: Answers to a refresh that a new sign-in may mend (Firebase: "Exchange a refresh token for an ID token").
_ENDED = ("TOKEN_EXPIRED", "INVALID_REFRESH_TOKEN")
#: What to do about a refusal, by the text before " : " of its message (Firebase Auth REST API, common error codes).
_ADVICE = {
    "API key not valid. Please pass a valid API key.": "is firebase.api_key the Web API key of firebase.project?",
    "API_KEY_INVALID": "is firebase.api_key the Web API key of firebase.project?",
    "CREDENTIAL_MISMATCH": "firebase.service_account is of another project than firebase.api_key",
    "INVALID_CUSTOM_TOKEN": "is firebase.service_account of firebase.project, and this machine's clock right?",
    "CONFIGURATION_NOT_FOUND": "Authentication is not enabled in the Firebase project",
    "PROJECT_NOT_FOUND": "is firebase.project right?",
    "OPERATION_NOT_ALLOWED": "the Firebase project does not allow this way to sign in; enable it in the console",
    "PASSWORD_LOGIN_DISABLED": "the Firebase project does not allow sign-in by password; enable it in the console",
    "INVALID_LOGIN_CREDENTIALS": "does this user exist, and with the password of firebase.password?",
    "EMAIL_NOT_FOUND": "this user does not exist; make the users of firebase.email first",
    "INVALID_PASSWORD": "firebase.password is not this user's",
    "INVALID_EMAIL": "firebase.email makes no valid address",
    "USER_DISABLED": "an administrator has disabled this user",
    "USER_NOT_FOUND": "this user was deleted",
}


class SignInError(Refused):
    """A user has no token. The message says what was answered, where, and what to do."""


class Rejected(SignInError):
    """Asking again cannot help."""


class SessionEnded(SignInError):
    """A refresh token is no longer good; signing in again may help."""


class QuotaExceeded(SignInError):
    """More was asked for than may be. Later is fine."""


class Unavailable(SignInError):
    """Nobody answered, or with a 5xx. Later may be fine."""


class NotUnderstood(SignInError):
    """The answer holds no token that can be used."""


def refusal(status: int, message: str, where: str) -> SignInError:
    """The error that an answer other than 200 means; ``message`` is its own, masked."""
    code = message.partition(" : ")[0].strip()
    said = f"HTTP {status} {message} at {where}"
    if status == 429 or code.startswith(_QUOTA):
        return QuotaExceeded(f"Firebase's quota is used up: {said}")
    if status >= 500:
        return Unavailable(f"Firebase is not available: {said}")
    if code.startswith(_ENDED):
        return SessionEnded(f"Firebase has ended the session: {said}")
    advice = f"; {_ADVICE[code]}" if code in _ADVICE else ""
    return Rejected(f"Firebase refused the sign-in: {said}{advice}")


def masked(text: str, secrets: Iterable[str | None]) -> str:
    """The text without these secrets and without any JWT, cut to what a message may quote."""
    # The longest first: masking what begins another would leave the other's end to be read.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "<secret>")
    # Masked before it is cut: half a secret is not found again.
    return _JWT.sub("<token>", text)[:_QUOTED]
