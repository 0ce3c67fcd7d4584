"""The life of an account's connection, as a table that refuses every move it does not name.

Nothing here waits or talks: it says what follows from what happened. A login that was refused costs one attempt; one
that ran out is made anew once; what the network breaks is tried again, later and later.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.connections.backoff import Backoff
from pipeline.connections.troubles import CallFailed
from pipeline.errors import MoonlightError
from pipeline.evidence import StandingState
from pipeline.times import MINUTE

MOVES: Mapping[StandingState, frozenset[StandingState]] = {
    "DISCONNECTED": frozenset({"AUTHENTICATING"}),
    "AUTHENTICATING": frozenset({"CONNECTED", "REAUTH", "RECONNECT", "READ_ONLY", "REFUSED"}),
    "CONNECTED": frozenset({"REAUTH", "RECONNECT", "READ_ONLY", "REFUSED"}),
    "REAUTH": frozenset({"CONNECTED", "RECONNECT", "READ_ONLY", "REFUSED"}),
    "RECONNECT": frozenset({"CONNECTED", "REAUTH", "READ_ONLY", "REFUSED"}),
    "READ_ONLY": frozenset({"CONNECTED", "REAUTH", "RECONNECT", "REFUSED"}),
    "REFUSED": frozenset({"AUTHENTICATING"}),
}

GOOD = MINUTE
"""A connection that held for so long was a good one: what went wrong before it counts no more."""
STRANGE = 5
"""So many connections in a row may end with what nobody understands."""
LONGEST = 900.0
"""No venue is waited for longer than this (s) before it is asked again, whatever it says."""


class IllegalMove(MoonlightError):
    """A connection was told to go where its state does not lead."""


class Step(NamedTuple):
    """Where an account stands now, why, and after how many seconds it is tried again (None: not by itself)."""

    state: StandingState
    reason: str
    wait: float | None


class Course:
    """One account's way through the states."""

    def __init__(self, waits: Backoff) -> None:
        self.state: StandingState = "DISCONNECTED"
        self.reason = ""
        self._waits = waits
        self._since: int | None = None
        """When the connection that is there was opened."""
        self._anew = False
        """Whether the login was made anew since the last good connection."""
        self._strange = 0
        """How many connections in a row ended with what nobody understands."""

    def begins(self) -> Step:
        """Somebody wants a connection, with a login that was not tried yet."""
        self._waits.good()
        self._since, self._anew, self._strange = None, False, 0
        return self._moved("AUTHENTICATING", "", 0.0)

    def opened(self, at: int) -> Step:
        self._since = at
        return self._moved("CONNECTED", "", None)

    def failed(self, failure: CallFailed, at: int) -> Step:
        """The connection ended, or did not come about."""
        self._forgive(at)
        self._since = None
        what = str(failure)
        if failure.final:
            return self._moved("REFUSED", what, None)
        match failure.kind:
            case "auth" if self._anew:
                return self._moved("REFUSED", f"{what}, again after logging in anew", None)
            case "auth":
                self._anew = True
                return self._moved("REAUTH", what, min(failure.wait or 0.0, LONGEST))
            case "maintenance":
                return self._moved("READ_ONLY", what, self._wait(failure))
            case "format" | "rule":
                self._strange += 1
                if self._strange > STRANGE:
                    return self._moved("REFUSED", f"{self._strange} connections in a row ended so: {what}", None)
                return self._moved("RECONNECT", what, self._wait(failure))
            case "throttle" | "network":
                return self._moved("RECONNECT", what, self._wait(failure))

    def rests(self, failure: CallFailed, at: int) -> Step:
        """The venue takes no orders for a while, though the connection holds."""
        self._forgive(at)
        return self._moved("READ_ONLY", str(failure), self._wait(failure))

    def still_rests(self) -> float:
        """After how many seconds it is asked once more whether it takes orders again."""
        return self._waits.failed() or LONGEST

    def resumes(self, at: int) -> Step:
        self._since = at
        return self._moved("CONNECTED", "", None)

    def refused(self, reason: str) -> Step:
        """Nothing more can be done by itself."""
        self._since = None
        return self._moved("REFUSED", reason, None)

    def _forgive(self, at: int) -> None:
        """A clock that was set back meanwhile does not make a good connection a bad one."""
        if self._since is not None and abs(at - self._since) >= GOOD:
            self._waits.good()
            self._anew, self._strange = False, 0

    def _wait(self, failure: CallFailed) -> float:
        return min(max(self.still_rests(), failure.wait or 0.0), LONGEST)

    def _moved(self, state: StandingState, reason: str, wait: float | None) -> Step:
        if state != self.state and state not in MOVES[self.state]:
            raise IllegalMove(f"the connection is {self.state} and cannot become {state}")
        self.state, self.reason = state, reason
        return Step(state, reason, wait)
