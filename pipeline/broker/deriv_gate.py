"""What may go wrong before a request over HTTP is answered, or a socket opened."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from pipeline.broker.core import Broker
from pipeline.broker.deriv_faults import BREAKING, LATE, REST_CODES, SILENT
from pipeline.broker.deriv_requests import Denied
from pipeline.broker.faults import Fault, Place

Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Broken(Exception):
    """The connection breaks here."""


class Gate:
    """Lets requests in, or not, or later."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._over = asyncio.Event()

    def close(self) -> None:
        """Whoever waits for an answer that never comes goes."""
        self._over.set()

    async def enter(self, request: web.Request, account: str, place: Place, *, counted: bool = False) -> Fault | None:
        """Let a request in: what of its faults the endpoint must see to itself. `counted` where it is limited."""
        during = self._broker.during
        if during("outage", account) is not None:
            raise Broken
        if during("half_open", account) is not None:
            await self._silence()
        if during("ban", account) is not None:
            raise Denied("AccessDenied", "Access denied.")
        if during("maintenance", account) is not None:
            raise Denied("ServiceUnavailable", "The service is temporarily unavailable.")
        slow = during("slow", account)
        lag = self._broker.latency.draw(account) + (0 if slow is None else slow.delay)
        if lag:
            await self._later(lag)
        if counted and self._is_too_often(request, account):
            raise Denied("RateLimit", "Rate limit exceeded.")
        fault = self._broker.meet(place, account).fault
        return None if fault is None else await self._struck(fault)

    async def _struck(self, fault: Fault) -> Fault | None:
        if fault.what in BREAKING:
            raise Broken
        if fault.what in SILENT:
            await self._silence()
        if fault.what in REST_CODES:
            raise Denied(REST_CODES[fault.what], "This fault was asked for.")
        if fault.what in LATE:
            await self._later(fault.delay)
            return None
        return fault

    def _is_too_often(self, request: web.Request, account: str) -> bool:
        address = request.remote or ""
        return self._broker.take("rest", account=account or address, address=address) is not None

    async def _silence(self) -> NoReturn:
        await self._over.wait()
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
