"""How long an order is on its way: 320 keys of four accounts, a practice venue in another process, time's own pace.

    python -m bench.roundtrip [--minutes 10]

`venue serve` and `run` on loopback over Deriv's protocol, nothing goes wrong. Said are the milliseconds from the bar's
close until its order left, and from leaving until the venue had said yes. Beside them the floor: how long the venue's
program took to answer a question that asks nothing of it, in the same minutes.
"""

import argparse
import asyncio
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from bench.wire.flow import ACCOUNTS, written
from bench.wire.programs import Engine, Venue

PRODUCTS = ("R_10", "R_25", "R_50", "R_75", "R_100", "1HZ10V", "1HZ25V", "1HZ50V", "1HZ75V", "1HZ100V")
"""All that never close, and whose contracts may last a minute."""
TIMEFRAMES = ("1m", "2m", "3m", "4m", "5m", "6m", "10m", "15m")
ASKED_EVERY = 1.0


async def lived(folder: Path, minutes: float) -> tuple[Path, list[float]]:
    """A ledger of so many minutes, and the milliseconds of each question that asks nothing."""
    venue, asked = Venue(folder / "venue", 1.0), list[float]()
    await venue.start()
    engine = Engine(written(folder, venue.url, 1.0, PRODUCTS, TIMEFRAMES))
    try:
        await engine.start()
        await engine.connected(len(ACCOUNTS))
        until = perf_counter() + minutes * 60
        while perf_counter() < until:
            began = perf_counter()
            await venue.hits()
            asked.append((perf_counter() - began) * 1000)
            await asyncio.sleep(ASKED_EVERY)
        if (code := await engine.stop()) != 0:
            raise SystemExit(f"the run ended with {code}: {engine.said.read_text(encoding='utf-8')[-300:]}")
    finally:
        await engine.kill()
        await venue.stop()
    return engine.ledger, asked


def told(ledger: Path, asked: Iterable[float]) -> str:
    """Each stage of the way in milliseconds."""
    with closing(sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True)) as rows:
        ends = rows.execute("SELECT state, count(*) FROM orders GROUP BY state ORDER BY state").fetchall()
        taken = rows.execute("SELECT wanted_at, sent_at, taken_at FROM orders WHERE sent_at AND taken_at").fetchall()
    closed, sent, answered = np.array(taken, dtype=np.int64).reshape(-1, 3).T
    ways = {
        "close to sent": sent - closed,
        "sent to taken": answered - sent,
        "close to taken": answered - closed,
        "floor": np.fromiter(asked, np.float64),
    }
    keys = len(ACCOUNTS) * len(PRODUCTS) * len(TIMEFRAMES)
    lines = [
        f"{keys} keys, {sum(count for _, count in ends)} orders: " + ", ".join(f"{end} {count}" for end, count in ends)
    ]
    for name, millis in ways.items():
        if millis.size:
            p50, p95, p99 = np.quantile(millis, (0.5, 0.95, 0.99))
            lines.append(
                f"{name:16} p50 {p50:8.1f} ms  p95 {p95:8.1f} ms  p99 {p99:8.1f} ms  at most {millis.max():8.1f} ms"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files there")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        where: Path = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        print(told(*asyncio.run(lived(where.resolve(), options.minutes))))


if __name__ == "__main__":
    main()
