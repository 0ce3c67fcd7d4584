"""The store: what is written is read back, one moment has one value, a killed import leaves no trace or is finished."""

# Neither pandas nor pyarrow comes with types, polars with some:
# pyright: reportMissingTypeStubs=false

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.archive.merging import batch_of, columns_of, joined
from pipeline.archive.reports import audit, keep
from pipeline.archive.series import Batch, Series, series_of
from pipeline.archive.store import Archive
from pipeline.archive.writing import work_of, writing
from pipeline.calendar import calendar_of
from pipeline.candles import from_columns
from pipeline.errors import InputError
from pipeline.locking import locked
from pipeline.times import DAY, HOUR, MINUTE, parse_moment
from pipeline.values import Bars, Quotes
from tests.support import ROOT, same

pd: Any = pandas
pl: Any = polars
pq: Any = pyarrow.parquet

NEW_YEAR = parse_moment("2026-01-01")
M1 = MINUTE


def bars(opens: Sequence[int], prices: Sequence[float] | None = None, product: str = "EURUSD", tf: int = M1) -> Bars:
    ts = np.array(opens, np.int64)
    price = np.array(prices if prices is not None else 1.1 + (ts // tf % 97) / 1e4, np.float64)
    return from_columns(product, tf, ts, price, price + 1e-4, price - 1e-4, price, price * 10)


def quotes(received: Sequence[int], prices: Sequence[float] | None = None, lag: int = 40) -> Quotes:
    at = np.array(received, np.int64)
    price = np.array(prices if prices is not None else 1.1 + (at % 97) / 1e4, np.float64)
    return Quotes("EURUSD", at - lag, at, price, price + 1e-5)


def written(folder: Path, *batches: Batch, **how: Any) -> None:
    with writing(folder, series_of(batches[0]), **how) as writer:
        for batch in batches:
            writer.add(batch)


def all_of(folder: Path, series: Series) -> Batch:
    return batch_of(series, joined([columns_of(each) for each in Archive(folder).batches(series)]))


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file of rows, and what is in it."""
    paths = [*folder.glob("bars/**/*"), *folder.glob("quotes/**/*")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


# --- what is written is there -----------------------------------------------------------------------------------------


def test_bars_lie_by_product_timeframe_and_month_and_quotes_by_product_and_day(tmp_path: Path) -> None:
    written(tmp_path, bars([NEW_YEAR - M1, NEW_YEAR]))
    written(tmp_path, quotes([NEW_YEAR - 1, NEW_YEAR, NEW_YEAR + DAY]))
    assert sorted(snapshot(tmp_path)) == [
        "bars/product=EURUSD/timeframe=1m/month=2025-12/part.parquet",
        "bars/product=EURUSD/timeframe=1m/month=2026-01/part.parquet",
        "quotes/product=EURUSD/day=2025-12-31/part.parquet",
        "quotes/product=EURUSD/day=2026-01-01/part.parquet",
        "quotes/product=EURUSD/day=2026-01-02/part.parquet",
    ]


def test_a_bar_keeps_how_it_came_about(tmp_path: Path) -> None:
    made = replace(
        bars([NEW_YEAR, NEW_YEAR + M1]),
        final_at=np.array([NEW_YEAR + M1 + 300, NEW_YEAR + 2 * M1 + 500]),
        closed_by=np.array([0, 1], np.int8),
        ticks=np.array([31, 7], np.int32),
        revision=np.array([0, 2], np.int32),
    )
    written(tmp_path, made)
    assert same(all_of(tmp_path, Series("EURUSD", M1)), made)


MINUTES = st.lists(st.integers(0, 100 * DAY // M1), min_size=1, max_size=60, unique=True)
CUTS = st.lists(st.integers(0, 60), max_size=4)


@given(MINUTES, CUTS, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_bars_written_in_any_order_and_any_pieces_are_the_same_bars(
    tmp_path_factory: pytest.TempPathFactory, minutes: list[int], cuts: list[int], chance: Any
) -> None:
    folder = tmp_path_factory.mktemp("store")
    whole = bars([NEW_YEAR + minute * M1 for minute in sorted(minutes)])
    _in_pieces(folder, whole, cuts, chance)
    assert same(all_of(folder, Series("EURUSD", M1)), whole)


@given(st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=60, unique=True), CUTS, st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_quotes_written_in_any_order_and_any_pieces_are_the_same_quotes(
    tmp_path_factory: pytest.TempPathFactory, moments: list[int], cuts: list[int], chance: Any
) -> None:
    folder = tmp_path_factory.mktemp("store")
    whole = quotes([NEW_YEAR + moment for moment in sorted(moments)])
    _in_pieces(folder, whole, cuts, chance)
    assert same(all_of(folder, Series("EURUSD")), whole)


def _in_pieces(folder: Path, whole: Batch, cuts: list[int], chance: Any) -> None:
    """Shuffled, cut, and each piece written by itself; the first of them once more."""
    rows = list(range(len(whole)))
    chance.shuffle(rows)
    edges = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    pieces = [np.array(rows[start:stop]) for start, stop in pairwise(edges) if stop > start]
    for piece in [*pieces, pieces[0]]:
        written(folder, whole.chosen(piece))


@pytest.mark.parametrize("name", ["EUR/USD", "a.b", "frx EURUSD", "x=1%2F", "ÇÖ", "..", "CON", "a\\b:c*?"])
def test_a_product_of_any_name_comes_back_as_it_was_called(tmp_path: Path, name: str) -> None:
    written(tmp_path, bars([NEW_YEAR], product=name))
    assert Archive(tmp_path).series() == (Series(name, M1),)
    (read,) = Archive(tmp_path).bars(name, M1)
    assert read.product == name
    assert all(path.is_relative_to(tmp_path) for path in (tmp_path / "bars").rglob("*.parquet"))


@pytest.mark.parametrize("name", ["", "x" * 500])
def test_a_name_that_no_folder_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a product's name in a store; give one of 1 to 200 letters"):
        written(tmp_path, bars([NEW_YEAR], product=name))


def test_a_span_is_read_without_opening_other_files(tmp_path: Path) -> None:
    written(tmp_path, bars([NEW_YEAR - M1, NEW_YEAR, NEW_YEAR + M1, NEW_YEAR + 40 * DAY]))
    (tmp_path / "bars/product=EURUSD/timeframe=1m/month=2025-12/part.parquet").write_bytes(b"broken")
    (tmp_path / "bars/product=EURUSD/timeframe=1m/month=2026-02/part.parquet").write_bytes(b"broken")
    read = list(Archive(tmp_path).bars("EURUSD", M1, NEW_YEAR + 1, NEW_YEAR + DAY))
    assert [each.open_ts.tolist() for each in read] == [[NEW_YEAR + M1]]


def test_a_series_that_is_not_there_is_told_with_the_nearest_that_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no 1m bars of EURUSD; fill it with `data import`"):
        list(Archive(tmp_path).bars("EURUSD", M1))
    written(tmp_path, bars([NEW_YEAR]))
    with pytest.raises(InputError, match="holds no 1m bars of EURUSDT; did you mean 'EURUSD 1m'"):
        list(Archive(tmp_path).bars("EURUSDT", M1))


def test_a_file_that_is_not_ours_is_told_by_its_path(tmp_path: Path) -> None:
    written(tmp_path, bars([NEW_YEAR]))
    (tmp_path / "bars/product=EURUSD/timeframe=1m/month=2026-01/part.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(
        InputError, match=r"part.parquet is no file of EURUSD 1m .* remove it and import its rows again"
    ):
        list(Archive(tmp_path).bars("EURUSD", M1))


# --- one moment, one value --------------------------------------------------------------------------------------------


def test_writing_the_same_rows_again_changes_no_byte(tmp_path: Path) -> None:
    made = bars([NEW_YEAR + minute * M1 for minute in range(90)])
    written(tmp_path, made)
    before = snapshot(tmp_path)
    with writing(tmp_path, Series("EURUSD", M1)) as writer:
        writer.add(made)
    assert (writer.tally.added, writer.tally.same, writer.tally.conflicts) == (0, 90, 0)
    assert snapshot(tmp_path) == before


def test_another_value_for_a_moment_is_refused_by_name_and_nothing_of_the_import_is_there(tmp_path: Path) -> None:
    written(tmp_path, bars([NEW_YEAR], [1.1]))
    before = snapshot(tmp_path)
    other = bars([NEW_YEAR - 40 * DAY, NEW_YEAR], [1.0, 1.2])
    with pytest.raises(
        InputError, match=r"EURUSD 1m at 2026-01-01T00:00:00.000Z has open 1.1 and 1.2, .* --on-conflict keep"
    ):
        written(tmp_path, other)
    assert snapshot(tmp_path) == before
    assert not work_of(tmp_path, Series("EURUSD", M1)).exists()


@pytest.mark.parametrize(("on_conflict", "close"), [("keep", 1.1), ("replace", 1.3)])
def test_of_two_values_the_first_is_kept_or_the_last_is_taken(tmp_path: Path, on_conflict: str, close: float) -> None:
    written(tmp_path, bars([NEW_YEAR], [1.1]))
    with writing(tmp_path, Series("EURUSD", M1), on_conflict) as writer:  # type: ignore[arg-type]  # parametrized
        writer.add(bars([NEW_YEAR, NEW_YEAR], [1.2, 1.3]))
    assert writer.tally.conflicts == 2
    assert "2026-01-01T00:00:00.000Z" in writer.tally.first_conflict
    assert all_of(tmp_path, Series("EURUSD", M1)).close.tolist() == [close]  # type: ignore[union-attr]  # they are bars


def test_quotes_of_one_stamp_that_came_at_two_moments_are_two(tmp_path: Path) -> None:
    twice = Quotes(
        "EURUSD",
        np.array([NEW_YEAR, NEW_YEAR]),
        np.array([NEW_YEAR + 5, NEW_YEAR + 9]),
        np.array([1.1, 1.2]),
        np.array([1.3, 1.3]),
    )
    written(tmp_path, twice)
    assert same(all_of(tmp_path, Series("EURUSD")), twice)


def test_a_second_import_of_a_series_is_refused_while_one_writes_and_others_are_not(tmp_path: Path) -> None:
    with writing(tmp_path, Series("EURUSD", M1)) as writer:
        writer.add(bars([NEW_YEAR]))
        with pytest.raises(InputError, match="is being written by another import; run this one when that has ended"):
            written(tmp_path, bars([NEW_YEAR + M1]))
        written(tmp_path, bars([NEW_YEAR], product="GBPUSD"))
    assert [str(series) for series in Archive(tmp_path).series()] == ["EURUSD 1m", "GBPUSD 1m"]


def test_a_lock_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as first, locked(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with locked(tmp_path / "lock") as again:
        assert again


def test_no_more_rows_wait_in_memory_than_are_merged_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.archive.writing.AT_ONCE", 1_000)
    order = np.random.default_rng(3).permutation(40)
    with writing(tmp_path, Series("EURUSD", HOUR)) as writer:
        for number in order.tolist():
            writer.add(bars([NEW_YEAR + (number * 100 + row) * HOUR for row in range(100)], tf=HOUR))
    assert writer.most_held <= 1_100
    assert len(all_of(tmp_path, Series("EURUSD", HOUR))) == 4_000


# --- killed imports ---------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path

from pipeline.archive.reports import audit, keep
from pipeline.archive.series import Series
from pipeline.archive.writing import writing
from tests.test_archive import NEW_YEAR, DAY, M1, bars

call, last, stores = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
real = getattr(os, call)
made = bars([NEW_YEAR - 40 * DAY, NEW_YEAR, NEW_YEAR + M1, NEW_YEAR + 40 * DAY], [2.0, 2.1, 2.2, 2.3])

def run(number):
    seen = 0
    def deadly(*arguments, **options):
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **options)
    setattr(os, call, deadly)
    with writing(stores / str(number), Series("EURUSD", M1), "replace") as writer:
        writer.add(made)

for number in range(1, last + 1):
    child = os.fork()
    if not child:
        run(number)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Imports, each in a process of its own that is killed at the next of its calls to the system."""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(("call", "calls"), [("replace", 4), ("fsync", 15)])
def test_an_import_that_is_killed_anywhere_has_happened_or_has_not(tmp_path: Path, call: str, calls: int) -> None:
    old = bars([NEW_YEAR, NEW_YEAR + 2 * M1], [1.1, 1.2])
    opens = [NEW_YEAR - 40 * DAY, NEW_YEAR, NEW_YEAR + M1, NEW_YEAR + 2 * M1, NEW_YEAR + 40 * DAY]
    new = bars(opens, [2.0, 2.1, 2.2, 1.2, 2.3])
    stores = [tmp_path / str(number) for number in range(1, calls + 2)]
    for store in stores:
        written(store, old)
    command = [sys.executable, "-c", KILLED, call, str(len(stores)), str(tmp_path)]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    assert ended == ["-9"] * calls + ["0"], "after the last call an import ends by itself"
    read = [all_of(store, Series("EURUSD", M1)) for store in stores]
    happened = [same(each, new) for each in read]
    assert [same(each, old) for each in read] == [not each for each in happened]
    assert happened == sorted(happened), "once it holds, it holds"
    assert not happened[0]
    assert happened[-2], "killed at the end it is finished by who reads"
    for store in stores:
        written(store, new, on_conflict="replace")
        assert same(all_of(store, Series("EURUSD", M1)), new), "what was killed does not stand in the way"


# --- other programs ---------------------------------------------------------------------------------------------------


@pytest.fixture
def two(tmp_path: Path) -> Path:
    for product in ("EURUSD", "EUR/USD"):
        written(tmp_path, bars([NEW_YEAR - M1, NEW_YEAR], product=product))
    series = Series("EURUSD", M1)
    keep(Archive(tmp_path), series, audit(Archive(tmp_path), series, calendar_of("EURUSD")))
    return tmp_path


def test_pandas_reads_the_store_as_it_lies(two: Path) -> None:
    frame = pd.read_parquet(two / "bars")
    assert sorted(frame["product"].unique()) == ["EUR/USD", "EURUSD"]
    assert set(frame["timeframe"]) == {"1m"}
    assert sorted(frame["open_ts"]) == [NEW_YEAR - M1, NEW_YEAR - M1, NEW_YEAR, NEW_YEAR]
    chosen = pd.read_parquet(two / "bars", filters=[("product", "==", "EUR/USD"), ("month", "==", "2026-01")])
    assert chosen["open_ts"].tolist() == [NEW_YEAR]


def test_polars_reads_the_store_as_it_lies(two: Path) -> None:
    frame = pl.read_parquet(two / "bars")
    assert sorted(frame["product"].unique()) == ["EUR/USD", "EURUSD"]
    assert sorted(frame["open_ts"]) == [NEW_YEAR - M1, NEW_YEAR - M1, NEW_YEAR, NEW_YEAR]


def test_nothing_but_rows_lies_among_the_rows(two: Path) -> None:
    assert {path.name for path in (two / "bars").rglob("*") if path.is_file()} == {"part.parquet"}


def test_pyarrow_reads_the_types_that_are_promised(two: Path) -> None:
    schema = pq.read_schema(two / "bars/product=EURUSD/timeframe=1m/month=2026-01/part.parquet")
    assert {name: str(schema.field(name).type) for name in schema.names} == {
        "open_ts": "int64",
        **dict.fromkeys(("open", "high", "low", "close", "volume"), "double"),
        "final_at": "int64",
        "closed_by": "int8",
        "ticks": "int32",
        "revision": "int32",
    }
