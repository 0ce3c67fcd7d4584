"""A house behind a flow's streams: prices, orders and questions in, what the venue says out."""

from collections.abc import Callable

import numpy as np
from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.evidence import Closing, Inquiry, Struck
from pipeline.host import Host
from pipeline.states import ENDED
from pipeline.values import Bars, Latch, Order, Past, Payouts, Quotes
from pipeline.venues.faults import Strike
from pipeline.venues.house import House
from pipeline.venues.line import Line, Reply

Said = Reply | Struck | Payouts
Open = Callable[[], House]
"""Makes a house, or finds one that has been there before; called when the flow begins."""


def served(
    host: Host,
    open_house: Open,
    orders: Observable[Order | Inquiry | Closing],
    prices: Observable[Quotes | Bars],
    payouts: Observable[Payouts],
    past: Observable[Past | Latch],
) -> Observable[Said]:
    """What a house says to a flow."""

    def open_desk(observer: ObserverBase[Said], scheduler: SchedulerBase | None = None) -> DisposableBase:
        desk = _Desk(host, open_house(), observer)
        # Prices first: an order given on subscription is to find them.
        return CompositeDisposable(
            Disposable(desk.close),
            prices.subscribe(desk.take_prices, observer.on_error, scheduler=scheduler),
            payouts.subscribe(desk.take_payouts, observer.on_error, scheduler=scheduler),
            past.subscribe(desk.take_past, observer.on_error, scheduler=scheduler),
            orders.subscribe(desk.take, observer.on_error, desk.take_last, scheduler=scheduler),
        )

    return create(open_desk)


class _Desk:
    """One flow at a house."""

    def __init__(self, host: Host, house: House, observer: ObserverBase[Said]) -> None:
        self._host = host
        self._house = house
        self._observer = observer
        self._line = Line(house, observer.on_next)
        house.weather.watching = self._tell
        self._alarm: DisposableBase | None = None
        self._rings: int | None = None
        self._products = set[str]()
        self._last = False
        self._wake()

    def take_prices(self, batch: Quotes | Bars) -> None:
        self._house.take_prices(batch, self._host.now())
        fixed = self._house.rules.payout
        if batch.product not in self._products:
            self._products.add(batch.product)
            if fixed is not None:
                ratio = np.array([fixed], np.float64)
                self._observer.on_next(Payouts(batch.product, np.zeros(1, np.int64), ratio))
        self._arm()

    def take_payouts(self, payouts: Payouts) -> None:
        self._house.take_payouts(payouts, self._host.now())
        if self._house.rules.payout is None:
            self._observer.on_next(payouts)

    def take_past(self, past: Past | Latch) -> None:
        if isinstance(past, Past) and not self._house.remembers:
            self._house.recall(past)
            self._arm()

    def take(self, item: Order | Inquiry | Closing) -> None:
        """Orders sent are answered; contracts we know nothing of are from before a restart and taken over."""
        if isinstance(item, Inquiry):
            self._line.ask(item)
        elif isinstance(item, Closing):
            self._line.sell(item)
        elif item.state == "SEND":
            self._line.send(item)
        elif item.state not in ENDED and not self._house.remembers:
            self._house.adopt(item)
        self._arm()

    def take_last(self) -> None:
        self._last = True
        self._end_when_idle()

    def close(self) -> None:
        if self._alarm is not None:
            self._alarm.dispose()
        self._line.close()
        self._house.weather.watching = None
        self._house.close()

    def _tell(self, strike: Strike) -> None:
        self._observer.on_next(Struck(strike.text(), self._host.now()))

    def _wake(self) -> None:
        self._rings = None
        self._house.wake(self._host.now())
        self._arm()
        self._end_when_idle()

    def _arm(self) -> None:
        """Be woken when the house next has something to do. An alarm is never put off: one too early does no harm."""
        due = self._house.turns.due
        if due is not None and (self._rings is None or due < self._rings):
            if self._rings is not None and self._alarm is not None:
                self._alarm.dispose()
            self._rings = due
            self._alarm = self._host.at(due, self._wake)

    def _end_when_idle(self) -> None:
        if self._last and self._house.idle:
            self._observer.on_completed()
