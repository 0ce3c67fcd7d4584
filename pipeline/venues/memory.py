"""A venue's own book on disk: what it took outlives the process, whatever a flow's ledger knows of it."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from pipeline.errors import InputError, MoonlightError
from pipeline.venues.book import Book, Deal, Movement

T = TypeVar("T")
VERSION = 1
PATIENCE = 1.0
"""How long (s) another process may be about to let go of the file."""
TABLES = """
CREATE TABLE began (at INTEGER NOT NULL) STRICT;
CREATE TABLE openings (account TEXT PRIMARY KEY, opening TEXT NOT NULL) STRICT;
CREATE TABLE deals (contract TEXT PRIMARY KEY, deal TEXT NOT NULL) STRICT;
CREATE TABLE movements (seq INTEGER PRIMARY KEY, movement TEXT NOT NULL) STRICT;
"""


def known_until(path: Path) -> int | None:
    """The latest moment of a contract in a book's file; None where none is."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as db:
            deals = [msgspec.json.decode(row[0], type=Deal) for row in db.execute("SELECT deal FROM deals")]
    except (sqlite3.Error, msgspec.MsgspecError) as failure:
        raise _unusable(path, failure) from failure
    return max((each.accepted_at if each.end is None else each.end.at for each in deals), default=None)


class Memory:
    """A book's file. Every line is on disk before anybody is told of it; one process has it at a time."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self._path, self._db = path, db

    @classmethod
    def opened(cls, path: Path) -> Self:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)
        except (OSError, sqlite3.Error) as failure:
            raise _unusable(path, failure) from failure
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for table in filter(None, map(str.strip, TABLES.split(";"))):
                    db.execute(table)
                db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")
        except sqlite3.Error as failure:
            db.close()
            raise _unusable(path, failure) from failure
        if version > VERSION:
            db.close()
            raise InputError(f"{path} is a venue's memory of a later version; use the later program, or another file")
        return cls(path, db)

    def began(self, now: int) -> int:
        """When the venue did; now when it does."""
        row = self._db.execute("SELECT at FROM began").fetchone()
        if row is None:
            self.write("INSERT INTO began VALUES (?)", now)
        return now if row is None else row[0]

    def book(self) -> tuple[Book, bool]:
        """The book as it was kept, to be kept from now on, and whether it is a new one."""
        book = Book()
        try:
            deals = self._db.execute("SELECT deal FROM deals ORDER BY rowid").fetchall()
            movements = self._db.execute("SELECT movement FROM movements ORDER BY seq").fetchall()
            openings = self._db.execute("SELECT account, opening FROM openings").fetchall()
            for (deal,) in deals:
                book.take(msgspec.json.decode(deal, type=Deal))
            for (movement,) in movements:
                book.move(msgspec.json.decode(movement, type=Movement))
            for account, opening in openings:
                book.open(account, Decimal(opening))
        except (sqlite3.Error, msgspec.MsgspecError, ArithmeticError) as wrong:
            self.close()
            raise InputError(f"{self._path} is no venue's memory ({wrong}); name another file") from wrong
        book.keeping = self
        return book, not openings

    def open(self, account: str, opening: Decimal) -> None:
        self.write("INSERT INTO openings VALUES (?, ?)", account, str(opening))

    def keep(self, deal: Deal) -> None:
        put = "INSERT INTO deals VALUES (?, ?) ON CONFLICT (contract) DO UPDATE SET deal = excluded.deal"
        self.write(put, deal.contract, msgspec.json.encode(deal).decode())

    def move(self, movement: Movement) -> None:
        self.write("INSERT INTO movements (movement) VALUES (?)", msgspec.json.encode(movement).decode())

    def rows(self, query: str, kind: type[T]) -> list[T]:
        """What another part of a venue wrote, a text of JSON a row."""
        try:
            return [msgspec.json.decode(row[0], type=kind) for row in self._db.execute(query).fetchall()]
        except (sqlite3.Error, msgspec.MsgspecError) as wrong:
            self.close()
            raise InputError(f"{self._path} is no venue's memory ({wrong}); name another file") from wrong

    @contextmanager
    def whole(self) -> Generator[None]:
        """Write all that is written within at once, or nothing of it."""
        self.write("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.write("COMMIT")

    def close(self) -> None:
        self._db.close()

    def write(self, statement: str, *values: object) -> None:
        try:
            self._db.execute(statement, values)
        except sqlite3.Error as failure:
            raise MoonlightError(
                f"{self._path}: the venue cannot write to its memory ({failure}); see to the disk, then run again"
            ) from failure


def _unusable(path: Path, failure: Exception) -> InputError:
    return InputError(f"{path} cannot be used as a venue's memory ({failure}); end what uses it, or name another file")
