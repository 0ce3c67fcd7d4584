"""The practice venue's stream over HTTP: a socket that tells of quotes and of contracts, each with a number."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from aiohttp import WSCloseCode, WSMsgType, web

from pipeline.broker.core import Broker
from pipeline.broker.faults import Faults, OfSpan
from pipeline.broker.generic_calls import Calls
from pipeline.broker.generic_tokens import Tokens
from pipeline.broker.generic_wire import BREAKING, STATUSES, Broken, Wire
from pipeline.broker.generic_words import Fault, No, Table, tick_table
from pipeline.broker.values import Stage, Tick
from pipeline.clocks import Planned

LARGEST = 64 * 1024
FIRST_FRAME = 10.0
"""Seconds within which a socket has to say whose it is."""
BEHIND = 2_000
"""So many frames may wait for a client that does not read."""
MOST_SYMBOLS = 200
SLOW = Fault(0, "slow", "Frames are not read.")
EXPIRED = Fault(0, "unauthorized", "The access token has run out.")
ENDING = Fault(0, "maintenance", "The broker goes down.")
UNKNOWN = Fault(0, "unknown_request", "There is no such request.")

Stop = Callable[[], object]


class Streams:
    """All open sockets of the face."""

    def __init__(self, broker: Broker, faults: Faults, tokens: Tokens, calls: Calls, wire: Wire) -> None:
        self.broker, self.faults, self.tokens, self.calls, self.wire = broker, faults, tokens, calls, wire
        self.open: set[Stream] = set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.meet("connection", "", self.broker.now()).fault
        if fault is not None and fault.what in BREAKING:
            raise Broken
        if fault is not None:
            raise No(*STATUSES.get(fault.what, (503, "maintenance")), "This fault was asked for.")
        socket = web.WebSocketResponse(max_msg_size=LARGEST, compress=False, timeout=1.0)
        await socket.prepare(request)
        stream = Stream(self, socket, request)
        self.open.add(stream)
        try:
            await stream.whole()
        finally:
            self.open.discard(stream)
        return socket

    async def end(self) -> None:
        for stream in tuple(self.open):
            await stream.leave(ENDING)


class Stream:
    """One socket."""

    def __init__(self, all_: Streams, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.account = ""
        self._all, self._socket, self._request = all_, socket, request
        self._out: asyncio.Queue[str | None] = asyncio.Queue(BEHIND)
        self._stops: dict[str, Stop] = {}
        self._numbers: dict[str, int] = {}
        self._expiry: Planned | None = None
        self._held_back: str | None = None

    async def whole(self) -> None:
        writing = asyncio.ensure_future(self._write())
        try:
            if await self._introduced():
                await self._read()
        finally:
            for stop in self._stops.values():
                stop()
            if self._expiry is not None:
                self._expiry.cancel()
            self._end_writing()
            await asyncio.wait((writing,), timeout=1.0)
            writing.cancel()
            await asyncio.wait((writing,))
            await self._socket.close()

    def drop(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def leave(self, why: Fault) -> None:
        """Say why, and close."""
        self._say({"type": "bye", **why.table})
        self._end_writing()
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    # --- what is asked ---

    async def _introduced(self) -> bool:
        try:
            async with asyncio.timeout(FIRST_FRAME):
                frame = await self._next()
        except TimeoutError:
            frame = None
        if frame is None or frame.get("type") != "auth":
            self._say({"type": "bye", **Fault(0, "unauthorized", "The first frame is auth.").table})
            return False
        broker = self._all.broker
        if token := frame.get("token"):
            try:
                purse, until = self._all.tokens.purse(str(token))
            except No as no:
                self._say({"type": "bye", **EXPIRED._replace(message=no.fault.message).table})
                return False
            self.account = purse.account
            self._expiry = broker.at(until, self._expire)
        self._say({"type": "ready", "server_time": broker.now()})
        return True

    async def _read(self) -> None:
        while (frame := await self._next()) is not None:
            number = frame.get("id")
            match frame.get("type"), frame.get("channel"):
                case "ping", _:
                    self._say({"type": "pong", "id": number, "server_time": self._all.broker.now()})
                case "subscribe", "quotes":
                    self._say({"type": "subscribed", "id": number, **self._quotes(frame.get("symbols"))})
                case "subscribe", "orders" if self.account:
                    self._orders()
                    self._say({"type": "subscribed", "id": number, "server_time": self._all.broker.now()})
                case "subscribe", "orders":
                    self._say({"type": "error", "id": number, **EXPIRED.table})
                case _:
                    self._say({"type": "error", "id": number, **UNKNOWN.table})

    async def _next(self) -> Table | None:
        """The next table that is sent; None at the end."""
        while True:
            message = await self._socket.receive()
            if message.type != WSMsgType.TEXT:
                return None
            if self._lasting("half_open"):
                continue
            try:
                frame: object = json.loads(cast("str", message.data))
            except (ValueError, RecursionError):
                frame = None
            if isinstance(frame, dict):
                return cast("Table", frame)
            self._say({"type": "error", "id": None, **UNKNOWN.table})

    # --- what is told ---

    def _quotes(self, symbols: Any) -> Table:
        taken: list[str] = []
        refused: list[Table] = []
        names = [str(each) for each in cast("list[Any]", symbols)] if isinstance(symbols, list) else []
        for symbol in names[:MOST_SYMBOLS]:
            product = self._all.calls.product(symbol)
            if product is None:
                refused.append({"symbol": symbol, "message": "There is no such symbol."})
                continue
            taken.append(symbol)
            if symbol not in self._stops:
                self._stops[symbol] = self._all.broker.watch_ticks(
                    product.name, lambda tick, symbol=symbol: self._quote(symbol, tick)
                )
            self._numbers[symbol] = 0
        return {"symbols": taken, "refused": refused}

    def _quote(self, symbol: str, tick: Tick) -> None:
        self._push({"type": "quote", "symbol": symbol, "seq": self._number(symbol), **tick_table(tick)})

    def _orders(self) -> None:
        self._numbers[" orders"] = 0
        if " orders" not in self._stops:
            self._stops[" orders"] = self._all.broker.watch(self.account, self._news)

    def _news(self, news: object) -> None:
        if isinstance(news, Stage) and news.what in ("bought", "sold"):
            contract = self._all.calls.contract(self.account, news.contract.id)
            at = self._all.broker.now()
            self._push({"type": "order", "seq": self._number(" orders"), "at": at, "order": contract})

    def _number(self, channel: str) -> int:
        self._numbers[channel] += 1
        return self._numbers[channel]

    def _expire(self) -> None:
        self._say({"type": "bye", **EXPIRED.table})
        self._end_writing()

    # --- frames ---

    def _push(self, frame: Table) -> None:
        """What the venue says by itself; what strikes frames strikes these."""
        text = self._text(frame)
        fault = self._all.faults.meet("frame", self.account, self._all.broker.now()).fault
        held, self._held_back = self._held_back, None
        match fault.what if fault is not None else "":
            case "socket_dropped":
                self.drop()
            case "frame_lost":
                pass
            case "frame_duplicated":
                self._put(text)
                self._put(text)
            case "frame_held_back":
                self._held_back = text
            case "frame_cut":
                self._put(text[: len(text) // 2])
            case _:
                self._put(text)
        if held is not None:
            self._put(held)

    def _say(self, frame: Table) -> None:
        self._put(self._text(frame))

    def _text(self, frame: Table) -> str:
        return json.dumps(self._all.wire.shaped(frame, self.account))

    def _put(self, text: str) -> None:
        if self._lasting("half_open"):
            return
        if self._lasting("outage") or self._out.qsize() >= BEHIND - 1:
            self.drop()
        else:
            self._out.put_nowait(text)

    def _end_writing(self) -> None:
        if not self._out.full():
            self._out.put_nowait(None)

    async def _write(self) -> None:
        while (text := await self._out.get()) is not None:
            try:
                await self._socket.send_str(text)
            except ConnectionError:
                return
        await self._socket.close(code=WSCloseCode.GOING_AWAY)

    def _lasting(self, what: OfSpan) -> bool:
        return self._all.faults.during(what, self.account, self._all.broker.now()) is not None
