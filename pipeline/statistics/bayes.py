"""What one should believe of a win rate, for two who began with different beliefs.

The flat prior says what the data alone say. The sceptical one is for who knows that most rules on minutes are noise:
before any trade it has seen 500 wins and 500 losses, which is one half give or take 1.6 percentage points.
"""

from dataclasses import dataclass

from pipeline.statistics.distributions import beta_below


@dataclass(frozen=True, slots=True)
class Prior:
    """A belief of a share before the trades, as a Beta distribution: as if so many had been won and lost already."""

    wins: int
    losses: int
    said: str

    def above(self, share: float, wins: float, losses: float) -> float:
        """The chance that the true share lies above `share`, after these trades. Counts may be effective numbers."""
        if min(wins, losses) < 0:
            raise ValueError(f"a count cannot be negative: {wins} wins, {losses} losses")
        return beta_below(1 - share, self.losses + losses, self.wins + wins)


FLAT = Prior(1, 1, "flat prior")
SCEPTICAL = Prior(500, 500, "sceptical prior: 50 % give or take 1.6 pp")
