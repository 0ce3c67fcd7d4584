"""Runs: bars one after another without a hole."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.calendar import Calendar, always, foreign_exchange
from pipeline.runs import ROOM, Run
from pipeline.times import HOUR, MINUTE, parse_moment
from pipeline.values import BAR_COLUMNS, Bars
from tests.driven import bars_of, walk
from tests.support import MONDAY, same

FRIDAY_CLOSE = parse_moment("2026-01-09T22:00:00Z")
SUNDAY_OPEN = parse_moment("2026-01-11T22:00:00Z")


def run_of(context: int = 10, calendar: Calendar | None = None) -> Run:
    return Run("BTCUSD", MINUTE, context, calendar or always())


def one_after_another(*batches: Bars) -> Bars:
    columns = {name: np.concatenate([getattr(each, name) for each in batches]) for name in BAR_COLUMNS}
    return replace(batches[0], **columns, fresh=sum(len(each) for each in batches))


def sizes(*batches: Bars) -> list[tuple[int, int]]:
    return [(len(bars), bars.fresh) for bars in batches]


def test_new_bars_come_with_the_context_before_them() -> None:
    run, bars = run_of(3), bars_of(walk(1, 9))
    assert sizes(*run.extended(bars.rows(0, 5, 5)), *run.extended(bars.rows(5, 9, 4))) == [(5, 5), (7, 4)]


def test_a_hole_begins_a_new_run_in_the_middle_of_a_batch_too() -> None:
    run = run_of()
    hole = one_after_another(bars_of(walk(1, 4)), bars_of(walk(2, 3), begin=MONDAY + HOUR))
    assert sizes(*run.extended(hole)) == [(4, 4), (3, 3)]
    assert len(run) == 3


def test_a_closed_market_is_no_hole() -> None:
    weekend = one_after_another(
        bars_of(walk(1, 4), begin=FRIDAY_CLOSE - 4 * MINUTE), bars_of(walk(2, 3), begin=SUNDAY_OPEN)
    )
    assert sizes(*run_of(calendar=foreign_exchange()).extended(weekend)) == [(7, 7)]
    assert sizes(*run_of(calendar=always()).extended(weekend)) == [(4, 4), (3, 3)]


@pytest.mark.parametrize("missing", ["the last before the weekend", "the first after it"])
def test_one_minute_more_than_the_weekend_is_a_hole(missing: str) -> None:
    early, late = (1, 0) if missing == "the last before the weekend" else (0, 1)
    weekend = one_after_another(
        bars_of(walk(1, 4), begin=FRIDAY_CLOSE - (4 + early) * MINUTE),
        bars_of(walk(2, 3), begin=SUNDAY_OPEN + late * MINUTE),
    )
    assert sizes(*run_of(calendar=foreign_exchange()).extended(weekend)) == [(4, 4), (3, 3)]


def test_a_bar_is_given_once_and_as_it_came_first() -> None:
    run, bars, others = run_of(), bars_of(walk(1, 9)), bars_of(walk(2, 9))
    first = list(run.extended(bars.rows(0, 6, 6)))
    again = list(run.extended(others))
    assert sizes(*first, *again) == [(6, 6), (9, 3)]
    assert again[0].close.tolist() == [*bars.close[:6], *others.close[6:]]
    assert list(run.extended(bars)) == []


def test_context_is_kept_and_nothing_of_it_given_as_new() -> None:
    run, bars = run_of(), bars_of(walk(1, 9))
    run.extend(bars.rows(0, 6, 0))
    assert sizes(*run.extended(bars.rows(6, 9, 3))) == [(9, 3)]


def test_the_last_bars_of_a_run_do_not_reach_over_its_beginning() -> None:
    run = run_of()
    run.extend(bars_of(walk(1, 4)))
    run.extend(bars_of(walk(2, 3), begin=MONDAY + HOUR))
    assert run.last(100).open_ts[0] == MONDAY + HOUR


@settings(max_examples=60, deadline=None)
@given(cuts=st.sets(st.integers(1, 3 * ROOM - 1), max_size=12), context=st.integers(0, 40))
def test_what_was_given_stays_true_when_the_store_moves(cuts: set[int], context: int) -> None:
    run, bars = run_of(context), bars_of(walk(1, 3 * ROOM))
    edges = [0, *sorted(cuts), len(bars)]
    made = [each for start, stop in pairwise(edges) for each in run.extended(bars.rows(start, stop, stop - start))]
    for (start, stop), came in zip(pairwise(edges), made, strict=True):
        expected = bars.rows(max(0, start - context), stop, stop - start)
        assert same(came, expected)
