"""What goes wrong with a request to the practice venue over HTTP, and with its answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from aiohttp import web

from pipeline.broker.core import Broker
from pipeline.broker.faults import Fault, Faults, Met, OfSpan, Place
from pipeline.broker.generic_words import No, Table
from pipeline.times import SECOND

Do = Callable[[Met], tuple[int, Table]]
"""Does what was asked, and gives the status and the answer."""
STATUSES = {
    "http_401": (401, "token_expired"),
    "http_403": (403, "forbidden"),
    "http_429": (429, "too_often"),
    "http_503": (503, "maintenance"),
    "http_503_accepted": (503, "maintenance"),
    "rate_limit": (429, "too_often"),
    "price_moved": (422, "payout_moved"),
    "market_closed": (422, "market_closed"),
    "offer_gone": (422, "payout_moved"),
    "sale_refused": (409, "not_sold_back"),
    "failed_listing": (500, "failed"),
    "call_http_429": (429, "too_often"),
    "call_http_503": (503, "maintenance"),
    "call_rate_limit": (429, "too_often"),
    "login_http_401": (401, "bad_login"),
    "login_http_403": (403, "forbidden"),
    "login_http_503": (503, "maintenance"),
    "expired_otp": (401, "bad_otp"),
}
SILENT = frozenset({"lost_request", "lost_ack", "call_lost", "lost_listing", "lost_close"})
BREAKING = frozenset({"refused", "reset_before", "reset_after", "call_reset", "connection_refused"})
LATE = frozenset({"late_ack", "timeout", "call_late"})
AS_EVER = frozenset({"duplicate_ack", "stale_listing"})
"""An answer has no duplicate here, and how old a listing is, is for whoever makes it."""
DONE = frozenset({"lost_close", "http_503_accepted", "bad_body", "reset_after", "lost_ack", *LATE, *AS_EVER})
"""What these strike is done all the same."""
RETRY_AFTER = "1"


class Broken(Exception):
    """The connection breaks here."""


class Wire:
    """Between the venue and those who ask."""

    def __init__(self, broker: Broker, faults: Faults) -> None:
        self._broker, self._faults = broker, faults
        self._over = asyncio.Event()

    def end(self) -> None:
        """Whoever waits for an answer that never comes goes."""
        self._over.set()

    def meet(self, place: Place, account: str) -> Met:
        """What strikes something that is asked now."""
        return self._faults.meet(place, account, self._broker.now())

    async def answer(self, request: web.Request, account: str, strikes: Callable[[], Met], do: Do) -> web.Response:
        """The answer to a request that came whole, with what strikes it."""
        await self._weather(request, account)
        now, met = self._broker.now(), strikes()
        fault = met.fault
        what = "" if fault is None else fault.what
        if fault is not None and what not in DONE:
            return await self._not_done(request, fault, lambda: do(met))
        status, table = do(met)
        if fault is None or what in AS_EVER:
            return self._said(status, table, account)
        if what in LATE:
            await self._later(fault.delay)
            return self._said(status, table, account)
        if what == "ack_after_settlement":
            await self._later(max(0, int(table.get("expires_at", now)) - now) + 2 * SECOND)
            return self._said(status, table, account)
        if what == "bad_body":
            text = json.dumps(table)
            return web.Response(status=status, text=text[: len(text) // 2], content_type="application/json")
        return await self._not_done(request, fault, None)

    async def _weather(self, request: web.Request, account: str) -> None:
        """What lasts for a while."""
        if self._during("outage", account):
            await self._break(request)
        if self._during("half_open", account):
            await self._silence()
        if self._during("ban", account):
            raise No(403, "banned", "You have been banned for a while.")
        if self._during("maintenance", account):
            raise No(503, "maintenance", "The broker is closed for maintenance.")
        slow = self._during("slow", account)
        lag = self._broker.latency.draw(account) + (0 if slow is None else slow.delay)
        if lag:
            await self._later(lag)

    async def _not_done(self, request: web.Request, fault: Fault, do: Callable[[], object] | None) -> web.Response:
        if fault.what == "late_accept" and do is not None:
            self._broker.at(self._broker.now() + fault.delay, lambda: self._quietly(do))
            await self._silence()
        if fault.what in SILENT:
            await self._silence()
        if fault.what in BREAKING:
            await self._break(request)
        status, code = STATUSES.get(fault.what, (500, "failed"))
        raise No(status, code, "This fault was asked for.")

    def _quietly(self, do: Callable[[], object]) -> None:
        with suppress(No):
            do()

    async def _silence(self) -> None:
        """Nothing is answered."""
        await self._over.wait()
        raise Broken

    async def _break(self, request: web.Request) -> None:
        if request.transport is not None:
            request.transport.abort()
        raise Broken

    async def _later(self, delay: int) -> None:
        """Wait, by the venue's clock."""
        come = asyncio.Event()
        planned = self._broker.at(self._broker.now() + delay, come.set)
        waiting = [asyncio.ensure_future(each.wait()) for each in (come, self._over)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            planned.cancel()
            for each in waiting:
                each.cancel()

    def _during(self, what: OfSpan, account: str) -> Fault | None:
        return self._faults.during(what, account, self._broker.now())

    def _said(self, status: int, table: Table, account: str) -> web.Response:
        return web.json_response(self.shaped(table, account), status=status)

    def shaped(self, table: Table, account: str) -> Table:
        """An answer in the shape that the day's faults give it."""
        made: Any = table
        if self._during("no_echo", account):
            made = _without(made, "client_req_id")
        if self._during("numbers_as_text", account):
            made = _each(made, lambda value: str(value) if _is_number(value) else value)
        if self._during("text_as_numbers", account):
            made = _each(made, _as_number)
        if self._during("unknown_fields", account):
            made = {**cast("Table", made), "surprise": {"deep": [1, None, "x"]}}
        return cast("Table", made)


async def read(request: web.Request, patience: float, largest: int) -> Table:
    """The table that a request brings."""
    try:
        async with asyncio.timeout(patience):
            raw = await request.read()
    except TimeoutError:
        raise No(408, "too_slow", "The body did not come in time.") from None
    if len(raw) > largest:
        raise No(413, "too_large", f"A body has at most {largest} bytes.")
    try:
        body: object = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise No(400, "no_table", "The body is no JSON table.")
    return cast("Table", body)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def told(handler: Handler) -> Handler:
    """A handler whose refusals are answers."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except No as no:
            headers = {"Retry-After": RETRY_AFTER} if no.fault.status in (429, 503) else {}
            return web.json_response(no.fault.table, status=no.fault.status, headers=headers)
        except Broken:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)

    return answered


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _each(each, change) for key, each in cast("Table", value).items()}
    if isinstance(value, list):
        return [_each(each, change) for each in cast("list[Any]", value)]
    return change(value)


def _without(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(each, name) for key, each in cast("Table", value).items() if key != name}
    if isinstance(value, list):
        return [_without(each, name) for each in cast("list[Any]", value)]
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    if not number.is_finite():
        return value
    return int(value) if value.isdecimal() else float(number)
