"""The dashboard: is everything fine, and what is at stake."""

from typing import ClassVar, Literal, get_args

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from pipeline.times import DAY
from pipeline.view import KeyName, Topics
from tui.accounts.honest import HonestPanel
from tui.acts import act
from tui.chart.panel import CandleChart
from tui.dash.accounts import AccountsTable
from tui.dash.contracts import ContractsPanel
from tui.dash.engine import EnginePanel
from tui.going import Go
from tui.logs.alerts import AlertsTable
from tui.logs.panel import LogPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell

FEED, LOG, KEYS = 2.0, 2.0, 0.5
"""So often a second they are told anew while they are looked at."""
SELDOM = 5.0
"""Seconds after which orders are asked for although nothing was told of them."""
ROOMY = 120
"""From so many columns on the honest numbers stand beside the rest."""

Preset = Literal["overview", "trading", "health"]


class DashPage(Page):
    """Is everything fine, and what is at stake: accounts, open contracts, alerts, the key traded last, the engine.

    `p` goes through three ways to show it: overview, trading (contracts, chart and honest numbers), health (alerts,
    engine and log). `enter` on a panel goes to its page; on an alert to where its cause can be looked at.
    """

    NAME: ClassVar[str] = "dash"
    SETTLES: ClassVar[float] = 12.0
    PANELS: ClassVar[tuple[type[Panel], ...]] = (
        AccountsTable,
        ContractsPanel,
        AlertsTable,
        CandleChart,
        EnginePanel,
        HonestPanel,
        LogPanel,
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        act("dash.preset", "p", "preset", "Preset", "overview, trading, health"),
        act("dash.open", "enter", "open", "Open", "the page of this panel", show=False),
        act("dash.note", "a", "note(False)", "Note", "take note of this alert, for this console"),
        act("dash.note_all", "A", "note(True)", "Note all", "take note of all alerts, for this console", show=False),
    ]
    DEFAULT_CSS = """
    #dash-desk { height: 1fr; layout: horizontal; }
    #dash-left, #dash-right { width: 1fr; height: 100%; }
    #dash-accounts { height: 8; }
    #dash-contracts { height: 1fr; }
    #dash-alerts { height: 1fr; }
    #dash-chart { height: 1fr; }
    #dash-engine { height: 7; }
    #dash-honest { height: 10; display: none; }
    DashPage.-numbers #dash-honest { display: block; }
    #dash-below { height: 6; }
    DashPage.-trading #dash-alerts, DashPage.-trading #dash-engine { display: none; }
    DashPage.-trading #dash-honest { display: block; height: 1fr; }
    DashPage.-health #dash-contracts, DashPage.-health #dash-chart, DashPage.-health #dash-honest { display: none; }
    DashPage.-health #dash-below { height: 12; }
    DashPage.-health #dash-engine { height: 1fr; }
    Screen.-short #dash-below { height: 4; }
    Screen.-short #dash-accounts { height: 6; }
    Screen.-narrow #dash-desk { layout: vertical; }
    Screen.-narrow #dash-left { width: 100%; height: 1fr; }
    Screen.-narrow #dash-right { display: none; }
    Screen.-narrow DashPage.-trading #dash-right, Screen.-narrow DashPage.-health #dash-right {
        display: block; width: 100%; height: 1fr;
    }
    Screen.-narrow DashPage.-trading #dash-chart { display: none; }
    Screen.-narrow DashPage.-health #dash-accounts { display: none; }
    Screen.-narrow #dash-below { height: 4; }
    Screen.-narrow.-short #dash-below { height: 3; }
    Screen.-low #dash-below { display: none; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.accounts = AccountsTable(shell, "dash-accounts")
        self.contracts = ContractsPanel(shell, "dash-contracts")
        self.alerts = AlertsTable(shell, "dash-alerts")
        self.chart = CandleChart(shell, "dash-chart")
        self.engine = EnginePanel(shell, "dash-engine")
        self.honest = HonestPanel(shell, "dash-honest")
        self.preset: Preset = "overview"
        self._seen: object = None
        self._asked_at = float("-inf")

    def compose(self) -> ComposeResult:
        with Container(id="dash-desk"):
            with Vertical(id="dash-left"):
                yield self.accounts
                yield self.contracts
                yield self.alerts
            with Vertical(id="dash-right"):
                yield self.chart
                yield self.honest
                yield self.engine
        with Container(id="dash-below"):
            yield LogPanel(self.shell, "dash-log")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._ask)

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= ROOMY, "-numbers")

    @property
    def topics(self) -> Topics:
        shown = self.chart.is_seen and self.chart.picked is not None
        return Topics(
            feed=FEED,
            log=LOG,
            keys=0 if self.chart.picked is not None else KEYS,
            chart=self.chart.asks if shown else None,
        )

    @property
    def first(self) -> AccountsTable:
        return self.accounts

    @property
    def missing(self) -> str:
        if not (self.contracts.blotter.told or self.contracts.blotter.why):
            return "no orders yet"
        if self.chart.picked is None and not self.store.keys_told:
            return "no keys yet"
        told = self.store.chart_of
        if self.chart.picked is not None and self.chart.is_seen and (told is None or told.name != self.chart.picked):
            return "no chart yet"
        return "no alerts yet" if self.shell.alarms.answer.version == 0 else ""

    def fronted(self) -> None:
        self._asked_at = float("-inf")
        self._ask()

    def action_preset(self) -> None:
        every: tuple[Preset, ...] = get_args(Preset)
        self.preset = every[(every.index(self.preset) + 1) % len(every)]
        for each in every:
            self.set_class(each == self.preset, f"-{each}")
        if isinstance(self.screen.focused, Panel) and not self.screen.focused.is_seen:
            self.screen.set_focus(next(panel for panel in (self.accounts, self.alerts) if panel.is_seen))
        self.accounts.console.notify(f"{self.preset}; p goes on to the next", markup=False)

    def action_open(self) -> None:
        """The page of a panel that has no rows of its own to open."""
        focused = self.screen.focused
        if focused is self.chart:
            self.post_message(Go("chart", self.chart.picked))
        elif focused is self.engine:
            self.post_message(Go("flow"))
        elif focused is self.honest:
            self.post_message(Go("accounts"))
        elif isinstance(focused, LogPanel):
            self.post_message(Go("logs"))

    def action_note(self, every: bool) -> None:  # Textual calls it so
        self.alerts.take(every=every)

    def _ask(self) -> None:
        """Orders when there is something new of them, and the machine's share; only while somebody looks."""
        if not self.in_front or self.store.state != "up":
            return
        told = self.store.status.orders if self.store.status is not None else None
        if told != self._seen or self.now() - self._asked_at >= SELDOM:
            self._seen, self._asked_at = told, self.now()
            self.run_worker(self._look(), group="dash", exclusive=True)
        elif self.chart.picked is None:
            self._pick()

    async def _look(self) -> None:
        blotter = self.contracts.blotter
        if not blotter.since:
            blotter.begin(self.shell.clock - DAY)
        await blotter.look()
        await self.engine.ask()
        self._pick()

    def _pick(self) -> None:
        """The chart is that of the key traded last; before the first trade that of the first key."""
        newest = next(iter((*self.contracts.blotter.listed[:1], *self.contracts.blotter.running[:1])), None)
        if newest is not None:
            self.chart.pick(KeyName(newest.account, newest.product, newest.timeframe))
        elif self.chart.picked is None and self.store.keys:
            self.chart.pick(next(iter(self.store.keys)))
