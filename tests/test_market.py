"""The synthetic market: one path, whoever asks."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.candles import gathered
from pipeline.errors import InputError
from pipeline.market import BEGIN, END, SPECS, Market
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.values import BAR_COLUMNS, Floats, Quotes
from tests.support import same

MONDAY = parse_moment("2026-01-05")
FRIDAY_CLOSE, SUNDAY_OPEN = parse_moment("2026-01-09T22:00:00Z"), parse_moment("2026-01-11T22:00:00Z")
SOME_DAY = Market("EURUSD").quotes(MONDAY, MONDAY + DAY)
PRODUCTS = st.sampled_from(["EURUSD", "USDJPY", "BTCUSD", "NZDCAD", "R_100"])
SPANS = st.tuples(st.integers(0, 30 * HOUR), st.integers(0, 3 * HOUR))

FINGERPRINT = """
import hashlib
from pipeline.market import Market
quotes = Market("EURUSD").quotes({start}, {end})
columns = (quotes.ts, quotes.received, quotes.bid, quotes.ask)
print(hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest())
"""


def stamped(quotes: Quotes, start: int, end: int) -> Quotes:
    first, stop = np.searchsorted(quotes.ts, (start, end)).tolist()
    return quotes.rows(first, stop)


def relation(left: Floats, right: Floats) -> float:
    return float(np.corrcoef(left, right)[0, 1])


@given(st.integers(0, DAY), st.integers(0, DAY))
@settings(max_examples=40, deadline=None)
def test_any_span_asked_for_shows_the_same_ticks(start: int, length: int) -> None:
    end = min(start + length, DAY)
    asked = Market("EURUSD").quotes(MONDAY + start, MONDAY + end)
    assert same(asked, stamped(SOME_DAY, MONDAY + start, MONDAY + end))


@given(PRODUCTS, st.lists(st.integers(0, 8 * HOUR), max_size=6))
@settings(max_examples=30, deadline=None)
def test_what_arrives_in_spans_one_after_another_is_each_tick_once(product: str, cuts: list[int]) -> None:
    market = Market(product)
    edges = [MONDAY + cut for cut in sorted({0, *cuts, 8 * HOUR})]
    spans = [market.arriving(start, end) for start, end in pairwise(edges)]
    whole = market.arriving(MONDAY, MONDAY + 8 * HOUR)
    inside = MONDAY + SECOND, MONDAY + 8 * HOUR - SECOND
    assert np.concatenate([span.ts for span in spans]).tolist() == whole.ts.tolist()
    assert same(stamped(whole, *inside), market.quotes(*inside))


def test_another_process_sees_the_same_ticks() -> None:
    start, end = MONDAY + 9 * HOUR, MONDAY + 10 * HOUR
    program = FINGERPRINT.format(start=start, end=end)
    root = Path(__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True).stdout
    here = stamped(SOME_DAY, start, end)
    columns = (here.ts, here.received, here.bid, here.ask)
    assert told.strip() == hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()


def test_seeds_and_products_have_paths_of_their_own() -> None:
    spans = [
        Market(product, seed).quotes(MONDAY, MONDAY + HOUR)
        for product, seed in (("EURUSD", 1), ("EURUSD", 2), ("AUDCHF", 1))
    ]
    assert len({span.bid.tobytes() for span in spans}) == 3


@pytest.mark.parametrize("product", [*SPECS, "NZDCAD", "CHFJPY", "R_100"])
def test_every_open_minute_has_a_tick_and_closed_time_has_none(product: str) -> None:
    market = Market(product)
    start, end = MONDAY - 2 * DAY, MONDAY + 8 * DAY
    quotes = market.quotes(start, end)
    assert np.unique(quotes.ts // MINUTE * MINUTE).tolist() == market.calendar.open_slots(start, end, MINUTE).tolist()
    assert (np.diff(quotes.ts) > 0).all()


@pytest.mark.parametrize("product", SPECS)
def test_ticks_are_received_in_order_shortly_after_their_stamps(product: str) -> None:
    quotes = Market(product).quotes(MONDAY, MONDAY + 2 * DAY)
    lag = quotes.received - quotes.ts
    assert (np.diff(quotes.received) >= 0).all()
    assert (int(lag.min()), int(lag.max()) <= 150) == (20, True)


@pytest.mark.parametrize("product", SPECS)
def test_prices_stand_on_the_products_digits_with_a_spread_between(product: str) -> None:
    market = Market(product)
    quotes = market.quotes(MONDAY, MONDAY + DAY)
    assert (quotes.ask > quotes.bid).all()
    assert np.array_equal(np.round(quotes.bid, market.spec.digits), quotes.bid)
    assert np.array_equal(np.round(quotes.ask, market.spec.digits), quotes.ask)


def test_the_spread_is_wider_in_the_quiet_of_the_night() -> None:
    def spread(hour: int) -> float:
        nights = [
            Market("EURUSD").quotes(MONDAY + day * DAY + hour * HOUR, MONDAY + day * DAY + (hour + 1) * HOUR)
            for day in range(4)
        ]
        return float(np.mean([np.mean(night.ask - night.bid) for night in nights]))

    assert spread(23) > 1.2 * spread(14)


def test_busy_hours_have_about_a_tick_a_second() -> None:
    counts = [len(Market("EURUSD", seed).quotes(MONDAY + 14 * HOUR, MONDAY + 15 * HOUR)) for seed in range(12)]
    assert 0.7 < np.mean(counts) / 3600 < 2.0


@pytest.mark.parametrize("product", ["EURUSD", "BTCUSD"])
def test_minutes_do_not_foretell_the_next_but_wild_ones_come_together(product: str) -> None:
    market = Market(product)
    bars = market.bars(MINUTE, MONDAY, MONDAY + 60 * DAY)
    returns = np.diff(np.log(bars.close))[np.diff(bars.open_ts) == MINUTE]
    before, after = returns[:-1], returns[1:]
    assert abs(relation(before, after)) < 0.02
    assert relation(np.abs(before), np.abs(after)) > 0.1
    assert np.mean(returns**2) * 1440 == pytest.approx(market.spec.daily_volatility**2, rel=0.8)


def test_bars_are_those_its_own_ticks_make() -> None:
    market = Market("EURUSD")
    bars = market.bars(MINUTE, MONDAY, MONDAY + 10 * DAY)
    quotes = market.quotes(MONDAY, MONDAY + 10 * DAY)
    expected = gathered(
        quotes, MINUTE, 500, following=int(market.quotes(MONDAY + 10 * DAY, MONDAY + 10 * DAY + MINUTE).received[0])
    )
    assert all(same(getattr(bars, name), getattr(expected, name)) for name in BAR_COLUMNS)
    assert bars.fresh == len(bars)


def test_longer_bars_lie_whole_in_the_span() -> None:
    bars = Market("BTCUSD").bars(15 * MINUTE, MONDAY + 1, MONDAY + 2 * HOUR - 1)
    assert bars.open_ts.tolist() == [MONDAY + quarter * 15 * MINUTE for quarter in range(1, 7)]


def test_a_span_without_a_bar_gives_none() -> None:
    assert len(Market("EURUSD").bars(MINUTE, FRIDAY_CLOSE, SUNDAY_OPEN)) == 0
    assert len(Market("EURUSD").bars(HOUR, MONDAY + 1, MONDAY + HOUR)) == 0


@given(SPANS, PRODUCTS)
@settings(max_examples=40, deadline=None)
def test_payouts_of_any_span_begin_with_the_one_in_force_and_agree_with_the_whole(
    span: tuple[int, int], product: str
) -> None:
    market, start = Market(product), MONDAY + span[0]
    whole = market.payouts(MONDAY, MONDAY + 2 * DAY)
    asked = market.payouts(start, start + span[1])
    assert asked.ts[0] <= start < (asked.ts[1] if len(asked) > 1 else start + HOUR)
    first = whole.ts.tolist().index(asked.ts[0])
    assert np.array_equal(whole.ts[first : first + len(asked)], asked.ts)
    assert np.array_equal(whole.ratio[first : first + len(asked)], asked.ratio)


def test_payouts_move_in_hundredths_around_their_base_and_rest_for_minutes() -> None:
    payouts = Market("BTCUSD", payout_base=0.80).payouts(MONDAY, MONDAY + 30 * DAY)
    assert set(payouts.ratio.tolist()) == {0.78, 0.79, 0.80, 0.81, 0.82}
    assert int(np.diff(payouts.ts).min()) >= 5 * MINUTE


@pytest.mark.parametrize(("start", "end"), [(BEGIN - 1, BEGIN + HOUR), (END - HOUR, END + 1)])
def test_a_time_the_market_has_no_prices_for_is_refused(start: int, end: int) -> None:
    with pytest.raises(InputError, match=r"the synthetic market has no prices at .*; choose a time from 2015 to 2044"):
        Market("EURUSD").quotes(start, end)


def test_the_market_has_prices_to_its_first_and_last_hour() -> None:
    market = Market("BTCUSD")
    assert len(market.quotes(BEGIN, BEGIN + HOUR))
    assert len(market.quotes(END - HOUR, END))
    assert len(market.bars(MINUTE, END - HOUR, END)) == 60
    assert len(market.payouts(END - HOUR, END)) >= 1
