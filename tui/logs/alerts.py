"""What somebody should hear of: the rows of the dashboard and of the page of the log."""

from collections.abc import Hashable, Iterable
from typing import ClassVar

from tui.alarms import MARKS, Alarm, cause_of
from tui.going import Go
from tui.painted import Frame
from tui.table import Column, Table
from tui.words import age_text

FRESH = 10.0
"""Seconds without an answer after which it is said how old the rows are."""


class AlertsTable(Table[Alarm]):
    """What holds now, and what was told lately. Those nobody took note of come first, the newest at the top.

    ✖ is critical, `!` wants somebody, `·` is good to know. `×3` came three times, `over` is no more. `enter` goes where
    its cause can be looked at; `a` takes note of one, `A` of all: this console's own notes, the engine knows nothing of
    them. One that comes again is new again.
    """

    NAME: ClassVar[str] = "Alerts"
    hertz = 2.0

    def version(self) -> object:
        return self.shell.alarms.version

    def rows(self) -> Iterable[Alarm]:
        return self.shell.alarms.rows

    def key(self, row: Alarm) -> Hashable:
        return row.key

    def columns(self) -> tuple[Column[Alarm], ...]:
        """The sentence has all the room the moment leaves."""
        width = self.content_size.width
        if width != self._wide[0]:
            room = max(8, width - 12)
            self._wide = width, (_mark, self._moment, Column("what", room, _said, _style))
        return self._wide[1]

    def title(self, shown: int, total: int) -> str:
        alarms = self.shell.alarms
        open_ = sum(1 for row in alarms.rows if not row.taken)
        return f"Alerts {open_}" + (f" · {total - open_} noted" if total > open_ else "")

    def subtitle(self) -> str:
        answer = self.shell.alarms.answer
        if answer.value is None:
            return ""
        age = self.now() - answer.at
        old = f"{age_text(age)} old · " if age > FRESH else ""
        return f"{old}a note · A all" if any(not row.taken for row in self.shell.alarms.rows) else old.rstrip(" ·")

    def empty(self) -> str:
        answer = self.shell.alarms.answer
        if answer.value is not None:
            return "nothing to hear of: no alert holds, and none was told since the engine began"
        if answer.why:
            return f"no alerts: {answer.why}"
        return "asking for the alerts" if self.store.state == "up" else self.store.why

    def frame(self, width: int, height: int) -> Frame:
        """While nobody moves in it, its cursor is on what came last."""
        rows = self.shell.alarms.rows
        if rows and not self.has_focus:
            self.chosen = rows[0].key
        return super().frame(width, height)

    def take(self, *, every: bool) -> None:
        """Take note of the chosen alerts, or of all."""
        self.shell.alarms.take(self.shell.alarms.rows if every else self.picked)
        self.marked.clear()
        self.look()

    def action_open(self) -> None:
        if self.row is None:
            self.post_message(Go("logs"))
        else:
            self.post_message(Go(*cause_of(self.row)))

    def on_mount(self) -> None:
        self._moment = Column[Alarm]("time", 8, lambda row: self.shell.time(row.at), _dim)
        super().on_mount()

    _wide: tuple[int, tuple[Column[Alarm], ...]] = (0, ())


def _said(row: Alarm) -> str:
    often = f" ×{row.times}" if row.times > 1 else ""
    over = f" · over after {age_text(row.lasted / 1000)}" if row.over else ""
    return f"{row.text or row.code}{often}{over}"


def _style(row: Alarm) -> str:
    return "dim" if row.taken or row.over else "text" if row.severity == "low" else MARKS[row.severity][1]


def _dim(row: Alarm) -> str:
    return "dim"


_mark = Column[Alarm]("", 1, lambda row: MARKS[row.severity][0], _style)
