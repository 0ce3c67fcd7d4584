"""The page of trades: what was counted, the contracts that run, and the orders of the day."""

from collections.abc import Awaitable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from pipeline.states import ENDED, UNSURE
from pipeline.told.orders import OrderRow
from pipeline.view import KeyName, Topics
from tui.acts import act
from tui.dialogs import Confirm
from tui.going import Go, WhyAsked
from tui.page import Filtered, Page
from tui.painted import Panel
from tui.shell import Shell
from tui.table import Table
from tui.trades.blotter import Blotter
from tui.trades.cells import Accounts
from tui.trades.closing import close, question
from tui.trades.contracts import OpenContracts
from tui.trades.counts import Counts
from tui.trades.order import OrderScreen
from tui.trades.orders import OrdersTable
from tui.trades.worth import REAL, Running, purse_of
from tui.words import moment

PRICES = 2.0
"""So often a second prices are told while they are looked at."""
LOOKS = 1.0
"""Seconds between two looks at what changed."""
ANYWAY = 5.0
"""Seconds after which orders are asked for though nothing seems to have changed."""
TOLD = 12.0
"""Seconds for which it is said what came of closing a contract."""


class TradesPage(Page):
    """Contracts that run, orders of the day, and what became of each.

    There is no ticket: a console cannot order, and no route of the engine could. Orders come from the flow alone; what
    a person can do here is to have a contract closed early, where its venue takes one back.
    """

    NAME: ClassVar[str] = "trades"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (OpenContracts, OrdersTable)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("trades.close", "x", "close", "Close early", "have the venue take contracts back", changes=True),
        act("trades.why", "w", "why", "Why", "why this was ordered, and what was known then"),
        act("trades.days", "d", "days", "Day/all", "orders of today, or of all days"),
        act("trades.which", "f", "which", "Which", "only won, lost, open or unknown ones, one after the other"),
        act("trades.more", "n", "more", "More", "older orders"),
        act("trades.chart", "c", "chart", "Chart", "the chart of this order's key at its bar", show=False),
        act("trades.log", "L", "log", "Log", "what the log has of this order", show=False),
    ]
    DEFAULT_CSS = """
    #trades-counts {
        height: 1;
    }

    #trades-open {
        height: 2fr;
        min-height: 5;
    }

    #trades-orders {
        height: 3fr;
        min-height: 5;
    }

    Screen.-low #trades-open {
        height: 1fr;
        min-height: 3;
    }

    Screen.-low #trades-orders {
        height: 1fr;
        min-height: 3;
    }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.blotter = Blotter(shell.engine, shell.now)
        self.accounts = Accounts(shell.store)
        self.counts = Counts(shell, "trades-counts", self.blotter, self.accounts)
        self.contracts = OpenContracts(shell, "trades-open", self.blotter, self.accounts)
        self.orders = OrdersTable(shell, "trades-orders", self.blotter, self.accounts)
        self._engine: object = None
        self._seen: object = None

    def compose(self) -> ComposeResult:
        yield self.counts
        yield self.contracts
        yield self.orders

    def on_mount(self) -> None:
        self.set_interval(LOOKS, self.ask)

    @property
    def topics(self) -> Topics:
        return Topics(feed=PRICES)

    @property
    def first(self) -> OrdersTable:
        return self.orders

    @property
    def missing(self) -> str:
        return "" if self.blotter.told else self.blotter.why or "no orders yet"

    @property
    def filtered(self) -> Filtered | None:
        return self._table

    def fronted(self) -> None:
        self.ask()

    def open(self, subject: object) -> None:
        """An order, by its name: its timeline."""
        if isinstance(subject, str) and subject:
            self.console.push_screen(OrderScreen(self.shell, subject))

    def ask(self) -> None:
        """Ask what is new, when something is, or once in a while."""
        if not self.in_front or self.shell.store.hello is None:
            return
        hello, status = self.shell.store.hello, self.store.status
        engine, since = (hello.pid, hello.started), self._since
        if engine != self._engine or since != self.blotter.since:
            self._engine = engine
            self.blotter.begin(since)
        seen = None if status is None else status.orders, self.store.state
        late = self.blotter.why or not self.blotter.told or self.now() - self.blotter.at >= ANYWAY
        if late or seen != self._seen:
            self._seen = seen
            self.run_worker(self._told(self.blotter.look()), group="trades-look")
        elif self.blotter.next and self.orders.near_end and self.orders.has_focus:
            self.action_more()

    async def _told(self, question: Awaitable[None]) -> None:
        """Show what was answered at once."""
        await question
        for panel in (self.counts, self.contracts, self.orders):
            panel.look()

    @property
    def _since(self) -> int:
        """The beginning of the day as it is shown."""
        if self.orders.of_all:
            return 0
        today = moment(self.shell.clock, self.shell.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        return round(today.timestamp() * 1000)

    @property
    def _table(self) -> Table[Any]:
        return self.contracts if self.contracts.has_focus else self.orders

    @property
    def _picked(self) -> Sequence[OrderRow]:
        return [each.row if isinstance(each, Running) else each for each in self._table.picked]

    @property
    def _row(self) -> OrderRow | None:
        row = self._table.row
        return row.row if isinstance(row, Running) else row

    # --- what keys do ------------------------------------------------------------------------------------------------

    @on(Table.Opened)
    def _timeline(self, event: Table.Opened) -> None:
        row = event.row.row if isinstance(event.row, Running) else event.row
        self.console.push_screen(OrderScreen(self.shell, row.order))

    def action_close(self) -> None:
        rows = [row for row in self._picked if row.status not in ENDED and row.status not in UNSURE]
        if rows:
            self.run_worker(self._close(rows), group="trades-close")
        else:
            self.notify("only a contract that runs can be closed early; choose one", markup=False)

    async def _close(self, rows: Sequence[OrderRow]) -> None:
        purses = [purse_of(row, self.accounts.rows) for row in rows]
        real = any(purse.kind == REAL for purse in purses)
        title = "close early" if len(rows) == 1 else f"close {len(rows)} contracts early"
        if not await self.console.push_screen_wait(Confirm(title, question(rows, purses), self.now, real=real)):
            return
        for row in rows:
            closed = await close(self.shell.engine, row)
            self.store.note("info" if closed.done else "warning", closed.text)
            severity = "information" if closed.done else "error"
            self.notify(closed.text, severity=severity, timeout=TOLD, markup=False)
        await self._told(self.blotter.look())

    def action_why(self) -> None:
        row = self._row
        if row is not None:
            self.post_message(WhyAsked(_key(row), row.bar, row.order))

    def action_chart(self) -> None:
        row = self._row
        if row is not None:
            self.post_message(Go("chart", (_key(row), row.bar)))

    def action_log(self) -> None:
        row = self._row
        if row is not None:
            self.post_message(Go("logs", f"order:{row.order}"))

    def action_days(self) -> None:
        self.orders.of_all = self.counts.of_all = not self.orders.of_all
        self.ask()

    def action_which(self) -> None:
        self.orders.show_next()

    def action_more(self) -> None:
        if self.blotter.next:
            self.run_worker(self._told(self.blotter.more()), group="trades-more")
        else:
            self.notify("these are all there are" if self.orders.of_all else "d shows older days", markup=False)


def _key(row: OrderRow) -> KeyName:
    return KeyName(row.account, row.product, row.timeframe)
