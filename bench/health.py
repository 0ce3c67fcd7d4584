"""How fast health is judged: quotes one by one and in blocks, and what the least that could be done with them costs.

python -m bench.health --quotes 1000000
"""

import argparse
from collections.abc import Callable, Iterator
from time import perf_counter

import numpy as np

from operators.health import Health, Watching
from pipeline.times import parse_moment
from pipeline.values import Quotes

BEGIN = parse_moment("2026-01-05T10:00:00Z")
PRODUCTS = 300
EACH = 400
"""Quotes of each product that are given one by one."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.health", description="Measure the health operator.")
    parser.add_argument("--quotes", type=int, default=1_000_000, help="how many in blocks (default: 1000000)")
    parser.add_argument("--rate", type=float, default=5.0, help="quotes a second (default: 5)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same quotes (default: 7)")
    options = parser.parse_args()
    if options.quotes < 1000 or options.rate <= 0 or options.seed < 0:
        parser.error("--quotes must be at least 1000, --rate above 0 and --seed at least 0")
    many = quotes("BTCUSD", options.quotes, options.rate, options.seed)
    for size in (256, 4_096, 65_536, options.quotes):
        blocks = [many.rows(row, min(len(many), row + size)) for row in range(0, len(many), size)]
        seconds, least = timed(lambda blocks=blocks: judged(blocks)), timed(lambda blocks=blocks: looked_at(blocks))
        print(f"blocks of {size:>9,}: {len(many) / seconds / 1e6:6.1f} M quotes/s, {seconds / least:5.1f} x the least")
    singles = list(in_turn(options.rate, options.seed))
    seconds, least = timed(lambda: judged(singles)), timed(lambda: looked_at(singles))
    each = seconds / len(singles) * 1e6
    print(f"one by one, {PRODUCTS} products: {each:.1f} µs a quote, {seconds / least:.1f} x the least")


def quotes(product: str, rows: int, rate: float, seed: int) -> Quotes:
    """A market that is quoted at random moments."""
    random = np.random.Generator(np.random.PCG64(seed))
    ts = BEGIN + np.cumsum(random.exponential(1000 / rate, rows)).astype(np.int64)
    received = np.maximum.accumulate(ts + 20 + random.integers(0, 130, rows))
    price = 1.1 + 1e-5 * np.cumsum(random.normal(0, 1, rows)) / rows**0.5
    return Quotes(product, ts, received, price, price + 1e-5)


def in_turn(rate: float, seed: int) -> Iterator[Quotes]:
    """Single quotes of many products, in the order in which they come."""
    series = [quotes(f"P{number}_otc", EACH, rate, seed + number) for number in range(PRODUCTS)]
    received = np.concatenate([each.received for each in series])
    for place in np.argsort(received, kind="stable"):
        number, row = divmod(int(place), EACH)
        yield series[number].rows(row, row + 1)


def judged(blocks: list[Quotes]) -> None:
    watching = Watching(Health())
    for block in blocks:
        at = int(block.received[0])
        while (due := watching.due) is not None and due < at:
            for _ in watching.wake(due):
                pass
        watching.take(block, at)


def looked_at(blocks: list[Quotes]) -> None:
    """The least: whether every price can be one, how late the latest was, and how long the longest silence."""
    last = 0
    for block in blocks:
        assert block.bid.min() > 0
        assert (block.received - block.ts).max() >= 0
        last = max(last, int(np.diff(block.received).max()) if len(block) > 1 else 0)


def timed(run: Callable[[], None]) -> float:
    """The best of three."""
    taken: list[float] = []
    for _ in range(3):
        began = perf_counter()
        run()
        taken.append(perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    main()
