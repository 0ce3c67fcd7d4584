"""Anchored windows: a bar's features depend on the bar alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.anchored import LEAST, Anchoring
from pipeline.parts import Feature, registered
from pipeline.stretch import Stretch
from pipeline.times import MINUTE
from pipeline.values import Bars, Columns, Floats
from tests.driven import bars_of, walk
from tests.support import MONDAY, same

BLOCK = 64


def part(name: str, **keys: object) -> Feature:
    made: Feature = registered("feature")[name].cls(**keys)
    return made


EVERY: Mapping[str, Feature] = {
    "sma": part("sma", period=10),
    "ema": part("ema", period=9),
    "rsi": part("rsi", period=7),
    "atr": part("atr", period=7),
    "bands": part("bollinger", period=20),
    "slope": part("linregslope", price="rsi", period=5),
    "spread": part("sub", left="bands.upper", right="ema"),
    "higher": part("higher", of="ema", timeframe="5m"),
    "smooth": part("sma", price="higher", period=3),
}


def anchoring(features: Mapping[str, Feature], block: int = BLOCK, lookback: int = 0) -> Anchoring:
    return Anchoring(features, block, LEAST, lookback)


ALL = anchoring(EVERY)
CONTEXT = ALL.context(MINUTE)
BARS = bars_of(walk(5, 12 * BLOCK), begin=MONDAY // (BLOCK * MINUTE) * BLOCK * MINUTE)
WHOLE = ALL.columns(BARS)


def row_of(columns: Columns, bar: int) -> Mapping[str, object]:
    row = int(np.searchsorted(columns.open_ts, bar))
    numbers = {name: column[row].tobytes() for name, column in columns.values.items()}
    return {"bar": int(columns.open_ts[row]), "ready": bool(columns.ready[row])} | numbers


def live(bars: Bars, at: int, fresh: int, before: int = CONTEXT) -> Columns:
    """The columns of the `fresh` bars up to row `at`, from no more than the context they need."""
    first = max(0, at - fresh - before)
    return ALL.columns(bars.rows(first, at, fresh))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(CONTEXT + 1, len(BARS)), fresh=st.integers(1, 3 * BLOCK))
def test_every_prefix_gives_the_same_bits_as_the_whole(at: int, fresh: int) -> None:
    fresh = min(fresh, at - CONTEXT)
    made = live(BARS, at, fresh)
    for bar in made.open_ts.tolist():
        assert row_of(made, bar) == row_of(WHOLE, bar)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(CONTEXT + 1, len(BARS)), more=st.integers(0, 500))
def test_more_context_than_needed_changes_nothing(at: int, more: int) -> None:
    bar = int(BARS.open_ts[at - 1])
    assert row_of(live(BARS, at, 1, CONTEXT + more), bar) == row_of(WHOLE, bar)


@settings(max_examples=30, deadline=None)
@given(shift=st.integers(0, BLOCK))
def test_where_the_data_begin_changes_nothing_once_the_window_is_whole(shift: int) -> None:
    later = ALL.columns(BARS.rows(shift, len(BARS), len(BARS) - shift))
    for bar in BARS.open_ts[shift + CONTEXT :: 7].tolist():
        assert row_of(later, bar) == row_of(WHOLE, bar)


def test_a_rows_features_know_nothing_of_the_rows_after_it() -> None:
    at = 6 * BLOCK + 11
    crashed = bars_of([*BARS.close[:at].tolist(), *([0.2] * (len(BARS) - at))], begin=int(BARS.open_ts[0]))
    other = ALL.columns(crashed)
    for row in range(at):
        bar = int(BARS.open_ts[row])
        assert row_of(other, bar) == row_of(WHOLE, bar)


def test_features_that_look_back_over_longer_bars_change_nothing_of_the_others() -> None:
    near = {name: each for name, each in EVERY.items() if name not in ("higher", "smooth")}
    alone = anchoring(near)
    assert alone.warmup(MINUTE) == 60 < ALL.warmup(MINUTE) == 5 * (36 + 2) - 2 + 2
    columns = alone.columns(BARS)
    for name in alone.names:
        assert columns[name].tobytes() == WHOLE[name].tobytes()


# --- ready -----------------------------------------------------------------------------------------------------------


def test_ready_means_every_feature_is_warm() -> None:
    columns = anchoring({"slow": part("sma", period=50), "fast": part("sma", period=5)}).columns(BARS)
    assert np.flatnonzero(columns.ready)[0] == 49
    assert columns.ready[49:].all()


def test_however_short_the_features_a_bar_is_ready_only_after_thirty_others() -> None:
    columns = anchoring({"fast": part("sma", period=2)}).columns(BARS)
    assert np.flatnonzero(columns.ready)[0] == LEAST == 30


def test_without_features_the_thirty_bars_still_hold() -> None:
    assert np.flatnonzero(anchoring({}).columns(BARS).ready)[0] == LEAST


@pytest.mark.parametrize("name", EVERY)
def test_a_feature_that_warms_up_says_nothing(name: str) -> None:
    columns = anchoring(EVERY).columns(BARS)
    warmup = {"slope": 56 + 4, "spread": 36, "higher": 188, "smooth": 190}.get(name, EVERY[name].warmup())
    for column in (each for each in columns.values if each.split(".")[0] == name):
        assert np.isnan(columns[column][:warmup]).all()
        assert np.isfinite(columns[column][warmup:]).all()


def test_after_a_hole_features_are_not_ready_again() -> None:
    """A window begins with the run: there is nothing before it."""
    after_hole = BARS.rows(7 * BLOCK + 5, len(BARS), 10)
    fresh = after_hole.rows(0, 10, 10)
    assert not ALL.columns(fresh).ready.any()


# --- columns ---------------------------------------------------------------------------------------------------------


def test_a_feature_of_several_outputs_gives_a_column_each_named_after_both() -> None:
    made = anchoring({"bands": part("bollinger", period=20), "sma": part("sma", period=20)})
    assert made.names == ("bands.lower", "bands.middle", "bands.upper", "sma")
    columns = made.columns(BARS)
    np.testing.assert_allclose(columns["bands.middle"], columns["sma"], rtol=1e-12)
    assert (columns["bands.lower"][40:] <= columns["bands.upper"][40:]).all()


def test_a_bars_own_prices_are_columns() -> None:
    for name in ("open", "high", "low", "close", "volume"):
        assert same(WHOLE[name], getattr(BARS, name))


def test_rows_before_the_new_ones_are_kept_as_far_as_providers_look_back() -> None:
    columns = anchoring(EVERY, lookback=3).columns(BARS.rows(0, 400, 2))
    assert (len(columns), columns.fresh) == (5, 2)
    for bar in columns.open_ts.tolist():
        assert row_of(columns, bar) == row_of(WHOLE, bar)


@dataclass(frozen=True)
class Sparse:
    """Has no answer on some rows."""

    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        made = rows.close.copy()
        made[(rows.open_ts // MINUTE) % 50 == 7] = np.inf
        return made


def test_where_what_a_feature_reads_has_no_answer_it_begins_anew() -> None:
    columns = anchoring({"sparse": Sparse(), "mean": part("sma", price="sparse", period=4)}).columns(BARS)
    holes = np.flatnonzero((BARS.open_ts // MINUTE) % 50 == 7)
    assert np.isnan(columns["sparse"][holes]).all()
    assert len(holes) > 10
    known = np.isfinite(columns["mean"])
    for hole in holes[holes < len(BARS) - 5]:
        assert not known[hole : hole + 4].any()
        assert known[hole + 4]
        assert columns["mean"][hole + 4] == pytest.approx(BARS.close[hole + 1 : hole + 5].mean())
    assert not columns.ready[holes].any()
    assert columns.ready[holes[1] - 1]


@dataclass(frozen=True)
class Odd:
    """Gives so many rows, whatever it is given."""

    rows: int
    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return 0

    def __call__(self, rows: Stretch) -> Floats:
        return np.ones(self.rows)


@pytest.mark.parametrize("rows", [1, 49, 51])
def test_a_feature_that_gives_another_number_of_rows_is_a_mistake_of_its_author(rows: int) -> None:
    with pytest.raises(ValueError, match=f"odd gave {rows} rows for 50; it may leave out the first 0, and no others"):
        anchoring({"odd": Odd(rows)}).columns(BARS.rows(0, 50, 50))


@dataclass(frozen=True)
class Itself:
    """Gives the bars' own closes, not a copy, and claims to need three bars for it."""

    outputs: ClassVar[tuple[str, ...]] = ()

    def warmup(self) -> int:
        return 3

    def __call__(self, rows: Stretch) -> Floats:
        return rows["close"]


def test_a_feature_that_gives_a_column_of_the_bars_does_not_change_the_bars() -> None:
    bars = bars_of(walk(6, 50))
    columns = anchoring({"itself": Itself()}).columns(bars)
    assert np.isfinite(bars.close).all()
    assert np.isnan(columns["itself"][:3]).all()
