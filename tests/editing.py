"""A console on the page of the flow's file, beside an engine that runs it or without one."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from tests.screens import FROZEN, beside_an_engine, screen_text
from tui.app import Console
from tui.asking import Engine
from tui.brake import Brake
from tui.door import find
from tui.editor.page import EditPage
from tui.link import Link
from tui.settings import Settings
from tui.shell import Shell
from tui.store import Store

WAITS = 20.0


class Editing:
    """The console's clock stands still unless `now` is moved; its settings are in the folder."""

    def __init__(self, folder: Path) -> None:
        self.now = FROZEN
        self.flow = folder / "flows.toml"
        self.store = Store(since=FROZEN)
        data = folder / "data"
        engine = Engine(lambda: find(None, data))
        settings = folder / "settings" / "console.toml"
        self.shell = Shell(self.store, engine, lambda: self.now, self.flow, Settings(), settings)
        link = Link(self.store, lambda: find(None, data), lambda: self.now)
        self.app = Console(self.shell, link, Brake(lambda: find(None, data), self.flow), page=EditPage.NAME)
        self.pilot: Pilot[None] | None = None

    @property
    def page(self) -> EditPage:
        return self.app.query_one(EditPage)

    @property
    def text(self) -> str:
        return self.page.text

    @property
    def shown(self) -> str:
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        assert self.pilot is not None
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.press(*text)

    async def until(self, true: Callable[[], object]) -> None:
        assert self.pilot is not None
        async with asyncio.timeout(WAITS):
            while not true():
                await self.pilot.pause(0.05)

    async def shows(self, *texts: str) -> None:
        try:
            await self.until(lambda: all(text in self.shown for text in texts))
        except TimeoutError:
            raise AssertionError(f"{texts} never on the screen:\n{self.shown}") from None

    async def looked_through(self) -> None:
        await self.until(lambda: not self.page.missing)

    async def control(self) -> None:
        await self.press("ctrl+y")
        await self.until(lambda: not self.page.area.read_only)

    async def says_yes(self) -> None:
        """Answer a dialog, once it hears keys."""
        await self.until(lambda: len(self.app.screen_stack) > 1)
        self.now += 1
        await self.press("y")


@asynccontextmanager
async def editing(folder: Path, size: tuple[int, int] = (120, 36)) -> AsyncGenerator[Editing]:
    """The page, once it has read the file and looked it through."""
    edits = Editing(folder)
    async with beside_an_engine(edits.app, size) as edits.pilot:
        await edits.until(lambda: edits.app.query(EditPage))
        await edits.looked_through()
        yield edits
