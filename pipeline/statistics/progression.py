"""Raising the stake after a loss: how it ends, by exact computation rather than by a simulation.

A progression is a row of stakes: after a loss comes the next, after a win the first again. It does not change what a
trade is worth (the stakes are only larger where the streak is bad); what it changes is how soon the bankroll is gone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from pipeline.statistics.shares import break_even
from pipeline.statistics.walking import Row, Walk, walked

CENT = Decimal("0.01")
RICH = 16
"""Who has so many times the first bankroll, and all first stakes' wins beside, is taken as safe for good."""
MOST_STAKES = 256
"""After so many losses in a row a progression without end begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progression:
    """A way of staking: the first stake, and what it is multiplied by.

    One multiplier raises every stake by it after a loss, without end. Several are the stakes themselves as multiples of
    the base, the first of them 1; after the last lost one they begin anew. Stakes and wins are whole cents.
    """

    base: Decimal
    multiplier: float | Sequence[float]
    bankroll: Decimal
    payout: float

    def __post_init__(self) -> None:
        several = self.multiplier if isinstance(self.multiplier, Sequence) else (self.multiplier,)
        if not (self.base >= CENT and self.base.is_finite() and self.bankroll.is_finite() and self.bankroll >= 0):
            raise ValueError(
                f"a base stake is at least a cent and a bankroll not negative: {self.base}, {self.bankroll}"
            )
        if not several or not all(0 < each < 1e9 for each in several):
            raise ValueError(f"multipliers are numbers above 0, not {self.multiplier}")
        if not isinstance(self.multiplier, Sequence) and self.multiplier < 1:
            raise ValueError(
                f"a stake that falls without end is not followed; write the stakes out, not {self.multiplier}"
            )
        break_even(self.payout)

    def stakes(self, most: Decimal | None = None) -> tuple[Decimal, ...]:
        """The stakes after 0, 1, 2 … losses in a row; those that one could place with `most`, and one more."""
        if isinstance(self.multiplier, Sequence):
            return tuple(max(CENT, _cents(self.base * Decimal(str(each)))) for each in self.multiplier)
        most = self.bankroll if most is None else most
        made = [self.base]
        spent, raised = self.base, self.base
        while self.multiplier != 1 and spent <= most and len(made) < MOST_STAKES:
            raised *= Decimal(str(self.multiplier))
            made.append(max(CENT, _cents(raised)))
            spent += made[-1]
        return tuple(made)

    def losses_to_ruin(self) -> tuple[int, Decimal, Decimal] | None:
        """How many losses in a row from now leave too little for the next stake, what they cost, and that stake.

        None where the stakes begin anew before.
        """
        spent = Decimal(0)
        for losses, stake in enumerate(self.stakes()):
            if spent + stake > self.bankroll:
                return losses, spent, stake
            spent += stake
        return None

    def walk(self, trades: int, share: float | None = None) -> Walk:
        """Where the bankroll may stand after so many trades won with chance `share` (break-even when left out)."""
        share = break_even(self.payout) if share is None else share
        if not (trades >= 1 and 0 <= share <= 1):
            raise ValueError(f"a walk takes at least one trade, won with a chance of 0 to 1, not {trades} and {share}")
        ceiling = RICH * self.bankroll + trades * self._win(self.base)
        stakes = self.stakes(ceiling)
        row = Row(
            bankroll=_whole(self.bankroll),
            stakes=tuple(_whole(stake) for stake in stakes),
            wins=tuple(_whole(self._win(stake)) for stake in stakes),
            anew=isinstance(self.multiplier, Sequence) or self.multiplier == 1 or len(stakes) == MOST_STAKES,
            ceiling=_whole(ceiling),
        )
        return walked(row, trades, share)

    def flat(self) -> "Progression":
        """The same without raising."""
        return Progression(base=self.base, multiplier=(1.0,), bankroll=self.bankroll, payout=self.payout)

    def sentence(self, trades: int = 1_000, share: float | None = None) -> str:
        """What it comes to, for a person."""
        chance = self.walk(trades, share).ruin[-1]
        won = "break-even" if share is None else f"a win rate of {share:.1%}".replace("%", " %")
        coming = f"the chance of a stake one cannot place within {trades:,} trades is {_rounded(chance)} at {won}"
        plain = self.flat().walk(trades, share).ruin[-1]
        end = f"{coming}, with flat stakes {_rounded(plain)}; no row of stakes changes what a trade is worth"
        if (run := self.losses_to_ruin()) is None:
            return end
        losses, spent, stake = run
        row = f"{losses} losses in a row cost {spent:,} of {self.bankroll:,} and the next stake would be {stake:,}"
        return f"{row}; {end}"

    def _win(self, stake: Decimal) -> Decimal:
        return _cents(stake * Decimal(str(self.payout)))


def _rounded(chance: float) -> str:
    """A chance in whole parts of a hundred; one that there is, is never none of them, and one short of sure not all."""
    if 0 < chance < 0.005:
        return "below 1 %"
    if 0.995 <= chance < 1:
        return "above 99 %"
    return f"{chance:.0%}".replace("%", " %")


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)


def _whole(amount: Decimal) -> int:
    return int(amount / CENT)
