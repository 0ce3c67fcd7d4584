"""The desk on a thread of its own: what it is told to stop stops while the flow is busy with something else."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from pipeline.view import Halting, View
from sinks.desk import Desk

T = TypeVar("T")


class DeskAside:
    """Starts and stops like a `Desk`. It looks at the view only on the loop that started it, in turns of that."""

    def __init__(self, view: View, folder: Path, port: int, switch: Halting) -> None:
        self._made = lambda: Desk(view, folder, port, switch, self._ask)
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._address: Future[str] = Future()
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._leave = asyncio.Event()

    async def start(self) -> str:
        self._loops["flow"] = asyncio.get_running_loop()
        self._thread.start()
        return await asyncio.wrap_future(self._address)

    async def stop(self) -> None:
        if self._thread.is_alive():
            self._loops["desk"].call_soon_threadsafe(self._leave.set)
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        try:
            asyncio.run(self._attend())
        except BaseException as failure:
            if self._address.done():
                raise
            self._address.set_exception(failure)  # whatever it is, whoever waits for the address is told

    async def _attend(self) -> None:
        self._loops["desk"] = asyncio.get_running_loop()
        desk = self._made()
        self._address.set_result(await desk.start())
        await self._leave.wait()
        await desk.stop()

    async def _ask(self, look: Callable[[], T]) -> T:
        async def looked() -> T:
            return look()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(looked(), self._loops["flow"]))
