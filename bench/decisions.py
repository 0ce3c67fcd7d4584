"""Replay of a million bars through the whole way of a decision, and which stage takes how much of it.

    python -m bench.decisions [--bars 1000000] [--rounds 3]

The flow is bench/decisions.toml: twelve features, six providers, an ensemble, a calibrator, a gate for four accounts,
practice settlement; every decision, outcome and order is written to Parquet. First it has a threshold that nothing
reaches: every bar is decided, nothing is traded. The record that the calibrator goes by is made of the first bars. The
floor is the same twelve indicators computed by tulipy alone over the whole column, and nothing else. A stage's share is
the time up to what it gave; `kept` is handing over what is written meanwhile.
"""

import argparse
import re
import tempfile
from collections import Counter
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from bench.closes import twelve
from bench.generate import BEGIN, generated, write
from bench.replay import BARS, PRODUCT
from pipeline.__main__ import main as pipeline
from pipeline.checking import load, load_text
from pipeline.plan import Plan
from pipeline.replaying import replayed, span_of
from pipeline.results import Results
from pipeline.times import MINUTE, utc_text
from pipeline.values import Bars, Decisions, Order, Outcomes

FLOW = Path(__file__).resolve().parent / "decisions.toml"
LEARNED = 10
"""The record is made of one bar in so many, the first."""
KEPT = "kept"
THRESHOLD = re.compile("^threshold = .*$", re.MULTILINE)


@dataclass
class Stages:
    """Told of what each node gives: the time since the last that was told is its own."""

    shares: Counter[str] = field(default_factory=Counter[str])
    last: float = field(default_factory=perf_counter)

    def __call__(self, node: str, _: Any) -> None:
        self.ended(node)

    def ended(self, stage: str) -> None:
        now = perf_counter()
        self.shares[stage] += round((now - self.last) * 1e9)
        self.last = now


class Flown(NamedTuple):
    """One replay of all bars."""

    seconds: float
    orders: int
    shares: Counter[str]


class Kept(Results):
    """Results that say how long handing them over takes, beside the nodes."""

    def __init__(self, folder: Path, stages: Stages) -> None:
        super().__init__(folder)
        self._stages = stages

    def decide(self, decisions: Decisions) -> None:
        self._stages.ended("risk.main")
        super().decide(decisions)
        self._stages.ended(KEPT)

    def outcome(self, outcomes: Outcomes) -> None:
        self._stages.ended("outcomes")
        super().outcome(outcomes)
        self._stages.ended(KEPT)

    def follow(self, order: Order) -> None:
        self._stages.ended("sinks.orders")
        super().follow(order)
        self._stages.ended(KEPT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bars", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    BARS.parent.mkdir(parents=True, exist_ok=True)
    bars = generated(PRODUCT, options.bars, 7)
    write(bars, BARS)
    with redirect_stdout(StringIO()):
        pipeline(["calibrate", str(FLOW), "--to", utc_text(BEGIN + options.bars // LEARNED * MINUTE)])
    floors = [floor(bars) for _ in range(options.rounds)]
    print(f"{'floor: indicators only':<24} {options.bars / min(floors):>12,.0f} bars/s  {min(floors):.3f} s")
    timid = load_text(THRESHOLD.sub("threshold = 1.0", FLOW.read_text(encoding="utf-8")), FLOW.name, FLOW.parent)
    deciding = _best(timid, options.rounds)
    _say("flow: decisions", options.bars, min(floors), deciding)
    trading = _best(load(FLOW), options.rounds)
    _say("flow: decisions, orders", options.bars, min(floors), trading)
    print(f"an order: {(trading.seconds - deciding.seconds) / max(1, trading.orders) * 1e6:,.0f} µs")


def _best(plan: Plan, rounds: int) -> Flown:
    return min((flown(plan) for _ in range(rounds)), key=lambda each: each.seconds)


def _say(name: str, bars: int, least: float, best: Flown) -> None:
    made = f"{4 * bars:,} decisions of four accounts, {best.orders:,} orders"
    of_it = f"{least / best.seconds:.3f} of the floor"
    print(f"{name:<24} {bars / best.seconds:>12,.0f} bars/s  {best.seconds:.3f} s  {of_it}  {made}")
    whole = sum(best.shares.values())
    for stage, took in best.shares.most_common():
        print(f"  {stage:<22} {took / 1e9:9.3f} s  {took / whole:6.1%}")


def floor(bars: Bars) -> float:
    """The twelve indicators by tulipy alone."""
    close, high, low = (np.ascontiguousarray(each) for each in (bars.close, bars.high, bars.low))
    began = perf_counter()
    twelve(high, low, close)
    return perf_counter() - began


def flown(plan: Plan) -> Flown:
    with tempfile.TemporaryDirectory() as folder:
        began = perf_counter()
        begin, end = span_of(plan, None, None, None)
        stages = Stages()
        with Kept(Path(folder), stages) as results:
            replayed(plan, begin, end, results, taps=(stages,))
        stages.ended("the rest of the writing")
        seconds = perf_counter() - began
        orders = sum(len(account.orders) for _, account in results.accounts())
    return Flown(seconds, orders, stages.shares)


if __name__ == "__main__":
    main()
