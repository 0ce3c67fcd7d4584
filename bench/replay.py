"""Replay of a million one-minute bars through the whole flow, beside the bare numpy and tulipy of the same rule.

    python -m bench.replay [--bars 1000000] [--rounds 3]

The flow is bench/replay.toml: EMA 20/50 cross voting, RSI 14 filter, fixed stake, practice settlement, every decision
and order written to Parquet. The floor reads the same file and computes the same rule in columns: no flow, no gate, no
orders, nothing written. Between them stands the flow with a threshold that nothing reaches: every bar is decided and
written, nothing is traded. All run in this process, one after the other; the ratios are of their best rounds.
"""

# tulipy comes without types:
# pyright: reportMissingTypeStubs=false

import argparse
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import tulipy

import operators
import sinks
import sources
from bench.generate import generated, write
from pipeline.checking import load, load_text
from pipeline.plan import Plan
from pipeline.replaying import replayed, span_of
from pipeline.results import Results
from sources.files import read_bars

PARTS = (operators, sinks, sources)
HERE = Path(__file__).resolve().parent
FLOW = HERE / "replay.toml"
BARS = HERE.parent / "data" / "bench" / "bars.parquet"
PRODUCT = "BTCUSD"
MINUTE = 60_000

ti: Any = tulipy


class Floor(NamedTuple):
    """The same rule without a flow around it."""

    seconds: float
    signals: int


class Flown(NamedTuple):
    """The rule as a flow."""

    seconds: float
    trades: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    BARS.parent.mkdir(parents=True, exist_ok=True)
    write(generated(PRODUCT, options.bars, 7), BARS)
    plan = load(FLOW)
    timid = load_text(
        FLOW.read_text(encoding="utf-8").replace("[risk.main]", "[risk.main]\nthreshold = 1.0"), FLOW.name, HERE
    )
    floors = [floor() for _ in range(options.rounds)]
    deciding = [flown(timid) for _ in range(options.rounds)]
    trading = [flown(plan) for _ in range(options.rounds)]
    _say(options.bars, min(floors), min(deciding), min(trading))


def floor() -> Floor:
    """EMA 20/50 cross with RSI 14 as a filter: signals by column."""
    began = perf_counter()
    close = read_bars(BARS, PRODUCT, MINUTE, "open").close
    apart = ti.ema(close, 20) - ti.ema(close, 50)
    rsi = ti.rsi(close, 14)
    before, now = apart[13:-1], apart[14:]
    up = (before <= 0) & (now > 0) & (rsi >= LEVEL)
    down = (before >= 0) & (now < 0) & (rsi <= 100 - LEVEL)
    signals = int(np.count_nonzero(up | down))
    return Floor(perf_counter() - began, signals)


def flown(plan: Plan) -> Flown:
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        begin, end = span_of(plan, None, None, None)
        with Results(Path(folder)) as results:
            replayed(plan, begin, end, results)
        seconds = perf_counter() - began
        trades = sum(len(account.orders) for _, account in results.accounts())
    return Flown(seconds, trades)


LEVEL = 70.0
"""As in replay.toml."""


def _say(bars: int, floor_: Floor, deciding: Flown, trading: Flown) -> None:
    rows = (
        ("floor: columns only", floor_.seconds, f"{floor_.signals:,} signals"),
        ("flow: decisions", deciding.seconds, f"{bars:,} decisions, {deciding.trades:,} orders"),
        ("flow: decisions, orders", trading.seconds, f"{bars:,} decisions, {trading.trades:,} orders"),
    )
    for name, seconds, made in rows:
        ratio = floor_.seconds / seconds
        print(f"{name:<24} {bars / seconds:>12,.0f} bars/s  {seconds:.3f} s  {ratio:.3f} of the floor  {made}")
    an_order = (trading.seconds - deciding.seconds) / max(1, trading.trades)
    print(f"{'an order':<24} {an_order * 1e6:>12,.0f} µs")


if __name__ == "__main__":
    main()
