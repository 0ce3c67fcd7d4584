"""Strategies that go with a trend, with a breakout, or with longer bars: each rule, up and in the mirror down."""

import pytest

from operators.providers.bands import BollingerFade, BollingerReturn, BollingerWalk, KeltnerBreak, SqueezeRelease
from operators.providers.breakouts import DonchianBreak, NarrowBreak, PivotBounce, PivotBreak
from operators.providers.ema_cross import EmaCross
from operators.providers.entries import HeikinAshiRun, PsarTurn, Pullback
from operators.providers.opening_range import OpeningRangeBreak
from operators.providers.timeframes import TimeframeBreak, TimeframeEntry, TimeframePullback, TimeframeTrend
from operators.providers.trends import IchimokuTrend, SlopeTrend, SupertrendAdx, TripleAverage
from tests.driven import columns_of
from tests.provider_cases import candles, said, says

NAN = float("nan")


# --- ema_cross -------------------------------------------------------------------------------------------------------


def test_a_cross_to_be_confirmed_is_voted_on_when_it_has_lasted_and_only_then() -> None:
    provider = EmaCross(fast="fast", slow="slow", confirm=2)
    columns = columns_of(fast=[0.9, 1.1, 1.1, 1.1, 0.9, 1.1, 0.9, 0.9], slow=[1.0] * 8)
    assert said(provider(columns)) == [None, None, 1.0, None, None, None, None, -1.0]


def test_a_cross_counts_while_the_adx_is_at_its_least() -> None:
    provider = EmaCross(fast="fast", slow="slow", adx="adx", adx_min=20.0)
    for adx, score in ((20.0, 1.0), (19.9, None), (NAN, None)):
        assert said(provider(columns_of(fast=[0.9, 1.1], slow=[1.0, 1.0], adx=[adx, adx]))) == [None, score]


# --- trends ----------------------------------------------------------------------------------------------------------


def test_supertrend_adx_needs_an_adx_above_its_least_and_grows_with_it_and_with_the_distance() -> None:
    provider = SupertrendAdx(line="line", direction="way", adx="adx", atr="atr", adx_min=20.0)
    says(
        provider,
        [None, 0.2, 0.35, 1.0],
        way=[1.0] * 4,
        line=[0.0] * 4,
        close=[0.0, 0.5, 0.5, 3.0],
        adx=[20.0, 24.5, 29.0, 50.0],
    )


def test_triple_average_takes_the_smaller_of_two_distances_of_averages_in_order() -> None:
    provider = TripleAverage(fast="fast", medium="medium", slow="slow", atr="atr", full_distance=2.0)
    says(
        provider,
        [0.5, 0.25, None, None],
        fast=[3.0, 1.5, 1.0, -1.0],
        medium=[1.0, 1.0, 1.0, 1.0],
        slow=[0.0, 0.0, 0.0, 0.0],
    )


def test_ichimoku_trend_is_outside_the_cloud_with_the_lines_on_the_same_side() -> None:
    provider = IchimokuTrend(
        conversion="fast", base="slow", span_a="span_a", span_b="span_b", atr="atr", full_distance=4.0
    )
    says(
        provider,
        [0.5, None, None, 0.25],
        close=[4.0, 1.5, 4.0, 3.0],
        span_a=[2.0, 2.0, 2.0, 1.0],
        span_b=[1.0, 1.0, 1.0, 2.0],
        fast=[1.0, 1.0, -1.0, 1.0],
        slow=[0.0] * 4,
    )


def test_slope_trend_needs_its_least_slope_and_is_full_at_four_times_that() -> None:
    provider = SlopeTrend(slope="slope", atr="atr", least=0.125)
    says(provider, [None, 0.25, 0.5, 1.0], slope=[0.12, 0.125, 0.25, 2.0])


# --- entries ---------------------------------------------------------------------------------------------------------


def test_pullback_dips_to_the_fast_average_and_closes_beyond_it_in_the_trends_direction() -> None:
    provider = Pullback(fast="fast", slow="slow", atr="atr", full_distance=1.0)
    bars = candles((2.0, 3.0, 0.9, 2.5), (2.0, 3.0, 1.1, 2.5), (2.0, 3.0, 0.9, 1.5), (1.0, 1.5, 0.9, 1.25))
    says(provider, [1.0, None, None, 0.25], **bars, fast=[1.0] * 4, slow=[0.0] * 4)
    says(provider, [None] * 4, **bars, fast=[1.0] * 4, slow=[2.0] * 4)


def test_psar_turn_is_voted_on_the_bar_of_the_turn() -> None:
    provider = PsarTurn(stop="stop", atr="atr", full_distance=4.0)
    says(provider, [None, 0.5, None], close=[1.0, 1.0, 1.0], stop=[2.0, -1.0, -1.0])


def test_heikin_ashi_run_needs_its_bars_in_a_row_and_no_wick_against_them() -> None:
    provider = HeikinAshiRun(opened="o", high="high", low="low", closed="c", atr="atr", bars=2, full_body=2.0)
    says(
        provider,
        [None, 0.5, None, None, None, 0.5],
        o=[0.0, 1.0, 2.0, 3.0, 2.0, 3.0],
        c=[1.0, 2.0, 3.0, 2.0, 3.0, 4.0],
        high=[1.5, 2.5, 3.5, 3.5, 3.5, 4.5],
        low=[0.0, 1.0, 1.5, 1.5, 2.0, 3.0],
    )


# --- bands -----------------------------------------------------------------------------------------------------------


def test_keltner_break_goes_with_a_close_beyond_the_channel_in_a_trend() -> None:
    provider = KeltnerBreak(lower="lower", upper="upper", adx="adx", atr="atr", adx_min=20.0)
    says(
        provider,
        [None, 0.45, None, 1.0],
        close=[1.0, 2.0, 2.0, 9.0],
        lower=[-1.0] * 4,
        upper=[1.0] * 4,
        adx=[25.0, 25.0, 19.0, 20.0],
    )


def test_bollinger_walk_counts_closes_on_the_band_in_a_row() -> None:
    provider = BollingerWalk(lower="lower", upper="upper", closes=2, near=0.125)
    close = [0.875, 1.0, 0.87, 1.0, 1.25]
    says(provider, [None, 0.5, None, None, 0.75], close=close, lower=[-1.0] * 5, upper=[1.0] * 5)


def test_bollinger_fade_goes_against_a_close_beyond_a_band() -> None:
    says(
        BollingerFade(lower="lower", upper="upper"),
        [None, -0.5, -1.0, 0.1],
        close=[1.0, 1.25, 3.0, -1.01],
        lower=[-1.0] * 4,
        upper=[1.0] * 4,
    )


def test_bollinger_return_goes_inward_on_the_bar_that_comes_back() -> None:
    says(
        BollingerReturn(lower="lower", upper="upper"),
        [None, None, -0.5, None],
        close=[1.25, 1.0, 0.75, 1.1],
        lower=[-1.0] * 4,
        upper=[1.0] * 4,
    )


@pytest.mark.parametrize(
    "provider", [BollingerFade(lower="lower", upper="upper"), BollingerReturn(lower="lower", upper="upper")]
)
def test_bands_without_width_say_nothing(provider: BollingerFade) -> None:
    says(provider, [None, None], close=[2.0, 1.0], lower=[1.0, 1.0], upper=[1.0, 1.0])


def test_squeeze_release_waits_until_the_bands_leave_the_channel() -> None:
    provider = SqueezeRelease(
        lower="lower", upper="upper", channel_lower="channel_lower", channel_upper="channel_upper", bars=2
    )
    says(
        provider,
        [None, None, 0.5, None, None, None],
        close=[0.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        upper=[1.0, 1.0, 2.0, 2.0, 1.0, 3.0],
        lower=[-1.0, -1.0, -2.0, -2.0, -1.0, -3.0],
        channel_upper=[2.0] * 6,
        channel_lower=[-2.0] * 6,
    )


# --- breakouts -------------------------------------------------------------------------------------------------------


def test_donchian_break_is_held_against_the_channel_before_its_own_bar() -> None:
    provider = DonchianBreak(lower="lower", upper="upper", atr="atr", full_distance=2.0)
    says(
        provider,
        [None, 0.5, None],
        close=[0.0, 2.0, 2.0],
        upper=[1.0, 3.0, 3.0],  # its own high moved the channel on the bar that broke it
        lower=[-1.0, -1.0, -1.0],
    )


def test_narrow_break_leaves_the_narrowest_bar() -> None:
    provider = NarrowBreak(atr="atr", bars=3, full_distance=2.0)
    wide, narrow = (0.0, 2.0, -2.0, 0.0), (0.0, 1.0, -1.0, 0.0)
    says(provider, [None, None, None, 0.5], **candles(wide, wide, narrow, (0.0, 3.0, 0.0, 2.0)))
    says(provider, [None, None, None, None], **candles(narrow, wide, wide, (0.0, 5.0, 0.0, 4.0)))


def test_pivot_break_passes_the_level_on_its_bar() -> None:
    provider = PivotBreak(resistance="resistance", support="support", atr="atr", full_distance=2.0)
    says(provider, [None, 0.5, None], close=[1.0, 2.0, 3.0], resistance=[1.0] * 3, support=[-1.0] * 3)


def test_pivot_bounce_touches_the_level_and_closes_away_from_it() -> None:
    provider = PivotBounce(resistance="resistance", support="support", atr="atr", full_distance=2.0)
    bars = candles((1.0, 2.0, -0.1, 1.0), (1.0, 2.0, 0.1, 1.0), (1.0, 2.0, -0.1, -0.1), (-0.1, 2.0, -0.1, 1.0))
    says(provider, [0.5, None, None, None], **bars, resistance=[9.0] * 4, support=[0.0] * 4)
    on_it = candles((0.0, 2.0, -0.1, 1.0), (1.0, 2.0, -0.1, 0.0), (1.0, 2.0, 0.0, 1.0))
    says(provider, [None, None, 0.5], **on_it, resistance=[9.0] * 3, support=[0.0] * 3)
    # A bar that touched both levels points nowhere.
    says(provider, [None], **candles((1.0, 2.1, -0.1, 1.0)), resistance=[2.0], support=[0.0])


# --- opening range ---------------------------------------------------------------------------------------------------

RANGE = OpeningRangeBreak(since="since", minutes=2, until=3)


def opening(since: list[float], close: list[float], expected: list[float | None]) -> None:
    high, low = [each + 0.5 for each in close], [each - 0.5 for each in close]
    says_with_clock(since, expected, close=close, high=high, low=low)


def says_with_clock(since: list[float], expected: list[float | None], **prices: list[float]) -> None:
    assert said(RANGE(columns_of(since=since, **prices))) == expected
    flipped = {
        "close": [-each for each in prices["close"]],
        "high": [-each for each in prices["low"]],
        "low": [-each for each in prices["high"]],
    }
    mirror = [None if score is None else -score for score in expected]
    assert said(RANGE(columns_of(since=since, **flipped))) == mirror


def test_the_opening_range_is_left_on_the_first_close_beyond_it_for_as_long_as_it_counts() -> None:
    since = [1439.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    opening(since, [9.0, 0.0, 1.0, 1.5, 2.0, 2.0, 9.0, 9.0], [None, None, None, None, 0.5, None, None, None])


def test_a_session_whose_first_bar_is_missing_has_no_opening_range() -> None:
    opening([1.0, 2.0, 3.0], [0.0, 5.0, 6.0], [None, None, None])


def test_each_session_has_its_own_opening_range() -> None:
    # The second day's bars follow at once, as bars of the session hours only would.
    columns = columns_of(
        since=[0.0, 1.0, 2.0, 0.0, 1.0, 2.0],
        close=[0.0, 0.0, 1.0, 8.0, 8.0, 7.0],
        high=[0.5, 0.5, 1.0, 8.5, 8.5, 8.0],
        low=[-0.5, -0.5, 0.0, 7.5, 7.5, 7.0],
    )
    assert said(RANGE(columns)) == [None, None, 1.0, None, None, -1.0]


# --- timeframes ------------------------------------------------------------------------------------------------------

LONGER = {"longer_fast": "longer", "longer_slow": "base"}


def test_timeframe_trend_is_one_that_both_timeframes_show() -> None:
    provider = TimeframeTrend(**LONGER, fast="fast", slow="slow", atr="atr", full_distance=2.0)
    says(
        provider,
        [0.5, None, None],
        fast=[1.0, 1.0, -1.0],
        slow=[0.0] * 3,
        longer=[2.0, -2.0, 2.0],
        base=[0.0] * 3,
    )


def test_timeframe_entry_is_a_cross_in_the_direction_of_the_longer_trend() -> None:
    provider = TimeframeEntry(**LONGER, fast="fast", slow="slow", atr="atr", full_step=4.0)
    says(
        provider,
        [None, 0.5, None, None],
        fast=[-1.0, 1.0, 1.0, -1.0],
        slow=[0.0] * 4,
        longer=[1.0] * 4,
        base=[0.0] * 4,
    )


def test_timeframe_pullback_is_a_dip_that_ends_in_the_longer_trend() -> None:
    provider = TimeframePullback(**LONGER, rsi="rsi", dip=35.0)
    says(provider, [None, 0.4, None], rsi=[30.0, 40.0, 50.0], longer=[1.0] * 3, base=[0.0] * 3)
    says(provider, [None, None, None], rsi=[30.0, 40.0, 50.0], longer=[-1.0] * 3, base=[0.0] * 3)


def test_timeframe_break_passes_the_range_of_longer_bars_as_it_stood_before() -> None:
    provider = TimeframeBreak(lower="lower", upper="upper", atr="atr", full_distance=2.0)
    says(provider, [None, 0.5, None], close=[1.0, 2.0, 2.5], upper=[1.0, 2.5, 2.5], lower=[-1.0] * 3)
