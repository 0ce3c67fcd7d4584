"""What an engine keeps of what is over: as little as answers need, and no more after a month than after a day."""

import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.risk.line import Line
from operators.risk.results import MEMORY, Rests, Results
from operators.risk.trades import Ended, Trades
from pipeline import virtual
from pipeline.certainty.auditing import LONGEST, Auditing
from pipeline.engine import Setting, running
from pipeline.execution import disputes
from pipeline.execution.disputes import Disputes
from pipeline.flow import FAULTS, TAP
from pipeline.settlement import FEW_ROWS, Tie
from pipeline.telemetry.slots import LATE, OPEN, Slots
from pipeline.times import DAY, HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Move, Past, Result, Settlement
from pipeline.venues import weather
from pipeline.venues.book import MOST, Book, Deal
from pipeline.venues.faults import Storm
from pipeline.venues.weather import Scene, Weather
from tests.support import MONDAY, order, plan_of, quotes

NAMES = st.one_of(
    st.builds("a{}:EURUSD:1m:{}".format, st.integers(0, 2), st.integers(0, 2**40)),
    st.sampled_from(["", ":", "signed by hand", "x:007", "x:٣", "x:-1", "x:", f"x:{10**30}", "MOCK-a:b:1m:5-2"]),
)
PROFITS = st.sampled_from(["0.87", "0.870", "-1", "-1.00", "0", "-0", "1E+2"]).map(Decimal)
ENDS = st.builds(Ended, st.integers(0, 5), NAMES, st.sampled_from(["win", "lose", "push", "canceled", None]), PROFITS)


@given(st.lists(ENDS, max_size=40))
def test_trades_in_columns_are_the_trades_that_were_told_in_order(told: list[Ended]) -> None:
    trades = Trades()
    for each in told:
        trades.add(each)
    wanted = sorted(told, key=lambda each: (each.at, each.order))
    assert list(trades) == list(trades.copy()) == wanted
    assert [str(each.profit) for each in trades] == [str(each.profit) for each in wanted]
    trades.forget(3)
    assert list(trades) == [each for each in wanted if each.at >= 3]


def ended(number: int, every: int = MINUTE) -> Ended:
    result: Result = "win" if number % 2 else "lose"
    at = MONDAY + number * every
    return Ended(at, f"demo-1:EURUSD:1m:{at}", result, Decimal("0.87") if number % 2 else Decimal("-1.00"))


def kept_of(add: Callable[[Ended], object], rows: int, every: int = MINUTE) -> int:
    """How many of Python's blocks stay of so many trades."""
    for number in range(1_000):
        add(ended(number, every))
    before = sys.getallocatedblocks()
    for number in range(1_000, 1_000 + rows):
        add(ended(number, every))
    return sys.getallocatedblocks() - before


@pytest.mark.parametrize("made", [Results, lambda: Rests(lambda at, losses: at)])
def test_a_trade_that_ended_is_a_row_to_the_gate_and_no_object(made: Callable[[], Results | Rests]) -> None:
    assert kept_of(made().add, 10_000) < 500


def test_after_a_month_a_further_month_of_trades_takes_no_row_more() -> None:
    month, rests = MEMORY // HOUR, Rests(lambda at, losses: at)
    held: list[int] = []
    for number in range(4 * month):
        rests.add(ended(number, HOUR))
        held.append(sum(1 for _ in rests.ended) if number % month == month - 1 else 0)
    assert max(held) <= month + DAY // HOUR


@pytest.mark.parametrize("within", [MINUTE, 50 * MINUTE])
def test_of_answers_two_days_are_numbers_and_the_mean_is_that_of_the_time_looked_at(within: int) -> None:
    line = Line(None, within)

    def answered(numbers: range) -> None:
        for number in numbers:
            at = MONDAY + number * MINUTE
            line.take(Move(f"o{number}", "demo-1", "SEND", at))
            line.take(Move(f"o{number}", "demo-1", "CONFIRM", at + number % 7))

    answered(range(2 * DAY // MINUTE))
    before = sys.getallocatedblocks()
    answered(range(2 * DAY // MINUTE, 6 * DAY // MINUTE))
    assert sys.getallocatedblocks() - before < 100
    last = 6 * DAY // MINUTE - 1
    took = [number % 7 for number in range(last - within // MINUTE + 1, last + 1)]
    assert line.latency(MONDAY + last * MINUTE + 6) == pytest.approx(sum(took) / len(took))
    assert line.under(None, within).latency(MONDAY + last * MINUTE + 6) == line.latency(MONDAY + last * MINUTE + 6)


# --- the practice venue ----------------------------------------------------------------------------------------------


def deal(number: int, at: int) -> Deal:
    tie: Tie | None = None
    name = f"demo-1:EURUSD:1m:{number}"
    return Deal(
        f"MOCK-{name}", name, "", "demo-1", "EURUSD", MINUTE, "call", Decimal(1), 0.87, at, at + MINUTE, tie=tie
    )


def traded(book: Book, numbers: range, *, asks: bool = True) -> None:
    """A trade every minute, and every ten minutes somebody asks what became of the last hour."""
    for number in numbers:
        at = MONDAY + number * MINUTE
        made = deal(number, at)
        book.take(made)
        book.end(made.contract, Settlement(made.order, "lose", Decimal(-1), 0, 0.0, 0, 0.0, at + MINUTE))
        if asks and number % 10 == 0:
            book.statement("demo-1", at - HOUR, at, echoes=True)


def test_of_a_busy_account_no_more_contracts_are_kept_after_a_week_than_after_two_days() -> None:
    book = Book()
    book.open("demo-1", Decimal(100_000))
    traded(book, range(2_880))
    held = len(book.deals)
    traded(book, range(2_880, 10_080))
    assert DAY // MINUTE <= held < 2_880
    assert len(book.deals) <= held + MOST // 4
    assert book.balance("demo-1") == 100_000 - 10_080


def test_contracts_that_nobody_has_asked_past_are_all_kept_and_a_statement_says_from_when_on_it_is_whole() -> None:
    book = Book()
    book.open("demo-1", Decimal(100_000))
    traded(book, range(5_000), asks=False)
    assert len(book.deals) == 5_000
    whole = book.statement("demo-1", MONDAY, MONDAY + 5_000 * MINUTE, echoes=True)
    assert (len(whole.contracts), whole.since) == (5_000, MONDAY)
    traded(book, range(5_000, 7_000))
    late = book.statement("demo-1", MONDAY, MONDAY + 7_000 * MINUTE, echoes=True)
    assert len(late.contracts) == len(book.deals) < 3_000
    assert MONDAY < late.since <= min(each.closed_at for each in late.contracts)
    recent = MONDAY + 6_000 * MINUTE
    assert book.statement("demo-1", recent, recent + DAY, echoes=True).since == recent
    assert book.balance("demo-1", late.since - 1) is None  # and not what it would be without those that are forgotten


def test_a_venue_that_lists_nothing_keeps_a_day_and_the_last_thousand() -> None:
    book = Book(asked=False)
    book.open("demo-1", Decimal(100_000))
    traded(book, range(5_000), asks=False)
    assert DAY // MINUTE <= len(book.deals) <= DAY // MINUTE + MOST


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_a_moment_of_the_day_before_yesterday_is_no_place_for_a_trade_to_end_any_more() -> None:
    slots = Slots()
    for number in range(OPEN):
        slots.take(number * LATE // 50, won=True)
    before = sys.getallocatedblocks()
    for number in range(OPEN, 4 * OPEN):
        slots.take(number * LATE // 50, won=True)
    assert sys.getallocatedblocks() - before < 100
    assert slots.sums.pairs == 0
    latest = (4 * OPEN - 1) * LATE // 50
    slots.take(latest - LATE, won=True)
    assert slots.sums.pairs == 1
    slots.take(latest - 2 * LATE, won=True)
    assert slots.sums.pairs == 1


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_of_faults_the_last_ones_are_kept_and_all_of_those_who_only_look() -> None:
    def breaks(node: str, value: Any) -> None:
        raise KeyError(node)

    async def main() -> None:
        setting = Setting(mode="replay", begin=MONDAY, outside=("venue",))
        async with running(plan_of(), setting, NoRecords(), Past((), {})) as flow:
            flow.tap(breaks)
            flow.enter("sources.market", quotes("EURUSD", [MONDAY - 40], [1.1]))
            for number in range(5 * FAULTS):
                flow.complain(flow.nodes["operators.bars"], ValueError(str(number)))
            assert FAULTS <= len(flow.faults) <= 2 * FAULTS
            assert [fault.node for fault in flow.faults].count(TAP) == 1
            assert flow.faults[-1].what == f"ValueError: {5 * FAULTS - 1}"
            assert flow.nodes["operators.bars"].meter.faults == 5 * FAULTS

    virtual.run(lambda _: main())


def test_a_contradiction_is_told_once_and_of_many_the_last_are_known() -> None:
    told = Disputes("demo-1")
    one = order("CONFIRM")
    assert len([*told.tell(one, MONDAY, "ended: win"), *told.tell(one, MONDAY, "ended: win")]) == 1
    for number in range(disputes.KEPT):
        assert len([*told.tell(one, MONDAY, f"ended: {number}")]) == 1
    assert [*told.tell(one, MONDAY, f"ended: {disputes.KEPT - 1}")] == []
    assert len([*told.tell(one, MONDAY, "ended: win")]) == 1


def test_of_faults_that_struck_a_venue_the_last_are_known() -> None:
    storm = Weather(Storm(seed=3, lost_ack=0.9), Scene(), MONDAY)
    numbers = range(1, 2 * weather.KEPT)
    struck = [storm.struck_by(strike) for number in numbers if (strike := storm.of_order(number)) is not None]
    assert len(struck) > weather.KEPT
    assert storm.struck == struck[-weather.KEPT :]


@pytest.mark.parametrize("end", [{"state": "ABORT", "cause": "absent"}, {"state": "SETTLED", "result": "win"}])
def test_prices_are_kept_for_no_contract_that_is_never_audited(end: dict[str, Any]) -> None:
    """One that was found not to be, or of which nobody told when it ran."""
    auditing = Auditing({})
    list(auditing.take(Past((), {}), MONDAY))
    list(auditing.take(order("CONFIRM", contract="C-1", expiry=MONDAY + 2 * MINUTE), MONDAY))
    list(auditing.take(order(**end), MONDAY + MINUTE))
    every = 5 * SECOND
    for begin in range(MONDAY + MINUTE, MONDAY + LONGEST - 8 * HOUR, HOUR):
        list(auditing.take(quotes("EURUSD", range(begin, begin + HOUR, every), [1.1] * (HOUR // every)), begin + HOUR))
    assert len(auditing) <= FEW_ROWS
