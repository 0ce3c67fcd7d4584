"""Parts for flows in processes of their own: a venue behind a socket, a strategy that always trades, a live market."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import numpy as np
from reactivex import Observable, create
from reactivex.abc import DisposableBase, ObserverBase, SchedulerBase
from reactivex.disposable import CompositeDisposable, Disposable

from pipeline.candles import from_columns
from pipeline.evidence import Evidence, Inquiry, Lost, Statement, Unsent
from pipeline.host import Host
from pipeline.parts import provider, source, venue
from pipeline.values import Ack, Bars, Columns, Floats, Order, Payouts, Quotes, Reject, Settlement

Said = Ack | Reject | Unsent | Lost | Settlement | Statement | Payouts


@venue
class Distant:
    """A venue in another process, spoken to in lines of JSON over a Unix socket in the flow's folder."""

    socket: str = "broker"
    late_ms: int = 0

    @property
    def evidence(self) -> Evidence:
        return Evidence(lists=True, echoes=True, late_ms=self.late_ms)

    def __call__(
        self, host: Host, orders: Observable[Order | Inquiry], prices: Observable[Quotes | Bars]
    ) -> Observable[Ack | Reject | Unsent | Lost | Settlement | Statement | Payouts]:
        def open_line(observer: ObserverBase[Said], scheduler: SchedulerBase | None = None) -> DisposableBase:
            line = _Line(self, host, observer)
            return CompositeDisposable(
                Disposable(line.close),
                prices.subscribe(line.take_prices, scheduler=scheduler),
                orders.subscribe(line.take, scheduler=scheduler),
            )

        return create(open_line)


class _Line:
    """The wire to the venue."""

    def __init__(self, terms: Distant, host: Host, observer: ObserverBase[Said]) -> None:
        self._terms, self._host, self._observer = terms, host, observer
        self._paid = set[str]()
        self._read = b""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(host.base / terms.socket))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def take_prices(self, batch: Quotes | Bars) -> None:
        if batch.product not in self._paid:
            self._paid.add(batch.product)
            self._observer.on_next(Payouts(batch.product, np.zeros(1, np.int64), np.full(1, 0.9)))

    def take(self, item: Order | Inquiry) -> None:
        match item:
            case Inquiry():
                asked = {name: getattr(item, name) for name in ("account", "number", "since", "contract")}
                self._say("list", **asked)
            case Order(state="SEND"):
                facts = {name: getattr(item, name) for name in ("order", "request", "account", "product", "tf")}
                self._say("place", **facts, direction=item.direction, stake=str(item.stake))
                self._host.at(self._host.now() + self._terms.late_ms + 1, lambda: self._say("tick"))
            case Order(state="CONFIRM"):
                self._host.at(item.expiry + 200, lambda: self._say("end", contract=item.contract))
            case _:
                pass

    def _say(self, do: str, **facts: Any) -> None:
        if self._socket.fileno() >= 0:
            self._socket.sendall((json.dumps({"do": do, "at": self._host.now(), **facts}) + "\n").encode())

    def _readable(self) -> None:
        read = self._socket.recv(1 << 16)
        if not read:
            self._loop.remove_reader(self._socket)
            self._observer.on_error(ConnectionError("the broker hung up"))
            return
        *lines, self._read = (self._read + read).split(b"\n")
        for line in lines:
            self._observer.on_next(self._said(json.loads(line)))

    def _said(self, message: dict[str, Any]) -> Said:
        said = message.pop("said")
        if said == "statement":
            return msgspec.convert({"type": "Statement", "at": self._host.now(), **message}, Statement)
        return msgspec.convert({**message, "at": message["at"]}, Ack if said == "ack" else Settlement, strict=False)


@provider
class Restless:
    """Votes for every bar, one way and the other."""

    @property
    def lookback(self) -> int:
        return 0

    def __call__(self, columns: Columns) -> Floats:
        return np.where(columns.open_ts // columns.tf % 2 == 0, 0.9, -0.9)


@source
class Clockwork:
    """A live market: five quotes a second as time passes, after a history of bars."""

    products: tuple[str, ...]

    def __call__(self, host: Host) -> Observable[Quotes | Bars]:
        return host.stream(lambda: self._items(host))

    async def _items(self, host: Host) -> AsyncIterator[Quotes | Bars]:
        now = host.now()
        for product in self.products:
            for tf, bars in host.history.items():
                opens = (now // tf - bars + np.arange(bars, dtype=np.int64)) * tf
                flat = np.full(bars, 1.1)
                past = from_columns(product, tf, opens, flat, flat, flat, flat, np.ones(bars))
                yield past.rows(0, bars, 0)
        while True:
            now = host.now()
            for product in self.products:
                ts, price = np.array([now], np.int64), np.array([1.1 + now // 200 % 10 * 1e-4])
                yield Quotes(product, ts, ts, price - 1e-5, price + 1e-5)
            await host.until(now + 200)
