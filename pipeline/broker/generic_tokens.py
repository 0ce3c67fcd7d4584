"""Who is logged in at the practice venue over HTTP: tokens that run out, and tokens good for the next, once."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.broker.generic_words import No, Table
from pipeline.broker.purses import Purses
from pipeline.broker.values import Purse
from pipeline.times import SECOND


class Pass(NamedTuple):
    """What a token stands for."""

    account: str
    until: int


class Tokens:
    """All tokens of a venue."""

    def __init__(
        self, purses: Purses, now: Callable[[], int], name: Callable[[], str], lasts: int, *, otp: str = ""
    ) -> None:
        """Access tokens hold for so long (ms of the venue's time). With `otp` a login needs that code."""
        self._purses, self._now, self._name, self._lasts, self._otp = purses, now, name, lasts, otp
        self._access: dict[str, Pass] = {}
        self._refresh: dict[str, str] = {}

    def log_in(self, username: str, password: str, otp: str) -> Table:
        purse = self._purses.get(username)
        if purse is None or self._purses.user_of(password) != purse.user:
            raise No(401, "bad_login", "The username or the password is wrong.")
        if self._otp and not otp:
            raise No(401, "otp_needed", "A one-time code is needed.")
        if self._otp and otp != self._otp:
            raise No(401, "bad_otp", "The one-time code is wrong.")
        if purse.status != "active":
            raise No(403, "not_active", "The account is not active.")
        return self._given(purse)

    def renew(self, refresh: str) -> Table:
        account = self._refresh.pop(refresh, None)
        purse = self._purses.get(account) if account is not None else None
        if purse is None:
            raise No(401, "bad_refresh_token", "The refresh token is not good any more.")
        return self._given(purse)

    def owner(self, refresh: str) -> str:
        """Whose a refresh token is; nobody's when it is not good."""
        return self._refresh.get(refresh, "")

    def purse_of(self, authorization: str) -> Purse:
        """Whose token a header holds."""
        scheme, _, token = authorization.partition(" ")
        if scheme != "Bearer":
            raise No(401, "unauthorized", "Send an access token: Authorization: Bearer …")
        return self.purse(token)[0]

    def purse(self, token: str) -> tuple[Purse, int]:
        """Whose a token is, and until when."""
        found = self._access.get(token)
        if found is None or found.until <= self._now():
            raise No(401, "token_expired", "The access token is not good any more.")
        purse = self._purses.get(found.account)
        if purse is None or purse.status != "active":
            raise No(403, "not_active", "The account is not active.")
        return purse, found.until

    def end(self, account: str = "") -> None:
        """Access tokens run out now: those of an account, or all."""
        for token, each in tuple(self._access.items()):
            if account in ("", each.account):
                del self._access[token]

    def forget(self) -> None:
        """Refresh tokens too."""
        self._refresh.clear()

    def _given(self, purse: Purse) -> Table:
        access, refresh = f"access-{self._name()}", f"refresh-{self._name()}"
        now = self._now()
        for token in [token for token, each in self._access.items() if each.until <= now]:
            del self._access[token]
        self._access[access] = Pass(purse.account, now + self._lasts)
        self._refresh[refresh] = purse.account
        return {
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self._lasts // SECOND,
            "scopes": list(purse.scopes),
        }
