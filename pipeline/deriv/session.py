"""One connection of an account: logged in, the right account, and a socket that is read."""

import asyncio
from collections.abc import Callable

from pipeline.connections.budgets import Budgets
from pipeline.connections.contract import Holder
from pipeline.connections.counts import Counts
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from pipeline.deriv.manner import Manner
from pipeline.deriv.rest import Rest
from pipeline.deriv.shapes import Account
from pipeline.deriv.wire import Complain, Frames, Wire, new_socket
from pipeline.secret import Login


class Session:
    """It is closed by whoever opened it, whether it was opened whole or not."""

    account: Account
    wire: Wire
    reading: "asyncio.Task[None]"

    def __init__(
        self,
        manner: Manner,
        holder: Holder,
        login: Login,
        budgets: Budgets,
        complain: Complain,
        counts: Counts | None = None,
    ) -> None:
        self._manner, self._budgets, self._complain, self._counts = manner, budgets, complain, counts
        self._rest = Rest(manner, holder, login, budgets, counts)
        self._socket = new_socket("the trading socket", manner.hosts, manner.deadline, complain)

    async def open(self, over: Callable[[Socket], Frames] = lambda socket: socket) -> None:
        """`over` puts something between the socket and who reads it."""
        self.account = await self._rest.account()
        url, failure = await self._rest.trading_url(), None
        try:
            await self._socket.open(url.reveal())
        except CallFailed as failed:
            # The login is good, or there were no address: that was too old when it was used, and another is asked for.
            failure = CallFailed("network", str(failed)) if failed.kind == "auth" else failed
        if failure is not None:
            raise failure
        self.wire = Wire(over(self._socket), self._budgets, self._manner.deadline, self._complain, self._counts)
        self.reading = asyncio.create_task(self.wire.run())

    async def close(self) -> None:
        """Let go of all of it, also when whoever closes it does not wait for the end."""
        try:
            if hasattr(self, "reading"):
                self.reading.cancel()
                await asyncio.gather(self.reading, return_exceptions=True)
        finally:
            try:
                await self._socket.close()
            finally:
                await self._rest.close()
