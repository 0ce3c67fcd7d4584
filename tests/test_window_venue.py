"""The window with the venue's finals: each timeframe has one origin, and quotes only show what is forming."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.window import Window
from pipeline.candles import merged
from pipeline.checking import load
from pipeline.errors import InputError, PlanError
from pipeline.replaying import replayed
from pipeline.sim.world import Terms, lived
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import VENUE, Bars, Dropped, Forming, Gap, Link, NoData, Noticed, Revised
from pipeline.venue_lanes import made_of
from tests.driven import Given, bars_of, driven, walk
from tests.support import MONDAY, ROOT, SMALL, decided, plan_of, quotes

FIVE, FIFTEEN = 5 * MINUTE, 15 * MINUTE
KEPT = {MINUTE: 60, FIVE: 60, FIFTEEN: 60}
WINDOW = Window(timeframes=("1m", "5m"), finals="venue", forming="250ms", contexts=KEPT)
LATE_BY = 1_500
"""So long after its close the venue gives a bar."""


def minutes(count: int, begin: int = MONDAY, seed: int = 7) -> Bars:
    return bars_of(walk(seed, count), begin=begin)


def told(bars: Bars, late_by: int = LATE_BY) -> list[tuple[int, Any]]:
    """Each bar alone, given so long after its close."""
    rows = [bars.rows(row, row + 1, 1) for row in range(len(bars))]
    return [
        (int(each.open_ts[0]) + each.tf + late_by, replace(each, final_at=each.final_at + late_by)) for each in rows
    ]


def tick(seconds: float, price: float = 1.1, lag: int = 20) -> tuple[int, Any]:
    stamp = MONDAY + round(seconds * 1000)
    return stamp + lag, quotes("BTCUSD", [stamp], [price], lag)


def gathered(entries: Iterable[tuple[int, Any]], window: Window = WINDOW, until: int = MONDAY + 60 * MINUTE) -> Given:
    return driven(window, list(entries), until)


def finals(made: Given, tf: int = MINUTE) -> list[tuple[int, ...]]:
    """Every column of the new bars of a timeframe."""
    found: list[tuple[int, ...]] = []
    for _, bars in made:
        if isinstance(bars, Bars) and bars.tf == tf:
            new = bars.rows(len(bars) - bars.fresh, len(bars), bars.fresh)
            columns = (new.open_ts, new.open, new.high, new.low, new.close, new.volume, new.final_at, new.closed_by)
            found += zip(*(column.tolist() for column in columns), strict=True)
    return found


def opened(made: Given, tf: int = MINUTE) -> list[int]:
    return [(row[0] - MONDAY) // MINUTE for row in finals(made, tf)]


def of_kind(made: Given, kind: type[Any]) -> list[Any]:
    return [item for _, item in made if type(item) is kind]


def dropped(made: Given) -> Counter[str]:
    return Counter({each.reason: each.rows for each in of_kind(made, Dropped)})


# --- whose bars are final --------------------------------------------------------------------------------------------


def test_quotes_alone_make_no_final_bar_but_forming_ones() -> None:
    made = gathered([tick(second) for second in range(0, 200, 5)])
    assert not of_kind(made, Bars)
    assert {(each.tf, each.open_ts) for each in of_kind(made, Forming)} == {(MINUTE, MONDAY), (FIVE, MONDAY)}


def test_a_bar_is_final_when_the_venue_gives_it_and_is_the_venues_own() -> None:
    made = gathered([*told(minutes(3)), *(tick(second, 9.9) for second in range(0, 200, 5))])
    assert [moment for moment, item in made if type(item) is Bars] == [
        MONDAY + minute * MINUTE + LATE_BY for minute in (1, 2, 3)
    ]
    assert opened(made) == [0, 1, 2]
    assert {row[-1] for row in finals(made)} == {VENUE}
    assert [row[4] for row in finals(made)] == minutes(3).close.tolist()


def test_five_minutes_the_venue_gives_are_not_made_of_its_minutes_too() -> None:
    fives = merged(minutes(10), FIVE)
    fives = replace(fives, close=fives.close + 1e-6)
    made = gathered([*told(minutes(10)), *told(fives, 4_000)])
    assert [row[4] for row in finals(made, FIVE)] == fives.close.tolist()
    assert not of_kind(made, Revised)


def test_what_the_venue_never_gives_is_made_of_the_longest_of_its_bars_that_fit() -> None:
    window = Window(timeframes=("1m", "5m", "15m"), finals="venue", contexts=KEPT, native={"BTCUSD": (MINUTE, FIVE)})
    fives = merged(minutes(30), FIVE)
    fives = replace(fives, volume=fives.volume + 1)
    made = gathered([*told(minutes(30)), *told(fives, 4_000)], window)
    assert [row[5] for row in finals(made, FIFTEEN)] == [153.0, 153.0]
    assert [row[6] - MONDAY for row in finals(made, FIFTEEN)] == [FIFTEEN + 4_000, 2 * FIFTEEN + 4_000]


@pytest.mark.parametrize(
    ("spans", "native", "made"),
    [
        ((1, 5), (1, 5), {1: 1, 5: 5}),
        ((1, 5, 15), (1, 5), {1: 1, 5: 5, 15: 5}),
        ((1, 5, 15), (1,), {1: 1, 5: 1, 15: 1}),
        ((5, 15), (1,), {5: 1, 15: 1}),
        ((5, 15), (1, 15), {5: 1, 15: 15}),
        ((1, 5), (5,), {5: 5}),
        ((1, 5), (), {}),
    ],
)
def test_every_timeframe_has_one_origin(spans: tuple[int, ...], native: tuple[int, ...], made: dict[int, int]) -> None:
    assert made_of(spans, native) == made


def test_minutes_make_the_bars_of_a_window_that_begins_with_longer_ones() -> None:
    window = Window(timeframes=("5m",), finals="venue", contexts=KEPT, native={"BTCUSD": (MINUTE,)})
    made = gathered(told(minutes(11)), window)
    assert (opened(made, FIVE), of_kind(made, Dropped)) == ([0, 5], [])


def test_bars_nothing_is_made_of_are_dropped_by_name() -> None:
    made = gathered(told(bars_of(walk(1, 2), tf=FIFTEEN)))
    assert dropped(made) == {"bars of 15m, of which none is made": 1}


# --- what is not taken, and what is missing --------------------------------------------------------------------------


def test_a_bar_that_is_told_before_its_close_is_not_over_yet() -> None:
    early = replace(minutes(1), final_at=minutes(1).open_ts + MINUTE - 1)
    made = gathered([(MONDAY + MINUTE - 1, early), *told(minutes(2))])
    assert (dropped(made), opened(made)) == ({"not over yet": 1}, [0, 1])


def test_a_bar_that_comes_again_is_a_duplicate_and_with_other_prices_a_revision() -> None:
    bars = minutes(3)
    other = replace(bars.rows(1, 2, 1), close=bars.close[1:2] * 1.00001)
    made = gathered([*told(bars), (MONDAY + 4 * MINUTE, bars.rows(2, 3, 1)), (MONDAY + 5 * MINUTE, other)])
    (revised,) = of_kind(made, Revised)
    assert (opened(made), dropped(made)) == ([0, 1, 2], {"duplicate": 1})
    assert revised.bars.close[-2:].tolist() == [other.close[0], bars.close[2]]


def test_bars_that_cannot_be_are_dropped_by_name() -> None:
    wrong = replace(minutes(1), low=minutes(1).high * 2)
    assert dropped(gathered(told(wrong))) == {"a bar that cannot be": 1}


def test_a_minute_the_venue_left_out_is_told_and_asked_for_and_its_history_mends_the_run() -> None:
    bars = minutes(6)
    missing = bars.chosen(np.array([2]))
    later = told(bars.rows(3, 6, 3))
    mend = (later[0][0] + 200, missing.rows(0, 1, 0))
    made = gathered([*told(bars.rows(0, 2, 2)), *later, mend])
    assert [(each.open_ts, each.slots) for each in of_kind(made, NoData)] == [(MONDAY + 2 * MINUTE, 1)]
    assert [(each.tf, each.since, each.until) for each in of_kind(made, Gap)] == [
        (MINUTE, MONDAY + 2 * MINUTE, MONDAY + 3 * MINUTE)
    ]
    assert [len(each) for each in of_kind(made, Bars)] == [1, 2, 1, 5, 6]
    assert opened(made) == [0, 1, 3, 4, 5]


def test_a_hole_in_closed_time_is_none() -> None:
    friday = bars_of([1.1, 1.1], product="EURUSD", begin=MONDAY + 4 * 24 * 60 * MINUTE + 718 * MINUTE)
    sunday = bars_of([1.1, 1.1], product="EURUSD", begin=MONDAY + 6 * 24 * 60 * MINUTE + 720 * MINUTE)
    made = gathered([*told(friday), *told(sunday)], until=MONDAY + 8 * 24 * 60 * MINUTE)
    assert not of_kind(made, Gap)
    assert [len(each) for each in of_kind(made, Bars) if each.tf == MINUTE] == [1, 2, 3, 4]


def test_a_hole_while_the_connection_was_down_is_torn() -> None:
    bars = minutes(5)
    down, up = MONDAY + 2 * MINUTE + 30_000, MONDAY + 3 * MINUTE + 10_000
    links = [(down, Link(("BTCUSD",), up=False, at=down)), (up, Link(("BTCUSD",), up=True, at=up))]
    made = gathered([*told(bars.rows(0, 2, 2)), *links, *told(bars.rows(4, 5, 1))])
    assert [(each.open_ts, each.slots, each.reason) for each in of_kind(made, NoData)] == [
        (MONDAY + 2 * MINUTE, 2, "torn")
    ]


def test_history_is_context_of_its_own_timeframe_only() -> None:
    past, now = minutes(30), minutes(35)
    fives = merged(past, FIVE)
    entries = [(MONDAY + 31 * MINUTE, past.rows(0, 30, 0)), (MONDAY + 31 * MINUTE, fives.rows(0, 6, 0))]
    made = gathered([*entries, *told(now.rows(30, 35, 5)), *told(merged(now, FIVE).rows(6, 7, 1))])
    assert opened(made) == [30, 31, 32, 33, 34]
    assert [(len(each), each.fresh) for each in of_kind(made, Bars) if each.tf == FIVE] == [(7, 1)]


def test_without_history_of_its_own_a_longer_bar_is_not_given_context_of_shorter_ones() -> None:
    now = minutes(35)
    made = gathered([(MONDAY + 31 * MINUTE, now.rows(0, 30, 0)), *told(merged(now, FIVE).rows(6, 7, 1))])
    assert [(len(each), each.fresh) for each in of_kind(made, Bars)] == [(1, 1)]


# --- bars that are not final -----------------------------------------------------------------------------------------


def test_nothing_of_the_next_slot_is_shown_before_the_final_bar_of_the_one_that_was_shown() -> None:
    ticks = [tick(second, 1.1) for second in np.arange(0, 400, 0.5)]
    made = gathered([*told(minutes(6), 3_000), *told(merged(minutes(6), FIVE), 9_000), *ticks])
    for tf in (MINUTE, FIVE):
        shown = 0
        final = -1
        for _, item in made:
            if isinstance(item, Forming) and item.tf == tf:
                assert item.open_ts > final
                assert item.open_ts == shown or final >= shown or not shown
                shown = item.open_ts
            elif isinstance(item, Bars) and item.tf == tf:
                final = int(item.open_ts[-1])
        assert (shown - final, final) == (tf, MONDAY + 5 * MINUTE if tf == MINUTE else MONDAY)


def test_a_longer_forming_bar_is_of_the_final_minutes_and_of_what_was_heard_since() -> None:
    bars = minutes(2)
    made = gathered([*told(bars.rows(0, 1, 1)), tick(61, 1.2), tick(119, 1.3), tick(121, 1.25)])
    (*_, last) = [each for each in of_kind(made, Forming) if each.tf == FIVE]
    assert (last.open_ts, last.open, last.close) == (MONDAY, bars.open[0], pytest.approx(1.25))
    assert (last.high, last.low) == (pytest.approx(1.3), bars.low[0])
    assert last.volume == bars.volume[0] + 3


def test_what_was_shown_and_is_told_missing_holds_nothing_up() -> None:
    bars = minutes(4)
    ticks = [tick(second, 1.1) for second in range(0, 230, 10)]
    made = gathered([*told(bars.rows(0, 1, 1)), *told(bars.rows(2, 3, 1)), *ticks])
    shown = [(each.open_ts - MONDAY) // MINUTE for each in of_kind(made, Forming) if each.tf == MINUTE]
    assert list(dict.fromkeys(shown)) == [0, 1, 3]


def test_forming_bars_come_no_more_often_than_wanted_and_none_without_a_wish() -> None:
    ticks = [tick(second, 1.1) for second in np.arange(1, 11, 0.01)]
    moments = [moment for moment, item in gathered(ticks) if isinstance(item, Forming) and item.tf == MINUTE]
    assert 38 <= len(moments) <= 41
    assert min(np.diff(moments)) >= 250
    assert not of_kind(gathered(ticks, replace(WINDOW, forming=None)), Forming)


def test_d11_a_quote_counts_for_as_much_volume_as_those_of_the_last_whole_minute_did() -> None:
    bars = minutes(2)
    first = [tick(0.5), tick(61), tick(90)]
    made = gathered([*first, *told(bars), tick(122), tick(123), tick(124)])
    assert bars.volume.tolist() == [10.0, 10.0]
    (*_, one) = [each for each in of_kind(made, Forming) if each.tf == MINUTE]
    (*_, five) = [each for each in of_kind(made, Forming) if each.tf == FIVE]
    assert (one.volume, five.volume) == (15.0, 35.0)


# --- however it comes ------------------------------------------------------------------------------------------------

SERIES = minutes(22, seed=3)
OF_FIVE = merged(SERIES, FIVE)


@settings(max_examples=40, deadline=None)
@given(
    left_out=st.sets(st.integers(1, 20), max_size=4),
    cuts=st.sets(st.integers(1, 21), max_size=6),
    ticks=st.lists(st.tuples(st.floats(0, 1300), st.floats(1.09, 1.11)), max_size=30),
)
def test_one_at_a_time_or_in_blocks_with_quotes_between_or_without_the_bars_are_the_same(
    left_out: set[int], cuts: set[int], ticks: list[tuple[float, float]]
) -> None:
    kept = SERIES.chosen(np.array([row for row in range(len(SERIES)) if row not in left_out]))
    window = replace(WINDOW, timeframes=("1m", "5m", "15m"), native={"BTCUSD": (MINUTE, FIVE)})
    alone = gathered([*told(kept, 0), *told(OF_FIVE, 0)], window)
    edges = [0, *sorted(each for each in cuts if each < len(kept)), len(kept)]
    blocks = [(MONDAY, kept.rows(start, stop, stop - start)) for start, stop in pairwise(edges)] + [(MONDAY, OF_FIVE)]
    heard = [tick(second, price) for second, price in sorted(ticks)]
    together = gathered([*heard, *blocks], window)
    between = gathered([*told(kept, 0), *told(OF_FIVE, 0), *heard], window)
    for tf in (MINUTE, FIVE, FIFTEEN):
        assert finals(alone, tf) == finals(together, tf) == finals(between, tf)
    assert opened(alone) == [row for row in range(len(SERIES)) if row not in left_out]
    assert not of_kind(between, Noticed)


# --- in a flow -------------------------------------------------------------------------------------------------------

MARKET = 'use = "synthetic"\nproducts = ["EURUSD", "BTCUSD"]\nstart = "2026-01-05T10:00:00Z"'
TRADING = SMALL.replace(MARKET, "{source}").replace(
    'timeframes = ["1m", "5m"]', 'timeframes = {timeframes}\nfinals = "venue"'
)


def flow_of(source: str, timeframes: str = '["1m", "5m"]') -> str:
    return TRADING.replace("{source}", source).replace("{timeframes}", timeframes)


def problem_of(text: str) -> str:
    with pytest.raises(PlanError) as caught:
        plan_of(text)
    (line,) = str(caught.value).splitlines()
    return line.split(": ", 1)[1]


@pytest.mark.parametrize(
    ("source", "more"),
    [
        (
            'use = "fxcm"\nproducts = ["EURUSD"]\nsdk = "practice"\nmax_history_calls_per_minute = 60',
            ', or finals = "quotes" in [sources.market]',
        ),
        ('use = "redis"\nproducts = ["EURUSD"]', ""),
    ],
)
def test_a_window_that_makes_its_bars_of_quotes_is_refused_a_source_that_gives_bars_beside_them(
    source: str, more: str
) -> None:
    assert problem_of(flow_of(source).replace('\nfinals = "venue"', "")) == (
        '[operators.bars] finals is "quotes", but [sources.market] gives final bars of its own beside its quotes; '
        f'write finals = "venue"{more}'
    )
    plan_of(
        flow_of('use = "fxcm"\nproducts = ["EURUSD"]\nsdk = "practice"\nfinals = "quotes"').replace(
            '\nfinals = "venue"', ""
        )
    )


@pytest.mark.parametrize(
    "source",
    [
        'use = "files"\npath = "x.csv"\nproduct = "EURUSD"\nquotes = true',
        'use = "synthetic"\nproducts = ["EURUSD"]',
        'use = "fxcm"\nproducts = ["EURUSD"]\nsdk = "practice"\nfinals = "quotes"',
    ],
)
def test_a_window_that_waits_for_a_venues_bars_is_refused_a_source_that_gives_none(source: str) -> None:
    assert problem_of(flow_of(source)) == (
        '[operators.bars] finals is "venue", but [sources.market] gives no final bars of its own; '
        "leave finals out, or take from a source that gives them"
    )


def test_a_window_that_waits_for_shorter_bars_than_there_are_is_refused() -> None:
    assert problem_of(flow_of('use = "files"\npath = "x.csv"\nproduct = "EURUSD"\ntimeframe = "5m"')) == (
        "[operators.bars] timeframes has 1m, but [sources.market] gives final bars of 5m only; "
        "begin with 5m, or have the source give shorter ones"
    )


def test_a_flow_that_trades_decides_on_a_files_bars_the_same_whosever_they_are(tmp_path: Path) -> None:
    bars = minutes(150)
    columns = (bars.open_ts, bars.open, bars.high, bars.low, bars.close, bars.volume)
    rows = [",".join(map(str, row)) for row in zip(*(column.tolist() for column in columns), strict=True)]
    (tmp_path / "x.csv").write_text("\n".join(["open_ts,open,high,low,close,volume", *rows]), encoding="utf-8")
    text = flow_of('use = "files"\npath = "x.csv"\nproduct = "BTCUSD"')

    def decisions(text: str, block: int | None) -> dict[Any, Any]:
        given: list[tuple[str, Any]] = []

        def tap(node: str, value: Any) -> None:
            given.append((node, value))

        replayed(plan_of(text, tmp_path), MONDAY, MONDAY + 150 * MINUTE, NoRecords(), block=block, taps=(tap,))
        return decided(given)

    venues = decisions(text, None)
    assert len(venues) == 150 + 30
    assert venues == decisions(text.replace('\nfinals = "venue"', ""), None) == decisions(text, MINUTE)


def test_a_flow_whose_bars_are_a_venues_is_not_simulated_in_silence() -> None:
    plan = plan_of(flow_of('use = "fxcm"\nproducts = ["EURUSD"]\nsdk = "practice"'))
    with pytest.raises(InputError, match="a simulated market gives quotes only; simulate a copy of the flow without"):
        lived(plan, Terms(minutes=1))


def test_a_flow_that_sends_no_orders_is_not_simulated() -> None:
    with pytest.raises(InputError, match="sends no orders, so there is nothing to simulate; give it an executor"):
        lived(load(ROOT / "flows" / "feed.toml"), Terms(minutes=1))
