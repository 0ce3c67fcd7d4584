"""Which strategies are not asked for a while, as they hogged the program: a fold of their interruptions.

Nothing but the flow's own time moves it, so the same interruptions make the same pauses in a replay.
"""

from dataclasses import dataclass, field

from msgspec import Struct

from pipeline.times import HOUR, MINUTE, SECOND

TIMES = 3
"""So many interruptions in a row, or `WITHIN` so long (ms), are too many."""
WITHIN = MINUTE
FIRST, LONGEST = 30 * SECOND, HOUR
"""How long (ms) the first pause is, each twice the one before, and the longest."""


class Interruption(Struct, frozen=True):
    """A strategy was interrupted over one bar (the newest it was given) after so long (ms)."""

    node: str
    product: str
    tf: int
    bar: int
    millis: int
    where: str = ""


class Resting(Struct, frozen=True):
    """A strategy that hogs the program is not asked before `until`; 0: it is asked again."""

    node: str
    at: int
    until: int
    why: str = ""


@dataclass(slots=True)
class _Record:
    """What is remembered of a strategy that was interrupted."""

    lately: list[int] = field(default_factory=list[int])
    in_a_row: int = 0
    pauses: int = 0
    until: int = 0
    good_since: int | None = None
    """Since when it answers in time after a pause."""


class Pauses:
    """A strategy interrupted again after a pause is paused at once, for twice as long.

    It is forgotten when it has answered in time for as long as its last pause was.
    """

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}

    def until(self, node: str, at: int) -> int:
        """Until when a strategy is not asked; 0: it is."""
        record = self._records.get(node)
        return record.until if record is not None and at < record.until else 0

    def resumed(self, node: str, at: int) -> Resting | None:
        """A strategy is about to be asked; something to tell, when it is so for the first time after a pause."""
        record = self._records.get(node)
        if record is None or not record.until:
            return None
        record.until = 0
        return Resting(node, at, 0)

    def answered(self, node: str, at: int) -> None:
        """In time."""
        record = self._records.get(node)
        if record is None:
            return
        record.in_a_row = 0
        if record.good_since is None:
            record.good_since = at
        if at - record.good_since >= max(WITHIN, _length(record.pauses)):
            del self._records[node]

    def forget(self, node: str) -> None:
        """A strategy is another one now."""
        self._records.pop(node, None)

    def interrupted(self, node: str, at: int) -> Resting | None:
        """Not in time; the pause that this brings on, if it does."""
        record = self._records.setdefault(node, _Record())
        record.in_a_row += 1
        record.good_since = None
        record.lately = [*(each for each in record.lately if at - each <= WITHIN), at]
        often, row = len(record.lately) >= TIMES, record.in_a_row >= TIMES
        if not (record.pauses or often or row):
            return None
        record.pauses += 1
        record.in_a_row, record.lately = 0, []
        record.until = at + _length(record.pauses)
        why = f"{TIMES} times within a minute" if often else f"{TIMES} times in a row"
        return Resting(node, at, record.until, "again after a pause" if record.pauses > 1 else why)


def _length(pauses: int) -> int:
    """Of the last of so many pauses."""
    return min(FIRST << min(pauses - 1, 16), LONGEST) if pauses else 0
