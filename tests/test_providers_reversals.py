"""Strategies that go against a stretched market, or with what its volatility does: each rule, up and down."""

import pytest

from operators.providers.ema_trend import EmaTrend
from operators.providers.oscillators import (
    CciReturn,
    FisherTurn,
    RsiReturn,
    StochReversal,
    WillrReversal,
    ZscoreReversal,
)
from operators.providers.rsi_reversal import RsiReversal
from operators.providers.stretches import LineStretch, QuietFade, StreakFade
from operators.providers.volatility import AtrExpansion, SpikeFade, WakingMarket
from tests.driven import columns_of
from tests.provider_cases import candles, said, says


def test_a_column_that_is_no_rsi_cannot_make_a_score_beyond_1() -> None:
    wrong = columns_of(rsi=[1.0e6, -1.0e6], fast=[2.0, 0.0], slow=[1.0, 1.0])
    assert said(RsiReversal(rsi="rsi")(wrong)) == [-1.0, 1.0]
    assert said(EmaTrend(fast="fast", slow="slow", rsi="rsi")(wrong)) == [1.0, -1.0]


# --- oscillators -----------------------------------------------------------------------------------------------------


def test_rsi_return_comes_out_of_an_end_and_counts_how_deep_it_was_of_late() -> None:
    provider = RsiReturn(rsi="rsi", extreme=70.0, bars=2)
    says(provider, [None, None, None, 0.5, None], rsi=[50.0, 15.0, 30.0, 31.0, 40.0])
    says(provider, [None, None, None, 0.1], rsi=[50.0, 40.0, 30.0, 31.0])
    # How high it was before has nothing to do with how low it was.
    says(provider, [None, None, None, 0.1], rsi=[50.0, 69.0, 30.0, 31.0])
    says(provider, [None, None, None, 0.2], rsi=[50.0, 90.0, 24.0, 31.0])


def test_stoch_reversal_crosses_within_an_end() -> None:
    provider = StochReversal(k="k", d="d", extreme=80.0)
    says(provider, [None, 0.5, None], k=[10.0, 16.0, 20.0], d=[12.0, 12.0, 14.0])
    says(provider, [None, None, None], k=[30.0, 36.0, 40.0], d=[32.0, 32.0, 34.0])


def test_stoch_lines_at_the_end_of_their_scale_do_not_cross_by_rounding() -> None:
    provider = StochReversal(k="k", d="d")
    says(provider, [None, None, None], k=[0.0, 1e-13, 0.0], d=[0.0, 0.0, 1e-13])


def test_willr_reversal_comes_out_of_an_end_with_a_body_that_way() -> None:
    provider = WillrReversal(willr="willr", atr="atr", end=10.0, full_body=2.0)
    bars = {"open": [0.0, 0.0, 0.0], "close": [0.0, 1.0, 1.0]}
    says(provider, [None, 0.5, None], willr=[-95.0, -80.0, -70.0], **bars)
    says(provider, [None, None, None], willr=[-95.0, -80.0, -70.0], open=bars["close"], close=bars["open"])


def test_cci_return_comes_inside_its_limit() -> None:
    provider = CciReturn(cci="cci", limit=100.0)
    says(provider, [None, None, 0.5, None], cci=[-90.0, -120.0, -70.0, -60.0])
    says(provider, [None, 0.1], cci=[-100.0, -99.0])


def test_zscore_reversal_goes_against_what_is_at_its_limit_or_beyond() -> None:
    says(ZscoreReversal(zscore="z", limit=2.0), [None, 0.1, 0.5, 1.0], z=[-1.99, -2.0, -2.5, -4.0])


def test_fisher_turn_crosses_beyond_its_limit() -> None:
    provider = FisherTurn(line="fisher", signal="before", limit=1.5)
    says(provider, [None, 0.333333, None], fisher=[-2.0, -1.8, -1.0], before=[-1.9, -2.0, -1.8])
    says(provider, [None, None, None], fisher=[-1.0, -0.8, 0.0], before=[-0.9, -1.0, -0.8])


# --- stretches -------------------------------------------------------------------------------------------------------


def test_line_stretch_waits_for_the_first_close_back() -> None:
    provider = LineStretch(line="line", atr="atr", stretch=2.0)
    says(provider, [None, None, 0.5, 0.25], close=[-2.0, -3.0, -2.5, -1.0], line=[0.0] * 4)


def test_streak_fade_counts_closes_in_a_row() -> None:
    provider = StreakFade(atr="atr", bars=3)
    says(provider, [None, None, None, -0.5, -1.0, None], close=[0.0, 0.5, 1.0, 1.5, 5.0, 4.0])
    says(provider, [None] * 5, close=[0.0, 1.0, 2.0, 2.0, 3.0])


def test_quiet_fade_needs_a_quiet_market_and_a_far_close() -> None:
    provider = QuietFade(zscore="z", percentile="percentile", quiet=0.3, limit=1.5)
    says(provider, [0.5, None, None, 0.1], z=[-2.0, -2.0, -1.4, -1.5], percentile=[0.3, 0.31, 0.1, 0.1])


# --- volatility ------------------------------------------------------------------------------------------------------


def test_atr_expansion_closes_near_the_end_of_a_wide_bar() -> None:
    provider = AtrExpansion(tr="tr", atr="atr", factor=2.0, near=0.25)
    quiet, wide = (0.0, 0.5, -0.5, 0.0), (0.0, 4.0, 0.0, 3.0)
    says(provider, [None, 1.0], **candles(quiet, wide), tr=[1.0, 4.0])
    says(provider, [None, 0.5], **candles(quiet, (0.0, 2.0, 0.0, 1.5)), tr=[1.0, 2.0])
    says(provider, [None, None], **candles(quiet, (0.0, 4.0, 0.0, 2.9)), tr=[1.0, 4.0])
    says(provider, [None, None], **candles(quiet, wide), tr=[1.0, 1.9])


def test_a_wide_step_to_a_bar_without_a_range_points_nowhere() -> None:
    provider = AtrExpansion(tr="tr", atr="atr")
    says(provider, [None, None], **candles((0.0, 0.5, -0.5, 0.0), (9.0, 9.0, 9.0, 9.0)), tr=[1.0, 9.0])


def test_an_expansion_is_held_against_the_average_before_it() -> None:
    provider = AtrExpansion(tr="tr", atr="atr", factor=2.0)
    bars = candles((0.0, 0.5, -0.5, 0.0), (0.0, 4.0, 0.0, 4.0))
    says(provider, [None, 1.0], **bars, tr=[1.0, 4.0], atr=[1.0, 9.0])


def test_spike_fade_goes_against_a_long_wick_of_a_wide_bar() -> None:
    provider = SpikeFade(tr="tr", atr="atr", factor=2.0, wick=0.6)
    quiet = (0.0, 0.5, -0.5, 0.0)
    says(provider, [None, -0.75], **candles(quiet, (0.0, 4.0, 0.0, 1.0)), tr=[1.0, 4.0])
    says(provider, [None, None], **candles(quiet, (0.0, 4.0, 0.0, 2.0)), tr=[1.0, 4.0])
    says(provider, [None, None], **candles(quiet, (0.0, 1.0, 0.0, 0.25)), tr=[1.0, 1.0])


def test_waking_market_comes_from_low_to_high_and_goes_with_the_move() -> None:
    provider = WakingMarket(percentile="percentile", atr="atr", low=0.4, high=0.8, bars=2)
    says(provider, [None, None, 0.5, None], percentile=[0.4, 0.5, 0.8, 0.9], close=[0.0, 0.0, 0.5, 1.0])
    says(provider, [None] * 4, percentile=[0.4, 0.5, 0.6, 0.9], close=[0.0, 0.0, 0.5, 1.0])


def test_a_market_cannot_wake_up_from_above_where_it_wakes_up_to() -> None:
    with pytest.raises(ValueError, match=r"low is 0\.9, not less than high, which is 0\.8; exchange them"):
        WakingMarket(low=0.9, high=0.8)
