"""How often a product is quoted: how long its usual silence is, by its own past alone."""

from pipeline.calendar import Calendar
from pipeline.times import MINUTE

ENOUGH = 20
"""Quotes that must have followed others before anything is said to be usual."""
WEIGHT = 0.05
"""What the last minute with quotes counts: a quarter of an hour changes half of what is usual."""
LEAP = 2.0
"""No minute counts as more than so many times what was usual: a broken feed teaches little."""
QUIET, STALE = 5, 10
"""So many usual silences make a product quiet, and so many stale, where the keys do not say longer."""
UNKNOWN = 10
"""Of a product whose rhythm is not known, silence is suffered so many times longer."""


class Rhythm:
    """The usual time between two quotes, as it was at each of them."""

    __slots__ = (
        "_calendar",
        "_closes",
        "_count",
        "_least",
        "_mark",
        "_opens",
        "_seen",
        "_usual",
        "minute",
        "quiet",
        "stale",
    )

    def __init__(self, calendar: Calendar, quiet_after: int, stale_after: int) -> None:
        self._calendar, self._least = calendar, (quiet_after, stale_after)
        self._mark = self._opens = self._closes = 0
        self.minute = -1
        """The minute that is being counted; -1 before the first quote."""
        self._count = self._seen = 0
        self._usual = 0.0
        self.quiet = quiet_after
        self.stale = max(quiet_after, UNKNOWN * stale_after)
        """After how long without a quote (ms) a product is quiet, and after how long it may be stale."""

    def count(self, quotes: int) -> None:
        """More quotes of the minute being counted."""
        self._count += quotes

    def turn(self, at: int) -> None:
        """The first quote of a minute."""
        count, passed = self._count + 1, at - self._mark
        if self.minute >= 0 and self._open_since(self._mark, at):
            self._learn(passed / count, count)
        self._mark, self._count, self.minute = at, 0, at // MINUTE

    def usual_within(self, span: int) -> bool:
        """Whether so short a span is known to have several quotes."""
        return self._seen >= ENOUGH and 2 * self._usual <= span

    def _learn(self, gap: float, count: int) -> None:
        if self._usual == 0.0:
            self._usual = gap
        else:
            self._usual += WEIGHT * (min(gap, LEAP * self._usual) - self._usual)
        self._seen += count
        if self._seen >= ENOUGH:
            quiet_after, stale_after = self._least
            self.quiet = max(quiet_after, int(QUIET * self._usual))
            self.stale = max(self.quiet, stale_after, int(STALE * self._usual))

    def _open_since(self, since: int, at: int) -> bool:
        """Whether the market was open all the time: what it did while it was closed says nothing."""
        if not self._opens <= since < self._closes:
            edges = self._calendar.edges
            passed = int(edges.searchsorted(since, side="right"))
            if passed % 2 == 0:
                return False
            self._opens, self._closes = int(edges[passed - 1]), int(edges[passed])
        return at < self._closes
