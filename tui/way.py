"""The way one took through the pages: back, forward, and to the last one."""

MOST = 50


class Way:
    """Pages one was on, and where on that way one is now."""

    def __init__(self) -> None:
        self._been: list[str] = []
        self._at = -1
        self.last = ""
        """The page before the one in front, however one came from it; "" at the beginning."""

    def to(self, name: str) -> None:
        """This page is in front now, and what lay ahead is forgotten."""
        if self._been and name == self._been[self._at]:
            return
        self._leave()
        self._been = [*self._been[: self._at + 1], name][-MOST:]
        self._at = len(self._been) - 1

    def step(self, steps: int) -> str | None:
        """So many steps along the way: the page there, or none."""
        at = self._at + steps
        if not 0 <= at < len(self._been):
            return None
        self._leave()
        self._at = at
        return self._been[at]

    def _leave(self) -> None:
        if self._been:
            self.last = self._been[self._at]
