"""The practice venue as a broker that speaks Deriv's legacy protocol."""

from aiohttp import web

from pipeline.broker import deriv, legacy_calls
from pipeline.broker.core import Broker
from pipeline.broker.deriv_gate import Gate
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.deriv_rest import answered, refused
from pipeline.broker.deriv_session import Dialect
from pipeline.broker.deriv_socket import Sockets
from pipeline.broker.legacy_frames import LegacyFrames
from pipeline.broker.legacy_shapes import LEGACY as KNOWN

QUIET = 120.0
"""A client that says nothing for so many seconds is cut off."""
CALLS = {call: each for call, each in deriv.CALLS.items() if call in KNOWN.shapes} | dict(legacy_calls.CALLS)
LEGACY = Dialect(KNOWN, CALLS, LegacyFrames(), ("passthrough",))


def add_legacy(app: web.Application, broker: Broker, quiet: float = QUIET) -> None:
    """One socket, on which clients log in."""
    gate, sockets = Gate(broker), Sockets(broker)

    async def open_socket(request: web.Request) -> web.StreamResponse:
        app_id = request.query.get("app_id", "")
        if not (app_id.isascii() and app_id.isdecimal() and int(app_id[:12]) > 0):
            return refused(request, Denied("InvalidAppID", "Your app_id is invalid."), 401)
        await gate.enter(request, "", "connection")
        return await sockets.serve(request, LEGACY, None, quiet)

    async def close(_: web.Application) -> None:
        gate.close()
        await sockets.close()

    app.router.add_get("/websockets/v3", answered(open_socket))
    app.on_shutdown.append(close)
