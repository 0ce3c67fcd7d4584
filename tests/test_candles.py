"""Quotes gathered into bars and bars into longer ones, as columns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.candles import from_columns, gathered, merged
from pipeline.times import MINUTE
from pipeline.values import BAR_COLUMNS, CLOSED_BY, DEADLINE, NEXT_TICK, VENUE
from tests.driven import bars_of, walk
from tests.support import MONDAY, quotes, same

GRACE = 500


def test_of_no_quotes_there_are_no_bars() -> None:
    assert len(gathered(quotes("EURUSD", [], []), MINUTE, GRACE)) == 0


@given(
    gaps=st.lists(st.integers(1, 3 * MINUTE), min_size=1, max_size=60),
    tf=st.sampled_from([MINUTE, 5 * MINUTE, 15 * MINUTE]),
)
def test_every_bar_is_the_first_highest_lowest_and_last_price_of_its_slot(gaps: list[int], tf: int) -> None:
    stamps = MONDAY + np.cumsum(np.array(gaps))
    many = quotes("EURUSD", stamps.tolist(), walk(1, len(gaps)))
    bars = gathered(many, tf, GRACE)
    slots = stamps // tf * tf
    assert bars.open_ts.tolist() == sorted(set(slots.tolist()))
    for row, slot in enumerate(bars.open_ts):
        prices = many.mid[slots == slot]
        assert (bars.open[row], bars.high[row], bars.low[row], bars.close[row]) == (
            prices[0],
            prices.max(),
            prices.min(),
            prices[-1],
        )
        assert bars.ticks[row] == bars.volume[row] == len(prices)


def test_the_last_bar_is_closed_by_its_deadline_unless_the_next_quote_is_known() -> None:
    one = quotes("EURUSD", [MONDAY], [1.1])
    alone, followed = gathered(one, MINUTE, GRACE), gathered(one, MINUTE, GRACE, MONDAY + MINUTE + 40)
    assert (alone.final_at[0], alone.closed_by[0]) == (MONDAY + MINUTE + GRACE, DEADLINE)
    assert (followed.final_at[0], followed.closed_by[0]) == (MONDAY + MINUTE + 40, NEXT_TICK)


@pytest.mark.parametrize("parts", range(1, 8))
def test_a_longer_bar_needs_all_of_its_parts_and_no_more(parts: int) -> None:
    made = merged(bars_of(walk(2, parts)), 5 * MINUTE)
    assert made.open_ts.tolist() == ([MONDAY] if parts >= 5 else [])


@given(start=st.integers(0, 20), rows=st.integers(0, 60), parts=st.sampled_from([1, 2, 5, 15]))
def test_a_longer_bar_is_what_its_parts_were(start: int, rows: int, parts: int) -> None:
    minutes = bars_of(walk(3, 80)).rows(start, start + rows, rows)
    made = merged(minutes, parts * MINUTE)
    for row, slot in enumerate(made.open_ts.tolist()):
        within = (minutes.open_ts >= slot) & (minutes.open_ts < slot + parts * MINUTE)
        assert within.sum() == parts
        assert made.open[row] == minutes.open[within][0]
        assert made.high[row] == minutes.high[within].max()
        assert made.low[row] == minutes.low[within].min()
        assert made.close[row] == minutes.close[within][-1]
        assert made.volume[row] == pytest.approx(minutes.volume[within].sum())
        assert made.final_at[row] == minutes.final_at[within][-1]
    assert len(made) >= rows // parts - 1


def test_a_minute_of_minutes_is_itself() -> None:
    bars = bars_of(walk(4, 9))
    made = merged(bars, MINUTE)
    assert all(same(getattr(made, name), getattr(bars, name)) for name in BAR_COLUMNS)


def test_bars_given_whole_are_final_at_their_close_and_closed_by_the_venue() -> None:
    one = np.array([1.0])
    bars = from_columns("EURUSD", MINUTE, np.array([MONDAY]), one, one, one, one, one)
    assert (bars.final_at[0], CLOSED_BY[bars.closed_by[0]]) == (MONDAY + MINUTE, "venue")
    assert (bars.closed_by[0], bars.fresh) == (VENUE, 1)
