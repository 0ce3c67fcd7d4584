"""A venue over a network in a replay, where there is none: its accounts settle by the flow's own prices."""

from collections.abc import Collection

from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase

from pipeline.evidence import Closing, Inquiry, Standing
from pipeline.host import Host
from pipeline.values import Bars, Latch, Order, Past, Payouts, Quotes
from pipeline.venues.desk import Open, Said, served


def rehearsed(
    host: Host,
    open_house: Open,
    accounts: Collection[str],
    orders: Observable[Order | Inquiry | Closing],
    prices: Observable[Quotes | Bars],
    payouts: Observable[Payouts],
    past: Observable[Past | Latch],
) -> Observable[Said | Standing]:
    """What a house says to a flow whose accounts have a connection: here they have it from the beginning."""
    said = served(host, open_house, orders, prices, payouts, past)

    def begin(observer: ObserverBase[Said | Standing], scheduler: SchedulerBase | None = None) -> DisposableBase:
        for account in accounts:
            observer.on_next(Standing(account, "CONNECTED", host.now(), "a replay has no connection to lose"))
        return said.subscribe(observer, scheduler=scheduler)

    return create(begin)
