"""One account's calls over HTTP: every answer is told in our own words, and says what is certain of an order."""

import asyncio
import ssl
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import DummyCookieJar, web

from pipeline.connections.calling import new_session, trusted
from pipeline.connections.contract import Limit
from pipeline.connections.counts import Counts
from pipeline.connections.http import Http
from pipeline.connections.offset import Offset
from pipeline.connections.statuses import StatusFailed, http_date, retry_after
from pipeline.connections.troubles import CallFailed
from pipeline.errors import InputError
from tests.loopback import failing, http, rough, run, serving, unlimited

NOON = 1_800_000_000_000


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


@pytest.mark.parametrize("end", ["", "/", "//"])
def test_a_slash_at_the_end_of_an_address_makes_no_other_address(end: str) -> None:
    heard = list[str]()

    async def good(request: web.Request) -> web.Response:
        heard.append(request.path)
        return web.json_response({})

    async def main() -> None:
        async with serving(good=good) as address:
            ours = http(address + end)
            await ours.call("GET", "/good", call="quote", priority="quote")
            await ours.close()

    run(main())
    assert heard == ["/good"]


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


# --- who may be asked ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "sentence"),
    [
        ("https://api.example.org", "url leads to api.example.org, and only these may be asked: api.example.com"),
        ("http://api.example.com", "url would send in the clear to api.example.com"),
        ("ftp://api.example.com", "url is not an address"),
        ("api.example.com", "url is not an address"),
        ("https://", "url is not an address"),
        ("https://xn--api.example.com", "url is not an address"),
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


def test_no_environment_has_the_keys_of_a_connection_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context = trusted.__wrapped__()
    assert context.keylog_filename is None
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


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
