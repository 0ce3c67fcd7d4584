"""Sending to an address of the user's over HTTP: proven by TLS, nothing followed, nothing shown of a secret in it."""

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
from yarl import URL

from pipeline.connections.calling import BROKEN, Method, Sending, told
from pipeline.connections.places import PLAIN, is_loopback
from pipeline.connections.statuses import judged
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from pipeline.secret import Secret

PLACE = "{secret}"
"""Where in an address the secret goes; alone it is all of the address."""
TOKEN = re.compile(r"(?=[^/?&=]*\d)[A-Za-z0-9_\-+=.%:]{16,}|[A-Za-z0-9_\-+=.%:]{32,}")
MOST = 64 * 1024
"""Bytes of an answer that are heard."""


def check_address(key: str, text: str, secret: str) -> None:
    """`ValueError` for an address that nothing may be sent to, or that has a secret in it."""
    if (PLACE in text) != bool(secret):
        mend = f"write {PLACE} where it goes" if secret else "give its name by the key `secret`"
        raise ValueError(f"{key} and secret belong together: {mend}, or leave out both")
    if text == PLACE:
        return
    try:
        url = URL(text.replace(PLACE, "s"))
        fine = url.scheme in ("http", "https") and bool(url.host) and PLACE not in text.split("/", 3)[2]
    except (ValueError, IndexError):
        raise ValueError(f"{key} is not an address; write it like https://example.com/alerts") from None
    if not fine:
        raise ValueError(f"{key} is not an address; write it like https://example.com/alerts")
    if url.user is not None or url.password is not None or _has_token(text):
        store = f"store it with `alerts secret NAME`, write {PLACE} in its place, and give NAME by the key `secret`"
        raise ValueError(f"{key} has what looks like a password or a token in it; {store}")
    if url.scheme in PLAIN and not is_loopback(url.host or ""):
        raise ValueError(f"{key} would send in the clear to {url.host}; write https:// in place of http://")


def address(text: str, secret: Secret | None) -> URL:
    """The address with its secret in it."""
    if secret is None:
        return URL(text)
    revealed = secret.reveal()
    whole = revealed if text == PLACE else text.replace(PLACE, quote(revealed, safe="/:@-._~"))
    try:
        url = URL(whole, encoded=True)
        host = url.host
    except ValueError:
        url, host = URL(), None
    if not host or not (url.scheme == "https" or (url.scheme in PLAIN and is_loopback(host))):
        raise InputError("the secret address is none that may be sent to; store one that begins with https://")
    return url


def place(text: str) -> str:
    """Where an address leads, for sentences: of one that is secret as a whole, its host is a piece of the secret."""
    return "the secret address" if text == PLACE else URL(text.replace(PLACE, "s")).host or ""


async def send(
    session: aiohttp.ClientSession,
    method: Method,
    url: URL,
    deadline: float,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    where: str,
) -> None:
    """Send once; `CallFailed` when it is not certain that it was taken. Of the answer only its status counts."""
    what, sending, failure = f"{method} to {where}", Sending(), None
    try:
        async with (
            asyncio.timeout(deadline),
            session.request(
                method, url, data=content, headers=headers, allow_redirects=False, trace_request_ctx=sending
            ) as response,
        ):
            await response.content.read(MOST)
            if 200 <= response.status < 300:
                return
            failure = judged(what, response.status, response.headers, "", None, whole=False, now=None)
    except BROKEN as problem:
        failure = told(problem, what, sending, deadline)
    raise failure or CallFailed("network", f"{what} was given up")


def _has_token(text: str) -> bool:
    """Whether one of the words behind the host could be a secret: long ones with digits, and very long ones."""
    behind = text.split("/", 3)[3:]
    return any(TOKEN.search(word) for each in behind for word in re.split(r"[/?&=#]", each) if word != PLACE)
