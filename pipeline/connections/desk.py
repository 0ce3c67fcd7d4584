"""The accounts of a venue behind a flow's streams: orders and questions in, what the venue says out."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.connections.backoff import SOCKET, Backoff
from pipeline.connections.clerk import Answer, Clerk
from pipeline.connections.contract import Connector, Counting, Holder, Told, Warn
from pipeline.connections.keeping import Keeper
from pipeline.connections.quoting import Quoting
from pipeline.connections.telling import Telling
from pipeline.connections.waiting import Work
from pipeline.errors import InputError
from pipeline.evidence import Called, Closing, Inquiry, Standing, Trouble
from pipeline.execution.manner import Stops
from pipeline.host import Host
from pipeline.secret import Logins
from pipeline.states import ENDED
from pipeline.times import MINUTE, slot_of
from pipeline.values import Latch, Order, Past, Payouts

Said = Answer | Standing | Trouble | Called | Payouts
Make = Callable[[Holder, Warn], Connector]
"""Makes a connector of an account that is not connected yet."""


def connected(
    host: Host,
    make: Make,
    holders: Mapping[str, Holder],
    logins: Logins,
    *,
    quoted: Sequence[tuple[str, int]],
    payout_every: int,
    stake: Decimal,
    deadline: float,
    orders: Observable[Order | Inquiry | Closing],
    past: Observable[Past | Latch],
) -> Observable[Said]:
    """What the accounts of a venue say to a flow, each connected and kept so by itself.

    Payouts of each (product, timeframe) are asked for every `payout_every` ms of the flow's clock, for `stake`.
    An order without an answer within `deadline` seconds is lost; one of an account that is not connected did not leave.
    """
    if host.mode == "replay":
        raise InputError(
            "a replay has no network, so this venue cannot settle its orders; replay a recording with `verify`, "
            "or give its accounts a venue that settles by the flow's own prices, such as practice"
        )

    def open_desk(observer: ObserverBase[Said], scheduler: SchedulerBase | None = None) -> DisposableBase:
        desk = _Desk(host, make, holders, logins, quoted, payout_every, stake, deadline, observer)
        return CompositeDisposable(
            Disposable(desk.close),
            past.subscribe(desk.take_told, observer.on_error, scheduler=scheduler),
            orders.subscribe(desk.take, observer.on_error, scheduler=scheduler),
        )

    return create(open_desk)


class _Desk:
    """A keeper and a clerk for each account. What one of them waits for or fails with is nothing to the others."""

    def __init__(
        self,
        host: Host,
        make: Make,
        holders: Mapping[str, Holder],
        logins: Logins,
        quoted: Sequence[tuple[str, int]],
        every: int,
        stake: Decimal,
        deadline: float,
        observer: ObserverBase[Said],
    ) -> None:
        self._host, self._make, self._logins, self._deadline = host, make, logins, deadline
        self._observer = observer
        self._stops = Stops()
        self._works = set[DisposableBase]()
        self._keepers: dict[str, Keeper] = {}
        self._clerks: dict[str, Clerk] = {}
        self._counting: dict[str, Counting] = {}
        """The last connector of each account that counts its calls."""
        self._quoting = Quoting(host, self._keepers, quoted, self._give, every=every, stake=stake, deadline=deadline)
        for holder in holders.values():
            self._open(holder)
        self._work(self._count)
        for product in self._quoting.products:
            self._work(partial(self._quoting.follow, product))

    def take(self, item: Order | Inquiry | Closing) -> None:
        clerk = self._clerks.get(item.account)
        if clerk is None:
            return
        match item:
            case Inquiry():
                clerk.ask(item)
            case Closing():
                clerk.sell(item)
            case Order(state="SEND"):
                clerk.know(item)
                clerk.place(item)
            case Order():
                clerk.know(item)

    def take_told(self, told: Past | Latch) -> None:
        """What the ledger says: whose contracts there are, and stops, which recall what has not left yet."""
        if isinstance(told, Latch):
            self._stops.take(told)
            return
        for latch in told.latches:
            self._stops.take(latch)
        for order in told.orders:
            clerk = self._clerks.get(order.account)
            if clerk is not None and (order.state not in ENDED or order.contract):
                clerk.know(order)

    def close(self) -> None:
        for work in tuple(self._works):
            work.dispose()
        for clerk in self._clerks.values():
            clerk.close()

    def _open(self, holder: Holder) -> None:
        telling = Telling(self._host, holder.account, self._give)

        def told(standing: Standing) -> None:
            self._give(standing)
            clerk.look()
            if standing.state == "CONNECTED":
                self._quoting.notice()

        def hear(said: Told) -> None:
            clerk.hear(said)

        keeper = Keeper(
            holder.account,
            lambda: self._made(holder, telling.warn),
            self._host,
            self._logins,
            Backoff(SOCKET, holder.account),
            told=told,
            telling=telling,
            hear=hear,
        )
        clerk = Clerk(keeper, self._host, telling, self._give, self._work, self._deadline, self._stops)
        self._keepers[holder.account], self._clerks[holder.account] = keeper, clerk
        keeper.begin()
        self._work(keeper.run, keeper.over)

    def _made(self, holder: Holder, warn: Warn) -> Connector:
        connector = self._make(holder, warn)
        if isinstance(connector, Counting):
            self._counting[holder.account] = connector
        return connector

    async def _count(self) -> None:
        """Tell at the end of each minute what was asked in it, and once that nothing was."""
        busy = set[str]()
        while True:
            minute = slot_of(self._host.now(), MINUTE)
            await self._host.until(minute + MINUTE)
            for account, connector in self._counting.items():
                called = connector.counts.called(account, minute)
                if called.calls or account in busy:
                    self._give(called)
                (busy.add if called.calls else busy.discard)(account)

    def _give(self, said: Said) -> None:
        self._observer.on_next(said)

    def _work(self, doing: Work, failed: Callable[[Exception], None] | None = None) -> None:
        """Run something beside the flow, as long as the desk is open."""

        async def done() -> None:
            try:
                await doing()
            finally:
                self._works.discard(work)

        work = self._host.work(done(), failed or self._observer.on_error)
        self._works.add(work)
