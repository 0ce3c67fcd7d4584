"""The practice venue over HTTP as any client sees it, and brokers that misbehave as no venue does."""

import json
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from pipeline.connections.troubles import CallFailed
from pipeline.generic.channel import Channel
from pipeline.generic.connector import GenericConnector
from pipeline.generic.site import site_of
from pipeline.secret import Login, Secret
from pipeline.times import MINUTE, SECOND
from tests.generic_rig import BEGAN, Venue, run, venue

CANARY = "canary-0123456789-bird"


@asynccontextmanager
async def asking(there: Venue) -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=f"{there.url}/") as session:
        yield session


async def token_of(session: aiohttp.ClientSession, account: str = "demo-1") -> str:
    body = {"username": account, "password": f"practice-{account}"}
    async with session.post("auth/login", json=body) as response:
        return (await response.json())["access_token"]


async def said(session: aiohttp.ClientSession, path: str, token: str = "", **query: str) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with session.get(path, params=query, headers=headers) as response:
        return response.status, await response.json()


# --- the venue -------------------------------------------------------------------------------------------------------


def test_everything_about_an_account_wants_its_token() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            for path in ("account", "account/entries", "orders", "orders/4711"):
                assert (await said(session, path))[0] == 401
                assert (await said(session, path, "made-up"))[0] == 401
            assert (await said(session, "market/quote", symbol="R_100"))[0] == 200
            async with session.post("orders", json={}) as response:
                assert response.status == 401

    run(main())


def test_an_accounts_contracts_are_nobody_elses() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            ack = await (await there.opened("demo-1")).place(there.order())
            mine, other = await token_of(session), await token_of(session, "demo-2")
            assert (await said(session, f"orders/{ack.contract}", mine))[0] == 200
            assert (await said(session, f"orders/{ack.contract}", other))[0] == 404
            assert (await said(session, "orders", other, since="0"))[1]["orders"] == []

    run(main())


def test_a_listing_comes_in_pages_that_are_all_of_one_moment() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            account = await there.opened()
            bought = [(await account.place(there.order(each))).contract for each in range(5)]
            await there.here.until(there.here.now() + SECOND)
            token, after, got, moments = await token_of(session), "", list[str](), set[int]()
            while True:
                _, page = await said(session, "orders", token, since="0", limit="2", after=after)
                got += [each["id"] for each in page["orders"]]
                moments.add(page["as_of"])
                after = page["next"] or ""
                if not after:
                    break
            assert got == bought
            assert len(moments) == 1
            status, told = await said(session, "orders", token, after="1.0")
            assert (status, told["error"]["code"]) == (400, "after")

    run(main())


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("market/candles", {"symbol": "R_100", "tf": "7m"}, 400),
        ("market/candles", {"symbol": "R_100", "tf": "1m", "n": "-3"}, 400),
        ("market/candles", {"tf": "1m"}, 400),
        ("market/quote", {"symbol": "frxEURUSD"}, 404),
        ("market/payout", {"symbol": "R_100", "tf": "1m", "amount": "much"}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_code_and_a_sentence(
    path: str, query: dict[str, str], status: int
) -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            got, table = await said(session, path, **query)
            assert got == status
            assert table["error"]["message"].endswith(".")

    run(main())


def test_a_body_that_is_no_table_and_one_that_is_too_large_are_refused() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            for body, status in ((b"[1]", 400), (b"{", 400), (b"[" * 9000, 400), (b" " * 100_000, 413)):
                async with session.post("auth/login", data=body) as response:
                    assert response.status == status

    run(main())


def test_a_stream_wants_to_know_who_listens_and_tells_of_nobody_elses_contracts() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, asking(there) as session:
            async with session.ws_connect("stream") as socket:
                await socket.send_json({"type": "auth", "token": "made-up"})
                assert (await socket.receive_json())["error"]["code"] == "unauthorized"
            async with session.ws_connect("stream") as socket:
                await socket.send_json({"type": "subscribe", "id": 1, "channel": "quotes"})
                assert (await socket.receive_json())["type"] == "bye"
            async with session.ws_connect("stream") as socket:
                await socket.send_json({"type": "auth"})
                assert (await socket.receive_json())["type"] == "ready"
                await socket.send_json({"type": "subscribe", "id": 1, "channel": "orders"})
                assert (await socket.receive_json())["type"] == "error"
            async with session.ws_connect("stream") as socket:
                await socket.send_json({"type": "auth", "token": await token_of(session, "demo-2")})
                await socket.receive_json()
                await socket.send_json({"type": "subscribe", "id": 1, "channel": "orders"})
                await socket.receive_json()
                await (await there.opened("demo-1")).place(there.order())
                await socket.send_json({"type": "ping", "id": 2})
                assert (await socket.receive_json())["type"] == "pong", "nothing else came before"

    run(main())


def test_a_token_that_runs_out_ends_the_stream_with_a_word() -> None:
    async def main() -> None:
        async with venue(speed=900.0) as there, asking(there) as session, session.ws_connect("stream") as socket:
            await socket.send_json({"type": "auth", "token": await token_of(session)})
            assert (await socket.receive_json())["type"] == "ready"
            told = await socket.receive_json()
            assert (told["type"], told["error"]["code"]) == ("bye", "unauthorized")
            assert there.broker.now() >= BEGAN + 15 * MINUTE

    run(main())


# --- brokers that misbehave ------------------------------------------------------------------------------------------


@asynccontextmanager
async def broker(there: Venue, **answers: Any) -> AsyncGenerator[str]:
    """A broker that gives the same answer to each call by its last word: a table, or a status and what it heard."""

    async def answer(request: web.Request) -> web.StreamResponse:
        name = request.path.rpartition("/")[2]
        if name == "stream":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            heard = str((await socket.receive()).data)
            await socket.send_str(json.dumps({"type": "bye", "error": {"code": "x", "message": f"no: {heard}"}}))
            await socket.close()
            return socket
        given = answers.get(name, {})
        if isinstance(given, int):
            heard = f"{await request.text()} {dict(request.headers)} {request.query_string}"
            return web.json_response({"error": {"code": "x", "message": heard}}, status=given)
        return web.json_response(given)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.stack.push_async_callback(runner.cleanup)
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


CAPABILITIES: dict[str, Any] = {
    "contract": 1,
    "evidence": {"lists": True, "echoes": True, "once": True, "closes": True},
    "tie": "lose",
    "currencies": ["USD"],
    "durations": {"least": "1m", "most": "1h"},
    "stake": {"least": "1.00"},
}
TOKEN = {"access_token": CANARY, "expires_in": 900}


def connector(there: Venue, url: str) -> GenericConnector:
    login = Login({"username": "demo-1"}, {"password": Secret(CANARY), "otp": Secret(f"{CANARY}-otp")})
    made = there.connector(login=lambda: login, site=site_of(url, "", (), 2.0, practice=True))
    there.stack.push_async_callback(made.close)
    return made


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429, 500, 503])
@pytest.mark.parametrize("where", ["login", "account"])
def test_a_broker_that_repeats_what_it_heard_gets_no_secret_into_our_sentences(status: int, where: str) -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            answers: dict[str, Any] = {"capabilities": CAPABILITIES, "login": TOKEN, where: status}
            async with broker(there, **answers) as url:
                with pytest.raises(CallFailed) as failed:
                    await connector(there, url).open()
                shown = "".join(traceback.format_exception(failed.value)) + repr(failed.value)
                assert CANARY not in shown
                assert "canary" not in " ".join(each.what for each in there.heard.troubles)

    run(main())


def test_a_stream_that_repeats_the_token_gets_none_into_our_sentences() -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there, broker(there) as url:
            channel = Channel(site_of(url, "", (), 2.0, practice=True), lambda _: None)
            with pytest.raises(CallFailed, match="says goodbye") as failed:
                await channel.open(Secret(CANARY))
            assert CANARY not in str(failed.value)
            await channel.close()

    run(main())


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"capabilities": {}}, "format"),
        ({"capabilities": []}, "format"),
        ({"login": {"access_token": 5, "expires_in": 1}}, "format"),
        ({"account": {"kind": "demo"}}, "format"),
        ({"ping": {"server_time": "soon"}}, "format"),
    ],
)
def test_a_broker_that_does_not_keep_to_the_contract_is_not_understood_and_that_is_said(
    changes: dict[str, Any], kind: str
) -> None:
    async def main() -> None:
        async with venue(speed=1.0) as there:
            account = {
                "account": "a",
                "kind": "demo",
                "currency": "USD",
                "balance": "1.00",
                "scopes": ["read", "trade"],
            }
            answers = {"capabilities": CAPABILITIES, "login": TOKEN, "account": account} | changes
            async with broker(there, **answers) as url:
                with pytest.raises(CallFailed) as failed:
                    await connector(there, url).open()
                assert failed.value.kind == kind

    run(main())
