"""Why nothing ran for a while: the machine slept, its clock was set, or the program itself was busy.

No clock is trusted alone. The one that only goes on stands still in the sleep of some systems and not of others; the
time of day is set by people and programs; and neither tells a program that is busy from one that is stopped. So each
look compares four of them, and whether a thread beside the event loop went on meanwhile.
"""

import asyncio
import faulthandler
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple, TextIO

from pipeline.hogging.patience import AtWork
from pipeline.live import wall
from pipeline.remarks import DUMPED
from pipeline.times import SECOND, utc_text
from pipeline.values import Stalled, Standstill

LOOKS_EVERY = SECOND
"""Milliseconds between two looks at the clocks."""
APART = 1_000
"""Milliseconds by which the time of day must have moved against the clock that only goes on."""
STALL = 2_000
"""Milliseconds after which an event loop that does not come round is told of."""
STALLS_FILE = "stalls.txt"
BEAT = 100
"""Milliseconds between two beats of the thread beside the loop."""


class Clocks(NamedTuple):
    """What a machine's clocks show at one moment, in ms."""

    wall: int
    """The time of day; it can be set."""
    loop: int
    """What the event loop goes by: it only goes on, and in a sleep perhaps not even that."""
    boot: int
    """Goes on in a sleep, where the system has such a clock; else the same as `loop`."""
    beats: int
    """For how long a thread beside the loop has been seen to run."""
    busy: int
    """For how long the program has used a processor."""


class Finding(NamedTuple):
    """What became of the time between two looks."""

    moved: int
    """By how much (ms) the time of day moved against the loop's own."""
    moved_by: Standstill
    late: int
    """How much later (ms) than planned the second look came, by the loop's own time."""
    late_by: Standstill


def compared(was: Clocks, now: Clocks, planned: int = LOOKS_EVERY) -> Finding:
    """What happened between two looks, the second of which was planned for so much later."""
    passed = now.loop - was.loop
    asleep = now.boot - was.boot - passed
    moved = now.wall - was.wall - passed
    late = passed - planned
    ran = max(now.beats - was.beats, now.busy - was.busy)
    return Finding(
        moved, "slept" if moved > 0 and asleep > APART else "stepped", late, "blocked" if 2 * ran >= late else "slept"
    )


class StandstillWatch:
    """Looks at the clocks once a second, and tells what moved and what stood still.

    `stepped` is told by how much the time of day moved against the loop's own, and why; `stalled` that the loop did
    not come round although it should have. Where each thread stands after ten such seconds is written into `dump`.
    """

    def __init__(
        self,
        stepped: Callable[[int, Standstill], object],
        stalled: Callable[[Stalled], object],
        read: Callable[[], Clocks],
        dump: TextIO | None = None,
        busy_with: Callable[[], str] = str,
    ) -> None:
        """`busy_with` says what the program has been busy with for long since it was asked last; "": nothing."""
        self._stepped, self._stalled = stepped, stalled
        self._read = read
        self._dump = dump
        self._busy_with = busy_with
        self._was = read()
        self._last: tuple[int, Standstill] | None = None
        """When a look last came late by the loop's time, and why."""

    def why(self) -> Standstill:
        """Why what is long overdue comes only now."""
        now = self._read()
        found = compared(self._was, now)
        if found.late > STALL:
            return found.late_by
        if self._last is not None and now.loop - self._last[0] <= LOOKS_EVERY:
            return self._last[1]
        return "blocked"

    async def whole(self) -> None:
        """Look until called off."""
        try:
            while True:
                if self._dump is not None:
                    faulthandler.dump_traceback_later(DUMPED / SECOND, file=self._dump)
                await asyncio.sleep(LOOKS_EVERY / 1000)
                self._look()
        finally:
            if self._dump is not None:
                faulthandler.cancel_dump_traceback_later()

    def _look(self) -> None:
        now = self._read()
        found = compared(self._was, now)
        # What is too little to be told adds up: a clock that drifts is told of in the end.
        self._was = now._replace(wall=now.wall - (0 if abs(found.moved) > APART else found.moved))
        what = self._busy_with()
        if found.late > STALL:
            self._last = now.loop, found.late_by
            self._stalled(Stalled(found.late, found.late_by, what if found.late_by == "blocked" else ""))
        if abs(found.moved) > APART:
            self._stepped(found.moved, found.moved_by)


class Pulse:
    """A thread that beats beside the event loop: it tells a busy loop from a program that is stopped.

    It sees who keeps the loop busy while it does, so that there is a name for it also when it never ends.
    """

    def __init__(self, at_work: Callable[[], AtWork | None] = lambda: None, dump: TextIO | None = None) -> None:
        """`at_work` says who is being asked at the moment; who is for long is written into `dump`."""
        self._at_work, self._dump = at_work, dump
        self._busy: AtWork | None = None
        self._written: AtWork | None = None
        self._beats = 0
        self._over = Event()
        self._thread = Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()

    def clocks(self) -> Clocks:
        """What this machine's clocks show."""
        return Clocks(
            wall(),
            round(time.monotonic() * 1000),
            round(_boot() * 1000),
            self._beats * BEAT,
            round(time.process_time() * 1000),
        )

    def busy_with(self) -> str:
        """Who was seen to be asked for long since this was asked last."""
        busy, self._busy = self._busy, None
        return "" if busy is None else str(busy)

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(BEAT / 1000):
            self._beats += 1
            self._see()

    def _see(self) -> None:
        asked = self._at_work()
        if asked is None or (time.monotonic() - asked.since) * 1000 < STALL:
            return
        self._busy = asked
        if self._dump is not None and self._written is not asked:
            self._written = asked
            self._dump.write(f"{utc_text(wall())} {asked} does not come back\n")
            self._dump.flush()


if sys.platform == "linux":

    def _boot() -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)

elif sys.platform == "darwin":

    def _boot() -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)  # there it goes on in a sleep, as time.monotonic() does not

else:

    def _boot() -> float:
        return time.monotonic()  # on Windows it goes on in a sleep


def stalls_file(folder: Path) -> TextIO:
    """Where it is written down where each thread stood."""
    return (folder / STALLS_FILE).open("a", encoding="utf-8")
