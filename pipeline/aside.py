"""A server on a thread of its own: it answers while the flow is busy, and looks at the flow only in turns of that."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol, TypeVar

T = TypeVar("T")


class Asking(Protocol):
    """Has something looked up where it may be looked at."""

    async def __call__(self, look: Callable[[], T]) -> T: ...


async def here(look: Callable[[], T]) -> T:
    """Look at once: who asks and what is looked at are on one loop."""
    return look()


class Server(Protocol):
    """Listens between `start`, which gives its address, and `stop`."""

    async def start(self) -> str: ...

    async def stop(self) -> None: ...


class Aside:
    """Starts and stops like the server that `make` makes; what that looks at belongs to the loop that starts it."""

    def __init__(self, make: Callable[[Asking], Server]) -> None:
        self._make = make
        self._thread = threading.Thread(target=self._serve, name="aside", daemon=True)
        self._address: Future[str] = Future()
        self._loops: dict[str, asyncio.AbstractEventLoop] = {}
        self._leave = asyncio.Event()

    async def start(self) -> str:
        self._loops["flow"] = asyncio.get_running_loop()
        self._thread.start()
        return await asyncio.wrap_future(self._address)

    async def stop(self) -> None:
        if self._thread.is_alive():
            self._loops["server"].call_soon_threadsafe(self._leave.set)
            await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        try:
            asyncio.run(self._attend())
        except BaseException as failure:
            if self._address.done():
                raise
            self._address.set_exception(failure)  # whatever it is, whoever waits for the address is told

    async def _attend(self) -> None:
        self._loops["server"] = asyncio.get_running_loop()
        server = self._make(self._ask)
        self._address.set_result(await server.start())
        await self._leave.wait()
        await server.stop()

    async def _ask(self, look: Callable[[], T]) -> T:
        async def looked() -> T:
            return look()

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(looked(), self._loops["flow"]))
