"""Servers without manners: every way not to answer is told, and says what is certain of an order."""

import asyncio
import traceback
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientConnectorDNSError, web
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.connections.calling import Sending, told
from pipeline.connections.http import Http
from pipeline.connections.socket import Socket
from pipeline.connections.troubles import CallFailed
from tests.loopback import HERE, Rough, failing, http, nobody, rough, run, self_signed, serving

SOON = 0.3
"""Seconds: how long a call that gets no answer takes in these tests."""


def met(serve: Rough, *, deadline: float = 5.0, method: str = "POST", **more: Any) -> CallFailed:
    """How an order fails that is answered by a server without manners."""
    found = list[CallFailed]()

    async def main() -> None:
        async with rough(serve) as address:
            found.append(await failing(http(address, deadline=deadline, **more), method))

    run(main())
    return found[0]


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


def saying(text: bytes) -> Rough:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()
        if b"keep-open" in text:
            await reader.read()

    return say


def dribbling(text: bytes) -> Rough:
    """A byte at a time, for ever."""

    async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for each in text:
            writer.write(bytes([each]))
            await writer.drain()
            await asyncio.sleep(0.05)

    return dribble


@pytest.mark.parametrize(
    ("serve", "kind", "fate", "sentence"),
    [
        (silent, "network", "unknown", "got no answer within 0.3 s"),
        (dribbling(b"HTTP/1.1 200 OK\r\n" * 9), "network", "unknown", "got no answer within 0.3 s"),
        (
            dribbling(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + b" " * 99),
            "network",
            "unknown",
            "got no answer within 0.3 s",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nX: keep-open\r\nContent-Length: 9\r\n\r\n{"),
            "network",
            "unknown",
            "got no answer",
        ),
        (hangs_up, "network", "unknown", "lost the connection"),
        (saying(b""), "network", "unknown", "lost the connection"),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), "format", "unknown", "got an answer that is not HTTP"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "network", "unknown", "got half an answer"),
        (
            saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "format",
            "unknown",
            "got an answer that is not HTTP",
        ),
        (
            saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
            "network",
            "unknown",
            "got half an answer",
        ),
        (saying(b"HTTP/1.1 422 No\r\nContent-Length: 99\r\n\r\n{"), "rule", "unknown", "was refused (422)"),
        (saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 99_999 + b"\r\n\r\n"), "format", "unknown", "not HTTP"),
    ],
)
def test_every_way_not_to_answer_is_told_and_leaves_an_order_unknown(
    serve: Rough, kind: str, fate: str, sentence: str
) -> None:
    failure = met(serve, deadline=SOON)
    assert (failure.kind, failure.fate) == (kind, fate)
    assert sentence in str(failure)


async def ended(ours: Http) -> str:
    """All that is told of how a call ended; "" where it was answered."""
    try:
        await ours.call("POST", "/orders", call="place", priority="order")
    except CallFailed as failure:
        return "".join(traceback.format_exception(failure))
    return ""


HEADS = st.sampled_from(
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 999 ?\r\n\r\n",
        b"HTTP/1.1 429 No\r\nRetry-After: ",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: ",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=nonsense\r\n\r\n",
    ]
)


@settings(max_examples=30)
@given(HEADS, st.binary(max_size=60), st.sampled_from([b"", b"\r\n\r\n", b"\r\n\r\n{}"]))
def test_whatever_bytes_come_a_call_is_answered_or_fails_in_our_words(head: bytes, more: bytes, end: bytes) -> None:
    async def main() -> None:
        async with rough(saying(head + more + end)) as address:
            ours = http(address, deadline=SOON)
            assert "aiohttp" not in await ended(ours)
            socket = Socket("the trading socket", hosts=(HERE,), deadline=SOON)
            with pytest.raises(CallFailed):
                await socket.open(f"ws{address.removeprefix('http')}")
            await ours.close()

    run(main())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>not JSON</html>", "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'{"a": NaN}', "has NaN"),
        (b'{"a": 1e999}', "beyond all reason"),
        (b'{"a": 1, "a": 2}', "a key twice"),
        (b"[" * 5000, "nested more than 32 levels"),
        (b"7", "neither a table nor a list"),
    ],
)
def test_an_answer_that_cannot_be_read_leaves_an_order_unknown(body: bytes, why: str) -> None:
    async def orders(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async def main() -> None:
        async with serving(orders=orders) as address:
            failure = await failing(http(address))
            assert (failure.kind, failure.fate) == ("format", "unknown")
            assert why in str(failure)

    run(main())


def test_a_body_without_an_end_is_read_as_far_as_it_may_be() -> None:
    async def orders(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b" " * 10_000)

    async def main() -> None:
        async with serving(orders=orders) as address:
            failure = await failing(http(address, most=50_000))
            assert (failure.kind, failure.fate) == ("format", "unknown")
            assert "of more than 50000 bytes" in str(failure)

    run(main())


def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_taken() -> None:
    async def orders(_: web.Request) -> web.Response:
        answer = web.Response(body=b"[" + b"0," * 5_000_000 + b"0]", content_type="application/json")
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    async def main() -> None:
        async with serving(orders=orders) as address:
            assert "of more than 100000 bytes" in str(await failing(http(address, most=100_000)))

    run(main())


def test_an_order_that_nobody_took_a_connection_for_was_never_sent() -> None:
    async def main() -> None:
        async with nobody() as address:
            failure = await failing(http(address))
            assert (failure.kind, failure.fate) == ("network", "unsent")
            assert str(failure) == "POST /orders could not be sent: nobody takes a connection there"

    run(main())


def test_who_cannot_prove_who_they_are_gets_nothing() -> None:
    """A server that speaks no TLS where TLS was asked for."""

    async def main() -> None:
        async with serving() as address:
            failure = await failing(http(address.replace("http://", "https://")))
            assert (failure.kind, failure.fate) == ("network", "unsent")
            assert "prove who they are" in str(failure)

    run(main())


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    heard = list[str]()

    async def orders(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({})

    async def main() -> None:
        async with serving(ssl=self_signed(tmp_path), orders=orders) as address:
            failure = await failing(http(address))
            assert (failure.kind, failure.fate) == ("network", "unsent")
            assert "prove who they are" in str(failure)

    run(main())
    assert heard == []


def test_a_host_that_is_not_found_was_not_asked() -> None:
    problem = ClientConnectorDNSError(cast("ConnectionKey", None), OSError("Name or service not known"))
    failure = told(problem, "POST /orders", Sending(), 1.0)
    assert (failure.kind, failure.fate, str(failure)) == ("network", "unsent", "POST /orders found no such host")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_breaks_before_its_answer_is_sent_once_whatever_it_is(method: str) -> None:
    """On a line that was used before, a library would send some of these again by itself."""
    requests = list[bytes]()

    async def once_well(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.transport.abort()

    async def main() -> None:
        async with rough(once_well) as address:
            ours = http(address)
            await ours.call("GET", "/time", call="time", priority="quote")
            failure = await failing(ours, method)
            assert (failure.kind, failure.fate) == ("network", "unknown")

    run(main())
    assert len(requests) == 1
