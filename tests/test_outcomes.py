"""What every bar would have paid: our own prices, the rules of settlement, blocks and single rows alike."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import virtual
from pipeline.candles import from_columns
from pipeline.engine import Setting, running
from pipeline.errors import PlanError
from pipeline.ledger import Ledger
from pipeline.ledger.reading import Reader
from pipeline.outcomes import PATIENCE, Counterfactual, Priced
from pipeline.replaying import replayed
from pipeline.settlement import FEW_ROWS, Contract, PricePath, settled
from pipeline.steps import Tube, woken
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.trying import NoRecords
from pipeline.values import Awaited, Bars, Outcomes, Past, Quotes
from tests.driven import played
from tests.support import MONDAY, SMALL, decided, plan_of, quotes

DELAY = 250
Row = tuple[int, int, int, float, int, float]
"""Bar, when known, entry, exit: stamps and prices."""


def bar(open_ts: int, final_at: int | None = None, tf: int = MINUTE, product: str = "EURUSD") -> Bars:
    one = np.array([1.1])
    made = from_columns(product, tf, np.array([open_ts]), one, one, one, one, one)
    return made if final_at is None else replace(made, final_at=np.array([final_at]))


def told(entries: Iterable[tuple[int, Any]], until: int, delay: int = DELAY) -> list[tuple[int, Outcomes]]:
    tube = Tube[Any]()
    stream = woken(lambda: Counterfactual(delay), "outcomes", tube)
    return played(stream, tube.give, entries, until)


def rows(given_: Iterable[tuple[int, Outcomes]]) -> list[Row]:
    return sorted(
        row
        for _, each in given_
        for row in zip(
            *(getattr(each, name).tolist() for name in ("open_ts", "at", "entry_ts", "entry", "exit_ts", "exit")),
            strict=True,
        )
    )


def priced(stamps: Sequence[int], prices: Sequence[float], lag: int = 0) -> Quotes:
    return quotes("EURUSD", stamps, prices, lag)


FINAL = MONDAY + MINUTE


def test_a_contract_enters_with_the_first_price_after_the_delay_and_leaves_with_the_last_before_its_end() -> None:
    stamps = [MONDAY, FINAL + DELAY, FINAL + DELAY + 1, FINAL + DELAY + MINUTE, FINAL + DELAY + MINUTE + 1]
    entries = [(at, priced([at], [1.1 + number / 100])) for number, at in enumerate(stamps)]
    ((known, made),) = told([*entries, (FINAL, bar(MONDAY))], FINAL + HOUR)
    assert known == stamps[-1]
    assert rows([(known, made)]) == [
        (MONDAY, stamps[4], stamps[2], pytest.approx(1.12), stamps[3], pytest.approx(1.13))
    ]
    assert (made.product, made.tf, made.delay) == ("EURUSD", MINUTE, DELAY)


def test_without_a_price_between_it_is_void_and_that_is_known_when_nothing_has_come_for_a_while() -> None:
    ((known, made),) = told([(MONDAY, priced([MONDAY], [1.1])), (FINAL, bar(MONDAY))], FINAL + HOUR)
    assert known == int(made.at[0]) == FINAL + DELAY + MINUTE + PATIENCE
    assert np.isnan(made.entry).all()
    assert np.isnan(made.exit).all()


def test_a_price_that_comes_too_late_to_be_waited_for_changes_nothing() -> None:
    late = FINAL + DELAY + MINUTE + PATIENCE + 1
    entries = [(MONDAY, priced([MONDAY], [1.1])), (FINAL, bar(MONDAY)), (late, priced([FINAL + SECOND], [1.2], late))]
    assert np.isnan(told(entries, FINAL + HOUR)[0][1].entry).all()


def test_of_a_contract_accepted_before_the_first_known_price_nothing_is_said() -> None:
    entries = [(FINAL, bar(MONDAY)), *((FINAL + each, priced([FINAL + each], [1.1])) for each in (SECOND, 2 * MINUTE))]
    ((_, made),) = told(entries, FINAL + HOUR)
    assert np.isnan(made.entry).all()


def test_where_no_quotes_come_bars_stand_in() -> None:
    minutes = MONDAY + MINUTE * np.arange(6)
    column = 1.1 + np.arange(6) / 100
    source = from_columns("EURUSD", MINUTE, minutes, column, column + 0.005, column, column + 0.001, column)
    entries = [(int(each) + MINUTE, Priced(source.rows(row, row + 1, 1))) for row, each in enumerate(minutes)]
    made = told([*entries, (FINAL, bar(MONDAY))], FINAL + HOUR)
    assert rows(made) == [(MONDAY, FINAL + MINUTE, FINAL, pytest.approx(1.11), FINAL + MINUTE, pytest.approx(1.111))]


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[int], list[float], list[int], list[int]]:
    """Ticks with their lags, and when the bar of each minute was final."""
    ticks = draw(st.integers(1, 40))
    stamps = MONDAY + np.cumsum([draw(st.sampled_from([1, 200, 7_000, 31_000, 95_000])) for _ in range(ticks)])
    prices = [draw(st.sampled_from([1.1, 1.1001, 1.1002])) for _ in range(ticks)]
    lags = [draw(st.sampled_from([0, 0, 40, 900, 25_000])) for _ in range(ticks)]
    finals = [draw(st.sampled_from([0, 1, 500])) for _ in range(draw(st.integers(1, 8)))]
    return [int(each) for each in stamps], prices, lags, finals


@settings(max_examples=60, deadline=None)
@given(market=markets(), cut=st.integers(0, 40))
def test_blocks_and_single_rows_say_what_settlement_says(
    market: tuple[list[int], list[float], list[int], list[int]], cut: int
) -> None:
    stamps, prices, lags, finals = market
    received = np.maximum.accumulate(np.array(stamps) + np.array(lags))
    mid = np.array(prices)
    whole = Quotes("EURUSD", np.array(stamps), received, mid, mid)
    bars = [bar(MONDAY + number * MINUTE, MONDAY + (number + 1) * MINUTE + late) for number, late in enumerate(finals)]
    end = int(received[-1]) + 30 * MINUTE
    single = [(int(received[row]), whole.rows(row, row + 1)) for row in range(len(whole))]
    alone = rows(told([*single, *((int(each.final_at[0]), each) for each in bars)], end))
    ahead: Bars = bars[0]
    for each in bars[1:]:
        ahead = ahead.followed_by(each)
    cut = min(cut, len(whole))
    parts = [part for part in (whole.rows(0, cut), whole.rows(cut, len(whole))) if len(part)]
    blocks = [(MONDAY, parts[0]), *((int(parts[0].received[-1]), part) for part in parts[1:])]
    assert repr(rows(told([(MONDAY, ahead), *blocks], end))) == repr(alone)
    path = PricePath()
    path.append(whole)
    for each, row in zip(bars, alone, strict=True):
        accepted = int(each.final_at[0]) + DELAY
        complete = path.complete_at("EURUSD", accepted + MINUTE)
        known = min(complete if complete is not None else end, accepted + MINUTE + PATIENCE)
        contract = Contract("c", "EURUSD", "call", Decimal(1), 0.9, accepted, accepted + MINUTE)
        made = settled(contract, path, known, "push", known + 1)
        void = made.result == "canceled" or accepted < stamps[0]
        ends = (0, float("nan"), 0, float("nan")) if void else (made.entry_ts, made.entry, made.exit_ts, made.exit)
        assert repr(row) == repr((int(each.open_ts[0]), known, *ends))


def test_prices_that_no_contract_needs_are_let_go() -> None:
    machine = Counterfactual(DELAY)
    held: list[int] = []
    for hour in range(30):
        begin = MONDAY + hour * HOUR
        for minute in range(60):
            open_ts = begin + minute * MINUTE
            seconds = open_ts + SECOND * np.arange(60)
            for _ in machine.take(quotes("EURUSD", seconds.tolist(), [1.1] * 60, 0), open_ts + MINUTE):
                pass
            for _ in machine.take(bar(open_ts), open_ts + MINUTE):
                pass
        held.append(len(machine))
    assert max(held[10:]) <= FEW_ROWS + 3 * 3600 < 30 * 3600


# --- in a flow -------------------------------------------------------------------------------------------------------


def of_flow(block: int | None) -> tuple[dict[tuple[str, int], list[Row]], set[tuple[str, int, int]]]:
    """The outcomes of a flow by stream, and the bars it decided on."""
    found: dict[tuple[str, int], list[tuple[int, Outcomes]]] = {}
    given_: list[tuple[str, Any]] = []

    def heard(node: str, value: Any) -> None:
        given_.append((node, value))
        if isinstance(value, Outcomes):
            assert node == "outcomes"
            found.setdefault((value.product, value.tf), []).append((0, value))

    replayed(plan_of(), MONDAY, MONDAY + 2 * HOUR, NoRecords(), taps=(heard,), block=block)
    return {stream: rows(found[stream]) for stream in sorted(found)}, {key[1:] for key in decided(given_)}


def test_every_final_bar_of_a_flow_has_one_outcome_in_blocks_and_row_by_row() -> None:
    blocks, bars = of_flow(None)
    singles, same_bars = of_flow(0)
    assert repr(blocks) == repr(singles)
    assert bars == same_bars
    assert sorted((*stream, row[0]) for stream, each in blocks.items() for row in each) == sorted(bars)
    assert len(bars) > 250


def stopped_at(end: int, path: Path) -> None:
    """A run that ends as if it had been killed, with contracts that have not ended."""

    async def main() -> None:
        with Ledger(path) as records:
            setting = Setting(mode="replay", begin=MONDAY, end=end + HOUR, block=0)
            async with running(plan_of(), setting, records, records.past(MONDAY)) as flow:
                await flow.border.until(end)

    virtual.run(lambda _: main())


def stored(path: Path) -> list[tuple[Any, ...]]:
    reader = Reader(path)
    try:
        return [tuple(row) for row in reader.outcomes()]
    finally:
        reader.close()


def test_contracts_of_bars_decided_before_a_restart_are_settled_after_it(tmp_path: Path) -> None:
    middle, end = MONDAY + 62 * MINUTE + 17 * SECOND, MONDAY + 2 * HOUR
    cut, whole = tmp_path / "cut.db", tmp_path / "whole.db"
    stopped_at(middle, cut)
    before = stored(cut)
    with Ledger(cut) as records:
        past = records.past(middle)
        assert {(each.product, each.tf) for each in past.awaited} == {
            (product, tf) for product in ("EURUSD", "BTCUSD") for tf in (MINUTE, 5 * MINUTE)
        }
        replayed(plan_of(), middle, end, records, past=past)
    with Ledger(whole) as records:
        replayed(plan_of(), MONDAY, end, records)
    assert 0 < len(before) < len(stored(whole))
    assert stored(cut) == stored(whole)


def test_nothing_is_awaited_of_what_was_settled_or_never_decided(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.db") as records:
        assert records.past(MONDAY).awaited == ()
        replayed(plan_of(), MONDAY, MONDAY + HOUR, records)
        left = records.past(MONDAY + 2 * HOUR).awaited
        assert left == ()


def test_what_is_awaited_without_its_prices_is_settled_without_a_price() -> None:
    awaited = Past((), {}, awaited=(Awaited("EURUSD", MINUTE, MONDAY, FINAL),))
    later = [(FINAL + each, priced([FINAL + each], [1.1])) for each in (30 * SECOND, 2 * MINUTE)]
    ((_, made),) = told([(FINAL + 20 * SECOND, awaited), *later], FINAL + HOUR)
    assert (int(made.open_ts[0]), bool(np.isnan(made.entry[0]))) == (MONDAY, True)


def test_the_delay_is_a_key_of_the_flow_and_never_zero() -> None:
    with pytest.raises(PlanError, match="entry_delay"):
        plan_of(SMALL.replace("block = 64", 'block = 64\nentry_delay = "0ms"'))
    assert plan_of(SMALL.replace("block = 64", 'block = 64\nentry_delay = "2s"')).settings.entry_delay == "2s"
    assert plan_of().settings.entry_delay == "250ms"
