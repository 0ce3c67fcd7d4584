"""A soak: 300 keys of four accounts trade for a week of market time, as fast as it goes, in the verb `run` itself.

    python -m bench.soak [--hours 168] [--products 25] [--keep DIR] [--objects]

The market and the practice venue are the flow's own, as no venue over a network lets a week pass in minutes: what an
order's way over one takes is measured by `python -m bench.networked`. All else is what a user runs: ledger on disk,
store, desk, telemetry, logs. A companion of the flow looks on and says each hour what the process holds.

RSS must not grow once everything is warm, no task, thread or file may stay, nothing may be lost without a name, no bar
be missed. Whose the memory is, is told apart: Python's own blocks, what C has in use and what it keeps, SQLite.
`--objects` also says of what there is more at the end than once all was warm, by type. What a processor spends on an
hour of the market says which share of it such a flow takes in real time.
"""

import argparse
import asyncio
import os
import signal
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time, thread_time
from typing import Any, NamedTuple

import numpy as np

from bench.closes import ENSEMBLE, FEATURES, PROVIDERS, TIMEFRAMES
from bench.holding import Memory, Objects, grown, memory, objects
from pipeline import company
from pipeline.__main__ import main as pipeline
from pipeline.flow import Flow
from pipeline.plan import Plan
from pipeline.times import HOUR, MINUTE, SECOND
from pipeline.values import Bars, Decisions, Fault, Order
from pipeline.verbs import run as running

BEGIN = "2026-01-05T00:00:00Z"
ACCOUNTS = 4
WARM = 0.25
"""The part of the time after which everything is warm: from there on growth counts."""
AS_FAST_AS_HOLDS = 100_000.0
MISSED = ("missed", "overrun")
STAYS = 3
"""So many more tasks, threads or files at the end are no leak: one may be in the middle of work."""


class Held(NamedTuple):
    """What the process holds at a moment of the market."""

    at: int
    rss: float
    """MiB."""
    tasks: int
    threads: int
    files: int
    seconds: float
    """Of a processor, until then."""
    memory: Memory | None = None


@dataclass
class Soaked:
    """What a soak saw."""

    looks: list[Held] = field(default_factory=list[Held])
    counted: list[tuple[int, Objects]] = field(default_factory=list[tuple[int, Objects]])
    """At the looks at which all objects were counted."""
    cycles: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds of a processor from the first bar of a minute to the last decision on it, with all that came between."""
    trips: "array[float]" = field(default_factory=lambda: array("d"))
    """Milliseconds of market time from an order's leaving to its answer."""
    decided: int = 0
    orders: Counter[str] = field(default_factory=Counter[str])
    missed: Counter[str] = field(default_factory=Counter[str])
    faults: list[str] = field(default_factory=list[str])
    lost: list[str] = field(default_factory=list[str])
    code: int = 0

    @property
    def hours(self) -> float:
        return (self.looks[-1].at - self.looks[0].at) / HOUR

    @property
    def share(self) -> float:
        """Of one processor, in real time."""
        first, last = self.looks[0], self.looks[-1]
        return (last.seconds - first.seconds) / ((last.at - first.at) / SECOND)

    def slope(self) -> tuple[float, float]:
        """By how much RSS grows an hour (MiB) once everything is warm, and how far that may be off (95 %)."""
        return self._slope_of([each.rss for each in self.looks])

    def _slope_of(self, series: Sequence[float]) -> tuple[float, float]:
        first = round(len(self.looks) * WARM)
        warm = self.looks[first:]
        if len(warm) < 4:
            return 0.0, float("inf")
        hours = np.array([each.at for each in warm]) / HOUR
        rss = np.array(series[first:])
        hours = hours - hours.mean()
        slope = float(hours @ (rss - rss.mean()) / (hours @ hours))
        rest = rss - rss.mean() - slope * hours
        lag = float(rest[1:] @ rest[:-1] / max(rest @ rest, 1e-12))
        fewer = max(0.1, (1 - lag) / (1 + lag))  # looks that resemble their neighbours are worth less
        error = np.sqrt(rest @ rest / (len(rest) - 2) / (hours @ hours) / min(1.0, fewer))
        return slope, float(1.96 * error)

    def problems(self) -> list[str]:
        first, last = self.looks[0], self.looks[-1]
        kept = {"tasks": (first.tasks, last.tasks), "threads": (first.threads, last.threads)}
        kept["files"] = first.files, last.files
        grown = [f"{name} grew from {was} to {now}" for name, (was, now) in kept.items() if now > was + STAYS]
        missed = [f"{count} bars {what}" for what, count in self.missed.items()]
        ended = [f"the run ended with {self.code}"] if self.code else []
        return [*ended, *self.lost, *grown, *missed, *self.faults]

    def text(self) -> str:
        slope, error = self.slope()
        first, last = self.looks[0], self.looks[-1]
        sent = sum(self.orders.values())
        lines = [
            f"{self.hours:.1f} hours of market time, {self.decided:,} decisions, {sent:,} orders: "
            + ", ".join(f"{count:,} {state}" for state, count in sorted(self.orders.items())),
            f"RSS {first.rss:.0f} MiB at the first look, {last.rss:.0f} at the last; "
            f"once warm {slope:+.3f} ± {error:.3f} MiB an hour of the market",
            *self._whose(),
            f"tasks {first.tasks} → {last.tasks}, threads {first.threads} → {last.threads}, "
            f"files {first.files} → {last.files}",
            f"{100 * self.share:.2f} % of one processor in real time: {3600 * self.share:.1f} s for each hour",
            f"from the first bar of a minute to the last decision, of a processor: {_quantiles(self.cycles, 1000)} ms",
            f"from an order's leaving to its answer, market time: {_quantiles(self.trips, 1)} ms",
            f"bars missed: {sum(self.missed.values())}; faults: {len(self.faults)}",
            *self.problems()[:20],
            *self._grown(),
        ]
        return "\n".join(lines)

    def _whose(self) -> Iterator[str]:
        """Whose the memory is, and how each grows once everything is warm."""
        looks = [each.memory for each in self.looks if each.memory is not None]
        if len(looks) < len(self.looks):
            return
        for name, scale, unit in (
            ("blocks", 1000, "thousand of Python's blocks"),
            ("heap", 1, "MiB in use of C's"),
            ("spare", 1, "MiB kept by C for later"),
            ("sqlite", 1, "MiB in use of SQLite's"),
        ):
            series = [getattr(each, name) / scale for each in looks]
            slope, error = self._slope_of(series)
            yield f"  {series[0]:8.2f} → {series[-1]:8.2f} {unit}; once warm {slope:+.4f} ± {error:.4f} an hour"

    def _grown(self) -> Iterator[str]:
        if len(self.counted) > 1:
            (since, before), (until, after) = self.counted[-2:]
            yield f"of what there are more after {(until - since) / HOUR:.1f} further hours:"
            yield from grown(before, after)


class Soaking:
    """Looks on beside the flow, and ends it when the time is over."""

    name = "soak"

    def __init__(self, hours: float, every: int = HOUR, *, quiet: bool = False, counts: bool = False) -> None:
        self.made = Soaked()
        self._counts = counts
        self._length, self._every, self._quiet = round(hours * HOUR), every, quiet
        self._flow: Flow | None = None
        self._minute = 0
        self._began = self._last = 0.0
        self._sent: dict[str, int] = {}

    def told(self, node: str, value: Any) -> None:
        match value:
            case Bars() if value.tf == MINUTE and value.fresh:
                self._closed(value.open_ts.item(-1))
            case Decisions():
                self._decided(value)
            case Order():
                self._ordered(value)
            case Fault():
                self.made.faults.append(f"fault in {node}: {value.what}")
            case _:
                pass

    def begins(self, flow: Flow) -> None:
        self._flow = flow

    def continues(self, flow: Flow) -> None:
        self._flow = flow

    async def attend(self) -> None:
        flow = self._flow
        assert flow is not None
        begin = flow.border.now()
        warm = begin + self._length * WARM
        await flow.border.until(begin + min(self._every, self._length // 4))
        while flow.border.now() < begin + self._length:
            self._look(flow)
            if not self.made.counted and flow.border.now() >= warm:
                self._count(flow)
            await flow.border.until(flow.border.now() + self._every)
        self._look(flow)
        self._count(flow)
        self.made.lost = [
            f"lost without a name: {each.edge.source} → {each.edge.target}"
            for each in flow.passages
            if not each.conserved
        ]
        os.kill(os.getpid(), signal.SIGINT)

    async def ends(self, why: str) -> None:
        """All was said."""

    def _closed(self, minute: int) -> None:
        if minute != self._minute:
            if self._minute and self._last > self._began:
                self.made.cycles.append(self._last - self._began)
            self._minute, self._began, self._last = minute, thread_time(), 0.0

    def _decided(self, decisions: Decisions) -> None:
        self.made.decided += len(decisions)
        if decisions.tf == MINUTE and decisions.open_ts.item(-1) == self._minute:
            self._last = thread_time()
        for verdict in decisions.verdict.tolist():
            if verdict >= 0 and decisions.gates[verdict] in MISSED:
                self.made.missed[decisions.gates[verdict]] += 1

    def _ordered(self, order: Order) -> None:
        match order.state:
            case "SEND":
                self._sent[order.order] = order.at
            case "CONFIRM":
                if (sent := self._sent.pop(order.order, None)) is not None:
                    self.made.trips.append(order.at - sent)
            case "PREPARE" | "SEND_RETRY":
                pass
            case state:
                self._sent.pop(order.order, None)
                self.made.orders[state] += 1

    def _count(self, flow: Flow) -> None:
        if self._counts:
            self.made.counted.append((flow.border.now(), objects()))

    def _look(self, flow: Flow) -> None:
        now, of = flow.border.now(), memory()
        tasks, threads = len(asyncio.all_tasks()), threading.active_count()
        held = Held(now, of.rss, tasks, threads, _files(), process_time(), of)
        self.made.looks.append(held)
        if not self._quiet:
            print(
                f"{self.made.hours:6.1f} h  RSS {held.rss:7.1f} MiB  blocks {of.blocks:,}  "
                f"C {of.heap:.1f} + {of.spare:.1f}  SQLite {of.sqlite:.2f}  tasks {tasks}  threads {threads}  "
                f"files {held.files}  CPU {held.seconds:8.1f} s  decisions {self.made.decided:,}",
                file=sys.stderr,
                flush=True,
            )


def soaked(
    folder: Path, hours: float, products: int = 25, every: int = HOUR, *, quiet: bool = False, counts: bool = False
) -> Soaked:
    """Run a flow of so many keys in a folder for so much market time."""
    file = folder / "flows.toml"
    file.write_text(flow_of(products), encoding="utf-8")
    soaking = Soaking(hours, every, quiet=quiet, counts=counts)

    def with_one_more(plan: Plan) -> tuple[company.Companion, ...]:
        return (*company.company_of(plan), soaking)

    before = running.company_of
    running.company_of = with_one_more
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            soaking.made.code = pipeline(["run", str(file), "--json"])
    finally:
        running.company_of = before
    return soaking.made


def flow_of(products: int) -> str:
    names = [f"a{number}" for number in range(1, ACCOUNTS + 1)]
    traded = [f"P{number:02d}" for number in range(1, products + 1)]
    tables = [f'[accounts.{name}]\nvenue = "practice"\nbalance = "100000.00"' for name in names]
    text = "\n".join(
        (
            f'[sources.market]\nuse = "synthetic"\nproducts = {traded}\nstart = "{BEGIN}"\nspeed = {AS_FAST_AS_HOLDS}',
            *tables,
            '[venues.practice]\nuse = "practice"\npayout = 0.9',
            f'[operators.bars]\nuse = "window"\nfrom = "market"\ntimeframes = {list(TIMEFRAMES)}',
            f"[features]{FEATURES}{PROVIDERS}",
            f'[ensembles.main]\nuse = "weighted"\nfrom = {ENSEMBLE}',
            f'[risk.main]\nuse = "guard"\nfrom = "main"\naccounts = {names}\nthreshold = 0.6',
            'stake = { use = "fixed", amount = "1.00" }\nmax_daily_loss = "50000.00"',
            '[sinks.orders]\nuse = "executor"\nfrom = "risk.main"',
            '[sinks.ledger]\nuse = "store"\nfrom = ["risk.main", "orders"]\n',
        )
    )
    return text.replace("'", '"')


def _quantiles(of: Sequence[float], scale: float) -> str:
    if not len(of):
        return "none"
    p50, p99, most = (float(each) * scale for each in np.quantile(np.array(of), (0.5, 0.99, 1.0)))
    return f"p50 {p50:.1f}, p99 {p99:.1f}, most {most:.1f}"


def _files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=168.0, help="of market time")
    parser.add_argument("--products", type=int, default=25, help="12 keys for each")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files there")
    parser.add_argument("--objects", action="store_true", help="say what there are more of at the end, by type")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        where: Path = options.keep or Path(folder)
        where.mkdir(parents=True, exist_ok=True)
        made = soaked(where.resolve(), options.hours, options.products, counts=options.objects)
    print(made.text())
    raise SystemExit(bool(made.problems()))


if __name__ == "__main__":
    main()
