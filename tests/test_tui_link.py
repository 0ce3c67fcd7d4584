import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from pipeline.aside import here
from pipeline.control.showing import looked_at
from pipeline.errors import InputError
from pipeline.view import ENGINE_FILE, PROTOCOL, TOKEN_FILE, ChartOf, LogLine, LogNews, Topics
from sinks.api import Desk
from tests.sample_view import NOON, SampleView
from tests.screens import run
from tui.door import Address, Unreachable, find
from tui.link import Link
from tui.store import Store

EVERYTHING = Topics(status=20, keys=20, log=20)


class Watching:
    """A link that runs, with what it was told."""

    def __init__(self, where: Callable[[], Address]) -> None:
        self.now = 0.0
        self.store = Store()
        self.link = Link(self.store, where, lambda: self.now)

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not true():  # noqa: ASYNC110  # what a store holds is looked at, as panels do
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watching(where: Callable[[], Address]) -> AsyncGenerator[Watching]:
    seen = Watching(where)
    seen.link.want(EVERYTHING)
    running = asyncio.create_task(seen.link.run())
    try:
        yield seen
    finally:
        running.cancel()


@asynccontextmanager
async def other_server(*said: str) -> AsyncGenerator[Address]:
    """Something on loopback that answers as no desk of ours would, then says nothing more."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        line = web.WebSocketResponse()
        await line.prepare(request)
        for text in said:
            await line.send_str(text)
        async for _ in line:
            pass
        return line

    app = web.Application()
    app.router.add_get("/ws", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield Address(f"http://127.0.0.1:{runner.addresses[0][1]}", "x")
    finally:
        await runner.cleanup()


# --- finding an engine -----------------------------------------------------------------------------------------------


def test_an_engine_is_found_by_what_it_left_in_its_folder(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(looked_at(SampleView(), here), tmp_path)
        url = await desk.start()
        token = (tmp_path / TOKEN_FILE).read_text()
        assert find(None, tmp_path) == Address(url, token)
        assert find("http://localhost:7", tmp_path) == Address("http://localhost:7", token)
        await desk.stop()

    run(main())


def test_without_an_engine_one_is_told_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"no engine is running in .*; start one with `run`") as told:
        find(None, tmp_path)
    assert told.value.exit_code == 3


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', "\x00"])
def test_a_broken_engine_file_is_said_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / ENGINE_FILE).write_text(content)
    with pytest.raises(Unreachable, match="start the engine again"):
        find(None, tmp_path)


@pytest.mark.parametrize(
    "url", ["http://example.com:80", "https://example.com:1", "http://127.0.0.1.evil.example", "x", ""]
)
def test_the_token_is_sent_to_no_other_machine(tmp_path: Path, url: str) -> None:
    (tmp_path / TOKEN_FILE).write_text("secret")
    with pytest.raises(InputError, match="ssh -L"):
        find(url, tmp_path)


# --- the link --------------------------------------------------------------------------------------------------------


def test_an_engine_that_starts_again_elsewhere_is_found_and_told_apart(tmp_path: Path) -> None:
    async def main() -> None:
        view = SampleView()
        first = Desk(looked_at(view, here), tmp_path)
        await first.start()
        async with watching(lambda: find(None, tmp_path)) as seen:
            await seen.until(lambda: seen.store.status and seen.store.keys and seen.store.lines)
            heard = len(seen.store.lines)
            await first.stop()
            await seen.until(lambda: seen.store.state == "down")
            assert len(seen.store.keys) == 36
            seen.now = 7.0

            later = SampleView(list(view.rows)[:5])
            later.pid = view.pid + 1
            second = Desk(looked_at(later, here), tmp_path)
            await second.start()
            await seen.until(lambda: seen.store.state == "up" and len(seen.store.keys) == 5)
            assert seen.store.back_after == 7.0
            await seen.until(lambda: len(seen.store.lines) == 2 * heard + 1)
            assert seen.store.lines[heard].text == f"another engine answers now, process {later.pid}"
            await second.stop()

    run(main())


def test_coming_back_to_the_same_engine_repeats_no_line_of_the_log(tmp_path: Path) -> None:
    async def main() -> None:
        view = SampleView()
        desk = Desk(looked_at(view, here), tmp_path)
        await desk.start()
        async with watching(lambda: find(None, tmp_path)) as seen:
            await seen.until(lambda: seen.store.last_seq == 11)
            await desk.stop()
            await seen.until(lambda: seen.store.state == "down")
            view.say("said meanwhile")
            await desk.start()
            await seen.until(lambda: seen.store.last_seq == 12)
            assert [line.seq for line in seen.store.lines] == list(range(1, 13))
            await desk.stop()

    run(main())


def test_an_engine_that_falls_silent_counts_as_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.link.SILENCE", 0.2)
    hello = '{"topic":"hello","protocol":3,"version":"1","pid":1,"started":1,"flow":"f","mode":"paper","clock":1,'
    hello += '"speed":1.0,"display_timezone":"UTC"}'

    async def main() -> None:
        async with other_server(hello) as address, watching(lambda: address) as seen:
            await seen.until(lambda: seen.store.state == "up")
            await seen.until(lambda: seen.store.state == "down")
            assert seen.store.why == "nothing was heard for 0.2 s"

    run(main())


@pytest.mark.parametrize(
    "said", ["", "hello", "[]", f'{{"protocol": {PROTOCOL}, "version": "1"}}', '{"topic": "status"}']
)
def test_what_is_no_engine_of_ours_is_said_and_tried_again(said: str) -> None:
    async def main() -> None:
        async with other_server(said) as address, watching(lambda: address) as seen:
            await seen.until(lambda: seen.store.why)
            assert "says nothing an engine of this version would" in seen.store.why
            assert seen.store.state == "connecting"

    run(main())


def test_a_wrong_token_is_said_so(tmp_path: Path) -> None:
    async def main() -> None:
        desk = Desk(looked_at(SampleView(), here), tmp_path)
        url = await desk.start()
        async with watching(lambda: Address(url, "wrong")) as seen:
            await seen.until(lambda: "refused the token" in seen.store.why)
        await desk.stop()

    run(main())


def test_a_cursor_running_down_the_keys_asks_for_few_charts_and_the_last_one(tmp_path: Path) -> None:
    async def main() -> None:
        view = SampleView()
        desk = Desk(looked_at(view, here), tmp_path)
        await desk.start()
        async with watching(lambda: find(None, tmp_path)) as seen:
            await seen.until(lambda: seen.store.keys)
            for name in [*view.rows] * 5:
                seen.link.want(Topics(chart=ChartOf(*name, bars=10, rate=0.1)))
                await asyncio.sleep(0)
            await seen.until(lambda: seen.store.chart is not None and seen.store.chart.name == [*view.rows][-1])
            assert view.asked.count("chart") <= 2
        await desk.stop()

    run(main())


def test_a_line_that_ends_leaves_no_task_behind(tmp_path: Path) -> None:
    async def main() -> None:
        before = asyncio.all_tasks()
        desk = Desk(looked_at(SampleView(), here), tmp_path)
        await desk.start()
        async with watching(lambda: find(None, tmp_path)) as seen:
            await seen.until(lambda: seen.store.state == "up")
        await desk.stop()
        await seen.until(lambda: asyncio.all_tasks() == before)

    run(main())


# --- what was told ---------------------------------------------------------------------------------------------------


def test_lines_that_were_passed_over_are_counted_in_the_log() -> None:
    store = Store()
    store.take(LogNews((LogLine(1, NOON, "info", "first"),), 0), 0.0)
    store.take(LogNews((LogLine(40, NOON, "info", "later"),), 38), 0.0)
    assert [line.text for line in store.lines] == [
        "first",
        "38 lines of the log came too fast and were passed over",
        "later",
    ]


def test_the_clock_runs_as_fast_as_the_flow_and_stands_while_the_link_is_down() -> None:
    store = Store()
    view = SampleView()
    store.take(view.hello(), 100.0)
    store.turn("up", "", 100.0)
    assert store.clock(102.0) == NOON + 2_000
    assert store.age(NOON - 3_000, 102.0) == 5.0
    store.turn("down", "gone", 102.0)
    assert store.clock(109.0) == NOON
    assert store.age(NOON - 3_000, 109.0) == 12.0
