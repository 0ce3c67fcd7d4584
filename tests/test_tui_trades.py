"""The page of trades on a fixed ledger, and what its keys do."""

import asyncio
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from pipeline.engine import LEDGER_FILE
from pipeline.ledger import Ledger
from pipeline.times import MINUTE, SECOND
from pipeline.told.orders import OrderRow
from pipeline.view import AccountRow, PriceRow
from tests.ledgered import BAR, ENTRY, answering, many, name_of, on_ledger, order_of, sent, settled, taken
from tests.sample_view import NOON, SampleView
from tests.screens import Bench, golden, in_front, on_bench, run
from tui.asking import Engine
from tui.dialogs import Confirm
from tui.door import find
from tui.trades.blotter import KEPT, PAGE, Blotter
from tui.trades.contracts import bar, left_text
from tui.trades.order import OrderScreen
from tui.trades.orders import OrdersTable
from tui.trades.page import TradesPage
from tui.trades.worth import Purse, running, sums
from tui.why.screen import WhyScreen


def orders_of(bench: Bench) -> OrdersTable:
    return bench.app.query_one(OrdersTable)


# --- how it looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_trades_look_as_approved(tmp_path: Path, size: tuple[int, int]) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path, size) as bench:
            await bench.shows(
                "1 order is UNKNOWN", "win rate 57.1 %", "at stake 1.00", "at stake 2.00", "Orders today 9"
            )
            golden(f"trades_{size[0]}x{size[1]}", bench.app)
            await bench.press("end", "k", "k", "enter")
            await bench.shows("demo-1:EURUSD:1m", "explained by our own ticks", "of its win rate costs")
            golden(f"order_{size[0]}x{size[1]}", bench.app)

    run(main())


def test_numbers_that_carry_money_are_whole_in_the_smallest_terminal_and_real_money_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path, (60, 16)) as bench:
            await bench.shows("REAL 1.50 USD", "UNKNOWN", "at stake 2.00 best +1.76 worst −2.00")
            page = bench.app.query_one(TradesPage)
            for table, money in ((page.contracts, ("stake", "est")), (page.orders, ("stake", "P/L"))):
                shown = table._columns_for(table.content_size.width)  # pyright: ignore[reportPrivateUsage]
                assert {*money, "account", "side"} <= {column.head for column in shown}
            assert "REAL" in bench.text.splitlines()[0]

    run(main())


# --- what keys do ----------------------------------------------------------------------------------------------------


def test_filters_days_and_more_choose_which_orders_are_seen(tmp_path: Path) -> None:
    def fills(path: Path) -> None:
        Ledger(path).close()
        many(path, 230, NOON - 2 * MINUTE)
        many(path, 3, NOON - 40 * 3600 * SECOND, "demo-2")

    async def main() -> None:
        async with on_ledger(tmp_path, fills=fills) as bench:
            await bench.shows("Orders today 200 of 230", "n more")
            await bench.press("n")
            await bench.shows("Orders today 230")
            await bench.press("f", "f")
            await bench.shows("Orders today 230 · lost 0", "none of the 230 orders listed is lost; f shows others")
            await bench.press("f", "f", "f")
            await bench.shows("Orders today 230", "1–")
            await bench.press("d")
            await bench.shows("Orders of all days 200 of 233")
            await bench.press("end")
            await bench.shows("Orders of all days 233")  # going to the end asks for what is behind
            await bench.press("slash", *"account:demo-2", "enter")
            await bench.shows("shown 3", "01-0")

    run(main())


def test_from_an_order_one_goes_to_its_timeline_its_reasons_its_log_and_copies_its_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path) as bench:
            await bench.shows("Orders today 9")
            await bench.press("end", "k", "k", "k", "enter")
            await bench.shows("NOT explained by our ticks: exit 1.072", "entered at 1.0716", "SETTLED")
            await bench.press("y")
            name = name_of("demo-2", BAR - 3 * MINUTE)
            assert bench.app.clipboard == name
            await bench.press("Y")
            assert json.loads(bench.app.clipboard)["audit"]["verdict"] == "unexplained"
            await bench.press("w")
            await bench.shows(f"the ledger has no decision that order '{name}'"[:70])
            await bench.press("escape")
            await bench.until(lambda: isinstance(bench.app.screen, OrderScreen))
            await bench.press("L")
            await bench.until(lambda: in_front(bench) == "logs" and len(bench.app.screen_stack) == 1)
            await bench.press("4", "end", "k", "k", "w")
            await bench.until(lambda: isinstance(bench.app.screen, WhyScreen))
            await bench.shows("traded: 1.00 ▲ CALL", "since then")
            await bench.press("escape", "enter", "w", "c")
            await bench.until(lambda: in_front(bench) == "chart" and len(bench.app.screen_stack) == 1)
            await bench.shows("EURUSD 1m · demo-1")

    run(main())


def test_closing_early_waits_for_control_asks_with_what_follows_and_says_the_refusal(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_ledger(tmp_path) as bench:
            await bench.shows("Open contracts 3")
            page = bench.app.query_one(TradesPage)
            page.contracts.focus()
            await bench.press("x")
            await bench.shows("this console only looks; ^y takes control")
            await bench.press("ctrl+y", "space", "space", "x")
            await bench.until(lambda: isinstance(bench.app.screen, Confirm))
            await bench.shows("REAL · close 2 contracts early", "REAL live-7 EURUSD 1m", "Nothing of it can be undone")
            bench.now += 1
            await bench.press("enter")
            await bench.until(lambda: len(bench.app.screen_stack) == 1)
            await bench.press("ctrl+a", "ctrl+a", "home", "x")
            await bench.until(lambda: isinstance(bench.app.screen, Confirm))
            bench.now += 1
            await bench.press("y")
            await bench.until(lambda: any("takes no contract back" in line.text for line in bench.store.lines))
            await bench.shows("takes no")
            bench.app.query_one(OrdersTable).focus()
            await bench.press("x")
            await bench.shows("only a contract that runs")

    run(main())


def test_it_says_that_no_engine_is_there_and_keeps_what_was_told_when_one_goes(tmp_path: Path) -> None:
    async def main() -> None:
        async with on_bench(tmp_path, desk=False, page="trades") as bench:
            await bench.shows("Open contracts")
            assert "UNKNOWN" not in bench.text
        async with on_ledger(tmp_path) as bench:
            await bench.shows("Orders today 9")
            await bench.desk.stop()
            await bench.until(lambda: bench.store.state == "down")
            bench.now += 60
            await bench.shows("Orders today 9", "60s old: ", "✔ won")

    run(main())


# --- what it knows of orders -----------------------------------------------------------------------------------------


def test_the_list_has_no_gap_and_no_order_that_ended_stays_open_in_it(tmp_path: Path) -> None:
    path = tmp_path / LEDGER_FILE

    async def main() -> None:
        Ledger(path).close()
        view = SampleView()
        first = many(path, 450, NOON - 3600 * SECOND)
        with Ledger(path) as ledger:
            long = replace(order_of("demo-2", NOON - 3800 * SECOND), wanted_at=NOON - 3740 * SECOND)
            ledger.intend(long)
            ledger.follow(sent(long))
            ledger.follow(taken(long))
        bench = Bench(view, tmp_path, "trades", answering(tmp_path, view))
        await bench.desk.start()
        try:
            blotter = Blotter(Engine(lambda: find(None, tmp_path)), lambda: 0.0)
            blotter.begin(0)
            await blotter.look()
            assert [row.order for row in blotter.listed] == first[:PAGE]
            assert [row.order for row in blotter.running] == [long.order]
            assert blotter.total == 451
            await blotter.more()
            await blotter.more()
            assert {row.order for row in blotter.listed} == {*first, long.order}
            assert (blotter.next, len(blotter.listed)) == ("", 451)
            with Ledger(path) as ledger:
                ledger.follow(settled(long, won=False))
            await blotter.look()
            assert blotter.running == ()
            assert {row.order: row.result for row in blotter.listed}[long.order] == "lose"
            lost = replace(order_of("demo-2", NOON - 3900 * SECOND), wanted_at=NOON - 3840 * SECOND)
            with Ledger(path) as ledger:
                ledger.intend(lost)
            await blotter.look()
            assert [row.order for row in blotter.running] == [lost.order]
            with closing(sqlite3.connect(path)) as db, db:
                db.execute('DELETE FROM order_events WHERE "order" = ?', (lost.order,))
                db.execute('DELETE FROM orders WHERE "order" = ?', (lost.order,))
            await blotter.look()
            assert (blotter.running, blotter.why) == ((), "")
            assert lost.order not in {row.order for row in blotter.listed}
            second = many(path, 350, NOON - 3000 * SECOND)
            await blotter.look()  # they meet what is listed on the second page
            assert [row.order for row in blotter.listed if row.order != long.order] == [*second, *first]
            third = many(path, 6 * PAGE, NOON - 1000 * SECOND)
            await blotter.look()  # they do not, so the list begins anew
            listed = [row.order for row in blotter.listed]
            assert listed == third[: len(listed)]
            assert blotter.next
            blotter.begin(NOON)
            assert (blotter.listed, blotter.told) == ([], False)
            await asyncio.gather(blotter.look(), blotter.look())
            assert (blotter.listed, blotter.total, blotter.next, blotter.told) == ([], 0, "", True)
        finally:
            await bench.desk.stop()
        await blotter.look()
        assert "does not answer" in blotter.why or "no engine" in blotter.why

    run(main())


def test_a_list_nobody_asked_to_grow_stays_short_and_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    path = tmp_path / LEDGER_FILE

    async def main() -> None:
        Ledger(path).close()
        view = SampleView()
        names = many(path, 100, NOON - 9000 * SECOND)
        bench = Bench(view, tmp_path, "trades", answering(tmp_path, view))
        await bench.desk.start()
        try:
            blotter = Blotter(Engine(lambda: find(None, tmp_path)), lambda: 0.0)
            blotter.begin(0)
            await blotter.look()
            for at in range(1, 5):
                names = [*many(path, 700, NOON - 9000 * SECOND + at * 700 * SECOND), *names]
                await blotter.look()
            assert len(blotter.listed) <= KEPT < len(names)
            while blotter.next:
                await blotter.more()
            assert [row.order for row in blotter.listed] == names
        finally:
            await bench.desk.stop()

    run(main())


# --- what contracts are worth ----------------------------------------------------------------------------------------

ROW = OrderRow(
    order="o", account="demo-1", product="EURUSD", timeframe="1m", bar=BAR, direction="call", stake="1.00", payout=0.9,
    status="CONFIRM", at=NOON, began=NOON, reason="", cause="", contract="c", expiry=NOON + MINUTE, result="",
    profit="0", entry=None, exit=None, seen_entry=ENTRY,
)  # fmt: skip
ACCOUNTS = {
    "demo-1": AccountRow("demo-1", "practice", "practice", "USD", "1", "0", 0, 1),
    "live-7": AccountRow("live-7", "deriv", "real", "USD", "1", "0", 0, 1),
    "dry-7": AccountRow("dry-7", "deriv", "real", "USD", "1", "0", 0, 1, rehearsal=True),
}


def price(mid: float | None, state: str = "ok") -> PriceRow:
    return PriceRow("EURUSD", mid, mid, mid, NOON, state)  # type: ignore[arg-type]  # a word of few


@pytest.mark.parametrize(
    ("row", "now", "worth"),
    [
        (ROW, ENTRY + 0.0001, "0.90"),
        (ROW, ENTRY - 0.0001, "-1.00"),
        (replace(ROW, direction="put"), ENTRY - 0.0001, "0.90"),
        (replace(ROW, entry=ENTRY + 0.1), ENTRY + 0.0001, "-1.00"),
        (ROW, ENTRY, None),
        (ROW, None, None),
        (replace(ROW, seen_entry=None), ENTRY, None),
        (replace(ROW, status="UNKNOWN_RESULT"), ENTRY + 1, None),
        (replace(ROW, contract=""), ENTRY + 1, None),
    ],
)
def test_an_estimate_is_what_a_contract_pays_at_the_last_price_and_a_tie_or_what_is_unknown_has_none(
    row: OrderRow, now: float | None, worth: str | None
) -> None:
    assert running(row, price(now), NOON).estimate == (None if worth is None else Decimal(worth))


def test_countdown_and_bar_go_by_the_flows_clock_and_an_old_price_is_marked() -> None:
    half = running(ROW, price(1.1), NOON + 30 * SECOND)
    assert (left_text(half), bar(half.part), half.old) == ("00:30", "█████·····", False)
    over = running(ROW, price(1.1, "stale"), NOON + 61 * SECOND)
    assert (left_text(over), bar(over.part), over.old) == ("−00:01", "██████████", True)
    assert left_text(running(replace(ROW, expiry=0, status="SEND"), None, NOON)) == "sending"
    assert bar(running(replace(ROW, timeframe="0d"), None, NOON + 30 * SECOND).part) == "█████·····"


def test_kinds_of_money_are_never_added_up_and_a_rehearsal_is_nobodys_money() -> None:
    rows = [
        ROW,
        replace(ROW, stake="2.50"),
        replace(ROW, account="live-7", stake="3.00"),
        replace(ROW, account="live-7", stake="4.00", status="UNKNOWN"),
        replace(ROW, account="dry-7"),
        replace(ROW, account="gone"),
    ]
    found = {each.purse: each for each in sums(rows, ACCOUNTS)}
    assert list(found) == [
        Purse("REAL", "USD"),
        Purse("practice", "USD"),
        Purse("rehearsal", "USD"),
        Purse("unknown", ""),
    ]
    real, practice = found[Purse("REAL", "USD")], found[Purse("practice", "USD")]
    assert (real.running, real.stake, real.best, real.unknown, real.doubtful) == (
        1, Decimal("3.00"), Decimal("2.70"), 1, Decimal("4.00"),
    )  # fmt: skip
    assert (practice.stake, practice.best) == (Decimal("3.50"), Decimal("3.15"))
