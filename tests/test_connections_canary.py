"""Whatever a connection meets, nothing that it tells of it holds what was sent in confidence."""

import asyncio
import base64
import json
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from aiohttp import web

from pipeline.connections.cleaning import cleaned, confidences
from pipeline.connections.http import Http
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from tests.loopback import HERE, Rough, nobody, rough, run, serving, unlimited

CANARY = "canary+7f3a/Zq=9x"
HEADERS = {"Authorization": f"Bearer {CANARY}", "X-Api-Key": CANARY}
QUERY = {"otp": CANARY, "symbol": "EURUSD"}
BODY = {"username": CANARY, "login": {"password": [CANARY]}, "symbol": "EURUSD"}


def forms() -> Iterator[str]:
    raw = CANARY.encode()
    yield from (CANARY, CANARY[::-1], quote(CANARY, safe=""), raw.hex(), base64.b64encode(raw).decode().rstrip("="))


def all_that_is_told(failure: BaseException | None) -> str:
    """Everything that a log, a report or a debugger of post-mortems would print of a failure and of what led to it."""
    told = list[str]()
    while failure is not None:
        told += [str(failure), repr(failure), repr(failure.args), repr(getattr(failure, "answer", None))]
        told += traceback.format_exception(failure)
        failure = failure.__cause__ or failure.__context__
    return "\n".join(told)


def leaks(text: str) -> list[str]:
    return [form for form in forms() if form.lower() in text.lower()]


STATUSES = (400, 401, 403, 422, 429, 500, 503)


@pytest.mark.parametrize("status", STATUSES)
def test_a_server_that_echoes_the_request_tells_nobody_a_secret(status: int) -> None:
    async def echo(request: web.Request) -> web.Response:
        heard = f"{request.rel_url} {dict(request.headers)} {await request.text()} {' '.join(forms())}"
        return web.json_response({"message": heard}, status=status)

    async def main() -> None:
        async with serving(orders=echo) as address:
            told = await failing(address)
            assert f"({status}: /orders?" in told
            assert "EURUSD" in told
            assert leaks(told) == []

    run(main())


async def failing(address: str) -> str:
    ours = Http(address, hosts=(HERE,), deadline=0.3, budgets=unlimited(), headers=lambda: HEADERS)
    with pytest.raises(CallFailed) as failed:
        await ours.call("POST", "/orders", call="place", priority="order", query=QUERY, body=BODY)
    told = all_that_is_told(failed.value) + repr(ours)
    with pytest.raises(CallFailed) as failed:
        await anext(ours.lines("/orders", call="prices", priority="quote", query=QUERY, quiet_after=0.3))
    await ours.close()
    return told + all_that_is_told(failed.value)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 {CANARY}\r\n{CANARY}\r\n\r\n".encode())


async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nX: {CANARY}\r\n\r\n{CANARY}".encode())


async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(f"HTTP/1.1 302 Found\r\nLocation: http://{HERE}/{CANARY}\r\nContent-Length: 0\r\n\r\n".encode())


async def not_json(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    text = json.dumps({"price": CANARY})[:-1]
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


async def breaks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("serve", [garbage, half, elsewhere, not_json, breaks, silent])
def test_no_way_in_which_a_call_breaks_tells_a_secret(serve: Rough) -> None:
    async def main() -> None:
        async with rough(serve) as address:
            assert leaks(await failing(address)) == []
            assert leaks(await not_opened(address)) == []

    run(main())


def test_nobody_there_and_nowhere_to_go_tell_no_secret() -> None:
    async def main() -> None:
        async with nobody() as address:
            assert leaks(await failing(address)) == []
            assert leaks(await not_opened(address)) == []
            assert leaks(await not_opened("http://example.invalid")) == []

    run(main())


async def not_opened(address: str) -> str:
    socket = Socket("the trading socket", hosts=(HERE,), deadline=0.3)
    with pytest.raises(CallFailed) as failed:
        await socket.open(f"ws{address.removeprefix('http')}/ws?otp={quote(CANARY, safe='')}", HEADERS)
    return all_that_is_told(failed.value) + repr(socket)


def test_a_socket_that_is_closed_with_what_it_was_sent_tells_no_secret() -> None:
    async def line(request: web.Request) -> web.WebSocketResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        heard = await answer.receive_json()
        await answer.send_str(json.dumps(heard)[:-1])
        await answer.close(code=1008, message=f"token={CANARY}"[:100].encode())
        return answer

    async def main() -> None:
        warned = list[CallFailed]()
        async with serving(line=line) as address:
            socket = Socket("the trading socket", hosts=(HERE,), warn=warned.append)
            await socket.open(f"ws{address.removeprefix('http')}/line?otp={quote(CANARY, safe='')}", HEADERS)
            await socket.send({"authorize": CANARY})
            with pytest.raises(CallFailed, match="1008") as failed:
                await anext(socket.frames())
            assert leaks(all_that_is_told(failed.value) + all_that_is_told(warned[0])) == []
            await socket.close()

    run(main())


def test_what_is_confidential_is_known_by_its_name_and_the_rest_may_be_shown() -> None:
    known = confidences(HEADERS, QUERY, BODY)
    assert CANARY in known
    assert "EURUSD" not in known
    assert cleaned(f"EURUSD is closed for {CANARY}", known) == "EURUSD is closed for ••••••"
    assert cleaned("ContractBuyValidationError") == "ContractBuyValidationError"
    assert cleaned("no such order 1f0c6f2a2f0e4c1e9f6a0d2f6a1c9a11") == "no such order ••••••"


def test_the_search_for_leaks_finds_one() -> None:
    assert leaks(f"… {CANARY.encode().hex()} …")
    assert leaks(all_that_is_told(ValueError(CANARY)))
