"""Replays from the console: begun, followed, compared."""

import asyncio
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from pipeline.errors import MoonlightError
from tui.acts import act
from tui.dialogs import Confirm
from tui.page import Page
from tui.painted import Panel
from tui.research.asked import Over
from tui.research.found import FoundPanel
from tui.research.runs import RunsTable
from tui.research.shelf import Shelf
from tui.shell import Shell

OFTEN = 0.5
"""Seconds between two looks at what replays say of themselves."""


class ResearchPage(Page):
    """Replays of this flow: how far they are, what they found, and beside each other where several are marked."""

    NAME: ClassVar[str] = "research"
    ALONE: ClassVar[bool] = True
    PANELS: ClassVar[tuple[type[Panel], ...]] = (RunsTable, FoundPanel)
    BINDINGS: ClassVar[list[BindingType]] = [
        act("research.new", "n", "new", "New", "begin a replay", command="replay"),
        act("research.stop", "x", "stop", "Stop", "have the chosen replay end; it keeps nothing"),
        act("research.remove", "d,delete", "remove", "Remove", "take a replay that ended away, with its results"),
        act("research.where", "e", "where", "Files", "copy where its decisions and orders are", show=False),
    ]
    DEFAULT_CSS = """
    #research-runs { height: 1fr; }
    #research-found { height: 2fr; }
    """

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.table = RunsTable(shell, "research-runs")
        self._found = FoundPanel(shell, "research-found")
        self._shelf = Shelf(shell.home, shell.flow)

    def compose(self) -> ComposeResult:
        yield self.table
        yield self._found

    def on_mount(self) -> None:
        self.set_interval(OFTEN, self._read)
        self._read()

    @property
    def first(self) -> RunsTable:
        return self.table

    @property
    def missing(self) -> str:
        return "" if self.table.read else "no replays looked for yet"

    @work(exclusive=True, group="reading")
    async def _read(self) -> None:
        if not self.in_front:
            return
        self.table.take(await asyncio.to_thread(self._shelf.runs))
        self.table.look()
        self._found.of = self.table.picked
        self._found.look()

    def _may(self) -> bool:
        try:
            self.shell.only_in_a_terminal()
        except MoonlightError as looks:
            self.table.console.notify(str(looks), severity="warning", markup=False)
            return False
        return True

    @work(exclusive=True, group="doing")
    async def action_new(self) -> None:
        if not self._may():
            return
        span = await self.table.console.push_screen_wait(Over())
        if span is None:
            return
        try:
            run = await self._shelf.start(span)
        except MoonlightError as problem:
            self.table.console.notify(str(problem), title="No replay was begun", severity="error", markup=False)
            return
        self.table.choose(run.number)
        self._read()

    @work(exclusive=True, group="doing")
    async def action_stop(self) -> None:
        if not self._may():
            return
        for run in [run for run in self.table.picked if run.going]:
            asked = f"#{run.number} is at {run.told.done:.0%}. What it found so far is not kept."
            if await self.table.console.push_screen_wait(Confirm("Stop a replay", asked, self.now)):
                await asyncio.to_thread(self._shelf.stop, run)

    @work(exclusive=True, group="doing")
    async def action_remove(self) -> None:
        ended = [run for run in self.table.picked if not run.going]
        if not ended or not self._may():
            return
        names = ", ".join(f"#{run.number}" for run in ended)
        asked = f"{names}: decisions, orders and figures go away for good. That it was tried stays counted."
        if not await self.table.console.push_screen_wait(Confirm("Remove replays", asked, self.now)):
            return
        try:
            for run in ended:
                await asyncio.to_thread(self._shelf.remove, run)
        except MoonlightError as problem:
            self.table.console.notify(str(problem), severity="error", markup=False)
        self._read()

    def action_where(self) -> None:
        if (run := self.table.row) is not None:
            self.table.console.copy_to_clipboard(str(run.folder / "results"))
            self.table.console.notify(f"copied: {run.folder / 'results'}", markup=False)
