"""The practice venue as a broker that speaks Deriv's legacy protocol."""

from collections.abc import Sequence

from aiohttp import web

from pipeline.broker import deriv, legacy_calls
from pipeline.broker.core import Broker
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.deriv_rest import refused
from pipeline.broker.deriv_session import Dialect
from pipeline.broker.deriv_socket import Sockets
from pipeline.broker.legacy_frames import LegacyFrames
from pipeline.broker.legacy_shapes import LEGACY as KNOWN

QUIET = 120.0
"""A client that says nothing for so many seconds is cut off."""
CALLS = {call: each for call, each in deriv.CALLS.items() if call in KNOWN.shapes} | dict(legacy_calls.CALLS)
LEGACY = Dialect("legacy", KNOWN, CALLS, LegacyFrames())


class LegacyFace:
    """One socket, on which clients log in."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._sockets = Sockets()

    def routes(self) -> Sequence[web.RouteDef]:
        return (web.get("/websockets/v3", self._socket),)

    async def close(self) -> None:
        await self._sockets.close()

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        app = request.query.get("app_id", "")
        if not (app.isascii() and app.isdecimal() and int(app[:12]) > 0):
            return refused(request, Denied("InvalidAppID", "Your app_id is invalid."), 401)
        return await self._sockets.serve(request, self._broker, LEGACY, None, QUIET)
