"""A failing world made smaller: a shorter storm of fewer faults that still breaks what the first one broke."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.sim.storms import Strike
from pipeline.sim.world import Outcome, Terms

Runs = Callable[[Terms], Outcome]
MOST_RUNS = 80
"""So many worlds are tried at the most."""


class Shrinking:
    """Tries smaller worlds, and keeps the smallest that still fails in the same way."""

    def __init__(self, runs: Runs, terms: Terms, failing: Outcome) -> None:
        self.terms = replace(terms, seed=failing.seed, only=failing.struck)
        self.outcome = failing
        self._runs, self._left = runs, MOST_RUNS
        self._what = kinds_of_violations(failing)

    def shrunk(self) -> Terms:
        """The smallest terms that were found; the first ones when a world does not fail again."""
        if not self._fails(self.terms):
            return self.terms
        self._shorten()
        self._drop()
        self._shorten()
        return self.terms

    def _shorten(self) -> None:
        minutes = self.terms.minutes
        step = minutes // 2
        while step >= 1 and self._left:
            if minutes - step >= 1 and self._fails(replace(self.terms, minutes=minutes - step)):
                minutes -= step
            step = min(step // 2, minutes // 2) if step > 1 else 0

    def _drop(self) -> None:
        """Leave out faults, many at a time, then fewer."""
        size = max(1, len(self.terms.only or ()) // 2)
        while self._left:
            dropped = self._drop_by(size)
            if size == 1 and not dropped:
                return
            size = max(1, size // 2)

    def _drop_by(self, size: int) -> bool:
        dropped, start = False, 0
        while start < len(strikes := self.terms.only or ()) and self._left:
            fewer = (*strikes[:start], *strikes[start + size :])
            if self._fails(replace(self.terms, only=fewer)):
                dropped = True
            else:
                start += size
        return dropped

    def _fails(self, terms: Terms) -> bool:
        """Whether a world fails as the first one did; then it is the smallest so far."""
        self._left -= 1
        outcome = self._runs(terms)
        if not self._what & kinds_of_violations(outcome):
            return False
        strikes: Sequence[Strike] = outcome.struck
        self.terms, self.outcome = replace(terms, only=tuple(strikes)), outcome
        return True


def kinds_of_violations(outcome: Outcome) -> set[str]:
    return {violation.split(":", 1)[0] for violation in outcome.violations}
