"""Bars to measure with: a random walk with volatility that clusters, minute after minute, written to Parquet.

python -m bench.generate data/bars.parquet --bars 1000000
"""

# pyarrow comes without types:
# pyright: reportMissingTypeStubs=false

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from numpy.random import PCG64, Generator

from pipeline.candles import from_columns
from pipeline.market import spec_of
from pipeline.times import DAY, MINUTE, utc_text
from pipeline.values import Bars, Floats

pa: Any = pyarrow
pq: Any = pyarrow.parquet

BEGIN = 1_420_070_400_000
"""The first bar opens at 2015-01-01."""
STEPS = 4
"""Prices in a bar: its open, two between, its close."""
MEMORY, SPREAD = 0.995, 0.5
"""How the log-volatility of a minute remembers the one before, and how far it wanders."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.generate", description="Write one-minute bars to a Parquet file."
    )
    parser.add_argument("out", type=Path, help="the file to write")
    parser.add_argument("--bars", type=int, default=1_000_000, help="how many (default: 1000000)")
    parser.add_argument("--product", default="EURUSD", help="whose price level and digits (default: EURUSD)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same bars (default: 7)")
    options = parser.parse_args(arguments)
    if options.bars < 1 or options.seed < 0:
        parser.error("--bars must be at least 1 and --seed at least 0")
    bars = generated(options.product, options.bars, options.seed)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    write(bars, options.out)
    end = utc_text(BEGIN + len(bars) * MINUTE)
    print(f"{options.out}: {len(bars)} bars of {bars.product}, 1m, {utc_text(BEGIN)} to {end}")


def generated(product: str, count: int, seed: int) -> Bars:
    """So many bars one after another, weekends included, so that no run of them is ever cut."""
    spec, chance = spec_of(product), Generator(PCG64(seed))
    volatility = spec.daily_volatility * np.sqrt(MINUTE / DAY / STEPS) * np.exp(_wandering(chance, count) - SPREAD**2)
    moves = chance.standard_normal((count, STEPS)) * volatility[:, None]
    price = np.round(spec.level * np.exp(np.cumsum(moves).reshape(count, STEPS)), spec.digits)
    return from_columns(
        product,
        MINUTE,
        BEGIN + MINUTE * np.arange(count, dtype=np.int64),
        price[:, 0].copy(),
        price.max(axis=1),
        price.min(axis=1),
        price[:, -1].copy(),
        chance.integers(20, 120, count).astype(np.float64),
    )


def write(bars: Bars, out: Path) -> None:
    """Plain columns, neither packed nor encoded: reading them back is copying."""
    names = ("open_ts", "open", "high", "low", "close", "volume")
    table = pa.table({name: getattr(bars, name) for name in names})
    pq.write_table(table, out, compression="none", use_dictionary=False)


def _wandering(chance: Generator, count: int) -> Floats:
    """Noise of spread SPREAD in which each value keeps MEMORY of the one before."""
    reach = int(np.log(1e-3) / np.log(MEMORY))
    kernel = MEMORY ** np.arange(reach)
    noise = chance.standard_normal(count + reach - 1)
    return SPREAD * np.sqrt(1 - MEMORY**2) * np.convolve(noise, kernel, mode="valid")


if __name__ == "__main__":
    main()
