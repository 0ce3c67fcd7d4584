"""What may be asked again is, within limits; what has no end is read line by line."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import web

from pipeline.connections.budgets import Budgets
from pipeline.connections.troubles import CallFailed
from tests.loopback import http, nobody, run, serving, unlimited

SOON = 0.3
NOON = 1_800_000_000_000


# --- again -----------------------------------------------------------------------------------------------------------


def again(*statuses: int) -> tuple[list[int], list[CallFailed]]:
    """What is answered to one question that may be repeated, and how it fails."""
    left, answered, failures = list(statuses), list[int](), list[CallFailed]()

    async def candles(_: web.Request) -> web.Response:
        answered.append(left.pop(0))
        return web.json_response({}, status=answered[-1], headers={"Retry-After": "0"})

    async def main() -> None:
        async with serving(candles=candles) as address:
            ours = http(address)
            try:
                await ours.retried("/candles", call="candles", priority="history")
            except CallFailed as failure:
                failures.append(failure)
            await ours.close()

    run(main())
    return answered, failures


def test_what_may_pass_is_asked_again_until_it_is_answered() -> None:
    assert again(503, 429, 200) == ([503, 429, 200], [])


def test_what_will_not_pass_is_asked_once() -> None:
    for status in (401, 403, 404, 422):
        answered, failures = again(status, 200)
        assert answered == [status]
        assert len(failures) == 1


async def never(_: int) -> None:
    raise AssertionError("nothing is waited for")


def test_where_our_own_limits_leave_no_room_in_time_nothing_is_tried_again() -> None:
    async def main() -> None:
        async with nobody() as address:
            budgets = Budgets([], lambda: NOON, never)
            budgets.hold("candles", 600)
            ours = http(address, budgets=budgets)
            with pytest.raises(CallFailed, match="candles has no room"):
                await ours.retried("/candles", call="candles", priority="history", by=NOON + 60_000)
            await ours.close()

    run(main())


def test_who_would_have_to_wait_beyond_the_moment_is_told_now() -> None:
    async def candles(_: web.Request) -> web.Response:
        return web.json_response({}, status=503)

    async def main() -> None:
        async with serving(candles=candles) as address:
            ours = http(address)
            began = asyncio.get_running_loop().time()
            with pytest.raises(CallFailed, match="503"):
                await ours.retried("/candles", call="candles", priority="history", by=int(began * 1000) + 100)
            await ours.close()

    run(main())


# --- lines without an end --------------------------------------------------------------------------------------------


Serving = Callable[[web.StreamResponse], Coroutine[Any, Any, None]]


def streamed(serve: Serving, *, quiet_after: float = 5.0, bad_a_minute: int = 10) -> tuple[list[int], CallFailed, int]:
    """What lines of a stream say, how it ends, and how many were told to be bad."""
    given, warned, ends = list[int](), list[CallFailed](), list[CallFailed]()

    async def prices(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await serve(answer)
        return answer

    async def main() -> None:
        async with serving(prices=prices) as address:
            ours = http(address)
            lines = ours.lines(
                "/prices",
                call="prices",
                priority="quote",
                quiet_after=quiet_after,
                bad_a_minute=bad_a_minute,
                warn=warned.append,
            )
            try:
                async for line in lines:
                    given.append(line.whole("n"))
            except CallFailed as ended:
                ends.append(ended)
            await ours.close()

    run(main())
    return given, ends[0], len(warned)


def test_lines_come_one_by_one_however_they_are_cut() -> None:
    async def serve(answer: web.StreamResponse) -> None:
        for piece in (b'{"n":1}\n{"n', b'":2}\n\n', b'\r\n{"n":3}\n', b'{"n":4}'):
            await answer.write(piece)

    given, ended, _ = streamed(serve)
    assert given == [1, 2, 3]
    assert str(ended) == "GET /prices was ended at the other end"


def test_bad_lines_are_dropped_and_told_until_they_are_too_many() -> None:
    async def serve(answer: web.StreamResponse) -> None:
        await answer.write(b'{"n":1}\nnonsense\n{"n":2}\n' + b"nonsense\n" * 5 + b'{"n":3}\n')

    given, ended, warned = streamed(serve, bad_a_minute=4)
    assert (given, warned) == ([1, 2], 4)
    assert ended.kind == "format"


def test_a_stream_that_is_too_much_holds_its_kind_of_calls_back() -> None:
    async def prices(_: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "600"})

    async def main() -> None:
        async with serving(prices=prices) as address:
            budgets = unlimited()
            ours = http(address, budgets=budgets)
            for sentence in ("was too much", "has no room for it in time"):
                lines = ours.lines(
                    "/prices", call="prices", priority="quote", quiet_after=5.0, by=budgets.now() + 60_000
                )
                with pytest.raises(CallFailed, match=sentence):
                    await anext(lines)
            await ours.close()

    run(main())


def test_a_stream_that_falls_silent_is_over() -> None:
    async def serve(answer: web.StreamResponse) -> None:
        await answer.write(b'{"n":1}\n')
        await asyncio.Event().wait()

    given, ended, _ = streamed(serve, quiet_after=SOON)
    assert (given, ended.kind) == ([1], "network")


def test_a_line_without_an_end_is_not_kept() -> None:
    async def serve(answer: web.StreamResponse) -> None:
        for _ in range(100):
            await answer.write(b"x" * 10_000)

    _, ended, __ = streamed(serve)
    assert "a line of more than" in str(ended)
