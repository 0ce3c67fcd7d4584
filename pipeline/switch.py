"""The kill switch of a running flow: whoever throws it, from whichever thread, no order leaves any more.

The flow hears of a stop at once, before it is on disk; whoever asked is answered once it is. A release goes the other
way round: it is on disk first, and the flow hears of it as of one that a verb wrote.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.errors import InputError
from pipeline.flow import Flow
from pipeline.kill_file import KILL_FILE, asked_by_file, remove_file, worded
from pipeline.ledger import Ledger, LedgerError
from pipeline.plan import LEDGER
from pipeline.states import EVERYBODY
from pipeline.stopping import Stops
from pipeline.values import Latch
from pipeline.view import Stopped

LOOKS_EVERY = 0.25
"""Seconds between two looks for the file that stops everybody."""


class Switch:
    """Stops and releases the accounts of one flow, by the ledger at `path`."""

    def __init__(self, path: Path, zone: ZoneInfo, accounts: Sequence[str], begin: int) -> None:
        self._path, self._zone, self._accounts = path, zone, tuple(accounts)
        self._begin = begin
        self._flow: Flow | None = None
        self._urged: set[Latch] = set()
        """Stops that the flow knows, while nobody read them in the ledger."""
        self._filed = False
        self._waiting: asyncio.Queue[Callable[[], Stopped]] = asyncio.Queue()
        """What is still to be written down."""
        self._loop = asyncio.get_running_loop()

    def begins(self, flow: Flow) -> None:
        """The flow has begun; until then a stop is in the ledger only, which it reads first."""
        self._flow = flow

    # --- from any thread ---------------------------------------------------------------------------------------------

    def stop(self, scope: str, reason: str, by: str) -> Stopped:
        """Stop an account or everybody. No order of theirs leaves while this is on its way to the disk."""
        return self._stopped(scope, reason, by, self._urge(scope, reason, by))

    def release(self, scope: str, reason: str, by: str) -> Stopped:
        """Release what holds of an account, or of everybody all that holds."""
        return self._written(lambda stops: stops.release(scope, reason, by))

    def signalled(self, name: str) -> None:
        """A signal came: stop everybody at once, and write it down as soon as there is time."""
        asked = (EVERYBODY, f"the signal {name}", "signal")
        write = partial(self._stopped, *asked, self._urge(*asked))
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, write)

    # --- on the flow's own loop --------------------------------------------------------------------------------------

    def heard(self, value: Any) -> None:
        """What others wrote into the ledger. A stop of ours the flow knows already, unless it was released between."""
        if isinstance(value, Latch):
            if value in self._urged:
                self._urged.discard(value)
                return
            if not value.on:
                for each in tuple(self._urged):
                    if each.scope == value.scope:
                        self._urged.discard(each)
        assert self._flow is not None, "nobody listens to the ledger before the flow begins"
        self._flow.enter(LEDGER, value)

    async def attend(self, folder: Path) -> None:
        """Act on signals, and on the file that stops everybody, until called off."""
        while True:
            await self.take_file(folder)
            try:
                async with asyncio.timeout(LOOKS_EVERY):
                    write = await self._waiting.get()
            except TimeoutError:
                continue
            await asyncio.to_thread(write)

    async def take_file(self, folder: Path) -> None:
        """Stop everybody if there is the file that says so, and take it away.

        One that cannot be taken away stops again whoever was released, and is not told of each time.
        """
        reason = await asyncio.to_thread(asked_by_file, folder)
        if reason is None:
            self._filed = False
            return
        asked = (EVERYBODY, f"the file {KILL_FILE}: {reason}", "file")
        await asyncio.to_thread(self._stopped, *asked, None if self._filed else self._urge(*asked))
        await asyncio.to_thread(remove_file, folder)
        self._filed = True

    # --- pieces ------------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> int:
        return self._flow.border.now() if self._flow is not None else self._begin

    def _urge(self, scope: str, reason: str, by: str) -> Latch | None:
        if self._flow is None or scope not in (EVERYBODY, *self._accounts):
            return None
        latch = Latch(scope, True, self._now, worded(reason), by)
        self._urged.add(latch)
        self._flow.urge(latch)
        return latch

    def _stopped(self, scope: str, reason: str, by: str, urged: Latch | None) -> Stopped:
        return self._written(lambda stops: stops.stop(scope, reason, by), urged)

    def _written(self, change: Callable[[Stops], Sequence[Latch]], urged: Latch | None = None) -> Stopped:
        with self._opened() as ledger:
            stops = Stops(ledger, self._zone, self._accounts, self._now if urged is None else urged.at)
            changed = change(stops)
            held = tuple(stops.held.values())
        if urged is not None and not changed:
            self._urged.discard(urged)
        return Stopped(tuple(changed), held)

    @contextmanager
    def _opened(self) -> Generator[Ledger]:
        """The ledger, by a connection of this thread's own."""
        try:
            ledger = Ledger(self._path)
        except InputError as failure:
            raise LedgerError(str(failure)) from failure
        try:
            with ledger:
                yield ledger
        except sqlite3.Error as failure:
            raise LedgerError(f"the ledger {self._path} cannot be read ({failure})") from failure
