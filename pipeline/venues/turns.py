"""What is planned, by moment."""

from collections.abc import Callable
from heapq import heappop, heappush

Act = Callable[[], object]


class Turns:
    """Acts at moments. Of one moment what was planned first goes first; what is to go last goes after all others."""

    def __init__(self) -> None:
        self._planned: list[tuple[int, bool, int, Act]] = []
        self._count = 0
        self.promised = 0
        """How many acts are planned that somebody waits for."""

    @property
    def due(self) -> int | None:
        """When the next act is to happen."""
        return self._planned[0][0] if self._planned else None

    def plan(self, moment: int, act: Act, *, last: bool = False) -> None:
        self._count += 1
        heappush(self._planned, (moment, last, self._count, act))

    def promise(self, moment: int, act: Act, *, last: bool = False) -> None:
        """Plan an act that somebody waits for."""
        self.promised += 1

        def happens() -> None:
            self.promised -= 1
            act()

        self.plan(moment, happens, last=last)

    def happen(self, until: int) -> None:
        """Let everything happen that is planned up to a moment, and what that plans up to then."""
        planned = self._planned
        while planned and planned[0][0] <= until:
            heappop(planned)[3]()
