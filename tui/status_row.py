"""Two rows that are always there: how the engine and the link fare, and what was won."""

from datetime import UTC
from typing import ClassVar

from rich.cells import cell_len

from pipeline.view import EngineState, OrderCounts, Status
from tui.link import Store
from tui.painted import Frame, Line, Panel, Run
from tui.palette import ENDED, ENGINE, HALTED, KILLED, LINK, WARNING, WRONG, side
from tui.words import age_text, count_text, gain, moment, money, plain

STATES: dict[EngineState, tuple[str, str]] = {
    "STARTING": (HALTED, "second"),
    "RUNNING": (ENGINE, "up"),
    "PAUSED": (HALTED, "warn"),
    "KILLED": (KILLED, "wrong"),
    "ENDED": (ENDED, "second"),
}


class StatusRow(Panel):
    """Row 1: engine, link, rates, drops, faults; on the right REAL money that is armed, and the flow's clock in UTC.

    Row 2: orders by where they are, the day's gain per account, and the win rate with its interval and break-even.
    """

    hertz: ClassVar[float] = 5.0

    def frame(self, width: int, height: int) -> Frame:
        lines = [_line(self._engine(), self._clock(), width, "raised")]
        status = self.store.status
        if height > 1:
            lines.append(_line(_orders(status, width) if status else [], _results(status), width, "text"))
        return Frame(lines)

    def _engine(self) -> list[Run]:
        runs = [Run(" ◆ moonlight", "bright")]
        if (hello := self.store.hello) is not None:
            faster = f" ×{hello.speed:g}" if hello.speed != 1 else ""
            runs.append(Run(plain(f"{hello.mode}{faster}"), "warn" if hello.mode == "live" else "second"))
        runs.append(self._link())
        if (status := self.store.status) is not None:
            mark, style = STATES[status.state]
            runs.insert(1, Run(f"{mark} {status.state}", style))
            runs.append(Run(f"{count_text(status.quotes_per_second)} q/s", "text"))
            runs.append(Run(f"lag {status.lag_ms:.0f}ms", "text"))
            runs += _troubles(status)
        return runs

    def _link(self) -> Run:
        seconds = int(self.now() - self.store.since)
        match self.store.state:
            case "up":
                return Run(f"{LINK} link", "up")
            case "connecting":
                return Run(f"{LINK} connecting" + (f" {seconds}s" if seconds else ""), "warn")
            case "down":
                return Run(f"{LINK} LINK DOWN {age_text(max(10, seconds)) if seconds >= 10 else f'{seconds}s'} · data is stale", "wrong")
            case "mismatch":
                return Run(f"{WRONG} {self.store.why}", "wrong")

    def _clock(self) -> list[Run]:
        runs = [
            Run(plain(f" REAL {account.name} "), "real")
            for account in (self.store.status.accounts if self.store.status else ())
            if account.money == "real" and account.armed
        ]
        if self.store.hello is not None:
            runs.append(Run(moment(self.store.clock(self.now()), UTC).strftime("%H:%M:%SZ "), "text"))
        return runs


def _troubles(status: Status) -> list[Run]:
    """What was dropped by name, and how many faults there were."""
    runs: list[Run] = []
    if drops := {reason: count for reason, count in status.drops.items() if count}:
        worst = max(drops, key=lambda reason: drops[reason])
        more = f" +{len(drops) - 1}" if len(drops) > 1 else ""
        runs.append(Run(plain(f"{WARNING}{sum(drops.values())} dropped ({worst}{more})"), "warn"))
    if status.faults:
        runs.append(Run(plain(f"{WRONG}{status.faults} faults"), "wrong"))
    return runs


def _orders(status: Status, width: int) -> list[Run]:
    counts = status.orders
    runs = [Run(f" orders {counts.sent}", "text"), Run(f"{counts.open} open", "text" if counts.open else "dim")]
    runs += [Run(f"{count} {word}", style) for count, word, style in _ends(counts) if count]
    if width >= 100:
        for account in status.accounts:
            runs.append(Run(plain(account.name), "real" if account.money == "real" else "second"))
            runs.append(Run(f"{money(account.balance)} {plain(account.currency)}", "text"))
            runs.append(Run(money(account.day_profit), side(gain(account.day_profit))))
    return runs


def _ends(counts: OrderCounts) -> tuple[tuple[int, str, str], ...]:
    return (counts.rejected, "rejected", "warn"), (counts.unknown, "UNKNOWN", "wrong")


def _results(status: Status | None) -> list[Run]:
    return [Run(f"{plain(status.win_rate_text)} ", "text")] if status is not None and status.win_rate_text else []


def _line(left: list[Run], right: list[Run], width: int, ground: str) -> Line:
    """Left and right parts in one row; whole items of the left go, from its end, when there is no room for both."""
    taken = sum(cell_len(run.text) + 1 for run in right)
    runs: list[Run] = []
    used = 0
    for run in left:
        needs = cell_len(run.text) + 2
        if used + needs > width - taken and runs:
            break
        runs += [run, Run("  ")]
        used += needs
    runs.append(Run(" " * max(0, width - used - taken + 1)))
    for run in right:
        runs += [run, Run(" ")]
    return Line(tuple(runs[: -1 if right else None]), ground)
