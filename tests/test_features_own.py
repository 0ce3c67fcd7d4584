"""Features of our own against their definitions, written down row by row."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.anchored import Anchoring
from pipeline.candles import from_columns, merged
from pipeline.rolling import blended, silent, still
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.values import Bars, Flags, Floats
from tests.feature_cases import MIDNIGHT, QUARTER, chain, market, part, raw

BARS = market(11, 900)
NAN = float("nan")


def made(name: str, bars: Bars = BARS, **keys: object) -> tuple[Floats, ...]:
    return raw({"x": part(name, **keys)}, bars)


def bar(open_: float, high: float, low: float, close: float) -> tuple[float, float, float, float]:
    return open_, high, low, close


def bars_from(*rows: tuple[float, float, float, float], begin: int = MIDNIGHT) -> Bars:
    columns = np.array(rows).T
    open_ts = begin + QUARTER * np.arange(len(rows), dtype=np.int64)
    opened, high, low, close = (column.copy() for column in columns)
    return from_columns("EURUSD", QUARTER, open_ts, opened, high, low, close, np.ones(len(rows)))


def same(given_: Floats, expected: list[float], since: int = 0) -> None:
    np.testing.assert_allclose(given_[since:], np.array(expected)[since:], rtol=1e-9, atol=1e-12)


# --- sessions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session", "timezone"),
    [("00:00", "UTC"), ("08:00", "UTC"), ("17:00", "America/New_York"), ("09:30", "Asia/Tokyo")],
)
def test_vwap_begins_anew_with_each_session(session: str, timezone: str) -> None:
    zone, (hour, minute) = ZoneInfo(timezone), map(int, session.split(":"))
    expected: list[float] = []
    money = traded = 0.0
    begun = None
    for row in range(len(BARS)):
        clock = datetime.fromtimestamp(int(BARS.open_ts[row]) / 1000, zone)
        day = (clock.toordinal() * 1440 + clock.hour * 60 + clock.minute - hour * 60 - minute) // 1440
        if day != begun:
            money, traded, begun = 0.0, 0.0, day
        typical = (BARS.high[row] + BARS.low[row] + BARS.close[row]) / 3
        money, traded = money + typical * BARS.volume[row], traded + BARS.volume[row]
        expected.append(money / traded)
    same(made("vwap", session=session, timezone=timezone)[0], expected)


def test_vwap_has_no_answer_until_something_was_traded() -> None:
    quiet = market(1, 200)
    quiet.volume[96:110] = 0.0
    (vwap,) = made("vwap", quiet)
    assert np.isnan(vwap[96:110]).all()
    assert np.isfinite(vwap[110:]).all()


SPRING = parse_moment("2026-03-29T00:00:00Z")
"""The night in which London's clocks are moved."""


def test_the_clock_of_a_session_moves_with_summer_time() -> None:
    bars = market(1, 400, begin=SPRING - DAY)
    minutes, sine, cosine, weekday = made("session_clock", bars, session="08:00", timezone="Europe/London")
    for row in range(0, 400, 7):
        clock = datetime.fromtimestamp(int(bars.open_ts[row]) / 1000, ZoneInfo("Europe/London"))
        today = clock.hour * 60 + clock.minute
        assert minutes[row] == (today - 480) % 1440
        assert weekday[row] == clock.weekday()
        assert sine[row] == pytest.approx(np.sin(2 * np.pi * today / 1440), abs=1e-12)
        assert cosine[row] == pytest.approx(np.cos(2 * np.pi * today / 1440), abs=1e-12)


def test_the_great_sessions_keep_the_clocks_of_their_cities() -> None:
    bars = market(1, 1_400, begin=SPRING - 3 * DAY)
    hours = (("Asia/Tokyo", 960), ("Europe/London", 990), ("America/New_York", 1015))
    for column, (zone, end) in zip(made("session_state", bars), hours, strict=True):
        for row in range(0, 1_400, 5):
            clock = datetime.fromtimestamp(int(bars.open_ts[row]) / 1000, ZoneInfo(zone))
            on = 480 <= clock.hour * 60 + clock.minute < end and clock.weekday() < 5
            assert column[row] == on
        assert set(column) == {0.0, 1.0}


def test_pivots_are_those_of_the_day_before() -> None:
    levels = made("pivots")
    for row in range(192, len(BARS), 13):
        begin = row // 96 * 96 - 96
        high, low = BARS.high[begin : begin + 96].max(), BARS.low[begin : begin + 96].min()
        pivot = (high + low + BARS.close[begin + 95]) / 3
        expected = (
            pivot,
            2 * pivot - low,
            2 * pivot - high,
            pivot + high - low,
            pivot - high + low,
            high + 2 * (pivot - low),
            low - 2 * (high - pivot),
        )
        assert [level[row] for level in levels] == pytest.approx(expected)


# --- channels and stops ----------------------------------------------------------------------------------------------


def test_the_cloud_over_a_bar_was_known_at_it() -> None:
    conversion, base, span_a, span_b = made("ichimoku")

    def middle(row: int, period: int) -> float:
        since = row - period + 1
        return float(BARS.high[since : row + 1].max() + BARS.low[since : row + 1].min()) / 2

    for row in range(80, len(BARS), 11):
        assert conversion[row] == pytest.approx(middle(row, 9))
        assert base[row] == pytest.approx(middle(row, 26))
        assert span_a[row] == pytest.approx((middle(row - 26, 9) + middle(row - 26, 26)) / 2)
        assert span_b[row] == pytest.approx(middle(row - 26, 52))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), width=st.sampled_from([1.5, 2.0, 3.0]))
def test_a_supertrend_gives_way_only_to_a_close_beyond_it(seed: int, width: float) -> None:
    bars = market(seed, 400)
    line, direction = made("supertrend", bars, width=width)
    assert set(direction[9:]) <= {-1.0, 1.0}
    for row in range(10, 400):
        up = direction[row] > 0
        assert (bars.close[row] >= line[row]) if up else (bars.close[row] <= line[row])
        if direction[row] == direction[row - 1]:
            assert (line[row] >= line[row - 1]) if up else (line[row] <= line[row - 1])


def test_donchian_holds_every_bar_of_its_period() -> None:
    lower, middle, upper = made("donchian", period=7)
    for row in range(6, 300):
        assert (lower[row], upper[row]) == (BARS.low[row - 6 : row + 1].min(), BARS.high[row - 6 : row + 1].max())
        assert middle[row] == (lower[row] + upper[row]) / 2


# --- scores ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [1e-6, 1.1, 65_000.0])
def test_a_zscore_keeps_its_digits_at_every_price(level: float) -> None:
    bars = market(3, 300, level=level)
    (score,) = made("zscore", bars)
    for row in range(19, 300):
        last = bars.close[row - 19 : row + 1]
        assert score[row] == pytest.approx((last[-1] - last.mean()) / last.std(), rel=1e-6, abs=1e-9)


def test_an_atr_percentile_is_the_share_of_those_not_above_it() -> None:
    (share,), (atr,) = made("atr_percentile", period=50), made("atr")
    for row in range(70, 400):
        assert share[row] == pytest.approx((atr[row - 49 : row + 1] <= atr[row]).mean())


# --- candles and states ----------------------------------------------------------------------------------------------

SHAPES = {
    "doji": bar(1.00, 1.10, 0.90, 1.01),
    "marubozu": bar(1.00, 1.10, 1.00, 1.10),
    "-marubozu": bar(1.10, 1.10, 1.00, 1.00),
    "hammer": bar(1.00, 1.03, 0.90, 1.03),
    "star": bar(1.00, 1.10, 0.99, 1.03),
}
NAMES: tuple[str, ...] = ("doji", "marubozu", "hammer", "star", "engulfing", "inside", "outside")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_seen(shape: str) -> None:
    columns = dict(zip(NAMES, made("candle_shapes", bars_from(bar(1, 2, 0.5, 1), SHAPES[shape])), strict=True))
    assert columns[shape.removeprefix("-")][1] == (-1 if shape.startswith("-") else 1)
    assert columns["inside"][1] == 1
    assert columns["outside"][1] == 0


def test_shapes_of_two_bars_are_seen() -> None:
    small, large, back = bar(1.02, 1.03, 1.00, 1.01), bar(1.00, 1.06, 0.99, 1.05), bar(1.05, 1.07, 0.97, 0.98)
    columns = dict(zip(NAMES, made("candle_shapes", bars_from(small, large, back, back)), strict=True))
    assert columns["engulfing"].tolist() == [0, 1, -1, 0]
    assert columns["outside"].tolist() == [0, 1, 1, 0]
    assert columns["inside"].tolist() == [0, 0, 0, 1]


def test_the_parts_of_a_candle_are_all_of_it() -> None:
    body, upper, lower = made("candle")
    np.testing.assert_allclose(np.abs(body) + upper + lower, 1.0)
    assert (np.sign(body) == np.sign(BARS.close - BARS.open)).all()


def test_a_bar_without_a_range_is_a_doji_of_nothing() -> None:
    point = bars_from(bar(1, 1, 1, 1), bar(1, 1, 1, 1))
    assert [column[1] for column in made("candle", point)] == [0, 0, 0]
    assert [column[1] for column in made("candle_shapes", point)] == [1, 0, 0, 0, 0, 1, 0]


def test_a_trend_is_one_only_when_it_is_strong_enough() -> None:
    flow = chain(
        f=part("ema", period=9),
        s=part("ema", period=21),
        adx=part("adx"),
        x=part("trend_state", fast="f", slow="s", adx="adx", adx_min=25.0),
    )
    (state,) = raw(flow, BARS)
    fast, slow, adx = (raw({"x": flow[name]}, BARS)[0] for name in ("f", "s", "adx"))
    expected = np.sign(fast - slow) * (adx >= 25)
    np.testing.assert_array_equal(state[200:], expected[200:])
    assert set(state[200:]) == {-1.0, 0.0, 1.0}
    (any_trend,) = raw({"f": flow["f"], "s": flow["s"], "x": part("trend_state", fast="f", slow="s")}, BARS)
    assert set(any_trend[100:]) == {-1.0, 1.0}


def test_volatility_is_calm_or_wild_or_neither() -> None:
    flow = chain(rank=part("atr_percentile"), x=part("volatility_state", of="rank", low=0.3, high=0.6))
    (state,), (rank,) = raw(flow, BARS), raw({"x": flow["rank"]}, BARS)
    np.testing.assert_array_equal(state[300:], np.where(rank > 0.6, 1, np.where(rank < 0.3, -1, 0))[300:])
    with pytest.raises(ValueError, match=r"low is 0\.9, more than high"):
        part("volatility_state", low=0.9, high=0.1)


def test_a_range_is_where_the_price_gets_nowhere() -> None:
    (state,) = made("range_state", period=10, share=0.3)
    for row in range(10, 300):
        last = BARS.close[row - 10 : row + 1]
        assert state[row] == (abs(last[-1] - last[0]) < 0.3 * np.abs(np.diff(last)).sum())


def test_a_breakout_is_a_close_beyond_all_bars_before() -> None:
    (state,) = made("breakout_state", period=13)
    for row in range(13, 400):
        above = BARS.close[row] > BARS.high[row - 13 : row].max()
        below = BARS.close[row] < BARS.low[row - 13 : row].min()
        assert state[row] == float(above) - float(below)


# --- longer bars -----------------------------------------------------------------------------------------------------


def test_a_longer_bar_is_known_from_the_row_that_ends_it_and_no_sooner() -> None:
    (closes,) = made("higher", of="close", timeframe="1h")
    for row in range(8, 300):
        assert closes[row] == BARS.close[(row + 1) // 4 * 4 - 1]


@pytest.mark.parametrize("name", ["sma", "ema", "rsi", "atr"])
def test_what_is_computed_on_longer_bars_is_what_their_own_stream_gives(name: str) -> None:
    (spread,) = raw({"on": part(name), "x": part("higher", of="on", timeframe="1h")}, BARS)
    (own,) = raw({"x": part(name)}, _contiguous(merged(BARS, HOUR)))
    known = np.arange(3, len(BARS), 4)
    np.testing.assert_array_equal(spread[known][-100:], own[-100:])


def test_on_bars_that_are_as_long_it_is_the_column_itself() -> None:
    for timeframe in ("15m", "5m", "1m"):
        made_ = raw({"on": part("rsi"), "x": part("higher", of="on", timeframe=timeframe)}, BARS)
        np.testing.assert_array_equal(made_[0][112:], raw({"x": part("rsi")}, BARS)[0][112:])


def test_a_slot_that_is_not_whole_gives_no_longer_bar() -> None:
    holed = _without(BARS, 41)
    (closes,) = raw({"x": part("higher", of="close", timeframe="1h")}, holed)
    assert closes[42] == BARS.close[39]
    assert closes[46] == BARS.close[47]


def test_a_daily_break_that_tears_slots_leaves_every_bar_its_answer() -> None:
    """Of four bars an hour the market is closed from 16:45 to 18:00: the hour of 16:45 is never whole."""
    week = market(5, 12 * 96)
    time = week.open_ts % DAY // MINUTE
    held = _rows(week, (time < 16 * 60 + 45) | (time >= 18 * 60))
    features = {"on": part("sma", period=12), "x": part("higher", of="on", timeframe="1h")}
    anchored = Anchoring(features, 64, 30, 0)
    columns = anchored.columns(held)
    first = int(np.flatnonzero(np.isfinite(columns["x"]))[0])
    assert anchored.warmup(QUARTER) == 4 * 13 - 2 == 50
    assert np.isfinite(columns["x"][first:]).all()
    assert first < 64


def _contiguous(bars: Bars) -> Bars:
    return from_columns(
        bars.product,
        bars.tf,
        bars.open_ts,
        *(np.ascontiguousarray(getattr(bars, name)) for name in ("open", "high", "low", "close", "volume")),
    )


def _without(bars: Bars, row: int) -> Bars:
    return _rows(bars, np.arange(len(bars)) != row)


def _rows(bars: Bars, keep: Flags) -> Bars:
    columns = (getattr(bars, name)[keep] for name in ("open", "high", "low", "close", "volume"))
    return from_columns(bars.product, bars.tf, bars.open_ts[keep], *columns)


# --- what they are made of -------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(values=st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=60), period=st.integers(1, 12))
def test_standing_still_and_silence_are_told_of_the_last_values(values: list[float], period: int) -> None:
    column = np.array(values)
    windows = [column[row - period + 1 : row + 1] for row in range(period - 1, len(values))]
    for told, holds in (
        (still(column, period), [len(set(each.tolist())) == 1 for each in windows]),
        (silent(column, period), [not each.any() for each in windows]),
    ):
        assert (told.tolist() if told is not None else [False] * len(windows)) == holds


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 1000), rows=st.integers(1, 90), cut=st.integers(1, 90))
def test_a_blend_is_its_recursion_and_a_prefix_has_its_bits(seed: int, rows: int, cut: int) -> None:
    chance = np.random.default_rng(seed)
    column, share = chance.normal(size=rows), chance.uniform(size=rows)
    level, expected = 0.3, list[float]()
    for value, part_ in zip(column.tolist(), share.tolist(), strict=True):
        level += part_ * (value - level)
        expected.append(level)
    whole = blended(column, share, 0.3)
    np.testing.assert_allclose(whole, expected, rtol=1e-9, atol=1e-12)
    assert blended(column[:cut], share[:cut], 0.3).tobytes() == whole[:cut].tobytes()
