"""The one place that takes the real clock, and the machine's own ways: locks and signals."""

import asyncio
import gc
import os
import signal
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from pipeline import early
from pipeline.errors import InputError
from pipeline.locking import locked

LOCK_FILE = "engine.lock"
COLLECTED_AT = (50_000, 20, 50)
"""So many new values, and so many times as many, bring on a look for cycles."""
LISTENS_EVERY = 0.25
"""Seconds between two looks for what others record."""


def wall() -> int:
    """The machine's clock, ms UTC."""
    return time.time_ns() // 1_000_000


async def watch_ledger(heard: Callable[[], Iterable[object]], told: Callable[[Any], object]) -> None:
    """Tell of each stop, arming, verdict and request that others record, until called off."""
    while True:
        for each in heard():
            told(each)
        await asyncio.sleep(LISTENS_EVERY)


def collect_seldom() -> None:
    """Let the collector of cycles pass over what is there already, and look at the rest when there is much of it.

    A close of thousands of keys makes hundreds of thousands of values, hardly any of them in a cycle: looking through
    them all the time is a third of its cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AT)


@contextmanager
def only_one(folder: Path) -> Generator[None]:
    """Hold a flow's folder: a second engine on it is refused, and a killed one holds nothing.

    What is written from here on is for its owner alone.
    """
    os.umask(0o077)
    with locked(folder / LOCK_FILE, 0o600) as ours:
        if not ours:
            raise InputError(f"an engine already runs on {folder}; attach to it with `console`, or end it first")
        yield


def on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at the first Ctrl-C or request to end; the second ends the program at once."""
    asked = False

    def told(number: int) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, told, number)
        except NotImplementedError:  # Windows: the loop has no signals, the interpreter has
            signal.signal(number, lambda caught, _: loop.call_soon_threadsafe(told, caught))


@contextmanager
def on_hangup(call: Callable[[], object]) -> Generator[None]:
    """Call it on the flow's loop at each SIGHUP, where there is one and nobody had it ignored (as `nohup` does)."""
    number = getattr(signal, "SIGHUP", None)
    loop = asyncio.get_running_loop()
    if number is None or signal.getsignal(number) == signal.SIG_IGN:
        yield
        return
    loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)  # one that comes while the program ends is too late


class KillSignal:
    """SIGUSR1: whoever is to be called is, even while the program is busy; one that comes earlier is not forgotten.

    Where there is no such signal (Windows) nobody is ever called.
    """

    NAME = early.STOP

    def __init__(self) -> None:
        self._call: Callable[[str], object] | None = None
        self._came = False

    def __enter__(self) -> Self:
        number = getattr(signal, self.NAME, None)
        self._before = None if number is None else signal.signal(number, self._told)
        self._came = self._came or (number is not None and early.came(number))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call = None
        if self._before is not None:
            signal.signal(getattr(signal, self.NAME), signal.SIG_IGN)

    def calls(self, call: Callable[[str], object]) -> None:
        self._call = call
        if self._came:
            call(self.NAME)

    def _told(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._came = True
        if self._call is not None:
            self._call(self.NAME)
