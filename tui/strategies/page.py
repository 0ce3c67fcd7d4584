"""The page of the catalogue: every part beside all there is to say of the chosen one."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container

from pipeline.told.parts import Parts, PartTold
from tui.acts import act
from tui.asking import Answer
from tui.going import Go, Insert, PartName
from tui.page import Page
from tui.painted import Panel
from tui.shell import Shell
from tui.strategies.catalogue import KINDS, CatalogueTable
from tui.strategies.details import PartSheet

OFTEN = 1.0
"""Seconds between two looks whether to ask."""
AGAIN = 30.0
"""Seconds for which an answer is good: what a flow is made of seldom changes."""


class StrategiesPage(Page):
    """What a flow can be made of: strategies and all other parts, with their keys, and where this flow has them."""

    NAME: ClassVar[str] = "strategies"
    PANELS: ClassVar[tuple[type[Panel], ...]] = (CatalogueTable, PartSheet)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("strategies.kind", "t", "kind(1)", "Kind", "one kind after another"),
        act("strategies.kind_before", "T", "kind(-1)", "Kind before", "the kind before", show=False),
        act("strategies.copy", "y", "copy", "Copy TOML", "copy the part as a table of a flow's file"),
        act("strategies.add", "a", "add", "Add to flow", "put its table into the editor", changes=True),
        act("strategies.again", "R", "again", "Ask again", "ask the engine anew", show=False),
    ]
    DEFAULT_CSS = """
    #strategies-desk { height: 1fr; layout: horizontal; }
    #strategies-table { width: 1fr; max-width: 66; height: 100%; }
    #strategies-part { width: 1fr; height: 100%; }
    Screen.-xwide #strategies-table { max-width: 88; }
    Screen.-narrow #strategies-desk, Screen.-tiny #strategies-desk { layout: vertical; }
    Screen.-narrow #strategies-table, Screen.-tiny #strategies-table { width: 100%; max-width: 100%; height: 2fr; }
    Screen.-narrow #strategies-part, Screen.-tiny #strategies-part { width: 100%; height: 3fr; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._told = Answer[Parts]()
        self._engine: object = None
        """Which one the answer is of."""
        self._asked: PartName | None = None
        """What one came for before it was told."""
        self.table = CatalogueTable(shell, "strategies-table", self._told)
        self.part = PartSheet(shell, "strategies-part", self._told)

    def compose(self) -> ComposeResult:
        yield Container(self.table, self.part, id="strategies-desk")

    def on_mount(self) -> None:
        self.set_interval(OFTEN, self._ask_when_due)

    @property
    def first(self) -> CatalogueTable:
        return self.table

    @property
    def missing(self) -> str:
        return "" if self._told.value is not None or self._told.why else "no catalogue yet"

    def fronted(self) -> None:
        self._ask()

    def open(self, subject: object) -> None:
        """A part by its kind and name."""
        if isinstance(subject, PartName):
            self._asked = subject
            self._find()

    def action_kind(self, steps: int) -> None:
        self.table.kind = KINDS[(KINDS.index(self.table.kind) + steps) % len(KINDS)]
        self.table.action_edge(0)
        self.table.look()

    def action_copy(self) -> None:
        self.table.action_copy_toml()

    def action_add(self) -> None:
        """Into the editor, where nothing is applied until a person does."""
        if self.part.snippet:
            self.post_message(Go("edit", Insert(self.part.snippet)))

    def action_again(self) -> None:
        self._ask()

    @on(CatalogueTable.Chosen, "#strategies-table")
    def _show(self, event: CatalogueTable.Chosen) -> None:
        part: PartTold = event.row
        self.part.show_part(part)

    @on(CatalogueTable.Opened, "#strategies-table")
    def _read(self) -> None:
        self.screen.set_focus(self.part)

    def _ask_when_due(self) -> None:
        """While it is looked at: anew when another engine answers, after a failure, and now and then."""
        if not self.in_front or self.store.state != "up" or self._told.asking:
            return
        failed = bool(self._told.why)
        if self._engine != self._now_engine or failed or self.now() - self._told.at >= AGAIN:
            self._ask()

    @property
    def _now_engine(self) -> object:
        hello = self.store.hello
        return (hello.pid, hello.started) if hello is not None else None

    def _ask(self) -> None:
        self._engine = self._now_engine
        self.run_worker(self._hear(), group="strategies", exclusive=True)

    async def _hear(self) -> None:
        await self._told.ask(lambda: self.shell.engine.get("/parts", Parts), self.now)
        self.table.look()
        self._find()
        if self.table.row is not None:
            self.part.show_part(self.table.row)

    def _find(self) -> None:
        """Choose what one came for, once it is known."""
        if self._asked is None or self._told.value is None:
            return
        self.table.kind = ""
        self.table.look()
        if any((part.kind, part.name) == self._asked for part in self._told.value.parts):
            self.table.choose(tuple(self._asked))
        else:
            self.notify(f"the engine knows no {self._asked.kind} {self._asked.name!r}", markup=False)
        self._asked = None
        self.table.look()
