"""The users of a Firebase project: each signs in by custom token or password, and is refreshed or signed in again.

User number 7 is `syncload-00007` by custom token, which makes the user where there is none, and the e-mail address with
7 in it by password.
"""

from __future__ import annotations

from pytest_syncload.auth.account import ServiceAccount
from pytest_syncload.auth.errors import SessionEnded
from pytest_syncload.auth.firebase import Carrier, Rest
from pytest_syncload.auth.pace import Pace, patiently
from pytest_syncload.auth.session import Session
from pytest_syncload.facts.plan import USER_NUMBER, Firebase, SignInBy

#: Sign-ins a second where slo.yaml leaves it to us: below Firebase's quotas, 45,000 a minute and project for custom
#: tokens, and some 20 a second and address for passwords (unofficial).
SIGN_INS_PER_S = {SignInBy.CUSTOM_TOKEN: 500.0, SignInBy.PASSWORD: 15.0}
#: Refreshes a second: below Firebase's 18,000 a minute and project.
REFRESHES_PER_S = 250.0


class FirebaseUsers:
    """A `Source`. ``shards`` generators share the project's quotas evenly. Raises `Rejected` for a bad account.

    ``carrier`` gives what carries its questions, see `straight_client`.
    """

    renews = True

    def __init__(self, firebase: Firebase, *, shards: int = 1, carrier: Carrier | None = None) -> None:
        self.users = firebase.users
        self._firebase = firebase
        by_token = firebase.sign_in is SignInBy.CUSTOM_TOKEN
        self._account = ServiceAccount.read(firebase.service_account or "") if by_token else None
        self._rest = Rest(firebase, carrier)
        rate = firebase.sign_in_rate_per_s or SIGN_INS_PER_S[firebase.sign_in]
        self._signing_in = Pace(rate / shards)
        self._refreshing = Pace(REFRESHES_PER_S / shards)

    @property
    def sign_ins_per_s(self) -> float:
        """How many this generator asks for at most, by now."""
        return self._signing_in.rate_per_s

    async def sign_in(self, user: int) -> Session:
        """See `Source`."""
        return await patiently(lambda: self._sign_in(user), self._signing_in)

    async def _sign_in(self, user: int) -> Session:
        if self._account is not None:
            subject = f"syncload-{user:05}"
            # Minted for each try: a pause may have lasted longer than Google lets one live.
            return await self._rest.sign_in_with_custom_token(subject, self._account.custom_token(subject))
        email = (self._firebase.email or "").replace(USER_NUMBER, str(user))
        return await self._rest.sign_in_with_password(email, self._firebase.password or "")

    async def renew(self, user: int, session: Session) -> Session:
        """See `Source`."""
        if session.refresh_token is None:
            return await self.sign_in(user)
        try:
            return await patiently(lambda: self._rest.refresh(session), self._refreshing)
        except SessionEnded:
            return await self.sign_in(user)

    async def aclose(self) -> None:
        """See `Source`."""
        await self._rest.aclose()
