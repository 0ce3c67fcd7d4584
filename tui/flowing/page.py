"""The page of the running flow: its graph or its nodes as rows, everything about one of them, what it gives."""

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from pipeline.view import Topics
from tui.acts import act
from tui.flowing.details import NodeSheet, QueuesPanel, TapPanel
from tui.flowing.graph import FlowGraph
from tui.flowing.says import FlowSays
from tui.flowing.sight import Sight
from tui.flowing.table import NodesTable
from tui.going import Go, PartName
from tui.page import Filtered, Page
from tui.painted import Panel
from tui.shell import Shell

RATE, TAPPED = 2.0, 5.0
"""So often a second they are told anew while they are looked at."""
DRAWN = (100, 30)
"""Columns and rows from which on the flow is drawn rather than listed, unless a person chose."""


class FlowPage(Page):
    """The flow as it runs: what goes along every edge, what waits, what is let go and why, and where it jams."""

    NAME: ClassVar[str] = "flow"
    SETTLES: ClassVar[float] = 12.0
    PANELS: ClassVar[tuple[type[Panel], ...]] = (FlowGraph, NodesTable, NodeSheet, QueuesPanel, TapPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("flow.view", "v", "view", "Graph/Table", "the flow as a graph, or as rows"),
        act("flow.tap", "p,enter", "tap", "Tap", "listen to what the chosen node gives, or end that", key_display="p"),
        act("flow.hold", "z", "hold", "Hold", "hold still what is listened to, and look back in it", show=False),
        act("flow.reset", "r", "reset", "Reset peaks", "count high-water marks and what went amiss from here on"),
        act("flow.whole", "w", "whole", "Whole", "draw the nodes every flow has as well, or not", show=False),
        act("flow.edit", "e", "edit", "Edit", "to the chosen node's table in the flow's file"),
        act("flow.part", "s", "part", "Part", "the chosen node's part in the catalogue", show=False),
    ]
    DEFAULT_CSS = """
    #flow-says { height: 1; }
    #flow-graph, #flow-table { height: 1fr; }
    #flow-tap { height: 9; }
    #flow-below { height: 11; layout: horizontal; }
    #flow-node { width: 1fr; height: 100%; }
    #flow-queues { width: 58; height: 100%; }
    Screen.-xwide #flow-queues { width: 72; }
    Screen.-narrow #flow-queues, Screen.-tiny #flow-queues { display: none; }
    Screen.-short #flow-below, Screen.-low #flow-below { height: 7; }
    Screen.-short #flow-tap, Screen.-low #flow-tap { height: 6; }
    Screen.-low #flow-below { height: 4; }
    #flow.-tapping #flow-below { height: 7; }
    Screen.-short #flow.-tapping #flow-below, Screen.-low #flow.-tapping #flow-below { display: none; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.sight = Sight(shell)
        self.graph = FlowGraph("flow-graph", self.sight)
        self.table = NodesTable("flow-table", self.sight)
        self.node = NodeSheet("flow-node", self.sight)
        self.tap = TapPanel("flow-tap", self.sight)
        self._wanted: bool | None = None
        """Whether the person wants it drawn; None: as there is room."""

    def compose(self) -> ComposeResult:
        yield FlowSays("flow-says", self.sight)
        yield self.graph
        yield self.table
        yield self.tap
        with Container(id="flow-below"):
            yield self.node
            yield QueuesPanel("flow-queues", self.sight)

    def on_mount(self) -> None:
        self.tap.display = False
        self._turn()

    def on_resize(self, event: events.Resize) -> None:
        del event
        self._turn()

    @property
    def drawn(self) -> bool:
        """Whether the graph is shown rather than rows."""
        if self._wanted is not None:
            return self._wanted
        width, height = self.screen.size
        return width >= DRAWN[0] and height >= DRAWN[1]

    @property
    def topics(self) -> Topics:
        return Topics(flow=RATE, tap=self.tap.asks(TAPPED))

    @property
    def first(self) -> FlowGraph | NodesTable:
        return self.graph if self.drawn else self.table

    @property
    def filtered(self) -> Filtered | None:
        return self.first

    @property
    def missing(self) -> str:
        return "" if self.store.flow is not None else "no flow yet"

    def open(self, subject: object) -> None:
        """A node by its name."""
        if isinstance(subject, str):
            self._choose(subject)

    def action_view(self) -> None:
        self._wanted = not self.drawn
        self._turn()

    def action_tap(self) -> None:
        """Listen to the chosen node; to one that is listened to already, no more."""
        entry = self.sight.entry
        if entry is None:
            return
        if entry.node is None:
            self.notify("a queue gives nothing of its own; choose a node to listen to", markup=False)
            return
        self.tap.of("" if self.tap.node == entry.id else entry.id)
        self.set_class(bool(self.tap.node), "-tapping")

    def action_hold(self) -> None:
        if self.tap.node:
            self.tap.hold()

    def action_reset(self) -> None:
        self.sight.gauge.reset()
        self._look()
        self.notify("high-water marks and what went amiss count from here on, in this console", markup=False)

    def action_whole(self) -> None:
        self.sight.whole = not self.sight.whole
        self._look()

    def action_edit(self) -> None:
        node = self.sight.entry.node if self.sight.entry is not None else None
        if node is None or not node.line:
            self.notify("it has no table in the flow's file: every flow has it", markup=False)
            return
        self.post_message(Go("edit", node.line))

    def action_part(self) -> None:
        node = self.sight.entry.node if self.sight.entry is not None else None
        if node is None or not node.use:
            self.notify("it is none of the parts a flow can be made of: every flow has it", markup=False)
            return
        self.post_message(Go("strategies", PartName(node.kind, node.use)))

    @on(FlowGraph.Opened)
    @on(NodesTable.Opened)
    def _open(self) -> None:
        self.action_tap()

    @on(FlowGraph.Chosen)
    def _chosen_in_graph(self) -> None:
        self._choose(self.sight.chosen)

    @on(NodesTable.Chosen, "#flow-table")
    def _chosen_in_table(self, event: NodesTable.Chosen) -> None:
        if not self.drawn:
            self._choose(event.row.id)

    def _choose(self, name: str) -> None:
        self.sight.chosen = name
        self.table.choose(name)
        self._look()

    def _turn(self) -> None:
        """Show the graph, or rows."""
        self.graph.display, self.table.display = self.drawn, not self.drawn
        other = self.table if self.drawn else self.graph
        if self.in_front and self.screen.focused in (other, None):
            self.screen.set_focus(self.first)
        self._look()

    def _look(self) -> None:
        for panel in (self.graph, self.table, self.node):
            panel.look()
