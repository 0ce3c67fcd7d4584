"""What a practice venue keeps on disk: its book, every line of money, its accounts, and where its clock stands.

Whatever belongs together is written at once, before anybody is told of it: a venue that is killed has lost nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from pipeline.broker.entries import Entries
from pipeline.broker.values import Entry, Purse
from pipeline.times import MINUTE, SECOND
from pipeline.venues.book import Book, Deal, Movement
from pipeline.venues.memory import Memory

LONG_AWAY = 10 * MINUTE
TABLES = (
    "CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, entry TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS purses (account TEXT PRIMARY KEY, purse TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS clock (stood TEXT NOT NULL) STRICT",
)


class Stood(Struct, frozen=True):
    """What the venue's clock showed when it was so late outside, and how fast it went from there."""

    at: int
    outside: int
    speed: float


@dataclass(frozen=True)
class Left:
    """A venue as it was left."""

    book: Book
    entries: Entries
    purses: tuple[Purse, ...]
    """Accounts that were made while it ran."""
    began: int
    keep_purse: Callable[[Purse], None]


class Store:
    """The file of one venue. One process has it at a time."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        for table in TABLES:
            memory.write(table)

    @classmethod
    def opened(cls, path: Path) -> Self:
        return cls(Memory.opened(path))

    def left(self, now: int) -> Left:
        """The venue as it was left; a new one begins now."""
        began = self._memory.began(now // SECOND * SECOND)
        book, _ = self._memory.book()
        entries = Entries(self, self._entries(), began)
        purses = self._memory.rows("SELECT purse FROM purses ORDER BY rowid", Purse)
        return Left(book, entries, tuple(purses), began, self.keep_purse)

    def going_on(self, begins: int, wall: Callable[[], int] | None) -> int:
        """Where the clock stands: it has gone on while the venue was away, as clients' clocks have.

        One that is faster than time has not when that was long: nobody waits for it so long, and it would be years.
        """
        told = max((each.at for each in self._entries()), default=0)
        stood = next(iter(self._memory.rows("SELECT stood FROM clock", Stood)), None)
        if stood is None:
            return max(begins, told)
        # Last of all, since whoever asked starts a clock with the answer: a fast one makes seconds of each hundredth.
        passed = 0 if wall is None else max(0, wall() - stood.outside)
        return max(stood.at + (0 if stood.speed > 1 and passed > LONG_AWAY else round(passed * stood.speed)), told)

    def stand(self, at: int, outside: int, speed: float) -> None:
        """Keep what the clock shows, and what it is outside."""
        stood = msgspec.json.encode(Stood(at, outside, speed)).decode()
        with self._memory.whole():
            self._memory.write("DELETE FROM clock")
            self._memory.write("INSERT INTO clock VALUES (?)", stood)

    # --- what entries tell ---

    def open(self, account: str, opening: Decimal, entry: Entry) -> None:
        with self._memory.whole():
            self._memory.open(account, opening)
            self._write(entry)

    def keep(self, deal: Deal, entry: Entry) -> None:
        with self._memory.whole():
            self._memory.keep(deal)
            self._write(entry)

    def move(self, movement: Movement, entry: Entry | None) -> None:
        with self._memory.whole():
            self._memory.move(movement)
            if entry is not None:
                self._write(entry)

    def keep_purse(self, purse: Purse) -> None:
        self._memory.write("INSERT INTO purses VALUES (?, ?)", purse.account, msgspec.json.encode(purse).decode())

    def close(self) -> None:
        self._memory.close()

    def _entries(self) -> list[Entry]:
        return self._memory.rows("SELECT entry FROM entries ORDER BY number", Entry)

    def _write(self, entry: Entry) -> None:
        self._memory.write("INSERT INTO entries VALUES (?, ?)", int(entry.number), msgspec.json.encode(entry).decode())
