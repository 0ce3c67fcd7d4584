"""Sources: the synthetic market and files, driven by a clock that only moves when somebody waits."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import ValidationError, convert
from reactivex import Observable, abc
from reactivex.disposable import Disposable

from bench import generate
from pipeline.archive.exporting import exported
from pipeline.calendar import Calendars
from pipeline.candles import merged
from pipeline.errors import InputError
from pipeline.host import Mode, Records
from pipeline.market import Market
from pipeline.parts import part_of, registered
from pipeline.steps import Tube
from pipeline.times import DAY, HOUR, MINUTE, SECOND, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import BAR_COLUMNS, Bars, Link, Payouts, Quotes
from sources.files import Files, read_bars
from sources.replay import Replay
from sources.synthetic import Synthetic, history
from tests.support import same

T = TypeVar("T")
Item = Quotes | Bars | Payouts
Given = tuple[int, Item]
"""An item, and when it was given."""

TUESDAY = parse_moment("2026-01-06T09:00:00Z")
FRIDAY_CLOSE, SUNDAY_OPEN = parse_moment("2026-01-09T22:00:00Z"), parse_moment("2026-01-11T22:00:00Z")
M1, M5, M15 = MINUTE, 5 * MINUTE, 15 * MINUTE
ROWS = {M1: 90, M5: 60, M15: 50}


@dataclass
class Stand:
    """A border whose clock stands still, except while somebody waits for a moment."""

    time: int
    end: int | None
    block: int = 0
    history: Mapping[int, int] = field(default_factory=dict[int, int])
    base: Path = Path()
    folder: Path = Path()
    mode: Mode = "replay"
    flow: str = "stand"
    node: str = "market"
    ledger: Records = field(default_factory=NoRecords)
    calendars: Calendars = field(default_factory=Calendars)

    def now(self) -> int:
        return self.time

    async def until(self, at: int) -> None:
        self.time = max(self.time, at)

    def at(self, moment: int, act: Callable[[], None]) -> abc.DisposableBase:
        raise AssertionError(f"a source asked to be called at {moment}")

    def work(self, doing: Coroutine[Any, Any, None], failed: Callable[[Exception], None]) -> abc.DisposableBase:
        raise AssertionError("a source wanted to do something beside the flow")

    def stream(self, items: Callable[[], AsyncIterator[T]]) -> Observable[T]:
        async def give(observer: abc.ObserverBase[T]) -> None:
            try:
                async for item in items():
                    observer.on_next(item)
            except InputError as failure:
                observer.on_error(failure)
            else:
                observer.on_completed()

        def subscribe(observer: abc.ObserverBase[T], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            with pytest.raises(StopIteration):
                give(observer).send(None)
            return Disposable()

        return Observable(subscribe)


def all_given(source: Synthetic | Files | Replay, host: Stand) -> list[Given]:
    """Everything a source gives until it ends."""
    given_items: list[Given] = []
    failures: list[Exception] = []
    ends: list[bool] = []
    # What a source takes (gaps to mend) stays silent here.
    stream: Observable[Any] = source(host, *(Tube[Any]() for _ in part_of(source).takes))
    stream.subscribe(lambda item: given_items.append((host.now(), item)), failures.append, lambda: ends.append(True))
    if failures:
        raise failures[0]
    assert ends == [True]
    return given_items


def of(kind: type[T], given_items: list[Given]) -> list[T]:
    return [item for _, item in given_items if isinstance(item, kind)]


def stamps(batches: list[Quotes], product: str) -> list[int]:
    return [int(ts) for batch in batches if batch.product == product for ts in batch.ts]


# --- the synthetic market --------------------------------------------------------------------------------------------


@given(st.integers(0, 3 * HOUR), st.integers(1, 40 * MINUTE), st.sampled_from([0, 1, 777, MINUTE, HOUR]))
@settings(max_examples=30, deadline=None)
def test_history_and_quotes_join_without_a_hole_or_an_overlap(after: int, length: int, block: int) -> None:
    now = TUESDAY + after
    host = Stand(now, now + min(length, 40 * block or 40 * MINUTE), block, ROWS)
    end = host.end or 0
    given_items = all_given(Synthetic(products=("EURUSD",)), host)
    shortest = next(bars for bars in of(Bars, given_items) if bars.tf == M1)
    seam = int(shortest.open_ts[-1]) + M1
    everything = Market("EURUSD").quotes(seam, end)
    received = everything.rows(0, int(np.searchsorted(everything.received, end)))
    assert stamps(of(Quotes, given_items), "EURUSD") == received.ts.tolist()


@pytest.mark.parametrize("offset", [0, 20, 60, 150, 300, 499, 500, 501, 20_000, 59_999])
def test_the_first_bar_that_quotes_make_is_whole_and_follows_the_history(offset: int) -> None:
    now = TUESDAY + 7 * M1 + offset
    given_items = all_given(Synthetic(products=("EURUSD",)), Stand(now, now + 3 * M1, 0, ROWS))
    shortest = next(bars for bars in of(Bars, given_items) if bars.tf == M1)
    first_quote = of(Quotes, given_items)[0]
    first_slot = int(shortest.open_ts[-1]) + M1
    assert int(first_quote.ts[0]) == int(Market("EURUSD").quotes(first_slot, first_slot + M1).ts[0])
    assert now - first_slot <= M1 + 500


@pytest.mark.parametrize("now", [TUESDAY + 7 * M1 + 250, FRIDAY_CLOSE + DAY, SUNDAY_OPEN + 3 * M1])
@pytest.mark.parametrize("product", ["EURUSD", "BTCUSD"])
def test_history_is_the_last_final_bars_of_each_timeframe_and_all_of_it_is_context(product: str, now: int) -> None:
    market = Market(product)
    for bars in history(market, ROWS, now):
        whole = market.bars(bars.tf, now - 5 * DAY, now + DAY)
        final = int(np.searchsorted(whole.final_at, now, side="right"))
        expected = whole.rows(final - len(bars), final, 0)
        assert all(same(getattr(bars, name), getattr(expected, name)) for name in BAR_COLUMNS)
        assert (bars.fresh, len(bars) >= ROWS[bars.tf]) == (0, True)


def test_history_of_the_shortest_timeframe_reaches_back_to_the_opening_of_the_longest() -> None:
    now = TUESDAY + 13 * M1 + SECOND
    shortest, longest = history(Market("EURUSD"), {M1: 2, M15: 4}, now)
    assert shortest.open_ts.tolist() == [TUESDAY + minute * M1 for minute in range(13)]
    assert longest.open_ts.tolist() == [TUESDAY - quarter * M15 for quarter in (4, 3, 2, 1)]


def test_where_the_market_begins_there_is_as_much_history_as_there_is() -> None:
    begin = parse_moment("2015-01-01")
    (bars,) = history(Market("BTCUSD"), {M1: 500}, begin + HOUR + SECOND)
    assert bars.open_ts[0] == begin
    assert len(bars) == 60


def test_history_comes_first_then_the_payout_in_force_then_quotes() -> None:
    given_items = all_given(Synthetic(products=("EURUSD", "BTCUSD")), Stand(TUESDAY, TUESDAY + M1, 0, {M1: 5}))
    kinds = [kind.__name__ for kind, _ in groupby(type(item) for _, item in given_items)]
    assert kinds[:2] == ["Bars", "Payouts"]
    assert [bars.product for bars in of(Bars, given_items)] == ["BTCUSD", "EURUSD"]
    assert all(payouts.ts[0] <= TUESDAY for payouts in of(Payouts, given_items)[:2])


def test_each_quote_is_given_alone_when_it_is_received_and_products_go_by_name_at_one_moment() -> None:
    host = Stand(TUESDAY, TUESDAY + 5 * M1)
    given_items = all_given(Synthetic(products=("XAUUSD", "EURUSD", "BTCUSD")), host)
    live = [(at, item) for at, item in given_items if isinstance(item, Quotes) and at > TUESDAY]
    assert all(len(item) == 1 and item.received[0] == at for at, item in live)
    order = [(at, item.product) for at, item in live]
    assert order == sorted(order)
    assert {product for _, product in order} == {"BTCUSD", "EURUSD", "XAUUSD"}
    assert host.now() == host.end


def test_a_block_of_quotes_is_given_at_its_beginning_one_batch_for_each_product() -> None:
    begin, end = TUESDAY, TUESDAY + HOUR
    given_items = all_given(Synthetic(products=("BTCUSD", "EURUSD")), Stand(begin, end, 15 * MINUTE))
    ahead = [(at, item) for at, item in given_items if isinstance(item, Quotes) and int(item.received[0]) >= begin]
    assert [(at, item.product) for at, item in ahead] == [
        (begin + quarter * M15, product) for quarter in range(4) for product in ("BTCUSD", "EURUSD")
    ]
    assert all(at <= item.received[0] and item.received[-1] < at + M15 for at, item in ahead)


@pytest.mark.parametrize("block", [0, 7 * MINUTE, DAY])
def test_payouts_are_given_once_whatever_the_blocks(block: int) -> None:
    given_items = all_given(Synthetic(products=("BTCUSD",)), Stand(TUESDAY, TUESDAY + 6 * HOUR, block))
    told = np.concatenate([payouts.ts for payouts in of(Payouts, given_items)])
    assert told.tolist() == Market("BTCUSD").payouts(TUESDAY, TUESDAY + 6 * HOUR + 1).ts.tolist()


def test_no_quote_comes_over_a_weekend_and_the_week_begins_with_a_whole_bar() -> None:
    host = Stand(FRIDAY_CLOSE + DAY, SUNDAY_OPEN + M1, HOUR, {M1: 10})
    given_items = all_given(Synthetic(products=("EURUSD",)), host)
    assert stamps(of(Quotes, given_items), "EURUSD") == [
        ts
        for ts, received in _pairs(Market("EURUSD").quotes(SUNDAY_OPEN, SUNDAY_OPEN + M1))
        if received < SUNDAY_OPEN + M1
    ]


def _pairs(quotes: Quotes) -> list[tuple[int, int]]:
    return list(zip(quotes.ts.tolist(), quotes.received.tolist(), strict=True))


def test_starting_later_changes_nothing_of_what_comes() -> None:
    early = all_given(Synthetic(products=("EURUSD",)), Stand(TUESDAY, TUESDAY + HOUR, 0, {M1: 30}))
    late = all_given(Synthetic(products=("EURUSD",)), Stand(TUESDAY + 30 * M1 + 1, TUESDAY + HOUR, 0, {M1: 30}))
    assert of(Quotes, late)
    rows_early = {int(each.ts[0]): each for each in of(Quotes, early)}
    singles = [each for each in of(Quotes, late) if len(each) == 1]
    assert all(same(each, rows_early[int(each.ts[0])]) for each in singles)


def test_a_table_of_the_flow_file_is_checked() -> None:
    made = convert({"products": ["EURUSD"], "start": "2026-01-05T08:00:00Z"}, Synthetic)
    assert made.starts_at() == 1767600000000
    assert Synthetic(products=("EURUSD",)).starts_at() is None
    wrong: tuple[tuple[dict[str, object], str], ...] = (
        ({"products": []}, "length >= 1"),
        ({"products": ["EURUSD", "EURUSD"]}, "name each once"),
        ({"products": ["EURUSD"], "speed": 0}, "> 0"),
        ({"products": ["EURUSD"], "start": "soon"}, "is not a moment"),
        ({"products": ["EURUSD"], "start": "1999-01-01"}, "from 2015 to 2044"),
    )
    for table, told in wrong:
        with pytest.raises(ValidationError, match=told):
            convert(table, Synthetic)


def test_both_sources_can_be_declared() -> None:
    assert {"synthetic", "files"} <= registered("source").keys()
    assert registered("source")["synthetic"].gives == (Quotes, Bars, Payouts, Link)
    assert set(registered("source")["files"].gives) == {Bars, Quotes}


# --- files -----------------------------------------------------------------------------------------------------------

BARS = generate.generated("EURUSD", 600, seed=7)
BEGIN, END = generate.BEGIN, generate.BEGIN + 600 * M1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generate.write(BARS, tmp_path / "bars.parquet")
    return tmp_path


Columns = dict[str, list[object]]


def csv(path: Path, times: Sequence[object], name: str = "open_ts", columns: Columns | None = None) -> None:
    """A CSV file of the first bars, with these times and columns instead."""
    rows = len(times)
    table: dict[str, Sequence[object]] = {name: times}
    table |= {each: getattr(BARS, each)[:rows].tolist() for each in ("open", "high", "low", "close")}
    table |= columns or {}
    lines = [table.keys(), *zip(*table.values(), strict=True)]
    path.write_text("".join(",".join("" if cell is None else str(cell) for cell in line) + "\n" for line in lines))


def fresh_stamps(given_items: list[Given]) -> list[int]:
    return [int(ts) for bars in of(Bars, given_items) for ts in bars.open_ts[len(bars) - bars.fresh :]]


def test_what_was_written_to_parquet_is_read_back(folder: Path) -> None:
    assert same(read_bars(folder / "bars.parquet", "EURUSD", M1), BARS)


def test_a_file_knows_its_span_and_its_bars_are_final_at_their_close(folder: Path) -> None:
    source = Files(path="bars.parquet", product="EURUSD")
    assert source.span(folder) == (BEGIN, END)
    given_items = all_given(source, Stand(BEGIN, END, 0, base=folder))
    assert [(at, int(item.final_at[0])) for at, item in given_items if isinstance(item, Bars)] == [
        (int(ts) + M1, int(ts) + M1) for ts in BARS.open_ts
    ]


@pytest.mark.parametrize("block", [M1, 7 * M1 + 1, 256 * M1, DAY])
def test_blocks_of_a_file_are_given_ahead_and_each_bar_once(folder: Path, block: int) -> None:
    host = Stand(BEGIN, END, block, ROWS, folder)
    given_items = all_given(Files(path="bars.parquet", product="EURUSD"), host)
    assert fresh_stamps(given_items) == BARS.open_ts.tolist()
    assert all(
        at < item.final_at[0] and item.final_at[-1] <= at + block for at, item in given_items if isinstance(item, Bars)
    )
    assert host.now() == END


def test_a_replay_from_the_middle_of_a_file_has_the_bars_before_as_history(folder: Path) -> None:
    middle = BEGIN + 307 * M1
    given_items = all_given(
        Files(path="bars.parquet", product="EURUSD"), Stand(middle, END, HOUR, {M1: 4, M5: 30}, folder)
    )
    context = [bars for bars in of(Bars, given_items) if not bars.fresh]
    assert [(bars.tf, len(bars), int(bars.final_at[-1])) for bars in context] == [
        (M1, 4, middle),
        (M5, 30, BEGIN + 305 * M1),
    ]
    assert same(context[1].close, merged(BARS, M5).close[31:61])
    assert fresh_stamps(given_items) == list(range(middle, END, M1))


def test_a_replay_ends_at_the_hosts_end_not_at_the_files(folder: Path) -> None:
    given_items = all_given(
        Files(path="bars.parquet", product="EURUSD"), Stand(BEGIN, BEGIN + 90 * M1, HOUR, base=folder)
    )
    assert fresh_stamps(given_items) == list(range(BEGIN, BEGIN + 90 * M1, M1))


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("open_ts", [1767600000000, 1767600060000, 1767600180000]),
        ("ts", [1767600000, 1767600060, 1767600180]),
        ("time", ["2026-01-05T08:00:00Z", "2026-01-05T08:01:00Z", "2026-01-05T08:03:00Z"]),
        ("Time", ["2026-01-05 10:00:00+02:00", "2026-01-05 10:01:00+02:00", "2026-01-05 10:03:00+02:00"]),
        ("ts", [1767600000000.0, 1767600060000.0, 1767600180000.0]),
    ],
)
def test_times_are_ms_or_s_or_iso_text(tmp_path: Path, name: str, times: list[object]) -> None:
    csv(tmp_path / "bars.csv", times, name)
    bars = read_bars(tmp_path / "bars.csv", "EURUSD", M1)
    assert bars.open_ts.tolist() == [1767600000000, 1767600060000, 1767600180000]
    assert bars.volume.tolist() == [0, 0, 0]
    assert Files(path="bars.csv", product="EURUSD").span(tmp_path) == (1767600000000, 1767600240000)


def test_times_in_parquet_may_be_timestamps(tmp_path: Path) -> None:
    arrow: Any = pyarrow
    times = arrow.array(BARS.open_ts, arrow.timestamp("ms", tz="UTC")).cast(arrow.timestamp("us", tz="UTC"))
    prices = {each: getattr(BARS, each) for each in ("open", "high", "low", "close")}
    pyarrow.parquet.write_table(arrow.table({"Time": times, **prices}), tmp_path / "bars.parquet")
    assert read_bars(tmp_path / "bars.parquet", "EURUSD", M1).open_ts.tolist() == BARS.open_ts.tolist()


def test_a_stamp_on_the_closing_side_is_moved_to_the_opening(tmp_path: Path) -> None:
    csv(tmp_path / "bars.csv", (BARS.open_ts[:9] + M1).tolist())
    source = Files(path="bars.csv", product="EURUSD", stamp="close")
    assert source.span(tmp_path) == (BEGIN, BEGIN + 9 * M1)
    given_items = all_given(source, Stand(BEGIN, BEGIN + 9 * M1, HOUR, base=tmp_path))
    assert fresh_stamps(given_items) == BARS.open_ts[:9].tolist()


def test_the_span_of_a_long_csv_file_is_that_of_all_its_bars(tmp_path: Path) -> None:
    csv(tmp_path / "bars.csv", BARS.open_ts.tolist())
    assert Files(path="bars.csv", product="EURUSD").span(tmp_path) == (BEGIN, END)


TIMES = BARS.open_ts[:4].tolist()


@pytest.mark.parametrize(
    ("times", "columns", "told"),
    [
        (
            [TIMES[0], TIMES[2], TIMES[1]],
            {},
            r"row 3: \(2015-01-01T00:01:00.000Z\) .* not open after .*; sort the file",
        ),
        ([TIMES[0], TIMES[1], TIMES[1]], {}, r"row 3: .* keep each bar once"),
        ([TIMES[0], TIMES[1] + 1], {}, r"row 2: .* does not open on a full 1m; is `timeframe` right"),
        ([TIMES[0], TIMES[1]], {"high": [9.0, 0.1]}, r"row 2: .* low is not the lowest price or high not the highest"),
        ([TIMES[0], TIMES[1]], {"close": [None, 1.0]}, r"row 1: .* mend or leave out the bar"),
        ([TIMES[0], TIMES[1]], {"close": ["n/a?", 1.0]}, r"row 1: .* mend or leave out the bar"),
        ([TIMES[0], TIMES[1]], {"high": [9.0, np.inf]}, r"row 2: .* missing or infinite; mend or leave out the bar"),
        (["2026-01-05T08:00:00Z", "yesterday"], {}, r"row 2: open_ts is no time; write ms or s since 1970"),
        ([TIMES[0], None], {}, r"row 2: open_ts is no whole number; write ms or s since 1970"),
        ([], {}, r"holds no bars; give a file with at least one"),
    ],
)
def test_a_bar_that_cannot_be_is_told_with_its_row_and_how_to_mend_it(
    tmp_path: Path, times: list[object], columns: Columns, told: str
) -> None:
    csv(tmp_path / "bars.csv", times, columns=columns)
    with pytest.raises(InputError, match=f"bars.csv.*{told}"):
        all_given(Files(path="bars.csv", product="EURUSD"), Stand(0, DAY, 0, base=tmp_path))


def test_a_wrong_bar_is_found_in_a_large_file(tmp_path: Path) -> None:
    bars = generate.generated("EURUSD", 70_000, seed=1)
    bars.open_ts[65_536:] -= M1
    generate.write(bars, tmp_path / "bars.parquet")
    with pytest.raises(InputError, match=r"row 65537: .* the bar does not open after the one before it"):
        read_bars(tmp_path / "bars.parquet", "EURUSD", M1)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("nothing.csv", None, "there is no file .*nothing.csv; a `path` starts at the flow file's folder"),
        ("bars.parquet", b"open_ts,open", "bars.parquet is not what its name says"),
        ("bars.csv", b"", "bars.csv is not what its name says"),
        ("bars.xlsx", b"", "bars.xlsx is neither .parquet nor .csv"),
        ("bars.csv", b"when,open,high,low,close\n1,1,1,1,1\n", "bars.csv has no column open_ts, ts or time"),
        ("bars.csv", b"ts,open,high,low\n60,1,1,1\n", "bars.csv has no column close; it needs open_ts, open, high"),
    ],
)
def test_a_file_that_holds_no_bars_is_told_in_a_sentence(
    tmp_path: Path, name: str, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told):
        all_given(Files(path=name, product="EURUSD"), Stand(0, DAY, 0, base=tmp_path))


# --- files of quotes --------------------------------------------------------------------------------------------------

HOURS_OF_QUOTES = Market("BTCUSD").quotes(TUESDAY, TUESDAY + 3 * HOUR)


@pytest.fixture(params=["quotes.csv", "quotes.jsonl", "quotes.parquet"])
def quotes_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    exported(iter([HOURS_OF_QUOTES]), tmp_path / str(request.param))
    return tmp_path / str(request.param)


@pytest.mark.parametrize("block", [0, 7 * M1, DAY])
def test_quotes_of_a_file_are_given_when_they_were_received(quotes_file: Path, block: int) -> None:
    source = Files(path=quotes_file.name, product="BTCUSD", quotes=True)
    begin, end = source.span(quotes_file.parent)
    assert (begin, end) == (int(HOURS_OF_QUOTES.received[0]), int(HOURS_OF_QUOTES.received[-1]) + 1)
    given_items = all_given(source, Stand(begin, end, block, base=quotes_file.parent))
    assert stamps(of(Quotes, given_items), "BTCUSD") == HOURS_OF_QUOTES.ts.tolist()
    for at, item in given_items:
        assert isinstance(item, Quotes)
        assert item.received[0] == at if block == 0 else at <= item.received[0] < at + block


def test_before_the_middle_of_a_file_of_quotes_are_the_bars_they_make(tmp_path: Path) -> None:
    exported(iter([HOURS_OF_QUOTES]), tmp_path / "quotes.csv")
    now = TUESDAY + 2 * HOUR + 7 * SECOND
    source = Files(path="quotes.csv", product="BTCUSD", quotes=True)
    given_items = all_given(source, Stand(now, now + 5 * M1, 0, {M1: 20, M5: 12}, tmp_path))
    minutes, fives = of(Bars, given_items)
    market = Market("BTCUSD")
    assert same(minutes.close, market.bars(M1, now - 20 * M1 - 7 * SECOND, now).close)
    assert same(fives.close, market.bars(M5, now - 60 * M1 - 7 * SECOND, now).close)
    arrived = market.quotes(TUESDAY + 2 * HOUR, now + 5 * M1)
    assert stamps(of(Quotes, given_items), "BTCUSD") == arrived.ts[arrived.received < now + 5 * M1].tolist()


def test_a_quote_that_came_before_the_one_above_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "quotes.csv").write_text("ts,bid,ask\n1767600001000,1,1\n1767600000000,1,1\n")
    source = Files(path="quotes.csv", product="EURUSD", quotes=True)
    with pytest.raises(InputError, match=r"quotes.csv, row 2: .* the quote came before the one above it; sort"):
        all_given(source, Stand(0, DAY, 0, base=tmp_path))


def test_a_file_source_takes_what_cannot_be_seen_from_its_table(tmp_path: Path) -> None:
    (tmp_path / "mt.csv").write_text("2024.07.02,00:00,1.1,1.2,1.0,1.15,7\n2024.07.02,00:01,1,1,1,1,8\n")
    source = convert({"path": "mt.csv", "product": "EURUSD", "timezone": "Europe/Athens"}, Files)
    begin = parse_moment("2024-07-01T21:00:00Z")
    assert source.span(tmp_path) == (begin, begin + 2 * M1)
    (tmp_path / "odd.csv").write_text("a,b,c\n1767600000123,1.5,1.25\n")
    table = {"path": "odd.csv", "product": "X", "quotes": True, "columns": {"time": "a", "ask": "b", "bid": "c"}}
    given_items = all_given(convert(table, Files), Stand(1767600000000, 1767600001000, 0, base=tmp_path))
    assert [(item.bid.tolist(), item.ask.tolist()) for item in of(Quotes, given_items)] == [([1.25], [1.5])]
    with pytest.raises(ValidationError, match="timezone Mars is unknown; write one like UTC"):
        convert({"path": "mt.csv", "product": "EURUSD", "timezone": "Mars"}, Files)


# --- generated bars ---------------------------------------------------------------------------------------------------


def test_generated_bars_are_contiguous_and_the_same_for_a_seed() -> None:
    again = generate.generated("EURUSD", 600, seed=7)
    assert same(again, BARS)
    assert all(later - earlier == M1 for earlier, later in pairwise(BARS.open_ts.tolist()))


def test_the_generator_writes_a_file_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate.main([str(tmp_path / "data" / "xau.parquet"), "--bars", "500", "--product", "XAUUSD", "--seed", "3"])
    assert "500 bars of XAUUSD, 1m" in capsys.readouterr().out
    assert len(read_bars(tmp_path / "data" / "xau.parquet", "XAUUSD", M1)) == 500
