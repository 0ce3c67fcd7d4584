"""How the way to the venue is, for one account: how long answers take of late, and how often orders go wrong."""

from array import array
from bisect import bisect_left, bisect_right, insort
from typing import NamedTuple

from pipeline.times import DAY
from pipeline.values import Move, Order

WRONG = frozenset({"ABORT", "UNKNOWN", "UNKNOWN_RESULT"})
"""States that say that something went wrong with an order."""
ON_THE_WAY = frozenset({"PREPARE", "SEND", "SEND_RETRY"})
KEPT = 2 * DAY
"""So far back a start from the ledger knows what became of orders."""


class Storm(NamedTuple):
    """What counts as a storm of errors, and how long to rest after one (ms)."""

    errors: int
    within: int
    rest: int


class Line:
    """What is known of the way of one account's orders, folded from what became of them."""

    def __init__(self, storm: Storm | None, within: int) -> None:
        """`within`: answers older than this (ms) are forgotten."""
        self._storm, self._within = storm, within
        self._sent: dict[str, int] = {}
        self._answered, self._took = array("q"), array("q")
        """When answers came, in order, and how long each took."""
        self._wrong: list[int] = []
        self.until = 0
        """Until when to rest after the last storm."""

    def under(self, storm: Storm | None, within: int) -> "Line":
        """What is known of the way, with another idea of a storm."""
        other = Line(storm, within)
        other._sent, other._wrong = dict(self._sent), list(self._wrong)
        other._answered, other._took = self._answered[:], self._took[:]
        if storm is not None:
            for at in other._wrong:
                other._rest_after(at, storm)
        return other

    def take(self, move: Move | Order) -> None:
        if move.state == "SEND":
            self._sent.setdefault(move.order, move.at)
        if move.state in ON_THE_WAY:
            return
        sent = self._sent.pop(move.order, None)
        if sent is not None and move.cause != "not_sent":
            self._answer(move.at, move.at - sent)
        if move.state in WRONG:
            insort(self._wrong, move.at)
            del self._wrong[: bisect_left(self._wrong, self._wrong[-1] - KEPT)]
            if self._storm is not None:
                self._rest_after(move.at, self._storm)

    def latency(self, at: int) -> float:
        """The mean of how long the answers took that came within the time looked at, in ms; 0 without one.

        An order that waits for its answer longer than that counts for as long as it waits.
        """
        recent = self._took[bisect_left(self._answered, at - self._within + 1) :]
        mean = sum(recent) / len(recent) if recent else 0.0
        return max(mean, max((at - sent for sent in self._sent.values()), default=0))

    def _answer(self, at: int, took: int) -> None:
        row = bisect_right(self._answered, at)
        self._answered.insert(row, at)
        self._took.insert(row, took)
        old = bisect_left(self._answered, at - KEPT)
        del self._answered[:old], self._took[:old]

    def _rest_after(self, at: int, storm: Storm) -> None:
        # One told late may make a storm of later ones, too.
        for each in self._wrong[bisect_left(self._wrong, at) :]:
            if self._between(each - storm.within + 1, each) >= storm.errors:
                self.until = max(self.until, each + storm.rest)

    def _between(self, since: int, until: int) -> int:
        return bisect_left(self._wrong, until + 1) - bisect_left(self._wrong, since)
