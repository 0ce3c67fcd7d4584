"""Whether the prices that a guard would trade on can be trusted: what health, the last quote and the clock say."""

from collections import deque
from collections.abc import Iterator

from operators.risk.known import LastQuote, Series
from pipeline.values import HEALTH, GateRow, Health, Quotes, Slept

FEED_GATES = ("missed", "feed")
WHOLE = ""
"""The product under which the health of the whole feed is told."""
REFUSED = frozenset(HEALTH.index(word) for word in ("slow", "stale", "suspect", "skewed", "recovering", "down"))
BY_LAG = frozenset(HEALTH.index(word) for word in ("slow", "skewed"))
SLEEPS = 8
"""So many of the last sleeps are remembered; rows of earlier ones were decided long ago."""
SECONDS = 1000.0


class Feed:
    """A guard's memory of its feed. Without a health operator and without `max_age` every answer is yes."""

    def __init__(self, max_age: int | None) -> None:
        self._max_age = max_age
        self._health: dict[str, Series] = {}
        self._quotes: dict[str, LastQuote] = {}
        self._slept: deque[Slept] = deque(maxlen=SLEEPS)

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

    def asked(self, product: str, at: int) -> Iterator[GateRow]:
        """The answers of FEED_GATES for a trade at a moment, in seconds."""
        yield self._missed(at)
        yield self._trusted(product, at)

    def _missed(self, at: int) -> GateRow:
        """How much too late a moment is noticed that came while nothing ran."""
        late = max((each.until - at for each in self._slept if each.since <= at < each.until), default=0)
        return GateRow("missed", late / SECONDS, 0.0, "no" if late else "yes")

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


def _refused(row: tuple[float, ...], at: int) -> GateRow:
    """The lag of prices that are late or out of step; of all else how long it has been so, with the silence before."""
    since, state, lag, silence, limit = row
    value = lag if int(state) in BY_LAG else max(0.0, at - since) + silence
    return GateRow("feed", value / SECONDS, limit / SECONDS, "no", HEALTH[int(state)])
