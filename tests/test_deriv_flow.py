"""Whole flows at a venue that speaks Deriv's protocol: prices, orders, ends and statements, and what goes wrong."""

import asyncio
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline import virtual
from pipeline.broker.app import serving
from pipeline.broker.faults import Fault
from pipeline.broker.settings import Settings
from pipeline.engine import Setting, running
from pipeline.errors import InputError
from pipeline.evidence import Request, Standing
from pipeline.journal import Journal
from pipeline.ledger import Ledger
from pipeline.plan import LEDGER, Plan
from pipeline.states import ENDED
from pipeline.values import Bars, Certificate, Order, Past
from pipeline.verifying import verified
from tests.deriv_trading import PATIENCE, SPEED, played
from tests.support import MONDAY, plan_of

CONNECTING = ("DISCONNECTED", "AUTHENTICATING", "CONNECTED")
PRODUCTS = ("R_10", "R_25", "R_50", "R_75", "R_100", "1HZ100V")
FLOW = """
[moonlight]
block = 64

[accounts.demo-1]
venue = "deriv"

[accounts.demo-2]
venue = "deriv"

[venues.deriv]
use = "deriv"
url = "http://127.0.0.1:PORT"
practice = true
speed = SPEED
payout_slack = 0.05

[sources.market]
use = "deriv"
url = "ws://127.0.0.1:PORT/trading/v1/options/ws/public"
products = PRODUCTS
practice = true
speed = SPEED

[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]

[features]
fast = { use = "sma", period = 2 }
slow = { use = "sma", period = 3 }

[providers.cross]
use = "ema_cross"
fast = "fast"
slow = "slow"

[ensembles.main]
use = "weighted"
from = ["cross"]

[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1", "demo-2"]
stake = { use = "fixed", amount = "5.00" }
max_daily_loss = "500.00"

[sinks.orders]
use = "executor"
from = "main"
answer_seconds = 60
"""


class Seen:
    """What a flow gave."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.news = asyncio.Event()

    def take(self, node: str, value: Any) -> None:
        del node
        self.values.append(value)
        self.news.set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [each for each in self.values if isinstance(each, kind)]

    def orders(self) -> dict[str, Order]:
        """Each as it stands."""
        return {each.order: each for each in self.of(Order)}

    def ended(self) -> list[Order]:
        return [each for each in self.orders().values() if each.state in ENDED]

    async def until(self, enough: Any) -> None:
        async with asyncio.timeout(3 * PATIENCE):
            while not enough():
                self.news.clear()
                await self.news.wait()


def flow_at(port: int, more: str = "") -> Plan:
    products = "[" + ", ".join(f'"{each}"' for each in PRODUCTS) + "]"
    return plan_of(
        (FLOW + more).replace("PORT", str(port)).replace("SPEED", f"{SPEED:g}").replace("PRODUCTS", products)
    )


async def traded(folder: Path, faults: tuple[Fault, ...], orders: int, recorded: Path | None = None) -> Seen:
    """A flow that trades until so many orders have ended; then somebody asks for a certificate of each account."""
    settings = Settings(port=0, memory="", speed=SPEED, begin="2026-01-05T08:00:00Z", faults=faults)
    async with serving(settings) as served:
        plan, seen, clock = flow_at(served.port), Seen(), served.broker.clock
        journal = Journal(recorded, plan, clock.now()) if recorded is not None else None
        setting = Setting(mode="paper", begin=clock.now(), clock=clock)
        with Ledger(folder / "ledger.db") as ledger:
            async with running(plan, setting, ledger, Past((), {}), journal=journal, taps=(seen.take,)) as flow:
                await seen.until(lambda: len(seen.ended()) >= orders)
                known = len(seen.of(Certificate))
                flow.enter(LEDGER, Request("reconcile", "", clock.now(), "somebody"))
                await seen.until(lambda: len(seen.of(Certificate)) >= known + 2)
        if journal is not None:
            journal.close()
        for account in ("demo-1", "demo-2"):
            has = {each.id for each in served.broker.ended_contracts(account)}
            has |= {each.id for each in served.broker.open_contracts(account)}
            known_here = {each.contract for each in seen.orders().values() if each.account == account and each.contract}
            assert known_here <= has, "a contract that the venue has not"
            settled = [each for each in seen.ended() if each.account == account and each.state == "SETTLED"]
            told = {each.id: each.profit for each in served.broker.ended_contracts(account)}
            assert all(told[each.contract] == each.profit for each in settled)
    return seen


def test_a_flow_trades_by_the_venues_own_prices_and_everything_adds_up(tmp_path: Path) -> None:
    async def test() -> None:
        seen = await traded(tmp_path, (), 6)
        assert {each.cause for each in seen.ended() if each.state != "SETTLED"} <= {"not_sent"}  # too late by then
        last = {each.account: each for each in seen.of(Certificate)}
        for certificate in last.values():
            assert certificate.sound, certificate.unexplained
            assert certificate.contracts >= 2
        states = Counter((each.account, each.state) for each in seen.of(Standing))
        assert states == Counter({(name, state): 1 for name in ("demo-1", "demo-2") for state in CONNECTING})
        assert {each.product for each in seen.of(Bars)} == set(PRODUCTS)

    played(test)


def test_whatever_the_wire_does_each_order_has_one_contract_or_none_and_the_money_is_explained(tmp_path: Path) -> None:
    faults = (
        Fault(what="lost_request", account="demo-1", nth=1),
        Fault(what="reset_after", account="demo-1", nth=2),
        Fault(what="lost_settlement", account="demo-1", nth=3),
        Fault(what="http_503_accepted", account="demo-2", nth=1),
        Fault(what="reset_before", account="demo-2", nth=2),
        Fault(what="price_moved", account="demo-2", nth=3),
        Fault(what="duplicate_ack", account="demo-2", nth=4),
    )

    async def test() -> None:
        seen = await traded(tmp_path, faults, 11)
        states = Counter(each.state for each in seen.of(Order))
        assert states["UNKNOWN"] >= 2
        assert {each.cause for each in seen.ended() if each.state == "ABORT"} <= {"absent", "not_sent", "rejected"}
        last = {each.account: each for each in seen.of(Certificate)}
        for certificate in last.values():
            assert certificate.sound, certificate.unexplained
        contracts = Counter(each.contract for each in seen.orders().values() if each.contract)
        assert set(contracts.values()) == {1}

    played(test)


def test_a_recorded_session_is_made_again_without_any_network(tmp_path: Path) -> None:
    recorded = tmp_path / "recorded"

    async def test() -> None:
        await traded(tmp_path, (Fault(what="reset_before", nth=2),), 4, recorded)

    played(test)
    verdict = verified(recorded, tmp_path)
    assert verdict.difference is None
    assert verdict.same


def test_a_replay_settles_by_the_flows_own_prices_or_says_what_is_missing(tmp_path: Path) -> None:
    source = 'use = "synthetic"\nproducts = ["EURUSD"]\nstart = "2026-01-05T10:00:00Z"\n'
    begin, end = FLOW.index('use = "deriv"\nurl = "ws:'), FLOW.index("[operators.bars]")
    text = (FLOW[:begin] + source + "\n" + FLOW[end:]).replace("PORT", "1").replace("speed = SPEED\n", "")
    seen = Seen.__new__(Seen)
    seen.values = []

    async def main(plan: Plan) -> None:
        setting = Setting(mode="replay", begin=MONDAY)
        with Ledger(tmp_path / "replay.db") as ledger:
            async with running(
                plan, setting, ledger, Past((), {}), taps=(lambda _, value: seen.values.append(value),)
            ) as flow:
                await flow.border.until(MONDAY + 30 * 60_000)
                if flow.ended.done():
                    flow.ended.result()

    with pytest.raises(InputError, match=r"write replay_payout = 0\.95"):
        virtual.run(lambda _: main(plan_of(text)))
    virtual.run(lambda _: main(plan_of(text.replace("payout_slack = 0.05", "replay_payout = 0.9"))))
    settled = [each for each in seen.orders().values() if each.state == "SETTLED"]
    assert {each.profit for each in settled} == {Decimal("4.50"), Decimal("-5.00")}
