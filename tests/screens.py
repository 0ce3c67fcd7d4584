"""What the console's tests need: a desk and a console in one loop, and the screen as text."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from string import ascii_letters
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.style import Style
from textual._wait import wait_for_idle
from textual.pilot import Pilot

from pipeline.aside import here
from pipeline.control.controls import Controls
from pipeline.control.showing import looked_at
from pipeline.engine import LEDGER_FILE
from pipeline.switch import Switch
from sinks.api import Desk
from tests.sample_view import NOON, SampleView
from tui.app import SMALLEST, Console
from tui.asking import Engine
from tui.brake import Brake
from tui.door import find
from tui.link import Link
from tui.seen import lines_of
from tui.settings import Settings
from tui.shell import Shell
from tui.store import Store

GOLDENS = Path(__file__).parent / "goldens"
FROZEN = 1_000.0


@asynccontextmanager
async def beside_an_engine(app: Console, size: tuple[int, int] = (120, 36)) -> AsyncGenerator[Pilot[None]]:
    """A console that is typed at in the process of an engine.

    After a key Textual waits until the process rests, for two seconds at the most, and such a one never does: here who
    types says what is waited for.
    """
    briefly = partial(wait_for_idle, max_sleep=0.05)
    with pytest.MonkeyPatch.context() as patch:
        for module in ("app", "pilot"):
            patch.setattr(f"textual.{module}.wait_for_idle", briefly)
        async with app.run_test(size=size, notifications=True) as pilot:
            yield pilot


class Bench:
    """A console on a desk's view; time stands still for the console unless `now` is moved.

    Its kill switch is that of a flow which has not begun: a stop is a row of the ledger.
    """

    def __init__(
        self,
        view: SampleView,
        folder: Path,
        page: str = "keys",
        more: Callable[[Controls], Controls] = lambda controls: controls,
    ) -> None:
        """`more` adds to what may be asked of the desk."""
        self.view = view
        self.folder = folder
        self.now = FROZEN
        self.store = Store(since=FROZEN)
        self.link = Link(self.store, lambda: find(None, folder), lambda: self.now)
        self.brake = Brake(lambda: find(None, folder), folder / "flows.toml")
        flow = folder / "flows.toml"
        self.shell = Shell(self.store, Engine(lambda: find(None, folder)), lambda: self.now, flow, Settings())
        self.app = Console(self.shell, self.link, self.brake, page=page)
        (folder / "flows.toml").write_text('[moonlight]\ndata = "."\n[accounts.demo-1]\n', encoding="utf-8")
        switch = Switch(folder / LEDGER_FILE, ZoneInfo("UTC"), ("demo-1", "demo-2", "live-7"), NOON)
        self.desk = Desk(more(looked_at(view, here, switch)), folder)
        self.pilot: Pilot[None] | None = None

    async def press(self, *keys: str) -> None:
        assert self.pilot is not None
        await self.pilot.press(*keys)

    async def until(self, true: Callable[[], object], seconds: float = 10.0) -> None:
        """Let the program run on until something holds."""
        assert self.pilot is not None
        async with asyncio.timeout(seconds):
            while not true():
                await self.pilot.pause(0.02)

    async def shows(self, *texts: str) -> None:
        try:
            await self.until(lambda: all(text in screen_text(self.app) for text in texts))
        except TimeoutError:
            raise AssertionError(f"{texts} never on the screen:\n{screen_text(self.app)}") from None

    @property
    def text(self) -> str:
        return screen_text(self.app)


@asynccontextmanager
async def on_bench(
    folder: Path,
    size: tuple[int, int] = (120, 36),
    view: SampleView | None = None,
    *,
    desk: bool = True,
    page: str = "keys",
    more: Callable[[Controls], Controls] = lambda controls: controls,
) -> AsyncGenerator[Bench]:
    bench = Bench(view or SampleView(), folder, page, more)
    if desk:
        await bench.desk.start()
    try:
        async with bench.app.run_test(size=size, notifications=True) as bench.pilot:
            if desk:
                shown = size >= SMALLEST and size[1] >= SMALLEST[1]
                await bench.until(lambda: bench.store.status and not (shown and bench.app.missing))
            yield bench
    finally:
        await bench.desk.stop()


def run(main: Coroutine[Any, Any, None]) -> None:
    """A test's coroutine, on its own loop, that ends."""
    asyncio.run(asyncio.wait_for(main, 60))


def screen_text(app: Console) -> str:
    return "\n".join("".join(text for text, _ in line).rstrip() for line in _screen(app))


def in_front(bench: Bench) -> str:
    """The page one looks at."""
    return bench.app.page.NAME if bench.app.page is not None else ""


def picture(app: Console) -> str:
    """The screen as text, below it a letter a cell for its style, below that what the letters mean."""
    letters: dict[str, str] = {}
    lines, styles = list[str](), list[str]()
    for line in _screen(app):
        lines.append("".join(text for text, _ in line).rstrip())
        cells = [letters.setdefault(_told(style), ascii_letters[len(letters)]) * len(text) for text, style in line]
        styles.append("".join(f"{letter}{len(list(run))} " for letter, run in groupby("".join(cells))).rstrip())
    legend = [f"{letter} = {style}" for style, letter in letters.items()]
    return "\n".join((*lines, "", *styles, "", *legend, ""))


def golden(name: str, app: Console) -> None:
    """Hold the screen against the picture that was approved; with UPDATE_GOLDENS set, approve it."""
    path, seen = GOLDENS / f"{name}.txt", picture(app)
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDENS.mkdir(exist_ok=True)
        path.write_text(seen, "utf-8")
    assert seen == path.read_text("utf-8"), f"{name} looks different; set UPDATE_GOLDENS=1 to approve what it is now"


def _screen(app: Console) -> list[list[tuple[str, Style]]]:
    return [[(segment.text, segment.style or Style()) for segment in strip] for strip in lines_of(app)]


def _told(style: Style) -> str:
    colours = [colour.name if colour else "default" for colour in (style.color, style.bgcolor)]
    return " ".join((f"{colours[0]} on {colours[1]}", *(["bold"] if style.bold else ())))
