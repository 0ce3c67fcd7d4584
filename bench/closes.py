"""One close of every key at once: the time from the first quote of a new minute to the last decision, live.

    python -m bench.closes [--rounds 5]

Every account, product and timeframe is a key. At the full quarter of an hour bars of 1m, 5m and 15m end together; each
is given its features (12 of tulipy's), six providers, an ensemble and a gate for each account. The floor is the same 12
indicators computed by tulipy alone on the same window, once for each product and timeframe.
"""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

import argparse
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import tulipy

import operators
import sinks
import sources
from pipeline import virtual
from pipeline.candles import from_columns
from pipeline.checking import load_text
from pipeline.engine import Setting, running
from pipeline.flow import Flow
from pipeline.live import collect_seldom
from pipeline.plan import Plan
from pipeline.times import MINUTE
from pipeline.trying import NoRecords
from pipeline.values import Bars, Floats, Past, Quotes

PARTS = (operators, sinks, sources)
BEGIN = 1_767_607_200_000
"""2026-01-05, 10:00 UTC, and the opening of a bar of 15 minutes."""
TIMEFRAMES = ("1m", "5m", "15m")
SIZES = ((4, 25), (4, 250))
"""Accounts and products: 300 keys over 75 pairs of product and timeframe, and 3,000 over 750."""
ti: Any = tulipy

FEATURES = """
ema_9 = { use = "ema", period = 9 }
ema_21 = { use = "ema", period = 21 }
ema_50 = { use = "ema", period = 50 }
sma_20 = { use = "sma", period = 20 }
rsi_14 = { use = "rsi", period = 14 }
rsi_7 = { use = "rsi", period = 7 }
atr_14 = { use = "atr", period = 14 }
bands = { use = "bollinger", period = 20 }
macd = { use = "macd" }
adx = { use = "adx" }
cci = { use = "cci" }
stoch = { use = "stoch" }
"""
PROVIDERS = """
[providers.cross_1]
use = "ema_cross"
fast = "ema_9"
slow = "ema_21"
[providers.cross_2]
use = "ema_cross"
fast = "ema_21"
slow = "ema_50"
[providers.trend_1]
use = "ema_trend"
fast = "ema_9"
slow = "ema_21"
rsi = "rsi_14"
[providers.trend_2]
use = "ema_trend"
fast = "sma_20"
slow = "ema_50"
rsi = "rsi_7"
[providers.fade_1]
use = "rsi_reversal"
rsi = "rsi_14"
[providers.fade_2]
use = "rsi_reversal"
rsi = "rsi_7"
"""
ENSEMBLE = '["cross_1", "cross_2", "trend_1", "trend_2", "fade_1", "fade_2"]'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    floor = _floor()
    print(f"floor: 12 indicators by tulipy alone, one window: {floor * 1e6:.0f} µs")
    for accounts, products in SIZES:
        seconds = _close(_plan(accounts, products), products, options.rounds)
        pairs, keys = products * len(TIMEFRAMES), products * len(TIMEFRAMES) * accounts
        a_pair = seconds / pairs
        print(
            f"{keys:>6,} keys over {pairs} pairs: {seconds * 1000:7.1f} ms for a close of all, "
            f"{a_pair * 1e6:.0f} µs a pair, {a_pair / floor:.1f} times the floor"
        )


def _plan(accounts: int, products: int) -> Plan:
    names = [f"a{number}" for number in range(accounts)]
    tables = [f'[accounts.{name}]\nvenue = "practice"' for name in names]
    text = "\n".join(
        (
            '[sources.market]\nuse = "synthetic"\nproducts = ["BTCUSD"]',
            *tables,
            '[venues.practice]\nuse = "practice"\npayout = 0.9',
            f'[operators.bars]\nuse = "window"\nfrom = "market"\ntimeframes = {list(TIMEFRAMES)}',
            f"[features]{FEATURES}{PROVIDERS}",
            f'[ensembles.main]\nuse = "weighted"\nfrom = {ENSEMBLE}',
            f'[risk.main]\nuse = "guard"\nfrom = "main"\naccounts = {names}\nthreshold = 1.0',
            'stake = { use = "fixed", amount = "1.00" }\nmax_daily_loss = "50.00"',
        )
    ).replace("'", '"')
    return load_text(text, "closes.toml", Path.cwd())


def _close(plan: Plan, products: int, rounds: int) -> float:
    """The median time of a close of everything, after a history that warms every feature."""
    times: list[float] = []

    async def main_() -> None:
        setting = Setting(mode="replay", begin=BEGIN, outside=("venue",))
        async with running(plan, setting, NoRecords(), Past((), {})) as flow:
            for product in range(products):
                _warm(flow, plan, product)
            collect_seldom()  # as `run` does
            for minute in range(15 * rounds + 1):
                at = BEGIN + minute * MINUTE + 100
                await flow.border.until(at)
                began = perf_counter()
                for product in range(products):
                    flow.enter("sources.market", _quote(product, at))
                await flow.border.until(at + 1)
                if flow.ended.done():
                    flow.ended.result()
                if minute and minute % 15 == 0:
                    times.append(perf_counter() - began)

    virtual.run(lambda _: main_())
    return median(times)


def _warm(flow: Flow, plan: Plan, product: int) -> None:
    for tf in (MINUTE, 5 * MINUTE, 15 * MINUTE):
        bars = _history(product, tf, plan.anchoring.context(tf))
        flow.enter("sources.market", bars.rows(0, len(bars), 0))


def _history(product: int, tf: int, rows: int) -> Bars:
    close = 1.1 * np.exp(np.cumsum(np.random.default_rng(product).normal(0, 2e-4, rows)))
    opened = np.append(close[:1], close[:-1])
    open_ts = BEGIN - tf * np.arange(rows, 0, -1)
    high, low = np.maximum(opened, close) * 1.0001, np.minimum(opened, close) * 0.9999
    return from_columns(f"P{product:03d}", tf, open_ts, opened, high, low, close, np.ones(rows))


def _quote(product: int, at: int) -> Quotes:
    price = np.array([1.1 + at % 97 / 100_000])
    return Quotes(f"P{product:03d}", np.array([at - 40]), np.array([at]), price - 1e-5, price + 1e-5)


def twelve(high: Floats, low: Floats, close: Floats) -> None:
    """The indicators of the features, by tulipy alone."""
    for period in (9, 21, 50):
        ti.ema(close, period)
    ti.sma(close, 20)
    ti.rsi(close, 14)
    ti.rsi(close, 7)
    ti.atr(high, low, close, 14)
    ti.bbands(close, 20, 2)
    ti.macd(close, 12, 26, 9)
    ti.adx(high, low, close, 14)
    ti.cci(high, low, close, 20)
    ti.stoch(high, low, close, 14, 3, 3)


def _floor(rounds: int = 300) -> float:
    """The 12 indicators on one window of a usual length."""
    bars = _history(1, MINUTE, 400)
    high, low, close = bars.high, bars.low, bars.close
    began = perf_counter()
    for _ in range(rounds):
        twelve(high, low, close)
    return (perf_counter() - began) / rounds


if __name__ == "__main__":
    main()
