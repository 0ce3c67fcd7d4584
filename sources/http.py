"""Prices of any broker that answers over HTTP as docs/connectors.md says."""

from collections.abc import Iterator
from dataclasses import field
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.contract import Busy, Feed, Limit, Need, Outside, Warn
from pipeline.connections.feeding import fed
from pipeline.evidence import Trouble
from pipeline.generic.allowance import USUAL, Allowance, source_needs, wrong_with
from pipeline.generic.clocking import practice_time
from pipeline.generic.contracts import Symbols
from pipeline.generic.feed import GenericFeed
from pipeline.generic.site import Site, site_of
from pipeline.generic.terms import LOGIN
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import source
from pipeline.secret import LoginField, Practised
from pipeline.times import SECOND, DurationText, duration
from pipeline.values import Bars, Gap, Link, Quotes

Word = Annotated[str, Meta(min_length=1, max_length=80)]


@source
class Http:
    """Live quotes and bars of the past from a broker that answers over HTTP as docs/connectors.md says.

    Prices are anybody's, unless `account` names whose login they need. Where the broker has a stream quotes come by it,
    else each is asked for every `poll_seconds`. `symbols` says what the broker calls your products. A product without
    prices for `quiet_after` while its market is open is subscribed to anew. With `practice` it hears a practice venue
    on this machine, whose clock goes `speed` times as fast as time passes.
    """

    url: Annotated[str, Meta(description="where its calls go: https://api.broker.example/v1")]
    products: Annotated[tuple[Word, ...], Meta(min_length=1)]
    symbols: Annotated[dict[Word, Word], Meta(description="what the broker calls a product")] = field(
        default_factory=dict[str, str]
    )
    account: Annotated[str, Meta(description="whose login prices are asked for with; nobody's when left out")] = ""
    stream_url: Annotated[str, Meta(description="its socket; beside url when left out")] = ""
    hosts: Annotated[tuple[Word, ...], Meta(description="further hosts that may be asked")] = ()
    rates: Annotated[tuple[Allowance, ...], Meta(description="how often it may be asked: { per_minute = 60 }")] = USUAL
    stream: Annotated[bool, Meta(description="whether its stream is used, where it has one")] = True
    poll_seconds: Annotated[int, Meta(ge=1, le=300, description="how often prices are asked for, without a stream")] = 5
    quiet_after: Annotated[DurationText, Meta(description="so long a product of an open market may be silent")] = "60s"
    deadline_seconds: Annotated[int, Meta(ge=1, le=60, description="an answer is there by then, or lost")] = 10
    practice: Annotated[bool, Meta(description="whether url is a practice venue on this machine")] = False
    speed: Annotated[float, Meta(gt=0, le=1000, description="how fast the clock of a practice venue goes")] = 1.0

    def __post_init__(self) -> None:
        self._site()
        if len(set(self.products)) < len(self.products):
            raise ValueError("a product stands twice in products; name each once")
        if len(set(self.symbols.values())) < len(self.symbols):
            raise ValueError("symbols names one of the broker's symbols for two products; give each its own")
        if self.speed != 1 and not self.practice:
            raise ValueError(
                f"speed is {self.speed:g}, and only a practice venue's clock goes at another pace; "
                "leave it out, or write practice = true beside a url of this machine"
            )
        if wrong := wrong_with(self.rates):
            raise ValueError(wrong)

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Link | Trouble]:
        quiet_after = duration(self.quiet_after) / SECOND
        return fed(host, "http", lambda warn: self.feed(host, warn), self.products, gaps, quiet_after=quiet_after)

    def feed(self, host: Outside, warn: Warn) -> Feed:
        logins = Practised() if self.practice else logins_of(host.base, "http")
        return GenericFeed(
            self._site(),
            Symbols(self.symbols),
            self.limits(),
            self.poll_seconds * SECOND,
            host,
            warn,
            name="http",
            streams=self.stream,
            login=(lambda: logins.of(self.account)) if self.account else None,
            account=self.account,
        )

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        return LOGIN if self.account and not self.practice else ()

    @property
    def speaks(self) -> str:
        return self._site().home

    def limits(self) -> tuple[Limit, ...]:
        return tuple(each.limit() for each in self.rates)

    def needs(self, busy: Busy) -> Iterator[Need]:
        del busy
        yield from source_needs(len(self.products), streams=self.stream, poll_ms=self.poll_seconds * SECOND)

    async def clock_of(self) -> int:
        return await practice_time(self._site(), self.speed)

    def _site(self) -> Site:
        return site_of(self.url, self.stream_url, self.hosts, self.deadline_seconds, practice=self.practice)
