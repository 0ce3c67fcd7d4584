"""What all panels of the flow's page look at: the latest of the flow, which node is chosen, which are drawn."""

from collections.abc import Iterable

from pipeline.view import EdgeRow
from tui.flowing.gauge import Entry, Gauge
from tui.shell import Shell

FEATURES = "features"
"""The one node that every flow has and that is part of what a person declared."""


class Sight:
    """Shared by the panels of one page."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.gauge = Gauge()
        self.chosen = ""
        """A node, or a queue."""
        self.whole = False
        """Whether what the program itself keeps in every flow is drawn as well."""
        self.at = 0.0
        """When the latest look was taken, by the console's clock."""

    def see(self) -> bool:
        """Take the latest look; whether there is any."""
        store = self.shell.store
        if store.flow is None:
            return False
        before = self.gauge.version
        engine = (store.hello.pid, store.hello.started) if store.hello is not None else None
        self.gauge.take(store.flow, self.shell.now(), engine)
        if self.gauge.version != before:
            self.at = self.shell.now()
        if not self.entry and self.gauge.entries:
            self.chosen = next((each.id for each in self.gauge.entries if self.drawn(each)), "")
        return True

    @property
    def entry(self) -> Entry | None:
        """The chosen one."""
        return self.gauge.entry(self.chosen)

    @property
    def age(self) -> float:
        return self.shell.now() - self.at

    def drawn(self, entry: Entry) -> bool:
        """Whether it has a box in the graph."""
        node = entry.node
        return node is not None and (self.whole or bool(node.use) or node.id == FEATURES)

    def undrawn(self) -> Iterable[Entry]:
        """Nodes that have no box, as they are the program's own."""
        return (each for each in self.gauge.entries if each.node is not None and not self.drawn(each))

    def edges(self) -> Iterable[EdgeRow]:
        """Those between nodes that are drawn."""
        drawn = {each.id for each in self.gauge.entries if self.drawn(each)}
        return (each for each in self.gauge.topology[1] if each.source in drawn and each.target in drawn)

    def empty(self) -> str:
        """What a panel says that has nothing to show."""
        store = self.shell.store
        if store.state != "up":
            return store.why or "not attached to an engine yet"
        return "the engine has not told of its flow yet" if store.flow is None else "the flow has not begun yet"
