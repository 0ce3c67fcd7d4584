"""What the log costs: records a second, to memory and to disk, and a look at what nobody wants to keep.

    python -m bench.logs [--records 50000]

A record is a decision with its fields, said as a running flow says it: put into words, masked with 20 secrets known,
kept in memory, written by the writer's own thread and rotated. The floor is the same bytes written to one file, and
nothing else. The last lines are what the flow's own turn pays for a value whose words are not kept.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from pipeline.logs.book import LogBook
from pipeline.logs.files import LogFile, files_of
from pipeline.logs.levels import Levels
from pipeline.logs.records import line_of
from pipeline.logs.speaking import Speaking
from pipeline.logs.writing import LogWriter
from pipeline.secret import Secret
from pipeline.times import MINUTE
from pipeline.values import Approved, Decisions, Quotes, Ticket

BAR = 1_767_607_200_000
SECRETS = 20
NODE = "risk.main"


def decisions(*, traded: bool) -> Decisions:
    """One bar of one key, as it is decided live."""
    one = np.array([0.5])
    bar = np.array([BAR])
    made = Decisions(
        "demo-1", "EURUSD", MINUTE, ("vote", "payout"), bar, bar + MINUTE, np.array([1], np.int8), one, one, one,
        np.array([1], np.int8), one, {}, {},
    )  # fmt: skip
    if not traded:
        return made
    ticket = Ticket("demo-1", "EURUSD", MINUTE, BAR, BAR + MINUTE, "call", 0.5, 0.87)
    approved = Approved(ticket, f"demo-1:EURUSD:1m:{BAR}", Decimal("1.00"))
    return replace(made, verdict=np.array([-1], np.int8), orders={0: approved})


def speak(book: LogBook) -> Callable[[object], None]:
    speaking = Speaking(UTC, book.keeps)

    def told(value: object) -> None:
        for said in speaking.of(NODE, value):
            book.take(said)

    return told


def book_of() -> LogBook:
    return LogBook(Levels("info", {}), lambda: BAR)


def spent(told: Callable[[object], None], value: object, times: int) -> float:
    """Seconds that so many of a value take."""
    begin = perf_counter()
    for _ in range(times):
        told(value)
    return perf_counter() - begin


def to_disk(folder: Path, times: int) -> tuple[float, float, int]:
    """Seconds in the flow's own turn, and until all is on disk; how many of the records got there."""
    book = book_of()
    writer = LogWriter(LogFile(folder, rotate_bytes=10_000_000, keep_files=99, keep_days=9, wall=lambda: BAR), book)
    book.subscribe(writer.put)
    writer.start()
    begin = perf_counter()
    own = spent(speak(book), decisions(traded=True), times)
    writer.close()
    whole = perf_counter() - begin
    return own, whole, sum(path.read_bytes().count(b"\n") for path in files_of(folder))


def floor(path: Path, times: int) -> float:
    book = book_of()
    speak(book)(decisions(traded=True))
    line = line_of(book.tail()[0])
    begin = perf_counter()
    with path.open("ab", buffering=0) as file:
        for _ in range(times // 500):
            file.write(line * 500)
    return perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=50_000)
    times: int = parser.parse_args().records
    for number in range(SECRETS):
        Secret(f"a-secret-of-a-bench-{number:04d}/+=").reveal()
    with TemporaryDirectory() as folder:
        memory = spent(speak(book_of()), decisions(traded=True), times)
        own, whole, there = to_disk(Path(folder) / "logs", times)
        bytes_only = floor(Path(folder) / "floor", times)
    print(f"to memory: {times / memory:10,.0f} records a second, {memory / times * 1e6:6.1f} µs each")
    print(
        f"to disk:   {there / whole:10,.0f} records a second, {own / times * 1e6:6.1f} µs each in the flow's own turn"
    )
    print(f"           {there:,} of {times:,} written, {times - there:,} dropped and counted")
    print(f"floor:     {times / bytes_only:10,.0f} lines a second, the bytes alone")
    looks: tuple[tuple[str, object], ...] = (
        ("a decision that is not traded", decisions(traded=False)),
        ("quotes", Quotes("EURUSD", *(np.array([BAR]),) * 2, *(np.array([1.1]),) * 2)),
    )
    for what, value in looks:
        look = spent(speak(book_of()), value, times)
        print(f"not kept:  {look / times * 1e9:10,.0f} ns for {what}")


if __name__ == "__main__":
    main()
