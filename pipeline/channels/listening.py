"""Prices and bars that somebody publishes, as a source of a flow: heard by Redis, on this machine or another."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.channels.access import ANSWERING, Access, Client, Subscription, answered, published, reached, subscribed
from pipeline.channels.bearing import Bearing
from pipeline.channels.catching_up import CatchingUp
from pipeline.channels.commands import command
from pipeline.channels.hearing import Hearing, Standing, status_of
from pipeline.channels.names import Channel, Names
from pipeline.channels.wording import NotAsked, Unfit
from pipeline.connections.backoff import REDIS, Backoff
from pipeline.connections.telling import Telling
from pipeline.connections.troubles import CallFailed
from pipeline.connections.waiting import Works, passed
from pipeline.errors import InputError
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.service import FeedReport
from pipeline.times import SECOND
from pipeline.values import Bars, Gap, Link, Quotes

Given = Quotes | Bars | Link | Trouble | FeedReport

HEARD: tuple[Channel, ...] = ("ohlcv", "price_tik", "status", "heartbeat")
OLD = 120 * SECOND
"""A price from before is none: nobody would trade on it."""
AHEAD = 5 * SECOND
"""So far two clocks may be apart: what is later than that by ours was never seen by anybody."""
LOOKING = 2.0
"""Seconds between two looks at what was not heard."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is listened for, and where."""

    url: str
    names: Names
    symbols: Mapping[str, str]
    """The products, and what each is called there."""
    timeframes: tuple[int, ...]
    access: Callable[[], Access]
    """Asked at each connection: a login may have been stored anew."""
    required: bool
    """Whether bars that are not signed are refused."""
    stale_after: int
    warm: int


def heard(host: Host, name: str, terms: Terms, gaps: Observable[Gap]) -> Observable[Given]:
    """What a publisher says of some products, for the source node `name`.

    First the bars that the flow needs before its first decision, which the publisher is asked for, then prices and
    final bars as they come, each once and in order. Missing bars that are asked for come as history. Nothing is ever
    made up: while Redis or the publisher is not there, the link is down.
    """
    if host.mode == "replay":
        raise InputError(
            f"{name}: a replay has no network; record the flow with `run --record` and look at it with `verify`, "
            'or give the flow a source with use = "replay"'
        )

    def listen(observer: ObserverBase[Given], scheduler: SchedulerBase | None = None) -> DisposableBase:
        listening = _Listening(host, name, terms, observer)
        return CompositeDisposable(
            Disposable(listening.close), gaps.subscribe(listening.mend, observer.on_error, scheduler=scheduler)
        )

    return create(listen)


class _Listening:
    """One subscription of a flow to what a publisher says."""

    def __init__(self, host: Host, name: str, terms: Terms, observer: ObserverBase[Given]) -> None:
        self._host, self._name, self._terms, self._observer = host, name, terms, observer
        self._products = {symbol: product for product, symbol in terms.symbols.items()}
        self._works = Works(host, observer.on_error)
        self._telling = Telling(host, name, observer.on_next)
        self._bearing = Bearing(host, name, tuple(terms.symbols), terms.stale_after, observer.on_next)
        self._past = CatchingUp(
            host,
            terms.symbols,
            terms.timeframes,
            terms.warm,
            observer.on_next,
            self._telling,
            self._works.begin,
            self._send,
        )
        self._hearing = Hearing(symbols=frozenset(self._products), timeframes=frozenset(terms.timeframes))
        self._client: Client | None = None
        self._access = Access()
        self._standing = Standing()
        self._ticks = dict.fromkeys(terms.symbols, 0)
        """When the last price of each product was."""
        self._sent, self._sending = 0, asyncio.Lock()
        self._works.begin(self._kept)
        self._works.begin(self._watch)

    def mend(self, gap: Gap) -> None:
        self._past.mend(gap)

    def close(self) -> None:
        self._works.end()
        self._past.close()
        self._telling.close()

    # --- the connection ----------------------------------------------------------------------------------------------

    async def _kept(self) -> None:
        """Be subscribed, for ever: what breaks is made anew, later each time it fails."""
        backoff = Backoff(REDIS, f"{self._name} listening")
        while True:
            failure = await self._broken(backoff)
            self._client = None
            wait = backoff.failed() or 0.0
            self._telling.tell(failure.kind, str(failure))
            self._bearing.broke(str(failure), wait)
            await passed(self._host, wait)

    async def _broken(self, backoff: Backoff) -> CallFailed:
        """Be subscribed once, and say why that came to an end."""
        try:
            await self._connected(backoff)
        except CallFailed as failure:
            return failure
        except InputError as missing:
            return CallFailed("auth", str(missing))

    async def _connected(self, backoff: Backoff) -> NoReturn:
        self._access = access = self._terms.access()
        self._hearing = Hearing(
            symbols=self._hearing.symbols,
            timeframes=self._hearing.timeframes,
            secret=access.secret,
            required=self._terms.required,
        )
        names = self._terms.names
        channels: dict[bytes, Channel] = {names.channel(each).encode(): each for each in HEARD}
        async with (
            reached(self._terms.url, access) as client,
            subscribed(client, *map(bytes.decode, channels)) as subscription,
        ):
            last = await answered(client.get(names.snapshot("status")))
            self._client = client
            backoff.good()
            self._bearing.joined()
            if last is not None:
                self._status(last, kept=True)
            self._past.open()
            while True:
                message = await _next(subscription)
                if message["type"] == "message" and message["channel"] in channels:
                    self._hear(channels[message["channel"]], message["data"])

    async def _send(self, value: Mapping[str, Any]) -> int | None:
        """Send a command, one at a time; None while there is nobody to send it to."""
        async with self._sending:
            client, now = self._client, self._host.now()
            if client is None:
                return None
            self._sent += 1
            raw = command(value, self._access.secret, nonce=f"{self._host.flow}-{now}-{self._sent}", now=now)
            try:
                return await published(client, self._terms.names.channel("commands"), raw)
            except CallFailed as failure:
                self._telling.tell(failure.kind, f"a command could not be sent: {failure}")
                return None

    # --- what comes --------------------------------------------------------------------------------------------------

    def _hear(self, channel: Channel, raw: bytes) -> None:
        try:
            match channel:
                case "ohlcv":
                    self._bars(raw)
                case "price_tik":
                    self._price(raw)
                case "status":
                    self._status(raw)
                case _:
                    self._bearing.alive()
        except NotAsked:
            pass
        except Unfit as wrong:
            self._bearing.refused()
            what = str(wrong)
            self._telling.tell("auth" if what.startswith("sig:") else "format", f"{channel}: {what}; left out")

    def _bars(self, raw: bytes) -> None:
        told = self._hearing.bars(raw)
        for wrong in told.bad:
            self._telling.tell("format", f"ohlcv: {wrong}; left out")
        latest = self._host.now() + AHEAD - told.tf
        rows = tuple(row for row in told.rows if row.open_time <= latest)
        if rows:
            self._past.bars(self._products[told.symbol], told.tf, rows)
        if len(rows) < len(told.rows):
            ahead = (told.rows[-1].open_time + told.tf - self._host.now()) // SECOND
            raise Unfit(f"open_time: a bar is over in {ahead} s only; are both clocks right?")

    def _price(self, raw: bytes) -> None:
        price = self._hearing.price(raw)
        product = self._products[price.symbol]
        if price.tick_at <= self._ticks[product]:  # the same price once more, looked at again
            return
        now = self._host.now()
        if price.tick_at > now + AHEAD:
            raise Unfit(f"tick_ts: it is {(price.tick_at - now) // SECOND} s ahead; are both clocks right?")
        self._ticks[product] = price.tick_at
        if now - price.tick_at > OLD:
            self._telling.tell("network", f"{product}: its price is {(now - price.tick_at) // SECOND} s old; left out")
            return
        self._bearing.ticked()
        ts, received = np.array((price.tick_at,)), np.array((now,))
        self._past.quotes(Quotes(product, ts, received, np.array((price.bid,)), np.array((price.ask,))))

    def _status(self, raw: bytes, *, kept: bool = False) -> None:
        """How the publisher stands; one that was kept for who comes late counts unless it is old."""
        said = status_of(raw, self._standing)
        if kept and said.at < self._host.now() - self._terms.stale_after:
            return
        self._standing = said
        self._bearing.stands(said)

    # --- works -------------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            await passed(self._host, min(LOOKING, self._terms.stale_after / SECOND / 4))
            if why := self._bearing.look():
                self._telling.tell("network", why)


async def _next(subscription: Subscription) -> dict[str, Any]:
    """What comes next; `CallFailed` when Redis does not even answer a question."""
    for _ in range(2):
        message = await answered(subscription.get_message(timeout=ANSWERING))
        if message is not None:
            return message
        await answered(subscription.ping())
    raise CallFailed("network", f"Redis gave no answer within {ANSWERING:.0f} s")
