"""Tips posted to this machine over HTTP, by whoever here can read the token."""

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from msgspec import Meta
from reactivex import Observable, abc

from pipeline.errors import InputError
from pipeline.host import Host
from pipeline.parts import Derived, source
from pipeline.private import kept_token, write_private
from pipeline.times import DAY, SECOND, DurationText, TimeframeName, parse_moment, utc_text
from pipeline.tip_words import Tip, batches, check_usual, product_of, score_of, timeframe_of, valid_until_of
from pipeline.values import Tips

LOOPBACK = "127.0.0.1"
PATH = "/tips"
LARGEST = 4 * 1024
"""Bytes of what is posted."""
PATIENCE = 5.0
"""Seconds that may pass until all of it is there."""
AT_ONCE = 20
"""Tips that may come one after another before the rate counts."""
LEAST_MS = 10**11
"""Whole numbers below it are seconds since 1970."""
EXAMPLE = '{"product": "EURUSD", "direction": "call", "timeframe": "5m"}'


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is posted."""

    product: str
    direction: str | None = None
    score: float | None = None
    timeframe: str | None = None
    as_of: str | int | None = None
    valid_until: str | int | None = None
    valid_for: str | None = None


@source
class Webhook:
    """Tips posted as JSON to http://127.0.0.1:PORT/tips: product, direction or score, and if you like timeframe, as_of,
    valid_until or valid_for.

    It asks for `Authorization: Bearer` with the text of NAME.token, which stands in the flow's data folder from the
    first start on and which only you can read; NAME.url beside it has the address. A tip without `as_of`, or with one
    that has passed, counts from when it came. In a replay it is silent.
    """

    port: Annotated[int, Meta(ge=0, le=65535, description="where it listens; 0 for any free port")] = 8770
    name: Annotated[str, Meta(pattern="^[a-z][a-z0-9_-]*$", description="what its files are called")] = "webhook"
    per_minute: Annotated[int, Meta(ge=1, le=6000, description="how many tips it takes")] = 60
    timezone: Annotated[str, Meta(description="where times without a zone are from")] = "UTC"
    timeframe: Annotated[TimeframeName | None, Meta(description="of tips that name none; all when left out")] = None
    valid_for: Annotated[DurationText, Meta(description="how long a tip holds that does not say it")] = "30s"
    market: Annotated[Collection[str], Derived] = frozenset[str]()

    def __post_init__(self) -> None:
        check_usual(self.timezone, self.valid_for, self.timeframe)

    def __call__(self, host: Host) -> Observable[Tips]:
        def subscribe(
            observer: abc.ObserverBase[Tips], scheduler: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            # Handed on in the turn in which it came: what is stamped now is heard before any later bar.
            return host.stream(lambda: _open(self, host, observer.on_next)).subscribe(observer, scheduler=scheduler)

        return Observable(subscribe)

    def tip(self, posted: Posted, now: int) -> Tip:
        """What was posted at a moment as a tip, or a ValueError with a sentence."""
        zone = ZoneInfo(self.timezone)
        as_of = now if posted.as_of is None else _moment(posted.as_of, zone)
        if abs(as_of - now) > DAY:
            raise ValueError("as_of is more than a day from now; post a tip on the day it is for")
        until = None if posted.valid_until is None else _moment(posted.valid_until, zone)
        end = valid_until_of(as_of, until, posted.valid_for, self.valid_for)
        if end > as_of + DAY:
            raise ValueError("the tip would hold for more than a day; post it again the next day")
        # Bars that were final by now have been decided.
        begin = max(as_of, now + 1)
        tf = timeframe_of(posted.timeframe or self.timeframe)
        return Tip(product_of(posted.product, self.market), begin, end, tf, score_of(posted.direction, posted.score))


def _moment(given: str | int, zone: ZoneInfo) -> int:
    if isinstance(given, int):
        return given if given >= LEAST_MS else given * SECOND
    return parse_moment(given, zone)


async def _open(webhook: Webhook, host: Host, heard: Callable[[Tips], None]) -> AsyncIterator[Tips]:
    """Listen until it is called off; in a replay not at all."""
    if host.mode != "replay":
        door = _Door(webhook, host, heard)
        await door.open()
        try:
            await asyncio.Event().wait()
        finally:
            await door.close()
    for each in ():
        yield each


class _Door:
    """The server of one webhook."""

    def __init__(self, webhook: Webhook, host: Host, heard: Callable[[Tips], None]) -> None:
        self._webhook, self._host, self._heard = webhook, host, heard
        self._token = kept_token(host.folder / f"{webhook.name}.token").encode()
        self._hosts = frozenset[str]()
        self._runner: web.AppRunner | None = None
        self._loop = asyncio.get_running_loop()
        self._left, self._counted = float(AT_ONCE), self._loop.time()

    async def open(self) -> None:
        listening = _listening(self._webhook.port)
        port = listening.getsockname()[1]
        self._hosts = frozenset({f"{LOOPBACK}:{port}", f"localhost:{port}"})
        app = web.Application(middlewares=[self._judged], client_max_size=LARGEST)
        app.router.add_post(PATH, self._take)
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.SockSite(self._runner, listening).start()
        address = f"http://{LOOPBACK}:{port}{PATH}\n"
        write_private(self._host.folder / f"{self._webhook.name}.url", address.encode())

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _judged(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Whoever cannot read the token is sent away, and every refusal is a sentence in JSON."""
        try:
            self._let_in(request)
            return await handler(request)
        except web.HTTPRequestEntityTooLarge:
            return _said(413, f"the body is larger than {LARGEST} bytes; send one tip, such as {EXAMPLE}")
        except web.HTTPNotFound:
            return _said(404, f"there is nothing here; post to {PATH}")
        except web.HTTPMethodNotAllowed:
            return _said(405, f"this takes POST only; send something like {EXAMPLE}")
        except _Refused as refused:
            return _said(refused.status, str(refused))

    def _let_in(self, request: web.Request) -> None:
        """Only programs on this machine that can read the token: a web page in a browser here is not one of them."""
        if request.headers.get("Host") not in self._hosts:
            raise _Refused(421, f"this webhook answers to {' and '.join(sorted(self._hosts))} only; use one of these")
        origin = request.headers.get("Origin")
        if origin is not None and origin.removeprefix("http://") not in self._hosts:
            raise _Refused(403, "this webhook does not answer to pages of other sites; post from a program")
        said = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(said, b"Bearer " + self._token):
            raise _Refused(401, f"send 'Authorization: Bearer' with the text of {self._webhook.name}.token")

    async def _take(self, request: web.Request) -> web.Response:
        self._count()
        try:
            async with asyncio.timeout(PATIENCE):
                body = await request.read()
        except TimeoutError:
            raise _Refused(408, f"the body did not come within {PATIENCE:g} s; send it at once") from None
        tip = self._tip(body)
        for tips in batches((tip,)):
            self._heard(tips)
        facts = {"product": tip.product, "score": tip.score, "timeframe_ms": tip.tf}
        return web.json_response(
            facts | {"as_of": utc_text(tip.as_of), "valid_until": utc_text(tip.valid_until)}, status=202
        )

    def _count(self) -> None:
        """A bucket that fills again with time."""
        now, rate = self._loop.time(), self._webhook.per_minute / 60
        self._left = min(AT_ONCE, self._left + (now - self._counted) * rate)
        self._counted = now
        if self._left < 1:
            raise _Refused(429, f"more than {self._webhook.per_minute} tips a minute came; wait, or raise per_minute")
        self._left -= 1

    def _tip(self, body: bytes) -> Tip:
        try:
            posted = _DECODER.decode(body)
        except (msgspec.DecodeError, RecursionError) as wrong:
            raise _Refused(422, f"cannot take that ({str(wrong)[:200]}); send something like {EXAMPLE}") from None
        try:
            return self._webhook.tip(posted, self._host.now())
        except (ValueError, OverflowError) as wrong:
            raise _Refused(422, str(wrong)) from None


_DECODER = msgspec.json.Decoder(Posted)


class _Refused(Exception):
    """What was posted is not taken: why, and how to mend it."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def _said(status: int, sentence: str) -> web.Response:
    return web.Response(status=status, body=json.dumps({"error": sentence}), content_type="application/json")


def _listening(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as problem:
        raise InputError(
            f"the webhook cannot listen on {LOOPBACK}:{port} ({problem.strerror}); choose another port, or 0 for any"
        ) from None
