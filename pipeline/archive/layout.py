"""What is known of a file before it is read: what its owner says of it, and what its first rows show."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from pipeline.archive.blocks import ROWS, Block, csv_blocks, json_blocks, parquet_blocks
from pipeline.archive.moments import DateOrder, EpochUnit, Timing
from pipeline.archive.opening import PIECE, Opened
from pipeline.archive.walls import Ambiguous, fixed

Format = Literal["auto", "generic", "dukascopy", "histdata", "metatrader", "binance"]
Side = Literal["open", "close"]
Provenance = Literal["final_at", "closed_by", "ticks", "revision"]
Role = (
    Literal["time", "date", "open", "high", "low", "close", "volume", "bid", "ask", "received", "closes"] | Provenance
)

PROVENANCE: tuple[Provenance, ...] = get_args(Provenance)
ROLES: tuple[Role, ...] = (*get_args(get_args(Role)[0]), *PROVENANCE)
PRICES: tuple[Role, ...] = ("open", "high", "low", "close")
CLOCKS: tuple[Role, ...] = ("date", "time", "received")
TIMES = ("open_ts", "ts", "time")
"""What our own columns of times are called."""

NAMED: Mapping[Role, tuple[str, ...]] = {
    "time": (
        *TIMES,
        *("timestamp", "datetime", "date_time", "date time", "gmt time", "local time", "open time", "open_time"),
        *("opentime", "utc", "utc time", "unix", "epoch", "eet time", "date"),
    ),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "tickvol", "tick_volume", "tick volume", "vol", "v"),
    "bid": ("bid", "bid price", "bid_price"),
    "ask": ("ask", "ask price", "ask_price", "offer"),
    "received": ("received",),
    "closes": ("close time", "close_time", "closetime"),
    **{role: (role,) for role in PROVENANCE},
}
"""What a column of each role may be called, in lower case, the likeliest first."""

EASTERN_STANDARD = fixed(-5)
"""New York without summer time, in which HistData writes."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What the owner of a file says of it; the rest is seen."""

    format: Format = "auto"
    quotes: bool | None = None
    tf: int | None = None
    stamp: Side = "open"
    timezone: str | None = None
    ambiguous: Ambiguous = "refuse"
    dates: DateOrder | None = None
    columns: Mapping[Role, str] = field(default_factory=dict[Role, str])


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file."""

    format: str
    quotes: bool
    columns: Mapping[Role, str]
    """What the column of each role is called; numbers from 1 on where there is no header."""
    timing: Timing
    epoch: EpochUnit | None = None
    """The unit of its times, when they are numbers."""
    delimiter: str = ""
    names: tuple[str, ...] = ()
    """Every column of a text file."""
    skipped: int = 0
    """Lines before the first row."""
    header: bool = True
    comma: bool = False
    """Whether the decimal sign is a comma."""
    carried: bool = False
    """Whether an empty bid or ask means that it has not changed."""
    step: int | None = None
    """The longest time (ms) of which all steps between the first rows are multiples."""

    def lines(self, kind: str) -> list[str]:
        """What was seen, for a person."""
        what = "quotes" if self.quotes else "bars"
        found = [f"{self.format} {what}, {kind}"]
        if kind == "csv":
            header = f"header on line {self.skipped}" if self.header else "no header"
            sign = ", decimal comma" if self.comma else ""
            found.append(f"columns parted by {DELIMITERS[self.delimiter]}, {header}{sign}")
        found.append(", ".join(f"{role}={name}" for role, name in self.columns.items()))
        zone = self.timing.zone
        found.append(f"times in {self.epoch} since 1970" if self.epoch else f"times as text, in {zone} unless they say")
        return found


DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "bars (|)", ",": "commas", " ": "blanks"}
"""What may part columns, the surest first."""


def times_only(layout: Layout) -> Layout:
    """The same file, of which nothing but the times is to be read."""
    return replace(layout, columns={role: name for role, name in layout.columns.items() if role in CLOCKS})


def blocks(file: Opened, layout: Layout, most: int | None = ROWS, size: int = PIECE) -> Iterator[Block]:
    """The rows of a file: of Parquet `most` at a time (None: all at once), of a text what fits into `size` bytes."""
    wanted = list(dict.fromkeys(layout.columns.values()))
    if file.kind == "csv":
        return csv_blocks(file, layout.delimiter, layout.names, wanted, layout.skipped, size)
    return json_blocks(file, wanted, size) if file.kind == "jsonl" else parquet_blocks(file, wanted, most)
