"""Two rows that are always there: how the engine and the link fare, and what was won."""

from collections.abc import Sequence
from datetime import UTC
from typing import ClassVar

from rich.cells import cell_len

from pipeline.view import AccountRow, EngineState, Status
from tui.painted import Frame, Line, Panel, Run
from tui.palette import ENDED, ENGINE, HALTED, KILLED, LINK, WARNING, WRONG, side
from tui.words import count_text, gain, moment, money, plain

STATES: dict[EngineState, tuple[str, str]] = {
    "STARTING": (HALTED, "second"),
    "RUNNING": (ENGINE, "up"),
    "PAUSED": (HALTED, "warn"),
    "KILLED": (KILLED, "wrong"),
    "ENDED": (ENDED, "second"),
}


Item = tuple[Run, ...]
"""Runs that are shown together or not at all."""

LEADING = 2
"""The items of the second row that give way to nothing while fates are unknown: all orders, and those."""


class StatusRow(Panel):
    """Row 1: engine, link, rates, drops, faults; on the right REAL money that is armed, and the flow's clock in UTC.

    Row 2: orders by where they are, the day's gain per account, and the win rate with its interval and break-even.
    Where there is no room for both, orders of unknown fate push the win rate out.
    """

    hertz: ClassVar[float] = 5.0
    FRAMED: ClassVar[bool] = False

    def frame(self, width: int, height: int) -> Frame:
        lines = [_line(self._engine(), self._clock(width), width, "raised")]
        status = self.store.status
        if height > 1:
            orders = _orders(status, width) if status else []
            unknown = status is not None and status.orders.unknown > 0
            crowded = unknown and _cells(orders[:LEADING]) + _cells([(run,) for run in _results(status)]) > width
            lines.append(_line(orders, [] if crowded else _results(status), width, "text"))
        return Frame(lines)

    def _engine(self) -> list[Item]:
        status, hello, up = self.store.status, self.store.hello, self.store.state == "up"
        items: list[Item] = [(Run(" ◆ moonlight" if up else " ◆", "bright"),)]
        if not up:
            items.append((self._link(),))  # nothing matters more, so nothing may push it out of a narrow row
        if status is not None:
            mark, style = STATES[status.state]
            items.append((Run(f"{mark} {status.state}", style if up else "dim"),))
        if hello is not None:
            faster = f" ×{hello.speed:g}" if hello.speed != 1 else ""
            items.append((Run(plain(f"{hello.mode}{faster}"), "warn" if hello.mode == "live" else "second"),))
        if up:
            items.append((self._link(),))
        if status is not None:
            items += [(Run(f"{count_text(status.quotes_per_second)} q/s"),), (Run(f"lag {status.lag_ms:.0f}ms"),)]
            items += [(run,) for run in _troubles(status)]
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

    def _clock(self, width: int) -> list[Run]:
        """REAL accounts that are armed, and the flow's clock unless the link is down: then nobody knows it."""
        armed = [
            account
            for account in (self.store.status.accounts if self.store.status else ())
            if account.money == "real" and account.armed
        ]
        runs = [Run(plain(_armed(account, width)), "real") for account in armed]
        if _cells([(run,) for run in runs]) > width // 2:
            word = "REHEARSAL" if all(account.rehearsal for account in armed) else "REAL"
            runs = [Run(f" {word} {len(armed)} accounts " if len(armed) > 1 else f" {word} ", "real")]
        if self.store.hello is not None and self.store.state == "up":
            runs.append(Run(moment(self.store.clock(self.now()), UTC).strftime("  %H:%M:%SZ "), "text"))
        return runs


def _armed(account: AccountRow, width: int) -> str:
    """An account that real orders may leave from, and until when."""
    until = moment(account.armed_until, UTC).strftime(" until %H:%MZ") if account.armed_until and width >= 140 else ""
    return f" {'REHEARSAL' if account.rehearsal else 'REAL'} {account.name}{until} "


def _troubles(status: Status) -> list[Run]:
    """Accounts that are not connected, what was dropped by name, and how many faults there were."""
    runs: list[Run] = []
    if away := sum(1 for account in status.accounts if account.standing):
        runs.append(Run(f"{WARNING}{away} of {len(status.accounts)} not connected", "warn"))
    if drops := {reason: count for reason, count in status.drops.items() if count}:
        worst = max(drops, key=lambda reason: drops[reason])
        more = f" +{len(drops) - 1}" if len(drops) > 1 else ""
        runs.append(Run(plain(f"{WARNING}{sum(drops.values())} dropped ({worst}{more})"), "warn"))
    if status.faults:
        runs.append(Run(f"{WRONG}{status.faults} fault{'s' if status.faults != 1 else ''}", "wrong"))
    return runs


def _orders(status: Status, width: int) -> list[Item]:
    counts = status.orders
    items: list[Item] = [(Run(f" orders {counts.sent}", "text"),)]
    if counts.unknown:
        items.append((Run(f"{counts.unknown} UNKNOWN", "wrong"),))
    items.append((Run(f"{counts.open} open", "text" if counts.open else "dim"),))
    if counts.rejected:
        items.append((Run(f"{counts.rejected} rejected", "warn"),))
    return items + [_account(account) for account in status.accounts if width >= 100]


def _account(account: AccountRow) -> Item:
    """An account's balance and the day's gain: never a sum over accounts, whose money is not the same."""
    return (
        Run(plain(f"{account.name} "), "real" if account.money == "real" else "second"),
        Run(f" {money(account.balance)} {plain(account.currency)} ", "text"),
        Run(money(account.day_profit), side(gain(account.day_profit))),
        *([Run(f" {KILLED} stopped", "wrong")] if account.stopped else []),
        *([Run(plain(f" {WARNING} {account.standing}"), "warn")] if account.standing else []),
    )


def _results(status: Status | None) -> list[Run]:
    return [Run(f"{plain(status.win_rate_text)} ", "text")] if status is not None and status.win_rate_text else []


def _cells(items: Sequence[Item]) -> int:
    """How wide items are, each with the space after it."""
    return sum(sum(cell_len(run.text) for run in item) + 2 for item in items)


def _line(left: Sequence[Item], right: Sequence[Run], width: int, ground: str) -> Line:
    """Left and right parts in one row; whole items of the left go, from its end, when there is no room for both."""
    taken = sum(cell_len(run.text) for run in right)
    runs: list[Run] = []
    used = 0
    for item in left:
        needs = _cells([item])
        if runs and used + needs > width - taken:
            break
        runs += [*item, Run("  ")]
        used += needs
    gap = Run(" " * max(0, width - used - taken))
    return Line((*runs, gap, *right), ground)
