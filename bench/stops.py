"""How soon no order leaves any more once somebody threw the kill switch, while a slow strategy holds the flow up.

python -m bench.stops --rounds 20 --slow 60
"""

import argparse
import asyncio
import http.client
import tempfile
import threading
from contextlib import closing
from pathlib import Path
from time import perf_counter
from zoneinfo import ZoneInfo

import numpy as np

import operators
import sinks
import sources
from pipeline.aside import Aside
from pipeline.checking import load_text
from pipeline.control.showing import looked_at
from pipeline.engine import Setting, running
from pipeline.evidence import Inquiry
from pipeline.ledger import Ledger
from pipeline.plan import Plan
from pipeline.switch import Switch
from pipeline.times import parse_moment
from pipeline.values import Order
from pipeline.view import TOKEN_FILE
from pipeline.watch import Watch
from sinks.api import Desk

REGISTERED = (operators, sinks, sources)
BEGIN = parse_moment("2026-01-05T10:00:00Z")
SPEED = 600.0
PARTS = '''
"""A strategy that takes its time."""

from time import perf_counter

import numpy as np

from pipeline.parts import provider
from pipeline.values import Columns, Floats


@provider
class Ponders:
    """Wants every bar, after a while."""

    lookback = 0

    def __call__(self, columns: Columns) -> Floats:
        over = perf_counter() + {slow}
        while perf_counter() < over:
            pass
        return np.full(len(columns), 0.9)
'''
FLOW = f"""
[moonlight]
plugins = ["parts.py"]
[accounts.demo-1]
venue = "practice"
[venues.practice]
use = "practice"
payout = 0.9
[sources.market]
use = "synthetic"
products = ["EURUSD", "GBPUSD", "XAUUSD", "BTCUSD"]
start = "2026-01-05T10:00:00Z"
speed = {SPEED}
[operators.bars]
use = "window"
from = "market"
timeframes = ["1m"]
[features]
fast = {{ use = "sma", period = 3 }}
[providers.ponders]
use = "ponders"
[ensembles.main]
use = "weighted"
from = ["ponders"]
[risk.main]
use = "guard"
from = "main"
accounts = ["demo-1"]
stake = {{ use = "fixed", amount = "1.00" }}
max_daily_loss = "500.00"
cool_down = "1s"
[sinks.orders]
use = "executor"
from = "risk.main"
[sinks.ledger]
use = "store"
from = ["risk.main", "orders"]
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.stops", description="Measure the kill switch.")
    parser.add_argument("--rounds", type=int, default=10, help="how often to throw it (default: 10)")
    parser.add_argument("--slow", type=float, default=60, help="ms the strategy takes for each bar (default: 60)")
    parser.add_argument("--seed", type=int, default=7, help="the same seed throws it after the same times (default: 7)")
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    found = [asyncio.run(thrown(options.slow / 1000, chance.uniform(0.5, 1.5))) for _ in range(options.rounds)]
    sends = sum(sent for sent, _, _ in found)
    after = max(late for _, late, _ in found) * 1000
    answers = sorted(answer * 1000 for _, _, answer in found)
    print(
        f"{options.rounds} rounds, {sends} orders left; the strategy takes {options.slow:g} ms for each of 4 products"
    )
    print(f"last order that left after the switch was thrown: {after:.1f} ms later (0: none left)")
    print(f"until it was answered, on disk: p50 {answers[len(answers) // 2]:.1f} ms, at most {answers[-1]:.1f} ms")


async def thrown(slow: float, wait: float) -> tuple[int, float, float]:
    """One flow, stopped after some seconds: how many orders left, how long after it the last, how long it took."""
    left: list[float] = []
    asked: list[float] = []

    def note(item: Order | Inquiry) -> None:
        if isinstance(item, Order) and item.state == "SEND":
            left.append(perf_counter())

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "parts.py").write_text(PARTS.format(slow=slow), encoding="utf-8")
        plan = load_text(FLOW, "flows.toml", folder)
        with Ledger(plan.folder / "ledger.db") as ledger:
            watch = Watch(plan, BEGIN, SPEED)
            switch = Switch(ledger.path, ZoneInfo("UTC"), tuple(plan.accounts), BEGIN)
            desk = Aside(lambda ask: Desk(looked_at(watch, ask, switch), plan.folder))
            url = await desk.start()
            setting = Setting(mode="paper", begin=BEGIN, speed=SPEED)
            stopping = threading.Thread(target=stop, args=(url, plan, wait, asked))
            try:
                async with running(plan, setting, ledger, ledger.past(BEGIN)) as flow:
                    switch.begins(flow)
                    flow.nodes["venues.practice"].inlets["orders"].attach(note)
                    stopping.start()
                    await asyncio.to_thread(stopping.join)
                    await asyncio.sleep(1.0)
            finally:
                await desk.stop()
    late = [moment - asked[0] for moment in left if moment > asked[0]]
    return len(left), max(late, default=0.0), asked[1] - asked[0]


def stop(url: str, plan: Plan, wait: float, asked: list[float]) -> None:
    """Throw the switch after some seconds, as a program beside the engine does."""
    token = (plan.folder / TOKEN_FILE).read_text()
    threading.Event().wait(wait)
    with closing(http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)) as line:
        asked.append(perf_counter())
        line.request("POST", "/kill", headers={"Authorization": f"Bearer {token}", "Content-Length": "0"})
        assert line.getresponse().status == 200
        asked.append(perf_counter())


if __name__ == "__main__":
    main()
