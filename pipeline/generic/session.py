"""One account's login at its broker: a token that is made anew when it runs out, and calls that carry it."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pipeline.connections.contract import Priority
from pipeline.connections.http import Http
from pipeline.connections.reading import Answer
from pipeline.connections.renewing import Renewing
from pipeline.connections.statuses import StatusFailed
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.generic.allowance import Call
from pipeline.generic.declared import refused
from pipeline.secret import Login, Secret
from pipeline.times import SECOND

Query = Mapping[str, str]
EARLY = 0.1
"""A token is made anew when less than this part of its life is left."""


class Token(NamedTuple):
    """What a broker gave for a login."""

    access: Secret
    refresh: Secret | None
    until: int
    """When it is time for another (ms)."""


class Session:
    """Calls of one account. Nothing of another account is ever in it."""

    def __init__(
        self,
        http: Http,
        account: str,
        login: Callable[[], Login],
        scopes: frozenset[str],
        now: Callable[[], int],
        late: float,
    ) -> None:
        """`scopes` are what a token may be good for; `late`: so many seconds an answer to an order is waited for."""
        self._http, self._account, self._login, self._scopes = http, account, login, scopes
        self._now, self._late = now, late
        self._token = Renewing(self._made, fresh=lambda token: now() < token.until)

    async def token(self) -> Secret:
        """A token for what is no call: a socket."""
        return (await self._token.token()).access

    async def get(self, path: str, call: Call, priority: Priority, query: Query | None = None) -> Answer:
        """Ask; once more with a new token when the old one has run out."""

        async def ask(token: Token) -> Answer:
            return await self._http.call(
                "GET", path, call=call, priority=priority, query=query, headers=_bearing(token)
            )

        return await self._token.use(ask)

    async def post(self, path: str, call: Call, body: Mapping[str, object], by: int | None = None) -> Answer:
        """Send once, whatever comes of it."""

        async def send(token: Token) -> Answer:
            return await self._http.call(
                "POST",
                path,
                call=call,
                priority="order",
                body=body,
                by=by,
                headers=_bearing(token),
                deadline=self._late,
            )

        return await self._token.use(send, again=False)

    def judge(self, scopes: frozenset[str] | None) -> None:
        """Refuse a login that may do more than trade."""
        if more := sorted((scopes or frozenset()) - self._scopes):
            names = ", ".join(each[:40] for each in more)
            raise refused(
                f"the login may do more than trade: {names}; make one for read and trade alone, "
                f"or name what it may do in accept_scopes"
            )

    async def close(self) -> None:
        await self._token.close()

    # --- tokens ---

    async def _made(self, old: Token | None) -> Token:
        """The next token: by the refresh token while that holds, else by a login, which is tried once."""
        if old is not None and old.refresh is not None:
            try:
                return self._read(await self._ask("/auth/refresh", {"refresh_token": old.refresh.reveal()}), old)
            except StatusFailed as failure:
                if failure.status != 401:
                    raise
        return self._read(await self._ask("/auth/login", self._credentials()), None)

    def _credentials(self) -> dict[str, str]:
        try:
            login = self._login()
        except InputError as wrong:
            raise CallFailed("auth", str(wrong), fate="unsent", final=True) from None
        username, password = login.names.get("username"), login.secrets.get("password")
        if not username or not password:
            what = f"the login of {self._account} has no username or no password; store it anew: `accounts login`"
            raise CallFailed("auth", what, fate="unsent", final=True)
        code = login.secrets.get("otp")
        given = {"username": username, "password": password.reveal()}
        return given | {"otp": code.reveal()} if code else given

    async def _ask(self, path: str, body: Mapping[str, str]) -> Answer:
        try:
            return await self._http.call("POST", path, call="login", priority="order", body=body, limited=False)
        except StatusFailed as failure:
            if _code(failure) != "otp_needed":
                raise
        what = f"the broker wants a one-time code; store the login with one: `accounts login {self._account} --otp`"
        raise CallFailed("auth", what, final=True)

    def _read(self, answer: Answer, old: Token | None) -> Token:
        refresh = answer.text("refresh_token", default="")
        self.judge(frozenset(answer.texts("scopes")) if answer.has("scopes") else None)
        kept = Secret(refresh, passing=True) if refresh else old.refresh if old is not None else None
        lasts = max(1, answer.whole("expires_in")) * SECOND
        return Token(Secret(answer.text("access_token"), passing=True), kept, self._now() + int(lasts * (1 - EARLY)))


def _bearing(token: Token) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.access.reveal()}"}


def _code(failure: StatusFailed) -> str:
    """The word that an error body has for what is wrong; "" where it has none."""
    if failure.answer is None:
        return ""
    error = failure.answer.table("error", default=None)
    return "" if error is None else error.text("code", default="")
