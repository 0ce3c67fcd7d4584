"""Any broker that answers over HTTP as docs/connectors.md says."""

from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from decimal import Decimal
from typing import Annotated

from msgspec import Meta
from reactivex import Observable

from pipeline.connections.budgets import Common
from pipeline.connections.contract import Busy, Connector, Holder, Limit, Need, Outside, Warn
from pipeline.connections.desk import connected
from pipeline.connections.rehearsal import rehearsed
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
from pipeline.generic.allowance import USUAL, Allowance, venue_needs, wrong_with
from pipeline.generic.clocking import practice_time
from pipeline.generic.connector import GenericConnector
from pipeline.generic.contracts import Symbols
from pipeline.generic.site import Site, site_of
from pipeline.generic.terms import LOGIN, SCOPES, Terms
from pipeline.host import Host
from pipeline.keys import logins_of
from pipeline.parts import Derived, venue
from pipeline.permission import Permission
from pipeline.secret import LoginField, Logins, Practised
from pipeline.settlement import Tie
from pipeline.times import SECOND, DurationText, duration
from pipeline.values import Ack, Bars, Latch, Order, Past, Payouts, Quotes, Reject, Settlement
from pipeline.venues.house import House
from pipeline.venues.rules import Rules
from pipeline.venues.selling import EarlyClose

Ratio = Annotated[float, Meta(gt=0, le=10)]
Word = Annotated[str, Meta(min_length=1, max_length=80)]


@venue
class Http:
    """Buys at any broker that answers over HTTP as docs/connectors.md says, with a login that `accounts add` stores.

    Each account has a login, a session, a stream and limits of its own. `evidence` says what is taken for granted of
    the broker's proofs: it is let in only if it declares as much. `permission_page` and `jurisdiction` say where its
    terms permit programs to trade, and who may. `symbols` says what the broker calls your products. With `practice` it
    trades at a practice venue on this machine (`venue serve`). A replay settles by the flow's own prices at
    `replay_payout`.
    """

    url: Annotated[str, Meta(description="where its calls go: https://api.broker.example/v1")]
    permission_page: Annotated[str, Meta(description="the broker's own page that permits programs to trade")]
    jurisdiction: Annotated[str, Meta(min_length=10, description="who may trade there, in a sentence")]
    stream_url: Annotated[str, Meta(description="its socket; beside url when left out")] = ""
    hosts: Annotated[tuple[Word, ...], Meta(description="further hosts that may be asked")] = ()
    symbols: Annotated[dict[Word, Word], Meta(description="what the broker calls a product")] = field(
        default_factory=dict[str, str]
    )
    evidence: Annotated[Evidence, Meta(description="what it has to be able to prove of an order")] = Evidence(
        lists=True, echoes=True, once=True, late_ms=2000, stamps_ms=2000
    )
    tie: Annotated[Tie, Meta(description="whether the stake comes back when exit equals entry")] = "lose"
    rates: Annotated[
        tuple[Allowance, ...], Meta(description="how often it may be asked: { per_minute = 60, reserve = 10 }")
    ] = USUAL
    accept_scopes: Annotated[tuple[Word, ...], Meta(description="what else than read and trade its logins may do")] = ()
    stream: Annotated[bool, Meta(description="whether its stream is used, where it has one")] = True
    poll_seconds: Annotated[
        int, Meta(ge=1, le=300, description="how often it is asked what became of contracts, without a stream")
    ] = 5
    payout_every: Annotated[DurationText, Meta(description="how often it is asked what a win pays")] = "60s"
    payout_stake: Annotated[Decimal, Meta(description="for which stake")] = Decimal(10)
    payout_slack: Annotated[
        float, Meta(ge=0, le=1, description="nothing is bought whose payout fell by more since it was decided")
    ] = 0.01
    max_clock_offset_ms: Annotated[
        int, Meta(ge=100, le=60_000, description="nothing is bought while its clock and ours are further apart")
    ] = 500
    deadline_seconds: Annotated[int, Meta(ge=1, le=60, description="an answer is there by then, or lost")] = 10
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
        self._site()
        if not self.permission_page.startswith("https://") and not self.practice:
            raise ValueError(f'permission_page is {self.permission_page[:60]!r}; write the page: "https://…"')
        if duration(self.payout_every) < SECOND:
            raise ValueError(f'payout_every {self.payout_every} is too often; write "1s" or more')
        if self.payout_stake <= 0:
            raise ValueError(f'payout_stake {self.payout_stake} is no stake; write one like "10.00"')
        if len(set(self.symbols.values())) < len(self.symbols):
            raise ValueError("symbols names one of the broker's symbols for two products; give each its own")
        if self.speed != 1 and not self.practice:
            raise ValueError(
                f"speed is {self.speed:g}, and only a practice venue's clock goes at another pace; "
                "leave it out, or write practice = true beside a url of this machine"
            )
        if wrong := wrong_with(self.rates):
            raise ValueError(wrong)
        for holder in self.holders.values():
            if self.practice != (holder.money == "practice"):
                what = "a practice" if self.practice else "no practice"
                fix = 'write money = "practice"' if self.practice else 'write money = "demo", or practice = true'
                raise ValueError(
                    f'it is {what} venue, and [accounts.{holder.account}] money is "{holder.money}"; {fix}'
                )

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
        return connected(
            host,
            lambda holder, warn: self._connector(host, holder, logins, warn, common),
            self.holders,
            logins,
            quoted=[(product, slot) for product in self.products for slot in self.slots],
            payout_every=duration(self.payout_every),
            stake=self.payout_stake,
            deadline=self.deadline_seconds,
            orders=orders,
            past=past,
        )

    # --- what it declares ---

    @property
    def permission(self) -> Permission:
        if self.practice:
            return Permission("a practice venue on this machine: nobody's money", rehearsal=True)
        return Permission(self.jurisdiction, self.permission_page)

    @property
    def login_fields(self) -> tuple[LoginField, ...]:
        return () if self.practice else LOGIN

    @property
    def speaks(self) -> str:
        return self._site().home

    def limits(self) -> tuple[Limit, ...]:
        return tuple(each.limit() for each in self.rates)

    def needs(self, busy: Busy) -> Iterator[Need]:
        poll, payout = self.poll_seconds * SECOND, duration(self.payout_every)
        yield from venue_needs(busy, streams=self.stream, poll_ms=poll, payout_ms=payout)

    async def clock_of(self) -> int:
        return await practice_time(self._site(), self.speed)

    def connector(self, host: Outside, holder: Holder, logins: Logins, warn: Warn) -> Connector:
        return self._connector(host, holder, Practised() if self.practice else logins, warn, None)

    # --- what it is made of ---

    def _connector(
        self, host: Outside, holder: Holder, logins: Logins, warn: Warn, common: Common | None
    ) -> GenericConnector:
        return GenericConnector(self._terms(), holder, lambda: logins.of(holder.account), host, warn, common)

    def _terms(self) -> Terms:
        return Terms(
            site=self._site(),
            symbols=Symbols(self.symbols),
            evidence=self.evidence,
            tie=self.tie,
            permission=self.permission,
            limits=self.limits(),
            streams=self.stream,
            poll_ms=self.poll_seconds * SECOND,
            payout_slack=self.payout_slack,
            most_apart_ms=int(self.max_clock_offset_ms * max(1.0, self.speed)),
            scopes=SCOPES | frozenset(self.accept_scopes),
            practice=self.practice,
            speed=self.speed,
        )

    def _site(self) -> Site:
        return site_of(self.url, self.stream_url, self.hosts, self.deadline_seconds, practice=self.practice)

    def _logins(self, host: Host) -> Logins:
        return Practised() if self.practice else logins_of(host.base, "http")

    def _house(self, host: Host) -> House:
        """In a replay: the flow's own prices."""
        if self.replay_payout is None:
            raise InputError(
                "a replay has no network, so the broker cannot settle its orders; "
                "write replay_payout = 0.87 in the venue's table to settle them by the flow's own prices"
            )
        evidence = replace(self.evidence, late_ms=max(self.evidence.late_ms, Rules().latency_ms))
        early = EarlyClose() if self.evidence.closes else None
        rules = Rules(payout=self.replay_payout, tie=self.tie, evidence=evidence, early_close=early)
        return House(rules, self.balances, (), began=host.now())
