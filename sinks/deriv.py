"""Deriv, over its options API: rise and fall contracts of demo accounts, and of real ones once they are armed."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.budgets import Common
from pipeline.connections.contract import (
    Busy,
    Capabilities,
    Connector,
    Holder,
    Limit,
    Need,
    Outside,
    Warn,
)
from pipeline.connections.desk import connected
from pipeline.connections.rehearsal import rehearsed
from pipeline.deriv.addresses import check_address, check_hosts
from pipeline.deriv.clocking import practice_time
from pipeline.deriv.connector import DerivConnector
from pipeline.deriv.ends import Naming
from pipeline.deriv.limits import ACCOUNT_LIMITS, account_needs
from pipeline.deriv.manner import CURRENCIES, DEADLINE, LATEST, OFFICIAL, STAMPS, Manner
from pipeline.errors import InputError
from pipeline.evidence import (
    Called,
    Closing,
    Declined,
    Evidence,
    Inquiry,
    Lost,
    Standing,
    Statement,
    Struck,
    Trouble,
    Unsent,
)
from pipeline.gains import CENT
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import Derived, venue
from pipeline.permission import Permission
from pipeline.secret import LoginField, Logins, Practised
from pipeline.settlement import Tie
from pipeline.times import DAY, HOUR, SECOND, DurationText, duration
from pipeline.values import Ack, Bars, Latch, Order, Past, Payouts, Quotes, Reject, Settlement
from pipeline.venues.house import House
from pipeline.venues.rules import Rules
from pipeline.venues.selling import EarlyClose

Ratio = Annotated[float, Meta(gt=0, le=10)]
Word = Annotated[str, Meta(min_length=1, max_length=60)]
EVIDENCE = Evidence(lists=True, late_ms=LATEST, closes=True, stamps_ms=STAMPS)
PERMISSION = Permission(
    "Deriv publishes this API for programs that trade; whether you may, its terms for the country you live in say",
    "https://developers.deriv.com/docs/",
)
REHEARSAL = Permission("a practice venue on this machine: nobody's money, nobody's permission needed", rehearsal=True)
SHORTEST, LONGEST = 15 * SECOND, 365 * DAY


@venue
class Deriv:
    """Buys rise and fall contracts at Deriv, over its current options API, with a token that `accounts add` stores.

    Each account has a login, a socket and limits of its own. A contract is bought once, by a price asked for just
    before; what nobody answers is looked up in what the account holds, never sent again. `symbols` says what Deriv
    calls your products. With `practice` it trades at a practice venue on this machine (`venue serve`), `speed` times
    as fast as time passes. A replay settles by the flow's own prices at `replay_payout`. See docs/deriv.md.
    """

    url: Annotated[str, Meta(description="where its REST calls go")] = OFFICIAL
    hosts: Annotated[tuple[Word, ...], Meta(description="further hosts that its sockets may be at")] = ()
    app_id: Annotated[str, Meta(description="of your application, from Deriv's dashboard; it is no secret")] = ""
    symbols: Annotated[dict[Word, Word], Meta(description="what Deriv calls a product: EURUSD is frxEURUSD")] = field(
        default_factory=dict[str, str]
    )
    payout_every: Annotated[DurationText, Meta(description="how often it is asked what a win pays")] = "60s"
    payout_stake: Annotated[Decimal, Meta(description="for which stake: payouts are told to the cent")] = Decimal(10)
    payout_slack: Annotated[
        float, Meta(ge=0, le=1, description="nothing is bought whose payout fell by more since it was decided")
    ] = 0.01
    requotes: Annotated[int, Meta(ge=0, le=3, description="how often a price that held no more is asked for again")] = 1
    max_clock_offset_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="nothing is bought while its clock and ours are further apart")
    ] = 500
    allow_equals: Annotated[bool, Meta(description="buy contracts that win when exit equals entry; they pay less")] = (
        False
    )
    practice: Annotated[bool, Meta(description="whether url is a practice venue on this machine")] = False
    speed: Annotated[float, Meta(gt=0, le=1000, description="how fast the clock of a practice venue goes")] = 1.0
    replay_payout: Annotated[
        Ratio | None, Meta(description="what a win pays in a replay; without it there is none")
    ] = None
    holders: Annotated[Mapping[str, Holder], Derived] = field(default_factory=dict[str, Holder])
    balances: Annotated[Mapping[str, Decimal], Derived] = field(default_factory=dict[str, Decimal])
    products: Annotated[tuple[str, ...], Derived] = ()
    slots: Annotated[tuple[int, ...], Derived] = ()

    def __post_init__(self) -> None:
        if duration(self.payout_every) < SECOND:
            raise ValueError(f'payout_every {self.payout_every} is too often; write "1s" or more')
        if self.payout_stake <= 0 or self.payout_stake % CENT:
            raise ValueError(f'payout_stake {self.payout_stake} is no stake; write whole cents like "10.00"')
        check_address(self.url, ("http", "https"), practice=self.practice, speed=self.speed)
        check_hosts(self.hosts)
        if not self.practice and not self.app_id:
            raise ValueError("app_id is missing; register an application at Deriv and write its id, or practice = true")
        if len(set(self.symbols.values())) < len(self.symbols):
            raise ValueError("symbols names one of Deriv's symbols for two products; give each its own")
        for holder in self.holders.values():
            if self.practice != (holder.money == "practice"):
                what = "a practice" if self.practice else "no practice"
                raise ValueError(
                    f'it is {what} venue and account {holder.account} has money = "{holder.money}"; '
                    + ('write money = "practice"' if self.practice else 'write money = "demo", or practice = true')
                )
            if holder.currency not in CURRENCIES:
                raise ValueError(f"account {holder.account} is in {holder.currency}; its options accounts are in USD")

    def __call__(
        self,
        host: Host,
        orders: Observable[Order | Inquiry | Closing],
        prices: Observable[Quotes | Bars],
        payouts: Observable[Payouts],
        past: Observable[Past | Latch],
    ) -> Observable[
        Ack
        | Reject
        | Unsent
        | Lost
        | Declined
        | Settlement
        | Statement
        | Struck
        | Standing
        | Trouble
        | Called
        | Payouts
    ]:
        if host.mode == "replay":
            return rehearsed(host, lambda: self._house(host), self.holders, orders, prices, payouts, past)
        logins, common = self._logins(host), Common(host.now, host.until)

        def make(holder: Holder, warn: Warn) -> Connector:
            return DerivConnector(self.manner, holder, logins, warn, host.now, host.until, common)

        return connected(
            host,
            make,
            self.holders,
            logins,
            quoted=[(product, slot) for product in self.products for slot in self.slots],
            payout_every=duration(self.payout_every),
            stake=self.payout_stake,
            deadline=DEADLINE,
            orders=orders,
            past=past,
        )

    # --- what it declares --------------------------------------------------------------------------------------------

    @property
    def evidence(self) -> Evidence:
        return EVIDENCE

    @property
    def tie(self) -> Tie:
        return "win" if self.allow_equals else "lose"

    @property
    def permission(self) -> Permission:
        return REHEARSAL if self.practice else PERMISSION

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        if self.practice:
            return ()
        return (
            LoginField("account_id", "the account's id at Deriv, like DOT90004580"),
            LoginField("token", "a personal access token of Deriv that may trade and nothing else", "secret"),
        )

    @property
    def speaks(self) -> str:
        return "deriv"

    def limits(self) -> tuple[Limit, ...]:
        return ACCOUNT_LIMITS

    def needs(self, busy: Busy) -> Iterator[Need]:
        yield from account_needs(tuple(self.holders), busy, max(1, duration(self.payout_every) // SECOND))

    async def clock_of(self) -> int:
        return await practice_time(self.url, self.speed)

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        whose = Practised() if self.practice else logins
        return DerivConnector(self.manner, holder, whose, warn, host.now, host.until)

    # --- what it is made of ------------------------------------------------------------------------------------------

    @property
    def manner(self) -> Manner:
        """How its accounts are connected."""
        return Manner(
            url=self.url,
            hosts=frozenset({urlsplit(self.url).hostname or "", *self.hosts}),
            app_id=self.app_id or "practice",
            naming=Naming(self.symbols, allow_equals=self.allow_equals),
            capabilities=Capabilities(
                evidence=EVIDENCE,
                streams=True,
                tie=self.tie,
                currencies=CURRENCIES,
                shortest=SHORTEST,
                longest=LONGEST,
                permission=self.permission,
                limits=ACCOUNT_LIMITS,
            ),
            payout_slack=self.payout_slack,
            requotes=self.requotes,
            most_apart=self.max_clock_offset_ms,
            reach=max(self.slots, default=HOUR) + HOUR,
        )

    def _logins(self, host: Host) -> Logins:
        return Practised() if self.practice else logins_of(host.base, "deriv")

    def _house(self, host: Host) -> House:
        """In a replay: the contracts' rules, and the flow's own prices."""
        if self.replay_payout is None:
            raise InputError(
                "a replay has no network, so Deriv cannot settle its orders; "
                "write replay_payout = 0.95 in the venue's table to settle them by the flow's own prices"
            )
        rules = Rules(payout=self.replay_payout, tie=self.tie, evidence=EVIDENCE, early_close=EarlyClose())
        return House(rules, self.balances, (), began=host.now())
