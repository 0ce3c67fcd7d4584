"""The nodes of the running flow as rows, along the flow; below them the queues beside it."""

from collections.abc import Hashable, Iterable
from typing import ClassVar

from tui.columns import Column
from tui.flowing.drawing import STYLES, millis
from tui.flowing.gauge import QUEUE, Entry
from tui.flowing.glyphs import MARKS, Glyphs, bar
from tui.flowing.sight import Sight
from tui.table import Table
from tui.words import age_text, count_text

BAR = 6


def rate_text(rate: float | None) -> str:
    if rate is None:
        return "─"
    return f"{rate:.1f}" if 0 < rate < 99.95 else count_text(rate)


def _busy(entry: Entry) -> str:
    return f"{entry.node.busy:.1%}".replace("%", " %") if entry.node is not None else "─"


def _took(entry: Entry) -> str:
    return millis(entry.node.p99_ms) if entry.node is not None else "─"


def _what(entry: Entry) -> str:
    if entry.queue is not None:
        return f"queue of {entry.queue.capacity}, {entry.queue.when_full}" if entry.queue.capacity else "queue"
    return (entry.node.use or "the program's own") if entry.node is not None else ""


def _state(entry: Entry) -> str:
    return "text" if entry.state == "ok" else STYLES[entry.state]


def _held(entry: Entry) -> str:
    return "dim" if entry.state == "ok" else _state(entry)


def _found(entry: Entry) -> str:
    return f"{_what(entry)} {entry.state} {entry.why}"


def _lost(count: int) -> str:
    return "wrong" if count else "dim"


def _columns(glyphs: Glyphs) -> tuple[Column[Entry], ...]:
    def held(entry: Entry) -> str:
        share = entry.full or (entry.held / max(entry.most, 10) if entry.held else 0.0)
        return f"{bar(share, BAR, glyphs)}{count_text(entry.held):>5}"

    return (
        Column("", 1, lambda entry: MARKS[glyphs][entry.state], _state),
        Column("node", 14, lambda entry: entry.id.removeprefix(QUEUE), _state, most=26),
        Column("in/s", 6, lambda entry: rate_text(entry.taken_s), right=True, sort=lambda entry: entry.taken_s),
        Column("out/s", 6, lambda entry: rate_text(entry.given_s), right=True, sort=lambda entry: entry.given_s),
        Column("held", BAR + 5, held, _held, goes=2, sort=lambda entry: entry.held),
        Column("p99", 7, _took, right=True, goes=1, sort=lambda entry: entry.node and entry.node.p99_ms),
        Column("busy", 6, _busy, right=True, goes=4),
        Column("let go", 6, lambda entry: count_text(entry.on_purpose), lambda _: "dim", right=True, goes=5),
        Column("lost", 5, lambda entry: count_text(entry.lost), lambda entry: _lost(entry.lost), right=True),
        Column("faults", 6, lambda entry: count_text(entry.faults), lambda entry: _lost(entry.faults), right=True),
        Column("what", 10, _what, lambda _: "second", goes=6, most=34, find=_found),
    )


COLUMNS: dict[Glyphs, tuple[Column[Entry], ...]] = {"unicode": _columns("unicode"), "ascii": _columns("ascii")}
HEADS = [column.head for column in COLUMNS["unicode"]]


def texts_of(entry: Entry) -> dict[str, str]:
    """What a node shows, as a filter reads it."""
    return {column.head: column.found(entry) for column in COLUMNS["unicode"]}


class NodesTable(Table[Entry]):
    """Each node on one row, along the flow: what it takes and gives a second, what waits for it, how long its slowest
    calls take, its share of a processor, what it let go on purpose and what it lost by overload or fault. Below them
    the queues beside the graph: at the disk, at the network, at consoles.
    """

    NAME: ClassVar[str] = "Nodes"
    hertz = 4.0

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(sight.shell, place)
        self._sight = sight

    def version(self) -> object:
        return self._sight.gauge.version if self._sight.see() else 0

    def rows(self) -> Iterable[Entry]:
        return self._sight.gauge.entries

    def key(self, row: Entry) -> Hashable:
        return row.id

    def empty(self) -> str:
        return self._sight.empty()

    def columns(self) -> tuple[Column[Entry], ...]:
        return COLUMNS[self.shell.settings.look.glyphs]

    def subtitle(self) -> str:
        return f"{age_text(self._sight.age)} old" if self._sight.gauge.version else ""
