"""Numbers that a broker gives to what it tells, so that what is lost or told twice is seen."""

from typing import Literal

Seen = Literal["next", "again", "gap"]


class Sequence:
    """The numbers of one subscription; the first is 1."""

    def __init__(self) -> None:
        self._last = 0

    def take(self, number: int) -> Seen:
        """Whether it is the next one, one of before, or comes after some that are missing (and counts as told)."""
        if number <= self._last:
            return "again"
        missing = number > self._last + 1
        self._last = number
        return "gap" if missing else "next"
