"""How a console stops what trades: by the engine, or by its ledger when the engine does not answer."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from pipeline.bringing import brought
from pipeline.errors import MoonlightError
from pipeline.kill_file import put_file
from pipeline.states import EVERYBODY
from pipeline.view import Halt, Stopped
from tui.door import Address, Unreachable, refusal_in

if TYPE_CHECKING:
    from pipeline.stopping import Stops

PATIENCE = 2.0
"""Seconds an engine has to say that everything is stopped."""


class Brake:
    """Stops everything that trades in the flow of a file."""

    def __init__(self, where: Callable[[], Address], flow: Path) -> None:
        self._where = where
        self.flow = flow

    async def by_engine(self, reason: str) -> str:
        """Have the engine stop, over a connection of its own; what it says then."""
        address = await asyncio.to_thread(self._where)
        headers = {"Authorization": f"Bearer {address.token}", "Content-Type": "application/json"}
        body = msgspec.json.encode(Halt(EVERYBODY, reason, "console"))
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
                session.post(f"{address.url}/v1/killswitch", data=body, headers=headers, ssl=address.trusted) as answer,
            ):
                said = await answer.read()
                if answer.status != 200:
                    raise Unreachable(f"the engine refused: {refusal_in(said)}")
            return _told(msgspec.json.decode(said, type=Stopped))
        except TimeoutError:
            raise Unreachable(f"the engine did not answer within {PATIENCE:g} s") from None
        except (aiohttp.ClientError, OSError, msgspec.DecodeError) as problem:
            raise Unreachable(f"the engine does not answer ({problem})") from None

    async def ready(self) -> None:
        """Import what a stop by the ledger takes, so that it need not wait for that."""
        with suppress(Exception):  # by_ledger stops without them
            await asyncio.to_thread(_ledger_way)

    async def by_ledger(self, reason: str) -> str:
        """Write the stop into the ledger: an engine that runs on it, or will, hears of it there."""
        return await asyncio.to_thread(self._write, reason)

    def _write(self, reason: str) -> str:
        try:
            try:
                stops_of = _ledger_way()
            except Exception as broken:  # noqa: BLE001  # whatever became of the program's own files since it began
                return f"everything is stopped, by the file {put_file(self.flow, reason)} ({broken}: start anew)"
            with stops_of(self.flow) as stops:
                changed = stops.stop(EVERYBODY, reason, "console")
                return _told(Stopped(tuple(changed), tuple(stops.held.values())))
        except OSError as problem:
            raise MoonlightError(f"the ledger cannot be written ({problem.strerror}); end the engine itself") from None


def _ledger_way() -> Callable[[Path], "AbstractContextManager[Stops]"]:
    """Imported when it is wanted: the checker and all parts, half the program, which nothing else here needs."""
    from pipeline.stopping import stops_of  # noqa: PLC0415

    brought()
    return stops_of


def _told(stopped: Stopped) -> str:
    everybody = next((latch for latch in stopped.stopped if latch.scope == EVERYBODY), None)
    if everybody is None:
        raise Unreachable("the engine answered, but did not stop everything")
    before = "" if stopped.changed else "already, "
    return f"everything is stopped, {before}by {everybody.by}: {everybody.reason}"
