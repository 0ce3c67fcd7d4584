"""Until when an order may leave: not past its slot, not after it was given up, however long anything takes before."""

import asyncio
import socket

import pytest
from aiohttp import web
from msgspec.structs import replace

from pipeline.connections import offset
from pipeline.connections.calling import new_session
from pipeline.connections.contract import Holder, Limit
from pipeline.connections.troubles import CallFailed
from pipeline.evidence import Evidence, Lost, Terms
from pipeline.orders import LEAVING, leaves_by
from pipeline.times import MINUTE, SECOND
from tests.adversary import MANNER, SENT, Broker, Session
from tests.deriv_trading import failure_of, played, trading
from tests.generic_rig import venue
from tests.loopback import HERE, http, run, serving
from tests.support import MONDAY, order
from tests.test_executor import NAME, ticket


def test_an_order_leaves_within_ten_seconds_and_within_its_slot() -> None:
    early = order("SEND", sent_at=SENT + SECOND, wanted_at=SENT)
    assert leaves_by(early) == SENT + SECOND + LEAVING
    late = replace(early, sent_at=SENT + MINUTE - 2 * SECOND)
    assert leaves_by(late) == SENT + MINUTE


def test_what_finds_no_connection_by_its_moment_has_not_left() -> None:
    """A server whose queue is full lets nobody in: to connect takes as long as one waits."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as full:
            full.bind((HERE, 0))
            full.listen(0)
            address = full.getsockname()
            crowd = [socket.socket() for _ in range(4)]
            for each in crowd:
                each.setblocking(False)
                each.connect_ex(address)
            now = round(loop.time() * 1000)
            ours = http(f"http://{HERE}:{address[1]}", deadline=15.0)
            with pytest.raises(CallFailed) as failed:
                await ours.call("POST", "/orders", call="order", priority="order", body={}, by=now + 300)
            assert failed.value.fate == "unsent"
            assert loop.time() * 1000 < now + 5_000
            await ours.close()
            for each in crowd:
                each.close()

    run(main())


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system has no such patience to set")
def test_what_is_not_delivered_in_time_is_never_delivered() -> None:
    """The system keeps trying for a quarter of an hour by itself, whether anybody waits or not."""

    async def main() -> None:
        looked = asyncio.Event()

        async def hello(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await looked.wait()
            return response

        async with (
            serving(hello=hello) as address,
            new_session(3.0) as session,
            session.get(f"{address}/hello") as response,
        ):
            assert response.connection is not None
            assert response.connection.transport is not None
            ours = response.connection.transport.get_extra_info("socket")
            assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 3000
            looked.set()
            await response.read()

    run(main())


def test_an_order_that_waits_for_its_turn_past_its_slot_is_not_bought_at_deriv() -> None:
    async def test() -> None:
        async with trading() as trader:
            wanted = trader.order()
            gone = replace(wanted, bar=wanted.bar - 4 * wanted.tf, wanted_at=wanted.wanted_at - 3 * wanted.tf)
            failed = await failure_of(trader.connector.place(gone))
            assert failed.fate == "unsent"
            assert trader.bought() == []

    played(test)


def test_nothing_is_bought_at_deriv_while_its_clock_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offset, "SLOWEST", -1)

    async def test() -> None:
        async with trading(holder=Holder(account="demo-1", money="demo", currency="USD")) as trader:
            failed = await failure_of(trader.buy())
            assert (failed.fate, "is not known" in str(failed)) == ("unsent", True)
            assert trader.bought() == []

    played(test)


def test_an_order_that_waits_for_its_turn_past_its_slot_is_not_bought_over_http() -> None:
    async def main() -> None:
        async with venue() as there:
            connector = there.connector(limits=(Limit("requests", frozenset(), 100_000, reserve=1000),))
            await connector.open()
            wanted = there.order()
            gone = replace(wanted, bar=wanted.bar - 30 * wanted.tf)
            failed = await failure_of(connector.place(gone))
            assert failed.fate == "unsent"
            assert not there.broker.open_contracts("demo-1")

    asyncio.run(main())


def test_an_order_is_not_proved_absent_while_it_may_still_leave() -> None:
    """However short an executor's patience for answers is."""
    hasty = MANNER._replace(answer=SECOND)
    broker = Broker(Evidence(lists=True), ["lost_request"])
    session = Session(broker, {"demo-1": Terms("practice", broker.evidence)}, manner=hasty).begin(at=MONDAY)
    session.at(SENT, ticket())
    session.at(SENT + SECOND, Lost(NAME, "no answer", SENT + SECOND))
    session.until(SENT + LEAVING)
    assert session.states(NAME)[-1] == "UNKNOWN"
    session.until(SENT + 40 * SECOND)
    assert session.states(NAME)[-1] == "ABORT"
