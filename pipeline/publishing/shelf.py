"""The shelf: final bars and how far they are published, in an SQLite file beside the flow's ledger.

What is on it survives the program, however that ends. It also keeps the newest bars of every stream for who asks for
past ones. All that is put on it within a turn is one transaction. When the disk fails that is told once, and the shelf
goes on in memory with what it can save.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.values import BAR_COLUMNS, Bars, Stream

TABLES = """
CREATE TABLE IF NOT EXISTS bars (
    product TEXT NOT NULL, tf INTEGER NOT NULL, open_ts INTEGER NOT NULL,
    open REAL, high REAL, low REAL, close REAL, volume REAL,
    final_at INTEGER NOT NULL, closed_by INTEGER NOT NULL, ticks INTEGER NOT NULL, revision INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    PRIMARY KEY (product, tf, open_ts)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS waiting ON bars (product, tf, open_ts) WHERE waiting;
CREATE TABLE IF NOT EXISTS cursors (
    product TEXT NOT NULL, tf INTEGER NOT NULL, open_ts INTEGER NOT NULL, PRIMARY KEY (product, tf)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shown (
    product TEXT NOT NULL, tf INTEGER NOT NULL, open_ts INTEGER NOT NULL, PRIMARY KEY (product, tf)
) WITHOUT ROWID;
"""
PUT = (
    f"INSERT INTO bars (product, tf, {', '.join(BAR_COLUMNS)}, waiting) VALUES ({', '.join('?' * 13)})"  # noqa: S608  # names of ours
    " ON CONFLICT DO UPDATE SET waiting = max(waiting, excluded.waiting)"
)
PUBLISHED = "UPDATE bars SET waiting = 0 WHERE product = ? AND tf = ? AND open_ts = ? AND waiting"
MOVED = "INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET open_ts = max(open_ts, excluded.open_ts)"
SHOWN = "INSERT INTO shown VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET open_ts = max(open_ts, excluded.open_ts)"
OLD = (
    "DELETE FROM bars WHERE product = ?1 AND tf = ?2 AND NOT waiting AND open_ts < ("
    "SELECT open_ts FROM bars WHERE product = ?1 AND tf = ?2 ORDER BY open_ts DESC LIMIT 1 OFFSET ?3)"
)
COLUMNS = ", ".join(BAR_COLUMNS)
LOOKS_AFTER = 256
"""A stream is shortened each time so many bars were put."""
KINDS = {"open_ts": np.int64, "final_at": np.int64, "closed_by": np.int8, "ticks": np.int32, "revision": np.int32}


def reached(path: Path) -> int | None:
    """The end of the newest bar that the shelf in a file says is published; None without one."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
            moment: int | None = db.execute("SELECT max(open_ts + tf) FROM cursors").fetchone()[0]
    except sqlite3.Error:
        return None  # whoever opens it to publish says what is wrong with it
    return moment


class Waiting(NamedTuple):
    """Bars of a stream that are not published yet: the first and the last of them, and how many."""

    stream: Stream
    since: int
    last: int
    rows: int


class Shelf:
    """One connection, used by the event loop alone."""

    def __init__(self, path: Path | None, most: int, told: Callable[[str], None]) -> None:
        """`most` bars of a stream are kept, beside those that are not published; without a path, in memory."""
        self._path, self._most, self._told = path, most, told
        self._put: dict[Stream, int] = {}
        self._open = False
        self._turn: list[tuple[str, list[tuple[object, ...]]]] = []
        """What was done since the last commit: a disk that fails then takes it along."""
        self.broken = False
        self._db = self._opened(path)

    # --- what it knows -----------------------------------------------------------------------------------------------

    def cursors(self) -> dict[Stream, int]:
        """Up to where each stream is published: the opening of the last bar."""
        rows = self._asked("SELECT product, tf, open_ts FROM cursors")
        return {Stream(product, tf): opened for product, tf, opened in rows}

    def shown(self) -> dict[Stream, int]:
        """The last bar of each stream that was out while it formed."""
        rows = self._asked("SELECT product, tf, open_ts FROM shown")
        return {Stream(product, tf): opened for product, tf, opened in rows}

    def waiting(self) -> tuple[Waiting, ...]:
        """What earlier lives left unpublished."""
        spans = "min(open_ts), max(open_ts), count(*)"
        asked = f"SELECT product, tf, {spans} FROM bars WHERE waiting GROUP BY product, tf"  # noqa: S608  # names of ours
        return tuple(Waiting(Stream(product, tf), *span) for product, tf, *span in self._asked(asked))

    def unpublished(self, stream: Stream, since: int, most: int) -> Bars:
        """The first bars from an opening on that wait, so many at the most."""
        where = "product = ? AND tf = ? AND open_ts >= ? AND waiting ORDER BY open_ts LIMIT ?"
        return self._bars(stream, where, (*stream, since, most))

    def newest(self, stream: Stream, most: int, since: int = 0) -> Bars:
        """The newest bars from an opening on, so many at the most, oldest first."""
        where = "product = ? AND tf = ? AND open_ts >= ? ORDER BY open_ts DESC LIMIT ?"
        bars = self._bars(stream, where, (*stream, since, most))
        return bars.rows(0, len(bars), len(bars)).chosen(np.arange(len(bars) - 1, -1, -1))

    # --- what it is told ---------------------------------------------------------------------------------------------

    def put(self, bars: Bars, *, waiting: bool) -> None:
        """Keep bars; those that wait are to be published. A bar that is there stays as it is."""
        columns = [getattr(bars, name).tolist() for name in BAR_COLUMNS]
        mark = int(waiting)
        rows = [(bars.product, bars.tf, *row, mark) for row in zip(*columns, strict=True)]
        self._many(PUT, rows)
        put = self._put.get(bars.stream, 0) + len(rows)
        if put >= LOOKS_AFTER:
            self._one(OLD, (*bars.stream, self._most - 1))
            put = 0
        self._put[bars.stream] = put

    def published(self, stream: Stream, opened: Sequence[int], *, cursor: bool = True) -> None:
        """Bars are out, these and none between them; the cursor moves to the last unless they were late."""
        self._many(PUBLISHED, [(*stream, each) for each in opened])
        if cursor:
            self._one(MOVED, (*stream, opened[-1]))

    def forms(self, bars: Iterable[tuple[Stream, int]]) -> None:
        """Bars are about to be shown for the first time while they form: for good, before they are."""
        self._many(SHOWN, [(*stream, opened) for stream, opened in bars])
        self.commit()

    def forget(self, stream: Stream) -> None:
        """The stream begins anew: neither its cursor nor its bars are of this time."""
        self._one("DELETE FROM cursors WHERE product = ? AND tf = ?", tuple(stream))
        self._one("DELETE FROM bars WHERE product = ? AND tf = ?", tuple(stream))
        self._one("DELETE FROM shown WHERE product = ? AND tf = ?", tuple(stream))

    def commit(self) -> None:
        """Have what was put since the last time on the shelf for good."""
        if self._open:
            try:
                self._db.execute("COMMIT")
            except sqlite3.Error as failure:
                if self.broken:
                    raise
                self._save(failure)
            self._open = False
            self._turn.clear()

    def close(self) -> None:
        self.commit()
        self._db.close()

    # --- the file ----------------------------------------------------------------------------------------------------

    def _opened(self, path: Path | None) -> sqlite3.Connection:
        try:
            return _connected(path)
        except (OSError, sqlite3.Error) as failure:
            self._complain(failure)
            return _connected(None)

    def _one(self, statement: str, values: tuple[object, ...]) -> None:
        self._many(statement, [values])

    def _many(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        kept = list(rows)

        def work() -> object:
            if not self._open:
                self._db.execute("BEGIN")
                self._open = True
            return self._db.executemany(statement, kept)

        self._do(work)
        if not self.broken:
            self._turn.append((statement, kept))

    def _do(self, work: Callable[[], object]) -> None:
        try:
            work()
        except sqlite3.Error as failure:
            if self.broken:
                raise
            self._save(failure)
            work()

    def _save(self, failure: sqlite3.Error) -> None:
        """The disk failed: go on in memory with what waits and how far everything is."""
        self._complain(failure)
        memory = _connected(None)
        with suppress(sqlite3.Error):  # it may have been taken back already
            self._db.execute("ROLLBACK")
        try:
            for table, where in (("cursors", ""), ("bars", " WHERE waiting")):
                rows = self._db.execute(f"SELECT * FROM {table}{where}").fetchall()  # noqa: S608  # names of ours
                marks = ", ".join("?" * (3 if table == "cursors" else 13))
                memory.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  # as above
            self._db.close()
        except sqlite3.Error as worse:
            self._told(f"what waited on {self._path} is lost with it ({worse})")
        for statement, rows in self._turn:
            memory.executemany(statement, rows)
        self._turn.clear()
        self._db, self._open = memory, False

    def _complain(self, failure: Exception) -> None:
        self.broken = True
        self._told(f"the shelf {self._path} cannot be used ({failure}); bars wait in memory until the program ends")

    def _asked(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        self._do(lambda: found.extend(self._db.execute(statement, values)))
        return found

    def _bars(self, stream: Stream, where: str, values: tuple[object, ...]) -> Bars:
        rows = self._asked(f"SELECT {COLUMNS} FROM bars WHERE {where}", values)  # noqa: S608  # names of ours
        return _as_bars(stream, rows)


def _as_bars(stream: Stream, rows: list[tuple[Any, ...]]) -> Bars:
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * len(BAR_COLUMNS)
    made: list[Any] = [
        np.array(column, KINDS.get(name, np.float64)) for name, column in zip(BAR_COLUMNS, columns, strict=True)
    ]
    return Bars(*stream, *made, fresh=len(rows))


def _connected(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA busy_timeout = 1000")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.executescript(TABLES)
    except sqlite3.Error:
        db.close()
        raise
    return db
