"""A flow goes on by another plan a hundred times while it trades, and is held against one that was never changed.

    python -m bench.reloads [--times 100] [--products 8]

Two gates trade beside each other. Every edit is one to what stands before the second: a strategy's keys, another
strategy, a feature, weights, stakes, a threshold, a comment, and now and then a text that is no flow. Neither may a bar
be missed nor a decision of the first gate be another than in a run without edits. Told are how long each took from
being asked for to being run by, and for how long the flow stood still meanwhile.
"""

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

import operators
import sinks
import sources
from pipeline.changes.reloading import Reloads
from pipeline.checking import load
from pipeline.company import Company
from pipeline.engine import Setting, ledger_of, running
from pipeline.errors import MoonlightError
from pipeline.flow import Flow
from pipeline.hogging.bounded import patience_of
from pipeline.journal import Journal, plain
from pipeline.live import wall
from pipeline.plan import Plan
from pipeline.times import MINUTE, parse_moment
from pipeline.values import Decisions, Fault
from pipeline.verifying import Verdict, verified

PARTS = (operators, sinks, sources)
BEGIN = "2026-01-05T00:00:00Z"
SPEED = 300.0
STEADY = "a1"
"""The account whose gate nobody touches."""
BROKEN = 9
"""Every so many edits one is no flow."""
MISSED = ("missed", "overrun")


@dataclass
class Reloaded:
    """What was decided, and how the edits went."""

    decided: dict[tuple[str, str, int, int], Any] = field(default_factory=dict[tuple[str, str, int, int], Any])
    """The row of each bar, by account, product, timeframe and bar."""
    twice: int = 0
    missed: int = 0
    faults: list[str] = field(default_factory=list[str])
    applied: list[float] = field(default_factory=list[float])
    """Seconds from asking to being run by, of each edit."""
    stood: list[float] = field(default_factory=list[float])
    """Seconds for which the loop did not come round, at the most, meanwhile."""
    waited: int = 0
    refused: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    end: int = 0

    def told(self, _: str, value: Any) -> None:
        if isinstance(value, Fault):
            self.faults.append(f"{value.node}: {value.what}")
        if isinstance(value, Decisions):
            row = plain(value)
            for place, bar in enumerate(value.open_ts.tolist()):
                key = (value.account, value.product, value.tf, bar)
                self.twice += key in self.decided
                self.decided[key] = {
                    name: each[place] if isinstance(each, list) and name != "gates" else each
                    for name, each in row.items()
                    if name not in ("orders", "explained")
                }
                verdict = value.verdict.item(place)
                self.missed += verdict >= 0 and value.gates[verdict] in MISSED

    def holes(self) -> list[str]:
        """Bars without a row between two that have one."""
        bars: dict[tuple[str, str, int], list[int]] = {}
        for account, product, tf, bar in self.decided:
            bars.setdefault((account, product, tf), []).append(bar)
        return [
            f"{account} {product} {tf // MINUTE}m lacks {-(-(max(of) - min(of)) // tf) + 1 - len(of)} bars"
            for (account, product, tf), of in bars.items()
            if len(of) != (max(of) - min(of)) // tf + 1
        ]


def edits(text: str, times: int) -> Iterator[str]:
    """One flow after another, each an edit of the first."""
    for number in range(times):
        changed = text
        match number % 8:
            case 0:
                changed = changed.replace("oversold = 30.0", f"oversold = {20 + number % 15}.0")
            case 1:
                changed = changed.replace("threshold = 0.21", f"threshold = 0.2{number % 9 + 1}")
            case 2:
                changed = changed.replace('amount = "2.00"', f'amount = "{1 + number % 5}.50"')
            case 3:
                changed = changed.replace(
                    'rsi_own = { use = "rsi", period = 11 }', f'rsi_own = {{ use = "rsi", period = {7 + number % 8} }}'
                )
            case 4:
                changed = changed.replace('from = ["own"]', 'from = ["own", "more"]') + MORE
            case 5:
                changed = changed.replace('use = "weighted" # own', 'use = "weighted"\nweights = { own = 0.5 } # own')
            case 6:
                changed += f"\n# edit {number}\n"
            case _:
                changed = changed.replace('max_daily_loss = "9000.00"', f'max_daily_loss = "{9000 + number}.00"')
        yield changed if number % BROKEN else f"{changed}\n[providers.nothing\n"


MORE = '\n[providers.more]\nuse = "ema_cross"\nfast = "ema_9"\nslow = "ema_21"\n'


def flow_of(products: int, speed: float = SPEED) -> str:
    traded = ", ".join(f'"P{number:02d}"' for number in range(1, products + 1))
    return f"""
[accounts.a1]
venue = "practice"
balance = "100000.00"
[accounts.a2]
venue = "practice"
balance = "100000.00"
[venues.practice]
use = "practice"
payout = 0.9
[sources.market]
use = "synthetic"
products = [{traded}]
start = "{BEGIN}"
speed = {speed}
[operators.bars]
use = "window"
from = "market"
timeframes = ["1m", "5m"]
[features]
ema_9 = {{ use = "ema", period = 9 }}
ema_21 = {{ use = "ema", period = 21 }}
rsi_14 = {{ use = "rsi", period = 14 }}
rsi_own = {{ use = "rsi", period = 11 }}
[providers.cross]
use = "ema_cross"
fast = "ema_9"
slow = "ema_21"
[providers.own]
use = "rsi_reversal"
rsi = "rsi_own"
oversold = 30.0
[ensembles.steady]
use = "weighted"
from = ["cross"]
[ensembles.edited]
use = "weighted" # own
from = ["own"]
[risk.steady]
use = "guard"
from = "ensembles.steady"
accounts = ["a1"]
threshold = 0.3
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "9999.00"
[risk.edited]
use = "guard"
from = "ensembles.edited"
accounts = ["a2"]
threshold = 0.21
stake = {{ use = "fixed", amount = "2.00" }}
max_daily_loss = "9000.00"
[sinks.orders]
use = "executor"
from = ["risk.steady", "risk.edited"]
[sinks.ledger]
use = "store"
from = ["risk.steady", "risk.edited", "orders"]
"""


async def reloaded(folder: Path, text: str, times: int, until: int = 0) -> Reloaded:
    """Run a flow and edit it so many times; without edits until a moment."""
    file = folder / "flows.toml"
    file.write_text(text, encoding="utf-8")
    plan = load(file)
    made = Reloaded()
    begin = parse_moment(BEGIN)
    with (
        ledger_of(plan) as ledger,
        patience_of(plan) as patience,
        Journal(folder / "session", plan, begin, later=True) as journal,
    ):
        reloads = Reloads(plan, ledger, wall, _nothing)
        company = Company((reloads,), made.told)
        setting = Setting(mode="paper", begin=begin, speed=SPEED, patience=patience)
        taps = (made.told, company.told)
        async with running(plan, setting, ledger, ledger.past(begin), journal=journal, taps=taps) as flow:
            company.begins(flow)
            beside = asyncio.ensure_future(company.attend())
            try:
                if times:
                    await _edited(flow, reloads, made, text, times)
                await flow.border.until(max(until, flow.border.now()))
                made.end = flow.border.now()
            finally:
                beside.cancel()
                with suppress(asyncio.CancelledError):
                    await beside
            made.lost = [f"{each.edge.source} → {each.edge.target}" for each in flow.passages if not each.conserved]
    return made


async def _edited(flow: Flow, reloads: Reloads, made: Reloaded, text: str, times: int) -> None:
    lag = [0.0]
    turning = asyncio.ensure_future(_turns(lag))
    try:
        await flow.border.until(flow.border.now() + 10 * MINUTE)
        for edit in edits(text, times):
            lag[0] = 0.0
            began = perf_counter()
            try:
                done = await asyncio.to_thread(reloads.apply, edit, "the bench")
            except MoonlightError as refused:
                made.refused.append(str(refused).splitlines()[0])
                continue
            made.waited += bool(done.waiting)
            while reloads.pending is not None:  # noqa: ASYNC110  # a flow in real time is looked at
                await asyncio.sleep(0.005)
            made.applied.append(perf_counter() - began)
            made.stood.append(lag[0])
            await flow.border.until(flow.border.now() + MINUTE // 2)
    finally:
        turning.cancel()


async def _turns(lag: list[float]) -> None:
    """How long it takes at the most until the loop comes round."""
    while True:
        before = perf_counter()
        await asyncio.sleep(0)
        lag[0] = max(lag[0], perf_counter() - before)


def _nothing(_: Plan) -> None:
    """Nobody shows this flow."""


def compared(changed: Reloaded, never: Reloaded) -> list[str]:
    """What edits did to whom they are no business of."""
    steady = {key: row for key, row in changed.decided.items() if key[0] == STEADY}
    other = {key: row for key, row in never.decided.items() if key[0] == STEADY and key[3] + key[2] < changed.end}
    lacking = [key for key in other if key not in steady and key[3] + 2 * key[2] < changed.end]
    differing = [key for key in steady if key in other and repr(steady[key]) != repr(other[key])]
    return [
        *(f"{key} was not decided" for key in lacking[:5]),
        *(f"{key} was decided otherwise: {steady[key]} and not {other[key]}" for key in differing[:5]),
        *changed.holes(),
        *([f"{changed.missed} bars missed"] if changed.missed else []),
        *([f"{changed.twice} bars decided twice"] if changed.twice else []),
        *(f"lost without a name: {each}" for each in changed.lost),
        *changed.faults,
    ]


def both(folder: Path, times: int, products: int) -> tuple[Reloaded, Reloaded, Verdict]:
    """A run with so many edits, one without, and what the recording of the first says."""
    with_edits, without = folder / "edited", folder / "never"
    with_edits.mkdir()
    without.mkdir()
    text = flow_of(products)
    changed = asyncio.run(reloaded(with_edits, text, times))
    never = asyncio.run(reloaded(without, text, 0, changed.end))
    return changed, never, verified(with_edits / "session", with_edits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--products", type=int, default=8)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        changed, never, verdict = both(Path(folder), options.times, options.products)
    problems = compared(changed, never)
    if not verdict.whole or verdict.difference is not None:
        problems.append(f"the recording is not made again: {verdict.difference}")
    untouched = sum(key[0] == STEADY for key in changed.decided)
    print(
        f"{len(changed.applied)} edits run by, {changed.waited} of them once what was open had ended; "
        f"{len(changed.refused)} refused; "
        f"{len(changed.decided):,} bars decided, {untouched:,} of the gate nobody touched\n"
        f"from asking to being run by: {_quantiles(changed.applied)} ms\n"
        f"the flow stood still: {_quantiles(changed.stood)} ms\n"
        f"verify: {verdict.same}/{verdict.links} identical\n"
        f"{len(problems)} problems"
    )
    for refused, count in Counter(changed.refused).most_common():
        print(f"  refused {count} times: {refused}")
    for each in problems[:20]:
        print(f"  {each}")
    raise SystemExit(bool(problems))


def _quantiles(of: list[float]) -> str:
    if not of:
        return "none"
    p50, p99, most = (float(each) * 1000 for each in np.quantile(np.array(of), (0.5, 0.99, 1.0)))
    return f"p50 {p50:.0f}, p99 {p99:.0f}, most {most:.0f}"


if __name__ == "__main__":
    main()
