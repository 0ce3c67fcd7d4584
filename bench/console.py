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
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from fcntl import ioctl
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import msgspec
import numpy as np

from bench.watched_console import Told
from pipeline.aside import here
from pipeline.control.showing import looked_at
from pipeline.view import KeyName
from sinks.api import Desk
from tests.sample_view import ACCOUNTS, TIMEFRAMES, SampleView

SIZE = 120, 36
BUDGETS = {"cpu": 0.10, "key": 0.030, "paint": 1.5, "memory": 90.0, "bytes": 60_000.0}


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
            words = [str(folder), str(seconds), str(began)]
            os.environ.pop("COLUMNS", None)
            os.environ.pop("LINES", None)
            os.environ["TERM"] = "xterm-256color"
            os.execv(sys.executable, [sys.executable, "-m", "bench.watched_console", *words])  # noqa: S606
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
        case _:
            main()
