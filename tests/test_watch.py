"""What a running flow looks like from outside."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.clocks import Planned
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.statistics.records import record
from pipeline.times import DAY, MINUTE, SECOND, parse_moment
from pipeline.values import Approved, Decisions, Dropped, Fault, Order, OrderState, Past, Ticket
from pipeline.view import TRADED, Chart, KeyName, KeyRow, Mark, View
from pipeline.watch import SILENT, Watch
from tests.driven import bars_of, walk
from tests.support import MONDAY, SMALL, order, plan_of, play, quotes

PLAN = plan_of()
EURUSD, BTCUSD = KeyName("demo-1", "EURUSD", "1m"), KeyName("demo-1", "BTCUSD", "1m")
SATURDAY = parse_moment("2026-01-10T12:00:00Z")
NAME = f"demo-1:EURUSD:1m:{MONDAY}"


class Hand:
    """A clock that is moved by hand."""

    speed = 1.0

    def __init__(self, moment: int = MONDAY) -> None:
        self.moment = moment

    def now(self) -> int:
        return self.moment

    def shown(self) -> int:
        return self.moment

    def at(self, moment: int, act: Callable[[], object], *, last: bool = False) -> Planned:
        raise AssertionError("who only watches plans nothing")

    def step(self, millis: int) -> None:
        self.moment += millis


class Watched:
    """A watch with its clock."""

    def __init__(self, begin: int = MONDAY, plan: Plan = PLAN) -> None:
        self.clock = Hand(begin)
        self.watch = Watch(plan, begin, 1.0)
        self.watch.begins(self.clock)

    def tell(self, *items: Any, after: int = 0) -> "Watched":
        self.clock.moment += after
        for item in items:
            self.watch.told("somebody", item)
        return self

    def row(self, name: KeyName = EURUSD) -> KeyRow:
        return next(row for row in self.watch.keys(0).rows if row.name == name)

    def chart(self, name: KeyName = EURUSD, bars: int = 100) -> Chart:
        chart = self.watch.chart(name, bars)
        assert chart is not None
        return chart


def decisions(*verdicts: int, orders: dict[int, Approved] | None = None, begin: int = MONDAY) -> Decisions:
    rows = len(verdicts)
    bars = begin + MINUTE * np.arange(rows, dtype=np.int64)
    numbers = np.full(rows, 0.4)
    return Decisions(
        account="demo-1",
        product="EURUSD",
        tf=MINUTE,
        gates=("ready", "payout"),
        open_ts=bars,
        at=bars + MINUTE,
        verdict=np.array(verdicts, np.int8),
        value=numbers,
        threshold=numbers,
        score=-numbers,
        direction=np.full(rows, -1, np.int8),
        payout=numbers,
        orders=orders or {},
        explained={},
    )


def traded(bar: int = MONDAY) -> Decisions:
    ticket = Ticket("demo-1", "EURUSD", MINUTE, bar, bar + MINUTE, "put", -0.4, 0.9)
    return decisions(-1, orders={0: Approved(ticket, NAME, order().stake)}, begin=bar)


def own(state: OrderState, **facts: Any) -> Order:
    return order(state, order=NAME, **facts)


WON: dict[str, Any] = {"result": "win", "profit": "0.90", "entry": 1.25, "expiry": MONDAY + 2 * MINUTE}


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_it_is_what_an_engine_has_to_offer() -> None:
    view: View = Watched().watch
    hello = view.hello()
    assert (hello.flow, hello.mode, hello.clock, hello.display_timezone) == ("flows", "paper", MONDAY, "UTC")
    assert view.status().state == "RUNNING"


def test_bars_decisions_drops_and_faults_are_counted() -> None:
    watched = Watched().tell(
        bars_of(walk(1, 5), fresh=2),
        bars_of(walk(1, 9), fresh=0),
        decisions(0, 1, 0),
        Dropped("EURUSD", "late", 2),
        Dropped("BTCUSD", "late", 1),
        Dropped("BTCUSD", "unfit price", 1),
        Fault("providers.fade", MONDAY, "ValueError: no"),
    )
    watched.watch.told("sources.market", bars_of(walk(1, 5), fresh=2))  # whoever makes bars of them gives them on
    status = watched.watch.status()
    assert (status.bars, status.decisions, status.faults) == (2, 3, 1)
    assert status.drops == {"late": 3, "unfit price": 1}
    assert status.last_fault == "providers.fade: ValueError: no"
    assert status.keys == 4


def test_quotes_a_second_are_those_of_real_time() -> None:
    watched = Watched()
    watched.tell(quotes("EURUSD", [MONDAY] * 30, [1.1] * 30), after=10 * SECOND)
    assert watched.watch.status().quotes_per_second == 3.0


def test_an_orders_life_is_counted_once_whatever_is_told_twice() -> None:
    watched = Watched()
    for state in ("SEND", "SEND", "CONFIRM", "CONFIRM"):
        watched.tell(own(state))
    orders = watched.watch.status().orders
    assert (orders.sent, orders.open, orders.settled) == (1, 1, 0)
    watched.tell(own("SETTLED", **WON))
    orders = watched.watch.status().orders
    assert (orders.sent, orders.open, orders.settled) == (1, 0, 1)


@pytest.mark.parametrize(
    ("state", "count"), [("ABORT", "rejected"), ("UNKNOWN_RESULT", "unknown"), ("UNKNOWN", "unknown")]
)
def test_orders_that_came_to_nothing_are_counted_apart(state: OrderState, count: str) -> None:
    orders = Watched().tell(own("SEND"), own(state)).watch.status().orders
    assert (getattr(orders, count), orders.open) == (1, 0)


def test_money_is_what_settled() -> None:
    watched = Watched().tell(own("CONFIRM"), own("SETTLED", **WON))
    (account,) = watched.watch.status().accounts
    assert (account.balance, account.day_profit, account.open, account.keys) == ("100.90", "+0.90", 0, 4)
    assert watched.row().profit == "+0.90"


def test_the_days_profit_begins_anew_at_midnight() -> None:
    watched = Watched().tell(own("SETTLED", **WON), after=DAY)
    (account,) = watched.watch.status().accounts
    assert (account.balance, account.day_profit) == ("100.90", "+0.00")


def test_what_the_ledger_knew_is_part_of_the_picture() -> None:
    past = Past((own("SETTLED", **WON), order("CONFIRM", order="b")), {"demo-1": order(profit="-5").profit})
    status = Watched().tell(past).watch.status()
    assert (status.accounts[0].balance, status.accounts[0].open, status.wins) == ("95.90", 1, 1)


def test_a_win_rate_is_told_with_its_interval_its_break_even_and_its_n() -> None:
    watched = Watched()
    assert watched.watch.status().win_rate_text
    for number, (result, profit) in enumerate((("win", "0.90"), ("win", "0.90"), ("lose", "-1"), ("push", "0"))):
        bar = MONDAY + number * MINUTE
        watched.tell(order("SETTLED", order=str(number), bar=bar, result=result, profit=profit))
    status = watched.watch.status()
    assert (status.wins, status.losses, status.pushes) == (2, 1, 1)
    text = status.win_rate_text
    assert "66.7" in text
    assert "52.6" in text
    assert "3" in text


def test_accounts_that_traded_one_bar_had_one_chance_between_them() -> None:
    others = '[accounts.demo-2]\nvenue = "practice"\n\n[accounts.demo-3]\nvenue = "practice"\n\n[venues.practice]'
    watched = Watched(plan=plan_of(SMALL.replace("[venues.practice]", others)))
    for account in ("demo-1", "demo-2", "demo-3"):
        watched.tell(order("SETTLED", order=account, account=account, result="win", profit="0.9"))
    (rate,) = watched.watch.win_rates.values()
    assert (rate.wins, rate.effective) == (3, 1.0)


def test_the_console_says_of_trades_that_end_together_what_a_report_says_of_them() -> None:
    watched = Watched()
    trades = [
        order(
            "SETTLED",
            order=f"{bar} {product}",
            product=product,
            bar=MONDAY + bar * MINUTE,
            expiry=MONDAY + (bar + 2) * MINUTE,
            result="win" if bar % 3 else "lose",
            profit="0.9" if bar % 3 else "-1",
        )
        for bar in range(20)
        for product in ("EURUSD", "BTCUSD", "XAUUSD")
    ]
    watched.tell(*trades)
    reported = record("paper", trades, "USD").win_rate
    assert reported.effective == pytest.approx(20), "they won and lost together"
    assert watched.watch.status().win_rate_text == str(reported)


def test_trades_of_several_kinds_of_money_are_not_added_in_the_console() -> None:
    mixed = SMALL.replace("[moonlight]", '[moonlight]\nmode = "live"')
    mixed = mixed.replace(
        "[venues.practice]", '[accounts.other]\nvenue = "practice"\ncurrency = "EUR"\n\n[venues.practice]'
    )
    watched = Watched(plan=plan_of(mixed))
    for account in ("demo-1", "other"):
        watched.tell(order("SETTLED", order=account, account=account, result="win", profit="0.9"))
    status = watched.watch.status()
    assert status.wins == 2
    assert status.win_rate_text.count("n=1") == 2
    assert "EUR 100.0 %" in status.win_rate_text


# --- keys ------------------------------------------------------------------------------------------------------------


def test_the_first_time_all_keys_are_told_and_then_only_those_that_changed() -> None:
    watched = Watched()
    first = watched.watch.keys(0)
    assert first.full
    assert [(row.product, row.timeframe) for row in first.rows] == [
        ("EURUSD", "1m"),
        ("EURUSD", "5m"),
        ("BTCUSD", "1m"),
        ("BTCUSD", "5m"),
    ]
    watched.tell(quotes("BTCUSD", [MONDAY], [65_000.0]))
    second = watched.watch.keys(first.version)
    assert not second.full
    assert {row.product for row in second.rows} == {"BTCUSD"}
    third = watched.watch.keys(second.version)
    assert (third.rows, third.version) == ((), second.version)


def test_a_row_has_the_latest_of_everything() -> None:
    watched = Watched().tell(quotes("EURUSD", [MONDAY, MONDAY + 5], [1.1, 1.2]), decisions(0, 1), own("CONFIRM"))
    row = watched.row()
    assert (row.price, row.updated, row.digits) == (pytest.approx(1.2), MONDAY + 5, 5)
    assert (row.last_bar, row.verdict, row.direction, row.score, row.open) == (MONDAY + MINUTE, "payout", -1, -0.4, 1)


@pytest.mark.parametrize(("price", "digits"), [(1.1, 5), (156.2, 3), (65_000.0, 2)])
def test_a_price_is_shown_with_as_many_digits_as_its_tick(price: float, digits: int) -> None:
    assert Watched().tell(quotes("EURUSD", [MONDAY], [price])).row().digits == digits


def test_a_key_with_quotes_runs_and_without_them_it_is_stale() -> None:
    watched = Watched().tell(quotes("EURUSD", [MONDAY], [1.1]), decisions(1))
    assert watched.row().state == "RUN"
    watched.clock.moment = MONDAY + SILENT
    assert watched.row().state == "RUN"
    watched.clock.moment = MONDAY + SILENT + 1_000
    assert watched.row().state == "STALE"


def test_a_state_that_changes_with_time_alone_is_a_change() -> None:
    watched = Watched().tell(quotes("EURUSD", [MONDAY], [1.1]), quotes("BTCUSD", [MONDAY], [1.1]), decisions(1))
    seen = watched.watch.keys(0).version
    watched.clock.moment = MONDAY + SILENT + 1_000
    assert {row.state for row in watched.watch.keys(seen).rows} == {"STALE"}


def test_in_a_closed_market_a_key_is_closed_and_not_stale() -> None:
    watched = Watched(SATURDAY - SILENT).tell(after=2 * SILENT)
    assert (watched.row(EURUSD).state, watched.row(BTCUSD).state) == ("CLOSED", "STALE")


def test_a_key_that_is_not_ready_says_how_warm_it_is() -> None:
    watched = Watched().tell(
        bars_of(walk(1, 12), product="EURUSD", fresh=1), quotes("EURUSD", [MONDAY], [1.1]), decisions(0)
    )
    assert watched.row().state == "WARM 12/30"
    assert watched.tell(decisions(1, begin=MONDAY + MINUTE)).row().state == "RUN"


def test_an_order_of_unknown_outcome_freezes_its_key_until_it_is_known() -> None:
    watched = Watched().tell(quotes("EURUSD", [MONDAY], [1.1]), decisions(1), own("SEND"), own("UNKNOWN"))
    assert watched.row().state == "FROZEN"
    assert watched.row(KeyName("demo-1", "EURUSD", "5m")).state != "FROZEN"
    assert watched.tell(own("SETTLED", **WON)).row().state == "RUN"


# --- charts ----------------------------------------------------------------------------------------------------------


def test_a_mark_of_a_trade_is_completed_by_its_settlement() -> None:
    watched = Watched().tell(bars_of(walk(1, 3), product="EURUSD", fresh=3), traded())
    assert watched.chart().marks == (Mark(MONDAY, TRADED, -1, NAME),)
    watched.tell(own("CONFIRM", entry=1.25, expiry=MONDAY + 2 * MINUTE))
    assert watched.chart().marks[0].result is None
    watched.tell(own("SETTLED", **WON))
    assert watched.chart().marks == (Mark(MONDAY, TRADED, -1, NAME, "win", "0.90", 1.25, MONDAY + 2 * MINUTE),)


def test_a_chart_has_the_bars_their_features_and_the_marks_on_them() -> None:
    bars = bars_of(walk(1, 40), product="EURUSD")
    watched = Watched().tell(bars, decisions(*[0] * 40))
    chart = watched.chart(bars=10)
    assert chart.bars.open_ts == tuple(bars.open_ts[-10:].tolist())
    assert chart.bars.close == tuple(bars.close[-10:].tolist())
    assert [mark.bar for mark in chart.marks] == bars.open_ts[-10:].tolist()
    assert chart.columns.keys() == {"fast", "slow"}
    assert all(len(column) == 10 for column in chart.columns.values())
    assert chart.columns["fast"][-1] == pytest.approx(float(bars.close[-3:].mean()))
    assert watched.chart(bars=40).columns["slow"][:7] == (None,) * 7


def test_the_forming_bar_follows_the_quotes_and_is_gone_when_it_is_final() -> None:
    begin = MONDAY + 3 * MINUTE
    watched = Watched().tell(bars_of(walk(1, 3), product="EURUSD"))
    for second, price in ((1, 1.2), (2, 1.4), (3, 1.1), (4, 1.3)):
        watched.tell(quotes("EURUSD", [begin + second * SECOND], [price]))
    forming = watched.chart().forming
    assert forming is not None
    shown = (forming.open, forming.high, forming.low, forming.close)
    assert (forming.open_ts, forming.volume, *shown) == (begin, 4.0, *map(pytest.approx, (1.2, 1.4, 1.1, 1.3)))
    watched.tell(bars_of(walk(1, 4), product="EURUSD", fresh=1))
    assert watched.chart().forming is None


def test_of_a_key_that_does_not_exist_there_is_no_chart_and_without_bars_an_empty_one() -> None:
    watched = Watched()
    assert watched.watch.chart(KeyName("nobody", "EURUSD", "1m"), 10) is None
    assert len(watched.chart().bars) == 0


# --- log -------------------------------------------------------------------------------------------------------------


def test_the_log_tells_what_became_of_orders_and_faults_once_each() -> None:
    watched = Watched().tell(
        own("SEND"), own("UNKNOWN", reason="no answer"), Fault("features", MONDAY, "broken"), own("SETTLED", **WON)
    )
    lines = watched.watch.log(0, 10)
    assert [(line.seq, line.level) for line in lines] == [(1, "warning"), (2, "error"), (3, "info")]
    assert "no answer" in lines[0].text
    assert "win +0.90" in lines[2].text
    assert [line.seq for line in watched.watch.log(1, 10)] == [2, 3]
    assert [line.seq for line in watched.watch.log(0, 1)] == [3]


# --- with a flow -----------------------------------------------------------------------------------------------------


def test_beside_a_flow_it_shows_what_the_ledger_holds(tmp_path: Any) -> None:
    prices = 1.1 + 0.001 * np.sin(np.arange(90) / 2.5)
    entries = [
        (
            MONDAY + minute * MINUTE + 1_040,
            "sources.market",
            quotes("EURUSD", [MONDAY + minute * MINUTE + 1_000], [price]),
        )
        for minute, price in enumerate(prices)
    ]
    watched = Watched()
    with Ledger(tmp_path / "ledger.db") as ledger:
        given = play(PLAN, entries, MONDAY + 95 * MINUTE, records=ledger)
        for node, item in given:
            watched.watch.told(node, item)
    status = watched.watch.status()
    ended = [item for _, item in given if isinstance(item, Order) and item.state == "SETTLED"]
    assert len(ended) > 3
    assert status.orders.settled == status.wins + status.losses + status.pushes == len(ended)
    assert status.accounts[0].balance == f"{100 + sum(item.profit for item in ended):.2f}"
    marks = [mark for name in ("1m", "5m") for mark in watched.chart(KeyName("demo-1", "EURUSD", name), 200).marks]
    assert sum(mark.result is not None for mark in marks) == len(ended)
