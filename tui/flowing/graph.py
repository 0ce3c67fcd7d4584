"""The graph of the running flow, walked over with the arrows."""

from typing import ClassVar, Literal

from textual import events
from textual.binding import BindingType
from textual.message import Message

from tui.acts import act
from tui.filtering import ALL, Filter, filter_of
from tui.flowing.drawing import Drawing, Shown, View
from tui.flowing.items import HEIGHT
from tui.flowing.layout import Box, Layout, layout
from tui.flowing.sight import Sight
from tui.flowing.table import HEADS, texts_of
from tui.painted import Frame, Panel, sentence
from tui.words import age_text

NARROW, WIDE, ROOM = 15, 19, 150
"""How wide boxes are, the wider ones from so many columns on."""
Way = Literal["left", "right", "up", "down"]


class FlowGraph(Panel, can_focus=True):
    """The flow as boxes and edges. A box has the node's name with the mark of how it fares (● well, ! something was
    amiss, ✖ something is amiss now), what it gives a second, how long its slowest calls take, what waits for it, and
    what it let go: grey on purpose, ✖ by overload or fault.

    An edge with ✖ lost something within the last seconds, one with ! holds more and more; thick ones are those of the
    chosen node. ↺: edges lead back from here, or to here; they are listed below.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        act("flow.left", "left,h", "walk('left')", "Left", "to a node it takes from", show=False),
        act("flow.right", "right,l", "walk('right')", "Right", "to a node it gives to", show=False),
        act("flow.up", "up,k", "walk('up')", "Up", "to the node above", show=False),
        act("flow.down", "down,j", "walk('down')", "Down", "to the node below", show=False),
        act("flow.first", "home,g", "edge(0)", "First", "to where the flow begins", show=False),
        act("flow.last", "end,G", "edge(-1)", "Last", "to where it ends", show=False),
    ]
    hertz = 4.0

    class Opened(Message):
        """What the chosen node gives is to be heard."""

    class Chosen(Message):
        """Another node is chosen."""

    def __init__(self, place: str, sight: Sight) -> None:
        super().__init__(sight.shell, place)
        self._sight = sight
        self.words = ""
        self._filter: Filter = ALL
        self._made: tuple[object, Drawing] | None = None
        self._left = self._top = 0
        self._followed = ""
        """The node that was last brought into view."""

    def filter(self, words: str) -> None:
        self._filter = filter_of(words, HEADS)
        self.words = words
        fitting = self._fitting()
        if fitting and self._sight.chosen not in fitting:
            self._choose(next(iter(fitting)))
        self.look()

    def frame(self, width: int, height: int) -> Frame:
        sight = self._sight
        if not sight.see() or not sight.gauge.entries:
            return Frame(sentence(sight.empty(), width), "Flow")
        drawing = self._drawing(width)
        self._follow(drawing.layout, width, height)
        self._left = max(0, min(self._left, drawing.layout.width - width))
        self._top = max(0, min(self._top, drawing.layout.height - height))
        fitting = self._fitting()
        entries = {each.id: each for each in sight.gauge.entries}
        returning = {end for each in sight.edges() if each.closes for end in (each.source, each.target)}
        shown = Shown(entries, sight.gauge.edges, sight.chosen, fitting if self.words else None, returning)
        lines = list(drawing.lines(shown, View(self._left, self._top, width, height)))
        boxes = len(drawing.layout.boxes)
        title = f"Flow {len(fitting)}/{boxes} nodes  /{self.words}" if self.words else f"Flow {boxes} nodes"
        return Frame(lines, title, " · ".join((*self._beyond(drawing.layout, width, height), self._age())))

    def action_walk(self, way: Way) -> None:
        """To the next node in a direction: along an edge where there is one."""
        if self._made is None:
            return
        placed = self._made[1].layout
        box = placed.boxes.get(self._sight.chosen)
        fitting = self._fitting()
        if box is None:
            if fitting:
                self._choose(next(iter(fitting)))
            return
        there = [name for name in _beside(placed, self._sight.chosen, way) if name in fitting]
        if not there:
            there = [name for name in fitting if _towards(box, placed.boxes[name], way)]
        if there:
            self._choose(min(there, key=lambda name: _far(box, placed.boxes[name], way)))

    def action_edge(self, last: int) -> None:
        fitting = list(self._fitting())
        if fitting:
            self._choose(fitting[last])

    def on_click(self, event: events.Click) -> None:
        if self._made is None:
            return
        x, y = event.x - self.gutter.left + self._left, event.y - self.gutter.top + self._top
        for name, box in self._made[1].layout.boxes.items():
            if box.x <= x < box.x + box.width and box.y <= y < box.y + HEIGHT:
                self._choose(name)
                if event.chain == 2:  # a double click
                    self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(1, sideways=event.shift)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-1, sideways=event.shift)

    def on_mouse_scroll_right(self) -> None:
        self._scroll(1, sideways=True)

    def on_mouse_scroll_left(self) -> None:
        self._scroll(-1, sideways=True)

    def _scroll(self, steps: int, *, sideways: bool) -> None:
        if sideways:
            self._left += 8 * steps
        else:
            self._top += 3 * steps
        self.look()

    def _choose(self, name: str) -> None:
        if name != self._sight.chosen:
            self._sight.chosen = name
            self.post_message(self.Chosen())
        self.look()

    def _drawing(self, width: int) -> Drawing:
        """Made anew only when there are other nodes or edges, or another width of boxes."""
        sight, glyphs = self._sight, self.shell.settings.look.glyphs
        wide = WIDE if width >= ROOM else NARROW
        names = tuple(each.id for each in sight.gauge.entries if sight.drawn(each))
        edges = tuple((each.source, each.target) for each in sight.edges() if not each.closes)
        facts = (names, edges, wide, glyphs)
        if self._made is None or self._made[0] != facts:
            self._made = (facts, Drawing(layout(names, edges, wide), glyphs))
            self._followed = ""
        return self._made[1]

    def _follow(self, placed: Layout, width: int, height: int) -> None:
        """Bring the node that was chosen into view, with what it is joined to as far as there is room."""
        sight = self._sight
        box = placed.boxes.get(sight.chosen)
        if box is None or self._followed == sight.chosen:
            return
        self._followed = sight.chosen
        margin = min(24, max(0, (width - box.width) // 2))
        self._left = min(max(self._left, box.x + box.width + margin - width), max(0, box.x - margin))
        above = min(2, max(0, (height - HEIGHT) // 2))
        self._top = min(max(self._top, box.y + HEIGHT + above - height), max(0, box.y - above))

    def _fitting(self) -> dict[str, None]:
        """Nodes drawn that fit the filter, along the flow."""
        sight = self._sight
        drawn = (each for each in sight.gauge.entries if sight.drawn(each))
        return {each.id: None for each in drawn if not self._filter.tests or self._filter.shows(texts_of(each))}

    def _beyond(self, placed: Layout, width: int, height: int) -> list[str]:
        """What of the drawing is out of sight."""
        right, below = placed.width - width - self._left, placed.height - height - self._top
        marks = [
            word
            for word, beyond in (("left", self._left), ("right", right), ("above", self._top), ("below", below))
            if beyond > 0
        ]
        return [f"more {', '.join(marks)}"] if marks else []

    def _age(self) -> str:
        return f"{age_text(self._sight.age)} old"


def _beside(placed: Layout, name: str, way: Way) -> list[str]:
    match way:
        case "left":
            return [route.source for route in placed.routes if route.target == name]
        case "right":
            return [route.target for route in placed.routes if route.source == name]
        case _:
            box = placed.boxes[name]
            same = [other for other, each in placed.boxes.items() if each.layer == box.layer]
            return [other for other in same if _towards(box, placed.boxes[other], way)]


def _towards(box: Box, other: Box, way: Way) -> bool:
    match way:
        case "left":
            return other.x < box.x
        case "right":
            return other.x > box.x
        case "up":
            return other.y < box.y
        case "down":
            return other.y > box.y


def _far(box: Box, other: Box, way: Way) -> tuple[int, int]:
    """How far away: first in the direction, then aside; what is nearly straight ahead is nearer up and down."""
    across, along = abs(other.x - box.x), abs(other.y - box.y)
    return (across, along) if way in ("left", "right") else (along + across, across)
