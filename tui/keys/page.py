"""All keys beside the chart of the chosen one, and the log below."""

from collections.abc import Awaitable, Callable, Collection
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from pipeline.view import KeyName, Topics
from tui.acts import act
from tui.chart.panel import CandleChart
from tui.dialogs import Confirm
from tui.going import Go, WhyAsked
from tui.keys.control import (
    Turn,
    Turned,
    about_starting,
    about_stopping,
    armed_of,
    carry_out,
    carry_out_only,
    real_of,
    turn_of,
)
from tui.keys.only import Only
from tui.keys.table import KeysTable
from tui.logs.panel import LogPanel
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell
from tui.still import Holder

KEYS, LOG = 10.0, 5.0
"""So often a second they are told anew while they are looked at."""
BACK = 5.0
"""Seconds for which `u` takes back what was done."""


class KeysPage(Page):
    """Every key on one row; the chart follows the cursor. `s` stops the marked keys, or the one under the cursor, and
    starts them when all of them are stopped; `u` takes that back for five seconds. `A` starts the keys of a product, an
    account, a timeframe, and stops all others. What a key has open runs to its end in any case.
    """

    NAME: ClassVar[str] = "keys"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (KeysTable, CandleChart, LogPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("keys.turn", "s", "turn", "Start/Stop", "stop these keys; start them when they are stopped", changes=True),
        act("keys.only", "A", "only", "Only", "start some keys and stop all others", changes=True, show=False),
        act("keys.undo", "u", "undo", "Undo", "take back what s or A did just now", changes=True, show=False),
        act("keys.why", "w", "why", "Why", "why its last bar was traded or not"),
        act("keys.logs", "L", "logs", "Logs", "what the log says of this key", show=False),
        act("keys.timeframe", "t", "timeframe", "TF", "the chosen key's next timeframe"),
        act("keys.zoom_in", "plus,equals_sign", "zoom(1)", "Zoom", "look nearer at the chart", key_display="+/-"),
        act("keys.zoom_out", "minus", "zoom(-1)", "Farther", "look farther at the chart", show=False),
    ]
    DEFAULT_CSS: ClassVar[str] = """
    #desk { height: 1fr; layout: horizontal; }
    #keys-table { width: 62%; }
    #keys-chart { width: 1fr; }
    Screen.-narrow #desk, Screen.-tiny #desk { layout: vertical; }
    Screen.-narrow #keys-table, Screen.-tiny #keys-table { width: 100%; height: 4fr; }
    Screen.-narrow #keys-chart, Screen.-tiny #keys-chart { width: 100%; height: 3fr; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.table = KeysTable(shell, "keys-table")
        self.chart = CandleChart(shell, "keys-chart")
        self._done = Turn()
        self._done_at = 0.0
        self._at_work = False

    def compose(self) -> ComposeResult:
        yield Holder(self.table, self.chart, id="desk")
        yield LogPanel(self.shell, "keys-log", low=True)

    @property
    def topics(self) -> Topics:
        return Topics(keys=KEYS, log=LOG, chart=self.chart.asks)

    @property
    def first(self) -> KeysTable:
        return self.table

    @property
    def missing(self) -> str:
        store, asked = self.store, self.chart.asks
        if not store.keys_told:
            return "no keys yet"
        if store.keys and (asked is None or store.chart_of is None or store.chart_of.name != asked.name):
            return "no chart yet"
        return ""

    def open(self, subject: object) -> None:
        if isinstance(subject, KeyName):
            self.table.choose(subject)

    @on(KeysTable.Chosen, "#keys-table")
    def _show_chart(self, event: KeysTable.Chosen) -> None:
        self.chart.pick(event.row.name)

    @on(KeysTable.Opened, "#keys-table")
    def _go_to_chart(self, event: KeysTable.Opened) -> None:
        self.post_message(Go("chart", event.row.name))

    def action_why(self) -> None:
        if (row := self.table.row) is not None:
            self.post_message(WhyAsked(row.name))

    def action_logs(self) -> None:
        if (row := self.table.row) is not None:
            self.post_message(Go("logs", f"{row.product} {row.timeframe} {row.account}"))

    def action_timeframe(self) -> None:
        self.table.next_timeframe()

    def action_zoom(self, nearer: int) -> None:
        self.chart.zoom(nearer)

    # --- what changes something --------------------------------------------------------------------------------------

    def action_turn(self) -> None:
        self._one(self._turn)

    def action_only(self) -> None:
        self._one(self._only)

    def action_undo(self) -> None:
        self._one(self._undo)

    def _one(self, act: Callable[[], Awaitable[None]]) -> None:
        """One after the other: what was agreed to is carried out whole, whatever is typed meanwhile."""
        if self._at_work:
            self.table.console.notify("the keys before are not done yet; press it again after that", markup=False)
            return
        self._at_work = True
        self.run_worker(self._whole(act), group="keys-turn")

    async def _whole(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        finally:
            self._at_work = False

    async def _turn(self) -> None:
        rows = self.table.picked
        turn = turn_of(rows)
        if (turn.start or turn.stop) and await self._agreed(turn):
            self._tell(await carry_out(self.shell, turn))

    async def _only(self) -> None:
        if not self.store.keys:
            return
        chosen = self.table.row
        part = await self.table.console.push_screen_wait(Only(self.shell, chosen and chosen.name, self.now))
        if part is not None:
            self._tell(await carry_out_only(self.shell, part))

    async def _undo(self) -> None:
        """What lets armed real money be spent again is asked about here as well."""
        done, self._done = self._done, Turn()
        if self.now() - self._done_at > BACK or done == Turn():
            self.table.console.notify("nothing to take back: u does so for five seconds after s or A", markup=False)
            return
        starts = done.back.start
        if not armed_of(self.shell, starts) or await self._asked(
            "start", starts, about_starting(self.shell, starts), real=True
        ):
            self._tell(await carry_out(self.shell, done.back), undone=True)

    async def _agreed(self, turn: Turn) -> bool:
        """Stopping several keys, or any of real money, is asked about; so is starting what will spend real money."""
        real = bool(real_of(self.shell, turn.stop))
        if len(turn.stop) > 1 or real:
            return await self._asked("stop", turn.stop, about_stopping(self.shell, turn.stop), real=real)
        if armed_of(self.shell, turn.start):
            return await self._asked("start", turn.start, about_starting(self.shell, turn.start), real=True)
        return True

    async def _asked(self, word: str, names: Collection[KeyName], sentences: str, *, real: bool) -> bool:
        title = f"{word} {len(names)} keys" if len(names) > 1 else f"{word} {' '.join(next(iter(names)))}"
        return await self.table.console.push_screen_wait(Confirm(title, sentences, self.now, real=real))

    def _tell(self, turned: Turned, *, undone: bool = False) -> None:
        if turned.done != Turn() and not undone:
            self._done, self._done_at = turned.done, self.now()
        back = " · u takes it back" if turned.done != Turn() and not undone else ""
        self.table.console.notify(
            f"{turned.said}{back}",
            severity="information" if turned.whole else "error",
            timeout=BACK,
            markup=False,
        )
        self.store.note("info" if turned.whole else "warning", f"console: {turned.said}")
