"""How far a venue's clock is from ours, as well as that can be known from answers that take their time."""

from collections import deque
from statistics import median
from typing import NamedTuple

from pipeline.times import SECOND

PROBES = 9
SLOWEST = 5 * SECOND
"""An answer that took longer says nothing about a clock."""
DRIFT = SECOND
"""Clocks do not drift further apart between two looks: if they are, one was set."""
HALF = SECOND // 2
"""A `Date` header tells whole seconds only: half of one is in doubt."""


class Probe(NamedTuple):
    """One look at the other's clock: so far ahead of ours, give or take."""

    ahead: float
    doubt: float


class Offset:
    """The venue's clock against ours, from the last looks at it: all moments are ms, ours on the flow's clock."""

    def __init__(self, probes: int = PROBES) -> None:
        self._probes = deque[Probe](maxlen=probes)
        self._were_apart = False

    @property
    def known(self) -> bool:
        return bool(self._probes)

    @property
    def ms(self) -> int:
        """How far theirs is ahead of ours: the middle of the best looks; 0 while nothing is known."""
        best = self._best()
        return round(median(each.ahead for each in best)) if best else 0

    @property
    def doubt(self) -> int:
        """How wrong `ms` may be."""
        return round(min((each.doubt for each in self._probes), default=0.0))

    def asked(self, theirs: int, sent: int, received: int) -> None:
        """They told their time in answer to a question."""
        if 0 <= received - sent <= SLOWEST:
            self._take(Probe(theirs - (sent + received) / 2, (received - sent) / 2))

    def dated(self, second: int, sent: int, received: int) -> None:
        """An answer was stamped with a whole second."""
        if 0 <= received - sent <= SLOWEST:
            self._take(Probe(second + HALF - (sent + received) / 2, (received - sent) / 2 + HALF))

    def apart(self, limit: int) -> bool:
        """Whether the clocks are certainly further apart than so many ms."""
        return abs(self.ms) - self.doubt > limit

    def parted(self, limit: int) -> bool:
        """Whether they came apart since this was asked before: true once, and again only after they agreed."""
        were, self._were_apart = self._were_apart, self.apart(limit)
        return self._were_apart and not were

    def _take(self, probe: Probe) -> None:
        """A look is no further wrong than its doubt: those that it contradicts are of before a clock was set."""
        if any(abs(each.ahead - probe.ahead) > each.doubt + probe.doubt + DRIFT for each in self._probes):
            self._probes.clear()
        self._probes.append(probe)

    def _best(self) -> list[Probe]:
        """Those that are not much more doubtful than the least doubtful."""
        least = min((each.doubt for each in self._probes), default=0.0)
        return [each for each in self._probes if each.doubt <= 2 * least + 1]
