"""The kill switch, for programs: who holds the token can always stop what trades."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from pipeline.control.errors import Refused
from pipeline.control.routing import Nothing, Route
from pipeline.ledger.failures import LedgerError
from pipeline.view import Halt, Halting, Stopped


class Brakes:
    """Stops and releases, on threads of their own: whatever else is asked, there is one for the kill switch."""

    def __init__(self, switch: Halting) -> None:
        self._switch = switch
        self._threads = ThreadPoolExecutor(2, "kill switch")

    async def kill(self, _: Nothing, halt: Halt) -> Stopped:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._switch.stop, halt.scope, halt.reason, halt.by)
        except LedgerError as failure:
            raise Refused("STORAGE", f"{failure}; a stop holds until the engine ends") from failure

    async def resume(self, _: Nothing, halt: Halt) -> Stopped:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._switch.release, halt.scope, halt.reason, halt.by)


ROUTES = (
    Route(
        method="POST",
        path="/killswitch",
        also=("/kill",),
        name="kill",
        does="Stop an account or everybody: after the answer no order of theirs leaves, until somebody resumes it.",
        call=Brakes.kill,
        query=Nothing,
        body=Halt,
        answer=Stopped,
        refusals=("STORAGE",),
        urgent=True,
    ),
    Route(
        method="POST",
        path="/resume",
        name="resume",
        does="Release what was stopped; it wants a reason.",
        call=Brakes.resume,
        query=Nothing,
        body=Halt,
        answer=Stopped,
        refusals=("STORAGE", "BUSINESS_RULE"),
    ),
)
