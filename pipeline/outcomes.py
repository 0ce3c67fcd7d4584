"""What each bar would have paid: a contract bought soon after the bar was final, settled by our own prices.

Whether a bar was traded or not, a contract of its own timeframe is thought to be accepted `delay` ms after it was
final, and ends by the rules of `pipeline.settlement`. That is known once a later price than its last has come, or none
for `PATIENCE`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from pipeline.settlement import FOREVER, PricePath
from pipeline.times import HOUR, SECOND
from pipeline.values import Bars, Outcomes, Past, Quotes, Stamps, Stream

PATIENCE = 20 * SECOND
"""How long after its expiry a contract waits for the price that tells that no more of its own are to come."""
MEMORY = HOUR
"""How long prices are kept that no contract needs yet."""
NOTHING: tuple[Outcomes, ...] = ()


@dataclass(frozen=True, slots=True)
class Priced:
    """Bars as a source gave them: prices, and not what is decided on."""

    bars: Bars


@dataclass(slots=True, eq=False)
class Waiting:
    """Bars of one stream whose contracts have not ended, in order."""

    bars: Stamps
    accepted_at: Stamps

    def __len__(self) -> int:
        return len(self.bars)

    def extend(self, bars: Stamps, accepted_at: Stamps) -> None:
        self.bars = np.concatenate((self.bars, bars))
        self.accepted_at = np.concatenate((self.accepted_at, accepted_at))

    def drop(self, rows: int) -> None:
        self.bars, self.accepted_at = self.bars[rows:], self.accepted_at[rows:]


class Counterfactual:
    """The contracts that have not ended, and the prices they are settled by."""

    def __init__(self, delay: int) -> None:
        self._delay = delay
        self._path = PricePath(self._needed_from)
        self._waiting: dict[str, dict[int, Waiting]] = {}
        self._ends: dict[str, int] = {}
        """When the first contract of each product ends."""
        self._alarms: list[tuple[int, str]] = []
        self._now = 0

    def __len__(self) -> int:
        """How many prices and bars it holds."""
        waiting = (len(each) for streams in self._waiting.values() for each in streams.values())
        return len(self._path) + sum(waiting)

    @property
    def due(self) -> int | None:
        while self._alarms and self._ends.get(self._alarms[0][1], FOREVER) != self._alarms[0][0] - PATIENCE:
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def take(self, item: Quotes | Bars | Priced | Past, at: int) -> Iterable[Outcomes]:
        self._now = at
        match item:
            case Quotes():  # live, or from before the flow began for what is still awaited
                self._path.append(item)
                return self._settled(item.product, at)
            case Priced():
                self._path.append(item.bars)
                return self._settled(item.bars.product, at)
            case Bars():
                if not item.fresh:
                    return NOTHING
                new = slice(len(item) - item.fresh, None)
                self._await(item.stream, item.open_ts[new], item.final_at[new])
                return self._settled(item.product, at)
            case Past():
                for awaited in item.awaited:
                    stream = Stream(awaited.product, awaited.tf)
                    self._await(stream, np.array([awaited.bar]), np.array([awaited.final_at]))
                return NOTHING

    def wake(self, at: int) -> Iterator[Outcomes]:
        self._now = at
        while (due := self.due) is not None and due <= at:
            _, product = heappop(self._alarms)
            yield from self._settled(product, at)

    def _await(self, stream: Stream, bars: Stamps, final_at: Stamps) -> None:
        streams = self._waiting.setdefault(stream.product, {})
        if stream.tf not in streams:
            streams[stream.tf] = Waiting(np.zeros(0, np.int64), np.zeros(0, np.int64))
        streams[stream.tf].extend(bars, final_at + self._delay)
        self._look_ahead(stream.product)

    def _settled(self, product: str, at: int) -> Iterable[Outcomes]:
        """The contracts of a product that have ended, as far as is known at a moment."""
        end = self._ends.get(product)
        if end is None or (self._path.complete_at(product, end) is None and at < end + PATIENCE):
            return NOTHING
        streams = self._waiting[product].items()
        ended = [self._ended(product, tf, waiting, at) for tf, waiting in streams]
        self._look_ahead(product)
        return [each for each in ended if each is not None]

    def _ended(self, product: str, tf: int, waiting: Waiting, at: int) -> Outcomes | None:
        expiry = waiting.accepted_at + tf
        complete = self._path.completed(product, expiry)
        known = np.minimum(complete, expiry + PATIENCE)
        told = (complete < FOREVER) | (known <= at)
        rows = len(told) if told.all() else int(told.argmin())
        if not rows:
            return None
        first = slice(0, rows)
        ends = self._path.ends(product, waiting.accepted_at[first], expiry[first], known[first])
        bars = waiting.bars[first]
        waiting.drop(rows)
        return Outcomes(product, tf, self._delay, bars, known[first], *ends)

    def _look_ahead(self, product: str) -> None:
        """Set the alarm for the first contract of a product that ends."""
        ends = [int(each.accepted_at[0]) + tf for tf, each in self._waiting[product].items() if len(each)]
        if not ends:
            self._ends.pop(product, None)
        elif self._ends.get(product) != min(ends):
            self._ends[product] = min(ends)
            heappush(self._alarms, (min(ends) + PATIENCE, product))

    def _needed_from(self, product: str) -> int:
        accepted = (int(each.accepted_at[0]) for each in self._waiting.get(product, {}).values() if len(each))
        return min((self._now - MEMORY, *accepted))
