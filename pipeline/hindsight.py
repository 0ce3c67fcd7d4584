"""What bars would have paid, in words and in numbers: contracts that most of the time nobody bought."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from pipeline.settlement import Tie, result_of
from pipeline.statistics.clusters import slots, worth
from pipeline.statistics.curves import expectancy_interval
from pipeline.statistics.rates import PayoutMix, WinRate
from pipeline.statistics.shares import Interval
from pipeline.values import Flags, Floats, GateRow, Small, Stamps

OTHERWISE = {
    "killed": "nothing had been stopped",
    "stopped": "the key had been running",
    "missed": "its moment had not been missed",
    "overrun": "the program had not been busy",
    "fault": "no provider had failed",
    "ready": "its features had been ready",
    "vote": "there had been a direction",
    "stale_signal": "its signal had not been too old",
    "calibrated": "its probability had been known",
    "permit": "it had been inside the permit",
    "breaker": "orders had not gone wrong before",
    "unknown": "no order of the key had an unknown outcome",
    "open": "no trade of the key had been open",
    "cool_down": "the key had not been resting",
    "streak": "it had not lost so often in a row",
    "target": "its target had not been reached",
    "stake": "there had been a stake",
}
"""Gates whose numbers say less than words do."""
STRICT = frozenset(("odds", "ev"))
"""Gates at whose threshold the answer is still no."""


def what_if(gates: Sequence[GateRow]) -> str | None:
    """What alone would have had to be otherwise for the bar to be traded; None where it is not one thing."""
    said_no = [gate for gate in gates if gate.verdict == "no"]
    if len(said_no) != 1:
        return None
    (gate,) = said_no
    named = OTHERWISE.get(gate.gate)
    if named is None and gate.word:
        named = f"{gate.gate} had not been {gate.word}"
    if named is None and gate.value != gate.value:
        named = f"{gate.gate} had been known"
    return f"would have been traded if {named or _on_the_other_side(gate)}"


def would_have(direction: int, payout: float | None, entry: float | None, exit_: float | None, tie: Tie) -> str:
    """What a contract of a bar would have come to; `entry` is NaN where its outcome is not known yet."""
    if direction == 0:
        return "would have paid nothing: no direction"
    if entry is None or exit_ is None:
        return "no price: a contract would have been void"
    if entry != entry:
        return "what it would have paid is not known"
    match result_of("call" if direction > 0 else "put", entry, exit_, tie):
        case "win":
            said = "would have won" + (f" {payout:.2f}" if payout else ", at a payout nobody noted")
        case "lose":
            said = "would have lost"
        case _:
            said = "would have been a tie"
    return f"{said} (entry {entry:.8g} → exit {exit_:.8g})"


def _on_the_other_side(gate: GateRow) -> str:
    below = gate.value < gate.threshold or (gate.value == gate.threshold and gate.gate in STRICT)
    sign = (">" if gate.gate in STRICT else "≥") if below else "≤"
    return f"{gate.gate} {sign} {gate.threshold:.4g}"


@dataclass(frozen=True, slots=True, eq=False)
class Contracts:
    """Of each bar, what a contract needs: `entry` and `exit` are NaN without a price, `known` says where that is."""

    direction: Small
    payout: Floats
    entry: Floats
    exit: Floats
    known: Flags
    expiry: Stamps

    def __len__(self) -> int:
        return len(self.direction)

    def chosen(self, rows: Flags) -> "Contracts":
        return Contracts(*(getattr(self, name)[rows] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: Iterable["Contracts"]) -> "Contracts":
        several = list(parts)
        return cls(*(np.concatenate([getattr(each, name) for each in several]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What contracts of some bars would have come to. Each bar is counted once: what is decided, and what is not."""

    bars: int
    sided: int
    """Bars with a direction."""
    won: int
    lost: int
    ties: int
    no_price: int
    not_known: int
    no_payout: int
    """Of those won, lost or tied: no payout was noted, so they are in no rate."""
    rate: WinRate
    mean: float | None
    """Net return per stake."""
    interval: Interval | None

    def as_json(self) -> dict[str, Any]:
        counts = ("bars", "sided", "won", "lost", "ties", "no_price", "not_known", "no_payout", "mean")
        return {
            **{name: getattr(self, name) for name in counts},
            "interval": None if self.interval is None else [self.interval.low, self.interval.high],
            "win_rate": str(self.rate),
        }

    @property
    def mean_text(self) -> str:
        if self.mean is None:
            return ""
        if self.interval is None:
            return f"{self.mean:+.3f} per stake"
        return f"{self.mean:+.3f} ({self.interval.low:+.3f} … {self.interval.high:+.3f}) per stake"


def tally(contracts: Contracts, tie: Tie) -> Tally:
    """Count contracts. Ties are what the venue makes of them; trades of one slot count as one in the intervals."""
    sided = contracts.direction != 0
    priced = sided & contracts.known & np.isfinite(contracts.entry)
    level = priced & (contracts.entry == contracts.exit)
    won = priced & ~level & ((contracts.exit > contracts.entry) == (contracts.direction > 0))
    lost = priced & ~won & ~level
    if tie != "push":
        won, lost = (won | level, lost) if tie == "win" else (won, lost | level)
        level = np.zeros(len(contracts), np.bool_)
    noted = priced & np.isfinite(contracts.payout) & (contracts.payout > 0)
    decided = noted & ~level
    order = np.argsort(contracts.expiry, kind="stable")
    each = order[noted[order]]
    returns = np.where(won[each], contracts.payout[each], np.where(lost[each], -1.0, 0.0))
    gathered = slots(contracts.expiry[each], np.ones(len(each)), returns, contracts.payout[each])
    return Tally(
        bars=len(contracts),
        sided=int(sided.sum()),
        won=int(won.sum()),
        lost=int(lost.sum()),
        ties=int(level.sum()),
        no_price=int((sided & contracts.known & ~priced).sum()),
        not_known=int((sided & ~contracts.known).sum()),
        no_payout=int((priced & ~noted).sum()),
        rate=WinRate(
            wins=int((won & noted).sum()),
            losses=int((lost & noted).sum()),
            ties=int((level & noted).sum()),
            payouts=_mix(contracts.payout[decided]),
            effective=_effective(contracts.expiry[decided], won[decided]),
        ),
        mean=float(returns.mean()) if len(returns) else None,
        interval=expectancy_interval(gathered),
    )


def _mix(payouts: Floats) -> PayoutMix:
    ratios, counts = np.unique(payouts, return_counts=True)
    winnable = (count * Decimal(str(ratio)) for ratio, count in zip(ratios.tolist(), counts.tolist(), strict=True))
    return PayoutMix(Decimal(len(payouts)), sum(winnable, Decimal(0)))


def _effective(expiry: Stamps, won: Flags) -> float | None:
    if not len(expiry):
        return None
    found = worth(expiry, won).n
    return found if found < len(expiry) else None
