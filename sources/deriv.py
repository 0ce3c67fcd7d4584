"""Deriv's own prices, which are those that its contracts are settled by. They need no account and no key."""

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Busy, Feed, Limit, Need, Outside, Warn
from pipeline.connections.feeding import fed
from pipeline.deriv.addresses import check_address
from pipeline.deriv.clocking import practice_time
from pipeline.deriv.ends import Naming
from pipeline.deriv.feed import DerivFeed
from pipeline.deriv.limits import PUBLIC_LIMITS, STREAMS, public_needs
from pipeline.deriv.manner import DEADLINE, OFFICIAL_PRICES
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.parts import source
from pipeline.times import DurationText, duration
from pipeline.values import Bars, Gap, Link, Quotes

Word = Annotated[str, Meta(min_length=1, max_length=60)]
SOCKETS = {"http": "ws", "https": "wss"}


@source
class Deriv:
    """Live quotes and bars of the past from Deriv's public socket, as its own contracts are settled by.

    `symbols` says what Deriv calls your products: { EURUSD = "frxEURUSD" }. A product without prices for `quiet_after`
    while its market is open is subscribed to anew. With `practice` it hears a practice venue on this machine, whose
    clock goes `speed` times as fast as time passes. See docs/deriv.md.
    """

    products: Annotated[tuple[Word, ...], Meta(min_length=1)]
    symbols: Annotated[dict[Word, Word], Meta(description="what Deriv calls a product: EURUSD is frxEURUSD")] = field(
        default_factory=dict[str, str]
    )
    url: Annotated[str, Meta(description="its address, as a venue has it, or that of its public socket")] = (
        OFFICIAL_PRICES
    )
    quiet_after: Annotated[DurationText, Meta(description="so long a product of an open market may be silent")] = "60s"
    practice: Annotated[bool, Meta(description="whether url is a practice venue on this machine")] = False
    speed: Annotated[float, Meta(gt=0, le=1000, description="how fast the clock of a practice venue goes")] = 1.0

    def __post_init__(self) -> None:
        duration(self.quiet_after)
        if len(set(self.products)) < len(self.products):
            raise ValueError("a product stands twice in products; name each once")
        if len(self.products) >= STREAMS:
            raise ValueError(f"one connection has at most {STREAMS} subscriptions; name fewer products")
        check_address(public_socket(self.url), ("ws", "wss"), practice=self.practice, speed=self.speed)

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Link | Trouble]:
        quiet_after = duration(self.quiet_after) / 1000
        return fed(host, "deriv", lambda warn: self.feed(host, warn), self.products, gaps, quiet_after=quiet_after)

    def feed(self, host: Outside, warn: Warn) -> Feed:
        budgets = Budgets(PUBLIC_LIMITS, host.now, host.until)
        hosts = {urlsplit(self.url).hostname or ""}
        return DerivFeed(public_socket(self.url), hosts, Naming(self.symbols), budgets, warn, host.now, DEADLINE)

    @property
    def speaks(self) -> str:
        return "deriv"

    def limits(self) -> tuple[Limit, ...]:
        return PUBLIC_LIMITS

    def needs(self, busy: Busy) -> Iterator[Need]:
        del busy
        yield from public_needs(self.products)

    async def clock_of(self) -> int:
        return await practice_time(self.url, self.speed)


def public_socket(url: str) -> str:
    """The address of the socket of prices, where that of REST calls may be given in its place."""
    parts = urlsplit(url)
    scheme = SOCKETS.get(parts.scheme)
    if scheme is None:
        return url
    return urlunsplit((scheme, parts.netloc, urlsplit(OFFICIAL_PRICES).path, "", ""))
