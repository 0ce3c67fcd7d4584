"""What venues are asked is in the log when somebody wants it there: what was asked and how it ended, no more."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from pipeline.connections.troubles import CallFailed
from pipeline.logs.companion import Logging
from pipeline.logs.records import Record, line_of
from tests.loopback import http, serving
from tests.support import SMALL, plan_of

HIDDEN = "a-body-nobody-may-see"


def heard_of(tmp_path: Path, level: str, asks: Callable[[str], Awaitable[None]]) -> tuple[Record, ...]:
    """What the log says of requests while a venue is asked."""

    async def orders(request: web.Request) -> web.Response:
        if "no" in request.query:
            return web.json_response({"message": HIDDEN}, status=503)
        return web.json_response({"id": HIDDEN})

    log = Logging(plan_of(f'{SMALL}\n[logs]\nmodules = {{ "requests" = "{level}" }}\n', tmp_path))

    async def main() -> None:
        log.opens()
        try:
            async with serving(orders=orders) as address:
                await asks(address)
        finally:
            log.closes(None)

    asyncio.run(main())
    return log.book.tail(module="requests")


async def ask(address: str) -> None:
    """Once as it should be, once refused, and once where nobody answers."""
    ours = http(address)
    await ours.call("POST", "/orders", call="place", priority="order", query={"q": HIDDEN}, body={"b": HIDDEN})
    with pytest.raises(CallFailed):
        await ours.call("GET", "/orders", call="quote", priority="quote", query={"no": 1})
    await ours.close()
    nobody = http("http://127.0.0.1:1")
    with pytest.raises(CallFailed):
        await nobody.call("GET", "/orders", call="quote", priority="quote")
    await nobody.close()


def test_each_request_is_said_with_its_outcome_and_without_what_is_in_it(tmp_path: Path) -> None:
    records = heard_of(tmp_path, "debug", ask)
    assert [each.text.rsplit(" in ", 1)[0] for each in records] == [
        "POST /orders at 127.0.0.1: 200",
        "GET /orders at 127.0.0.1: 503",
        "GET /orders at 127.0.0.1: network",
    ]
    assert [each.fields["outcome"] for each in records] == [200, 503, "network"]
    assert all(isinstance(each.fields["ms"], float) for each in records)
    assert HIDDEN.encode() not in b"".join(map(line_of, records))


def test_nothing_is_said_of_requests_where_nobody_asked_for_it(tmp_path: Path) -> None:
    assert heard_of(tmp_path, "info", ask) == ()
