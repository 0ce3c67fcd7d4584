"""How many independent trades some are worth that end together, kept up as they end.

The same as `statistics.clusters.worth` of all of them, from sums: no trade is kept, and slots only while trades may
still end in them.
"""

from dataclasses import dataclass, replace

from pipeline.statistics.clusters import LEAST_PAIRS
from pipeline.times import DAY

OPEN = 512
"""So many slots may still get trades; the earliest is closed for one more."""
LATE = DAY
"""So much later no trade is told any more to have ended with another."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Over slots of `m` trades of which `w` won: how many trades and wins, and Σ m², Σ m w, Σ w²."""

    n: int = 0
    wins: int = 0
    squares: int = 0
    products: int = 0
    won_squares: int = 0

    @property
    def pairs(self) -> int:
        return (self.squares - self.n) // 2

    @property
    def effective(self) -> float | None:
        """None where no two ended together: then they are worth what they are."""
        if not self.pairs:
            return None
        return self.n * self.n / (self.n + self.correlation * (self.squares - self.n))

    @property
    def correlation(self) -> float:
        """The mean product of two deviations in one slot, over the variance."""
        share = self.wins / self.n
        variance = share * (1 - share)
        if self.pairs < LEAST_PAIRS or variance == 0:
            return 1.0
        within = self.won_squares - 2 * share * self.products + share * share * self.squares
        together = (within - self.n * variance) / 2 / self.pairs
        return min(1.0, max(0.0, together / variance))


class Slots:
    """Takes decided trades by the moment of their expiry."""

    def __init__(self) -> None:
        self.sums = Sums()
        self._open: dict[int, tuple[int, int]] = {}

    def take(self, expiry: int, *, won: bool) -> None:
        m, w = self._open.get(expiry, (0, 0))
        more = m + 1, w + won
        was = self.sums
        self.sums = replace(
            was,
            n=was.n + 1,
            wins=was.wins + won,
            squares=was.squares + more[0] ** 2 - m**2,
            products=was.products + more[0] * more[1] - m * w,
            won_squares=was.won_squares + more[1] ** 2 - w**2,
        )
        self._open[expiry] = more
        while (first := next(iter(self._open))) < expiry - LATE:
            del self._open[first]
        if len(self._open) > OPEN:
            del self._open[min(self._open)]
