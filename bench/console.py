"""What the console takes: a real one on a terminal, before a desk with 3,000 keys and 5,000 new rows a second.

    python -m bench.console [--keys 3000] [--events 5000] [--seconds 10]

Said of each page: its share of a processor; of the keys: how long after one its effect is painted; then how long the
first paint took, the memory, and bytes written to the terminal. Beside each figure stands its budget. What a key takes
is measured in the console itself: from the key's event to the next time the terminal is written to.
"""

import argparse
import asyncio
import os
import pty
import resource
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import msgspec
import numpy as np

from pipeline.aside import here
from pipeline.control.showing import looked_at
from pipeline.view import KeyName
from sinks.api import Desk
from tests.sample_view import ACCOUNTS, TIMEFRAMES, SampleView
from tui.app import Console
from tui.asking import Engine
from tui.brake import Brake
from tui.door import find
from tui.link import Link
from tui.settings import Settings
from tui.shell import Shell
from tui.store import Store

SIZE = 120, 36
PAGES = ("keys", "dash", "chart", "feed", "flow", "logs")
BUDGETS = {"cpu": 0.10, "key": 0.030, "paint": 1.5, "memory": 90.0, "bytes": 60_000.0}


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


class Seen(NamedTuple):
    """What the terminal saw of it."""

    told: Told
    written: int
    seconds: float


# --- the desk --------------------------------------------------------------------------------------------------------


async def serve(folder: Path, keys: int, events: int) -> None:
    """A desk of so many keys whose rows change so often."""
    products = [f"P{number:04d}" for number in range(-(-keys // (len(ACCOUNTS) * len(TIMEFRAMES))))]
    every = [KeyName(account, product, tf) for account in ACCOUNTS for product in products for tf in TIMEFRAMES]
    view = SampleView(every[:keys])
    view.pid = os.getpid()
    desk = Desk(looked_at(view, here), folder)
    await desk.start()
    loop = asyncio.get_running_loop()
    began, moved = loop.time(), 0
    while True:
        await asyncio.sleep(0.02)
        due = int((loop.time() - began) * events) - moved
        view.move(min(due, keys))
        moved += due
        if moved % events < due:
            view.say(f"{moved} rows changed")


# --- the console -----------------------------------------------------------------------------------------------------


def watch(folder: Path, seconds: float, began: float) -> None:
    """A console that goes over the pages, presses keys, and says what that took."""
    store = Store(since=monotonic())
    shell = Shell(store, Engine(lambda: find(None, folder)), monotonic, folder / "flows.toml", Settings(welcomed=True))
    link = Link(store, lambda: find(None, folder), monotonic)
    app = Measured(shell, link, Brake(lambda: find(None, folder), folder / "flows.toml"), began, seconds)
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
            if page not in {kind.name for kind in _kinds()}:
                continue
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


def _kinds() -> Any:
    from tui.pages import PAGES as KINDS  # noqa: PLC0415  # imported late so that the start is the console's own

    return KINDS


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


# --- both ------------------------------------------------------------------------------------------------------------


def measured(folder: Path, keys: int, events: int, seconds: float) -> Seen:
    """A desk and a console, each a process, and what came of them."""
    desk = subprocess.Popen([sys.executable, "-m", "bench.console", "--desk", str(folder), str(keys), str(events)])  # noqa: S603
    try:
        while not (folder / "engine.json").exists():
            select.select([], [], [], 0.05)
        began = monotonic()
        child, terminal = pty.fork()
        if not child:
            words = ["--watch", str(folder), str(seconds), str(began)]
            os.environ.pop("COLUMNS", None)
            os.environ.pop("LINES", None)
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, "-m", "bench.console", *words])  # noqa: S606
        ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
        written = _read(terminal)
        os.waitpid(child, 0)
        took = monotonic() - began
    finally:
        desk.send_signal(signal.SIGTERM)
        desk.wait()
    return Seen(msgspec.json.decode((folder / "told.json").read_bytes(), type=Told), written, took)


def _read(terminal: int) -> int:
    written = 0
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # its other end is closed
            return written
        if not part:
            return written
        written += len(part)


def _held(value: float, budget: float) -> str:
    return f"{value / budget:.2f} of its budget"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=3_000)
    parser.add_argument("--events", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seen = measured(Path(folder), options.keys, options.events, options.seconds)
    told = seen.told
    print(f"{options.keys:,} keys, {options.events:,} new rows a second, {SIZE[0]}x{SIZE[1]}")
    for page, busy in told.busy.items():
        print(f"{page:8} {busy:6.1%} of a processor ({_held(busy, BUDGETS['cpu'])})")
    for page, keys in told.keys.items():
        p50, p95, most = np.percentile(keys, (50, 95, 100)) * 1000
        held = _held(p95 / 1000, BUDGETS["key"])
        print(f"{page:8} key to paint p50 {p50:.1f}, p95 {p95:.1f}, most {most:.1f} ms ({held})")
    first = (
        f"{told.first_paint:.2f} s ({_held(told.first_paint, BUDGETS['paint'])}), {told.starting:.2f} s of a processor"
    )
    print(f"first paint after {first}")
    print(f"memory {told.memory:.0f} MiB ({_held(told.memory, BUDGETS['memory'])})")
    rate = seen.written / seen.seconds
    print(f"written to the terminal {rate / 1000:.0f} kB/s ({_held(rate, BUDGETS['bytes'])})")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--desk", folder, keys, events]:
            asyncio.run(serve(Path(folder), int(keys), int(events)))
        case ["--watch", folder, seconds, began]:
            watch(Path(folder), float(seconds), float(began))
        case _:
            main()
