"""One account's calls over HTTP: every end of a call is told in our own words, and says what is certain of an order."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientConnectorDNSError, DummyCookieJar, web
from aiohttp.client_reqrep import ConnectionKey

from pipeline.connections.budgets import Budgets
from pipeline.connections.calling import Sending, new_session, told
from pipeline.connections.contract import Limit
from pipeline.connections.counts import Counts
from pipeline.connections.http import Http
from pipeline.connections.offset import Offset
from pipeline.connections.statuses import StatusFailed, http_date, retry_after
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from tests.loopback import HERE, Rough, nobody, rough, run, self_signed, serving, unlimited

SOON = 0.3
"""Seconds: how long a call that gets no answer takes in these tests."""


def http(address: str, **more: Any) -> Http:
    settings: dict[str, Any] = {"hosts": (HERE,), "deadline": 5.0, "budgets": unlimited()} | more
    return Http(address, **settings)


async def failing(ours: Http, method: Any = "POST", path: str = "/orders", **more: Any) -> CallFailed:
    """How a call fails."""
    try:
        with pytest.raises(CallFailed) as failed:
            await ours.call(method, path, call="place", priority="order", **more)
    finally:
        await ours.close()
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    return failed.value


def refused_by_status(
    status: int, headers: dict[str, str] | None = None, body: object = None, **more: Any
) -> CallFailed:
    """How an order fails that is answered so."""
    found = list[CallFailed]()

    async def orders(_: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    async def main() -> None:
        async with serving(orders=orders) as address:
            found.append(await failing(http(address, **more)))

    run(main())
    return found[0]


def met(serve: Rough, *, deadline: float = 5.0, method: str = "POST", **more: Any) -> CallFailed:
    """How an order fails that is answered by a server without manners."""
    found = list[CallFailed]()

    async def main() -> None:
        async with rough(serve) as address:
            found.append(await failing(http(address, deadline=deadline, **more), method))

    run(main())
    return found[0]


# --- what goes right -------------------------------------------------------------------------------------------------


def test_an_answer_is_read_and_what_was_asked_is_what_the_other_hears() -> None:
    heard = list[Any]()

    async def orders(request: web.Request) -> web.Response:
        heard.append((request.method, dict(request.query), await request.text(), request.headers["Authorization"]))
        return web.json_response({"id": "7", "amount": "1.50"})

    async def main() -> None:
        async with serving(orders=orders) as address:
            ours = http(address, headers=lambda: {"Authorization": "Bearer abc"})
            answer = await ours.call(
                "POST", "/orders", call="place", priority="order", query={"n": 2}, body={"amount": Decimal("1.50")}
            )
            assert (answer.whole("id"), answer.number("amount")) == (7, Decimal("1.50"))
            await ours.close()

    run(main())
    assert heard == [("POST", {"n": "2"}, '{"amount":1.50}', "Bearer abc")]


def test_a_list_is_an_answer_too_and_no_content_is_an_empty_table() -> None:
    async def rows(_: web.Request) -> web.Response:
        return web.json_response([[1, "2.5"], [3, "4.5"]])

    async def nothing(_: web.Request) -> web.Response:
        return web.Response(status=204)

    async def main() -> None:
        async with serving(rows=rows, nothing=nothing) as address:
            ours = http(address)
            answer = await ours.call("GET", "/rows", call="candles", priority="history")
            assert [(row.whole(0), row.real(1)) for row in answer.rows()] == [(1, 2.5), (3, 4.5)]
            assert not (await ours.call("DELETE", "/nothing", call="close", priority="order")).names()
            await ours.close()

    run(main())


def test_headers_are_asked_for_each_time_so_that_a_new_token_is_used_at_once() -> None:
    async def whoami(request: web.Request) -> web.Response:
        return web.json_response({"token": request.headers["Token"]})

    async def main() -> None:
        tokens = iter(["one", "two"])
        async with serving(whoami=whoami) as address:
            ours = http(address, headers=lambda: {"Token": next(tokens)})
            said = [await ours.call("GET", "/whoami", call="who", priority="quote") for _ in range(2)]
            assert [each.text("token") for each in said] == ["one", "two"]
            await ours.close()

    run(main())


def test_no_cookie_is_kept_and_nothing_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", "/nowhere")

    async def visit(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"Set-Cookie": "session=abc"})

    async def main() -> None:
        async with serving(visit=visit) as address, new_session(5.0) as session:
            assert isinstance(session.cookie_jar, DummyCookieJar)
            async with session.get(f"{address}/visit") as response:
                assert response.status == 200
            ours = http(address)
            assert not (await ours.call("GET", "/visit", call="visit", priority="quote")).names()
            await ours.close()

    run(main())


# --- statuses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "fate"),
    [
        (400, "rule", "refused"),
        (401, "auth", "refused"),
        (403, "auth", "refused"),
        (404, "rule", "refused"),
        (408, "network", "unknown"),
        (409, "rule", "refused"),
        (418, "throttle", "refused"),
        (422, "rule", "refused"),
        (429, "throttle", "refused"),
        (500, "network", "unknown"),
        (502, "network", "unknown"),
        (503, "maintenance", "unknown"),
        (504, "network", "unknown"),
    ],
)
def test_each_status_is_one_kind_of_failure_and_only_a_whole_no_refuses_an_order(
    status: int, kind: str, fate: str
) -> None:
    failure = refused_by_status(status, body={"message": "no"})
    assert isinstance(failure, StatusFailed)
    assert (failure.kind, failure.fate, failure.status) == (kind, fate, status)
    assert failure.answer is not None
    assert failure.answer.text("message") == "no"
    assert str(failure).startswith("POST /orders ")
    assert str(failure).endswith(f"({status}: no)")


def test_an_error_that_says_temporarily_unavailable_is_a_maintenance() -> None:
    assert refused_by_status(500, body={"error": "Temporarily Unavailable"}).kind == "maintenance"


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Market is closed"},
        {"error": {"code": "X", "message": "Market is closed"}},
        {"errors": [{"status": 422, "code": "X", "message": "Market is closed"}]},
        {"error": "Market is closed"},
        {"detail": "Market is closed"},
        ["Market is closed"],
        "Market is closed",
    ],
)
def test_the_venues_own_sentence_is_found_wherever_it_is(body: object) -> None:
    assert str(refused_by_status(422, body=body)) == "POST /orders was refused (422: Market is closed)"


def test_a_sentence_of_others_is_short_and_of_one_line() -> None:
    said = str(refused_by_status(422, body={"message": "a\n\x1b[31mb\u202e\x00 " + "word " * 500}))
    assert said.startswith("POST /orders was refused (422: a [31mb word word")
    assert len(said) < 260


def test_a_redirect_is_not_followed_and_the_order_is_sent_once() -> None:
    heard = list[str]()

    async def orders(request: web.Request) -> web.Response:
        heard.append(await request.text())
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    async def main() -> None:
        async with serving(orders=orders, elsewhere=orders) as address:
            failure = await failing(http(address), body={"amount": "1.00"})
            assert (failure.kind, failure.fate) == ("format", "unknown")
            assert str(failure) == "POST /orders was sent elsewhere, which is not followed"

    run(main())
    assert heard == ['{"amount":"1.00"}']


# --- too much --------------------------------------------------------------------------------------------------------


def test_too_much_holds_the_calls_kind_back_for_as_long_as_the_venue_says() -> None:
    asked = list[str]()

    async def orders(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=429, headers={"Retry-After": "600"})

    async def main() -> None:
        async with serving(orders=orders, time=orders) as address:
            trading, rest = Limit("trading", frozenset({"place"}), 100), Limit("rest", frozenset(), 100)
            budgets = unlimited(trading, rest)
            ours = http(address, budgets=budgets)
            with pytest.raises(CallFailed) as first:
                await ours.call("POST", "/orders", call="place", priority="order")
            assert (first.value.wait, first.value.fate) == (600.0, "refused")
            with pytest.raises(CallFailed, match="trading has no room") as second:
                await ours.call("POST", "/orders", call="place", priority="order", by=budgets.now() + 60_000)
            assert (second.value.kind, second.value.fate) == ("throttle", "unsent")
            with pytest.raises(CallFailed):
                await ours.call("GET", "/time", call="time", priority="quote", by=budgets.now() + 60_000)
            await ours.close()

    run(main())
    assert asked == ["/orders", "/time"]


NOON = 1_800_000_000_000


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        ("1.5", 1.5),
        ("99999999999999999999999999999", 900.0),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("1e9", None),
        ("١٢", None),
        (format_datetime(datetime.fromtimestamp(NOON / 1000 + 30, UTC), usegmt=True), 30.0),
        (format_datetime(datetime.fromtimestamp(NOON / 1000 - 30, UTC), usegmt=True), 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 900.0),
        ("Fri, 99 Dec 9999 99:99:99 GMT", None),
    ],
)
def test_when_to_come_back_is_a_count_or_a_date_and_never_absurd(said: str | None, waits: float | None) -> None:
    assert retry_after(said, None, NOON) == waits


def test_a_date_to_come_back_is_read_by_the_clock_of_who_says_it() -> None:
    theirs = "Fri, 15 Jan 2027 09:00:00 GMT"
    assert retry_after("Fri, 15 Jan 2027 09:00:20 GMT", theirs, 0) == 20.0
    assert http_date(theirs) == 1_800_003_600_000


# --- servers without manners -----------------------------------------------------------------------------------------


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


# --- who may be asked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("https://api.example.org", "url leads to api.example.org, and only these may be asked: api.example.com"),
        ("http://api.example.com", "url would send in the clear to api.example.com"),
        ("ftp://api.example.com", "url is not an address"),
        ("api.example.com", "url is not an address"),
        ("https://", "url is not an address"),
        ("https://api.example.com:99999", "url is not an address"),
        ("https://ann:hunter2@api.example.com", "url has a user name or a password in it"),
    ],
)
def test_only_hosts_that_are_named_are_asked_and_only_in_secret(base: str, sentence: str) -> None:
    async def main() -> None:
        with pytest.raises(InputError) as refused:
            Http(base, hosts=("api.example.com",), deadline=1.0, budgets=unlimited())
        assert str(refused.value).startswith(sentence)
        assert "hunter2" not in str(refused.value)

    run(main())


@pytest.mark.parametrize("path", ["orders", "//../x", "/a/../b", "/a/%2e%2e/b", "/a?b=c", "/a#b", "/a b", "/ä", ""])
def test_a_path_that_leads_elsewhere_is_not_sent(path: str) -> None:
    async def main() -> None:
        async with serving() as address:
            failure = await failing(http(address), path=path)
            assert (failure.kind, failure.fate) == ("format", "unsent")

    run(main())


def test_a_token_with_a_line_break_in_it_is_a_bad_login_and_is_not_shown() -> None:
    async def main() -> None:
        async with serving() as address:
            failure = await failing(http(address, headers=lambda: {"Authorization": "Bearer abc\ndef"}))
            assert (failure.kind, failure.fate, failure.final) == ("auth", "unsent", True)
            assert "abc" not in str(failure)

    run(main())


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


# --- beside the answers ----------------------------------------------------------------------------------------------


def test_what_was_asked_is_counted_with_how_it_ended() -> None:
    async def good(_: web.Request) -> web.Response:
        return web.json_response({})

    async def bad(_: web.Request) -> web.Response:
        return web.Response(status=503)

    async def main() -> None:
        counts = Counts(lambda: NOON)
        async with serving(good=good, bad=bad) as address:
            ours = http(address, counts=counts)
            await ours.call("GET", "/good", call="quote", priority="quote")
            with pytest.raises(CallFailed):
                await ours.call("GET", "/bad", call="quote", priority="quote")
            await ours.close()
        (row,) = counts.rows()
        assert (row.call, row.calls, row.failures) == ("quote", 2, {"maintenance": 1})
        assert 0 < row.mean_ms < 5000

    run(main())


def test_the_date_of_an_answer_tells_the_venues_clock() -> None:
    async def good(_: web.Request) -> web.Response:
        return web.json_response({}, headers={"Date": "Fri, 15 Jan 2027 08:00:00 GMT"})

    async def main() -> None:
        offset, budgets = Offset(), unlimited()
        async with serving(good=good) as address:
            ours = http(address, offset=offset, budgets=budgets)
            await ours.call("GET", "/good", call="quote", priority="quote")
            await ours.close()
        assert abs(NOON + 500 - budgets.now() - offset.ms) < 2000
        assert 500 <= offset.doubt < 2000

    run(main())


def test_what_is_closed_sends_nothing_and_may_be_closed_again() -> None:
    async def main() -> None:
        async with serving() as address:
            ours = http(address)
            await ours.close()
            failure = await failing(ours)
            assert (failure.kind, failure.fate) == ("network", "unsent")

    run(main())


def test_a_call_that_is_under_way_when_its_line_is_closed_ends_at_once() -> None:
    async def main() -> None:
        heard = asyncio.Event()

        async def hear(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            heard.set()
            await reader.read()

        async with rough(hear) as address:
            ours = http(address)
            asking = asyncio.create_task(failing(ours))
            await heard.wait()
            await ours.close()
            failure = await asking
            assert (failure.kind, failure.fate) == ("network", "unknown")

    run(main())


def test_eight_calls_that_hang_keep_no_order_from_leaving() -> None:
    many = asyncio.Semaphore(0)

    async def hang(_: web.Request) -> web.Response:
        many.release()
        await asyncio.Event().wait()
        return web.json_response({})

    async def orders(_: web.Request) -> web.Response:
        return web.json_response({"id": "1"})

    async def main() -> None:
        async with serving(hang=hang, orders=orders) as address:
            budgets = unlimited()
            ours = http(address, budgets=budgets)
            hanging = [asyncio.create_task(candles(ours)) for _ in range(8)]
            for _ in range(6):
                await many.acquire()
            answer = await ours.call("POST", "/orders", call="place", priority="order", by=budgets.now() + 2000)
            assert answer.text("id") == "1"
            for task in hanging:
                task.cancel()
            await asyncio.wait(hanging)
            await ours.close()

    async def candles(ours: Http) -> None:
        await ours.call("GET", "/hang", call="candles", priority="history")

    run(main())
