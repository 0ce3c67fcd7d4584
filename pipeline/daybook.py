"""One day of one account: every final bar by its verdict, what each would have paid, and whether it adds up."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.calendar import Calendars
from pipeline.hindsight import Contracts, Tally, tally
from pipeline.ledger.reading import Reader
from pipeline.settlement import Tie
from pipeline.values import Key, Stream

TRADE = "trade"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Run:
    """Slots of one stream in a row."""

    stream: Stream
    first: int
    last: int

    @property
    def slots(self) -> int:
        return (self.last - self.first) // self.stream.tf + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What became of an account's bars in a span."""

    account: str
    begin: int
    end: int
    bars: int
    """How many became final."""
    verdicts: dict[str, Tally]
    """Of trades first, then of each gate by how often it was the first to say no; and of all."""
    missing: tuple[Run, ...]
    """Bars that became final and have no row."""
    silent: tuple[Run, ...]
    """Slots of open market between the first and the last bar known that have no bar."""

    @property
    def rows(self) -> int:
        return sum(each.bars for name, each in self.verdicts.items() if name != ALL)

    @property
    def adds_up(self) -> bool:
        return not self.missing and self.rows == self.bars


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a ledger: a span, and a stream or a product if not all."""

    begin: int
    end: int
    product: str | None = None
    tf: int | None = None

    def fits(self, key: Key) -> bool:
        return self.product in (None, key.product) and self.tf in (None, key.tf)


def day_of(reader: Reader, account: str, asked: Asked, calendars: Calendars, tie: Tie, *, current: bool) -> Day:
    """Count a day. An account that is `current` has to have a row for every bar since its first."""
    rows: list[sqlite3.Row] = []
    missing: list[Run] = []
    silent: list[Run] = []
    bars = 0
    for key in (each for each in reader.traded() if each.account == account and asked.fits(each)):
        decided = reader.decided(key, asked.begin, asked.end)
        first, last = reader.first_and_last(key)
        final = {
            bar
            for bar in reader.final_bars(key.product, key.tf, asked.begin, asked.end)
            if first <= bar and (current or bar <= last)
        }
        bars += len(final)
        rows += decided
        stream = Stream(key.product, key.tf)
        missing += runs_of(stream, final - {row["bar"] for row in decided})
        slots = calendars.of(key.product).open_slots(max(asked.begin, first), min(asked.end, last + 1), key.tf)
        silent += runs_of(stream, set(slots.tolist()) - final)
    return Day(
        account=account,
        begin=asked.begin,
        end=asked.end,
        bars=bars,
        verdicts=dict(_tallies(rows, tie)),
        missing=tuple(missing),
        silent=tuple(silent),
    )


def contracts_of(rows: Sequence[sqlite3.Row]) -> Contracts:
    """Decisions with what they would have paid, as columns."""

    def column(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.array([np.nan if row[name] is None else row[name] for row in rows], np.float64)

    return Contracts(
        direction=np.array([row["direction"] for row in rows], np.int8),
        payout=column("payout"),
        entry=column("entry"),
        exit=column("exit"),
        known=np.array([bool(row["known"]) for row in rows], np.bool_),
        expiry=np.array([row["bar"] + 2 * row["tf"] for row in rows], np.int64),
    )


def runs_of(stream: Stream, bars: Iterable[int]) -> Iterator[Run]:
    """Bars as runs of one after another."""
    run: Run | None = None
    for bar in sorted(bars):
        if run is not None and bar == run.last + stream.tf:
            run = Run(stream, run.first, bar)
            continue
        if run is not None:
            yield run
        run = Run(stream, bar, bar)
    if run is not None:
        yield run


def _tallies(rows: Sequence[sqlite3.Row], tie: Tie) -> Iterator[tuple[str, Tally]]:
    contracts = contracts_of(rows)
    counted = Counter[str](row["verdict"] for row in rows)
    trades = [TRADE] if TRADE in counted else []
    for verdict in (*trades, *(name for name, _ in counted.most_common() if name != TRADE)):
        yield verdict, tally(contracts.chosen(np.array([row["verdict"] == verdict for row in rows])), tie)
    yield ALL, tally(contracts, tie)
