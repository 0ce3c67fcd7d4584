"""Whether the prices that a guard would trade on can be trusted: what health, the last quote and the clock say."""

from collections import deque
from collections.abc import Iterator

from operators.risk.known import LastQuote, Series
from pipeline.values import HEALTH, GateRow, Health, Quotes, Slept, Standstill

LATE_GATES = ("missed", "overrun")
"""What is said of a bar that came too late: the machine stood still, or the program was busy."""
FEED_GATES = (*LATE_GATES, "feed")
WHOLE = ""
"""The product under which the health of the whole feed is told."""
REFUSED = frozenset(HEALTH.index(word) for word in ("slow", "stale", "suspect", "skewed", "recovering", "down"))
BY_LAG = frozenset(HEALTH.index(word) for word in ("slow", "skewed"))
SLEEPS = 8
"""So many of the last sleeps are remembered; rows of earlier ones were decided long ago."""
SECONDS = 1000.0
AT_ONCE = 5000
"""A bar that is decided so soon after its close (ms) is not late, whatever stood still before."""


def gate_of(cause: Standstill) -> str:
    """What is said of bars that came too late because of it."""
    return "overrun" if cause == "blocked" else "missed"


class Feed:
    """A guard's memory of its feed. Without a health operator and without `max_age` every answer is yes."""

    def __init__(self, max_age: int | None) -> None:
        self._max_age = max_age
        self._health: dict[str, Series] = {}
        self._quotes: dict[str, LastQuote] = {}
        self._slept: deque[Slept] = deque(maxlen=SLEEPS)

    def take_over(self, feed: "Feed") -> None:
        """Know what another one knew."""
        self._health, self._quotes, self._slept = feed._health, feed._quotes, feed._slept

    def know(self, feed: "Feed") -> None:
        """Know when nothing ran, as one that goes on does."""
        self._slept = feed._slept.copy()

    def take(self, item: Health | Quotes | Slept, at: int) -> None:
        match item:
            case Health():
                columns = (item.ts.astype(float), item.state.astype(float), item.lag, item.silence, item.limit)
                self._health.setdefault(item.product, Series(5)).extend(item.ts, *columns)
            case Quotes():
                if len(item):
                    self._quotes.setdefault(item.product, LastQuote()).extend(item, at)
            case Slept():
                self._slept.append(item)

    def asked(self, product: str, at: int, closed: int, tf: int) -> Iterator[GateRow]:
        """The answers of FEED_GATES, in seconds, for a trade at a moment on a bar of `tf` that ended at `closed`."""
        for gate in LATE_GATES:
            slept = (each for each in self._slept if gate_of(each.cause) == gate)
            late = max((_late(each, at, closed, tf) for each in slept), default=0)
            yield GateRow(gate, late / SECONDS, 0.0, "no" if late else "yes")
        yield self._trusted(product, at)

    def skipped(self, closed: int, tf: int) -> Slept | None:
        """Why a bar of `tf` that would have ended at `closed` never came, if nothing ran while its slot was open."""
        return next((each for each in self._slept if each.since <= closed < each.until + tf), None)

    def _trusted(self, product: str, at: int) -> GateRow:
        word = ""
        for name in (product, WHOLE):
            series = self._health.get(name)
            row = (series.at(at) or series.first) if series is not None else ()
            if row and int(row[1]) in REFUSED:
                return _refused(row, at)
            word = word or (HEALTH[int(row[1])] if row else "")
        return self._recent(product, at, word)

    def _recent(self, product: str, at: int, word: str) -> GateRow:
        if self._max_age is None:
            return GateRow("feed", 0.0, 0.0, "yes", word)
        last = self._quotes.get(product)
        stamp = last.stamp(at) if last is not None else None
        age = float("nan") if stamp is None else float(at - stamp)
        if age <= self._max_age:
            return GateRow("feed", age / SECONDS, self._max_age / SECONDS, "yes", word)
        return GateRow("feed", age / SECONDS, self._max_age / SECONDS, "no")


def _late(slept: Slept, at: int, closed: int, tf: int) -> int:
    """How much too late (ms) a moment is noticed that came while nothing ran, or a bar is told that ended then."""
    if slept.since <= at < slept.until:
        return slept.until - at
    told_late = at >= slept.until and slept.since - tf <= closed <= slept.until - AT_ONCE
    return at - closed if told_late else 0


def _refused(row: tuple[float, ...], at: int) -> GateRow:
    """The lag of prices that are late or out of step; of all else how long it has been so, with the silence before."""
    since, state, lag, silence, limit = row
    value = lag if int(state) in BY_LAG else max(0.0, at - since) + silence
    return GateRow("feed", value / SECONDS, limit / SECONDS, "no", HEALTH[int(state)])
