"""Whose rows a store keeps, and in which folders: named so that other programs read them as columns too.

    bars/product=EURUSD/timeframe=1m/month=2026-01/part.parquet
    quotes/product=EUR%2FUSD/day=2026-01-05/part.parquet

A month of one-minute bars and a day of quotes are files of about one size. (Bars by the day were tried: a file of 20 kB
for each day is read six times slower than the same bars by the month.)
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from pipeline.errors import InputError
from pipeline.times import duration, timeframe_name
from pipeline.values import BAR_COLUMNS, Bars, Quotes, Stamps

Batch = Bars | Quotes
Unit = Literal["M", "D"]

QUOTE_COLUMNS = ("ts", "received", "bid", "ask")
PART = "part.parquet"
LONGEST_NAME = 200
"""Bytes of a product's name as a folder: with what stands before it no file system finds that too long."""
TIMEFRAME = re.compile(r"timeframe=[1-9]\d*[mhd]")
PART_NAME = re.compile(r"(month=\d{4}-\d\d|day=\d{4}-\d\d-\d\d)")


class Series(NamedTuple):
    """The bars of one product in one timeframe (ms), or its quotes (`tf` is 0)."""

    product: str
    tf: int = 0

    @property
    def of_quotes(self) -> bool:
        return self.tf == 0

    @property
    def timeframe(self) -> str:
        return "quotes" if self.of_quotes else timeframe_name(self.tf)

    @property
    def folder(self) -> Path:
        """Where its files are, from the store's folder."""
        product = f"product={_safe(self.product)}"
        return Path("quotes", product) if self.of_quotes else Path("bars", product, f"timeframe={self.timeframe}")

    @property
    def unit(self) -> Unit:
        """How much time is in one file: a month or a day."""
        return "D" if self.of_quotes else "M"

    @property
    def columns(self) -> tuple[str, ...]:
        return QUOTE_COLUMNS if self.of_quotes else BAR_COLUMNS

    @property
    def clock(self) -> str:
        """The column by which rows are ordered and put into files."""
        return "received" if self.of_quotes else "open_ts"

    def __str__(self) -> str:
        return f"{self.product} {self.timeframe}"


def series_of(batch: Batch) -> Series:
    return Series(batch.product, batch.tf if isinstance(batch, Bars) else 0)


def found(store: Path) -> Iterator[Series]:
    """Every series a store's folder holds, by product, quotes first."""
    of_bars = (each for each in store.glob("bars/product=*/timeframe=*") if TIMEFRAME.fullmatch(each.name))
    folders = [*store.glob("quotes/product=*"), *of_bars]
    known: list[Series] = []
    for folder in folders:
        if not any(PART_NAME.fullmatch(each.name) for each in folder.iterdir()):
            continue
        if folder.parent.name == "quotes":
            known.append(Series(_value(folder.name)))
        else:
            known.append(Series(_value(folder.parent.name), duration(_value(folder.name))))
    yield from sorted(known)


class Stretch(NamedTuple):
    """The rows of a batch that belong into one file."""

    part: str
    start: int
    stop: int


def stretches(series: Series, ordered: Stamps) -> Iterator[Stretch]:
    """Rows in order of time, file by file."""
    if not len(ordered):
        return
    units = ordered.astype("datetime64[ms]").astype(f"datetime64[{series.unit}]")
    edges = np.flatnonzero(np.append(True, units[1:] != units[:-1])).tolist()
    word = "day" if series.of_quotes else "month"
    for start, stop in zip(edges, [*edges[1:], len(ordered)], strict=True):
        yield Stretch(f"{word}={units[start]}", start, stop)


def bounds(part: str) -> tuple[int, int]:
    """The time that a file is for: its first moment and the first one after it."""
    word, _, value = part.partition("=")
    first = np.datetime64(value, "M" if word == "month" else "D")
    begin, end = (int(each.astype("datetime64[ms]").astype(np.int64)) for each in (first, first + 1))
    return begin, end


def _safe(product: str) -> str:
    """A product's name that every file system takes; `%2F` and the like are read back by whoever knows such folders."""
    name = quote(product, safe="")
    if name.endswith("."):
        name = name[:-1] + "%2E"
    if not product or len(name) > LONGEST_NAME:
        raise InputError(f"{product!r} cannot be a product's name in a store; give one of 1 to {LONGEST_NAME} letters")
    return name


def _value(folder: str) -> str:
    return unquote(folder.partition("=")[2])
