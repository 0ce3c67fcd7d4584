"""Everything about the chosen node, the queues beside the graph, and what a node gives: the panels below the graph."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from pipeline.view import QueueRow, TapOf
from tui.acts import act
from tui.flowing.gauge import Entry
from tui.flowing.glyphs import bar
from tui.flowing.sight import Sight
from tui.flowing.telling import of_node, of_queue, oldest
from tui.painted import Frame, Line, Panel, Run, sentence
from tui.sheet import words
from tui.words import age_text, count_text, fit, plain


class Scrolled(Panel, can_focus=True):
    """Lines of which there may be more than there is room for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        act("scrolled.up", "up,k", "scroll(-1)", "Up", "a row up", show=False),
        act("scrolled.down", "down,j", "scroll(1)", "Down", "a row down", show=False),
        act("scrolled.page_up", "pageup,ctrl+u", "scroll(-10)", "Page up", "ten rows up", show=False),
        act("scrolled.page_down", "pagedown,ctrl+d", "scroll(10)", "Page down", "ten rows down", show=False),
    ]
    hertz = 4.0

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(sight.shell, place)
        self._sight = sight
        self._first = 0

    def action_scroll(self, rows: int) -> None:
        self._first += rows
        self.look()

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-3)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(3)

    def scrolled(self, lines: Sequence[Line], height: int) -> tuple[Sequence[Line], str]:
        """The part that is in sight, and what is not."""
        self._first = max(0, min(self._first, len(lines) - height))
        more = len(lines) - self._first - height
        hidden = f"{more} more below" if more > 0 else f"{self._first} more above" if self._first else ""
        return lines[self._first : self._first + height], hidden


class NodeSheet(Scrolled):
    """All of the chosen node: rates, how long its calls take (p50 and p99 of the last look), what it let go by reason,
    its last fault, and for each edge what came, went on, is held and was let go. What was lost by overload or fault is
    told apart from what was let go on purpose.
    """

    _of: str = ""

    def frame(self, width: int, height: int) -> Frame:
        sight = self._sight
        entry = sight.entry if sight.see() else None
        if entry is None:
            return Frame(sentence(sight.empty(), width), "Node")
        if entry.id != self._of:
            self._of, self._first = entry.id, 0
        lines, hidden = self.scrolled(self._lines(entry, width), height)
        return Frame(lines, "Queue" if entry.queue is not None else "Node", hidden)

    def _lines(self, entry: Entry, width: int) -> list[Line]:
        glyphs, flow = self.shell.settings.look.glyphs, self.shell.flow.name
        if entry.queue is not None:
            return list(of_queue(entry, entry.queue, glyphs, width))
        assert entry.node is not None, "an entry is a node or a queue"
        return list(of_node(entry, entry.node, self._sight.gauge, flow, self._ago, glyphs, width))

    def _ago(self, moment: int) -> str:
        return age_text(self.store.age(moment, self.now()))


class QueuesPanel(Scrolled):
    """What waits beside the graph, at the disk, the network or a console: how much, of how much room, for how long."""

    def frame(self, width: int, height: int) -> Frame:
        sight = self._sight
        if not sight.see():
            return Frame(sentence(sight.empty(), width), "Queues")
        queues = [each for each in sight.gauge.entries if each.queue is not None]
        if not queues:
            return Frame(sentence("nothing waits beside this flow", width), "Queues")
        longest = max(len(each.name) for each in queues)
        shown = [self._line(each, each.queue, min(longest, max(8, width - 34)), width) for each in queues if each.queue]
        lines, hidden = self.scrolled(shown, height)
        return Frame(lines, f"Queues {len(queues)}", hidden)

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


class TapPanel(Scrolled):
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

    def frame(self, width: int, height: int) -> Frame:
        title = f"Tap {self.node}"
        tapped = self.store.tapped_of
        if tapped is None or tapped.node != self.node:
            said = "waits for what it gives next" if self.store.state == "up" else self.store.why
            return Frame(sentence(said, width), title, "enter ends it")
        if self.store.tap_why:
            return Frame(sentence(self.store.tap_why, width), title, "enter ends it")
        if not self.held and self._told != (self.store.tap_told, width):
            self._told = (self.store.tap_told, width)
            self._lines = self._gathered(width)
            self._first = len(self._lines)
        if not self._lines:
            return Frame(sentence("it gave nothing since it is listened to", width), title, "enter ends it")
        lines, hidden = self.scrolled(self._lines, height)
        held = "held still, z goes on" if self.held else "z holds it still"
        said = (hidden if self.held else "", held, "enter ends it")
        return Frame(lines, title, " · ".join(part for part in said if part))

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
