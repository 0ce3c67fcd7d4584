"""The practice venue as a broker that speaks Deriv's current protocol."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from pipeline.broker import deriv_accounts, deriv_market, deriv_trading
from pipeline.broker.core import Broker
from pipeline.broker.deriv_frames import Frames
from pipeline.broker.deriv_gate import Gate
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.deriv_rest import SOCKETS, Passes, Rest, answered
from pipeline.broker.deriv_session import Dialect
from pipeline.broker.deriv_shapes import NEW
from pipeline.broker.deriv_socket import Sockets

CALLS = {**deriv_market.CALLS, **deriv_trading.CALLS, **deriv_accounts.CALLS}
CURRENT = Dialect(NEW, CALLS, Frames())

MOST_SOCKETS = 5
"""So many trading sockets a user may have at a time."""


def add_deriv(app: web.Application, broker: Broker) -> None:
    """REST, a public socket, and one trading socket for each account."""
    face = _Face(broker)
    app.add_routes(face.routes())
    app.on_shutdown.append(face.close)


class _Face:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._gate = Gate(broker)
        self._passes = Passes(broker, asyncio.get_running_loop().time)
        self._sockets = Sockets(broker)

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            *Rest(self._broker, self._passes, self._gate).routes(),
            web.get(f"{SOCKETS}/public", answered(self._public)),
            web.get(f"{SOCKETS}/{{kind:demo|real}}", answered(self._trading)),
        )

    async def close(self, _: web.Application) -> None:
        self._gate.close()
        await self._sockets.close()

    async def _public(self, request: web.Request) -> web.StreamResponse:
        await self._gate.enter(request, "", "connection")
        return await self._sockets.serve(request, CURRENT, None)

    async def _trading(self, request: web.Request) -> web.StreamResponse:
        purse = self._passes.take(request.query.get("otp", ""))
        refusal = Denied("Unauthorized", "The one-time password is missing, used or too old.")
        if purse is None or purse.kind != request.match_info["kind"]:
            raise refusal
        fault = await self._gate.enter(request, purse.account, "connection")
        if fault is not None or self._broker.during("token_expiry", purse.account) is not None:
            raise refusal
        if self._broker.limits.on and self._sockets.of_user(purse.user) >= MOST_SOCKETS:
            raise Denied("RateLimit", f"No more than {MOST_SOCKETS} connections at a time.")
        return await self._sockets.serve(request, CURRENT, purse)
