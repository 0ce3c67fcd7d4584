"""Who is let in: programs on this machine that hold the token, and nobody else.

In this order, so that whoever fails the first learns nothing of the next: the name that was asked for, the page that
asks, the token, the kind of question, and how much was asked already.
"""

import asyncio
import hmac
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web
from multidict import CIMultiDictProxy

from pipeline.control.errors import Refused
from pipeline.control.limits import REQUESTS, REQUESTS_PER_SECOND, Bucket
from pipeline.view import TOKEN_FILE

NAMES = ("127.0.0.1", "localhost")
OWN_PAGES = ("same-origin", "none")
CREDENTIALS = "3i"
"""What Linux says of who is at the other end of a Unix socket: process, user, group."""


@dataclass
class Guard:
    """Judges requests by what is said in them."""

    token: bytes
    scheme: str = "http"
    port: int = 0
    buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])

    def judge(self, headers: CIMultiDictProxy[str], *, by_socket: bool, open_to_all: bool = False) -> None:
        """Refuse whoever may not ask. On the Unix socket there is no other site, and its own name is `localhost`."""
        hosts = headers.getall("Host", [])
        names = frozenset(NAMES) if by_socket else frozenset(f"{name}:{self.port}" for name in NAMES)
        if len(hosts) > 1:
            raise Refused("VALIDATION", "Host is said twice; say it once")
        if not hosts or hosts[0] not in names:
            raise Refused("AUTH", f"this engine answers to {' and '.join(sorted(names))} only", 421)
        self._refuse_pages(headers, names)
        if not open_to_all and not self._holds_token(headers):
            raise Refused("AUTH", f"send 'Authorization: Bearer' (or X-API-Key) with the text of {TOKEN_FILE}")

    def count(self, peer: str) -> None:
        """Refuse whoever asked too much lately."""
        now = asyncio.get_running_loop().time()
        bucket = self.buckets.setdefault(peer, Bucket(REQUESTS, REQUESTS_PER_SECOND, now))
        if wait := bucket.take(now):
            many = f"more than {REQUESTS_PER_SECOND:.0f} questions a second"
            raise Refused("THROTTLE", f"{many}; ask again when Retry-After says", wait=wait)

    def _refuse_pages(self, headers: Mapping[str, str], names: frozenset[str]) -> None:
        origin = headers.get("Origin")
        foreign = origin is not None and origin not in {f"{self.scheme}://{name}" for name in names}
        if foreign or headers.get("Sec-Fetch-Site", "none") not in OWN_PAGES:
            raise Refused("AUTH", "this engine does not answer to pages of other sites", 403)

    def _holds_token(self, headers: Mapping[str, str]) -> bool:
        said = headers.get("Authorization")
        if said is not None:
            return hmac.compare_digest(said.encode("utf-8", "surrogateescape"), b"Bearer " + self.token)
        key = headers.get("X-API-Key", "")
        return hmac.compare_digest(key.encode("utf-8", "surrogateescape"), self.token)


def refuse_form(request: web.Request) -> None:
    """What a page could have a browser send without asking is no question."""
    if request.content_type != "application/json":
        raise Refused("VALIDATION", "send application/json", 415)
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("VALIDATION", "send the question as it is, not compressed", 415)


def same_user(peer: socket.socket, user: int) -> bool:
    """Whether the program at the other end of a Unix socket is this user's, as the system says it."""
    credentials = getattr(socket, "SO_PEERCRED", None)
    if credentials is None:
        return True  # the socket's own file is for its owner alone there too
    said = peer.getsockopt(socket.SOL_SOCKET, credentials, struct.calcsize(CREDENTIALS))
    return struct.unpack(CREDENTIALS, said)[1] == user
