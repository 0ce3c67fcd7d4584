"""Strategies of momentum, of volume, of the shapes of bars and of the hours: each rule, up and in the mirror down."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from operators.providers.candles import Engulfing, FullBar, InsideBreak, PinBar
from operators.providers.hours import HoursBias, HoursFollow
from operators.providers.momenta import AroonTrend, AverageTurn, DmiCross, MacdTurn, MidlineCross, RocThrust
from operators.providers.patterns import DayStar, ThreeSoldiers
from operators.providers.volumes import (
    CmfTrend,
    MfiReversal,
    ObvSlope,
    VolumeDivergence,
    VolumeThrust,
    VwapReclaim,
)
from pipeline.errors import PlanError
from pipeline.parts import Provider
from pipeline.times import parse_moment
from pipeline.values import Columns
from tests.provider_cases import candles, plan_with, said, says

# --- momentum --------------------------------------------------------------------------------------------------------


def test_macd_turn_turns_before_it_crosses_zero() -> None:
    provider = MacdTurn(histogram="h", atr="atr", full_turn=2.0)
    says(provider, [None, None, 0.5, None, None], h=[-1.0, -2.0, -1.0, -0.5, -0.2])
    says(provider, [None, None, None], h=[2.0, 1.0, 2.0])


def test_midline_cross_is_voted_once_it_has_stayed() -> None:
    says(MidlineCross(of="m", span=2), [None, 1.0, None, None], m=[-1.0, 1.0, 2.0, 3.0])
    says(MidlineCross(of="m", span=3), [None, None, 0.25, None], m=[-8.0, -1.0, 1.0, 3.0])
    says(MidlineCross(of="m", span=2, confirm=2), [None, None, 1.0, None], m=[-1.0, 1.0, 2.0, 3.0])
    says(MidlineCross(of="rsi", middle=50.0, span=2), [None, 1.0], rsi=[40.0, 60.0])


def test_roc_thrust_is_measured_in_what_is_usual() -> None:
    provider = RocThrust(roc="roc", natr="natr", least=2.0)
    says(provider, [None, 0.5, 0.75, None], roc=[0.019, 0.02, 0.03, 0.03], natr=[1.0, 1.0, 1.0, 0.0])


def test_average_turn_is_voted_on_its_first_bar() -> None:
    provider = AverageTurn(average="average", atr="atr", full_turn=2.0)
    says(provider, [None, None, 0.5, None], average=[2.0, 1.0, 2.0, 3.0])


def test_aroon_trend_has_a_new_extreme_and_an_old_one() -> None:
    provider = AroonTrend(up="up", down="down", strong=70.0)
    says(provider, [0.4, None, None], up=[70.0, 69.0, 80.0], down=[30.0, 20.0, 31.0])


def test_dmi_cross_counts_while_the_adx_is_at_its_least() -> None:
    provider = DmiCross(plus="plus", minus="minus", adx="adx", adx_min=20.0)
    says(provider, [None, 0.5, None], plus=[10.0, 20.0, 30.0], minus=[15.0] * 3, adx=[25.0] * 3)
    says(provider, [None, None, None], plus=[10.0, 20.0, 30.0], minus=[15.0] * 3, adx=[19.0] * 3)


# --- volume ----------------------------------------------------------------------------------------------------------


def test_vwap_reclaim_needs_the_volume_on_the_bar_that_is_voted_on() -> None:
    provider = VwapReclaim(vwap="vwap", rvol="rvol", atr="atr", rvol_min=1.2)
    says(provider, [None, 0.6, None], close=[-1.0, 0.5, 1.0], vwap=[0.0] * 3, rvol=[1.0, 1.2, 2.0])
    says(provider, [None, None, None], close=[-1.0, 0.5, 1.0], vwap=[0.0] * 3, rvol=[1.0, 1.1, 2.0])


def test_cmf_trend_needs_flow_and_price_on_one_side() -> None:
    provider = CmfTrend(cmf="cmf", average="average", least=0.1, full=0.4)
    says(provider, [0.25, None, None], cmf=[0.1, 0.09, 0.2], close=[1.0, 1.0, -1.0], average=[0.0] * 3)


def test_mfi_reversal_comes_out_of_an_end() -> None:
    says(MfiReversal(mfi="mfi", extreme=80.0), [None, None, 0.5, None], mfi=[50.0, 15.0, 25.0, 30.0])


def test_obv_slope_is_in_mean_volumes_and_needs_the_price_to_follow() -> None:
    provider = ObvSlope(slope="s", volume="volume", price_slope="p", least=0.25, full=0.5)
    says(
        provider,
        [0.5, None, None, None],
        s=[5.0, 4.0, 5.0, 5.0],
        volume=[20.0, 20.0, 20.0, 0.0],
        p=[1.0, 1.0, -1.0, 1.0],
    )


def test_volume_thrust_is_a_body_on_volume() -> None:
    provider = VolumeThrust(rvol="rvol", rvol_min=2.0, body=0.5)
    bars = candles((0.0, 2.0, 0.0, 1.0), (0.0, 2.0, 0.0, 0.9), (0.0, 2.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0))
    says(provider, [0.5, None, None, None], **bars, rvol=[3.0, 3.0, 1.9, 3.0])


def test_volume_divergence_is_a_new_low_on_which_volume_rises() -> None:
    provider = VolumeDivergence(slope="s", volume="volume", bars=2, full=1.0)
    says(provider, [None, None, 0.5, None], close=[2.0, 1.0, 0.0, 0.5], s=[5.0] * 4, volume=[10.0] * 4)
    says(provider, [None, None, None], close=[2.0, 1.0, 0.0], s=[-5.0] * 3, volume=[10.0] * 3)


# --- shapes ----------------------------------------------------------------------------------------------------------

BEFORE = (5.0, 6.0, 4.0, 4.5)


def test_engulfing_covers_the_body_before_at_the_extreme_of_its_reach() -> None:
    provider = Engulfing(atr="atr", reach=3, full_body=4.0)
    fall, cover = (4.0, 4.2, 2.8, 3.0), (2.9, 5.5, 2.5, 4.9)
    says(provider, [None, None, 0.5], **candles(BEFORE, fall, cover))
    says(provider, [None, None, None], **candles((5.0, 6.0, 2.0, 4.5), fall, cover))
    says(provider, [None, None, None], **candles(BEFORE, fall, (2.9, 5.5, 2.5, 3.9)))


def test_pin_bar_goes_farther_than_its_reach_and_comes_back() -> None:
    provider = PinBar(atr="atr", wick=0.75, reach=2, full_range=8.0)
    calm = (4.0, 4.5, 3.5, 4.0)
    says(provider, [None, None, 0.5], **candles(calm, calm, (4.0, 4.0, 0.0, 3.0)))
    says(provider, [None, None, None], **candles(calm, (4.0, 4.0, 0.0, 4.0), (4.0, 4.0, 0.0, 3.0)))
    says(provider, [None, None, None], **candles(calm, calm, (4.0, 4.0, 0.0, 2.0)))


INSIDE = ((0.0, 2.0, -2.0, 0.0), (0.0, 1.0, -1.0, 0.0))


def test_inside_break_leaves_the_bar_that_held_the_inside_bar_within_two_bars() -> None:
    provider = InsideBreak(atr="atr", full_distance=2.0)
    out, within = (0.0, 4.0, 0.0, 3.0), (0.0, 2.5, -1.0, 1.0)
    says(provider, [None, None, 0.5], **candles(*INSIDE, out))
    says(provider, [None, None, None, 0.5], **candles(*INSIDE, within, out))
    says(provider, [None] * 5, **candles(*INSIDE, within, (1.0, 2.6, -1.0, 1.0), out))


def test_inside_break_is_voted_once() -> None:
    provider = InsideBreak(atr="atr", full_distance=2.0)
    says(provider, [None, None, 0.5, None], **candles(*INSIDE, (0.0, 4.0, 0.0, 3.0), (3.0, 5.0, 3.0, 4.0)))


def test_full_bar_is_nearly_all_body_and_long() -> None:
    provider = FullBar(atr="atr", body=0.875, least=2.0)
    bars = candles((0.0, 4.0, 0.0, 3.5), (0.0, 4.0, 0.0, 3.0), (0.0, 1.9, 0.0, 1.9), (1.0, 1.0, 1.0, 1.0))
    says(provider, [0.875, None, None, None], **bars)
    says(FullBar(atr="atr", body=0.875, least=3.5), [0.5, None, None, None], **bars)


def test_three_soldiers_march_one_way() -> None:
    provider = ThreeSoldiers(atr="atr", body=0.5, full_distance=8.0)
    first, second, third = (0.0, 2.5, -0.5, 2.0), (1.0, 3.5, 0.5, 3.0), (2.0, 4.5, 1.5, 4.0)
    says(provider, [None, None, 0.5], **candles(first, second, third))
    says(provider, [None, None, None], **candles(first, second, (3.5, 5.5, 1.5, 4.0)))
    says(provider, [None, None, None], **candles(first, second, (2.0, 3.0, 1.5, 2.9)))


def test_day_star_falls_rests_and_takes_half_of_it_back() -> None:
    provider = DayStar(atr="atr", long=2.0, short=0.5)
    fall, rest = (9.0, 9.5, 4.5, 5.0), (5.0, 5.5, 4.0, 4.5)
    says(provider, [None, None, 0.5], **candles(fall, rest, (4.5, 9.0, 4.5, 8.5)))
    says(provider, [None, None, None], **candles(fall, rest, (4.5, 9.0, 4.5, 7.0)))
    says(provider, [None, None, None], **candles(fall, (5.0, 5.5, 2.0, 2.5), (4.5, 9.0, 4.5, 8.5)))


# --- hours -----------------------------------------------------------------------------------------------------------


def at(provider: Provider, *moments: str, **columns: Iterable[float]) -> list[float | None]:
    """What a strategy says of bars that become final at these moments."""
    final = np.array([parse_moment(moment) for moment in moments], np.int64)
    values = {name: np.array(list(column)) for name, column in columns.items()}
    ready = np.ones(len(final), np.bool_)
    return said(provider(Columns("EURUSD", 60_000, final - 60_000, final, ready, values, len(final))))


def test_hours_follow_goes_with_a_column_in_its_hours_summer_and_winter() -> None:
    provider = HoursFollow(hours="08:00-10:00", timezone="Europe/London", follow="z", least=1.0, full=2.0)
    moments = ("2026-01-05T08:00:00Z", "2026-01-05T07:59:00Z", "2026-07-06T07:00:00Z", "2026-07-06T09:00:00Z")
    assert at(provider, *moments, z=[1.0, 1.0, -1.5, 2.0]) == [0.5, None, -0.75, None]
    assert at(provider, moments[0], z=[0.9]) == [None]


def test_hours_follow_can_go_against_its_column_and_on_some_days_only() -> None:
    provider = HoursFollow(hours="00:00-24:00", timezone="UTC", weekdays=("mon",), follow="z", against=True)
    assert at(provider, "2026-01-05T12:00:00Z", "2026-01-06T12:00:00Z", z=[-3.0, -3.0]) == [1.0, None]


def test_hours_bias_goes_one_way() -> None:
    moments = ("2026-01-05T21:59:00Z", "2026-01-05T22:00:00Z", "2026-01-06T01:59:00Z", "2026-01-06T02:00:00Z")
    night = HoursBias(hours="22:00-02:00", timezone="UTC")
    assert at(night, *moments) == [None, 0.5, 0.5, None]
    assert at(replace(night, direction="put"), *moments) == [None, -0.5, -0.5, None]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("hours", "25:00-26:00", "hours '25:00-26:00' is not a span of a day; write it like 07:00-20:30"),
        ("timezone", "London", "timezone 'London' is not known"),
    ],
)
def test_hours_that_are_none_are_told_at_their_place(key: str, value: str, sentence: str) -> None:
    with pytest.raises(PlanError) as wrong:
        plan_with({"one": "hours_follow"}, f'{key} = "{value}"')
    (problem,) = wrong.value.problems
    assert sentence in problem.text("flows.toml")
