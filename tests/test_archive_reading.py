"""Files as others write them: seen for what they are, read block by block, bad rows by their number."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import gzip
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.archive.blocks import csv_blocks
from pipeline.archive.exporting import exported
from pipeline.archive.importing import imported, series_of, tried
from pipeline.archive.layout import Declared
from pipeline.archive.merging import batch_of, columns_of, joined
from pipeline.archive.opening import opened, pieces
from pipeline.archive.reading import Reading
from pipeline.archive.series import Batch, Series
from pipeline.archive.store import Archive
from pipeline.errors import InputError
from pipeline.times import HOUR, MINUTE, parse_moment
from pipeline.values import Bars, Quotes
from tests.support import same
from tests.test_archive import NEW_YEAR, bars, quotes, written

pa: Any = pyarrow
pq: Any = pyarrow.parquet

M1 = MINUTE


def reading(path: Path, text: str | bytes, bad_rows: Any = "refuse", **declared: Any) -> Reading:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    facts: dict[str, Any] = {"tf": M1, **declared}
    return Reading(path, "EURUSD", Declared(**facts), bad_rows)


def rows(read: Reading, size: int = 1_000_000) -> Batch:
    batches = list(read.batches(size=size))
    series = Series("EURUSD", batches[0].tf if isinstance(batches[0], Bars) else 0)
    return batch_of(series, joined([columns_of(each) for each in batches]))


def bars_in(read: Reading) -> Bars:
    found = rows(read)
    assert isinstance(found, Bars)
    return found


def quotes_in(read: Reading) -> Quotes:
    found = rows(read)
    assert isinstance(found, Quotes)
    return found


# --- who wrote it -----------------------------------------------------------------------------------------------------

PLAIN = "time,open,high,low,close,volume\n2026-01-05T08:00:00Z,1.1,1.2,1.0,1.15,7\n2026-01-05T08:01:00Z,1,1,1,1,8\n"
EIGHT = parse_moment("2026-01-05T08:00:00Z")

BAR_FILES: tuple[tuple[str, str, dict[str, Any], str, str], ...] = (
    ("generic with a header", PLAIN, {}, "generic", "2026-01-05T08:00:00Z"),
    (
        "without a header",
        "1767600000000,1.1,1.2,1.0,1.15,7\n1767600060000,1,1,1,1,8\n",
        {},
        "generic",
        "2026-01-05T08:00:00Z",
    ),
    (
        "Dukascopy, local time",
        "Local time,Open,High,Low,Close,Volume\n01.02.2024 00:00:00.000 GMT+0200,1.1,1.2,1.0,1.15,7\n"
        "01.02.2024 00:01:00.000 GMT+0200,1,1,1,1,8\n",
        {},
        "dukascopy",
        "2024-01-31T22:00:00Z",
    ),
    (
        "Dukascopy, UTC in the name",
        "Time (UTC),Open,High,Low,Close,Volume\n2024.02.01 00:00:00,1.1,1.2,1.0,1.15,7\n"
        "2024.02.01 00:01:00,1,1,1,1,8\n",
        {},
        "generic",
        "2024-02-01T00:00:00Z",
    ),
    (
        "HistData in summer, New York without summer time",
        "20240702 170000;1.1;1.2;1.0;1.15;7\r\n20240702 170100;1;1;1;1;8\r\n",
        {},
        "histdata",
        "2024-07-02T22:00:00Z",
    ),
    (
        "MetaTrader 4",
        "2024.07.02,00:00,1.1,1.2,1.0,1.15,7\n2024.07.02,00:01,1,1,1,1,8\n",
        {"timezone": "Europe/Athens"},
        "metatrader",
        "2024-07-01T21:00:00Z",
    ),
    (
        "MetaTrader 5",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
        "2024.01.02\t00:00:00\t1.1\t1.2\t1.0\t1.15\t7\t0\t3\n2024.01.02\t00:01:00\t1\t1\t1\t1\t8\t0\t3\n",
        {"timezone": "EET"},
        "metatrader",
        "2024-01-01T22:00:00Z",
    ),
    (
        "Binance in ms",
        "1704067200000,1.1,1.2,1.0,1.15,7,1704067259999,525000,100,6,250000,0\n"
        "1704067260000,1,1,1,1,8,1704067319999,525000,100,6,250000,0\n",
        {},
        "binance",
        "2024-01-01T00:00:00Z",
    ),
    (
        "Binance in µs with a header",
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote,ignore\n"
        "1735689600000000,1.1,1.2,1.0,1.15,7,1735689659999999,1,1,6,2,0\n"
        "1735689660000000,1,1,1,1,8,1735689719999999,1,1,6,2,0\n",
        {},
        "binance",
        "2025-01-01T00:00:00Z",
    ),
    (
        "columns in another order, named by their owner",
        "a;b;c;d;e;f\n7;1.15;1.0;1.2;1.1;2026-01-05 08:00\n8;1;1;1;1;2026-01-05 08:01\n",
        {"columns": {"time": "f", "open": "e", "high": "d", "low": "c", "close": "b", "volume": "a"}},
        "generic",
        "2026-01-05T08:00:00Z",
    ),
    (
        "a date and a time, the month first",
        "Date,Time,Open,High,Low,Close,Volume\n02/13/2024,00:00,1.1,1.2,1.0,1.15,7\n02/13/2024,00:01,1,1,1,1,8\n",
        {},
        "generic",
        "2024-02-13T00:00:00Z",
    ),
    (
        "decimal commas",
        "time;open;high;low;close;volume\n2024.01.02 00:00;1,1;1,2;1,0;1,15;7\n2024.01.02 00:01;1;1;1;1;8\n",
        {},
        "generic",
        "2024-01-02T00:00:00Z",
    ),
    (
        "quoted fields with decimal commas",
        '"time","open","high","low","close","volume"\n"2024-01-02 00:00","1,1","1,2","1,0","1,15","7"\n'
        '"2024-01-02 00:01","1","1","1","1","8"\n',
        {},
        "generic",
        "2024-01-02T00:00:00Z",
    ),
    (
        "a title above, blank lines within",
        "made by somebody\n\ntime,open,high,low,close,volume\n2024-01-02 00:00,1.1,1.2,1.0,1.15,7\n\n"
        "2024-01-02 00:01,1,1,1,1,8\n\n",
        {},
        "generic",
        "2024-01-02T00:00:00Z",
    ),
    (
        "blanks around and times of the close",
        "time , open , high , low , close , volume\n 1767600060 , 1.1 , 1.2 , 1.0 , 1.15 , 7\n 1767600120,1,1,1,1,8\n",
        {"stamp": "close"},
        "generic",
        "2026-01-05T08:00:00Z",
    ),
)


@pytest.mark.parametrize(
    ("text", "declared", "form", "first"), [each[1:] for each in BAR_FILES], ids=[each[0] for each in BAR_FILES]
)
def test_bars_are_read_whoever_wrote_them(
    tmp_path: Path, text: str, declared: dict[str, Any], form: str, first: str
) -> None:
    read = reading(tmp_path / "bars.csv", text, **declared)
    assert read.layout.format == form
    found = bars_in(read)
    begin = parse_moment(first)
    assert found.open_ts.tolist() == [begin, begin + M1]
    columns = np.column_stack((found.open, found.high, found.low, found.close, found.volume))
    assert columns.tolist() == [[1.1, 1.2, 1.0, 1.15, 7], [1, 1, 1, 1, 8]]
    assert found.final_at.tolist() == [begin + M1, begin + 2 * M1]


QUOTE_FILES: tuple[tuple[str, str, dict[str, Any], str, list[tuple[float, float]]], ...] = (
    (
        "Dukascopy, ask before bid",
        "Gmt time,Ask,Bid,AskVolume,BidVolume\n05.01.2026 08:00:00.123,1.2,1.1,1,1\n"
        "05.01.2026 08:00:01.123,1.3,1.1,1,1\n",
        {},
        "dukascopy",
        [(1.1, 1.2), (1.1, 1.3)],
    ),
    (
        "HistData",
        "20260105 030000123,1.1,1.2,0\n20260105 030001123,1.1,1.3,0\n",
        {},
        "histdata",
        [(1.1, 1.2), (1.1, 1.3)],
    ),
    (
        "MetaTrader 5, where an empty price has not changed",
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n2026.01.05\t10:00:00.123\t1.1\t1.2\t\t\t6\n"
        "2026.01.05\t10:00:01.123\t\t1.3\t\t\t4\n",
        {"timezone": "EET"},
        "metatrader",
        [(1.1, 1.2), (1.1, 1.3)],
    ),
    (
        "generic",
        "ts,bid,ask\n1767600000123,1.1,1.2\n1767600001123,1.1,1.3\n",
        {},
        "generic",
        [(1.1, 1.2), (1.1, 1.3)],
    ),
)


@pytest.mark.parametrize(
    ("text", "declared", "form", "prices"), [each[1:] for each in QUOTE_FILES], ids=[each[0] for each in QUOTE_FILES]
)
def test_quotes_are_read_whoever_wrote_them(
    tmp_path: Path, text: str, declared: dict[str, Any], form: str, prices: list[tuple[float, float]]
) -> None:
    read = reading(tmp_path / "quotes.csv", text, tf=None, **declared)
    assert read.layout.format == form
    found = quotes_in(read)
    assert found.ts.tolist() == found.received.tolist() == [EIGHT + 123, EIGHT + 1123]
    assert list(zip(found.bid.tolist(), found.ask.tolist(), strict=True)) == prices


def test_an_unchanged_price_is_carried_from_block_to_block(tmp_path: Path) -> None:
    lines = [
        f"2026.01.05\t10:00:0{second}.000\t{1.1 if second == 0 else ''}\t{1.2 + second}\t\n" for second in range(8)
    ]
    read = reading(
        tmp_path / "q.csv", "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\n" + "".join(lines), tf=None, timezone="EET"
    )
    found = rows(read, size=80)
    assert isinstance(found, Quotes)
    assert found.bid.tolist() == [1.1] * 8


@pytest.mark.parametrize("name", ["bars.csv.gz", "bars.zip", "bom.csv", "wide.csv", "bars.CSV", "bars.txt"])
def test_a_file_is_read_however_it_is_packed_or_encoded(tmp_path: Path, name: str) -> None:
    path, text = tmp_path / name, PLAIN.encode()
    match name:
        case "bars.csv.gz":
            text = gzip.compress(text)
        case "bars.zip":
            with zipfile.ZipFile(path, "w") as packed:
                packed.writestr("DAT_EURUSD.csv", text)
                packed.writestr("DAT_EURUSD.txt", "gaps: none")
            text = path.read_bytes()
        case "bom.csv":
            text = b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")
        case "wide.csv":
            text = PLAIN.encode("utf-16")
        case _:
            pass
    assert bars_in(reading(path, text)).open_ts.tolist() == [EIGHT, EIGHT + M1]


def test_a_time_named_by_its_owner_stands_alone_beside_a_column_of_dates(tmp_path: Path) -> None:
    text = "date,time,stamp,open,high,low,close\n2026-01-05,08:00,1767600000,1,1,1,1\n"
    assert bars_in(reading(tmp_path / "bars.csv", text, columns={"time": "stamp"})).open_ts.tolist() == [EIGHT]


def test_objects_on_lines_are_rows(tmp_path: Path) -> None:
    text = '{"time":"2026-01-05T08:00:00Z","open":1,"high":1.5,"low":1,"close":1.25}\n\n{"time":3}\n'
    read = reading(tmp_path / "bars.jsonl", text, "skip")
    assert bars_in(read).close.tolist() == [1.25]
    assert read.skipped.total() == 1
    two = '{"ts":1767600000123,"bid":1,"ask":1.5}\n{"ts":1767600000124,"bid":1.1,"ask":2}\n'
    assert quotes_in(reading(tmp_path / "quotes.jsonl", two, tf=None)).ts.tolist() == [EIGHT + 123, EIGHT + 124]


@pytest.mark.parametrize(
    "kind", ["timestamp with a zone", "timestamp on a wall", "text", "words of a dictionary", "whole numbers"]
)
def test_parquet_may_have_times_of_any_type(tmp_path: Path, kind: str) -> None:
    stamps = pa.array([EIGHT, EIGHT + M1], pa.int64())
    times = {
        "timestamp with a zone": lambda: stamps.cast(pa.timestamp("ms", tz="America/New_York")).cast(
            pa.timestamp("ns", tz="America/New_York")
        ),
        "timestamp on a wall": lambda: pa.array([EIGHT + 2 * HOUR, EIGHT + 2 * HOUR + M1]).cast(pa.timestamp("ms")),
        "text": lambda: pa.array(["2026-01-05 10:00", "2026-01-05 10:01"]),
        "words of a dictionary": lambda: pa.array(["2026-01-05 10:00", "2026-01-05 10:01"]).dictionary_encode(),
        "whole numbers": lambda: stamps,
    }[kind]()
    prices = {name: pa.array([1.0, 2.0]) for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"time": times, **prices}), tmp_path / "bars.parquet")
    read = Reading(tmp_path / "bars.parquet", "EURUSD", Declared(tf=M1, timezone="Europe/Athens"))
    assert bars_in(read).open_ts.tolist() == [EIGHT, EIGHT + M1]


def test_parquet_may_have_days_and_exact_decimals(tmp_path: Path) -> None:
    prices = {name: pa.array([Decimal("1.25")]) for name in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"date": pa.array([date(2026, 1, 5)]), **prices}), tmp_path / "days.parquet")
    read = bars_in(Reading(tmp_path / "days.parquet", "EURUSD", Declared(tf=24 * HOUR)))
    assert (read.open_ts.tolist(), read.close.tolist()) == ([EIGHT - 8 * HOUR], [1.25])


# --- what cannot be seen, or cannot be --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "declared", "told"),
    [
        ("2024.01.02,00:00,1,1,1,1,7\n", {}, "has times of a broker's server; say where its clock is"),
        (
            "date,time,open,high,low,close\n03/02/2024,00:00,1,1,1,1\n",
            {},
            "has dates like 03/02/2024; say dates dmy when",
        ),
        (PLAIN, {"tf": None}, "holds bars; say of which timeframe"),
        (
            "Time (EET),Open,High,Low,Close\n2024.01.02 00:00,1,1,1,1\n",
            {},
            r"has no column open_ts, ts or time; .*'time \(eet\)'",
        ),
        (PLAIN, {"columns": {"open": "opne"}}, "has no column 'opne' to take open from; did you mean 'open'"),
        ("1,2,3\n4,5,6\n", {}, "has no header and 3 columns we do not know; name them with columns time=1,open=2"),
        ("hello\nworld\n", {}, r"is not what its name says \(no rows of three columns or more\); give a file of rows"),
        ("a,a,b\nx,y,z\n", {}, "has two columns of one name"),
        ("a,b\n" + "x" * 200_000 + ",1,2\n", {}, "is not what its name says"),
        ("", {}, r"is not what its name says \(it is empty\)"),
        (PLAIN, {"quotes": True}, "has no column bid; it needs time, bid and ask"),
    ],
)
def test_what_cannot_be_seen_is_asked_for_in_a_sentence(
    tmp_path: Path, text: str, declared: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        reading(tmp_path / "bars.csv", text, **declared)


def test_bars_of_another_timeframe_are_told_by_their_distance(tmp_path: Path) -> None:
    lines = "".join(f"{1767600000 + 300 * row},1,1,1,1\n" for row in range(20))
    with pytest.raises(InputError, match=r"holds no 1m bars \(its rows are 5m apart\); give it the right timeframe"):
        reading(tmp_path / "bars.csv", f"ts,open,high,low,close\n{lines}")
    with pytest.raises(InputError, match=r"say of which timeframe \(its rows are 5m apart\)"):
        reading(tmp_path / "bars.csv", f"ts,open,high,low,close\n{lines}", tf=None)


HEAD = "ts,open,high,low,close,volume\n1767600000,1,1,1,1,1\n"
BAD_ROWS = (
    ("1767600060,1,1\n", "row 2: it has too few or too many columns; mend"),
    ("\n\n1767600060,1,1,1,1,1,1,1\n", "row 4: it has too few or too many columns; mend"),
    ("1767600060000,1,1,1,1,1\n", "row 2: ts is not in s like the first ones"),
    ("60,1,1,1,1,1\n", "row 2: ts is in 1970, as of a stamp that was never set"),
    ("x,1,1,1,1,1\n", "row 2: ts is no whole number; write ms or s since 1970"),
    (",1,1,1,1,1\n", "row 2: ts is no whole number"),
    ("1767600061,1,1,1,1,1\n", r"row 2: \(2026-01-05T08:01:01.000Z\) the bar does not open on a full 1m"),
    ("1767600060,1,1,1,x,1\n", r"row 2: \(2026-01-05T08:01:00.000Z\) a price or the volume is missing"),
    ("1767600060,1,1,1,1,\n", "row 2: .* a price or the volume is missing"),
    ('1767600060,1.5,2,1,"1,5",1\n', "row 2: .* a price or the volume is missing"),
    ("1767600060,1,1,2,1,1\n", "row 2: .* low is not the lowest price"),
    ("1767600060,0,1,0,1,1\n", "row 2: .* a price is not above zero"),
    ("1767600060,1,1,1,1,-1\n", "row 2: .* the volume is below zero"),
    ("1767600060,1,inf,1,1,1\n", "row 2: .* missing or infinite"),
)


@pytest.mark.parametrize(("line", "told"), BAD_ROWS)
def test_a_row_that_cannot_be_is_refused_by_its_number_or_left_out_and_counted(
    tmp_path: Path, line: str, told: str
) -> None:
    good = "1767600120,2,2,2,2,2\n"
    with pytest.raises(InputError, match=told):
        rows(reading(tmp_path / "bars.csv", HEAD + line + good))
    read = reading(tmp_path / "bars.csv", HEAD + line + good, "skip")
    assert bars_in(read).open_ts.tolist() == [EIGHT, EIGHT + 2 * M1]
    assert read.skipped.total() == 1


@example(["1767600060,1,1\n"] * 3)  # more torn rows than whole ones below the names
@given(st.lists(st.sampled_from([*(line for line, _ in BAD_ROWS), "1767600060,1,1,1,1,1\n", "\n"]), max_size=30))
@settings(max_examples=60, deadline=None)
def test_every_row_is_read_or_counted_whatever_stands_beside_it(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("files") / "bars.csv"
    read = reading(path, HEAD + "".join(lines), "skip")
    given_rows = sum(len(batch) for batch in read.batches(size=200))
    written_rows = sum(bool(line.strip()) for text in lines for line in text.splitlines())
    assert given_rows + read.skipped.total() == 1 + written_rows


def test_the_first_bad_row_of_a_late_block_is_told_with_its_own_number(tmp_path: Path) -> None:
    lines = [f"{1767600000 + 60 * row},1,1,1,1,1\n" for row in range(5_000)]
    lines[4_321] = "1767600060,1,1,1,nope,1\n"
    read = reading(tmp_path / "bars.csv", "ts,open,high,low,close,volume\n" + "".join(lines))
    with pytest.raises(InputError, match=r"row 4322: .* a price or the volume is missing"):
        rows(read, size=10_000)


def test_a_kline_that_closes_at_another_time_is_refused(tmp_path: Path) -> None:
    text = "1704067200000,1,1,1,1,7,1704067499999,5,1,6,2,0\n"
    with pytest.raises(InputError, match="the bar does not close 1 ms before the next 1m begins; is `timeframe` right"):
        rows(reading(tmp_path / "klines.csv", text))


@pytest.mark.parametrize(
    ("bid", "ask", "told"), [("1.2", "1.1", "crossed"), ("x", "1", "not a number"), ("0", "1", "not above")]
)
def test_a_quote_that_cannot_be_is_refused(tmp_path: Path, bid: str, ask: str, told: str) -> None:
    with pytest.raises(InputError, match=rf"row 2: .* the quote is {told}.*; mend or leave out the row"):
        rows(reading(tmp_path / "q.csv", f"ts,bid,ask\n1767600000000,1,1\n1767600000001,{bid},{ask}\n", tf=None))


def test_a_packed_file_that_is_cut_off_or_holds_many_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cut.csv.gz is not what its name says"):
        rows(reading(tmp_path / "cut.csv.gz", gzip.compress(PLAIN.encode())[:-12]))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as packed:
        packed.writestr("a.csv", PLAIN)
        packed.writestr("b.csv", PLAIN)
    with pytest.raises(InputError, match=r"two.zip holds 2 files of rows; unpack it"):
        Reading(tmp_path / "two.zip", "EURUSD", Declared(tf=M1))
    with pytest.raises(InputError, match=r"no.zip is not what its name says"):
        reading(tmp_path / "no.zip", b"PK no")


# --- blocks, and into the store ---------------------------------------------------------------------------------------


def test_no_more_than_a_block_is_held_at_a_time(tmp_path: Path) -> None:
    size = 20_000
    lines = [f"{1767600000000 + row * M1},1,1,1,1,1\n" for row in range(20_000)]
    read = reading(tmp_path / "bars.csv", "ts,open,high,low,close,volume\n" + "".join(lines))
    with opened(read.path) as file:
        assert max(len(piece.text) for piece in pieces(file.file, size)) < size + len(lines[0])
    with opened(read.path) as file:
        names, wanted = read.layout.names, list(read.layout.columns.values())
        most = max(block.count for block in csv_blocks(file, ",", names, wanted, 1, size))
    assert most <= size // len(lines[0]) + 2
    assert len(rows(read, size)) == 20_000


def test_an_import_says_what_it_read_and_sorts_what_came_backwards(tmp_path: Path) -> None:
    lines = [f"{1767600000 + row * 60},1,1,1,1,1\n" for row in range(50)]
    read = reading(tmp_path / "bars.csv", "ts,open,high,low,close,volume\n" + "".join(reversed(lines)))
    result = imported([read], tmp_path / "store", "fail")
    assert (result.rows, result.backwards, result.tally.added) == (50, 49, 50)
    (kept,) = Archive(tmp_path / "store").bars("EURUSD", M1)
    assert kept.open_ts.tolist() == list(range(EIGHT, EIGHT + 50 * M1, M1))


def test_trying_an_import_writes_nothing(tmp_path: Path) -> None:
    result = tried([reading(tmp_path / "bars.csv", PLAIN)])
    assert (result.rows, result.first, result.last) == (2, EIGHT, EIGHT + M1)
    assert [path.name for path in tmp_path.iterdir()] == ["bars.csv"]


def test_bars_and_quotes_are_not_imported_together(tmp_path: Path) -> None:
    one = reading(tmp_path / "a.csv", PLAIN)
    other = reading(tmp_path / "b.csv", "ts,bid,ask\n1767600000123,1.1,1.2\n", tf=None)
    with pytest.raises(InputError, match="some of these files hold bars, others quotes; import each kind by itself"):
        series_of([one, other])


PRICES = st.floats(1e-8, 1e8, allow_nan=False)


@given(
    st.lists(st.tuples(PRICES, PRICES, st.floats(0, 1e12)), min_size=1, max_size=40),
    st.sampled_from(["csv", "jsonl", "parquet"]),
    st.sampled_from([None, "UTC", "America/New_York", "Australia/Lord_Howe"]),
)
@settings(max_examples=60, deadline=None)
def test_what_was_exported_and_imported_again_is_the_same_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, prices: list[tuple[float, float, float]], kind: str, zone: str | None
) -> None:
    folder = tmp_path_factory.mktemp("store")
    opens = [parse_moment("2024-11-03T04:50:00Z") + row * M1 for row in range(len(prices))]
    made = bars(opens, [max(low, high) for low, high, _ in prices])
    made.low[:] = [min(low, high) for low, high, _ in prices]
    made.volume[:] = [volume for *_, volume in prices]
    made.final_at[:] += 123
    made.ticks[:] = range(len(prices))
    written(folder, made)
    path = folder / f"out.{kind}"
    assert exported(Archive(folder).bars("EURUSD", M1), path, zone) == len(prices)
    again = Reading(path, "EURUSD", Declared(tf=M1))
    assert same(rows(again), made)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_quotes_come_back_from_a_file_with_both_their_stamps(tmp_path: Path, kind: str) -> None:
    made = quotes([NEW_YEAR + 7, NEW_YEAR + 1_000, NEW_YEAR + 90_000_000])
    written(tmp_path, made)
    exported(Archive(tmp_path).quotes("EURUSD"), tmp_path / f"out.{kind}", "Europe/Istanbul")
    assert same(rows(Reading(tmp_path / f"out.{kind}", "EURUSD", Declared())), made)


def test_an_export_that_fails_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    with pytest.raises(InputError, match="holds no quotes"):
        exported(Archive(tmp_path / "store").quotes("EURUSD"), tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    assert (tmp_path / "out.csv").read_text() == "precious"
