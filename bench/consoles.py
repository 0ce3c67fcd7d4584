"""Whether consoles cost the engine anything: a flow that runs alone, with one console, with five, one of them stopped.

    python -m bench.consoles [--seconds 60] [--shared]

The engine is the verb `run` with a market sixty times as fast as time, each console the verb `console` on a terminal of
its own, one page each. Said of each: how long it took from a bar's close until its key was decided, how late the
engine's loop was, and its share of a processor; beside them the ratio to the flow that ran alone in the same run.
The engine has a processor of its own and the consoles share the others, so that what is seen is what they ask of it.
With `--shared` any program may run on any processor, and how they wait for each other is in the figures too.
"""

import argparse
import asyncio
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import ioctl
from pathlib import Path
from time import monotonic

from pipeline.control.telling import Samples
from tui.asking import Engine
from tui.door import find

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("keys", "dash", "chart", "flow", "trades")
CASES = ((0, 0), (1, 0), (5, 1))
"""So many consoles, and so many of them stopped."""
SHOWN = ("latency_close_p50_ms", "latency_close_p99_ms", "loop_lag_p50_ms", "loop_lag_p99_ms")
PATIENCE = 60.0


async def measured(folder: Path, consoles: int, stopped: int, seconds: float, apart: bool) -> dict[str, float]:
    """The numbers of an engine that so many consoles look at."""
    own, rest = _processors() if apart else (None, None)
    flow = folder / "flows.toml"
    flow.write_text((ROOT / "flows.toml").read_text("utf-8"), "utf-8")
    with ExitStack() as held:
        held.enter_context(_running(flow, own))
        await _there(folder)
        children = [held.enter_context(_looking(flow, PAGES[at % len(PAGES)], rest)) for at in range(consoles)]
        await asyncio.sleep(10)
        for child in children[:stopped]:
            os.kill(child, signal.SIGSTOP)
        spent, at = (await _numbers(folder))["cpu_s"], monotonic()
        await asyncio.sleep(seconds)
        numbers = await _numbers(folder)
        return {**numbers, "share": (numbers["cpu_s"] - spent) / (monotonic() - at)}


def _processors() -> tuple[set[int], set[int]]:
    """One for the engine, and the others."""
    own, *rest = sorted(os.sched_getaffinity(0))
    if not rest:
        sys.exit("there is one processor, so the engine cannot have one of its own; give --shared")
    return {own}, set(rest)


async def _there(folder: Path) -> None:
    """Wait until the engine answers."""
    until = monotonic() + PATIENCE
    while not (folder / "data" / "engine.json").exists():
        if monotonic() > until:
            sys.exit(f"the engine did not start: {(folder / 'said.txt').read_text('utf-8')[-500:]}")
        await asyncio.sleep(0.1)


async def _numbers(folder: Path) -> dict[str, float]:
    samples = await Engine(lambda: find(None, folder / "data")).get("/metrics", Samples)
    return {each.key: each.value for each in samples.metrics if each.scope in ("global", "tf:1m")}


@contextmanager
def _running(flow: Path, processors: set[int] | None) -> Generator[None]:
    command = [sys.executable, "-m", "pipeline", "run", str(flow)]
    with (flow.parent / "said.txt").open("wb") as said:
        engine = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)  # noqa: S603
    if processors:
        os.sched_setaffinity(engine.pid, processors)
    try:
        yield
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.wait(30)


@contextmanager
def _looking(flow: Path, page: str, processors: set[int] | None) -> Generator[int]:
    child, terminal = pty.fork()
    if not child:
        if processors:
            os.sched_setaffinity(0, processors)
        os.chdir(ROOT)
        for frozen in ("COLUMNS", "LINES"):
            os.environ.pop(frozen, None)
        os.environ |= {"TERM": "xterm-256color", "XDG_CONFIG_HOME": str(flow.parent / "config")}
        command = ["-m", "pipeline", "console", str(flow), "--page", page]
        os.execv(sys.executable, [sys.executable, *command])  # noqa: S606
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    reading = threading.Thread(target=_read, args=(terminal,), daemon=True)
    reading.start()
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _read(terminal: int) -> None:
    with suppress(OSError):
        while os.read(terminal, 65_536):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--shared", action="store_true", help="let every program run on every processor")
    options = parser.parse_args()
    alone: dict[str, float] = {}
    for consoles, stopped in CASES:
        with tempfile.TemporaryDirectory() as folder:
            numbers = asyncio.run(measured(Path(folder), consoles, stopped, options.seconds, not options.shared))
        alone = alone or numbers
        named = f"{consoles} consoles" + (f", {stopped} of them stopped" if stopped else "")
        figures = ", ".join(
            f"{name.removesuffix('_ms')} {numbers[name]:.1f} ms ({numbers[name] / (alone[name] or 1):.2f})"
            for name in SHOWN
        )
        print(f"{named:28} {figures}, {numbers['share']:.1%} of a processor ({numbers['share'] / alone['share']:.2f})")


if __name__ == "__main__":
    main()
