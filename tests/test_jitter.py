"""The jitter of a window: bars that no next quote ends are over at moments of their own, the same ones each time."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.window import Window
from pipeline.grace import Grace
from pipeline.times import MINUTE
from pipeline.values import Bars, Quotes
from tests.driven import driven
from tests.support import MONDAY, quotes

GRACE, JITTER = 500, 100
PRODUCTS = [f"P{number}" for number in range(300)]


def window(jitter: int = JITTER) -> Window:
    return Window(timeframes=("1m",), grace_ms=GRACE, jitter_ms=jitter, contexts={MINUTE: 10})


def ends(jitter: int, products: list[str]) -> dict[str, int]:
    """How long after its close the bar of each product was final, after which no quote came."""
    entries = [(MONDAY + 1_040, quotes(product, [MONDAY + 1_000], [1.1], 40)) for product in products]
    given = driven(window(jitter), entries, MONDAY + 2 * MINUTE)
    bars = [(at, each) for at, each in given if isinstance(each, Bars)]
    assert all(at == int(each.final_at[-1]) for at, each in bars)
    return {each.product: int(each.final_at[-1]) - MONDAY - MINUTE for _, each in bars}


def test_three_hundred_products_that_close_at_once_are_over_at_many_moments_none_too_early() -> None:
    lasted = ends(JITTER, PRODUCTS)
    assert len(lasted) == len(PRODUCTS)
    assert min(lasted.values()) >= GRACE
    assert max(lasted.values()) <= GRACE + JITTER
    assert len(set(lasted.values())) > 80
    assert ends(JITTER, PRODUCTS[::-1]) == lasted


def test_without_jitter_all_are_over_after_the_grace() -> None:
    assert set(ends(0, PRODUCTS[:20]).values()) == {GRACE}


def final_of(*entries: Quotes) -> list[tuple[float, int]]:
    """The close and the moment of the bars that quotes make in a window that may wait for ten seconds."""
    given = driven(window(10_000), [(int(each.received[0]), each) for each in entries], MONDAY + 90_000)
    return [(float(each.close[-1]), at) for at, each in given if isinstance(each, Bars)]


FIRST = quotes("EURUSD", [MONDAY + 1_000], [1.1], 40)


def test_a_quote_that_comes_within_the_jitter_of_its_slot_is_in_time() -> None:
    share = Grace.drawn(GRACE, 10_000, "EURUSD", MINUTE).of(MONDAY)
    assert share > GRACE + 1
    slow = quotes("EURUSD", [MONDAY + MINUTE - 1], [1.15], share)
    assert final_of(FIRST, slow) == [(1.15, MONDAY + MINUTE + share)]


def test_a_quote_of_the_next_slot_ends_a_bar_at_once() -> None:
    following = quotes("EURUSD", [MONDAY + MINUTE + 5], [1.15], 40)
    assert final_of(FIRST, following)[0] == (1.1, MONDAY + MINUTE + 45)


@given(
    slots=st.lists(st.integers(0, 2**45), min_size=1, max_size=20),
    jitter=st.integers(0, 10_000),
    least=st.integers(0, 60_000),
    product=st.text(max_size=8),
)
def test_many_slots_at_once_and_one_alone_wait_for_just_as_long(
    slots: list[int], jitter: int, least: int, product: str
) -> None:
    grace = Grace.drawn(least, jitter, product, MINUTE)
    each = [grace.of(slot) for slot in slots]
    assert all(least <= lasts <= grace.most for lasts in each)
    assert np.broadcast_to(grace.of_each(np.array(slots, np.int64)), len(slots)).tolist() == each


def rows_of(bars: Bars) -> list[tuple[float, ...]]:
    columns = (bars.open_ts, bars.open, bars.high, bars.low, bars.close, bars.final_at)
    return list(zip(*(column[len(bars) - bars.fresh :].tolist() for column in columns), strict=True))


def joined(several: Sequence[Quotes]) -> Quotes:
    columns = (np.concatenate([getattr(each, name) for each in several]) for name in ("ts", "received", "bid", "ask"))
    return Quotes(several[0].product, *columns)


@pytest.mark.parametrize("rows", [3, 400])
def test_quotes_in_blocks_and_one_by_one_make_the_same_bars_with_jitter(rows: int) -> None:
    numbers = range(400)
    alone = [quotes("EURUSD", [MONDAY + n * 977], [1.1 + (n % 17) / 1000], lag=(n * 7919) % 900) for n in numbers]
    alone.sort(key=lambda each: int(each.received[0]))

    def made(several: Iterable[Quotes]) -> list[tuple[float, ...]]:
        entries = [(int(each.received[0]), each) for each in several]
        bars = [each for _, each in driven(window(400), entries, MONDAY + 20 * MINUTE) if isinstance(each, Bars)]
        return [row for each in bars for row in rows_of(each)]

    single = made(alone)
    assert made(joined(alone[first : first + rows]) for first in range(0, 400, rows)) == single
    assert len(single) == 7


def test_jitter_of_bars_that_the_venue_ends_is_refused() -> None:
    with pytest.raises(ValueError, match="jitter_ms is of bars made of quotes"):
        Window(finals="venue", jitter_ms=1)
