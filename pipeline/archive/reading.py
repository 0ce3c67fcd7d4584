"""Bars and quotes out of a file, block by block. Rows that cannot be are refused by number, or left out and counted."""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import csv
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow
from numpy.typing import NDArray

from pipeline.archive.blocks import ROWS, Block
from pipeline.archive.cells import numbers_of, times_of, whole_of
from pipeline.archive.judging import wrong_bars, wrong_quotes
from pipeline.archive.layout import PRICES, PROVENANCE, Declared, Layout, blocks
from pipeline.archive.opening import BROKEN, PIECE, Opened, kind_of, opened
from pipeline.archive.series import Batch
from pipeline.archive.sniffing import sniffed
from pipeline.candles import from_columns
from pipeline.errors import InputError
from pipeline.times import timeframe_name, utc_text
from pipeline.values import Flags, Floats, Quotes, Stamps

BadRows = Literal["refuse", "skip"]

pa: Any = pyarrow

NONE: Flags = np.zeros(0, np.bool_)


class Reading:
    """One file, looked at, to be read once."""

    def __init__(self, path: Path, product: str, declared: Declared, bad_rows: BadRows = "refuse") -> None:
        self.path, self.product, self.declared = path, product, declared
        self.skipped: Counter[str] = Counter()
        """How many rows were left out, by what was wrong with them."""
        self._refuses = bad_rows == "refuse"
        self._carried: dict[str, float] = {}
        self._file: Opened | None = None
        with told(path):
            self.kind = kind_of(path)
            self.layout: Layout = sniffed(path, declared)
        self._check()

    def batches(self, most: int | None = ROWS, size: int = PIECE) -> Iterator[Batch]:
        """The rows in the order of the file, all fresh; `most` and `size` bound a block."""
        with told(self.path), opened(self.path) as self._file:
            for block in blocks(self._file, self.layout, most, size):
                batch = self._batch(block)
                if len(batch):
                    yield batch

    def done(self) -> float:
        """How much of the file has been read, 0 to 1."""
        return 0.0 if self._file is None or self._file.raw.closed else self._file.done()

    def _check(self) -> None:
        tf, step = self.declared.tf, self.layout.step
        if self.layout.quotes:
            return
        apart = f" (its rows are {timeframe_name(step)} apart)" if step else ""
        if tf is None:
            raise InputError(f"{self.path} holds bars; say of which timeframe{apart}")
        if step is not None and step > tf:
            raise InputError(f"{self.path} holds no {timeframe_name(tf)} bars{apart}; give it the right timeframe")

    def _batch(self, block: Block) -> Batch:
        moments = times_of(block, self.layout)
        batch = self._quotes(block, moments.ts) if self.layout.quotes else self._bars(block, moments.ts)
        wrong = {what: flags for what, flags in moments.wrong.items() if flags.any()}
        untimed = ~moments.sound() if wrong else NONE
        judged = wrong_quotes(batch) if isinstance(batch, Quotes) else wrong_bars(batch)
        if "closes" in self.layout.columns:
            judged |= self._closing(block, moments.ts)
        for role in ("received", "final_at"):
            if role in self.layout.columns:
                others = times_of(block, self.layout, role).wrong
                judged |= {what: flags for what, flags in others.items() if flags.any()}
        wrong |= {what: flags & ~untimed if len(untimed) else flags for what, flags in judged.items()}
        if any(block.torn.values()) or any(flags.any() for flags in wrong.values()):
            self._tell(block, wrong, moments.ts, untimed)
            sound = ~np.logical_or.reduce([np.zeros(len(batch), np.bool_), *wrong.values()])
            return batch.chosen(sound)
        return batch

    def _bars(self, block: Block, times: Stamps) -> Batch:
        tf = self.declared.tf or 0
        opens = times - tf if self.declared.stamp == "close" else times
        open_, high, low, close = (numbers_of(block, self.layout, role) for role in PRICES)
        known = "volume" in self.layout.columns
        volume = numbers_of(block, self.layout, "volume") if known else np.zeros(len(opens))
        bars = from_columns(self.product, tf, opens, open_, high, low, close, volume)
        if "final_at" not in self.layout.columns:
            return bars
        closed_by, ticks, revision = (whole_of(block, self.layout, role) for role in PROVENANCE[1:])
        return replace(
            bars,
            final_at=times_of(block, self.layout, "final_at").ts,
            closed_by=closed_by.astype(np.int8),
            ticks=ticks.astype(np.int32),
            revision=revision.astype(np.int32),
        )

    def _quotes(self, block: Block, ts: Stamps) -> Batch:
        received = times_of(block, self.layout, "received").ts if "received" in self.layout.columns else ts
        bid, ask = (self._price(block, role) for role in ("bid", "ask"))
        return Quotes(self.product, ts, received, bid, ask)

    def _price(self, block: Block, role: Literal["bid", "ask"]) -> Floats:
        price = numbers_of(block, self.layout, role)
        if not self.layout.carried or not len(price):
            return price
        last = np.maximum.accumulate(np.where(np.isnan(price), -1, np.arange(len(price))))
        price = np.where(last < 0, self._carried.get(role, np.nan), price[last])
        self._carried[role] = float(price[-1])
        return price

    def _closing(self, block: Block, opens: Stamps) -> dict[str, Flags]:
        tf = self.declared.tf or 0
        closes = times_of(block, self.layout, "closes").ts
        what = f"the bar does not close 1 ms before the next {timeframe_name(tf)} begins; is `timeframe` right?"
        wrong = closes - opens + 1 != tf
        return {what: wrong} if wrong.any() else {}

    def _tell(self, block: Block, wrong: Mapping[str, Flags], times: Stamps, untimed: Flags) -> None:
        """Refuse the first row that cannot be, or count them all."""
        numbers = block.numbers()
        rows: dict[str, NDArray[np.int64]] = {what: numbers[flags] for what, flags in wrong.items()}
        rows |= {what: np.array(torn, np.int64) for what, torn in block.torn.items()}
        rows = {what: each for what, each in rows.items() if len(each)}
        if not self._refuses:
            for what, each in rows.items():
                self.skipped[what.partition(";")[0]] += len(each)
            return
        what, first = min(((what, int(each[0])) for what, each in rows.items()), key=lambda each: each[1])
        place = int(numbers.searchsorted(first))
        torn = place == len(numbers) or numbers[place] != first
        stamp = "" if torn or untimed[place : place + 1].any() else f"({utc_text(int(times[place]))}) "
        raise InputError(f"{self.path}, row {first}: {stamp}{what}")


@contextmanager
def told(path: Path) -> Generator[None]:
    """Failures of the file system and of those who read it, in a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is no file {path}; a `path` starts at the flow file's folder") from None
    except (pa.ArrowException, csv.Error, *BROKEN) as failure:
        reason = str(failure).splitlines()[0]
        raise InputError(f"{path} is not what its name says ({reason}); give a Parquet, CSV or JSONL file") from failure
    except OSError as failure:
        raise InputError(f"{path} cannot be read ({failure}); give a file we may read") from failure
