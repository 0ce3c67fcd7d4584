"""What it costs that somebody looks on: an item told, beside a tap that does nothing; and all numbers read.

    python -m bench.telemetry [--hours 6] [--rounds 5]

A flow runs some hours in virtual time once, with what it tells kept; then that is told again to each tap by itself. The
numbers are read as they stand at the end, for Prometheus and as messages.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any

import operators
import sinks
import sources
from pipeline import virtual
from pipeline.checking import load
from pipeline.engine import Setting, running
from pipeline.metrics.collecting import Page
from pipeline.metrics.hearing import Hearings
from pipeline.plan import Plan
from pipeline.telemetry.onlooker import Onlooker
from pipeline.times import HOUR, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Past

FLOW = Path(__file__).resolve().parent.parent / "flows.toml"
BEGIN = parse_moment("2026-01-05T08:00:00Z")

REGISTERED = (operators, sinks, sources)
Told = list[tuple[str, Any]]


def kept(plan: Plan, hours: float) -> tuple[Told, Onlooker]:
    """All that a flow tells in some hours, and somebody who looked on."""
    told, onlooker = Told(), Onlooker(plan)

    def keep(node: str, value: Any) -> None:
        told.append((node, value))
        onlooker.told(node, value)

    async def main() -> None:
        async with running(plan, Setting(mode="paper", begin=BEGIN), NoRecords(), Past((), {}), taps=(keep,)) as flow:
            onlooker.begins(flow)
            await flow.border.until(BEGIN + round(hours * HOUR))
            onlooker.look()

    virtual.run(lambda _: main())
    return told, onlooker


def nanos(told: Told, tap: Callable[[str, Any], None]) -> float:
    """What an item costs a tap."""
    begun = perf_counter()
    for node, value in told:
        tap(node, value)
    return (perf_counter() - begun) / len(told) * 1e9


def milliseconds(read: Callable[[], Any]) -> float:
    begun = perf_counter()
    read()
    return (perf_counter() - begun) * 1000


def least(values: Iterable[float]) -> float:
    return min(values)


def bare(_: str, __: Any) -> None:
    """A tap that does nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    plan = load(FLOW)
    told, onlooker = kept(plan, options.hours)
    kinds = Counter(type(value).__name__ for _, value in told)
    print(f"{len(told):,} items: {', '.join(f'{count:,} {kind}' for kind, count in kinds.most_common(6))}")
    floor = least(nanos(told, bare) for _ in range(options.rounds))
    cost = least(nanos(told, Onlooker(plan).told) for _ in range(options.rounds))
    print(f"an item costs {cost / 1000:.2f} µs: {cost / floor:.0f} times a tap that does nothing ({floor:.0f} ns)")
    for kind, _ in kinds.most_common(6):
        some = [each for each in told if type(each[1]).__name__ == kind]
        each = least(nanos(some, Onlooker(plan).told) for _ in range(options.rounds))
        print(f"  {kind}: {each / 1000:.2f} µs")
    page = Page(Hearings(), lambda: BEGIN, onlooker.readings, keys=True)
    messages = least(milliseconds(onlooker.samples) for _ in range(options.rounds))
    print(f"{len(onlooker.samples()):,} messages are read in {messages:.1f} ms, ", end="")
    print(f"the page of Prometheus in {least(milliseconds(lambda: page('')) for _ in range(options.rounds)):.1f} ms")


if __name__ == "__main__":
    main()
