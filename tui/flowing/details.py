"""Everything about the chosen node, the queues beside the graph, and what a node gives: the panels below the graph."""

from collections.abc import Sequence

from pipeline.view import QueueRow, TapOf
from tui.flowing.gauge import Entry
from tui.flowing.glyphs import bar
from tui.flowing.sight import Sight
from tui.flowing.telling import of_node, of_queue, oldest
from tui.painted import Line, Run
from tui.scrolled import Scrolled
from tui.sheet import words
from tui.words import age_text, count_text, fit, plain


class FlowSheet(Scrolled):
    """Lines about what is in sight of the flow."""

    hertz = 4.0

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(sight.shell, place)
        self._sight = sight


class NodeSheet(FlowSheet):
    """All of the chosen node: rates, how long its calls take (p50 and p99 of the last look), what it let go by reason,
    its last fault, and for each edge what came, went on, is held and was let go. What was lost by overload or fault is
    told apart from what was let go on purpose.
    """

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(place, sight)
        self._entry: Entry | None = None

    def lines(self, width: int) -> Sequence[Line]:
        before, self._entry = self._entry, self._sight.entry if self._sight.see() else None
        if self._entry is None:
            return ()
        if before is None or before.id != self._entry.id:
            self._first = 0
        return self._lines(self._entry, width)

    def title(self) -> str:
        return "Node" if self._entry is None or self._entry.queue is None else "Queue"

    def empty(self) -> str:
        return self._sight.empty()

    def _lines(self, entry: Entry, width: int) -> list[Line]:
        glyphs, flow = self.shell.settings.look.glyphs, self.shell.flow.name
        if entry.queue is not None:
            return list(of_queue(entry, entry.queue, glyphs, width))
        assert entry.node is not None, "an entry is a node or a queue"
        return list(of_node(entry, entry.node, self._sight.gauge, flow, self._ago, glyphs, width))

    def _ago(self, moment: int) -> str:
        return age_text(self.store.age(moment, self.now()))


class QueuesPanel(FlowSheet):
    """What waits beside the graph, at the disk, the network or a console: how much, of how much room, for how long."""

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(place, sight)
        self._count = 0

    def lines(self, width: int) -> Sequence[Line]:
        entries = self._sight.gauge.entries if self._sight.see() else ()
        queues = [(each, each.queue) for each in entries if each.queue is not None]
        self._count = len(queues)
        longest = max((len(each.name) for each, _ in queues), default=0)
        return [self._line(each, row, min(longest, max(8, width - 34)), width) for each, row in queues]

    def title(self) -> str:
        return f"Queues {self._count}" if self._count else "Queues"

    def empty(self) -> str:
        return "nothing waits beside this flow" if self.store.flow is not None else self._sight.empty()

    def _line(self, entry: Entry, row: QueueRow, name: int, width: int) -> Line:
        glyphs = self.shell.settings.look.glyphs
        style = {"ok": "second", "warn": "warn", "wrong": "wrong"}[entry.state]
        room = f"/{count_text(row.capacity)}" if row.capacity else ""
        lost = f" lost {count_text(entry.lost)}" if entry.lost else ""
        return words(
            width,
            Run(fit(plain(row.name), name) + " ", "text" if entry.state == "ok" else style),
            Run(bar(entry.full, 6, glyphs), style),
            Run(f"{count_text(row.depth):>5}{room:<6}"),
            Run(lost, "wrong"),
            Run(f" {oldest(row)}" if row.depth else f" most {count_text(entry.most)}", "dim"),
            Run(f" · {row.when_full}", "dim"),
        )


class TapPanel(FlowSheet):
    """What a node gives, as it gives it, the newest below; five times a second at the most. `z` holds it still, and
    then one can look back. What came in between faster than it can be told is counted.
    """

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(place, sight)
        self.node = ""
        """Of which it tells; "" while it is closed."""
        self.held = False
        self._lines: list[Line] = []
        self._told: object = None

    def of(self, node: str) -> None:
        """Tell of a node from now on; "" of none."""
        self.node, self.held, self._lines, self._told = node, False, [], None
        self.store.forget_tap()
        self.display = bool(node)

    def hold(self) -> None:
        self.held = not self.held
        self.look()

    def lines(self, width: int) -> Sequence[Line]:
        if self._waits():
            return ()
        if not self.held and self._told != (self.store.tap_told, width):
            self._told = (self.store.tap_told, width)
            self._lines = self._gathered(width)
            self._first = len(self._lines)
        return self._lines

    def title(self) -> str:
        return f"Tap {self.node}"

    def subtitle(self) -> str:
        held = "held still, z goes on" if self.held else "z holds it still"
        return f"{held} · enter ends it" if self._lines and not self._waits() else "enter ends it"

    def empty(self) -> str:
        return self._waits() or "it gave nothing since it is listened to"

    def _waits(self) -> str:
        """Why there is nothing to tell yet; "" when there is."""
        tapped = self.store.tapped_of
        if tapped is None or tapped.node != self.node:
            return "waits for what it gives next" if self.store.state == "up" else self.store.why
        return self.store.tap_why

    def _gathered(self, width: int) -> list[Line]:
        lines, last = list[Line](), 0
        for each in self.store.tapped:
            if last and each.seq > last + 1:
                lines.append(words(width, Run(f"  … {each.seq - last - 1:,} more came in between", "dim")))
            last = each.seq
            at = self.shell.time(each.at)
            lines.append(words(width, Run(f"{at} ", "dim"), Run(f"{each.kind:<10} ", "second"), Run(each.text)))
        return lines

    def asks(self, rate: float) -> TapOf | None:
        """What is to be told."""
        return TapOf(self.node, rate) if self.node else None
