"""Two rows that are always there: how the engine and the link fare, and what was won."""

from collections.abc import Sequence
from datetime import UTC
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events

from pipeline.times import DAY
from pipeline.view import AccountRow, EngineState, Status
from tui.alarms import EVERY, LATELY, SELDOM, Alarms
from tui.going import Go
from tui.painted import Frame, Line, Panel, Run
from tui.palette import ENDED, ENGINE, HALTED, KILLED, LINK, WARNING, WRONG, side
from tui.shell import Shell
from tui.words import age_text, count_text, gain, moment, money, plain

STATES: dict[EngineState, tuple[str, str]] = {
    "STARTING": (HALTED, "second"),
    "RUNNING": (ENGINE, "up"),
    "PAUSED": (HALTED, "warn"),
    "KILLED": (KILLED, "wrong"),
    "ENDED": (ENDED, "second"),
}


class Item(NamedTuple):
    """Runs that are shown together or not at all, and where a click on them leads."""

    runs: tuple[Run, ...]
    page: str = ""
    subject: object = None


class Span(NamedTuple):
    """The cells of a row in which an item stands."""

    begin: int
    end: int
    item: Item


KINDS = ("real", "demo", "paper", "replay")
"""Whose money it is, by what is at stake."""
SKEWED = 500
"""Milliseconds by which the engine's clock and this machine's may differ without a word."""
LEADING = 2
"""The items of the second row that give way to nothing while fates are unknown: all orders, and those."""


class StatusRow(Panel):
    """Row 1: engine, link, alerts, rates, drops, faults; right: REAL money that is armed, the flow's clock in UTC.

    Row 2: orders by where they are, the day's gain per account, and the win rate with its interval and break-even.
    Where there is no room for both, orders of unknown fate push the win rate out. A click leads to the page of it.
    """

    hertz: ClassVar[float] = 5.0
    FRAMED: ClassVar[bool] = False
    HOLDS: ClassVar[bool] = False

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self._spans: list[list[Span]] = []
        self._asked_at = float("-inf")

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(1.0, self._ask)

    def on_click(self, event: events.Click) -> None:
        spans = self._spans[event.y] if 0 <= event.y < len(self._spans) else []
        item = next((span.item for span in spans if span.begin <= event.x < span.end), None)
        if item is not None and item.page:
            self.post_message(Go(item.page, item.subject))

    def frame(self, width: int, height: int) -> Frame:
        status = self.store.status
        rows = [_placed(self._engine(), self._right(width), width)]
        if height > 1:
            orders = _orders(status, width) if status else []
            leading = orders[: LEADING if status is not None and status.orders.unknown else 1]
            rows.append(_placed(orders, _results(status, width - _cells(leading)), width))
        self._spans = [spans for _, spans in rows]
        return Frame([Line(runs, ground) for (runs, _), ground in zip(rows, ("raised", "text"), strict=False)])

    def _ask(self) -> None:
        """What somebody should hear of is asked for whatever page is in front."""
        hello, heard, now = self.store.hello, self.shell.alarms, self.now()
        if self.store.state != "up" or hello is None:
            return
        heard.of_life((hello.pid, hello.started))
        if now - self._asked_at >= (SELDOM if heard.answer.why else EVERY):
            self._asked_at = now
            engine = self.shell.engine
            self.run_worker(heard.answer.ask(lambda: engine.get("/alerts", Alarms, limit=LATELY), self.now))

    def _engine(self) -> list[Item]:
        status, hello, up = self.store.status, self.store.hello, self.store.state == "up"
        items = [Item((Run(" ◆ moonlight" if up else " ◆", "bright"),), "dash")]
        if not up:
            items.append(Item((self._link(),), "logs"))  # nothing matters more: it is never pushed out of a narrow row
        if self.shell.held:
            items.append(Item((Run(f"{HALTED} SCREEN HELD, P goes on", "tag-down"),), "dash"))
        if status is not None:
            mark, style = STATES[status.state]
            items.append(Item((Run(f"{mark} {status.state}", style if up else "dim"),), "dash"))
        if self.shell.controls:
            items.append(Item((Run("CONTROL", "tag-entry"),), "settings"))
        if hello is not None:
            faster = f" ×{hello.speed:g}" if hello.speed != 1 else ""
            style = "warn" if hello.mode == "live" else "second"
            items.append(Item((Run(plain(f"{hello.mode}{faster}"), style),), "flow"))
        if up:
            items.append(Item((self._link(),), "logs"))
        items += self._alarms()
        if status is not None:
            items.append(Item((Run(f"{count_text(status.quotes_per_second)} q/s"),), "feed"))
            items.append(Item((Run(f"lag {status.lag_ms:.0f}ms"),), "flow"))
            items += _troubles(status)
        return items

    def _alarms(self) -> list[Item]:
        """How many alerts nobody took note of, and by how much the clocks differ where that matters."""
        items = list[Item]()
        pressing = [alarm for alarm in self.shell.alarms.rows if alarm.presses]
        if pressing:
            critical = any(alarm.severity == "critical" for alarm in pressing)
            said = f"{WRONG if critical else WARNING}{len(pressing)} alert{'s' if len(pressing) > 1 else ''}"
            items.append(Item((Run(said, "wrong" if critical else "warn"),), "dash"))
        hello = self.store.hello
        if hello is not None and hello.mode == "live" and self.store.state == "up":
            skew = self.store.clock(self.now()) - self.shell.wall()
            if SKEWED < abs(skew) < DAY:  # farther apart it is a market with a time of its own
                said = f"{WARNING}clock {age_text(abs(skew) / 1000)} {'ahead' if skew > 0 else 'behind'}"
                items.append(Item((Run(said, "warn"),), "logs", "module:clock"))
        return items

    def _link(self) -> Run:
        seconds = int(self.now() - self.store.since)
        match self.store.state:
            case "up":
                return Run(f"{LINK} link", "up")
            case "connecting":
                return Run(f"{LINK} connecting" + (f" {seconds}s" if seconds else ""), "warn")
            case "down":
                return Run(f"{LINK} LINK DOWN {seconds}s · data is stale", "wrong")
            case "mismatch":
                return Run(f"{WRONG} ANOTHER PROTOCOL {seconds}s", "wrong")

    def _right(self, width: int) -> list[Item]:
        """REAL accounts that are armed, and the flow's clock unless the link is down: then nobody knows it."""
        armed = [
            account
            for account in (self.store.status.accounts if self.store.status else ())
            if account.money == "real" and account.armed
        ]
        items = [Item((Run(plain(_armed(account, width)), "real"),), "accounts", account.name) for account in armed]
        if _cells(items) > width // 2:
            word = "REHEARSAL" if all(account.rehearsal for account in armed) else "REAL"
            said = f" {word} {len(armed)} accounts " if len(armed) > 1 else f" {word} "
            items = [Item((Run(said, "real"),), "accounts")]
        if self.store.hello is not None and self.store.state == "up":
            items.append(Item((Run(moment(self.store.clock(self.now()), UTC).strftime("  %H:%M:%SZ "), "text"),)))
        return items


def _armed(account: AccountRow, width: int) -> str:
    """An account that real orders may leave from, and until when."""
    until = moment(account.armed_until, UTC).strftime(" until %H:%MZ") if account.armed_until and width >= 140 else ""
    return f" {'REHEARSAL' if account.rehearsal else 'REAL'} {account.name}{until} "


def _troubles(status: Status) -> list[Item]:
    """Accounts that are not connected, what was dropped by name, and how many faults there were."""
    items = list[Item]()
    if away := sum(1 for account in status.accounts if account.standing):
        items.append(Item((Run(f"{WARNING}{away} of {len(status.accounts)} not connected", "warn"),), "accounts"))
    if drops := {reason: count for reason, count in status.drops.items() if count}:
        worst = max(drops, key=lambda reason: drops[reason])
        more = f" +{len(drops) - 1}" if len(drops) > 1 else ""
        said = plain(f"{WARNING}{sum(drops.values())} dropped ({worst}{more})")
        items.append(Item((Run(said, "warn"),), "flow"))
    if status.faults:
        said = f"{WRONG}{status.faults} fault{'s' if status.faults != 1 else ''}"
        items.append(Item((Run(said, "wrong"),), "logs", "level:error"))
    return items


def _orders(status: Status, width: int) -> list[Item]:
    counts = status.orders
    items = [Item((Run(f" orders {counts.sent}", "text"),), "trades")]
    if counts.unknown:
        items.append(Item((Run(f"{counts.unknown} UNKNOWN", "wrong"),), "trades"))
    items.append(Item((Run(f"{counts.open} open", "text" if counts.open else "dim"),), "trades"))
    if counts.rejected:
        items.append(Item((Run(f"{counts.rejected} rejected", "warn"),), "trades"))
    return items + [_account(account) for account in status.accounts if width >= 100]


def _account(account: AccountRow) -> Item:
    """An account's balance and the day's gain: never a sum over accounts, whose money is not the same."""
    runs = (
        Run(plain(f"{account.name} "), "real" if account.money == "real" else "second"),
        Run(f" {money(account.balance)} {plain(account.currency)} ", "text"),
        Run(money(account.day_profit), side(gain(account.day_profit))),
        *([Run(f" {KILLED} stopped", "wrong")] if account.stopped else []),
        *([Run(plain(f" {WARNING} {account.standing}"), "warn")] if account.standing else []),
    )
    return Item(runs, "accounts", account.name)


def _results(status: Status | None, room: int) -> list[Item]:
    """The win rates whole; where there is no room for every kind of money, the one with most at stake; or none."""
    if status is None or not status.win_rate_text:
        return []
    rates = sorted(plain(status.win_rate_text).split("; "), key=_rank)
    said = ["; ".join(rates)]
    if more := len(rates) - 1:
        said.append(f"{rates[0]}  +{more} kind{'s' if more > 1 else ''}: 1")
    fits = next((text for text in said if cell_len(text) + 1 <= room), None)
    return [] if fits is None else [Item((Run(f"{fits} ", "text"),), "accounts" if len(rates) == 1 else "dash")]


def _rank(rate: str) -> int:
    """By whose money it is, which it says where there are several kinds: what is at stake most comes first."""
    return next((at for at, kind in enumerate(KINDS) if rate.startswith(f"{kind} ")), len(KINDS))


def _cells(items: Sequence[Item]) -> int:
    """How wide items are, each with the space after it."""
    return sum(_width(item) + 2 for item in items)


def _width(item: Item) -> int:
    return sum(cell_len(run.text) for run in item.runs)


def _placed(left: Sequence[Item], right: Sequence[Item], width: int) -> tuple[tuple[Run, ...], list[Span]]:
    """Left and right parts in one row; whole items of the left go, from its end, when there is no room for both."""
    taken = sum(_width(item) for item in right)
    runs, spans, used = list[Run](), list[Span](), 0
    for item in left:
        needs = _cells([item])
        if runs and used + needs > width - taken:
            break
        runs += [*item.runs, Run("  ")]
        spans.append(Span(used, used + needs - 2, item))
        used += needs
    at = max(used, width - taken)
    runs.append(Run(" " * (at - used)))
    for item in right:
        runs += item.runs
        spans.append(Span(at, at + _width(item), item))
        at += _width(item)
    return tuple(runs), spans
