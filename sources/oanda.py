"""OANDA's prices, with the login of an account there."""

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.contract import Busy, Feed, Limit, Need, Outside, Warn
from pipeline.connections.feeding import fed
from pipeline.evidence import Trouble
from pipeline.feeds.needing import reached, usual_needs
from pipeline.feeds.oanda import OandaFeed
from pipeline.feeds.oanda_words import HOSTS, LIMITS, NAMING, STREAM, URL
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import source
from pipeline.secret import LoginField
from pipeline.times import SECOND, DurationText, duration
from pipeline.values import Bars, Gap, Link, Quotes

Name = Annotated[str, Meta(min_length=1)]


@source
class Oanda:
    """Live quotes and past bars of OANDA, with the token of an account there; a practice account is free.

    `account` is whose login `accounts add` stored: the account's id at OANDA and its token, which is for reading only
    here. Its prices are a practice account's unless `url` and `stream_url` are those of a live one. `symbols` says
    what OANDA calls your products: { EURUSD = "EUR_USD" }; pairs that are best known it knows itself. A product
    without a quote for `quiet_after` of an open market is subscribed anew. See docs/feeds.md.
    """

    products: Annotated[tuple[Name, ...], Meta(min_length=1)]
    account: Annotated[str, Meta(min_length=1, description="whose login, as `accounts add` calls it")]
    symbols: Annotated[dict[Name, Name], Meta(description='what OANDA calls a product: { EURUSD = "EUR_USD" }')] = (
        field(default_factory=dict[str, str])
    )
    url: Annotated[str, Meta(description="where its history is asked for")] = URL
    stream_url: Annotated[str, Meta(description="where its quotes come from")] = STREAM
    quiet_after: Annotated[DurationText, Meta(description="so long a product of an open market may be silent")] = "60s"

    def __post_init__(self) -> None:
        duration(self.quiet_after)
        NAMING.symbols(self.products, self.symbols)
        reached("url", self.url, HOSTS)
        reached("stream_url", self.stream_url, HOSTS)

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        return (
            LoginField("account_id", "your account's id at OANDA, like 101-004-1234567-001"),
            LoginField("token", "a personal access token of OANDA's, from its page on API access", "secret"),
        )

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Link | Trouble]:
        quiet = duration(self.quiet_after) / SECOND
        return fed(host, "oanda", lambda warn: self.feed(host, warn), self.products, gaps, quiet_after=quiet)

    def feed(self, host: Outside, warn: Warn) -> Feed:
        """Its prices, for `fed` or for `data download`."""
        logins = logins_of(host.base, "oanda")
        return OandaFeed(self.called(), self.url, self.stream_url, self.account, logins, host, warn)

    def called(self) -> dict[str, str]:
        """What it calls each product."""
        return NAMING.symbols(self.products, self.symbols)

    def assumed(self) -> Iterator[tuple[str, str]]:
        """What nobody said, and what to write to say it."""
        return NAMING.assumed(self.products, self.symbols)

    def limits(self) -> tuple[Limit, ...]:
        return LIMITS

    def needs(self, busy: Busy) -> Iterator[Need]:
        yield from usual_needs(busy, "candles")
