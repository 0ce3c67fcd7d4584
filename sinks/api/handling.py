"""One connection of the server: what cannot be read is answered like everything else, and nobody idles for long."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from pipeline.control.errors import Refused
from pipeline.control.limits import IDLE
from pipeline.masking import masked

SHORT = 200
"""Letters of a library's own words that are told."""
PLAIN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "moonlight"}
"""What every answer says of itself."""
MISTAKE = "a mistake of this program; its log says more"


Told = Callable[["Connection"], object]


class Connection(web.RequestHandler):
    """Closed when nothing whole was asked within its time, and counted while it is there."""

    def __init__(self, server: web.Server, came: Told, gone: Told, **settings: Any) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **settings)
        self._came, self._gone = came, gone
        self._first: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._came(self)  # one whose handshake fails never comes, and never goes
        self._first = asyncio.get_running_loop().call_later(IDLE, self.force_close)

    def asked(self) -> None:
        """Something whole was asked: from here on the server's own clock runs."""
        if self._first is not None:
            self._first.cancel()

    def connection_lost(self, exc: BaseException | None) -> None:
        self.asked()
        self._gone(self)
        super().connection_lost(exc)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """What the library refuses by itself, such as a line that is none, is told like everything else."""
        if isinstance(resp, web.HTTPException):
            why = masked(" ".join((resp.text or resp.reason).split())[:SHORT])
            resp = failed(Refused("VALIDATION", f"this engine does not take that: {why}", resp.status))
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What could not be read as HTTP, or what this program did wrong."""
        if status < web.HTTPInternalServerError.status_code:
            what = masked(" ".join((message or "").split())[:SHORT])
            answer = failed(Refused("VALIDATION", f"that is no HTTP this engine takes: {what}", status))
        else:
            self.log_exception("a request failed", exc_info=exc)
            answer = failed(Refused("INTERNAL", MISTAKE))
        if request.writer.output_size > 0:
            raise ConnectionError("half an answer was sent already")
        answer.force_close()
        return answer


def answered(value: object, status: int = 200, **headers: str) -> web.Response:
    """A value as JSON, for whoever asked and nobody in between."""
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json", headers=PLAIN | headers)


def failed(refusal: Refused) -> web.Response:
    """A refusal, as it is told."""
    wait = {"Retry-After": str(max(1, round(refusal.wait + 0.5)))} if refusal.wait else {}
    return answered(refusal.failure, refusal.status, **wait)
