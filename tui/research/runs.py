"""The replays, a row each."""

from collections.abc import Hashable, Iterable
from typing import Any, ClassVar

from pipeline.times import utc_text
from tui.columns import Column
from tui.research.shelf import Run
from tui.shell import Shell
from tui.table import Table
from tui.words import countdown, money

STYLES = {"running": "up", "done": "text", "failed": "wrong", "stopped": "warn", "lost": "wrong"}
MARKS = {"running": "▶", "done": "✔", "failed": "✖", "stopped": "■", "lost": "?"}


def left(run: Run) -> str:
    """How long it still takes, as it went so far."""
    done, seconds = run.told.done, run.told.seconds
    return countdown(round(1000 * seconds * (1 - done) / done)) if run.going and done > 0.01 else "─"


def span(run: Run) -> str:
    begin, end = (utc_text(at)[:16].replace("T", " ") for at in (run.told.begin, run.told.end))
    return f"{begin} … {end}"


def accounts(run: Run) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = run.told.found.get("accounts", {})
    return found


def _found(run: Run) -> str:
    """What the account with the most trades came to; how many others there are."""
    every = accounts(run)
    if not every:
        return run.told.why or "─"
    name, facts = max(every.items(), key=lambda each: sum(each[1].get("orders", {}).values()))
    more = f" (+{len(every) - 1} accounts)" if len(every) > 1 else ""
    return f"{name} {money(str(facts.get('profit', '')))}  {facts.get('win_rate', '')}{more}"


class RunsTable(Table[Run]):
    """Replays of this flow that were started here, the newest first. `n` begins one, `x` stops it, marked ones are
    compared beside each other.

    Each is a process of its own that goes on when the console is left. What it finds is of the past: no forecast.
    """

    NAME: ClassVar[str] = "Replays"
    COLUMNS: ClassVar[tuple[Column[Run], ...]] = (
        Column("run", 4, lambda run: f"#{run.number}", lambda _: "bright"),
        Column("span", 35, span, goes=3),
        Column("state", 9, lambda run: f"{MARKS[run.state]} {run.state}", lambda run: STYLES[run.state]),
        Column("done", 5, lambda run: f"{run.told.done:.0%}", right=True, sort=lambda run: run.told.done),
        Column("left", 8, left, lambda _: "second", right=True, goes=2),
        Column("found", 30, _found, lambda _: "text", goes=1, most=90),
    )

    def __init__(self, shell: Shell, place: str) -> None:
        super().__init__(shell, place)
        self.runs: tuple[Run, ...] = ()
        self.read = False

    def take(self, runs: tuple[Run, ...]) -> None:
        self.read, self.runs = True, runs

    def version(self) -> object:
        return self.runs

    def rows(self) -> Iterable[Run]:
        return self.runs

    def key(self, row: Run) -> Hashable:
        return row.number

    def empty(self) -> str:
        return "no replay was started here yet; n begins one" if self.read else "looking for replays"
