"""What trades came to, by the moments at which it was known: sums, falls and runs over the time that a limit looks at.

Only the last month is looked at, so that a start from the ledger knows as much as a run that never ended. In whatever
order results are told, the answers are the same.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from operators.risk.trades import Ended, Trades
from pipeline.times import DAY

MEMORY = 30 * DAY
"""Results older than this count for nothing any more."""
SLACK = DAY
"""For so long they are still kept, since moments may be asked about that have passed."""
MOST = 100
"""So many losses in a row are counted."""
NOTHING = Decimal(0)


class Tally(NamedTuple):
    """What a stretch of time came to."""

    profit: Decimal
    fall: Decimal
    """From the highest the sum ever stood in it, its beginning included."""
    least: Decimal
    """The smallest of the sums from its beginning, or from later ones on, to the end."""
    trades: int


class Results:
    """The results of one account, of one key, or of all accounts together."""

    def __init__(self) -> None:
        self._ended = Trades()
        self._known: dict[tuple[int, int], Tally] = {}

    def add(self, ended: Ended) -> None:
        self._ended.add(ended)
        self._ended.forget(self._ended.at[-1] - MEMORY - SLACK + 1)
        self._known.clear()

    def tally(self, since: int, least_since: int | None = None) -> Tally:
        """What came about from a moment on; its `least` looks at beginnings up to another moment."""
        first = self._ended.first(since)
        last = first if least_since is None else max(first, self._ended.first(least_since))
        known = self._known.get((first, last))
        if known is None:
            known = self._known[first, last] = self._summed(first, last)
        return known

    def losses(self, since: int) -> int:
        """How many trades in a row were lost, up to now, of those from a moment on."""
        found = 0
        for at, result in zip(reversed(self._ended.at), reversed(self._ended.results), strict=True):
            if at < since or result == "win" or found == MOST:
                break
            found += result == "lose"
        return found

    def _summed(self, first: int, last: int) -> Tally:
        later, fall, least = NOTHING, NOTHING, None
        profits = self._ended.profits
        for number in range(len(profits), first - 1, -1):
            later += profits[number] if number < len(profits) else NOTHING
            fall = min(fall, later)
            if number <= last:
                least = later if least is None else min(least, later)
        return Tally(later, -fall, NOTHING if least is None else least, len(profits) - first)


class Rests:
    """The losses in a row of one key, and until when it rests for them."""

    def __init__(self, rest: Callable[[int, int], int]) -> None:
        """`rest` says until when to rest after a loss at a moment, the how manieth in a row it is."""
        self._rest = rest
        self._ended = Trades()
        self._lost: list[int] = []
        self.until = 0

    def add(self, ended: Ended) -> None:
        if not self._ended.add(ended):
            self._lost, self.until = [], 0
            for each in self._ended:
                self._count(each)
            return
        self._ended.forget(ended.at - MEMORY - SLACK + 1)
        self._count(ended)

    def under(self, rest: Callable[[int, int], int], *, same: bool) -> "Rests":
        """What is known here, under another rule, or under the `same` one that somebody else says."""
        other = Rests(rest)
        if same:
            other._ended, other._lost, other.until = self._ended.copy(), list(self._lost), self.until
        else:
            for ended in self._ended:
                other.add(ended)
        return other

    @property
    def ended(self) -> Iterable[Ended]:
        """The trades it knows, in order."""
        return self._ended

    def losses(self, at: int) -> int:
        """How many there are at a moment: a win ends them, what is neither won nor lost leaves them."""
        return len(self._lost) - bisect_left(self._lost, at - MEMORY + 1)

    def _count(self, ended: Ended) -> None:
        if ended.result == "win":
            self._lost = []
        elif ended.result == "lose":
            self._lost = [*self._lost[1 - MOST :], ended.at]
            self.until = max(self.until, self._rest(ended.at, self.losses(ended.at)))
