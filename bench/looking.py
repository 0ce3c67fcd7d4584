"""What it costs a flow that somebody looks at it: nobody, one who looks at its graph, sixteen who listen to nodes.

    python -m bench.looking [--hours 12] [--rounds 3]

A flow runs some hours in virtual time, as fast as it can, each time with other onlookers; rounds take turns, and the
least of each counts. Then the messages that are told are made as the flow stands at the end.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import process_time

import msgspec

import operators
import sinks
import sources
from pipeline import virtual
from pipeline.checking import load
from pipeline.engine import Setting, running
from pipeline.plan import Plan
from pipeline.times import HOUR, parse_moment
from pipeline.trying import NoRecords
from pipeline.values import Past
from pipeline.view import TapOf
from pipeline.watch import Watch

FLOW = Path(__file__).resolve().parent.parent / "flows.toml"
BEGIN = parse_moment("2026-01-05T08:00:00Z")
REGISTERED = (operators, sinks, sources)
LISTENERS = 16
MESSAGES = 200
Looks = Callable[[Watch, Plan], object]


def nobody(_: Watch, __: Plan) -> object:
    return None


def one_looks(watch: Watch, _: Plan) -> object:
    return watch.flow()


def all_listen(watch: Watch, plan: Plan) -> object:
    nodes = [node.id for node in plan.nodes]
    return [watch.tap(TapOf(nodes[number % len(nodes)])) for number in range(LISTENERS)]


def seconds(plan: Plan, hours: float, looks: Looks) -> float:
    """Of a processor, for some hours of a flow."""
    watch = Watch(plan, BEGIN, 1.0)
    took = 0.0

    async def main() -> None:
        nonlocal took
        taps = (watch.told,)
        async with running(plan, Setting(mode="paper", begin=BEGIN), NoRecords(), Past((), {}), taps=taps) as flow:
            watch.begins(flow.border.clock, flow)
            held = looks(watch, plan)
            begun = process_time()
            await flow.border.until(BEGIN + round(hours * HOUR))
            took = process_time() - begun
            if looks is one_looks:
                tell(watch)
            del held

    virtual.run(lambda _: main())
    return took


def tell(watch: Watch) -> None:
    """How much of a processor one message takes to be made, in a turn of the flow, and to be written, beside it."""
    look = watch.flow()
    news = look.news()
    begun = process_time()
    for _ in range(MESSAGES):
        news = look.news()
    made = process_time()
    for _ in range(MESSAGES):
        msgspec.json.encode(news)
    wrote = process_time()
    look.ends()
    making, writing = ((end - start) / MESSAGES * 1e3 for start, end in ((begun, made), (made, wrote)))
    said = f"{len(news.nodes)} nodes, {len(news.edges)} edges, {len(msgspec.json.encode(news)):,} bytes"
    print(f"  one message: {making:.2f} ms made, {writing:.2f} ms written ({said})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    plan = load(FLOW)
    least: dict[str, float] = {}
    for _ in range(options.rounds):
        for looks in (nobody, one_looks, all_listen):
            took = seconds(plan, options.hours, looks)
            least[looks.__name__] = min(took, least.get(looks.__name__, took))
    for name, took in least.items():
        more = took / least["nobody"] - 1
        print(f"{name.replace('_', ' '):<12} {took:6.2f} s of a processor for {options.hours:g} h ({more:+.1%})")


if __name__ == "__main__":
    main()
