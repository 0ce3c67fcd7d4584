"""The life of a key: one account on one product and timeframe, started and stopped by itself.

A key that is not RUNNING is not traded; what it has open is settled all the same, and every bar of it has its row.
"""

from collections.abc import Iterable, Mapping

from pipeline.times import timeframe_name
from pipeline.values import Held, Key, Life, LifeState, Scope, Switched

__all__ = [
    "EVERY_KEY",
    "MOVES",
    "Held",
    "IllegalMove",
    "Key",
    "Life",
    "LifeState",
    "Scope",
    "Switched",
    "deciding",
    "in_force",
    "moved",
    "named",
]

MOVES: Mapping[LifeState, frozenset[LifeState]] = {
    "INIT": frozenset(("RUNNING", "PAUSED", "RELOAD", "STOPPING", "STOPPED")),
    "RUNNING": frozenset(("PAUSED", "RELOAD", "STOPPING", "STOPPED")),
    "PAUSED": frozenset(("INIT", "RUNNING", "RELOAD", "STOPPING", "STOPPED")),
    "RELOAD": frozenset(("INIT", "PAUSED", "STOPPING", "STOPPED")),
    "STOPPING": frozenset(("INIT", "RUNNING", "PAUSED", "RELOAD", "STOPPED")),
    "STOPPED": frozenset(("INIT", "RUNNING", "PAUSED", "RELOAD", "STOPPING")),
}
"""From where to where. INIT: not yet ready to decide. PAUSED: too many errors in a row, it goes on by itself. RELOAD: a
change of the flow waits for what it has open. STOPPING: stopped, with a contract open. STOPPED: nothing is open; a
contract that somebody else bought on it makes it STOPPING once more."""


EVERY_KEY = Scope()


class IllegalMove(AssertionError):
    """A key was told to go where its state does not lead: a mistake of this program."""


def moved(was: LifeState, to: LifeState) -> LifeState:
    """Where a key goes from a state."""
    if to not in MOVES[was]:
        raise IllegalMove(f"a key is {was} and cannot become {to}")
    return to


def named(which: Key | Scope) -> str:
    """A key or a scope in words: `demo-1 EURUSD 1m`, `EURUSD`, `every key`."""
    words = (which.account, which.product, timeframe_name(which.tf) if which.tf else "")
    return " ".join(filter(None, words)) or "every key"


def in_force(switched: Iterable[Switched]) -> tuple[Switched, ...]:
    """Of what was switched, in order, what still says something of a key: the newest that does decides."""
    kept: list[Switched] = []
    for each in switched:
        of_all = each.only or each.scope == EVERY_KEY
        kept = [] if of_all else [other for other in kept if other.only or not each.scope.covers(other.scope)]
        kept.append(each)
    return tuple(kept)


def deciding(switched: Iterable[Switched], key: Key) -> Switched | None:
    """What says whether a key is to trade, of what was switched in order; nothing where nobody ever said so."""
    return next((each for each in reversed(tuple(switched)) if each.says(key) is not None), None)
