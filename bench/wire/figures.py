"""What was done between two programs and what came of it, in numbers."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from bench.wire import books
from bench.wire.flow import ACCOUNTS

MOST = {"trading": 360, "balance": 100, "portfolio": 30, "rest": 80, "others": 220}
"""What the venue answers a minute, of each account."""


@dataclass
class Lived:
    """What was done, and what came of it."""

    seconds: float = 0.0
    speed: float = 1.0
    ledger: books.Read = books.NOTHING
    problems: list[str] = field(default_factory=list[str])
    struck: Counter[str] = field(default_factory=Counter[str])
    calls: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """Of each of the venue's limits, how much of it each account had used in the minute before each look."""
    standings: Counter[str] = field(default_factory=Counter[str])
    troubles: Counter[str] = field(default_factory=Counter[str])
    reconnects: int = 0
    verified: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        orders = [each for each in self.ledger.orders if each.origin == "flow"]
        ends = Counter(f"{each.state} {each.cause}".strip() for each in orders)
        waits = [(each.taken_at - each.sent_at) / self.speed for each in orders if each.taken_at and each.sent_at]
        unsound = {each.account: each.unexplained for each in self.ledger.last.values() if each.unexplained}
        audits = Counter(self.ledger.audits.values())
        latency = f"mean {mean(waits):.0f} ms, p95 {float(np.quantile(waits, 0.95)):.0f} ms" if waits else "none"
        lines = [
            f"{self.seconds:.0f} s at {self.speed:g} times the speed of time, {len(orders)} orders: {_several(ends)}",
            f"struck: {sum(self.struck.values())} faults of {len(self.struck)} kinds: {_several(self.struck)}",
            f"of unknown outcome for a while: {_several(self.ledger.doubts)}",
            f"reconnects {self.reconnects}; standings told: {_several(self.standings)}",
            f"troubles told: {_several(self.troubles)}",
            f"from sending to the answer: {latency}",
            "calls of an account in a minute of the venue's clock: "
            + ", ".join(f"{name} {mean(of):.0f}, at most {max(of)} of {MOST[name]}" for name, of in self._of_limits()),
            f"certificates: {len(self.ledger.certificates)}, the last of {len(ACCOUNTS) - len(unsound)} accounts clean",
            *(f"  {account}: {each}" for account, several in unsound.items() for each in several),
            f"audits: {_several(audits)}; disputed orders {len(self.ledger.disputed)}",
            *(f"verify: {each}" for each in self.verified),
            f"{len(self.problems)} problems",
        ]
        return "\n".join((*lines, *(f"  {each}" for each in self.problems[:20])))

    def _of_limits(self) -> list[tuple[str, list[int]]]:
        return [(name, self.calls[name]) for name in MOST if self.calls.get(name)]

    def journal(self, file: Path) -> None:
        """Count what entered of how accounts stood, and of what went wrong."""
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                if '"type":"Standing"' in line:
                    state: str = _value(line)["state"]
                    self.standings[state] += 1
                    self.reconnects += state == "RECONNECT"
                elif '"type":"Trouble"' in line:
                    self.troubles[_value(line)["kind"]] += 1


def _value(line: str) -> Mapping[str, Any]:
    told = json.loads(line)
    return told["value"]


def _several(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items())) or "none"
