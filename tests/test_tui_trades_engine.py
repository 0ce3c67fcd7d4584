"""The page of trades before an engine that runs: what it closes is closed there, and what it shows is so."""

from decimal import Decimal
from pathlib import Path

from pipeline.times import MINUTE
from tests.api_engine import EAGER_FLOW, Engine, on_engine
from tests.sample_view import SampleView
from tests.screens import Bench, beside_an_engine
from tests.support import MONDAY
from tui.dialogs import Confirm
from tui.trades.contracts import OpenContracts
from tui.why.screen import WhyScreen

HOURLY = EAGER_FLOW.replace('["1m", "5m"]', '["1h"]').replace("T10:00:00Z", "T10:59:00Z")


def test_a_contract_shows_its_entry_and_is_closed_in_the_engine_when_that_is_asked_for_and_confirmed(
    tmp_path: Path,
) -> None:
    async def check(engine: Engine) -> None:
        bench = Bench(SampleView(), engine.plan.folder, "trades")
        async with beside_an_engine(bench.app) as bench.pilot:
            contracts = bench.app.query_one(OpenContracts)
            await bench.until(lambda: any(each.row.seen_entry is not None and each.now for each in contracts.shown))
            await bench.shows("Open contracts 2", "practice USD  at stake")
            contracts.focus()
            row = contracts.row
            assert row is not None
            await bench.press("ctrl+y", "x")
            await bench.until(lambda: isinstance(bench.app.screen, Confirm))
            assert (await engine.get(f"/orders/{row.row.order}"))["order"]["status"] == "CONFIRM"
            bench.now += 1
            await bench.press("y")
            await bench.shows("closed early, ", "Open contracts 1")
            told = await engine.get(f"/orders/{row.row.order}")
            assert told["order"]["status"] == "SETTLED"
            assert Decimal(told["order"]["profit"]) in (Decimal("0.45"), Decimal("-0.75"))
            await bench.press("shift+tab", "tab", "w")
            await bench.until(lambda: isinstance(bench.app.screen, WhyScreen))
            await bench.shows("traded: 1.00 ▲ CALL", "cross", "as known then")
            await bench.press("escape", "q")

    on_engine(tmp_path, check, HOURLY, speed=60, begin=MONDAY + 59 * MINUTE)


def test_orders_are_counted_whole_by_what_became_of_them(tmp_path: Path) -> None:
    async def check(engine: Engine) -> None:
        told = await engine.get("/orders?limit=1&count=true")
        while sum(each["won"] + each["lost"] for each in told["counted"]) < 3:
            told = await engine.get("/orders?limit=1&count=true")
        await engine.post("/killswitch", {})
        while (await engine.get("/orders?status=NOT_ENDED"))["orders"]:
            pass
        (counted,) = (await engine.get("/orders?limit=1&count=true"))["counted"]
        every = (await engine.get("/orders?limit=500"))["orders"]
        assert counted.pop("account") == "demo-1"
        assert Decimal(counted.pop("profit")) == sum(Decimal(each["profit"]) for each in every)
        assert sum(counted.values()) == len(every)
        results = [each["result"] for each in every]
        assert (counted["won"], counted["lost"]) == (results.count("win"), results.count("lose"))

    on_engine(tmp_path, check, EAGER_FLOW)
