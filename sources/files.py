"""Bars out of a file, Parquet or CSV, checked before the first is given."""

# Neither of the two libraries comes with types:
# pyright: reportMissingTypeStubs=false

import io
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
from msgspec import Meta
from numpy.typing import NDArray
from reactivex import Observable

from pipeline.candles import as_history, from_columns
from pipeline.errors import InputError
from pipeline.host import Host
from pipeline.parts import source
from pipeline.times import TimeframeName, timeframe, timeframe_name, utc_text
from pipeline.values import Bars, Floats, Stamps

pd: Any = pandas
pa: Any = pyarrow
pq: Any = pyarrow.parquet

TIMES = ("open_ts", "ts", "time")
"""What the column of the times may be called."""
PRICES = ("open", "high", "low", "close")
SECONDS_BELOW = 100_000_000_000
"""Whole numbers below it are seconds (until the year 5138), others milliseconds (from 1973 on)."""
TIME_FORMS = "write ms or s since 1970, or text like 2026-01-05T08:00:00Z"
AT_ONCE = 32_768
"""So many rows are checked at a time: few enough to stay in the processor's cache."""
TAIL = 4096
"""The last line of a CSV file begins within so many bytes of its end."""

UNREADABLE: tuple[type[Exception], ...] = (
    pa.ArrowException,
    pd.errors.ParserError,
    pd.errors.EmptyDataError,
    UnicodeDecodeError,
)
"""What the two readers raise for a file that is none of theirs."""

Side = Literal["open", "close"]
Raw = dict[str, NDArray[Any]]
"""Columns as they stand in a file, by their names in lower case."""


@source
class Files:
    """Bars from a Parquet or CSV file, each given as final at its close.

    The file has the columns `open_ts` (or `ts`, `time`), `open`, `high`, `low`, `close` and, if known, `volume`. Times
    are ms or s since 1970, or ISO text, in UTC; `stamp` says which side of its bar a time is on. Where a replay begins
    within the file, the bars before are history.
    """

    path: Annotated[str, Meta(min_length=1, description="a .parquet or .csv file, from the flow file's folder")]
    product: Annotated[str, Meta(min_length=1)]
    timeframe: TimeframeName = "1m"
    stamp: Annotated[Side, Meta(description="whether a time is when its bar opens or when it closes")] = "open"

    def __post_init__(self) -> None:
        timeframe(self.timeframe)

    def __call__(self, host: Host) -> Observable[Bars]:
        return host.stream(lambda: self._items(host))

    def span(self, base: Path) -> tuple[int, int]:
        """The first opening and the last close, read without the rest; `base` is the flow file's folder."""
        path, tf = base / self.path, timeframe(self.timeframe)
        first, last = _openings(path, _ends(path), tf, self.stamp)[[0, -1]].tolist()
        return first, last + tf

    async def _items(self, host: Host) -> AsyncIterator[Bars]:
        bars = read_bars(host.base / self.path, self.product, timeframe(self.timeframe), self.stamp)
        now = host.now()
        row = _final_by(bars, now)
        for past in as_history(bars.rows(0, row, row), host.history, now):
            yield past
        limit = int(bars.final_at[-1]) if host.end is None else host.end
        async for item in _in_blocks(host, bars, now, limit) if host.block else _in_time(host, bars, now, limit):
            yield item


def read_bars(path: Path, product: str, tf: int, stamp: Side = "open") -> Bars:
    """All bars of a file, fresh; an InputError names the first row in which something is wrong."""
    columns = _columns(path, (*TIMES, *PRICES, "volume"))
    open_ts = _openings(path, columns, tf, stamp)
    open_, high, low, close = (_numbers(path, columns, name) for name in PRICES)
    volume = _numbers(path, columns, "volume") if "volume" in columns else np.zeros(len(open_ts))
    bars = from_columns(product, tf, open_ts, open_, high, low, close, volume)
    _check(path, bars)
    return bars


# --- giving ----------------------------------------------------------------------------------------------------------


async def _in_blocks(host: Host, bars: Bars, start: int, limit: int) -> AsyncIterator[Bars]:
    """All bars that become final in a block of time, given at its beginning."""
    row = _final_by(bars, start)
    while start < limit:
        end = min(start + host.block, limit)
        stop = _final_by(bars, end)
        if stop > row:
            yield bars.rows(row, stop, stop - row)
        await host.until(end)
        start, row = end, stop


async def _in_time(host: Host, bars: Bars, start: int, limit: int) -> AsyncIterator[Bars]:
    """Bar by bar, each when it is final."""
    for row in range(_final_by(bars, start), _final_by(bars, limit)):
        await host.until(int(bars.final_at[row]))
        yield bars.rows(row, row + 1, 1)
    await host.until(limit)


def _final_by(bars: Bars, at: int) -> int:
    return int(np.searchsorted(bars.final_at, at, side="right"))


# --- checking --------------------------------------------------------------------------------------------------------


def _openings(path: Path, columns: Raw, tf: int, stamp: Side) -> Stamps:
    name = next((name for name in TIMES if name in columns), None)
    if name is None:
        raise InputError(f"{path} has no column open_ts, ts or time; give one of them the time of each bar")
    stamps = _moments(path, name, columns[name])
    if not len(stamps):
        raise InputError(f"{path} holds no bars; give a file with at least one")
    return stamps - tf if stamp == "close" else stamps


def _moments(path: Path, name: str, values: NDArray[Any]) -> Stamps:
    """Times in ms, from what numbers or texts stand in the file."""
    if values.dtype.kind in "iu":
        return values * 1000 if len(values) and values.max() < SECONDS_BELOW else values.astype(np.int64, copy=False)
    if values.dtype.kind == "f":
        if (broken := values != np.floor(values)).any():
            _refuse(path, int(broken.argmax()), f"{name} is no whole number; {TIME_FORMS}")
        return _moments(path, name, values.astype(np.int64))
    moments = np.asarray(pd.to_datetime(values, utc=True, format="ISO8601", errors="coerce"), "datetime64[ms]")
    if (unread := np.isnat(moments)).any():
        _refuse(path, int(unread.argmax()), f"{name} is no time; {TIME_FORMS}")
    return moments.astype(np.int64)


def _numbers(path: Path, columns: Raw, name: str) -> Floats:
    if name not in columns:
        raise InputError(f"{path} has no column {name}; it needs open_ts, open, high, low and close")
    values = columns[name]
    if values.dtype.kind not in "iuf":
        values = np.asarray(pd.to_numeric(values, errors="coerce"))
    return values.astype(np.float64, copy=False)


def _check(path: Path, bars: Bars) -> None:
    """What every later stage relies on."""
    for start in range(0, len(bars), AT_ONCE):
        _check_rows(path, bars.rows(max(0, start - 1), start + AT_ONCE, 0), max(0, start - 1))


def _check_rows(path: Path, bars: Bars, before: int) -> None:
    """Check rows that have `before` others before them; the comparisons are written so that NaN fails them."""
    ts, span, name = bars.open_ts, bars.tf, timeframe_name(bars.tf)
    ordered = (bars.low <= bars.open) & (bars.open <= bars.high) & (bars.low <= bars.close) & (bars.close <= bars.high)
    finite = np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.volume)
    for wrong, first, what in (
        (
            ts // span * span != ts,
            0,
            f"the bar does not open on a full {name}; is `timeframe` right, and does `stamp` say the right side?",
        ),
        (ts[1:] <= ts[:-1], 1, "the bar does not open after the one before it; sort the file and keep each bar once"),
        (~ordered, 0, "low is not the lowest price or high not the highest; mend or leave out the bar"),
        (~finite, 0, "a price or the volume is missing or infinite; mend or leave out the bar"),
    ):
        if wrong.any():
            row = first + int(wrong.argmax())
            _refuse(path, before + row, f"({utc_text(int(ts[row]))}) {what}")


def _refuse(path: Path, row: int, what: str) -> NoReturn:
    """The first bar of a file is row 1."""
    raise InputError(f"{path}, row {row + 1}: {what}")


# --- reading ---------------------------------------------------------------------------------------------------------


def _columns(path: Path, names: tuple[str, ...]) -> Raw:
    """Those of the named columns that the file has."""
    with _told(path):
        return _parquet(path, names) if _is_parquet(path) else _csv(path, names)


def _ends(path: Path) -> Raw:
    """The times of the first and the last bar at least."""
    with _told(path):
        return _parquet(path, TIMES) if _is_parquet(path) else _csv(_first_and_last_line(path), TIMES)


@contextmanager
def _told(path: Path) -> Generator[None]:
    """Failures of the file system and of the two readers, in a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; a `path` starts at the flow file's folder") from None
    except UNREADABLE as failure:
        reason = str(failure).splitlines()[0]
        raise InputError(f"{path} is not what its name says ({reason}); give a Parquet or a CSV file") from failure
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure}); give a file we may read") from failure


def _is_parquet(path: Path) -> bool:
    if path.suffix.lower() not in (".parquet", ".csv"):
        raise InputError(f"{path} is neither .parquet nor .csv; give a file of one of the two kinds")
    return path.suffix.lower() == ".parquet"


def _parquet(path: Path, names: tuple[str, ...]) -> Raw:
    file = pq.ParquetFile(path, memory_map=True)
    wanted: list[str] = [name for name in file.schema_arrow.names if name.lower() in names]
    table = file.read(columns=wanted)
    return {name.lower(): table.column(name).to_numpy() for name in wanted}


def _csv(file: Path | io.BytesIO, names: tuple[str, ...]) -> Raw:
    def is_wanted(name: str) -> bool:
        return name.strip().lower() in names

    frame = pd.read_csv(file, usecols=is_wanted)
    return {name.strip().lower(): frame[name].to_numpy() for name in frame.columns}


def _first_and_last_line(path: Path) -> io.BytesIO:
    """A CSV file of the header, the first row and the last."""
    with path.open("rb") as file:
        header, first = file.readline(), file.readline()
        begin = file.tell()
        file.seek(max(begin, file.seek(0, io.SEEK_END) - TAIL))
        rest = file.read().splitlines()
    last = next((line for line in reversed(rest) if line.strip()), b"")
    return io.BytesIO(header + first.rstrip() + b"\n" + last)
