"""The wire between an engine and a venue: what is sent, answered and asked goes along it, and a storm blows at it.

The venue at its other end is the flow's own, in its right mind, and goes on living when an engine does not.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import msgspec
from reactivex import Observable, abc

from pipeline.evidence import Closing, Declined, Evidence, Inquiry, Lost, Statement, Struck, Unsent
from pipeline.parts import Part
from pipeline.sim.feed import Waiting
from pipeline.sim.lives import Killed
from pipeline.sim.storms import Storm, edgewise
from pipeline.steps import Tube
from pipeline.times import SECOND
from pipeline.values import Ack, Direction, Order, Payouts, Reject, Result, Settlement

REFUSING, RESETTING, TRAVELLING = 10, 50, 20
"""How long (ms) it takes to be refused, to see a connection break, and to travel one way."""
PATIENCE = 10 * SECOND
LATEST_ACK, LATEST_END, LATEST_LISTING = 40 * SECOND, 90 * SECOND, 5 * SECOND
TOKEN = 20 * SECOND
BY_HAND = "by hand "

Reply = Ack | Reject | Unsent | Lost | Declined | Settlement | Statement | Payouts


@dataclass(slots=True)
class Contract:
    """What the venue holds, whoever knows of it."""

    contract: str
    order: str
    account: str
    product: str
    tf: int
    direction: Direction
    stake: Decimal
    accepted_at: int
    expiry: int
    result: Result | None = None
    profit: Decimal = Decimal(0)

    @property
    def external(self) -> bool:
        return self.order.startswith(BY_HAND)


class Watcher(Protocol):
    """Who sees what an engine sends, and what it is told."""

    def sent(self, order: Order) -> None: ...
    def told(self, reply: Any) -> None: ...
    def made(self, order: Order, expiry: int) -> None: ...


class Wire:
    """One venue with all its contracts, and the connection of whichever engine lives."""

    def __init__(self, part: Part, venue: Any, storm: Storm, clock: Waiting) -> None:
        self.contracts: dict[str, Contract] = {}
        self.watcher: Watcher | None = None
        self.gate: Callable[[Callable[[], object]], object] = lambda act: act()
        """How something happens in the engine that lives."""
        self.orders: Tube[Order | Inquiry | Closing] = Tube()
        self.away_until = self.half_open_until = self.token_until = self.blind_until = 0
        self.sends = 0
        self._part, self._venue, self._storm, self._clock = part, venue, storm, clock
        self._ear: Callable[[Reply], None] | None = None
        self._payouts: dict[str, Payouts] = {}
        self._last_sent: dict[str, tuple[Order, str]] = {}
        """Each order as it was sent last, and what befalls its answer."""
        self._by_order: dict[str, list[Contract]] = {}

    def __getattr__(self, name: str) -> Any:
        """What a flow reads off its venue: evidence, ties."""
        return getattr(self._venue, name)

    # --- the part ----------------------------------------------------------------------------------------------------

    def __call__(self, host: object, *inlets: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: abc.ObserverBase[Any], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            def hear(reply: Reply) -> None:
                observer.on_next(reply)

            self._ear = hear
            taking = next(
                inlet for inlet, kinds in zip(inlets, self._part.takes.values(), strict=True) if Order in kinds
            )
            sending = taking.subscribe(self._take)
            for payouts in tuple(self._payouts.values()):
                hear(payouts)
            return sending

        return Observable(subscribe)

    def let_go(self) -> None:
        """The engine at this end is no more: what is under way to it is lost."""
        self._ear = None

    def _take(self, item: Order | Inquiry | Closing) -> None:
        if isinstance(item, Inquiry):
            self._ask(item)
        elif isinstance(item, Closing):
            self._clock.at(self._clock.now() + TRAVELLING, lambda: self._sell(item))
        elif item.state == "SEND":
            self._send(item)

    def _sell(self, closing: Closing) -> None:
        """By the venue's own clock."""
        if max(self.away_until, self.half_open_until) <= self._clock.now():
            self.orders.give(msgspec.structs.replace(closing, at=self._clock.now()))

    @property
    def now(self) -> int:
        """By the venue's own clock."""
        return self._clock.now()

    # --- what is sent ------------------------------------------------------------------------------------------------

    def _send(self, order: Order) -> None:
        self.sends += 1
        if self.watcher is not None:
            self.watcher.sent(order)
        storm, now, name = self._storm, self._clock.now(), order.order
        if self.away_until > now or storm.strikes("refused") is not None:
            self._tell(Unsent(name, "connection refused", now + REFUSING), REFUSING)
        elif self.half_open_until > now or storm.strikes("lost_request") is not None:
            return
        elif self.token_until > now or storm.strikes("http_401") is not None:
            self._tell(Reject(name, "401: the token is not good", now + RESETTING), RESETTING)
        elif storm.strikes("http_429") is not None:
            self._tell(Reject(name, "429: too many", now + RESETTING), RESETTING)
        elif storm.strikes("reset_before") is not None:
            self._tell(Lost(name, "the connection was reset", now + RESETTING), RESETTING)
        elif storm.strikes("http_503") is not None:
            self._tell(Lost(name, "503", now + RESETTING), RESETTING)
        else:
            self._reach(order)
        if storm.strikes("kill_at_message") is not None:
            raise Killed

    def _reach(self, order: Order) -> None:
        """The venue gets it, sooner or later; what is heard of that is another matter."""
        storm, now, late = self._storm, self._clock.now(), 0
        fate = ""
        for what in ("reset_after", "http_503_accepted", "bad_body"):
            if not fate and storm.strikes(what) is not None:
                fate = what
                self._tell(Lost(order.order, f"{what.replace('_', ' ')}", now + RESETTING), RESETTING)
        slow = storm.strikes("late_accept")
        evidence: Evidence = self._venue.evidence
        if slow is not None and evidence.late_ms > TRAVELLING + self._latency:
            late = int(edgewise(slow, 0, evidence.late_ms - TRAVELLING - self._latency))
        self._last_sent[order.order] = (order, fate)
        self._clock.at(now + TRAVELLING + late, lambda: self._arrive(order))

    @property
    def _latency(self) -> int:
        return sum(int(getattr(self._venue, name, 0)) for name in ("latency_ms", "latency_jitter_ms"))

    def _arrive(self, order: Order) -> None:
        """By the venue's own clock."""
        if self.away_until <= self._clock.now():
            self.orders.give(msgspec.structs.replace(order, at=self._clock.now(), sent_at=self._clock.now()))

    def by_hand(self, order: Order) -> None:
        """Somebody places a contract on the account without us."""
        self._last_sent[order.order] = (order, "by hand")
        self._arrive(order)

    # --- what is asked -----------------------------------------------------------------------------------------------

    def _ask(self, inquiry: Inquiry) -> None:
        now, storm = self._clock.now(), self._storm
        failed = storm.strikes("failed_listing") is not None
        if self.half_open_until > now or storm.strikes("lost_listing") is not None:
            return
        if failed or max(self.away_until, self.token_until, self.blind_until) > now:
            empty = Statement(
                inquiry.account, inquiry.number, inquiry.since, now, now, contract=inquiry.contract, fault="503"
            )
            self._tell(empty, RESETTING)
            return
        self._clock.at(now + TRAVELLING, lambda: self.orders.give(inquiry))

    # --- what the venue says -----------------------------------------------------------------------------------------

    def venue_said(self, reply: Reply | Struck) -> None:
        """The venue speaks: the truth is written down, then the reply travels."""
        match reply:
            case Payouts():
                self._payouts[reply.product] = reply
                self._tell(reply, 0)
            case Ack():
                self._acknowledged(reply)
            case Settlement():
                self._settled(reply)
            case Statement():
                self._listed(reply)
            case Struck():
                return
            case _:
                self._answer(reply, reply.order)

    def _acknowledged(self, ack: Ack) -> None:
        order, fate = self._last_sent[ack.order]
        if ack.contract not in self.contracts:
            made = self.contracts[ack.contract] = Contract(
                contract=ack.contract,
                order=ack.order,
                account=order.account,
                product=order.product,
                tf=order.tf,
                direction=order.direction,
                stake=order.stake,
                accepted_at=ack.at,
                expiry=ack.expiry,
            )
            self._by_order.setdefault(ack.order, []).append(made)
            if self.watcher is not None and fate != "by hand":
                self.watcher.made(order, ack.expiry)
        if fate:
            return
        storm = self._storm
        if storm.strikes("lost_ack") is not None:
            return
        late, after = storm.strikes("late_ack"), storm.strikes("ack_after_settlement")
        delay = 0
        if late is not None:
            delay = int(edgewise(late, PATIENCE - SECOND, LATEST_ACK))
        elif after is not None:
            delay = ack.expiry - self._clock.now() + 2 * SECOND
        self._tell(ack, TRAVELLING + delay)
        if storm.strikes("duplicate_ack") is not None:
            self._tell(ack, TRAVELLING + delay)

    def _settled(self, end: Settlement) -> None:
        for each in self._by_order.get(end.order, ()):
            if each.result is None:
                each.result, each.profit = end.result, end.profit
        if self._last_sent[end.order][1] == "by hand":
            return
        storm = self._storm
        if storm.strikes("lost_settlement") is not None:
            return
        late = storm.strikes("late_settlement")
        delay = 0 if late is None else int(edgewise(late, 0, LATEST_END))
        self._tell(end, TRAVELLING + delay)
        if storm.strikes("duplicate_settlement") is not None:
            self._tell(end, TRAVELLING + delay)

    def _listed(self, statement: Statement) -> None:
        stale = self._storm.strikes("stale_listing")
        delay = 0 if stale is None else int(edgewise(stale, 0, LATEST_LISTING))
        self._tell(statement, TRAVELLING + delay)

    def _answer(self, reply: Reply, order: str) -> None:
        if not self._last_sent[order][1]:
            self._tell(reply, TRAVELLING)

    def _tell(self, reply: Reply, delay: int) -> None:
        """On the way to the engine that lives now: another one does not hear of it."""
        ear = self._ear
        if ear is None:
            return
        if delay == 0:
            self._deliver(reply, ear)
        else:
            self._clock.at(self._clock.now() + delay, lambda: self._deliver(reply, ear))

    def _deliver(self, reply: Reply, ear: Callable[[Reply], None]) -> None:
        if ear is not self._ear:
            return
        now = self._clock.now()
        if not isinstance(reply, Payouts | Unsent) and (self.away_until > now or self.half_open_until > now):
            return
        self.gate(lambda: self._hear(reply, ear))

    def _hear(self, reply: Reply, ear: Callable[[Reply], None]) -> None:
        """In the engine; its life may end before it has heard, or right after."""
        ends = None if isinstance(reply, Payouts) else self._storm.strikes("kill_at_message")
        if ends is not None and ends < 0.5:
            raise Killed
        if self.watcher is not None:
            self.watcher.told(reply)
        ear(reply)
        if ends is not None:
            raise Killed
