"""How an executor goes about it, and what stops it."""

from typing import NamedTuple

from pipeline.values import Latch


class Manner(NamedTuple):
    """How long to wait for what (ms), and how often to try."""

    cutoff: int
    """Nothing is sent later than this before its slot ends."""
    answer: int
    settle: int
    """How long after its expiry a contract's end may be told."""
    ask: int
    """How often to ask while something is in doubt."""
    reconcile: int
    """How often to ask when all is quiet; 0 not at all."""
    unknown: int
    """How long an overdue end is asked for until it counts as unknown, and how long to ask often."""
    retry: int
    """How long to wait before what did not leave is tried again, the first time."""
    retries: int
    most_unknown: int


class Stops:
    """What lets nothing be sent: stops that hold, and that the program is about to end."""

    def __init__(self) -> None:
        self.leaving = False
        self._held: dict[str, Latch] = {}

    def take(self, latch: Latch) -> None:
        if latch.on:
            self._held.setdefault(latch.scope, latch)
        else:
            self._held.pop(latch.scope, None)

    def on(self, account: str) -> str:
        """Why nothing is sent for an account; nothing when it may be."""
        if self.leaving:
            return "the program is about to end"
        latch = self._held.get("") or self._held.get(account)
        return f"a stop holds: {latch.reason} ({latch.by})" if latch is not None else ""
