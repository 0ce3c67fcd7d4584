"""A console that measures itself: a program of its own, which imports what a console imports and nothing else.

`bench.console` starts it.
"""

import asyncio
import gc
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec

from tui.app import KINDS, Console
from tui.asking import Engine
from tui.brake import Brake
from tui.door import find
from tui.link import Link
from tui.pages import FIRST
from tui.settings import Settings
from tui.shell import Shell
from tui.store import Store

PAGES = ("keys", "dash", "chart", "feed", "flow", "logs")


class Told(msgspec.Struct):
    """What a console says of itself at its end."""

    first_paint: float
    """Seconds from the start of the program."""
    starting: float
    """Seconds of a processor until then."""
    keys: dict[str, list[float]]
    """Seconds from a key to its paint, by page."""
    busy: dict[str, float]
    """Its share of a processor while a page was in front."""
    memory: float


def watch(folder: Path, seconds: float, began: float) -> None:
    """A console that goes over the pages, presses keys, and says what that took."""
    store = Store(since=monotonic())
    shell = Shell(store, Engine(lambda: find(None, folder)), monotonic, folder / "flows.toml", Settings(welcomed=True))
    link = Link(store, lambda: find(None, folder), monotonic)
    app = Measured(shell, link, Brake(lambda: find(None, folder), folder / "flows.toml"), began, seconds)
    KINDS[FIRST].page()
    gc.freeze()  # as the console does
    asyncio.run(app.run_async())
    (folder / "told.json").write_bytes(msgspec.json.encode(app.told))


class Measured(Console):
    """A console that measures itself."""

    def __init__(self, shell: Shell, link: Link, brake: Brake, began: float, seconds: float) -> None:
        super().__init__(shell, link, brake)
        self.told = Told(0.0, 0.0, {}, {}, 0.0)
        self._began, self._seconds = began, seconds
        self._painted: list[Callable[[float], object]] = [self._first]

    def _display(self, screen: Any, renderable: Any) -> None:
        super()._display(screen, renderable)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open
        waiting, self._painted = self._painted, []
        for told in waiting:
            told(monotonic())

    def _first(self, at: float) -> None:
        self.told.first_paint, self.told.starting = at - self._began, _spent()
        self.run_worker(self._go_over(), name="measuring")

    async def _go_over(self) -> None:
        while self._store.state != "up" or self.missing:  # noqa: ASYNC110  # the link has no event for it
            await asyncio.sleep(0.05)
        for page in PAGES:
            await self.go(page)
            await asyncio.sleep(1.0)
            spent, at = _spent(), monotonic()
            await asyncio.sleep(self._seconds)
            self.told.busy[page] = (_spent() - spent) / (monotonic() - at)
            if page == "keys":  # where the cursor moves with every key; elsewhere one may change nothing
                self.told.keys[page] = [await self._pressed("j") for _ in range(100)]
        self.told.memory = _resident()
        self.exit()

    async def _pressed(self, key: str) -> float:
        await asyncio.sleep(0.03 + 0.001 * (len(self.told.keys) % 7))
        painted = asyncio.get_running_loop().create_future()
        at = monotonic()
        self.simulate_key(key)
        self._painted.append(lambda now: painted.done() or painted.set_result(now - at))
        try:
            async with asyncio.timeout(1.0):
                return await painted
        except TimeoutError:
            return 1.0


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    _, folder, seconds, began = sys.argv
    watch(Path(folder), float(seconds), float(began))
