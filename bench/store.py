"""How soon an order's intent is on disk: one after the other, and 300 at once, beside what the disk itself needs.

python -m bench.store --intents 500 --folder /somewhere/on/the/disk

The floor is a file to which four kilobytes are added and synced, again and again, in between the rounds: nothing that
is to outlive a loss of power can be sooner.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import perf_counter

import numpy as np

from pipeline.evidence import Written
from pipeline.ledger import Ledger
from pipeline.ledger.tables import opened
from pipeline.ledger.threads import ThreadWriter
from pipeline.times import MINUTE
from pipeline.values import Order

BURST = 300
PAGE = bytes(4096)
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.store", description="Measure the ledger's writing.")
    parser.add_argument("--intents", type=int, default=500, help="how many one after the other (default: 500)")
    parser.add_argument(
        "--folder", type=Path, default=None, help="on which disk (default: where the system puts files)"
    )
    options = parser.parse_args()
    if options.intents < ROUNDS:
        parser.error(f"--intents must be at least {ROUNDS}")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        asyncio.run(measured(Path(folder), options.intents // ROUNDS))


async def measured(folder: Path, alone: int) -> None:
    intents = Intents(folder / "ledger.db")
    floor: list[float] = []
    single: list[float] = []
    burst: list[float] = []
    with (folder / "floor").open("wb", buffering=0) as file:
        for _ in range(ROUNDS):
            floor += [timed(lambda: synced(file.fileno())) for _ in range(alone)]
            single += [await intents.durable(1) for _ in range(alone)]
            burst.append(await intents.durable(BURST))
    intents.close()
    say("the disk, 4 KiB and a sync", floor, 1, floor)
    say("one intent after the other", single, 1, floor)
    say(f"{BURST} intents at once", burst, BURST, floor)


def say(what: str, seconds: list[float], each: int, floor: list[float]) -> None:
    p50, p99 = np.percentile(np.array(seconds) * 1000, (50, 99))
    times = float(np.median(seconds) / np.median(floor))
    rate = each * len(seconds) / sum(seconds)
    print(f"{what:<27} {rate:>9,.0f} a second, p50 {p50:6.2f} ms, p99 {p99:6.2f} ms, {times:4.1f} x the floor")


class Intents:
    """A ledger as a run has it, and orders for it."""

    def __init__(self, path: Path) -> None:
        self._ledger = Ledger(path, ThreadWriter(opened(path), path, asyncio.get_running_loop()))
        self._ledger.listen(self._told, self._failed)
        self._number = self._left = 0
        self._done = asyncio.Event()

    async def durable(self, count: int) -> float:
        """Seconds until so many intents, asked for at once, are known to be on disk."""
        orders = [self._order() for _ in range(count)]
        self._left = count
        self._done.clear()
        began = perf_counter()
        for order in orders:
            self._ledger.intend(order)
        await self._done.wait()
        return perf_counter() - began

    def close(self) -> None:
        self._ledger.close()

    def _told(self, value: object) -> None:
        assert isinstance(value, Written), f"{value} is told instead of an intent"
        assert value.fresh, f"{value.order} was there before"
        self._left -= 1
        if self._left == 0:
            self._done.set()

    def _failed(self, failure: Exception) -> None:
        raise failure

    def _order(self) -> Order:
        self._number += 1
        return Order(
            order=f"demo-1:EURUSD:1m:{self._number}",
            account="demo-1",
            product="EURUSD",
            tf=MINUTE,
            bar=self._number * MINUTE,
            direction="call",
            stake=Decimal("1.00"),
            payout=0.87,
            state="PREPARE",
            at=self._number * MINUTE,
            request=f"r{self._number}",
        )


def synced(file: int) -> None:
    os.write(file, PAGE)
    os.fsync(file)


def timed(run: Callable[[], None]) -> float:
    began = perf_counter()
    run()
    return perf_counter() - began


if __name__ == "__main__":
    main()
