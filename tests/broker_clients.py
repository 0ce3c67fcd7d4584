"""A practice venue whose clock a test moves, and clients of Deriv's protocols written for tests alone."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

import aiohttp
from aiohttp import ClientSession, ClientWebSocketResponse

from pipeline.broker.app import Served, serving
from pipeline.broker.settings import Account, Settings
from pipeline.clocks import Act, Planned

BEGIN = 1_795_200_000_000
"""An hour of a Friday at which every market is open."""
DEADLINE = 10
Table = dict[str, Any]
ACCOUNTS = {"DOT90004580": Account(user="ann"), "DOT90004581": Account(user="bob")}


def played(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 4 * DEADLINE))


class HandClock:
    """A clock that stands still until it is moved."""

    speed = 1.0

    def __init__(self, begin: int = BEGIN) -> None:
        self._now = begin
        self._acts: list[tuple[int, bool, int, _Act]] = []
        self._count = 0

    def now(self) -> int:
        return self._now

    shown = now

    def at(self, moment: int, act: Act, *, last: bool = False) -> Planned:
        self._count += 1
        planned = _Act(act)
        heappush(self._acts, (max(moment, self._now), last, self._count, planned))
        return planned

    def step(self, millis: int) -> None:
        self.go(self._now + millis)

    def go(self, moment: int) -> None:
        """Let everything happen up to a moment, in order."""
        while self._acts and self._acts[0][0] <= moment:
            at, _, _, planned = heappop(self._acts)
            self._now = max(self._now, at)
            planned.happen()
        self._now = max(self._now, moment)


class _Act:
    def __init__(self, act: Act) -> None:
        self._act: Act | None = act

    def happen(self) -> None:
        if self._act is not None:
            self._act()

    def cancel(self) -> None:
        self._act = None


class Venue:
    """A venue that listens, and its clock."""

    def __init__(self, served: Served, clock: HandClock, http: ClientSession) -> None:
        self.served, self.clock, self.http = served, clock, http
        self.broker = served.broker
        self.clients: list[Client] = []

    async def ask(self, method: str, path: str, user: str = "ann", body: object = None, **headers: str) -> Any:
        """A REST call: its status, and what it says."""
        known = {"Authorization": f"Bearer practice-{user}", "Deriv-App-ID": "test", **headers}
        url = f"{self.served.url}{path}"
        async with self.http.request(method, url, headers={k: v for k, v in known.items() if v}, json=body) as answer:
            return answer.status, await answer.json()

    async def one_time(self, account: str = "DOT90004580", user: str = "ann") -> str:
        status, told = await self.ask("POST", f"/trading/v1/options/accounts/{account}/otp", user)
        assert status == 200, told
        return told["data"]["url"]

    async def trader(self, account: str = "DOT90004580", user: str = "ann") -> "Client":
        """A client of the current protocol on an account's socket."""
        return await self.client(await self.one_time(account, user))

    async def public(self) -> "Client":
        return await self.client(f"{self.served.socket_url}/trading/v1/options/ws/public")

    async def legacy(self, user: str = "ann") -> "Client":
        """A client of the legacy protocol; it logs in where it is told who."""
        client = await self.client(f"{self.served.socket_url}/websockets/v3?app_id=1089")
        if user:
            await client.call(authorize=f"practice-{user}")
        return client

    async def client(self, url: str) -> "Client":
        client = Client(await self.http.ws_connect(url, autoping=True))
        self.clients.append(client)
        return client

    async def heard(self, account: str, rule: str) -> None:
        """Wait until the venue has counted a call of an account."""
        for _ in range(100_000):
            if self.broker.limits.spent(account, self.clock.now()).get(rule):
                return
            await asyncio.sleep(0)
        raise AssertionError(f"no {rule} arrived")

    async def go(self, seconds: float) -> None:
        """Let time pass at the venue, and everything it says arrive."""
        self.clock.step(int(seconds * 1000))
        for client in self.clients:
            if client.is_open:
                await client.call(ping=1)


class Client:
    """One socket. Frames are kept until somebody asks for them."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[Table] = []
        self.broken: list[str] = []
        """What came and was no JSON."""
        self._number = 1000
        self.is_open = True
        self._come = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def send(self, **request: Any) -> int:
        """Send a request without waiting for its answer."""
        self._number += 1
        await self.socket.send_str(json.dumps({**request, "req_id": self._number}))
        return self._number

    async def call(self, **request: Any) -> Table:
        """Send a request; the first frame that answers it."""
        number = await self.send(**request)
        return await self.take(lambda frame: frame.get("req_id") == number)

    async def buy(self, **terms: Any) -> Table:
        """Buy at the price of an offer, over the current protocol: the purchase."""
        offer = (await self.call(proposal=1, **{**NEW, **terms}))["proposal"]
        return (await self.call(buy=offer["id"], price=offer["ask_price"]))["buy"]

    async def error(self, **request: Any) -> str:
        """Send a request that is refused: the code."""
        frame = await self.call(**request)
        assert "error" in frame, frame
        return frame["error"]["code"]

    async def take(self, fits: Callable[[Table], bool]) -> Table:
        """The next frame that fits, which is taken out."""
        async with asyncio.timeout(DEADLINE), self._come:
            await self._come.wait_for(lambda: any(map(fits, self.frames)) or not self.is_open)
            found = next((each for each in self.frames if fits(each)), None)
            assert found is not None, f"the socket ended; {len(self.frames)} frames did not fit"
            self.frames.remove(found)
            return found

    def told(self, said: str) -> list[Table]:
        """What came of a kind and was not taken yet; it is taken out."""
        found = [each for each in self.frames if each["msg_type"] == said]
        self.frames = [each for each in self.frames if each["msg_type"] != said]
        return found

    async def gone(self) -> int | None:
        """Wait for the end of the socket: its code."""
        async with asyncio.timeout(DEADLINE):
            await self._reading
        return self.socket.close_code

    async def close(self) -> None:
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            try:
                self.frames.append(json.loads(message.data))
            except ValueError:
                self.broken.append(message.data)
            await self._wake()
        self.is_open = False
        await self._wake()

    async def _wake(self) -> None:
        async with self._come:
            self._come.notify_all()


@asynccontextmanager
async def venue(begin: int = BEGIN, **keys: Any) -> AsyncGenerator[Venue]:
    clock = HandClock(begin)
    settings = replace(Settings(port=0, accounts=ACCOUNTS), **keys)
    async with serving(settings, clock=clock) as served, ClientSession() as http:
        it = Venue(served, clock, http)
        try:
            yield it
        finally:
            for client in it.clients:
                await client.close()


TERMS: Table = {
    "amount": 10,
    "basis": "stake",
    "contract_type": "CALL",
    "currency": "USD",
    "duration": 1,
    "duration_unit": "m",
}
NEW: Table = {**TERMS, "underlying_symbol": "R_100"}
OLD: Table = {**TERMS, "symbol": "R_100"}
