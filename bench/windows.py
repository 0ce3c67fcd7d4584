"""Quotes of 300 products gathered into bars of one minute: beside a plain loop over a dict, and beside polars.

    python -m bench.windows [--quotes 2000000] [--products 300] [--rounds 3]

Every way makes the same bars: open, high, low, close and the number of quotes, and the sums printed are equal to the
last bit. `Window` besides judges each quote (late, twice, impossible, a jump, closed time), keeps the bars as context
for features and says when each was final. Quotes are given in batches of one product, or one by one as live.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any

import numpy as np
import polars

import operators
from operators.window import Window
from pipeline.agenda import Agenda, AgendaScheduler
from pipeline.steps import Tube
from pipeline.times import MINUTE
from pipeline.values import Bars, Quotes

PARTS = (operators,)
BEGIN = 1_767_607_200_000
"""2026-01-05, 10:00 UTC."""
SINGLES = 300_000
"""So many of the quotes are given one by one, and looped over."""
LAST_DEADLINE = 3 * MINUTE
"""So long after the last quote every slot is over."""
pl: Any = polars


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quotes", type=int, default=2_000_000)
    parser.add_argument("--products", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    markets = [_market(number, options.quotes // options.products) for number in range(options.products)]
    few = [quotes.rows(0, SINGLES // options.products) for quotes in markets]
    _compare(
        "in batches",
        options.rounds,
        {
            "polars group_by": lambda: _by_polars(markets),
            "plain dict loop": lambda: _by_loop(markets),
            "window, 256 a batch": lambda: _by_window(_in_turns(markets, 256)),
            "window, 4096 a batch": lambda: _by_window(_in_turns(markets, 4096)),
            "window, a batch a product": lambda: _by_window(markets),
        },
        sum(map(len, markets)),
    )
    one_by_one = list(_in_turns(few, 1))
    _compare(
        "one by one",
        options.rounds,
        {"plain dict loop": lambda: _by_loop(few), "window, one a batch": lambda: _by_window(one_by_one)},
        sum(map(len, few)),
    )


def _compare(title: str, rounds: int, ways: dict[str, Callable[[], int]], quotes: int) -> None:
    """Every way's best round, and how much of the first one's speed it has."""
    print(f"{title}: {quotes:,} quotes")
    best: dict[str, float] = {}
    sums: set[int] = set()
    for _ in range(rounds):
        for name, way in ways.items():
            began = perf_counter()
            sums.add(way())
            best[name] = min(best.get(name, float("inf")), perf_counter() - began)
    first = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"  {name:<26} {quotes / seconds:>13,.0f} quotes/s  {seconds:7.3f} s  {first / seconds:7.2f} ×")
    if len(sums) > 1:
        raise SystemExit(f"the ways made different bars: {sums}")
    print(f"  {'all made the same bars':<26} sum {sums.pop():x}")


def _market(number: int, rows: int) -> Quotes:
    chance = np.random.default_rng(number)
    ts = BEGIN + np.cumsum(chance.integers(20, 1_800, rows))
    price = np.round(1.1 * np.exp(np.cumsum(chance.normal(0, 2e-5, rows))), 5)
    return Quotes(f"P{number:03d}", ts, ts + chance.integers(5, 200), price - 1e-5, price + 1e-5)


def _in_turns(markets: list[Quotes], rows: int) -> Iterator[Quotes]:
    """A batch of each product in turn."""
    for begin in range(0, len(markets[0]), rows):
        for quotes in markets:
            yield quotes.rows(begin, min(begin + rows, len(quotes)))


def _by_window(batches: Iterable[Quotes]) -> int:
    agenda, tube, made = Agenda(0), Tube[Quotes](), list[Bars]()
    given = Window(timeframes=("1m",))(tube)
    given.subscribe(lambda item: made.append(item) if type(item) is Bars else None, scheduler=AgendaScheduler(agenda))
    latest = 0
    for quotes in batches:
        tube.give(quotes)
        latest = quotes.ts.item(-1)
    agenda.advance_to(latest + LAST_DEADLINE)
    total = 0
    for bars in made:
        fresh = slice(len(bars) - bars.fresh, None)
        total += _sum(bars.open[fresh], bars.high[fresh], bars.low[fresh], bars.close[fresh], bars.ticks[fresh])
    return total % 2**64


def _by_loop(markets: list[Quotes]) -> int:
    bars: dict[tuple[int, int], list[Any]] = {}
    for number, quotes in enumerate(markets):
        for ts, bid, ask in zip(quotes.ts.tolist(), quotes.bid.tolist(), quotes.ask.tolist(), strict=True):
            key, price = (number, ts // MINUTE), (bid + ask) / 2
            bar = bars.get(key)
            if bar is None:
                bars[key] = [price, price, price, price, 1]
            else:
                bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
                bar[4] += 1
    columns = list(zip(*bars.values(), strict=True))
    open_, high, low, close = (np.array(column, np.float64) for column in columns[:4])
    return _sum(open_, high, low, close, np.array(columns[4], np.int32))


def _by_polars(markets: list[Quotes]) -> int:
    frame = pl.concat(
        [
            pl.DataFrame(
                {"product": np.full(len(each), number, np.int32), "ts": each.ts, "bid": each.bid, "ask": each.ask}
            )
            for number, each in enumerate(markets)
        ]
    )
    price = pl.col("price")
    made = (
        frame.lazy()
        .with_columns(((pl.col("bid") + pl.col("ask")) / 2).alias("price"), (pl.col("ts") // MINUTE).alias("slot"))
        .group_by("product", "slot", maintain_order=True)
        .agg(
            price.first().alias("open"),
            price.max().alias("high"),
            price.min().alias("low"),
            price.last().alias("close"),
            pl.len().cast(pl.Int32).alias("ticks"),
        )
        .collect()
    )
    open_, high, low, close, ticks = (made[name].to_numpy() for name in ("open", "high", "low", "close", "ticks"))
    return _sum(open_, high, low, close, ticks)


def _sum(open_: Any, high: Any, low: Any, close: Any, ticks: Any) -> int:
    """A sum that any other bit changes, and the order of the bars does not."""
    mixed = np.zeros(len(open_), np.uint64)
    for factor, column in enumerate((open_, high, low, close), start=3):
        mixed += np.ascontiguousarray(column).view(np.uint64) * np.uint64(2 * factor + 1)
    mixed ^= ticks.astype(np.uint64)
    return int(mixed.sum(dtype=np.uint64))


if __name__ == "__main__":
    main()
