"""A token is made anew by one flight at a time, and no order is sent twice for it."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from aiohttp import web

from pipeline import virtual
from pipeline.connections.http import Http
from pipeline.connections.reading import Answer
from pipeline.connections.renewing import Renewing
from pipeline.connections.statuses import StatusFailed
from pipeline.connections.troubles import CallFailed
from tests.loopback import HERE, run, serving, unlimited


def played(main: Coroutine[Any, Any, None]) -> None:
    virtual.run(lambda _: main)


def answered(status: int) -> StatusFailed:
    kind = "auth" if status in {401, 403} else "network"
    return StatusFailed(kind, f"it was {status}", fate="refused", wait=None, status=status, answer=None)


class Door:
    """Lets in whoever has the last token it gave out; takes a second to give one."""

    def __init__(self) -> None:
        self.given = 0
        self.calls = 0
        self.old = list[str | None]()
        self.failing: list[CallFailed] = []

    async def login(self, old: str | None) -> str:
        self.old.append(old)
        await asyncio.sleep(1)
        if self.failing:
            raise self.failing.pop(0)
        self.given += 1
        return f"token {self.given}"

    async def ask(self, token: str) -> str:
        self.calls += 1
        await asyncio.sleep(0.1)
        if token != f"token {self.given}":
            raise answered(401)
        return token

    async def forbid(self, token: str) -> str:
        self.calls += 1
        raise answered(403)


def test_the_first_calls_log_in_once_together() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        assert await asyncio.gather(*(tokens.use(door.ask) for _ in range(8))) == ["token 1"] * 8
        assert door.old == [None]

    played(main())


def test_eight_calls_that_meet_an_old_token_renew_it_once_and_go_on() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        await tokens.token()
        door.given = 7
        assert await asyncio.gather(*(tokens.use(door.ask) for _ in range(8))) == ["token 8"] * 8
        assert (door.old, door.calls) == ([None, "token 1"], 16)

    played(main())


def test_a_late_call_with_the_old_token_takes_the_new_one_without_another_login() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        old = await tokens.token()

        async def late(token: str) -> str:
            if token == old:
                await asyncio.sleep(60)
            return await door.ask(token)

        waiting = asyncio.create_task(tokens.use(late))
        await asyncio.sleep(1)
        door.given += 1
        await tokens.use(door.ask)
        assert await waiting == "token 3"
        assert len(door.old) == 2

    played(main())


def test_an_order_is_not_sent_again_and_the_next_has_a_new_token() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        await tokens.token()
        door.given = 7
        with pytest.raises(StatusFailed):
            await tokens.use(door.ask, again=False)
        assert door.calls == 1
        assert await tokens.use(door.ask, again=False) == "token 8"
        assert door.old == [None, "token 1"]

    played(main())


def test_who_may_not_do_something_is_not_logged_in_anew() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        with pytest.raises(StatusFailed):
            await tokens.use(door.forbid)
        assert (door.old, door.calls) == ([None], 1)

    played(main())


def test_a_refused_login_is_final_and_costs_one_attempt_however_many_ask() -> None:
    async def main() -> None:
        door = Door()
        door.failing = [answered(401)]
        tokens = Renewing(door.login)
        failures = await asyncio.gather(*(tokens.use(door.ask) for _ in range(8)), return_exceptions=True)
        failures += await asyncio.gather(*(tokens.use(door.ask) for _ in range(8)), return_exceptions=True)
        assert [(each.kind, each.fate, each.final) for each in failures if isinstance(each, CallFailed)] == [
            ("auth", "unsent", True)
        ] * 16
        assert (door.old, door.calls) == ([None], 0)

    played(main())


def test_a_login_that_was_not_reached_is_tried_again_by_the_next_call() -> None:
    async def main() -> None:
        door = Door()
        door.failing = [CallFailed("network", "nobody there")]
        tokens = Renewing(door.login)
        with pytest.raises(CallFailed, match="nobody there") as failed:
            await tokens.use(door.ask)
        assert (failed.value.fate, failed.value.final) == ("unsent", False)
        assert await tokens.use(door.ask) == "token 1"

    played(main())


def test_a_call_that_was_refused_for_its_token_stays_refused_when_there_is_no_other() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        await tokens.token()
        door.given = 7
        door.failing = [CallFailed("network", "nobody there")]
        with pytest.raises(CallFailed, match="nobody there") as failed:
            await tokens.use(door.ask)
        assert failed.value.fate == "refused"

    played(main())


def test_a_token_that_is_about_to_run_out_is_made_anew_before_it_is_used() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login, fresh=lambda each: each != "token 1")
        await tokens.token()
        assert await tokens.use(door.ask) == "token 2"
        assert door.calls == 1

    played(main())


def test_who_began_a_login_and_gave_up_leaves_it_to_the_others() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        first, second = (asyncio.create_task(tokens.use(door.ask)) for _ in range(2))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await second == "token 1"
        assert first.cancelled()
        assert door.old == [None]

    played(main())


def test_closing_ends_a_login_under_way_for_all_who_wait_for_it() -> None:
    async def main() -> None:
        door = Door()
        tokens = Renewing(door.login)
        waiting = asyncio.create_task(tokens.use(door.ask))
        await asyncio.sleep(0.5)
        await tokens.close()
        with pytest.raises(CallFailed, match="given up here") as failed:
            await waiting
        assert failed.value.fate == "unsent"
        await tokens.close()

    played(main())


def test_eight_calls_in_every_room_there_is_do_not_block_the_login_they_all_need() -> None:
    """Over a real connection: the renewal needs no room that they hold, and each order leaves once."""
    logins, orders = list[str](), list[str]()

    async def login(_: web.Request) -> web.Response:
        logins.append(f"token {len(logins) + 1}")
        return web.json_response({"access_token": logins[-1]})

    async def order(request: web.Request) -> web.Response:
        orders.append(request.query["n"])
        known = request.headers["Authorization"] == "Bearer token 2"
        return web.json_response({}, status=200 if known else 401)

    async def candles(request: web.Request) -> web.Response:
        known = request.headers["Authorization"] == "Bearer token 2"
        return web.json_response({}, status=200 if known else 401)

    async def main() -> None:
        async with serving(login=login, order=order, candles=candles) as address:
            ours = Http(address, hosts=(HERE,), deadline=5.0, budgets=unlimited(at_once=8))

            async def renew(_: str | None) -> str:
                said = await ours.call("POST", "/login", call="login", priority="order", limited=False)
                return said.text("access_token")

            tokens = Renewing(renew)

            async def ask(token: str) -> Answer:
                headers = {"Authorization": f"Bearer {token}"}
                return await ours.call("GET", "/candles", call="candles", priority="history", headers=headers)

            async def place(token: str, n: int) -> Answer:
                headers = {"Authorization": f"Bearer {token}"}
                return await ours.call(
                    "POST", "/order", call="place", priority="order", headers=headers, query={"n": n}
                )

            await tokens.token()
            asked = [tokens.use(ask) for _ in range(16)]
            sent = [tokens.use(lambda token, n=n: place(token, n), again=False) for n in range(8)]
            results = await asyncio.gather(*asked, *sent, return_exceptions=True)
            assert all(isinstance(each, Answer) for each in results[:16])
            await tokens.close()
            await ours.close()

    run(main())
    assert logins == ["token 1", "token 2"]
    assert sorted(orders) == sorted(set(orders))
