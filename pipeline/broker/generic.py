"""The practice venue over plain HTTP, as docs/connectors.md has it: who asks, whether they may, and the answer."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aiohttp import web

from pipeline.broker.core import Broker
from pipeline.broker.faults import Faults, Met, Place
from pipeline.broker.generic_calls import Calls, Manners, Query
from pipeline.broker.generic_stream import Streams
from pipeline.broker.generic_tokens import Tokens
from pipeline.broker.generic_wire import Do, Handler, Wire, read, told
from pipeline.broker.generic_words import No, Table
from pipeline.broker.limits import Limits
from pipeline.times import SECOND

PREFIX = "/v1"
LARGEST = 16 * 1024
"""Bytes of what is posted."""
PATIENCE = 10.0
"""Seconds within which it must be there."""
NOBODY = ""
KEPT = 10_000
"""So much of what was asked is kept."""
Public = Callable[[Query], Table]
Owned = Callable[[str, web.Request, Met], Table]


class Asked(NamedTuple):
    """What somebody asked: with whose token, and all that came along."""

    account: str
    call: str
    text: str


class Generic:
    """A face of the venue. `add_to` puts it under /v1 of an application."""

    def __init__(
        self, broker: Broker, faults: Faults | None = None, limits: Limits | None = None, manners: Manners | None = None
    ) -> None:
        self.manners = manners or Manners()
        self.tokens = Tokens(broker.purses, broker.now, broker.name, self.manners.token_lasts, otp=self.manners.otp)
        self.asked: list[Asked] = []
        """What was asked of late."""
        self._broker, self._faults = broker, faults or Faults()
        self._limits = limits or Limits(on=False)
        self._calls = Calls(broker, self.manners)
        self._wire = Wire(broker, self._faults)
        self.streams = Streams(broker, self._faults, self.tokens, self._calls, self._wire)

    def add_to(self, app: web.Application, prefix: str = PREFIX) -> None:
        calls, route = self._calls, app.router
        public: dict[str, tuple[str, Public]] = {
            "/capabilities": ("capabilities", lambda _: calls.capabilities()),
            "/ping": ("ping", lambda _: calls.ping()),
            "/market/candles": ("candles", calls.candles),
            "/market/ticks": ("ticks", calls.ticks),
            "/market/quote": ("quote", calls.quote),
            "/market/payout": ("payout", calls.payout),
        }
        for path, (call, tell) in public.items():
            route.add_get(prefix + path, told(self._public(call, tell)))
        owned: dict[str, tuple[str, Place, Owned]] = {
            "/account": ("account", "call", lambda account, _, __: calls.account(account)),
            "/account/entries": ("entries", "call", lambda account, asked, _: calls.entries(account, asked.query)),
            "/orders": ("orders", "listing", lambda account, asked, met: calls.orders(account, asked.query, _old(met))),
            "/orders/{id}": ("contract", "call", lambda account, asked, _: calls.contract(account, _id(asked))),
        }
        for path, (call, place, show) in owned.items():
            route.add_get(prefix + path, told(self._owned(call, place, show)))
        route.add_post(f"{prefix}/auth/login", told(self._log_in))
        route.add_post(f"{prefix}/auth/refresh", told(self._refresh))
        route.add_post(f"{prefix}/orders", told(self._order))
        route.add_post(f"{prefix}/orders/{{id}}/cancel", told(self._cancel))
        if self.manners.stream:
            route.add_get(f"{prefix}/stream", told(self.streams.answer))
        app.on_shutdown.append(self._end)

    # --- who asks ---

    def _public(self, call: str, tell: "Public") -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            self._note(request, NOBODY, call)
            strikes = partial(self._wire.meet, "call", NOBODY)
            return await self._wire.answer(request, NOBODY, strikes, lambda _: (200, tell(request.query)))

        return answer

    def _owned(self, call: str, place: Place, show: "Owned") -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            account = self._account(request, call)
            strikes = partial(self._wire.meet, place, account)
            return await self._wire.answer(request, account, strikes, lambda met: (200, show(account, request, met)))

        return answer

    async def _order(self, request: web.Request) -> web.StreamResponse:
        body = await read(request, PATIENCE, LARGEST)
        account = self._account(request, "order", str(body))
        do: Do = lambda met: self._calls.order(account, body, met.number)  # noqa: E731
        return await self._wire.answer(request, account, partial(self._wire.meet, "order", account), do)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        account, name = self._account(request, "cancel"), _id(request)

        def strikes() -> Met:
            return Met(0, self._broker.of_sale(account, name))

        return await self._wire.answer(request, account, strikes, lambda _: (200, self._calls.cancel(account, name)))

    async def _log_in(self, request: web.Request) -> web.StreamResponse:
        body = await read(request, PATIENCE, LARGEST)
        username, password, otp = (str(body.get(key, "")) for key in ("username", "password", "otp"))
        self._note(request, username if username in self._broker.purses.all else NOBODY, "login", str(body))
        do: Do = lambda _: (200, self.tokens.log_in(username, password, otp))  # noqa: E731
        return await self._wire.answer(request, username, partial(self._wire.meet, "connection", username), do)

    async def _refresh(self, request: web.Request) -> web.StreamResponse:
        body = await read(request, PATIENCE, LARGEST)
        refresh = str(body.get("refresh_token", ""))
        account = self.tokens.owner(refresh)
        self._note(request, account, "refresh", str(body))
        do: Do = lambda _: (200, self.tokens.renew(refresh))  # noqa: E731
        return await self._wire.answer(request, account, partial(self._wire.meet, "connection", account), do)

    def _account(self, request: web.Request, call: str, body: str = "") -> str:
        """Whose token the request bears."""
        try:
            account = self.tokens.purse_of(request.headers.get("Authorization", "")).account
        except No:
            self._note(request, NOBODY, call, body)
            raise
        self._note(request, account, call, body)
        if self._faults.during("token_expiry", account, self._broker.now()) is not None:
            raise No(401, "token_expired", "The access token is not good any more.")
        return account

    def _note(self, request: web.Request, account: str, call: str, body: str = "") -> None:
        """Count what is asked, and keep it for whoever looks."""
        self.asked.append(Asked(account, call, f"{request.path_qs} {sorted(request.headers.items())} {body}"))
        del self.asked[:-KEPT]
        address = request.remote or ""
        wait = self._limits.take(call, self._broker.now(), account=account, address=address)
        if wait is not None:
            raise No(429, "too_often", f"Too many calls; wait {-(-wait // SECOND)} s.")

    async def _end(self, _: web.Application) -> None:
        self._wire.end()
        await self.streams.end()


def _old(met: Met) -> int:
    """How old a listing is to be (ms)."""
    return met.fault.delay if met.fault is not None and met.fault.what == "stale_listing" else 0


def _id(request: web.Request) -> str:
    return request.match_info["id"]
