"""The practice venue as a broker that speaks Deriv's current protocol."""

import asyncio
from collections.abc import Sequence

from aiohttp import web

from pipeline.broker import deriv_accounts, deriv_market, deriv_trading
from pipeline.broker.core import Broker
from pipeline.broker.deriv_frames import Frames
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.deriv_rest import SOCKETS, Passes, Rest, refused
from pipeline.broker.deriv_session import Dialect
from pipeline.broker.deriv_shapes import NEW
from pipeline.broker.deriv_socket import Sockets

CALLS = {**deriv_market.CALLS, **deriv_trading.CALLS, **deriv_accounts.CALLS}
CURRENT = Dialect("current", NEW, CALLS, Frames())


class DerivFace:
    """REST, a public socket, and one trading socket for each account."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._passes = Passes(broker, asyncio.get_running_loop().time)
        self._sockets = Sockets()

    def routes(self) -> Sequence[web.RouteDef]:
        return (
            *Rest(self._broker, self._passes).routes(),
            web.get(f"{SOCKETS}/public", self._public),
            web.get(f"{SOCKETS}/{{kind:demo|real}}", self._trading),
        )

    async def close(self) -> None:
        await self._sockets.close()

    async def _public(self, request: web.Request) -> web.StreamResponse:
        return await self._sockets.serve(request, self._broker, CURRENT, None, None)

    async def _trading(self, request: web.Request) -> web.StreamResponse:
        purse = self._passes.take(request.query.get("otp", ""))
        if purse is None or purse.kind != request.match_info["kind"]:
            return refused(request, Denied("Unauthorized", "The one-time password is missing, used or too old."))
        return await self._sockets.serve(request, self._broker, CURRENT, purse, None)
