"""How long no price came, and what that means: nothing in a closed market, more and more in an open one."""

from typing import Literal

Verdict = Literal["nothing", "silent", "again", "lost"]
"""silent: it is told. again: prices are to be subscribed to anew. lost: that did not help."""


class Silence:
    """The silence of one session, in ms of the clock it is told."""

    def __init__(self, silent_after: int, lost_after: int) -> None:
        self._silent_after, self._lost_after = silent_after, lost_after
        self._since = 0
        self._strikes = 0
        """How often it was long enough to do something about it, since the last price."""

    def heard(self, now: int) -> None:
        """A price came, or none was to be expected."""
        self._since, self._strikes = now, 0

    def anew(self, now: int) -> None:
        """Prices were subscribed to: they have as long as at first to come."""
        self._since = now

    def due(self, now: int) -> int:
        """When it means something next."""
        silent = self._since + self._silent_after
        return silent if silent > now else self._since + self._lost_after

    def judge(self, now: int, *, expected: bool) -> Verdict:
        """What it means by now; `expected`: whether prices should come."""
        if not expected:
            self.heard(now)
            return "nothing"
        quiet = now - self._since
        if quiet >= self._lost_after:
            self._strikes += 1
            self._since = now
            return "again" if self._strikes == 1 else "lost"
        return "silent" if quiet >= self._silent_after else "nothing"
