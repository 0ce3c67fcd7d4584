"""When somebody must be woken: the earliest first, of one moment in the order in which they were set."""

from collections.abc import Iterator
from heapq import heappop, heappush

Whose = tuple[str, str]
"""An account and one of its orders; "" for the account itself."""


class Alarms:
    """One alarm each; setting it anew forgets the one before."""

    def __init__(self) -> None:
        self._moments: dict[Whose, tuple[int, int]] = {}
        self._heap: list[tuple[int, int, Whose]] = []
        self._sequence = 0

    @property
    def due(self) -> int | None:
        heap = self._heap
        while heap and self._moments.get(heap[0][2]) != heap[0][:2]:
            heappop(heap)
        return heap[0][0] if heap else None

    def set(self, whose: Whose, moment: int) -> None:
        self._sequence += 1
        self._moments[whose] = (moment, self._sequence)
        heappush(self._heap, (moment, self._sequence, whose))

    def at(self, whose: Whose) -> int | None:
        """For when it is set."""
        found = self._moments.get(whose)
        return None if found is None else found[0]

    def clear(self, whose: Whose) -> None:
        self._moments.pop(whose, None)

    def rung(self, at: int) -> Iterator[Whose]:
        """Those whose moment has come, each taken off; also what is set meanwhile for a moment that has come."""
        while (due := self.due) is not None and due <= at:
            whose = heappop(self._heap)[2]
            del self._moments[whose]
            yield whose
