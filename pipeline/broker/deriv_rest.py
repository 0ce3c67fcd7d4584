"""The REST half of Deriv's current protocol: accounts, and one-time addresses of sockets."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiohttp import web
from msgspec import json

from pipeline.broker.core import Broker
from pipeline.broker.deriv_amounts import amount
from pipeline.broker.deriv_checks import Shape, Table, is_table, text, words
from pipeline.broker.deriv_gate import Broken, Endpoint, Gate
from pipeline.broker.deriv_requests import Denied, parsed
from pipeline.broker.faults import Fault, Place
from pipeline.broker.values import Purse

BASE = "/trading/v1/options"
SOCKETS = f"{BASE}/ws"
GROUP = "row"
ONCE_LASTS = 120
"""So many seconds a one-time address is good for."""
STATUSES = {
    "Unauthorized": 401,
    "AccessDenied": 403,
    "UnauthorizedAccess": 403,
    "AccountNotFound": 404,
    "RateLimit": 429,
    "InternalServerError": 500,
    "ServiceUnavailable": 503,
}
NEW_ACCOUNT = Shape(
    {"currency": text(r"[A-Z]{3,5}"), "group": words(GROUP), "account_type": words("demo", "real")},
    ("currency", "group", "account_type"),
)


class Pass(NamedTuple):
    """What a one-time word lets in."""

    account: str
    ends: float


class Passes:
    """One-time words. Their time is the machine's: a venue whose clock is quick gives no less of it."""

    def __init__(self, broker: Broker, time: Callable[[], float]) -> None:
        self._broker = broker
        self._time = time
        self._given: dict[str, Pass] = {}

    def give(self, account: str) -> str:
        """A new word; those that have ended are forgotten."""
        now = self._time()
        self._given = {word: each for word, each in self._given.items() if each.ends > now}
        word = self._broker.name().replace("-", "")
        self._given[word] = Pass(account, now + ONCE_LASTS)
        return word

    def take(self, word: str) -> Purse | None:
        """Whose socket a word opens: once, and not later than it lasts."""
        given = self._given.pop(word, None)
        if given is None or given.ends <= self._time():
            return None
        return self._broker.purses.get(given.account)


class Rest:
    """The endpoints. A token is its user's: it opens all of their accounts and nobody else's."""

    def __init__(self, broker: Broker, passes: Passes, gate: Gate) -> None:
        self._broker = broker
        self._passes = passes
        self._gate = gate

    def routes(self) -> Sequence[web.RouteDef]:
        one = f"{BASE}/accounts/{{account_id}}"
        return (
            web.get("/v1/health", self.health),
            web.get(f"{BASE}/accounts", answered(self.accounts)),
            web.post(f"{BASE}/accounts", answered(self.create)),
            web.post(f"{one}/otp", answered(self.once)),
            web.post(f"{one}/reset-demo-balance", answered(self.reset)),
        )

    async def health(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="OK")

    async def accounts(self, request: web.Request) -> web.Response:
        user = await self._user(request)
        return _told(request, [self._row(each) for each in self._broker.purses.of_user(user)])

    async def create(self, request: web.Request) -> web.Response:
        """An account that is there already is told as one object, a new one as a list of it."""
        user = await self._user(request)
        mine = self._broker.purses.of_user(user)
        if not any("account_manage" in each.scopes for each in mine):
            raise Denied("AccessDenied", "The token may not manage accounts.")
        asked = await _body(request)
        for field, said in NEW_ACCOUNT.wrong(asked).items():
            raise Denied("FieldIsRequired" if field not in asked else "ValidationError", said, field=field)
        kind, currency = asked["account_type"], asked["currency"]
        there = next((each for each in mine if (each.kind, each.currency) == (kind, currency)), None)
        if there is not None:
            return _told(request, self._row(there))
        return _told(request, [self._row(self._broker.create(user, currency, kind))], status=201)

    async def once(self, request: web.Request) -> web.Response:
        """The address of a trading socket, good for one connection."""
        purse, fault = await self._purse(request, "connection")
        if "trade" not in purse.scopes:
            raise Denied("AccessDenied", "The token may not trade.")
        if purse.status != "active":
            raise Denied("AccessDenied", "The account is not active.")
        word = self._passes.give(purse.account)
        if fault is not None and fault.what == "expired_otp":
            self._passes.take(word)
        url = f"ws://{request.host}{SOCKETS}/{purse.kind}?otp={word}"
        return _told(request, {"url": url})

    async def reset(self, request: web.Request) -> web.Response:
        purse, _ = await self._purse(request, "call")
        if purse.kind != "demo":
            raise Denied("BadInputRequest", "Only the balance of a demo account can be reset.")
        missing = purse.opening - self._broker.balance(purse.account)
        if missing:
            self._broker.move(purse.account, missing, "reset")
        row = self._row(purse)
        return _told(request, {key: row[key] for key in ("account_id", "balance", "currency")})

    async def _user(self, request: web.Request) -> str:
        """Who asks."""
        user = self._known(request)
        first = next(iter(self._broker.purses.of_user(user)))
        await self._enter(request, first.account, "call")
        return user

    async def _purse(self, request: web.Request, place: Place) -> tuple[Purse, Fault | None]:
        """The account that is asked about, and what befalls the answer."""
        user = self._known(request)
        purse = self._broker.purses.get(request.match_info["account_id"])
        if purse is None or purse.user != user:
            raise Denied("AccountNotFound", "The account was not found.")
        return purse, await self._enter(request, purse.account, place)

    async def _enter(self, request: web.Request, account: str, place: Place) -> Fault | None:
        fault = await self._gate.enter(request, account, place, counted=True)
        if self._broker.during("token_expiry", account) is not None:
            raise Denied("Unauthorized", "The token is missing or invalid.")
        return fault

    def _known(self, request: web.Request) -> str:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self._broker.purses.user_of(token) if scheme == "Bearer" and token.isascii() else None
        if user is None:
            raise Denied("Unauthorized", "The token is missing or invalid.")
        if not request.headers.get("Deriv-App-ID"):
            raise Denied("Unauthorized", "The header Deriv-App-ID is missing.")
        return user

    def _row(self, purse: Purse) -> Table:
        return {
            "account_id": purse.account,
            "balance": amount(self._broker.balance(purse.account)),
            "currency": purse.currency,
            "group": GROUP,
            "status": purse.status,
            "account_type": purse.kind,
        }


def answered(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose refusals are told as the protocol tells them."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await endpoint(request)
        except Denied as denied:
            return refused(request, denied)
        except Broken:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)

    return answer


def refused(request: web.Request, denied: Denied, status: int = 0) -> web.Response:
    """A refusal, with the status that goes with its code."""
    status = status or STATUSES.get(denied.code, 400)
    error: Table = {"status": status, "code": denied.code, "message": denied.message, **denied.details}
    return _json({"errors": [error], "meta": _meta(request)}, status)


def _told(request: web.Request, payload: Any, status: int = 200) -> web.Response:
    return _json({"data": payload, "meta": _meta(request)}, status)


def _meta(request: web.Request) -> Table:
    return {"endpoint": request.path, "method": request.method, "timing": 1}


def _json(table: Table, status: int) -> web.Response:
    return web.Response(body=json.encode(table), status=status, content_type="application/json")


async def _body(request: web.Request) -> Table:
    try:
        found = parsed((await request.read()).decode())
    except (Denied, UnicodeDecodeError):
        raise Denied("BadInputRequest", "The body is no JSON object.") from None
    return found if is_table(found) else {}
