"""Binance's public prices, without an account."""

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.contract import Busy, Feed, Limit, Need, Outside, Warn
from pipeline.connections.feeding import fed
from pipeline.evidence import Trouble
from pipeline.feeds.binance import BinanceFeed
from pipeline.feeds.binance_words import HOSTS, LIMITS, NAMING, STREAM, STREAMS, URL, WEIGHTS
from pipeline.feeds.needing import reached, usual_needs
from pipeline.host import Host
from pipeline.parts import source
from pipeline.times import SECOND, DurationText, duration
from pipeline.values import Bars, Gap, Link, Quotes

Name = Annotated[str, Meta(min_length=1)]


@source
class Binance:
    """Live quotes and past bars of Binance's spot market, which it gives to everybody: no account, no key.

    `symbols` says what Binance calls your products: { BTCUSD = "BTCUSDT" }; the best known it knows itself. A quote is
    the best bid and ask of the book; history is made of trades. A product without a quote for `quiet_after` after it
    was subscribed is subscribed anew. See docs/feeds.md.
    """

    products: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=STREAMS)]
    symbols: Annotated[dict[Name, Name], Meta(description='what Binance calls a product: { BTCUSD = "BTCUSDT" }')] = (
        field(default_factory=dict[str, str])
    )
    url: Annotated[str, Meta(description="where its history is asked for")] = URL
    stream_url: Annotated[str, Meta(description="where its quotes come from")] = STREAM
    quiet_after: Annotated[DurationText, Meta(description="so long a subscribed product may be silent")] = "60s"

    def __post_init__(self) -> None:
        duration(self.quiet_after)
        NAMING.symbols(self.products, self.symbols)
        reached("url", self.url, HOSTS)
        reached("stream_url", self.stream_url, HOSTS)

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Link | Trouble]:
        quiet = duration(self.quiet_after) / SECOND
        return fed(host, "binance", lambda warn: self.feed(host, warn), self.products, gaps, quiet_after=quiet)

    def feed(self, host: Outside, warn: Warn) -> Feed:
        """Its prices, for `fed` or for `data download`."""
        return BinanceFeed(self.called(), self.url, self.stream_url, host, warn)

    def called(self) -> dict[str, str]:
        """What it calls each product."""
        return NAMING.symbols(self.products, self.symbols)

    def assumed(self) -> Iterator[tuple[str, str]]:
        """What nobody said, and what to write to say it."""
        return NAMING.assumed(self.products, self.symbols)

    def limits(self) -> tuple[Limit, ...]:
        return LIMITS

    def needs(self, busy: Busy) -> Iterator[Need]:
        yield from usual_needs(busy, "klines", WEIGHTS["klines"], clock="time")
