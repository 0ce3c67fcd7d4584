"""HTTP as we use it: one session for one account, nothing followed, nothing sent twice, and our own words for failures.

The library's errors hold addresses with their queries, and headers with what is in them. None leaves this module.
"""

import re
import socket
import ssl
from collections.abc import Mapping
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, Literal, NamedTuple

import aiohttp
from aiohttp import AddrInfoType, ClientHandlerType, ClientRequest, ClientResponse

from pipeline.connections.cleaning import confidences
from pipeline.connections.reading import encoded
from pipeline.connections.troubles import CallFailed, Fate

KEEPALIVE = 10.0
"""Seconds a line stays open unused: less than servers keep theirs, so that none closes as an order leaves."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SHOWN = 80
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+", re.ASCII)
_UP = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)", re.IGNORECASE)
"""A step up in a path leads to another call than was meant."""

Method = Literal["GET", "POST", "PUT", "DELETE"]
Values = Mapping[str, str | int]


class Question(NamedTuple):
    """What is asked."""

    method: Method
    path: str
    query: Values | None
    body: Mapping[str, object] | None
    headers: Mapping[str, str]

    @property
    def what(self) -> str:
        """For sentences: the query and the body may hold what nobody may see."""
        return f"{self.method} {self.path[:SHOWN]}"

    def check(self) -> None:
        """A path that is none, or a token with a line break in it, is told, not sent."""
        if not _PATH.fullmatch(self.path) or _UP.search(self.path):
            raise CallFailed("format", f"{self.method} was not sent: its path is none", fate="unsent")
        odd = odd_header(self.headers)
        if odd:
            raise CallFailed("auth", f"{self.what} was not sent: {odd}", fate="unsent", final=True)

    def content(self) -> bytes | None:
        return None if self.body is None else encoded(self.body).encode()

    def confidential(self) -> frozenset[str]:
        return confidences(self.headers, self.query, self.body)


class Sending:
    """How far a request got."""

    connected = False
    """Until there is a connection it is certain that no byte of it left."""

    @property
    def fate(self) -> Fate:
        return "unknown" if self.connected else "unsent"


class Torn(Exception):
    """The connection broke after the request may have left. The library would send some requests once more."""


class Redirected(Exception):
    """Somebody wants us to go elsewhere."""


BROKEN = (aiohttp.ClientError, OSError, ValueError, Torn, Redirected)
"""What a call may break with; `told` says it in our words."""


def new_session(deadline: float) -> aiohttp.ClientSession:
    """A session that nobody shares, with no cookies and no settings from the environment."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_connected)
    trace.on_connection_reuseconn.append(_connected)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=KEEPALIVE,
            ssl=trusted(),
            socket_factory=partial(_impatient, deadline),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=deadline, sock_read=deadline),
        headers={"User-Agent": "moonlight", "Accept": "application/json"},
        trust_env=False,
        trace_configs=[trace],
        middlewares=(_once,),
    )


@cache
def trusted() -> ssl.SSLContext:
    """Whose certificates are believed: the system's. The environment may not have the keys of a connection written
    down, with which whoever recorded it could read every token in it."""
    context = ssl.create_default_context()
    context.keylog_filename = None  # pyright: ignore[reportAttributeAccessIssue]  # None says that there is none
    context.set_alpn_protocols(["http/1.1"])
    return context


def told(problem: Exception, what: str, sending: Sending, deadline: float) -> CallFailed:
    """Our failure for one of the library's."""
    match problem:
        case aiohttp.ConnectionTimeoutError():
            kind, why = "network", "found no connection in time"
        case TimeoutError():
            kind, why = "network", f"got no answer within {deadline:g} s"
        case Redirected():
            kind, why = "format", "was sent elsewhere, which is not followed"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            kind, why = "network", "found nobody who can prove who they are (TLS)"
        case aiohttp.ClientConnectorDNSError():
            kind, why = "network", "found no such host"
        case aiohttp.ClientConnectorError():
            kind, why = "network", "could not be sent: nobody takes a connection there"
        case aiohttp.ClientPayloadError():
            kind, why = "network", "got half an answer"
        case aiohttp.ClientResponseError() | ValueError():
            kind, why = "format", "got an answer that is not HTTP"
        case _:
            kind, why = "network", "lost the connection" if sending.connected else "could not be sent"
    return CallFailed(kind, f"{what} {why}", fate=sending.fate)


def odd_header(headers: Mapping[str, str]) -> str:
    """What is wrong with headers; "" when nothing is."""
    odd = (name for name, value in headers.items() if not value.isascii() or not value.isprintable())
    return next((f"the header {name} has characters that no header may have" for name in odd), "")


def _impatient(deadline: float, address: AddrInfoType) -> socket.socket:  # pyright: ignore[reportUnknownParameterType]  # as aiohttp has it
    """A socket that delivers within so many seconds or breaks. Else the system would try for a quarter of an hour, also
    after it was closed here: an order that nobody waits for would arrive after all."""
    made = socket.socket(*address[:3])
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # where there is none the system's own patience counts
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1, round(deadline * 1000)))
    return made


async def _connected(_: aiohttp.ClientSession, context: SimpleNamespace, __: Any) -> None:
    sending = context.trace_request_ctx
    if isinstance(sending, Sending):
        sending.connected = True


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Pass a request on once. A broken one is not repeated, and no redirect is taken."""
    response = None
    try:
        response = await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
        pass  # what is raised below holds nothing of it
    if response is None:
        raise Torn
    if response.status in REDIRECTS:
        response.close()
        raise Redirected
    return response
