"""The same decisions however the data is cut, and whenever we started."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operators.risk.guard import GATES
from pipeline.values import Quotes
from tests.support import MONDAY, SMALL, Entry, decided, plan_of, play

HOURS = 3
END = MONDAY + HOURS * 3_600_000
SEEDS = st.integers(0, 2**20)
PLAN = plan_of(SMALL.replace('max_daily_loss = "20.00"', 'max_daily_loss = "4.00"\ncool_down = "90s"'))


def market(seed: int, product: str) -> Quotes:
    """A walk with uneven ticks, uneven lags, and silences over a few deadlines."""
    random = np.random.default_rng(seed)
    ts = MONDAY + np.cumsum(random.integers(200, 9_000, 4_400))
    ts = ts[ts < END]
    received = np.maximum.accumulate(ts + random.integers(5, 900, len(ts)))
    price = 1.1 * np.exp(np.cumsum(random.normal(0, 3e-5, len(ts))))
    return Quotes(product, ts, received, price - 0.00001, price + 0.00001)


def one_by_one(quotes: Quotes) -> Iterator[Entry]:
    for row in range(len(quotes)):
        yield int(quotes.received[row]), "sources.market", quotes.rows(row, row + 1)


def in_blocks(markets: list[Quotes], rows: int) -> Iterator[Entry]:
    """Every `rows` quotes of all products together are one span, given ahead at its beginning."""
    edges = np.sort(np.concatenate([each.received for each in markets]))[::rows]
    for begin, end in zip(edges, [*edges[1:], END + 10_000], strict=True):
        for quotes in markets:
            start, stop = np.searchsorted(quotes.received, (begin, end))
            if stop > start:
                yield int(begin), "sources.market", quotes.rows(int(start), int(stop))


@pytest.mark.no_cover  # other tests go the same ways, and tracing whole flows takes three times their time
@settings(max_examples=1, deadline=None)
@example(seed=2722)  # two products end a bar at one instant, and the day's loss allows one of them a trade
@given(seed=SEEDS)
def test_single_rows_and_blocks_given_ahead_make_the_same_decisions(seed: int) -> None:
    the_same(seed)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_single_rows_and_blocks_given_ahead_make_the_same_decisions_of_twenty_markets(seed: int) -> None:
    the_same(seed)


def the_same(seed: int) -> None:
    markets = [market(seed, "EURUSD"), market(seed + 1, "BTCUSD")]
    singles = decided(play(PLAN, [entry for each in markets for entry in one_by_one(each)], END + 120_000))
    assert len(singles) > 100
    assert sum(row[-1] is not None for row in singles.values()) > 3
    for rows in (7, 256, 4096):
        assert decided(play(PLAN, in_blocks(markets, rows), END + 120_000)) == singles, f"{rows} rows a block"


def test_gates_of_both_kinds_take_part_in_the_comparison() -> None:
    """The claim above would be empty if the stateful gates never said no."""
    markets = [market(3, "EURUSD"), market(4, "BTCUSD")]
    verdicts = {row[0] for row in decided(play(PLAN, in_blocks(markets, 4096), END + 120_000)).values()}
    assert {"ready", "vote", "cool_down", "daily_loss"} <= {GATES[verdict] for verdict in verdicts if verdict >= 0}
    assert -1 in verdicts
