"""Which quotes cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.quality import AHEAD, REASONS, all_fit, prices_fit, reason_of, unfit, unfit_prices
from pipeline.values import Quotes

NAN, INF = float("nan"), float("inf")
PRICES = st.sampled_from([NAN, INF, -INF, 0.0, -1.0, 1e-300, 1.0, 1.1, 1.2, 1e300])
ROWS = st.lists(st.tuples(st.sampled_from([-AHEAD - 1, -AHEAD, 0, 40, AHEAD * 9]), PRICES, PRICES), max_size=8)


def quotes(*rows: tuple[int, float, float]) -> Quotes:
    """Quotes by their lag, bid and ask."""
    lag, bid, ask = zip(*rows, strict=True) if rows else ((), (), ())
    ts = 1_000_000 + np.arange(len(rows), dtype=np.int64)
    return Quotes("EURUSD", ts, ts + np.array(lag, np.int64), np.array(bid, np.float64), np.array(ask, np.float64))


@pytest.mark.parametrize(
    ("lag", "bid", "ask", "reason"),
    [
        (40, 1.1, 1.2, ""),
        (40, 1.1, 1.1, ""),
        (-AHEAD, 1.1, 1.2, ""),
        (40, NAN, 1.2, "not a number"),
        (40, 1.1, NAN, "not a number"),
        (40, 1.1, INF, "not a number"),
        (40, -INF, 1.2, "not a number"),
        (40, 0.0, 1.2, "not above zero"),
        (40, 1.1, -1.2, "not above zero"),
        (40, 1.2, 1.1, "crossed"),
        (-AHEAD - 1, 1.1, 1.2, "from the future"),
        (-AHEAD - 1, 1.2, 1.1, "crossed"),
    ],
)
def test_a_quote_that_cannot_be_says_why(lag: int, bid: float, ask: float, reason: str) -> None:
    assert reason_of(1_000_000, 1_000_000 + lag, bid, ask) == reason
    assert [name for name, rows in unfit(quotes((lag, bid, ask))).items() if rows[0]] == [reason] * bool(reason)


@given(ROWS)
def test_one_quote_alone_and_many_at_once_are_judged_alike(rows: list[tuple[int, float, float]]) -> None:
    many = quotes(*rows)
    columns = unfit(many)
    assert tuple(columns) == REASONS
    said = [next((name for name, flags in columns.items() if flags[row]), "") for row in range(len(many))]
    assert said == [
        reason_of(int(ts), int(received), float(bid), float(ask))
        for ts, received, bid, ask in zip(many.ts, many.received, many.bid, many.ask, strict=True)
    ]
    assert all_fit(many) == (not any(said))
    assert prices_fit(many) == (not set(said) & set(REASONS[:3]))
    assert unfit_prices(many).tolist() == [name in REASONS[:3] for name in said]


def test_no_quotes_are_fit() -> None:
    assert all_fit(quotes())
