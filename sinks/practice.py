"""A venue of our own: it takes every order at the prices of the day and settles it from them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.evidence import Evidence, Inquiry
from pipeline.host import Host
from pipeline.parts import venue
from pipeline.permission import Permission
from pipeline.settlement import FOREVER, Contract, PayoutPath, PricePath, Tie, settled
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import ENDED, Ack, Bars, Order, Payouts, Quotes, Reject, Settlement

STALE = MINUTE
"""How old the last price may be for an order to be taken."""
PATIENCE = 20 * SECOND
"""How long a due contract waits for prices that are on their way; an executor's own patience is longer."""
MEMORY = HOUR
"""How long prices and answers are kept that no open contract needs."""

Ratio = Annotated[float, Meta(gt=0, le=10)]
Wait = Annotated[int, Meta(ge=0)]
Nth = Annotated[int, Meta(ge=1)]
Told = Ack | Reject | Settlement | Payouts


@venue
class Practice:
    """Takes orders without money and settles them by the fixed-time rules from the prices it is given.

    `payout` is a fixed ratio, or "market" for the ratio the source gave when the order was sent. An order is accepted
    `latency_ms` after it was sent, and its settlement is told `settle_delay_ms` after it expired. `lose_acks` numbers
    the orders (1 is the first) whose answer is lost on the way: such a contract exists all the same, but its end is
    told only with `tell_lost`, or once the order has been sent again.
    """

    payout: Annotated[
        Ratio | Literal["market"], Meta(description="what a win pays for each unit of stake: 0.87 is 87 %")
    ] = "market"
    latency_ms: Annotated[Wait, Meta(description="from an order's sending to its acceptance")] = 120
    settle_delay_ms: Annotated[Wait, Meta(description="from a contract's expiry until its end is told")] = 200
    tie: Annotated[Tie, Meta(description="whether the stake comes back when exit equals entry")] = "push"
    min_stake: Annotated[Decimal, Meta(description="orders below it are rejected")] = Decimal("0.35")
    max_stake: Annotated[Decimal, Meta(description="orders above it are rejected")] = Decimal(50_000)
    lose_acks: Annotated[tuple[Nth, ...], Meta(description="which orders' answers are lost")] = ()
    tell_lost: Annotated[bool, Meta(description="whether the end of a contract is told whose answer was lost")] = False

    @property
    def permission(self) -> Permission:
        return Permission("the practice venue: nobody's money, nobody's permission needed", rehearsal=True)

    @property
    def evidence(self) -> Evidence:
        return Evidence(once=True)

    def __post_init__(self) -> None:
        if self.min_stake > self.max_stake:
            raise ValueError(f"min_stake {self.min_stake} is above max_stake {self.max_stake}; no order could be taken")

    def __call__(
        self,
        host: Host,
        orders: Observable[Order | Inquiry],
        prices: Observable[Quotes | Bars],
        payouts: Observable[Payouts],
    ) -> Observable[Ack | Reject | Settlement | Payouts]:
        def open_desk(observer: ObserverBase[Told], scheduler: SchedulerBase | None = None) -> DisposableBase:
            desk = _Desk(self, host, observer)
            # Prices first: an order given on subscription is to find them.
            return CompositeDisposable(
                Disposable(desk.close),
                prices.subscribe(desk.take_prices, observer.on_error, scheduler=scheduler),
                payouts.subscribe(desk.take_payouts, observer.on_error, scheduler=scheduler),
                orders.subscribe(desk.take_order, observer.on_error, desk.take_last_order, scheduler=scheduler),
            )

        return create(open_desk)


@dataclass(slots=True)
class _Book:
    """What the desk remembers of its orders."""

    open: dict[str, Contract] = field(default_factory=dict[str, Contract])
    waiting: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    """By product and order, until when a due contract waits for prices."""
    answers: dict[str, Ack | Reject] = field(default_factory=dict[str, Ack | Reject])
    lost: set[str] = field(default_factory=set[str])
    untold: dict[str, Settlement] = field(default_factory=dict[str, Settlement])
    ended: deque[tuple[int, str]] = field(default_factory=deque[tuple[int, str]])

    def end(self, order: str, at: int) -> None:
        """An order needs nothing more; its answer stays for those who ask again soon."""
        self.ended.append((at, order))
        while self.ended[0][0] < at - MEMORY:
            _, oldest = self.ended.popleft()
            self.answers.pop(oldest, None)
            self.untold.pop(oldest, None)
            self.lost.discard(oldest)


class _Desk:
    """One subscription's state: what is open, what was answered, what is known of prices."""

    def __init__(self, terms: Practice, host: Host, observer: ObserverBase[Told]) -> None:
        self.terms = terms
        self.host = host
        self.observer = observer
        self.path = PricePath(self.needed_from)
        self.payouts = PayoutPath(self.needed_from)
        self.book = _Book()
        self.seen: set[str] = set()
        self.timers: dict[str | int, DisposableBase] = {}
        self.sent = 0
        self.answered = 0
        self.no_more_orders = False

    # --- prices ---

    def take_prices(self, batch: Quotes | Bars) -> None:
        self.path.append(batch)
        if batch.product not in self.seen:
            self.seen.add(batch.product)
            if self.terms.payout != "market":
                ratio = np.array([self.terms.payout], np.float64)
                self.observer.on_next(Payouts(batch.product, np.zeros(1, np.int64), ratio))
        if batch.product in self.book.waiting:
            for order, until in tuple(self.book.waiting[batch.product].items()):
                self.settle_when_complete(self.book.open[order], until)

    def take_payouts(self, payouts: Payouts) -> None:
        if self.terms.payout == "market":
            self.payouts.append(payouts)
            self.observer.on_next(payouts)

    def needed_from(self, product: str) -> int:
        oldest = self.host.now() - MEMORY
        accepted = (c.accepted_at for c in self.book.open.values() if c.product == product)
        return min((oldest, *accepted))

    # --- orders ---

    def take_order(self, order: Order | Inquiry) -> None:
        """Orders sent are answered; contracts we know nothing of are from before a restart and taken over."""
        if isinstance(order, Inquiry):
            return
        if order.state == "SEND":
            self.sent += 1
            self.wake(self.sent, order.at + self.terms.latency_ms, partial(self.answer, order))
        elif order.state not in ENDED and order.contract and order.order not in self.book.answers:
            self.adopt(order)

    def take_last_order(self) -> None:
        self.no_more_orders = True
        self.end_when_idle()

    def adopt(self, order: Order) -> None:
        accepted_at = order.expiry - order.tf
        self.book.answers[order.order] = Ack(order.order, order.contract, accepted_at, order.expiry, order.payout)
        self.hold(order, accepted_at, order.payout)

    def answer(self, order: Order) -> None:
        """An order sent again gets the answer it had: the first contract stands."""
        if order.order in self.book.answers:
            self.answer_again(order.order)
            return
        self.answered += 1
        answer = self.decide(order)
        self.book.answers[order.order] = answer
        if isinstance(answer, Ack):
            self.hold(order, answer.at, answer.payout)
        else:
            self.book.end(order.order, answer.at)
        if self.answered in self.terms.lose_acks:
            self.book.lost.add(order.order)
        else:
            self.observer.on_next(answer)

    def answer_again(self, order: str) -> None:
        self.book.lost.discard(order)
        self.observer.on_next(self.book.answers[order])
        if (end := self.book.untold.pop(order, None)) is not None:
            self.observer.on_next(end)

    def decide(self, order: Order) -> Ack | Reject:
        # The order's own time rules, not the clock's: then a late turn of the loop changes nothing.
        at = order.at + self.terms.latency_ms
        if order.stake < self.terms.min_stake:
            return Reject(order.order, f"stake below the minimum {self.terms.min_stake}", at)
        if order.stake > self.terms.max_stake:
            return Reject(order.order, f"stake above the maximum {self.terms.max_stake}", at)
        price = self.path.exit(order.product, at, known_before=max(at, order.at + 1))
        if price is None or at - price.ts > STALE:
            return Reject(order.order, "no price", at)
        fixed = self.terms.payout
        payout = self.payouts.at(order.product, order.at) if fixed == "market" else fixed
        if payout is None:
            return Reject(order.order, "no payout", at)
        return Ack(order.order, f"MOCK-{order.order}", at, at + order.tf, payout)

    # --- settlement ---

    def hold(self, order: Order, accepted_at: int, payout: float) -> None:
        expiry = accepted_at + order.tf
        contract = Contract(order.order, order.product, order.direction, order.stake, payout, accepted_at, expiry)
        self.book.open[order.order] = contract
        self.wake(order.order, self.due(contract), partial(self.settle_when_due, contract))

    def due(self, contract: Contract) -> int:
        return contract.expiry + self.terms.settle_delay_ms

    def settle_when_due(self, contract: Contract) -> None:
        due = self.due(contract)
        if self.path.suffices(contract, due):
            self.settle(contract, due, known_before=due)
            return
        # Where nothing is known of a product (we have just been started), its prices may be a long while in coming.
        until = due + PATIENCE if self.path.knows(contract.product, due) else FOREVER
        self.book.waiting.setdefault(contract.product, {})[contract.order] = until
        if until < FOREVER:
            self.wake(contract.order, until, partial(self.settle, contract, until, until))
        self.settle_when_complete(contract, until)

    def settle_when_complete(self, contract: Contract, until: int) -> None:
        complete = self.path.complete_at(contract.product, contract.expiry)
        if complete is not None and complete < until:
            self.stop_waiting(contract)
            at = max(self.due(contract), complete)
            self.wake(contract.order, at, partial(self.settle, contract, at, at + 1))

    def settle(self, contract: Contract, at: int, known_before: int) -> None:
        end = settled(contract, self.path, at, self.terms.tie, known_before)
        del self.book.open[contract.order]
        self.stop_waiting(contract)
        self.book.end(contract.order, at)
        if contract.order in self.book.lost and not self.terms.tell_lost:
            self.book.untold[contract.order] = end
        else:
            self.observer.on_next(end)

    def stop_waiting(self, contract: Contract) -> None:
        waiting = self.book.waiting.get(contract.product)
        if waiting is not None and waiting.pop(contract.order, None) is not None and not waiting:
            del self.book.waiting[contract.product]

    # --- turns ---

    def wake(self, whose: str | int, moment: int, act: Callable[[], None]) -> None:
        """Act at a moment, in place of what `whose` was going to do."""
        if whose in self.timers:
            self.timers[whose].dispose()
        self.timers[whose] = self.host.at(moment, partial(self.act, whose, act))

    def act(self, whose: str | int, act: Callable[[], None]) -> None:
        del self.timers[whose]
        act()
        self.end_when_idle()

    def end_when_idle(self) -> None:
        if self.no_more_orders and not self.timers and not self.book.open:
            self.observer.on_completed()

    def close(self) -> None:
        for timer in self.timers.values():
            timer.dispose()
        self.timers.clear()
