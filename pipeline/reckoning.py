"""What the bars of a replay would have paid, by account and verdict: kept as columns, counted at the end."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.daybook import TRADE
from pipeline.hindsight import Contracts, Tally, tally
from pipeline.settlement import Tie
from pipeline.values import Decisions, Floats, Key, Outcomes, Small, Stamps, Stream


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Of decided bars what is needed of them; `verdict` indexes the gates, -1 is a trade."""

    bars: Stamps
    gates: tuple[str, ...]
    verdict: Small
    direction: Small
    payout: Floats


class Reckoning:
    """Every decision and every outcome of a replay."""

    def __init__(self) -> None:
        self._names: list[str] = [TRADE]
        self._decided: dict[Key, list[Decided]] = {}
        self._outcomes: dict[Stream, list[Outcomes]] = {}

    def decide(self, decisions: Decisions) -> None:
        rows = Decided(decisions.open_ts, decisions.gates, decisions.verdict, decisions.direction, decisions.payout)
        self._decided.setdefault(decisions.key, []).append(rows)

    def outcome(self, outcomes: Outcomes) -> None:
        self._outcomes.setdefault(Stream(outcomes.product, outcomes.tf), []).append(outcomes)

    def tallies(self, ties: Mapping[str, Tie]) -> Iterator[tuple[str, dict[str, Tally]]]:
        """By account, what the bars of each verdict would have paid; trades first, then by how many bars it has."""
        for account in sorted({key.account for key in self._decided}):
            keys = [key for key in self._decided if key.account == account]
            verdict = np.concatenate([self._numbered(each) for key in keys for each in self._decided[key]])
            contracts = Contracts.joined(self._contracts(key) for key in keys)
            counts = np.bincount(verdict, minlength=len(self._names))
            order = [0, *(number for number in np.argsort(-counts, kind="stable").tolist() if number)]
            yield (
                account,
                {
                    self._names[number]: tally(contracts.chosen(verdict == number), ties.get(account, "push"))
                    for number in order
                    if counts[number]
                },
            )

    def _numbered(self, decided: Decided) -> Small:
        """Which of the names each verdict is; 0 is a trade."""
        self._names += [gate for gate in decided.gates if gate not in self._names]
        return np.array([0, *map(self._names.index, decided.gates)], np.int8)[decided.verdict + 1]

    def _contracts(self, key: Key) -> Contracts:
        decided = self._decided[key]
        bars = np.concatenate([each.bars for each in decided])
        outcomes = self._outcomes.get(Stream(key.product, key.tf), [])
        known = np.zeros(len(bars), np.bool_)
        entry = exit_ = np.full(len(bars), np.nan)
        if outcomes:
            settled = np.concatenate([each.open_ts for each in outcomes])
            order = np.argsort(settled, kind="stable")
            row = order[np.minimum(np.searchsorted(settled[order], bars), len(order) - 1)]
            known = settled[row] == bars
            entry, exit_ = (
                np.where(known, np.concatenate([getattr(each, name) for each in outcomes])[row], np.nan)
                for name in ("entry", "exit")
            )
        return Contracts(
            direction=np.concatenate([each.direction for each in decided]),
            payout=np.concatenate([each.payout for each in decided]),
            entry=entry,
            exit=exit_,
            known=known,
            expiry=bars + 2 * key.tf,
        )
