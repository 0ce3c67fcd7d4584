"""What the control API hears of a running flow: how accounts stand, and what is told to those who listen."""

import asyncio
from typing import Any, Literal

from msgspec import Struct

from pipeline.alerting.route import Alert, Severity
from pipeline.control.channels import Channels
from pipeline.control.results import Results
from pipeline.control.trades import order_row
from pipeline.evidence import Standing, Trouble
from pipeline.flow import Flow
from pipeline.logs.book import LogBook
from pipeline.logs.records import Record
from pipeline.plan import Plan
from pipeline.states import ENDED
from pipeline.told.orders import OrderRow
from pipeline.values import Order, Past

Event = Literal["NEW", "UPDATE", "SETTLED", "CANCELED", "ABORT"]
"""NEW: an order is sent; UPDATE: something became of it; the others are its end."""


class TradeUpdate(Struct, frozen=True):
    """What became of an order just now."""

    ts_ms: int
    event: Event
    order: OrderRow
    topic: Literal["trade_updates"] = "trade_updates"


class AlertTold(Struct, frozen=True):
    """Something that somebody should hear of: that it began, or (`on` is false) that it is over."""

    ts_ms: int
    code: str
    severity: Severity
    subject: str
    text: str
    on: bool
    times: int
    topic: Literal["alerts"] = "alerts"


class LogTold(Struct, frozen=True):
    """One record of the log, without secrets."""

    ts_ms: int
    log: Record
    topic: Literal["logs"] = "logs"


class Beside:
    """A companion that keeps what the API is asked for, and tells its channels of what happens."""

    name = "api"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        """The flow that runs."""
        self.channels = Channels()
        self.standings: dict[str, Standing] = {}
        self.connected: dict[str, int] = {}
        """When each account was last let in, on the flow's clock."""
        self.results = Results()
        self._again: set[str] = set()
        """Orders that are sent once more."""

    def told(self, node: str, value: Any) -> None:
        match value:
            case Order():
                self.results.take(value)
                self._take_order(value)
            case Standing():
                before = self.standings.get(value.account)
                self.standings[value.account] = value
                if value.state == "CONNECTED" and (before is None or before.state != "CONNECTED"):
                    self.connected[value.account] = value.at
            case Past():
                self.results.remember(value)
            case Trouble():
                self.results.went_wrong(value)
            case Alert() if self.channels.wanted("alerts"):
                told = AlertTold(value.at, value.code, value.severity, value.subject, value.text, value.on, value.times)
                self.channels.tell("alerts", told)
            case _:
                pass

    def begins(self, flow: Flow) -> None:
        """It hears of everything; what waits for those who listen is shown with all that waits."""
        for edge in self.channels.edges():
            flow.border.panel.edges.add(edge)

    def changed(self, plan: Plan) -> None:
        """The flow goes on by another plan."""
        self.plan = plan

    def listens(self, book: LogBook) -> None:
        """Tell of each record of this book."""
        book.subscribe(self._take_record)

    async def attend(self) -> None:
        await asyncio.get_running_loop().create_future()

    async def ends(self, why: str) -> None:
        """Whoever listens hears that the engine stops when its line is closed."""

    def _take_order(self, order: Order) -> None:
        if order.state == "PREPARE":
            return
        event = self._event(order)
        if self.channels.wanted("trade_updates"):
            row = order_row(order, order.wanted_at or order.at)
            self.channels.tell("trade_updates", TradeUpdate(order.at, event, row))

    def _event(self, order: Order) -> Event:
        if order.state in ENDED:
            self._again.discard(order.order)
            return "SETTLED" if order.state == "SETTLED" else "CANCELED" if order.state == "CANCELED" else "ABORT"
        if order.state == "SEND_RETRY":
            self._again.add(order.order)
        return "NEW" if order.state == "SEND" and order.order not in self._again else "UPDATE"

    def _take_record(self, record: Record) -> None:
        if self.channels.wanted("logs"):
            self.channels.tell("logs", LogTold(record.at, record))
