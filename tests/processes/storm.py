"""A storm: engines are killed and started again over and over; then a calm; then the books are compared."""

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.processes.broker import Broker, Message
from tests.processes.comparing import ENDED, differences, orders_of, unintended
from tests.processes.engines import PATIENCE, Engines

ACCOUNTS = 2


@dataclass
class Counted:
    """What came of a storm."""

    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter[str])
    """By how they came about."""
    recovered: list[float] = field(default_factory=list[float])
    """Seconds from a start until every account was reconciled."""
    problems: list[str] = field(default_factory=list[str])
    states: Counter[str] = field(default_factory=Counter[str])
    """Of all orders in the end, with their causes."""

    def text(self, broker: Broker) -> str:
        kills = ", ".join(f"{count} {how}" for how, count in sorted(self.kills.items()))
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        times = np.array(self.recovered or [0.0]) * 1000
        return (
            f"{self.rounds} rounds ({kills}); {len(broker.asked)} orders reached the broker, {len(broker.deals)} "
            f"contracts; in the ledger: {ended}; start to reconciled p50 {np.percentile(times, 50):.0f} ms, "
            f"p99 {np.percentile(times, 99):.0f} ms, at most {times.max():.0f} ms; {len(self.problems)} problems"
        )


HOW = (
    "at a moment",
    "before a write",
    "before the broker took it",
    "before the answer",
    "after the answer",
    "asked",
)
"""How a life may end."""
UNANSWERED = ("before the broker took it", "before the answer")
"""Those in which the engine sent an order, and heard nothing more."""
LIFE = 30
"""So many things become of orders in a life that nothing else has ended, at the most."""
STARTING, BAR = 0.5, 0.1
"""Seconds that a start may take, and that a bar takes."""


def storm(
    engines: Engines,
    rounds: int,
    seed: int,
    mutant: str = "",
    told: Callable[[Counted], object] = lambda _: None,
    ways: Sequence[str] = HOW,
) -> Counted:
    """Kill an engine in so many lives, each time at another point; then a calm; then compare.

    `told` hears after each life how it stands. Lives end in one of these `ways`.
    """
    draw, late, counted = np.random.default_rng(seed), np.random.default_rng((seed, 1)), Counted(rounds)
    engines.late = lambda: bool(late.random() < 0.05)
    for _ in range(rounds):
        how = str(draw.choice(ways))
        counted.kills[how] += 1
        _one_life(engines, how, draw, mutant)
        counted.recovered += _recovered(engines)
        counted.problems += unintended(engines.broker, engines.folder)
        told(counted)
    engines.placing, engines.late = None, lambda: False
    calmed(engines)
    counted.problems = list(dict.fromkeys((*counted.problems, *differences(engines.broker, engines.folder))))
    counted.states.update(f"{order['state']} {order['cause']}".strip() for order in orders_of(engines.folder))
    return counted


def _one_life(engines: Engines, how: str, draw: np.random.Generator, mutant: str) -> None:
    """A life that ends as it is told to, or after a while."""
    asked: Message = {"mutant": mutant} if mutant else {}
    if how == "before a write":
        asked["dies_at"] = int(draw.integers(1, 400))
    left = int(draw.integers(1, 8))

    def placing(_: Message, when: str) -> bool:
        nonlocal left
        left -= when == "before"
        if left or when != ("before" if how == "before the broker took it" else "after"):
            return True
        engines.send(signal.SIGKILL)
        return how == "after the answer"

    engines.placing = placing if how in ("before the broker took it", "before the answer", "after the answer") else None
    engines.start(**asked)
    if how == "at a moment":
        engines.wait(float(draw.uniform(0.0, STARTING)))
    else:
        engines.until(lambda _: engines.lived(LIFE))
        engines.wait(float(draw.uniform(0.0, BAR)))
    engines.send(signal.SIGTERM if how == "asked" else signal.SIGKILL)
    engines.ended()


def _recovered(engines: Engines) -> Iterator[float]:
    """How long after its start a life was reconciled with the broker, if it came so far."""
    times = {each["account"]: each["heard"] for each in reversed(engines.heard) if each["what"] == "reconciled"}
    if len(times) == ACCOUNTS:
        yield max(times.values()) - engines.heard[0]["heard"]


def calmed(engines: Engines) -> None:
    """A life in which nothing new is traded, until nothing is open any more."""
    engines.start(calm=True)
    engines.until(lambda message: message["what"] == "boot")
    ends = time.monotonic() + PATIENCE
    while any(order["state"] not in ENDED for order in orders_of(engines.folder)):
        if time.monotonic() > ends:
            break
        engines.wait(0.1)
    engines.send(signal.SIGTERM)
    engines.ended()
