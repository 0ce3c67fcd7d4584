"""Every registered feature, and chains of them: what each of them promises by being one."""

import math
from collections.abc import Iterator
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from operators.features.tulip.table import ENTRIES
from pipeline.anchored import LEAST, Anchoring
from pipeline.parts import registered
from pipeline.times import DAY, HOUR, MINUTE
from pipeline.values import Bars, Columns, Floats
from tests.feature_cases import (
    CASES,
    MIDNIGHT,
    QUARTER,
    SINGLE,
    Features,
    joined,
    locked,
    market,
    part,
    raw,
    recipe,
    still,
)

FADED = 2e-3
"""What a fading feature may still know of its beginning once it is warm, as a share of its column's spread."""
EXACT = 1e-9
BLOCK = 64
ROWS = 900
DAYS = DAY // QUARTER
MARKETS = [market(seed, ROWS) for seed in range(4)]
MARKET = locked(MARKETS[0])

FADING = {"fading", "path"}
CHAIN_FADES = {
    "an average of an oscillator",
    "the spread of a histogram",
    "a cross of what begins later",
    "a trend",
    "a volatility",
}
"""Chains with a feature in them that fades."""


def memory(name: str) -> str:
    if name in SINGLE:
        return str(registered("feature")[name].cls.memory)
    return "fading" if name in CHAIN_FADES else "window"


def anchoring(features: Features, least: int = LEAST, lookback: int = 0) -> Anchoring:
    return Anchoring(features, BLOCK, least, lookback)


def numbers(columns: Columns) -> dict[str, Floats]:
    return {name: column for name, column in columns.values.items() if name.split(".")[0] == "x"}


def starts(bars: Bars, ready: int) -> Iterator[int]:
    """Rows to begin at: each place within a day, an hour and a slot comes up."""
    yield from range(1, len(bars) - ready - 60, 41)


WINDOWS = [name for name in CASES if memory(name) == "window"]
FADES = [name for name in CASES if memory(name) in FADING]
TOTALS = [name for name in CASES if memory(name) == "total"]


def test_every_feature_says_how_long_it_remembers_and_all_are_looked_at() -> None:
    assert {*WINDOWS, *FADES, *TOTALS} == set(CASES)
    assert len(SINGLE) >= 105
    assert {cls.memory for cls in (each.cls for each in registered("feature").values())} == {
        "window",
        "fading",
        "total",
        "path",
    }


# --- warm-up ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WINDOWS)
def test_from_its_warm_up_on_a_window_gives_what_the_whole_series_gives(name: str) -> None:
    ready = recipe(CASES[name]).ready["x"]
    for column, whole in enumerate(raw(CASES[name], MARKET)):
        scale = np.nanmax(np.abs(whole))
        for start in starts(MARKET, ready):
            cut = raw(CASES[name], MARKET, start, start + ready + 60)[column]
            np.testing.assert_allclose(
                cut[ready:], whole[start + ready : start + ready + 60], rtol=0, atol=EXACT * scale
            )
            assert np.isfinite(cut[ready:]).all()


@pytest.mark.parametrize("name", WINDOWS)
def test_a_row_earlier_a_window_had_no_answer_or_a_wrong_one(name: str) -> None:
    """Or else it would be said to warm up for longer than it does."""
    ready = recipe(CASES[name]).ready["x"]
    if ready == 0:
        return
    told: list[tuple[float, float]] = []
    for bars in MARKETS:
        wholes = raw(CASES[name], bars)
        for start in {*starts(bars, ready), *range(1, ROWS - ready, DAYS)}:
            cuts = raw(CASES[name], bars, start, start + ready)
            told += [(cut[-1], whole[start + ready - 1]) for cut, whole in zip(cuts, wholes, strict=True)]
    # What lies in [0, 1] and decays to 0 needs a value of 1 to be seen that far back.
    if name == "decay":
        told = [(float(raw(SINGLE[name], spike())[0][ready]), 0.0)]
    assert any(math.isnan(given) or abs(given - true) > EXACT * abs(true) for given, true in told)


def spike() -> Bars:
    """A close of 1 once, then next to nothing."""
    return joined(still(1, 1.0), still(30, 1e-9))


@pytest.mark.parametrize("name", FADES)
def test_once_warm_a_fading_feature_has_forgotten_where_it_began(name: str) -> None:
    ready = recipe(CASES[name]).ready["x"]
    for bars in MARKETS:
        for column, whole in enumerate(raw(CASES[name], bars)):
            spread = np.ptp(whole[ready:])
            for start in range(300, ROWS - ready - 50, 83):
                cut = raw(CASES[name], bars, start, start + ready + 50)[column][ready:]
                assert np.isfinite(cut).all()
                apart = np.abs(cut - whole[start + ready : start + ready + 50])
                if name in ("a cross of what begins later", "a trend", "a volatility"):
                    assert (apart > 0).mean() <= 0.05
                else:
                    assert (apart <= FADED * spread).all()


@pytest.mark.parametrize("name", TOTALS)
def test_the_changes_of_a_total_do_not_depend_on_where_it_began(name: str) -> None:
    ready = recipe(CASES[name]).ready["x"]
    (whole,) = raw(CASES[name], MARKET)
    for start in starts(MARKET, ready):
        (cut,) = raw(CASES[name], MARKET, start, start + 60)
        same, known = whole[start + ready : start + 60], cut[ready:]
        if name in ("nvi", "pvi"):
            known, same = np.log(known), np.log(same)
        np.testing.assert_allclose(np.diff(known), np.diff(same), rtol=0, atol=1e-9 * np.ptp(whole[ready:]))


@pytest.mark.parametrize("name", CASES)
def test_a_run_that_begins_anew_has_no_answer_for_exactly_the_declared_rows(name: str) -> None:
    """As after a gap: there is nothing before it."""
    features = {"x": CASES[name]["x"], **CASES[name]}
    ready = recipe(CASES[name]).ready["x"]
    columns = anchoring(features).columns(MARKET)
    for column in numbers(columns).values():
        assert np.isnan(column[:ready]).all()
        assert np.isfinite(column[ready:]).all()


# --- causality -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_prefix_gives_the_bits_of_the_whole(name: str) -> None:
    anchored = anchoring(CASES[name], lookback=1)
    context = anchored.context(QUARTER)
    wholes = anchored.columns(MARKET)
    assert context < ROWS
    for stop in (context + 1, context + 37, context + 38, ROWS - 100, ROWS - 1, ROWS):
        made = anchored.columns(MARKET.rows(stop - context - 1, stop, 1))
        for column, given in numbers(made).items():
            assert given[-1:].tobytes() == wholes[column][stop - 1 : stop].tobytes(), (column, stop)
            assert given.dtype == np.float64
            assert len(given) == len(made) == 2


@pytest.mark.parametrize("name", CASES)
def test_rows_to_come_change_nothing(name: str) -> None:
    at = ROWS - 70
    other = joined(MARKET.rows(0, at, 0), market(99, 70, level=0.4))
    for mine, theirs in zip(raw(CASES[name], MARKET), raw(CASES[name], other), strict=True):
        assert mine[:at].tobytes() == theirs[:at].tobytes()
    for mine, theirs in zip(raw(CASES[name], MARKET, 0, at), raw(CASES[name], other), strict=True):
        assert mine.tobytes() == theirs[:at].tobytes()


@pytest.mark.parametrize("name", CASES)
def test_too_few_bars_give_nothing_and_no_error(name: str) -> None:
    for rows in (0, 1, 2, 3, 9, 10, 13, 14, 15, 19, 20, 21, 51, 52):
        assert {len(column) for column in raw(CASES[name], MARKET, 0, rows)} == {rows}


@pytest.mark.parametrize("name", CASES)
def test_two_calls_give_the_same_bits_and_no_column_is_written_to(name: str) -> None:
    """The market's columns are locked: writing to one of them would raise."""
    first = [column.tobytes() for column in raw(CASES[name], MARKET)]
    assert first == [column.tobytes() for column in raw(CASES[name], MARKET)]


# --- markets that are not well ---------------------------------------------------------------------------------------

ODD = {
    "no move": still(ROWS, 1.1),
    "no volume": market(3, ROWS),
    "no move and no volume": still(ROWS, 1.1, volume=0.0),
    "huge prices": market(4, ROWS, level=1e12),
    "tiny prices": market(5, ROWS, level=1e-9),
    "wild prices": market(6, ROWS, move=0.05),
    "long rests": joined(still(70, 1.1), market(7, 200), still(220, 1.2, volume=0.0), market(8, 410)),
    "a leap": joined(market(9, 450, level=1e-6), market(10, 450, level=1e6)),
}
ODD["no volume"].volume[:] = 0.0
for _bars in ODD.values():
    locked(_bars)


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", CASES)
def test_no_market_makes_it_raise_warn_or_give_infinity(name: str, odd: str) -> None:
    columns = anchoring(CASES[name]).columns(ODD[odd])
    for column in numbers(columns).values():
        assert not np.isinf(column).any()
        assert len(column) == ROWS


@pytest.mark.parametrize("name", CASES)
def test_after_a_long_rest_it_is_warm_again_in_its_own_time(name: str) -> None:
    """No rounding error and no division of nothing stays in it for good."""
    ready = recipe(CASES[name]).ready["x"]
    rested = ODD["long rests"]
    moved = np.flatnonzero(np.diff(rested.close) != 0)[-1] - 409
    for column in raw(CASES[name], rested):
        assert np.isfinite(column[moved + ready + 1 :]).all()


@pytest.mark.parametrize("name", [each for each in CASES if memory(each) != "total"])
def test_what_a_rest_was_like_is_forgotten_like_anything_else(name: str) -> None:
    ready = recipe(CASES[name]).ready["x"]
    rested = ODD["long rests"]
    begin = ROWS - 410
    wholes, cuts = raw(CASES[name], rested), raw(CASES[name], rested, begin, ROWS)
    for whole, cut in zip(wholes, cuts, strict=True):
        spread = max(np.ptp(cut[ready:]), 1e-12)
        apart = np.abs(whole[begin + ready :] - cut[ready:])
        assert (apart > (2 * FADED if memory(name) in FADING else 1e-6) * spread).mean() <= 0.02


STANDING: dict[str, float] = {
    "rsi": 50,
    "cci": 0,
    "cmo": 0,
    "mfi": 50,
    "willr": -50,
    "ultosc": 50,
    "stochrsi": 0.5,
    "adx": 0,
    "adxr": 0,
    "dx": 0,
    "vhf": 0,
    "stddev": 0,
    "var": 0,
    "stderr": 0,
    "md": 0,
    "volatility": 0,
    "bop": 0,
    "mom": 0,
    "roc": 0,
    "rocr": 1,
    "mass": 25,
    "kvo": 0,
    "range_state": 1,
    "breakout_state": 0,
    "trix": 0,
}


@pytest.mark.parametrize("name", STANDING)
@pytest.mark.parametrize("price", [1e-6, 1.1, 65_000.0])
def test_of_a_price_that_does_not_move_it_says_so(name: str, price: float) -> None:
    """Also when it moved before, when rounding errors are left in the sums."""
    ready = recipe(SINGLE[name]).ready["x"]
    (made,) = raw(SINGLE[name], still(400, price))
    assert made[ready:] == pytest.approx(STANDING[name], abs=1e-9)
    if memory(name) == "window":
        (after,) = raw(SINGLE[name], joined(market(1, 300, level=price * 1.01), still(200, price)))
        assert after[-50:] == pytest.approx(STANDING[name], abs=1e-9)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("rsi", 0, 100),
        ("stoch", 0, 100),
        ("stoch_rsi", 0, 100),
        ("stochrsi", 0, 1),
        ("mfi", 0, 100),
        ("willr", -100, 0),
        ("cmo", -100, 100),
        ("adx", 0, 100),
        ("aroon", 0, 100),
        ("ultosc", 0, 100),
        ("cmf", -1, 1),
        ("bop", -1, 1),
        ("atr_percentile", 0, 1),
        ("candle", -1, 1),
        ("range_state", 0, 1),
        ("breakout_state", -1, 1),
    ],
)
def test_it_stays_in_its_bounds(name: str, low: float, high: float) -> None:
    for bars in (*MARKETS, *ODD.values()):
        for column in raw(SINGLE[name], bars):
            known = column[np.isfinite(column)]
            assert ((known >= low - 1e-9) & (known <= high + 1e-9)).all()


# --- what is said of them --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", registered("feature"))
def test_each_says_its_group_and_what_it_does_about_nothing(name: str) -> None:
    declared = registered("feature")[name]
    assert declared.cls.group in ("basic", "advanced", "states")
    summary, _, rule = declared.help.partition("\n\n")
    assert summary.endswith(".")
    assert rule.endswith(".")


@pytest.mark.parametrize(
    "name", [name for name, entry in ENTRIES.items() if len(entry.defaults) > 1 and name != "bbands"]
)
def test_periods_in_the_wrong_order_are_refused_in_a_sentence(name: str) -> None:
    cls = registered("feature")[name].cls
    ordered = [key for key in ("fast", "medium", "slow") if key in cls.options]
    if "step" in cls.options:
        with pytest.raises(ValueError, match="step is not less than maximum"):
            cls(step=0.3, maximum=0.2)
    elif len(ordered) > 1:
        with pytest.raises(ValueError, match=f"{ordered[-2]} is 99, more than {ordered[-1]}"):
            cls(**{ordered[-2]: 99, ordered[-1]: 98})


def test_features_are_equal_by_what_they_are() -> None:
    assert part("ema", period=9) == part("ema", period=9)
    assert part("ema", period=9) != part("ema", period=10)
    assert part("ema", period=9) != part("ema", period=9, price="open")
    assert part("ema", period=20) != part("dema", period=20)
    assert repr(part("ema", period=9)) == "Ema(period=9, price='close')"
    assert len({part("rsi"), part("rsi"), part("atr")}) == 2


def test_a_feature_does_not_change_and_takes_its_own_keys_only() -> None:
    ema = part("ema", period=9)
    with pytest.raises(FrozenInstanceError):
        ema.period = 10  # pyright: ignore[reportAttributeAccessIssue]  # that it cannot be set is the claim
    with pytest.raises(TypeError, match="Ema takes period, price"):
        part("ema", perod=9)
    with pytest.raises(TypeError, match="Sub needs left"):
        registered("feature")["sub"].cls(right="close")


def test_the_window_of_a_minute_is_as_long_as_a_day_only_for_what_needs_a_day() -> None:
    features = {"ema": part("ema", period=9), "vwap": part("vwap")}
    anchored = anchoring(features)
    assert [window.warmup for window in anchored.windows(MINUTE)] == [36, 1439]
    assert [window.warmup for window in anchored.windows(HOUR)] == [36, 23]
    assert MIDNIGHT % QUARTER == 0
