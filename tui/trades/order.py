"""One order over the page: its timeline, and from there its reasons, its chart, its log."""

from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
from textual.binding import BindingType

from pipeline.errors import MoonlightError
from pipeline.states import ENDED
from pipeline.told.orders import OrderWhole
from pipeline.told.reasons import Why
from pipeline.told.reports import ReportTold
from pipeline.view import KeyName
from tui.acts import act
from tui.asking import Answer
from tui.going import Go, WhyAsked
from tui.painted import Line, sentence
from tui.reading import Reading
from tui.shell import Shell
from tui.trades.blotter import path_of
from tui.trades.timeline import timeline
from tui.trades.worth import purse_of
from tui.words import age_text

LOOKS = 1.0
"""Seconds between two looks at an order that may still come to something."""
AUDITED = 30.0
"""Seconds for which one that ended is looked at further: its audit comes later."""


class OrderScreen(Reading):
    """What became of an order, with the time between: quote, decision, intent, sent, accepted, entered, settled."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("order.why", "w", "why", "Why", "why it was ordered, and what was known then"),
        act("order.chart", "c", "chart", "Chart", "the chart of its key at its bar"),
        act("order.log", "L", "log", "Log", "what the log has of it"),
        act("order.copy", "y", "copy_id", "Copy id", "copy its name"),
        act("order.copy_json", "Y", "copy_json", "Copy JSON", "copy all that is known of it", show=False),
    ]

    def __init__(self, shell: Shell, order: str) -> None:
        super().__init__(shell, "order-sheet")
        self._order = order
        self._told: Answer[OrderWhole] = Answer()
        self._why: Answer[Why] = Answer()
        self._delay = ""
        self._ended_at = 0.0

    def on_mount(self) -> None:
        self.sheet.focus()
        self.run_worker(self._ask(), group="order")
        self.run_worker(self._ask_beside(), group="order-beside")
        self.set_interval(LOOKS, self._look_again)

    def lines(self, width: int) -> Sequence[Line]:
        told = self._told.value
        if told is None:
            return sentence(self._told.why or "asking for the order", width)
        status = self.shell.store.status
        accounts = {each.name: each for each in status.accounts} if status is not None else {}
        return timeline(told, self._why.value, purse_of(told.order, accounts), self._delay, self._time, width)

    def above(self) -> str:
        return "Order"

    def below(self) -> str:
        told = self._told
        if told.value is not None and told.why:
            return f"{age_text(self.shell.now() - told.at)} old: {told.why}"
        return "w why · c chart · L log · y copy id · esc back"

    def _time(self, ts: int) -> str:
        return f"{self.shell.time(ts)}.{ts % 1000:03d}"

    # --- asking ------------------------------------------------------------------------------------------------------

    def _look_again(self) -> None:
        """While it may still come to something, and for its audit a while longer."""
        told, now = self._told.value, self.shell.now()
        if told is not None and told.order.status in ENDED and not self._told.why:
            self._ended_at = self._ended_at or now
            if told.audit is not None or now - self._ended_at > AUDITED:
                return
        self.run_worker(self._ask(), group="order")

    async def _ask(self) -> None:
        await self._told.ask(lambda: self.shell.engine.get(path_of(self._order), OrderWhole), self.shell.now)
        self.sheet.look()

    async def _ask_beside(self) -> None:
        """What it was judged by, and what late entries cost its account. The order is told without them, too."""
        await self._why.ask(lambda: self.shell.engine.get("/why", Why, order=self._order), self.shell.now)
        why = self._why.value
        if why is not None:
            try:
                report = await self.shell.engine.get("/report", ReportTold, account=why.account)
            except MoonlightError:
                return  # nothing is said of it then
            self._delay = delay_of(report)
        self.sheet.look()

    # --- what keys do ------------------------------------------------------------------------------------------------

    def action_why(self) -> None:
        told = self._told.value
        if told is not None:
            order = told.order
            self.console.post_message(WhyAsked(self._key, order.bar, order.order))

    def action_chart(self) -> None:
        if self._told.value is not None:
            self.go(Go("chart", (self._key, self._told.value.order.bar)))

    def action_log(self) -> None:
        self.go(Go("logs", f"order:{self._order}"))

    def action_copy_id(self) -> None:
        self.copy(self._order, "the order's name")

    def action_copy_json(self) -> None:
        if self._told.value is not None:
            self.copy(msgspec.json.encode(self._told.value).decode(), "the order")

    @property
    def _key(self) -> KeyName:
        assert self._told.value is not None, "asked for only when it was told"
        order = self._told.value.order
        return KeyName(order.account, order.product, order.timeframe)


def delay_of(report: ReportTold) -> str:
    """What a report says that late entries cost; "" where it says nothing. An account has one kind of money."""
    for total in report.totals:
        found: dict[str, Any] | None = total.get("entry_delay")
        if found is not None:
            costs = ", ".join(
                f"{cost * 100:.1f} pp if a signal fades in {fading}" for fading, cost in found["costs"].items()
            )
            said = f", which of its win rate costs {costs}" if costs else ""
            return f"{found['median_seconds'] * 1000:.0f} ms on the median{said}"
    return ""
