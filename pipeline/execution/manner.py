"""How an executor goes about it, and what stops it."""

from typing import NamedTuple

from pipeline.lifecycle import deciding, in_force
from pipeline.values import Key, Latch, Switched


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
        self._switched: tuple[Switched, ...] = ()

    def take(self, told: Latch | Switched) -> None:
        if isinstance(told, Switched):
            self._switched = in_force((*self._switched, told))
        elif told.on:
            self._held.setdefault(told.scope, told)
        else:
            self._held.pop(told.scope, None)

    def on(self, key: Key) -> str:
        """Why nothing is sent for a key; nothing when it may be."""
        if self.leaving:
            return "the program is about to end"
        latch = self._held.get("") or self._held.get(key.account)
        if latch is not None:
            return f"a stop holds: {latch.reason} ({latch.by})"
        switched = deciding(self._switched, key)
        if switched is not None and not switched.says(key):
            return f"the key is stopped: {switched.reason} ({switched.by})"
        return ""
