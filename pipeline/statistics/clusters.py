"""Trades that end together are not so many proofs: how far they go the same way, and how many that leaves."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.statistics.shares import effective_n
from pipeline.values import Flags, Floats, Stamps

LEAST_PAIRS = 30
"""With fewer pairs of trades in one slot their correlation is anybody's guess, so it is taken as 1."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Trades gathered by the moment they expire, in time order: one row a slot."""

    at: Stamps
    first: Stamps
    """Where each slot's trades begin; the trades are in order of their slots."""
    trades: Stamps
    staked: Floats
    profit: Floats
    most: Floats
    """The stake-weighted payout: what the slot brings per stake when all is won."""

    def __len__(self) -> int:
        return len(self.at)

    @property
    def returns(self) -> Floats:
        """Net return per stake of each slot."""
        return self.profit / self.staked


def slots(expiry: Stamps, stake: Floats, profit: Floats, payout: Floats) -> Slots:
    """Slots of trades that come in the order of their expiries."""
    if len(expiry) and (np.diff(expiry) < 0).any():
        raise ValueError("trades come in the order in which they expire; sort them first")
    if not (stake > 0).all():
        raise ValueError("every trade has a stake above 0; leave the others out")
    at, first, trades = np.unique(expiry, return_index=True, return_counts=True)
    if not len(at):
        none = np.zeros(0)
        return Slots(at, first, trades, none, none, none)
    staked, profits, most = (np.add.reduceat(column, first) for column in (stake, profit, stake * payout))
    return Slots(at, first, trades, staked, profits, most / staked)


class Worth(NamedTuple):
    """How many independent trades so many are worth, and the correlation within a slot that says so."""

    n: float
    correlation: float
    pairs: int


def worth(expiry: Stamps, won: Flags) -> Worth:
    """Of decided trades. A negative correlation is taken as none: it would make more of them than there are."""
    where, sizes = np.unique(expiry, return_inverse=True, return_counts=True)[1:]
    pairs = int((sizes * (sizes - 1)).sum()) // 2
    correlation = _correlation(where, won, pairs)
    return Worth(effective_n(sizes.tolist(), correlation), correlation, pairs)


def _correlation(where: Stamps, won: Flags, pairs: int) -> float:
    """The mean product of two deviations in one slot, over the variance."""
    if not pairs:
        return 0.0
    share = float(won.mean())
    variance = share * (1 - share)
    if pairs < LEAST_PAIRS or variance == 0:
        return 1.0
    away = won - share
    together = (np.bincount(where, away) ** 2 - np.bincount(where, away**2)).sum() / 2 / pairs
    return min(1.0, max(0.0, float(together) / variance))
