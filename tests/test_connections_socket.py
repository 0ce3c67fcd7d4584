"""A socket that ends says why, falls asleep for nobody, and hides what was sent through it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from pipeline.connections.socket import Socket
from pipeline.connections.statuses import StatusFailed
from pipeline.connections.troubles import CallFailed
from tests.loopback import HERE, Rough, nobody, rough, run, serving

SOON = 0.3
Serve = Callable[[web.WebSocketResponse, asyncio.Transport], Coroutine[Any, Any, None]]


def address_of(url: str) -> str:
    return f"ws{url.removeprefix('http')}"


@asynccontextmanager
async def opened(serve: Serve, **more: Any) -> AsyncGenerator[Socket]:
    """A socket to a server that does with its line what `serve` does."""

    async def line(request: web.Request) -> web.StreamResponse:
        answer = web.WebSocketResponse()
        await answer.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        await serve(answer, request.transport)
        return answer

    async with serving(line=line) as url:
        settings: dict[str, Any] = {"hosts": (HERE,), "deadline": 5.0} | more
        socket = Socket("the trading socket", **settings)
        await socket.open(f"{address_of(url)}/line")
        try:
            yield socket
        finally:
            await socket.close()


def heard(serve: Serve, **more: Any) -> tuple[list[Any], CallFailed]:
    """The numbers a socket gives, and how it ends."""
    given, ends = list[Any](), list[CallFailed]()

    async def main() -> None:
        async with opened(serve, **more) as socket:
            try:
                async for frame in socket.frames():
                    given.append(frame.whole("n"))
            except CallFailed as failure:
                ends.append(failure)
            assert str(socket.ended) == str(ends[0])

    run(main())
    return given, ends[0]


def turned_away(serve: Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]) -> CallFailed:
    """How opening fails at a server that answers so."""
    found = list[CallFailed]()

    async def main() -> None:
        async with serving(line=serve) as url:
            socket = Socket("the trading socket", hosts=(HERE,))
            with pytest.raises(CallFailed) as failed:
                await socket.open(
                    f"{address_of(url)}/line?otp=hunter2hunter2", {"Authorization": "Bearer hunter2hunter2"}
                )
            found.append(failed.value)

    run(main())
    assert "hunter2" not in str(found[0])
    assert found[0].__context__ is None
    return found[0]


async def until_gone(line: web.WebSocketResponse, _: asyncio.Transport | None = None) -> None:
    """Stay for as long as the other does."""
    async for __ in line:
        pass


def test_frames_come_as_tables_and_what_is_sent_arrives() -> None:
    async def echo(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        async for message in line:
            await line.send_str(message.data)

    async def main() -> None:
        async with opened(echo) as socket:
            frames = socket.frames()
            for n in range(3):
                await socket.send({"n": n})
                assert (await anext(frames)).whole("n") == n

    run(main())


def test_bad_frames_are_dropped_and_told_until_they_are_too_many() -> None:
    warned = list[CallFailed]()

    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        for text in ('{"n":1}', "nonsense", '{"n":NaN}', "[" * 99, '{"n":2}', "7", '{"n":3}', "more", '{"n":4}'):
            await line.send_str(text)
        await until_gone(line)

    given, ended = heard(serve, bad_a_minute=4, warn=warned.append)
    assert given == [1, 2, 3]
    assert (ended.kind, len(warned)) == ("format", 4)
    assert "more than 4 bad pieces within a minute" in str(ended)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, "network"),
        (1001, "network"),
        (1008, "rule"),
        (1009, "format"),
        (1011, "network"),
        (1012, "network"),
        (1013, "maintenance"),
        (4001, "network"),
    ],
)
def test_who_closes_says_why_in_a_code(code: int, kind: str) -> None:
    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        await line.send_str('{"n":1}')
        await line.close(code=code, message=b"so\nlong")

    given, ended = heard(serve)
    assert (given, ended.kind) == ([1], kind)
    assert str(ended) == f"the trading socket was closed at the other end ({code}: so long)"


def test_a_line_that_breaks_ends_it() -> None:
    async def serve(line: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        await line.send_str('{"n":1}')
        transport.abort()

    given, ended = heard(serve)
    assert (given, ended.kind) == ([1], "network")
    assert str(ended) == "the trading socket broke"


def test_a_frame_that_is_too_large_ends_it() -> None:
    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        await line.send_str(" " * 5000)
        await until_gone(line)

    _, ended = heard(serve, most=1000)
    assert (ended.kind, str(ended)) == ("format", "the trading socket sent a frame of more than 1000 bytes")


def test_silence_ends_it_even_where_the_protocols_own_pings_are_answered() -> None:
    _, ended = heard(until_gone, quiet_after=SOON, heartbeat=0.1)
    assert (ended.kind, str(ended)) == ("network", "the trading socket was silent for 0.3 s")


def test_a_line_that_is_half_open_ends_by_the_protocols_own_pings() -> None:
    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        await asyncio.Event().wait()

    _, ended = heard(serve, heartbeat=0.2)
    assert (ended.kind, str(ended)) == ("network", "the trading socket gave no sign of life")


def test_it_asks_for_a_sign_of_life_before_it_gives_up() -> None:
    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        for n in range(3):
            assert await line.receive_str() == '{"ping":1}'
            await line.send_json({"n": n})
        await until_gone(line)

    given, ended = heard(serve, ping=lambda: {"ping": 1}, ping_after=0.1, quiet_after=SOON)
    assert (given, str(ended)) == ([0, 1, 2], "the trading socket was silent for 0.3 s")


def test_who_is_slow_to_read_is_not_told_that_the_other_was_silent() -> None:
    async def serve(line: web.WebSocketResponse, _: asyncio.Transport) -> None:
        for n in range(4):
            await line.send_json({"n": n})
        sent.set()
        await line.close()

    sent = asyncio.Event()

    async def main() -> None:
        given = list[int]()
        async with opened(serve, quiet_after=0.05) as socket:
            await sent.wait()
            with pytest.raises(CallFailed, match="closed at the other end"):
                await read_slowly(socket, given)
        assert given == [0, 1, 2, 3]

    async def read_slowly(socket: Socket, given: list[int]) -> None:
        async for frame in socket.frames():
            await asyncio.sleep(0.06)
            given.append(frame.whole("n"))

    run(main())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "auth"), (403, "auth"), (404, "rule"), (429, "throttle"), (503, "maintenance"), (502, "network")],
)
def test_a_handshake_that_is_refused_is_a_failure_by_its_status(status: int, kind: str) -> None:
    async def line(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"})

    failure = turned_away(line)
    assert isinstance(failure, StatusFailed)
    assert (failure.kind, failure.status) == (kind, status)
    assert failure.wait == (7.0 if kind in {"throttle", "maintenance"} else None)


def test_a_handshake_is_not_followed_elsewhere() -> None:
    async def line(request: web.Request) -> web.Response:
        assert request.path == "/line"
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    failure = turned_away(line)
    assert (failure.kind, str(failure)) == (
        "format",
        "opening the trading socket was sent elsewhere, which is not followed",
    )


def test_who_answers_no_handshake_has_none() -> None:
    async def line(_: web.Request) -> web.Response:
        return web.json_response({"hello": "otp=hunter2"})

    assert turned_away(line).kind == "format"


def opening(serve: Rough, hosts: tuple[str, ...] = (HERE,)) -> CallFailed:
    found = list[CallFailed]()

    async def main() -> None:
        async with rough(serve) as url:
            socket = Socket("the trading socket", hosts=hosts, deadline=SOON)
            with pytest.raises(CallFailed) as failed:
                await socket.open(address_of(url))
            found.append(failed.value)
            with pytest.raises(CallFailed) as unsent:
                await socket.send({"n": 1})
            assert unsent.value.fate == "unsent"
            await socket.close()

    run(main())
    return found[0]


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def test_a_handshake_without_an_answer_ends_within_its_deadline() -> None:
    assert str(opening(silent)) == "opening the trading socket got no answer within 0.3 s"


def test_an_address_that_came_from_the_other_side_must_be_among_the_hosts() -> None:
    failure = opening(silent, hosts=("api.example.com",))
    assert (failure.kind, failure.fate, failure.final) == ("rule", "unsent", True)
    assert "only these may be asked: api.example.com" in str(failure)


def test_where_nobody_listens_opening_fails_and_says_so() -> None:
    async def main() -> None:
        async with nobody() as url:
            socket = Socket("the trading socket", hosts=(HERE,))
            with pytest.raises(CallFailed, match="nobody takes a connection there") as failed:
                await socket.open(address_of(url))
            assert (failed.value.kind, failed.value.fate) == ("network", "unsent")

    run(main())


def test_who_reads_hears_that_it_was_closed_here_and_nothing_is_sent_any_more() -> None:
    async def main() -> None:
        async with opened(until_gone) as socket:
            reading = asyncio.create_task(anext(socket.frames()))
            await asyncio.sleep(0)
            await socket.close()
            with pytest.raises(CallFailed, match="was closed here"):
                await reading
            with pytest.raises(CallFailed, match="is not open") as unsent:
                await socket.send({"n": 1})
            assert unsent.value.fate == "unsent"
            with pytest.raises(CallFailed, match="was closed here"):
                await anext(socket.frames())

    run(main())


def test_a_peer_that_does_not_say_goodbye_is_not_waited_for() -> None:
    async def serve(_: web.WebSocketResponse, __: asyncio.Transport) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with opened(serve) as socket:
            began = loop.time()
            await socket.close()
            assert loop.time() - began < 5

    run(main())


def test_a_peer_that_reads_nothing_holds_nobody_for_longer_than_the_deadline() -> None:
    async def serve(line: web.WebSocketResponse, transport: asyncio.Transport) -> None:
        transport.pause_reading()
        await asyncio.Event().wait()

    async def main() -> None:
        async with opened(serve, deadline=SOON, heartbeat=None) as socket:
            with pytest.raises(CallFailed, match="takes nothing since") as failed:
                await flood(socket)
            assert failed.value.fate == "unknown"

    async def flood(socket: Socket) -> None:
        while True:
            await socket.send({"n": "x" * 1_000_000})

    run(main())
