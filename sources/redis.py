"""Prices and bars that another flow, or anybody who keeps to the same channels, publishes by Redis."""

from dataclasses import field
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.channels.access import PART, PASSWORD, SECRET, URL, access_of, library, login_fields, wrong_with
from pipeline.channels.listening import Terms, heard
from pipeline.channels.names import PREFIX, Names
from pipeline.channels.wording import Unfit, wire_symbol
from pipeline.evidence import Trouble
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import source
from pipeline.secret import LoginField
from pipeline.service import FeedReport
from pipeline.times import DurationText, TimeframeName, duration, timeframe
from pipeline.values import Bars, Gap, Link, Quotes

Name = Annotated[str, Meta(min_length=1)]


@source
class Redis:
    """Prices and final bars of a publisher, on this machine or another, heard by the channels of docs/channels.md.

    A window of it needs `finals = "venue"`: the bars are the publisher's, prices are what it looked at every few
    seconds. The past that the flow needs, and bars that are missing, it is asked for. Without a word of its state for
    `stale_after` the link is down. `account` is whose login `accounts add` stores: the secret that bars are signed with
    (`signed`), the password of Redis (`password`). It needs the extra: pip install 'moonlight[redis]'.
    """

    products: Annotated[tuple[Name, ...], Meta(min_length=1)]
    url: Annotated[str, Meta(description="where Redis is: redis://, rediss:// (TLS) or unix://")] = URL
    prefix: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$", description="what its channels begin with")] = PREFIX
    timeframes: Annotated[
        tuple[TimeframeName, ...], Meta(min_length=1, description="of which bars come by themselves")
    ] = ("1m", "5m")
    account: Annotated[str, Meta(description="whose login, as `accounts add` calls it; none when left out")] = ""
    signed: Annotated[bool, Meta(description="whether the login has the secret that bars are signed with")] = True
    password: Annotated[bool, Meta(description="whether the login has the password of Redis")] = False
    require_signed: Annotated[bool, Meta(description="whether bars that are not signed are refused")] = True
    stale_after: Annotated[DurationText, Meta(description="so long the publisher may say nothing of itself")] = "60s"
    warm_bars: Annotated[
        int, Meta(ge=0, le=20_000, description="how many bars it is asked for at first; more where the flow needs more")
    ] = 0
    symbols: Annotated[dict[Name, Name], Meta(description='what a product is called there: { GOLD = "XAUUSD" }')] = (
        field(default_factory=dict[str, str])
    )

    def __post_init__(self) -> None:
        if wrong := wrong_with(self.url):
            raise ValueError(wrong)
        duration(self.stale_after)
        if len({timeframe(name) for name in self.timeframes}) < len(self.timeframes):
            raise ValueError("timeframes has the same one twice; write each once")
        if self.account and not (self.signed or self.password):
            raise ValueError("account has nothing to log in with; leave it out, or write password = true")
        if self.password and not self.account:
            raise ValueError("password needs an account whose login has it; add account, and store it: `accounts add`")
        if strange := [each for each in self.symbols if each not in self.products]:
            raise ValueError(f"symbols names {strange[0]}, which is not asked for; add it to products, or take it out")
        self.called()

    def __call__(self, host: Host, gaps: Observable[Gap]) -> Observable[Quotes | Bars | Link | Trouble | FeedReport]:
        if host.mode != "replay":
            library()
        logins = logins_of(host.base, PART)
        terms = Terms(
            url=self.url,
            names=Names(self.prefix),
            symbols=self.called(),
            timeframes=tuple(sorted(timeframe(name) for name in self.timeframes)),
            access=lambda: access_of(logins, self.account),
            required=self.require_signed,
            stale_after=duration(self.stale_after),
            warm=self.warm_bars,
        )
        return heard(host, PART, terms, gaps)

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        return login_fields(self.account, [*[PASSWORD] * self.password, *[SECRET] * self.signed])

    def final_timeframes(self) -> tuple[str, ...]:
        """Of which timeframes it gives final bars as the publisher has them."""
        return self.timeframes

    def called(self) -> dict[str, str]:
        """What each product is called there."""
        try:
            called = {product: wire_symbol(self.symbols.get(product, product)) for product in self.products}
        except Unfit as wrong:
            raise ValueError(f"products and symbols: {wrong}") from None
        if len(set(called.values())) < len(called):
            raise ValueError("products has two that are called the same there; give each a symbol of its own")
        return called
