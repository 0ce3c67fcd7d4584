"""What goes wrong is told, but not a thousand times: the same at most once a minute, with how often it came.

What goes on is told less and less often, up to once an hour; once it was quiet for as long, all begins anew.
"""

from collections.abc import Callable

from reactivex.abc import DisposableBase

from pipeline.evidence import Trouble, TroubleKind
from pipeline.host import Host
from pipeline.times import HOUR, MINUTE

MOST = 30
"""So many different troubles of one account or source are told in that time; of others only how many there were."""
LENGTH = 500
"""Characters of a trouble that are told at the most."""


class Telling:
    """The troubles of one account, or of one source of prices."""

    def __init__(self, host: Host, whose: str, give: Callable[[Trouble], None]) -> None:
        self._host, self._whose, self._give = host, whose, give
        self._again: dict[tuple[TroubleKind, str], int] = {}
        """How often each was heard again since it was told."""
        self._untold = 0
        self._span = MINUTE
        self._ends: DisposableBase | None = None

    def warn(self, trouble: Trouble) -> None:
        """Take a trouble that a connector or a feed tells of: it is of nobody else than whose this is."""
        self.tell(trouble.kind, trouble.what)

    def tell(self, kind: TroubleKind, what: str) -> None:
        what = what[:LENGTH]
        if (kind, what) in self._again:
            self._again[kind, what] += 1
        elif len(self._again) >= MOST:
            self._untold += 1
        else:
            self._again[kind, what] = 0
            self._say(kind, what)
        if self._ends is None:
            self._ends = self._host.at(self._host.now() + self._span, self._over)

    def close(self) -> None:
        if self._ends is not None:
            self._ends.dispose()

    def _over(self) -> None:
        """Say what came again within the span, and begin another, twice as long; once it was quiet there is none."""
        again, self._again = self._again, {key: 0 for key, count in self._again.items() if count}
        untold, self._untold, self._ends = self._untold, 0, None
        span = "a minute" if self._span == MINUTE else f"{self._span // MINUTE} minutes"
        for (kind, what), count in again.items():
            if count:
                self._say(kind, f"{what} ({_times(count)} more within {span})")
        if untold:
            self._say("format", f"{untold} other troubles within {span} are not told one by one")
        self._span = min(2 * self._span, HOUR) if self._again else MINUTE
        if self._again:
            self._ends = self._host.at(self._host.now() + self._span, self._over)

    def _say(self, kind: TroubleKind, what: str) -> None:
        self._give(Trouble(self._whose, kind, what, self._host.now()))


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
