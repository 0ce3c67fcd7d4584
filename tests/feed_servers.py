"""Venues' public servers on loopback: they page, limit, stream and fail as the real ones do."""

import asyncio
import json
from collections import Counter, deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import Any, ClassVar

from aiohttp import WSMsgType, web

from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment, utc_text

Price = Callable[[int], tuple[str, str, str, str, str]]
CUT = "cut"
"""Instead of a frame: the connection ends."""


def prices(at: int) -> tuple[str, str, str, str, str]:
    """Open, high, low, close and volume of the bar that opens at a moment, as text."""
    step = at // MINUTE
    opened, closed = 20_000 + step * 7919 % 1000, 20_000 + (step + 1) * 7919 % 1000
    high, low = max(opened, closed) + 3, min(opened, closed) - 2
    return f"{opened}.10000000", f"{high}.5", f"{low}.25", f"{closed}.01234567", f"{step % 50}.5"


class Venue:
    """What the three have in common: a clock, what was asked, failures to come, frames to send."""

    def __init__(self, now: Callable[[], int], born: int) -> None:
        self.now, self.born = now, born
        self.prices: Price = prices
        self.holes: set[int] = set()
        """Openings of minutes of which there is no bar."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heard: list[dict[str, Any]] = []
        """What was sent over sockets."""
        self.failures: deque[web.Response] = deque()
        self.frames: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = False
        """Whether nobody is let in who wants to stream."""
        self.stalls: tuple[int, Event] | None = None
        """From how many questions on none is answered, and what is set when that begins."""
        self.connections = 0
        self.connected: asyncio.Queue[int] = asyncio.Queue()
        self.answered = Counter[str]()

    def bars(self, tf: int, since: int, until: int) -> list[int]:
        """The openings of the bars there are from a moment on, the one that is forming among them."""
        first = max(since, self.born)
        slots = range(-(-first // tf) * tf, min(until, self.now()), tf)
        return [at for at in slots if at not in self.holes]

    def failing(self, request: web.Request) -> web.Response | None:
        self.asked.append((request.path, dict(request.query)))
        return self.failures.popleft() if self.failures else None

    async def push(self, send: Callable[[str], Any]) -> None:
        """Send what the test wants sent, until it says that the connection is to be cut."""
        self.connections += 1
        self.connected.put_nowait(self.connections)
        while (frame := await self.frames.get()) != CUT:
            await send(frame if isinstance(frame, str) else json.dumps(frame))


class Binance(Venue):
    spans: ClassVar = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR, "1d": DAY}
    symbols = frozenset({"BTCUSDT", "ETHUSDT"})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v3/time", self.time)
        app.router.add_get("/api/v3/klines", self.klines)
        app.router.add_get("/stream", self.stream)
        return app

    async def time(self, request: web.Request) -> web.Response:
        return self.failing(request) or web.json_response({"serverTime": self.now()})

    async def klines(self, request: web.Request) -> web.Response:
        if (failure := self.failing(request)) is not None:
            return failure
        if self.stalls is not None and len(self.asked) >= self.stalls[0]:
            self.stalls[1].set()
            await asyncio.Event().wait()
        query = request.query
        if query["symbol"] not in self.symbols:
            return web.json_response({"code": -1121, "msg": "Invalid symbol."}, status=400)
        tf, limit = self.spans[query["interval"]], int(query.get("limit", "500"))
        assert 1 <= limit <= 1000
        found = self.bars(tf, int(query["startTime"]), int(query["endTime"]) + 1)[:limit]
        rows = [[at, *self.prices(at), at + tf - 1, "12.5", 308, "1756.8", "28.4", "0"] for at in found]
        return web.json_response(rows)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query)))
        if self.closed:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.push(socket.send_str)
        await socket.close()
        return socket


def book(symbol: str, number: int, bid: str, ask: str) -> dict[str, Any]:
    """A frame of Binance's book ticker."""
    data = {"u": number, "s": symbol, "b": bid, "B": "31.21000000", "a": ask, "A": "40.66000000"}
    return {"stream": f"{symbol.lower()}@bookTicker", "data": data}


class Kraken(Venue):
    names: ClassVar = {"XBTUSD": "XXBTZUSD", "ETHUSD": "XETHZUSD"}
    symbols = frozenset({"BTC/USD", "ETH/USD"})

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/0/public/Time", self.time)
        app.router.add_get("/0/public/OHLC", self.ohlc)
        app.router.add_get("/v2", self.socket)
        return app

    async def time(self, request: web.Request) -> web.Response:
        at = self.now() // SECOND
        return self.failing(request) or web.json_response(
            {"error": [], "result": {"unixtime": at, "rfc1123": "Sat, 21 Nov 26 21:00:00 +0000"}}
        )

    async def ohlc(self, request: web.Request) -> web.Response:
        if (failure := self.failing(request)) is not None:
            return failure
        query = request.query
        if query["pair"] not in self.names:
            return web.json_response({"error": ["EQuery:Unknown asset pair"]})
        tf = int(query["interval"]) * MINUTE
        # 720 of the newest, however far back `since` lies; the one that is forming is always the last.
        found = self.bars(tf, self.now() // tf * tf - 720 * tf, self.now() + 1)[-720:]
        forming = found[-1]
        rows = [self.row(at) for at in found if at > int(query.get("since", "0")) * SECOND or at == forming]
        last = max((at for at in found if at != forming), default=forming) // SECOND
        return web.json_response({"error": [], "result": {self.names[query["pair"]]: rows, "last": last}})

    def row(self, at: int) -> list[Any]:
        opened, high, low, closed, volume = self.prices(at)
        return [at // SECOND, opened, high, low, closed, "30306.1", volume, 23]

    async def socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json(
            {"channel": "status", "type": "update", "data": [{"system": "online", "api_version": "v2"}]}
        )
        message = await socket.receive()
        if message.type is not WSMsgType.TEXT:
            return socket
        wanted = json.loads(message.data)
        self.heard.append(wanted)
        for symbol in wanted["params"]["symbol"]:
            await socket.send_json(self.confirmed(wanted, symbol))
        await self.push(socket.send_str)
        await socket.close()
        return socket

    def confirmed(self, wanted: dict[str, Any], symbol: str) -> dict[str, Any]:
        told = {"method": "subscribe", "req_id": wanted["req_id"], "time_in": utc_text(self.now())}
        told |= {"time_out": utc_text(self.now())}
        if symbol not in self.symbols:
            return told | {"success": False, "symbol": symbol, "error": f"Currency pair not supported {symbol}"}
        return told | {"success": True, "result": {"channel": "ticker", "snapshot": True, "symbol": symbol}}


def ticker(symbol: str, bid: float, ask: float, at: int | None = None, kind: str = "update") -> dict[str, Any]:
    """A frame of Kraken's ticker."""
    data = {"symbol": symbol, "bid": bid, "bid_qty": 1.5, "ask": ask, "ask_qty": 0.2, "last": ask, "volume": 51.3}
    return {"channel": "ticker", "type": kind, "data": [data | ({} if at is None else {"timestamp": utc_text(at)})]}


class Oanda(Venue):
    spans: ClassVar = {"M1": MINUTE, "M5": 5 * MINUTE, "H1": HOUR}
    instruments = frozenset({"EUR_USD", "BTC_USD"})
    account, token = "101-004-1234567-001", "canary-token-of-oanda"

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._let_in])
        app.router.add_get("/v3/instruments/{instrument}/candles", self.candles)
        app.router.add_get("/v3/accounts/{account}/pricing/stream", self.pricing)
        return app

    @web.middleware
    async def _let_in(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            self.asked.append((request.path, dict(request.query)))
            return web.json_response({"errorMessage": "Insufficient authorization to perform request."}, status=401)
        return await handler(request)

    async def candles(self, request: web.Request) -> web.Response:
        if (failure := self.failing(request)) is not None:
            return failure
        query, instrument = request.query, request.match_info["instrument"]
        if instrument not in self.instruments:
            return web.json_response({"errorMessage": "Invalid value specified for 'instrument'"}, status=400)
        since, count, tf = parse_moment(query["from"]), int(query["count"]), self.spans[query["granularity"]]
        assert 1 <= count <= 5000
        if since > self.now():
            return web.json_response({"errorMessage": "'from' is in the future"}, status=400)
        found = self.bars(tf, since // tf * tf, self.now() + 1)[:count]
        rows = [self.candle(at, at + tf <= self.now()) for at in found]
        return web.json_response({"instrument": instrument, "granularity": query["granularity"], "candles": rows})

    def candle(self, at: int, complete: bool) -> dict[str, Any]:
        *sides, volume = self.prices(at)
        mid = dict(zip("ohlc", sides, strict=True))
        time = nanoseconds(at)
        return {"complete": complete, "volume": int(float(volume)), "time": time, "mid": mid}

    async def pricing(self, request: web.Request) -> web.StreamResponse:
        if (failure := self.failing(request)) is not None:
            return failure
        if request.match_info["account"] != self.account:
            return web.json_response({"errorMessage": "Invalid value specified for 'accountID'"}, status=400)
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        response.enable_chunked_encoding()
        await response.prepare(request)

        async def send(line: str) -> None:
            await response.write(f"{line}\n".encode())

        await self.push(send)
        return response


def offered(instrument: str, bid: str, ask: str, at: int, *, tradeable: bool = True) -> dict[str, Any]:
    """A line of OANDA's stream of prices."""
    sides = {"bids": [{"price": bid, "liquidity": 10000000}], "asks": [{"price": ask, "liquidity": 10000000}]}
    named = {"type": "PRICE", "time": nanoseconds(at), "instrument": instrument}
    return named | sides | {"status": "tradeable" if tradeable else "non-tradeable", "tradeable": tradeable}


def nanoseconds(at: int) -> str:
    return utc_text(at).replace("Z", "449532Z" if at % 1000 else "000000Z")


@asynccontextmanager
async def serving(venue: Any) -> AsyncGenerator[str]:
    """A venue on a free port of this machine, by its address without a scheme."""
    runner = web.AppRunner(venue.app(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
