import asyncio
import json
import os
import re
import socket
import stat
import tracemalloc
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from pipeline.aside import here
from pipeline.control.limits import LARGEST_QUESTION, QUESTIONS, SOCKETS
from pipeline.control.settings import Api
from pipeline.control.showing import looked_at
from pipeline.errors import InputError
from pipeline.view import ENGINE_FILE, TOKEN_FILE, KeyName, LogLine
from sinks.api import Desk
from tests.sample_view import SampleView

Session = aiohttp.ClientSession
Line = aiohttp.ClientWebSocketResponse


class Open:
    """A desk that listens, and a session that holds its token."""

    def __init__(self, view: SampleView, desk: Desk, url: str, session: Session, folder: Path) -> None:
        self.view, self.desk, self.url, self.session, self.folder = view, desk, url, session, folder

    @asynccontextmanager
    async def line(self, **topics: object) -> AsyncGenerator[Line]:
        async with self.session.ws_connect(f"{self.url}/ws", max_msg_size=0) as line:
            await line.receive()
            if topics:
                await line.send_json({"subscribe": topics})
            yield line

    async def knock(self, path: str = "/status", **headers: str) -> int:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status


def with_desk(folder: Path, check: Callable[[Open], Awaitable[None]], view: SampleView | None = None) -> None:
    async def main() -> None:
        shown = view or SampleView()
        desk = Desk(looked_at(shown, here), folder)
        url = await desk.start()
        token = (folder / TOKEN_FILE).read_text()
        try:
            async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
                await check(Open(shown, desk, url, session, folder))
        finally:
            await desk.stop()

    run(main())


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


async def news(line: Line, topic: str) -> dict[str, Any]:
    """The next message of a topic, others passed over."""
    while True:
        message = await line.receive(timeout=10)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        told: dict[str, Any] = json.loads(message.data)
        if told["topic"] == topic:
            return told


# --- who is let in ---------------------------------------------------------------------------------------------------


def test_only_the_owner_can_read_the_files_and_they_go_when_the_desk_stops(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        for name in (ENGINE_FILE, TOKEN_FILE):
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert re.fullmatch(r"[0-9a-f]{64}", (tmp_path / TOKEN_FILE).read_text())
        assert json.loads((tmp_path / ENGINE_FILE).read_text()) == {
            "pid": os.getpid(),
            "url": at.url,
            "started": at.view.started,
            "socket": "engine.sock",
            "certificate": "",
        }
        assert stat.S_IMODE((tmp_path / "engine.sock").stat().st_mode) == 0o600
        assert at.url.startswith("http://127.0.0.1:")

    with_desk(tmp_path, check)
    assert list(tmp_path.iterdir()) == []


def test_a_link_standing_where_the_token_goes_is_replaced_and_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "flow"
    folder.mkdir()
    (folder / TOKEN_FILE).symlink_to(victim)

    async def check(_: Open) -> None:
        assert not (folder / TOKEN_FILE).is_symlink()

    with_desk(folder, check)
    assert victim.read_text() == "mine"


def test_a_desk_that_stops_leaves_a_later_ones_files_alone(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = Desk(looked_at(SampleView(), here), tmp_path), Desk(looked_at(SampleView(), here), tmp_path)
        await first.start()
        await second.start()
        await first.stop()
        assert (tmp_path / TOKEN_FILE).exists()
        await second.stop()
        assert not (tmp_path / TOKEN_FILE).exists()

    run(main())


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        port = int(at.url.rpartition(":")[2])
        with pytest.raises(InputError, match="choose another port"):
            await Desk(looked_at(SampleView(), here), tmp_path, Api(port=port)).start()

    with_desk(tmp_path, check)


@pytest.mark.parametrize("path", ["/status", "/ws", "/nothing"])
def test_without_the_token_every_door_is_closed(tmp_path: Path, path: str) -> None:
    async def check(at: Open) -> None:
        assert await at.knock(path, Authorization="") == 401
        assert await at.knock(path, Authorization="Bearer " + "0" * 64) == 401
        assert await at.knock(path, Authorization="Bearer ä") == 401

    with_desk(tmp_path, check)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "localhost:1", "127.0.0.1.evil.example:80", ""])
def test_a_name_that_was_pointed_at_this_machine_is_refused(tmp_path: Path, host: str) -> None:
    async def check(at: Open) -> None:
        assert await at.knock(Host=host) == 421

    with_desk(tmp_path, check)


def test_a_page_of_another_site_is_refused_and_one_of_this_desk_is_not(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        port = at.url.rpartition(":")[2]
        for origin in ("http://evil.example", "null", "https://127.0.0.1:" + port, "http://127.0.0.1:1"):
            assert await at.knock(Origin=origin) == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await at.session.ws_connect(f"{at.url}/ws", origin=origin)
        assert await at.knock(Origin=f"http://localhost:{port}") == 200

    with_desk(tmp_path, check)


def test_a_console_too_many_is_told_so_and_has_room_when_another_left(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        lines = [await at.session.ws_connect(f"{at.url}/ws") for _ in range(SOCKETS)]
        assert await at.knock("/ws") == 503
        await lines[0].close()
        async with at.line(status=20) as line:
            assert (await news(line, "status"))["keys"] == 36

    with_desk(tmp_path, check)


# --- what is told ----------------------------------------------------------------------------------------------------


def test_the_status_page_is_the_status(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.session.get(f"{at.url}/status") as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert (await answer.json())["engine"]["win_rate_text"] == "57.1 % (51.5–62.6) vs break-even 54.3 %, n=520"

    with_desk(tmp_path, check)


def test_a_console_is_greeted_and_hears_a_heartbeat_without_asking(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.session.ws_connect(f"{at.url}/ws") as line:
            hello = json.loads((await line.receive()).data)
            assert (hello["topic"], hello["protocol"], hello["flow"]) == ("hello", 3, "flows.toml")
            assert await news(line, "beat") == {"topic": "beat", "clock": at.view.clock, "speed": 1.0}

    with_desk(tmp_path, check)


def test_what_nobody_asked_for_is_never_computed(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(log=20) as line:
            await news(line, "log")
            await news(line, "beat")
        assert set(at.view.asked) == {"log"}

    with_desk(tmp_path, check)


def test_the_feed_comes_as_it_is_at_its_own_rate(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(feed=20) as line:
            first = await news(line, "feed")
            assert [row["product"] for row in first["prices"]] == ["EURUSD", "GBPUSD", "XAUUSD", "BTCUSD"]
            assert first["alerts"][1] == "prices of XAUUSD are stale"
            assert first["sources"][0]["pace"]["5m"]["seconds"] == 40
            assert first["publishers"][0]["lanes"][0]["name"] == "ohlcv"
            at.view.fed = replace(at.view.fed, alerts=())
            while (await news(line, "feed"))["alerts"]:
                pass
        assert set(at.view.asked) == {"feed"}

    with_desk(tmp_path, check)


def test_keys_come_whole_once_and_then_only_those_that_changed_the_latest_of_each(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(keys=20) as line:
            first = await news(line, "keys")
            assert first["full"]
            assert len(first["rows"]) == 36
            for _ in range(50):
                at.view.move(2)
            told = await news(line, "keys")
            assert not told["full"]
            latest = [row.price for _, row in list(at.view.rows.values())[:2]]
            assert [row["price"] for row in told["rows"]] == latest

    with_desk(tmp_path, check)


def test_many_keys_come_in_several_messages(tmp_path: Path) -> None:
    names = [KeyName("demo-1", f"P{number}", "1m") for number in range(1_200)]

    async def check(at: Open) -> None:
        async with at.line(keys=20) as line:
            parts = [await news(line, "keys") for _ in range(3)]
            assert [len(part["rows"]) for part in parts] == [500, 500, 200]
            assert [part["full"] for part in parts] == [True, False, False]

    with_desk(tmp_path, check, SampleView(names))


def test_a_flow_without_keys_says_so(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(keys=20) as line:
            assert await news(line, "keys") == {"topic": "keys", "rows": [], "full": True}

    with_desk(tmp_path, check, SampleView([]))


def test_a_chart_comes_whole_and_then_only_its_forming_bar(tmp_path: Path) -> None:
    of = {"account": "demo-1", "product": "EURUSD", "timeframe": "1m", "bars": 60, "rate": 20}

    async def check(at: Open) -> None:
        async with at.line(chart=of) as line:
            whole = (await news(line, "chart"))["chart"]
            assert len(whole["bars"]["close"]) == 60
            assert whole["columns"]["ema_slow"][0] is None
            at.view.move()
            moved = await news(line, "forming")
            assert moved["of"] == of
            assert moved["forming"]["close"] != whole["forming"]["close"]

    with_desk(tmp_path, check)


def test_a_key_that_does_not_exist_has_no_chart(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(chart={"account": "nobody", "product": "EURUSD", "timeframe": "1m"}) as line:
            assert (await news(line, "chart"))["chart"] is None

    with_desk(tmp_path, check)


def test_asking_for_another_chart_does_not_tell_the_keys_again(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        of = {"account": "demo-1", "product": "EURUSD", "timeframe": "1m", "bars": 10, "rate": 20}
        async with at.line(keys=20, chart=of) as line:
            await news(line, "keys")
            await line.send_json({"subscribe": {"keys": 20, "chart": of | {"timeframe": "5m"}}})
            while (await news(line, "chart"))["of"]["timeframe"] != "5m":
                pass
            at.view.move(1)
            told = await news(line, "keys")
            assert (told["full"], len(told["rows"])) == (False, 1)

    with_desk(tmp_path, check)


def test_log_lines_that_come_too_fast_are_passed_over_and_counted(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line(log=20) as line:
            assert (await news(line, "log"))["lines"][-1]["seq"] == 11
            for number in range(500):
                at.view.say(f"line {number}")
            told = await news(line, "log")
            assert (told["skipped"], told["lines"][-1]["text"]) == (300, "line 499")

    with_desk(tmp_path, check)


# --- what a console may say ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        "",
        "{",
        "null",
        "[" * 5_000,
        '{"a":' * 3_000,
        '{"subscribe": NaN}',
        '{"subscribe": {"keys": NaN}}',
        '{"subscribe": {"keys": 1e999}}',
        '{"subscribe": {"keys": -1}}',
        '{"subscribe": {"keys": 1000}}',
        '{"subscribe": {"keys": "10"}}',
        '{"subscribe": {"orders": 1}}',
        '{"subscribe": {"chart": {"account": "a"}}}',
        '{"subscribe": {"chart": {"account": "a", "product": "b", "timeframe": "1m", "bars": 99999999}}}',
        '{"kill": true}',
    ],
)
def test_what_cannot_be_taken_is_refused_in_one_sentence_and_the_line_goes_on(tmp_path: Path, said: str) -> None:
    async def check(at: Open) -> None:
        async with at.line() as line:
            await line.send_str(said)
            refusal = await news(line, "refusal")
            assert re.fullmatch(r"cannot take that: .{1,220}; send something like \{.*\}", refusal["what"])
            await line.send_json({"subscribe": {"status": 20}})
            assert (await news(line, "status"))["state"] == "RUNNING"

    with_desk(tmp_path, check)


def test_bytes_are_refused_like_any_other_nonsense(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        async with at.line() as line:
            await line.send_bytes(b"\x00\xff")
            assert "questions are text" in (await news(line, "refusal"))["what"]

    with_desk(tmp_path, check)


@pytest.mark.parametrize(
    ("questions", "code"), [([" " * (LARGEST_QUESTION + 1)], 1009), (["{}"] * (QUESTIONS + 20), 1008)]
)
def test_too_large_and_too_many_questions_end_the_line(tmp_path: Path, questions: list[str], code: int) -> None:
    async def check(at: Open) -> None:
        async with at.line() as line:
            for question in questions:
                await line.send_str(question)
            while (message := await line.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.data == code
        assert await at.knock() == 200

    with_desk(tmp_path, check)


def test_a_console_that_does_not_read_costs_a_bounded_buffer_and_no_other_console_anything(tmp_path: Path) -> None:
    async def check(at: Open) -> None:
        _, writer = await deaf(at)
        async with at.line(keys=20) as line:
            await news(line, "keys")
            tracemalloc.start()
            for _ in range(40):
                at.view.move()
                await news(line, "keys")
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert grown < 2_500_000  # forty times 140 kB were told to the one that reads
        writer.close()

    with_desk(tmp_path, check, SampleView(MANY))


def test_a_console_that_does_not_read_for_long_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinks.api.line.PATIENCE", 0.3)

    async def check(at: Open) -> None:
        reader, writer = await deaf(at)
        async with at.line(keys=20) as line:
            for _ in range(20):
                at.view.move()
                await news(line, "keys")
        with suppress(ConnectionResetError):
            while await reader.read(1 << 20):
                pass  # the end comes: while attached there would always be a next heartbeat
        writer.close()

    with_desk(tmp_path, check, SampleView(MANY))


MANY = [KeyName("demo-1", f"P{number}", "1m") for number in range(700)]


async def deaf(at: Open) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """An attached console that asks for everything and reads nothing."""
    port = at.url.rpartition(":")[2]
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", int(port)))
    reader, writer = await asyncio.open_connection(sock=connection, limit=1024)
    token = (at.folder / TOKEN_FILE).read_text()
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\n\r\n".encode()
    )
    writer.write(masked(b'{"subscribe": {"keys": 20}}'))
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def masked(text: bytes) -> bytes:
    """A short WebSocket text frame as a client has to send it."""
    return bytes((0x81, 0x80 | len(text))) + bytes(4) + text


class Failing(SampleView):
    """Cannot tell its log."""

    def log(self, after: int, limit: int) -> tuple[LogLine, ...]:
        raise ZeroDivisionError("no log")


def test_a_view_that_fails_ends_the_line_that_asked_and_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(at: Open) -> None:
        async with at.line(status=20) as other, at.line(log=20) as line:
            while (message := await line.receive(timeout=10)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert (await news(other, "status"))["state"] == "RUNNING"

    with_desk(tmp_path, check, Failing())
    assert "no log" in caplog.text


def test_when_the_desk_stops_consoles_are_sent_away(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(looked_at(SampleView(), here), tmp_path)
        url = await desk.start()
        headers = {"Authorization": f"Bearer {(tmp_path / TOKEN_FILE).read_text()}"}
        async with aiohttp.ClientSession(headers=headers) as session, session.ws_connect(f"{url}/ws") as line:
            await line.receive()
            stopping = asyncio.create_task(desk.stop())
            message = await line.receive(timeout=10)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            await stopping

    run(main())
