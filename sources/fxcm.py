"""FXCM's prices, by its official SDK or by a practice one: quotes, and final bars of its history."""

import re
from collections.abc import Callable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta
from reactivex import Observable

from pipeline.calendar import Calendars
from pipeline.connections.contract import Busy, Feed, Limit, Need, Outside, Warn
from pipeline.evidence import Trouble
from pipeline.fxcm.cadence import Rhythm
from pipeline.fxcm.feed import FxcmFeed
from pipeline.fxcm.forexconnect import official
from pipeline.fxcm.misfortunes import WHATS, Misfortune, Misfortunes, What
from pipeline.fxcm.naming import naming
from pipeline.fxcm.polling import Wanted
from pipeline.fxcm.port import Access, Sdk
from pipeline.fxcm.practice import practice_sdk
from pipeline.fxcm.practice_venue import HostClock, practice_venue
from pipeline.fxcm.quota import SPACING, Allowance, Calls
from pipeline.fxcm.rationing import Rationed
from pipeline.fxcm.serving import Service, served
from pipeline.fxcm.words import TIMEFRAMES
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.live import wall
from pipeline.market import BEGIN, END
from pipeline.parts import source
from pipeline.secret import PRACTISED, LoginField, Secret
from pipeline.service import FeedReport, Pressure, Universe
from pipeline.tables import nearest
from pipeline.times import HOUR, SECOND, DurationText, TimeframeName, duration, parse_moment, timeframe, timeframe_name
from pipeline.values import Bars, Gap, Link, Quotes

Name = Annotated[str, Meta(min_length=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Seconds = Annotated[float, Meta(gt=0, le=3600)]
Mishap = Annotated[
    str,
    Meta(pattern=r"^[a-z_]+ at \d+(ms|s|m|h) for [1-9]\d*(ms|s|m|h)$", description='"session_lost at 120s for 70s"'),
]
HOSTS = "http://www.fxcorporate.com/Hosts.jsp"
NOW = "now"
MISHAPS: dict[str, What] = {each: each for each in WHATS}
TRIES = 2
"""A bar that comes late is asked for once more."""
ROUNDING = 1e-9
"""What a quotient may lack of a whole number."""


@source
class Fxcm:
    """Quotes and bars of FXCM by its official SDK `forexconnect`, or made up by a practice SDK that needs no account.

    `account` is whose login `accounts add` stored: the user and the password. With finals = "history" the bars of
    `history_timeframes` are asked of FXCM as their slots end, and given once each, `grace_seconds` after their close;
    the window then says finals = "venue". No more calls are made than `max_history_calls_per_minute` and `…_per_hour`
    say; what may not be asked now is left for later. `symbols` says what FXCM calls your products, where that is no
    pair with a stroke: { GER40 = "GER30" }. See docs/fxcm.md.
    """

    products: Annotated[tuple[Name, ...], Meta(min_length=1)]
    account: Annotated[str, Meta(description="whose login, as `accounts add` calls it; a practice SDK needs none")] = ""
    symbols: Annotated[dict[Name, Name], Meta(description='what FXCM calls a product: { GER40 = "GER30" }')] = field(
        default_factory=dict[str, str]
    )
    sdk: Annotated[
        Literal["forexconnect", "practice"], Meta(description="FXCM's official SDK, or one that makes its prices up")
    ] = "forexconnect"
    url: Annotated[str, Meta(pattern=r"^https?://\S+$", description="FXCM's page of hosts")] = HOSTS
    connection: Annotated[Literal["Demo", "Real"], Meta(description="which of FXCM's systems the login is of")] = "Demo"
    finals: Annotated[
        Literal["history", "quotes"], Meta(description="where final bars come from: FXCM's history, or its quotes")
    ] = "history"
    history_timeframes: Annotated[
        tuple[TimeframeName, ...],
        Meta(min_length=1, description="which final bars are asked for: 1m, 5m, 15m, 30m, 1h"),
    ] = ("1m", "5m")
    grace_seconds: Annotated[float, Meta(ge=0, le=60, description="so long after its close a bar is final")] = 1.0
    late_after: Annotated[
        DurationText,
        Meta(description="a bar known later than that after its close is history: nothing is decided on it"),
    ] = "2m"
    poll_seconds: Annotated[Seconds, Meta(description="how often a bar that is not there yet is looked for")] = 5.0
    poll_least: Annotated[Seconds, Meta(description="seconds: never more often than that")] = 2.0
    poll_most: Annotated[Seconds, Meta(description="seconds: never less often, while the market is open")] = 20.0
    poll_stretch: Annotated[float, Meta(ge=1, le=100, description="how many times as long, once no price comes")] = 2.5
    idle_seconds: Annotated[float, Meta(description="how long to rest in a closed market; at least a poll")] = 30.0
    tick_live: Annotated[DurationText, Meta(description="prices are live up to this silence")] = "30s"
    tick_idle: Annotated[DurationText, Meta(description="prices are idle from this silence on")] = "120s"
    max_history_calls_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 30
    max_history_calls_per_hour: Annotated[int, Meta(ge=1, le=600_000)] = 1200
    load_share: Annotated[
        Share, Meta(description="calls used, from which on `min_interval` holds and the past waits")
    ] = 0.45
    warn_share: Annotated[Share, Meta(description="calls used, from which on it is warned")] = 0.7
    reserve_share: Annotated[Share, Meta(description="calls used, from which on only `priority` is asked for")] = 0.7
    critical_share: Annotated[Share, Meta(description="calls used, from which on they count as used up")] = 0.9
    priority: Annotated[
        tuple[Name, ...], Meta(description="products that the rest of the calls is kept for: EURUSD, or EURUSD:1m")
    ] = ()
    min_interval: Annotated[
        dict[TimeframeName, DurationText],
        Meta(description='the least time between two calls for one product, while many are used: { "1m" = "2s" }'),
    ] = field(default_factory=lambda: {timeframe_name(tf): f"{span // SECOND}s" for tf, span in SPACING.items()})
    quiet_after: Annotated[DurationText, Meta(description="so long a product of an open market may be silent")] = "60s"
    seed: Annotated[int, Meta(ge=0, description="of the prices of a practice SDK")] = 42
    speed: Annotated[float, Meta(gt=0, le=1000, description="how fast the clock of a practice SDK goes")] = 1.0
    begins: Annotated[
        str, Meta(description='when the clock of a practice SDK begins: "now" or a moment such as 2026-01-05T08:00:00Z')
    ] = NOW
    misfortunes: Annotated[
        tuple[Mishap, ...], Meta(description="what goes wrong with a practice SDK, and when after its beginning")
    ] = ()

    def __post_init__(self) -> None:
        naming(self.products).symbols(self.products, self.symbols)
        self._check_times()
        self._check_practice()
        known = {each for name in self.products for each in (name, *(f"{name}:{tf}" for tf in self.history_timeframes))}
        if stray := next((each for each in self.priority if each not in known), None):
            raise ValueError(f"priority names {stray!r}, which is not asked for; {nearest(stray, known)}")

    def __call__(
        self, host: Host, asks: Observable[Gap | Pressure | Universe]
    ) -> Observable[Quotes | Bars | Link | Trouble | FeedReport]:
        service = Service(
            name=host.node,
            make=lambda warn: self._feed(host, warn, host.calendars, host.folder / "fxcm"),
            products=self.products,
            quiet_after=duration(self.quiet_after) / SECOND,
            allowance=self.allowance(),
            finals=self.wanted() if self.finals == "history" else None,
        )
        return served(host, service, asks)

    def feed(self, host: Outside, warn: Warn) -> Feed:
        """Its prices without a flow, for `data download`: within the same limits."""
        calendars = Calendars()
        feed = self._feed(host, warn, calendars, host.base / "data" / "fxcm")
        return Rationed(feed, Calls(self.allowance()), host, calendars, warn)

    # --- what is asked of it -----------------------------------------------------------------------------------------

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        if self.sdk == "practice":
            return ()
        return (
            LoginField("user", "your user name at FXCM, like D291234567"),
            LoginField("password", "its password", "secret"),
        )

    @property
    def begins_at(self) -> int | None:
        return None if self.begins == NOW else parse_moment(self.begins)

    async def clock_of(self) -> int:
        """The time at the practice SDK, which begins when it is told to."""
        return wall() if self.begins_at is None else self.begins_at

    def called(self) -> dict[str, str]:
        """What FXCM calls each product."""
        return naming(self.products).symbols(self.products, self.symbols)

    def assumed(self) -> Iterator[tuple[str, str]]:
        """What nobody said, and what to write to say it."""
        return naming(self.products).assumed(self.products, self.symbols)

    def final_timeframes(self) -> tuple[str, ...]:
        """Of which timeframes it gives final bars as FXCM has them."""
        return self.history_timeframes if self.finals == "history" else ()

    def limits(self) -> tuple[Limit, ...]:
        minute, hour = self.max_history_calls_per_minute, self.max_history_calls_per_hour
        return (Limit("history", frozenset({"history"}), minute, per_hour=max(minute, hour)),)

    def needs(self, busy: Busy) -> Iterator[Need]:
        """Each bar is asked for once, or twice; after a break what each product lacks; the rest is kept free."""
        count = len(self.products)
        spans = self._timeframes() if self.finals == "history" else ()
        names = f"{count} product{'s' if count != 1 else ''}"
        lacking = max(1, len(busy.timeframes))

        def fewer(times: float) -> str:
            fit = int(count / times + ROUNDING)
            if not fit:
                return "max_history_calls_per_minute: write more, or name fewer history_timeframes"
            return f"products: name {fit} of the {count}"

        what = f"the final bars of {names}, and those missing after a break" if spans else f"what {names} lack"
        yield Need(
            "history", float(count * (TRIES * len(spans) + lacking)), what, "history", fewer,
            per_hour=float(count * (sum(TRIES * HOUR // tf for tf in spans) + lacking)),
        )  # fmt: skip
        if self.reserve_share < 1 and not set(self.products) <= set(self.priority):
            kept = 1 - self.reserve_share
            minute, hour = kept * self.max_history_calls_per_minute, kept * self.max_history_calls_per_hour
            yield Need("history", minute, "what is kept for `priority`", "history", _all_of_them, per_hour=hour)

    # --- how it is made ----------------------------------------------------------------------------------------------

    def _feed(self, host: Outside, warn: Warn, calendars: Calendars, folder: Path) -> FxcmFeed:
        return FxcmFeed(
            self._sdk(host, calendars, folder),
            lambda: self._access(host),
            self.called(),
            host,
            warn,
            is_open=lambda product, at: calendars.of(product).is_open(at),
            grace=round(self.grace_seconds * SECOND),
        )

    def _sdk(self, host: Outside, calendars: Calendars, folder: Path) -> Callable[[], Sdk]:
        if self.sdk == "forexconnect":
            return lambda: official(folder)
        names = {symbol: product for product, symbol in self.called().items()}
        misfortunes = Misfortunes(self.begins_at or host.now(), self._misfortunes())
        clock = HostClock(host.now, self.speed)
        venue = practice_venue(names, clock, misfortunes, seed=self.seed, calendars=calendars.of)
        return lambda: practice_sdk(venue, folder)

    def _access(self, host: Outside) -> Access:
        if self.sdk == "practice":
            return Access("practice", Secret(f"{PRACTISED}password"), self.url, self.connection)
        login = logins_of(host.base, "fxcm").of(self.account)
        return Access(login.names["user"], login.secrets["password"], self.url, self.connection)

    def wanted(self) -> Wanted:
        return Wanted(
            products=self.products,
            timeframes=self._timeframes(),
            grace=round(self.grace_seconds * SECOND),
            late=duration(self.late_after),
            rhythm=Rhythm(
                poll=self.poll_seconds,
                least=self.poll_least,
                most=self.poll_most,
                live=duration(self.tick_live) / SECOND,
                idle=duration(self.tick_idle) / SECOND,
                stretch=self.poll_stretch,
            ),
            idle_seconds=self.idle_seconds,
        )

    def allowance(self) -> Allowance:
        return Allowance(
            per_minute=self.max_history_calls_per_minute,
            per_hour=self.max_history_calls_per_hour,
            load=self.load_share,
            warn=self.warn_share,
            reserve=self.reserve_share,
            critical=self.critical_share,
            spacing={timeframe(tf): duration(span) for tf, span in self.min_interval.items()},
            first=frozenset(self.priority),
        )

    def _timeframes(self) -> tuple[int, ...]:
        return tuple(timeframe(name) for name in self.history_timeframes)

    def _misfortunes(self) -> tuple[Misfortune, ...]:
        made = list[Misfortune]()
        for text in self.misfortunes:
            what, at, span = re.split(r" at | for ", text)
            word = MISHAPS.get(what)
            if word is None:
                raise ValueError(f"misfortunes names {what!r}, which does not happen; {nearest(what, WHATS)}")
            made.append(Misfortune(duration(at), word, duration(span)))
        return tuple(made)

    # --- what is wrong with it ---------------------------------------------------------------------------------------

    def _check_times(self) -> None:
        for each in (self.quiet_after, self.late_after, *self.min_interval.values()):
            duration(each)
        spans = self._timeframes()
        if strange := next((tf for tf in spans if tf not in TIMEFRAMES), None):
            known = ", ".join(map(timeframe_name, TIMEFRAMES))
            raise ValueError(
                f"history_timeframes has {timeframe_name(strange)}, and FXCM's bars are {known}; use these"
            )
        if len(set(spans)) < len(spans):
            raise ValueError("history_timeframes names one twice; name each once")
        for name in self.min_interval:
            timeframe(name)
        if self.poll_least > self.poll_most:
            raise ValueError(f"poll_least is {self.poll_least:g}, more than poll_most; write less")
        if duration(self.tick_live) >= duration(self.tick_idle):
            raise ValueError(f"tick_live is {self.tick_live}, and prices are idle from tick_idle on; write less")

    def _check_practice(self) -> None:
        self._misfortunes()
        begins = self.begins_at
        if begins is not None and not BEGIN <= begins < END:
            raise ValueError(f"begins {self.begins} is not from 2015 to 2044; a practice SDK has no prices there")
        if begins is not None and self.sdk != "practice":
            raise ValueError('begins is for a practice SDK only; leave it out, or write sdk = "practice"')
        if self.sdk == "practice":
            return
        if not self.account:
            raise ValueError('account is missing; name the one whose login `accounts add` stored, or sdk = "practice"')
        if self.speed != 1:
            raise ValueError(f"speed is {self.speed:g}, and only a practice SDK's clock goes at another pace; write 1")
        if self.misfortunes:
            raise ValueError('misfortunes are for a practice SDK only; leave them out, or write sdk = "practice"')


def _all_of_them(_: float) -> str:
    return "reserve_share: write 1.0, or name all products in priority"
