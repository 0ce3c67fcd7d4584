"""Accounts of real connectors at a practice venue that fails for a while: each comes back by itself, and trades on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.border import Border
from pipeline.broker.app import Served, serving
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Settings
from pipeline.clocks import LoopClock
from pipeline.connections.contract import Holder
from pipeline.evidence import Closing, Inquiry, Lost, Standing, Statement, Trouble, Unsent
from pipeline.steps import Tube
from pipeline.times import MINUTE
from pipeline.values import Ack, Bars, Order, Past, Payouts, Quotes, Reject, Settlement
from sinks.deriv import Deriv
from sinks.http import Http
from tests.scripted import border
from tests.support import order

SPEED = 60.0
PATIENCE = 20.0
"""Seconds after which a test that waits has failed."""
ACCOUNTS = ("demo-1", "demo-2")


def at_deriv(url: str, **derived: Any) -> Any:
    return Deriv(url=url, practice=True, speed=SPEED, payout_slack=0.2, **derived)


def over_http(url: str, **derived: Any) -> Any:
    return Http(
        url=f"{url}/v1", practice=True, speed=SPEED, payout_slack=0.2, permission_page="", jurisdiction="", **derived
    )


class Life:
    """Two accounts of one venue's part, and what they say."""

    def __init__(self, served: Served, make: Callable[..., Any]) -> None:
        holders = {name: Holder(account=name, money="practice", currency="USD") for name in ACCOUNTS}
        part = make(served.url, holders=holders, products=("R_100",), slots=(MINUTE,))
        self.broker, self.said, self.failures = served.broker, list[Any](), list[Exception]()
        self.orders = Tube[Order | Inquiry | Closing]()
        self.host: Border = border()
        self.host.clock = LoopClock(asyncio.get_running_loop(), served.broker.now(), SPEED)
        self._came = asyncio.Event()
        stream = part(self.host, self.orders, Tube[Quotes | Bars](), Tube[Payouts](), Tube[Past]())
        self.subscription = stream.subscribe(self.take, self.failures.append)

    def take(self, said: Any) -> None:
        self.said.append(said)
        self._came.set()

    def strike(self, **fault: Any) -> None:
        self.broker.faults.set(Fault(**fault), self.broker.now())

    def send(self, name: str, account: str = "demo-1") -> None:
        now = self.host.now()
        self.orders.give(
            order("SEND", order=name, account=account, product="R_100", at=now, sent_at=now, request=f"r-{name}")
        )

    def states(self, account: str = "demo-1") -> list[str]:
        return [each.state for each in self.said if isinstance(each, Standing) and each.account == account]

    def of(self, name: str) -> list[type[Any]]:
        kinds = Ack | Reject | Unsent | Lost | Settlement
        return [type(each) for each in self.said if isinstance(each, kinds) and each.order == name]

    async def until(self, enough: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not enough():
                self._came.clear()
                await self._came.wait()

    async def connected(self) -> None:
        await self.until(lambda: all("CONNECTED" in self.states(name) for name in ACCOUNTS))

    async def cut_off(self) -> str:
        """Let every connection break and none be made for a while: the account that notices first, by a question."""
        self.strike(what="outage", lasts="90s")
        for account in ACCOUNTS:
            self.orders.give(Inquiry(account, 1, self.host.now() - 10 * MINUTE, self.host.now()))
        await self.until(lambda: any("RECONNECT" in self.states(name) for name in ACCOUNTS))
        return next(name for name in ACCOUNTS if "RECONNECT" in self.states(name))

    async def back(self, account: str) -> None:
        await self.until(lambda: self.states(account).count("CONNECTED") >= 2)


def lived(make: Callable[..., Any], play: Callable[[Life], Any]) -> Life:
    async def main() -> Life:
        settings = Settings(port=0, begin="2026-01-05T08:00:00Z", speed=SPEED, memory="")
        async with serving(settings) as served:
            life = Life(served, make)
            try:
                await play(life)
            finally:
                life.subscription.dispose()
                await life.host.left()
            assert not life.failures
            return life

    return asyncio.run(main())


EVERY = pytest.mark.parametrize("make", [at_deriv, pytest.param(over_http, marks=pytest.mark.slow)])
"""The other connector keeps the same rules by the same keeper: `make campaign` asks it too."""


@EVERY
def test_an_outage_is_outlived_and_orders_go_on(make: Callable[..., Any]) -> None:
    async def play(life: Life) -> None:
        await life.connected()
        away = await life.cut_off()
        life.send("o-1", away)
        await life.until(lambda: Unsent in life.of("o-1"))
        await life.back(away)
        life.send("o-2", away)
        await life.until(lambda: Settlement in life.of("o-2"))

    life = lived(make, play)
    assert life.of("o-2") == [Ack, Settlement]
    assert life.of("o-1") == [Unsent]


@EVERY
def test_a_contract_that_ends_while_the_connection_is_away_is_told_when_it_is_back(make: Callable[..., Any]) -> None:
    async def play(life: Life) -> None:
        await life.connected()
        for account in ACCOUNTS:
            life.send(f"o-{account}", account)
        await life.until(lambda: all(Ack in life.of(f"o-{account}") for account in ACCOUNTS))
        away = await life.cut_off()
        assert Settlement not in life.of(f"o-{away}")
        await life.back(away)
        await life.until(lambda: all(Settlement in life.of(f"o-{account}") for account in ACCOUNTS))

    life = lived(make, play)
    assert [life.of(f"o-{account}") for account in ACCOUNTS] == [[Ack, Settlement]] * 2


@EVERY
def test_maintenance_is_outlived_without_a_login_loop(make: Callable[..., Any]) -> None:
    async def play(life: Life) -> None:
        await life.connected()
        life.strike(what="maintenance", lasts="30s")
        life.send("o-1")
        await life.until(lambda: bool(life.of("o-1")))
        life.strike(what="outage", lasts="60s")
        await life.until(lambda: life.states()[-1] != "CONNECTED")
        await life.until(lambda: life.states()[-1] == "CONNECTED")
        life.send("o-2")
        await life.until(lambda: Ack in life.of("o-2"))

    life = lived(make, play)
    assert "REFUSED" not in life.states()


@EVERY
def test_one_account_whose_login_is_refused_leaves_the_other_trading(make: Callable[..., Any]) -> None:
    async def play(life: Life) -> None:
        life.strike(what="login_http_401", account="demo-1", times=1000)
        await life.until(lambda: "REFUSED" in life.states() and "CONNECTED" in life.states("demo-2"))
        life.send("o-1", "demo-1")
        life.send("o-2", "demo-2")
        await life.until(lambda: Settlement in life.of("o-2"))

    life = lived(make, play)
    assert life.of("o-1") == [Unsent]
    assert life.states()[-1] == "REFUSED"


@EVERY
def test_what_an_account_holds_is_listed_after_it_came_back(make: Callable[..., Any]) -> None:
    async def play(life: Life) -> None:
        await life.connected()
        for account in ACCOUNTS:
            life.send(f"o-{account}", account)
        await life.until(lambda: all(Ack in life.of(f"o-{account}") for account in ACCOUNTS))
        away = await life.cut_off()
        await life.back(away)
        await life.host.until(life.host.now() + 3_000)
        life.orders.give(Inquiry(away, 2, life.host.now() - 10 * MINUTE, life.host.now()))
        await life.until(lambda: any(each.number == 2 for each in life.said if isinstance(each, Statement)))

    life = lived(make, play)
    statement = next(each for each in life.said if isinstance(each, Statement) and each.number == 2)
    assert statement.fault == ""
    assert len(statement.contracts) == 1
    assert len([each for each in life.said if isinstance(each, Statement)]) == 3
    assert all(each.whose in ACCOUNTS for each in life.said if isinstance(each, Trouble))
