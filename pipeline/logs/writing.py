"""Records on their way to disk: over a bounded edge, by a thread of its own. Whatever the disk does, nobody waits.

What finds the edge full lets the oldest go, counted. What the disk does not take stays at the edge and is tried again.
"""

import threading
from collections import deque
from time import monotonic

from pipeline.logs.book import LogBook
from pipeline.logs.files import LogFile
from pipeline.logs.records import Record, line_of

EDGE = 10_000
"""Records that wait for the disk at the most."""
BATCH = 500
"""Records written at once."""
AGAIN = 1.0
"""Seconds until what the disk did not take is tried again."""
TIDY = 60.0
"""Seconds between two looks for files that are too old."""
LAST = 2.0
"""Seconds a slow disk has at the end."""


class LogWriter:
    """Writes what is put, from `start` until `close`."""

    def __init__(self, file: LogFile, book: LogBook, edge: int = EDGE, tidy: float = TIDY) -> None:
        """`edge` records may wait, and every `tidy` seconds files that are too old are looked for."""
        self._file, self._book, self._edge, self._every = file, book, edge, tidy
        self._waiting: deque[Record] = deque()
        self._left: list[bytes] = []
        """What the disk has not taken yet."""
        self._dropped = 0
        self.lost = 0
        """So many records found no room since the beginning."""
        self._failing = False
        self._door = threading.RLock()  # a finalizer may say something while it is held
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, record: Record) -> None:
        with self._door:
            if len(self._waiting) >= self._edge:
                self._waiting.popleft()
                self._dropped += 1
                self.lost += 1
            self._waiting.append(record)
        self._wake.set()

    @property
    def waiting(self) -> int:
        """How many records wait for the disk."""
        return len(self._waiting)

    def close(self) -> None:
        """Write what is there, and end; a disk that takes nothing is not waited for."""
        self._over.set()
        self._wake.set()
        self._thread.join(LAST)

    def _run(self) -> None:
        tidied = monotonic()
        self._tidy()
        while not self._over.is_set():
            if self._failing:
                self._over.wait(AGAIN)
            else:
                self._wake.wait(self._every)
            self._wake.clear()
            self._write_all()
            if monotonic() - tidied >= self._every and not self._failing:
                tidied = monotonic()
                self._tidy()
        self._write_all()
        self._file.close()

    def _write_all(self) -> None:
        while self._left or self._waiting:
            self._left = self._left or [line_of(each) for each in self._taken()]
            try:
                self._file.write(self._left)
            except OSError as failure:
                self._fails(failure)
                return
            self._left = []
            if not self._waiting:
                self._went()

    def _taken(self) -> list[Record]:
        with self._door:
            return [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]

    def _tidy(self) -> None:
        try:
            self._file.tidy()
        except OSError as failure:
            self._fails(failure)

    def _fails(self, failure: OSError) -> None:
        """Said once, to whoever hears of records: the file cannot be told."""
        if not self._failing:
            self._failing = True
            why = failure.strerror or str(failure)
            mend = "what is said waits, and the oldest of it is lost; make room, or mend the folder"
            self._book.say("error", "logs", f"the log {self._file.path} cannot be written ({why}): {mend}")

    def _went(self) -> None:
        if self._failing:
            self._failing = False
            self._book.say("error", "logs", "the log is written again")
        with self._door:
            dropped, self._dropped = self._dropped, 0
        if dropped:
            what = f"{dropped:,} records before this one were lost: the disk did not take them in time"
            self._book.say("error", "logs", what, fields={"dropped": dropped})
